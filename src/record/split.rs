//! Splitting lists and objects: one level of JSON text, the parts as slices of it.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::names::HasName;
use super::scan;
use super::text::{Text, decode_text, is_name};

/// Returns the elements of an admitted list's JSON text; `make` builds each from its text.
pub(super) fn split_list<P>(json: &Text, mut make: impl FnMut(Text) -> P) -> Vec<P> {
    if let Some(parts) = scan::parts(json, |part| make(json.slice(part))) {
        return parts;
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json).expect("a value inside a record is valid JSON");
    let texts = parts.into_iter().map(|part| json.slice_of(part.get()));
    texts.map(make).collect()
}

/// Longer texts are processed part by part, and scanned once beforehand, because the scanner could otherwise fail in
/// the middle.
pub(super) const LONG: usize = 64 << 10;

/// Returns the fields of an admitted object's JSON text; `make` builds each from the texts of its name and value.
pub(super) fn split_object<F>(json: &Text, make: impl FnMut(Text, Text) -> F) -> Vec<F> {
    try_split_object(json, make).expect("a value inside a record is valid JSON")
}

pub(super) fn try_split_object<F>(
    json: &Text,
    mut make: impl FnMut(Text, Text) -> F,
) -> Result<Vec<F>, serde_json::Error> {
    if let Some(fields) = scan::fields(json, |name, value| make(json.slice(name), json.slice(value))) {
        return Ok(fields);
    }
    let Fields(parts) = serde_json::from_str(json)?;
    let raw = |part: &RawValue| json.slice_of(part.get());
    let fields = parts.into_iter();
    Ok(fields.map(|(name, value)| make(raw(name), raw(value))).collect())
}

/// Returns the text of a field's value in an admitted object's text; the text is read only up to that field.
pub(super) fn field_of(json: &Text, name: &str) -> Option<Text> {
    if let Ok(found) = scan::field(json, |written| is_name(written, name)) {
        return found.map(|value| json.slice(value));
    }
    let mut fields = split_object(json, |written, value| (written, value)).into_iter();
    let found = fields.find(|(written, _)| is_name(written, name));
    found.map(|(_, value)| value)
}

/// Returns an iterator over the elements of an admitted list's JSON text: a list can have millions.
pub(crate) fn elements(json: &str) -> Box<dyn Iterator<Item = &str> + '_> {
    if let Some(elements) = scan::elements(json) {
        return Box::new(elements);
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json).expect("a value inside a record is valid JSON");
    Box::new(parts.into_iter().map(RawValue::get))
}

/// A field as slices of its object's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawField<'t> {
    /// The name's JSON text, with its quotes.
    pub(crate) name: &'t str,
    /// The value's JSON text.
    pub(crate) value: &'t str,
}

impl HasName for RawField<'_> {
    fn is(&self, name: &str) -> bool {
        is_name(self.name, name)
    }

    fn name(&self) -> Cow<'_, str> {
        decode_text(self.name).expect("a field's name is a text")
    }
}

/// Returns the fields of a record's data as slices of it; `None` where the text is not an object.
pub(crate) fn parts_of(data: &str) -> Option<Vec<RawField<'_>>> {
    let part = |name, value| RawField {
        name: &data[name],
        value: &data[value],
    };
    if let Some(fields) = scan::fields(data, part) {
        return Some(fields);
    }
    let Fields(parts) = serde_json::from_str(data).ok()?;
    let fields = parts.into_iter().map(|(name, value)| RawField {
        name: name.get(),
        value: value.get(),
    });
    Some(fields.collect())
}

/// Calls `tell` with each field of a record's data, piece by piece where it is long; `None` where the text is not an
/// object.
pub(crate) fn each_field<'t>(data: &'t str, tell: &mut dyn FnMut(RawField<'t>)) -> Option<()> {
    let is_plain = data.len() > LONG && scan::fields(data, |_, _| ()).is_some();
    if !is_plain {
        parts_of(data)?.into_iter().for_each(tell);
        return Some(());
    }
    scan::fields(data, |name, value| {
        tell(RawField {
            name: &data[name],
            value: &data[value],
        });
    })
    .map(drop)
}

/// An object's fields as slices of its text, in order, including repeated names.
pub(super) struct Fields<'a>(pub(super) Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some(field) = map.next_entry::<&RawValue, &RawValue>()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

//! Taking lists and objects apart: one level of JSON text, the parts as slices of it.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::names::Named;
use super::value::{decode_text, is_name};
use super::{Field, Malformed, Object, Text, Value, scan};

/// The elements of a list's JSON text, which the door has validated.
pub(super) fn split_list(json: &Text) -> Vec<Value> {
    if let Some(parts) = scan::parts(json, |part| Value::Raw(json.slice(part))) {
        return parts;
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json).expect("a value inside a record is valid JSON");
    parts
        .into_iter()
        .map(|part| Value::Raw(json.slice_of(part.get())))
        .collect()
}

/// What is longer is told part by part, and read once beforehand: it could turn out to be too intricate in the middle.
const LONG: usize = 64 << 10;

/// Tells the elements of a list's JSON text, one by one where it is long; how many there are.
pub(super) fn each_part(json: &Text, tell: &mut dyn FnMut(&Value)) -> usize {
    if json.len() > LONG {
        let parts = elements(json).map(|part| tell(&Value::Raw(json.slice_of(part))));
        return parts.count();
    }
    let list = split_list(json);
    list.iter().for_each(tell);
    list.len()
}

/// The fields of an object's JSON text, which the door has validated.
pub(super) fn split_object(json: &Text) -> Object {
    try_split_object(json).expect("a value inside a record is valid JSON")
}

pub(super) fn try_split_object(json: &Text) -> Result<Object, serde_json::Error> {
    let field = |name, value| Field::of_raw(json.slice(name), json.slice(value));
    if let Some(fields) = scan::fields(json, field) {
        return Ok(Object::of(fields));
    }
    let Fields(parts) = serde_json::from_str(json)?;
    let raw = |part: &RawValue| json.slice_of(part.get());
    Ok(parts
        .into_iter()
        .map(|(name, value)| Field::of_raw(raw(name), raw(value)))
        .collect())
}

/// The value of a field of an object's text, which the door has validated: it is only looked at as far as that.
pub(super) fn field_of(json: &Text, name: &str) -> Option<Value> {
    match scan::field(json, |written| is_name(written, name)) {
        Ok(found) => found.map(|value| Value::Raw(json.slice(value))),
        Err(scan::Intricate) => split_object(json).get(name).cloned(),
    }
}

/// The value of a record's field, which the door has let in: it is only looked at as far as that.
///
/// # Errors
/// [`Malformed`] when the text is not a JSON object.
pub(crate) fn value_in(data: &str, name: &str) -> Result<Option<Value>, Malformed> {
    if let (true, Ok(found)) = (
        data.starts_with('{'),
        scan::field(data, |written| is_name(written, name)),
    ) {
        return Ok(found.map(|value| Value::Raw(Text::from(&data[value]))));
    }
    Object::parse(data).map(|object| object.get(name).cloned())
}

/// The elements of a list's JSON text, which the door has validated, one by one: a list can have millions.
pub(crate) fn elements(json: &str) -> Box<dyn Iterator<Item = &str> + '_> {
    if let Some(elements) = scan::elements(json) {
        return Box::new(elements);
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json).expect("a value inside a record is valid JSON");
    Box::new(parts.into_iter().map(RawValue::get))
}

/// A field as slices of its object's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'t> {
    /// The name's JSON text, with its quotes.
    pub(crate) name: &'t str,
    /// The value's JSON text.
    pub(crate) value: &'t str,
}

impl Named for Part<'_> {
    fn is(&self, name: &str) -> bool {
        is_name(self.name, name)
    }

    fn name(&self) -> Cow<'_, str> {
        decode_text(self.name).expect("a field's name is a text")
    }
}

/// The fields of a record's data as slices of it; `None` where the text is not an object.
pub(crate) fn parts_of(data: &str) -> Option<Vec<Part<'_>>> {
    let part = |name, value| Part {
        name: &data[name],
        value: &data[value],
    };
    if let Some(fields) = scan::fields(data, part) {
        return Some(fields);
    }
    let Fields(parts) = serde_json::from_str(data).ok()?;
    let fields = parts.into_iter().map(|(name, value)| Part {
        name: name.get(),
        value: value.get(),
    });
    Some(fields.collect())
}

/// Tells the fields of a record's data, one by one where it is long; `None` where the text is not an object.
pub(crate) fn each_field<'t>(data: &'t str, tell: &mut dyn FnMut(Part<'t>)) -> Option<()> {
    let is_plain = data.len() > LONG && scan::fields(data, |_, _| ()).is_some();
    if !is_plain {
        parts_of(data)?.into_iter().for_each(tell);
        return Some(());
    }
    scan::fields(data, |name, value| {
        tell(Part {
            name: &data[name],
            value: &data[value],
        });
    })
    .map(drop)
}

/// An object's fields as slices of its text, in order, duplicates included.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_one_by_one_as_they_are_split() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (count, inside) in [
            (0, "1"),
            (3, "\"a\\u002c]\""),
            (9_000, "{\"k\":[1,{}]}"),
            (300, deep.as_str()),
        ] {
            let list = format!("[{}]", vec![inside; count].join(","));
            assert_eq!(elements(&list).collect::<Vec<_>>(), vec![inside; count]);
            let mut told = Vec::new();
            let many = each_part(&Text::from(list.as_str()), &mut |part| told.push(part.to_json()));
            assert_eq!((many, told), (count, vec![inside.to_owned(); count]));

            let fields: Vec<_> = (0..count).map(|at| (format!("\"n{at}\""), inside)).collect();
            let object: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{value}"))
                .collect();
            let object = format!("{{{}}}", object.join(","));
            let mut told = Vec::new();
            each_field(&object, &mut |part| told.push((part.name.to_owned(), part.value))).unwrap();
            assert_eq!(told, fields);
            let name = format!("n{}", count.saturating_sub(1));
            let value = value_in(&object, &name).unwrap();
            assert_eq!(
                value.map(|value| value.to_json()),
                (count > 0).then(|| inside.to_owned())
            );
        }
        assert!(each_field("[1]", &mut |_| {}).is_none());
        assert!(value_in("[1]", "id").is_err());
    }
}

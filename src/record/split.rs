//! Taking lists and objects apart: one level of JSON text, the parts as slices of it.

use std::fmt;

use serde_json::value::RawValue;

use super::{Field, Object, Text, Value, scan};

/// The elements of a list's JSON text, which the door has validated.
pub(super) fn split_list(json: &Text) -> Vec<Value> {
    if let Some(parts) = scan::parts(json) {
        return parts
            .into_iter()
            .map(|part| Value::Raw(json.slice(part)))
            .collect();
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json).expect("a value inside a record is valid JSON");
    parts
        .into_iter()
        .map(|part| Value::Raw(json.slice_of(part.get())))
        .collect()
}

/// The fields of an object's JSON text, which the door has validated.
pub(super) fn split_object(json: &Text) -> Object {
    try_split_object(json).expect("a value inside a record is valid JSON")
}

pub(super) fn try_split_object(json: &Text) -> Result<Object, serde_json::Error> {
    if let Some(fields) = scan::fields(json) {
        return Ok(fields
            .into_iter()
            .map(|(name, value)| Field::of_raw(json.slice(name), json.slice(value)))
            .collect());
    }
    let Fields(parts) = serde_json::from_str(json)?;
    let raw = |part: &RawValue| json.slice_of(part.get());
    Ok(parts
        .into_iter()
        .map(|(name, value)| Field::of_raw(raw(name), raw(value)))
        .collect())
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

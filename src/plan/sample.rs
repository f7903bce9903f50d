//! One record as it is and as it would be, field by field.

use crate::error::Result;
use crate::path::Path;
use crate::quarantine::mask;
use crate::record::{Document, Value};

/// A record that would be written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// Its id in the source.
    pub id: String,
    /// Its id in the target.
    pub target_id: String,
    /// Its fields: first what would change, in the order of the source; then what is new.
    pub fields: Vec<FieldChange>,
    /// How many fields would stay as they are.
    pub kept: u64,
}

/// A field that would change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    /// The JSON text that stands there; `None` for none.
    pub before: Option<String>,
    /// The JSON text that would stand there; `None` for none.
    pub after: Option<String>,
}

impl Sample {
    /// Compares both sides, with what is redacted masked.
    pub(super) fn of(
        (id, source): (&str, &str),
        (target_id, target): (&str, &str),
        redact: &[Path],
    ) -> Result<Self> {
        let read = |data: &str| {
            let mut document = Document::parse(data).map_err(|fault| crate::error::Error::Damaged {
                what: format!("a record is not a JSON object: {fault}"),
            })?;
            mask(&mut document, redact);
            let mut fields = Vec::new();
            for field in document.fields() {
                spread(&mut fields, &pointer("", &field.name()), &field.value);
            }
            Ok::<_, crate::error::Error>(fields)
        };
        let (before, after) = (read(source)?, read(target)?);
        let old: std::collections::HashMap<&str, &str> = texts(&before).collect();
        let new: std::collections::HashMap<&str, &str> = texts(&after).collect();
        let (mut fields, mut kept) = (Vec::new(), 0);
        for (pointer, text) in &before {
            match new.get(pointer.as_str()) {
                Some(same) if same == text => kept += 1,
                changed => fields.push(FieldChange {
                    pointer: pointer.clone(),
                    before: Some(text.clone()),
                    after: changed.map(|text| (*text).to_owned()),
                }),
            }
        }
        let is_new = after
            .iter()
            .filter(|(pointer, _)| !old.contains_key(pointer.as_str()));
        fields.extend(is_new.map(|(pointer, text)| FieldChange {
            pointer: pointer.clone(),
            before: None,
            after: Some(text.clone()),
        }));
        Ok(Self {
            id: id.to_owned(),
            target_id: target_id.to_owned(),
            fields,
            kept,
        })
    }
}

fn texts(fields: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    fields
        .iter()
        .map(|(pointer, text)| (pointer.as_str(), text.as_str()))
}

fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The values that hold no others, each with its place; an empty object or list stands for itself.
fn spread(fields: &mut Vec<(String, String)>, place: &str, value: &Value) {
    if let Some(object) = value.as_object().filter(|object| !object.is_empty()) {
        for field in object.fields() {
            spread(fields, &pointer(place, &field.name()), &field.value);
        }
    } else if let Some(list) = value.as_list().filter(|list| !list.is_empty()) {
        for (at, element) in list.iter().enumerate() {
            spread(fields, &format!("{place}/{at}"), element);
        }
    } else {
        fields.push((place.to_owned(), value.to_json()));
    }
}

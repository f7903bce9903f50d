//! One record as it is and as it would be, field by field.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::path::Path;
use crate::quarantine::mask;
use crate::record::{Document, Object, Value};

/// The most fields of a record that are told one by one, unless all are wanted.
const FIELDS: usize = 40;
/// The most letters of a value.
const LETTERS: usize = 200;

/// A record that would be written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// Its id in the source.
    pub id: String,
    /// Its id in the target.
    pub target_id: String,
    /// Its fields: first what would change, in the order of the source; then what is new. Unless all are wanted, at most
    /// forty of them.
    pub fields: Vec<FieldChange>,
    /// How many more fields would change.
    pub more: u64,
    /// How many fields would stay as they are.
    pub kept: u64,
}

/// A field that would change.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    /// The JSON text that stands there; `None` for none. A long one is cut, and ends with `…`, unless all is wanted.
    pub before: Option<String>,
    /// The JSON text that would stand there; `None` for none. Cut likewise.
    pub after: Option<String>,
}

impl Sample {
    /// Compares both sides, with what is redacted masked.
    pub(super) fn of(
        (id, source): (&str, &str),
        (target_id, target): (&str, &str),
        redact: &[Path],
        full: bool,
    ) -> Result<Self> {
        let read = |data: &str| {
            let mut document = Document::parse(data).map_err(|fault| Error::Damaged {
                what: format!("a record is not a JSON object: {fault}"),
            })?;
            mask(&mut document, redact);
            Ok::<_, Error>(document)
        };
        let mut comparison = Comparison {
            full,
            ..Comparison::default()
        };
        comparison.objects("", &read(source)?, &read(target)?);
        let mut fields = comparison.changed;
        fields.extend(comparison.new);
        let more = comparison.more + fields.len() as u64;
        if !full {
            fields.truncate(FIELDS);
        }
        Ok(Self {
            id: id.to_owned(),
            target_id: target_id.to_owned(),
            more: more - fields.len() as u64,
            fields,
            kept: comparison.kept,
        })
    }
}

/// A comparison of two documents, which is as large as what it tells, however large they are.
#[derive(Default)]
struct Comparison {
    full: bool,
    changed: Vec<FieldChange>,
    new: Vec<FieldChange>,
    more: u64,
    kept: u64,
}

impl Comparison {
    fn values(&mut self, place: &str, before: &Value, after: &Value) {
        if let (Some(before), Some(after)) = (object(before), object(after)) {
            self.objects(place, &before, &after);
        } else if let (Some(before), Some(after)) = (list(before), list(after)) {
            for (at, value) in before.iter().enumerate() {
                let place = format!("{place}/{at}");
                match after.get(at) {
                    Some(after) => self.values(&place, value, after),
                    None => self.leaves(&place, value, true),
                }
            }
            for (at, value) in after.iter().enumerate().skip(before.len()) {
                self.leaves(&format!("{place}/{at}"), value, false);
            }
        } else if is_leaf(before) && is_leaf(after) {
            let (before, after) = (before.to_json(), after.to_json());
            if before == after {
                self.kept += 1;
            } else {
                self.change(place, Some(before), Some(after));
            }
        } else {
            self.leaves(place, before, true);
            self.leaves(place, after, false);
        }
    }

    fn objects(&mut self, place: &str, before: &Object, after: &Object) {
        let named = |object: &Object| -> HashMap<String, usize> {
            let fields = object.fields().iter().enumerate();
            fields
                .map(|(at, field)| (field.name().into_owned(), at))
                .collect()
        };
        let (old, new) = (named(before), named(after));
        for field in before.fields() {
            let place = pointer(place, &field.name());
            match new.get(&*field.name()) {
                Some(at) => self.values(&place, &field.value, &after.fields()[*at].value),
                None => self.leaves(&place, &field.value, true),
            }
        }
        for field in after.fields() {
            if !old.contains_key(&*field.name()) {
                self.leaves(&pointer(place, &field.name()), &field.value, false);
            }
        }
    }

    /// The values that hold no others, each with its place; an empty object or list stands for itself.
    fn leaves(&mut self, place: &str, value: &Value, is_old: bool) {
        if let Some(object) = object(value) {
            for field in object.fields() {
                self.leaves(&pointer(place, &field.name()), &field.value, is_old);
            }
        } else if let Some(list) = list(value) {
            for (at, element) in list.iter().enumerate() {
                self.leaves(&format!("{place}/{at}"), element, is_old);
            }
        } else if is_old {
            self.change(place, Some(value.to_json()), None);
        } else {
            self.change(place, None, Some(value.to_json()));
        }
    }

    fn change(&mut self, place: &str, before: Option<String>, after: Option<String>) {
        let side = if before.is_some() {
            &mut self.changed
        } else {
            &mut self.new
        };
        if !self.full && side.len() == FIELDS {
            self.more += 1;
            return;
        }
        let cut = |text: String| match text.char_indices().nth(LETTERS) {
            Some((at, _)) if !self.full => format!("{}…", &text[..at]),
            _ => text,
        };
        side.push(FieldChange {
            pointer: place.to_owned(),
            before: before.map(cut),
            after: after.map(cut),
        });
    }
}

fn object(value: &Value) -> Option<std::borrow::Cow<'_, Object>> {
    value.as_object().filter(|object| !object.is_empty())
}

fn list(value: &Value) -> Option<std::borrow::Cow<'_, [Value]>> {
    value.as_list().filter(|list| !list.is_empty())
}

fn is_leaf(value: &Value) -> bool {
    object(value).is_none() && list(value).is_none()
}

fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

//! Before images: how an overwritten or deleted row is kept so that a rollback restores it exactly.

use serde_json::value::RawValue;

use super::entry::ImageKind;
use crate::error::{Error, Result};
use crate::record::{Document, Field, Record, Value};

/// The bytes of a whole row: `id || 0x00 || data`, which is what its commitment covers after the salt.
#[must_use]
pub(crate) fn whole(id: &str, data: &str) -> Vec<u8> {
    [id.as_bytes(), &[0], data.as_bytes()].concat()
}

/// Takes a whole row apart; `None` when the bytes are no such image.
#[must_use]
pub(crate) fn split_whole(body: &[u8]) -> Option<(&str, &str)> {
    let at = body.iter().position(|byte| *byte == 0)?;
    Some((
        std::str::from_utf8(&body[..at]).ok()?,
        std::str::from_utf8(&body[at + 1..]).ok()?,
    ))
}

/// The record that a whole row is; [`Error::Damaged`] when the bytes are no such image.
pub(crate) fn whole_record(number: i64, body: &[u8]) -> Result<Record> {
    let (id, data) = split_whole(body).ok_or_else(|| Error::Damaged {
        what: format!("the image of record {number} is no record"),
    })?;
    Ok(Record {
        record: number,
        id: id.to_owned(),
        data: data.to_owned(),
    })
}

/// The smaller image that brings `new` back to `old`: a reverse patch where it provably does and is smaller, otherwise
/// the whole old row.
#[must_use]
pub(crate) fn before_image(old: (&str, &str), new: (&str, &str)) -> (ImageKind, Vec<u8>) {
    let patch = (old.0 == new.0).then(|| reverse_patch(old.1, new.1)).flatten();
    match patch {
        Some(patch) if patch.len() < old.1.len() && apply_patch(new.1, &patch).as_deref() == Some(old.1) => {
            (ImageKind::Patch, patch.into_bytes())
        }
        _ => (ImageKind::Whole, whole(old.0, old.1)),
    }
}

/// The reverse patch between two documents, over the fields of the top level: a JSON array of
/// `[pointer, position, old text | null, new text | null]`. The texts are raw JSON, kept as JSON strings, so that
/// numbers stay as written. Positions are those in the old document; a field that did not exist has position -1.
fn reverse_patch(old: &str, new: &str) -> Option<String> {
    let (old, new) = (Document::parse(old).ok()?, Document::parse(new).ok()?);
    let mut steps: Vec<(String, i64, Option<String>, Option<String>)> = Vec::new();
    for field in new.fields() {
        if old.get(&field.name()).is_none() {
            steps.push((pointer(&field.name()), -1, None, Some(field.value.to_json())));
        }
    }
    for (position, field) in old.fields().iter().enumerate() {
        let now = new.get(&field.name());
        if now != Some(&field.value) {
            let position = i64::try_from(position).ok()?;
            let (was, is) = (field.value.to_json(), now.map(Value::to_json));
            steps.push((pointer(&field.name()), position, Some(was), is));
        }
    }
    serde_json::to_string(&steps).ok()
}

/// Applies a reverse patch to the new data, giving the old; `None` when it does not fit.
#[must_use]
pub(crate) fn apply_patch(new: &str, patch: &str) -> Option<String> {
    let steps: Vec<(String, i64, Option<String>, Option<String>)> = serde_json::from_str(patch).ok()?;
    let mut document = Document::parse(new).ok()?;
    for (pointer, position, old, _) in steps {
        let name = pointer.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
        let Some(old) = old else {
            document.remove(&name)?;
            continue;
        };
        let _: &RawValue = serde_json::from_str(&old).ok()?;
        let value = Value::Raw(old.into());
        if let Some(field) = document.get_mut(&name) {
            *field = value;
        } else {
            let position = usize::try_from(position).ok()?;
            (position <= document.len())
                .then(|| document.fields_mut().insert(position, Field::new(&name, value)))?;
        }
    }
    Some(document.to_json())
}

/// Undoes the fields of a reverse patch in a row that was changed since: with `force` every field of the patch,
/// otherwise only those that still hold what the patch says was written. `None` when the patch or the row is no JSON.
#[must_use]
pub(crate) fn undo_fields(now: &str, patch: &str, force: bool) -> Option<String> {
    let steps: Vec<(String, i64, Option<String>, Option<String>)> = serde_json::from_str(patch).ok()?;
    let mut document = Document::parse(now).ok()?;
    for (pointer, position, old, new) in steps {
        let name = pointer.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
        if !force && document.get(&name).map(Value::to_json) != new {
            continue;
        }
        match old {
            None => drop(document.remove(&name)),
            Some(old) if document.get(&name).is_some() => drop(document.set(&name, Value::Raw(old.into()))),
            Some(old) => {
                let position = usize::try_from(position).ok()?.min(document.len());
                document
                    .fields_mut()
                    .insert(position, Field::new(&name, Value::Raw(old.into())));
            }
        }
    }
    Some(document.to_json())
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_restores_the_old_row_exactly() {
        let cases = [
            (r#"{"a":1.50,"b":"x"}"#, r#"{"a":1.50,"b":"y","c":true}"#),
            (r#"{"a":1,"b":2,"c":3}"#, r#"{"c":3}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            (r#"{"\u0061":1,"a/b~":{"x":[1.0]}}"#, r#"{"z":0}"#),
            ("{}", r#"{"z":0}"#),
        ];
        for (old, new) in cases {
            let (kind, body) = before_image(("id", old), ("id", new));
            let restored = match kind {
                ImageKind::Patch => apply_patch(new, std::str::from_utf8(&body).unwrap()).unwrap(),
                _ => split_whole(&body).unwrap().1.to_owned(),
            };
            assert_eq!(restored, old);
        }
        let (kind, body) = before_image(("old", "{}"), ("new", "{}"));
        assert_eq!(
            (kind, split_whole(&body)),
            (ImageKind::Whole, Some(("old", "{}")))
        );
    }
}

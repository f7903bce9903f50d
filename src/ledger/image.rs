//! Before images: how an overwritten or deleted row is kept so that a rollback restores it exactly.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::entry::ImageKind;
use crate::error::{Error, Result};
use crate::record::{Named as _, Names, Record, Value, parts_of};

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
    let (old, new) = (parts_of(old)?, parts_of(new)?);
    let (mut was, mut is) = (Names::of(&old), Names::of(&new));
    let mut steps: Vec<Step<'_>> = Vec::new();
    for field in &new {
        if was.position(&field.name()).is_none() {
            steps.push((pointer(&field.name()), -1, None, Some(field.value.into())));
        }
    }
    for (position, field) in old.iter().enumerate() {
        let now = is.get(&field.name()).map(|now| now.value);
        if now != Some(field.value) {
            let position = i64::try_from(position).ok()?;
            steps.push((
                pointer(&field.name()),
                position,
                Some(field.value.into()),
                now.map(Into::into),
            ));
        }
    }
    serde_json::to_string(&steps).ok()
}

/// A step of a reverse patch: pointer, position, old text, new text.
type Step<'t> = (String, i64, Option<Cow<'t, str>>, Option<Cow<'t, str>>);

/// Applies a reverse patch to the new data, giving the old; `None` when it does not fit.
#[must_use]
pub(crate) fn apply_patch(new: &str, patch: &str) -> Option<String> {
    undo(new, patch, |_, _| true, true)
}

/// Undoes the fields of a reverse patch in a row that was changed since: with `force` every field of the patch,
/// otherwise only those that still hold what the patch says was written. `None` when the patch or the row is no JSON.
#[must_use]
pub(crate) fn undo_fields(now: &str, patch: &str, force: bool) -> Option<String> {
    let is_as_written = |now: Option<&str>, written: Option<&str>| force || now == written;
    undo(now, patch, is_as_written, false)
}

/// A field's name and value, as JSON texts.
type Raw<'t> = (Cow<'t, str>, Cow<'t, str>);

/// Undoes those steps of a patch that are to be undone by what the row has now and what was written. Every field is in
/// one step at most and the positions ascend ([`reverse_patch`]). `exactly`: only where the row is as the patch has left it.
fn undo(
    now: &str,
    patch: &str,
    is_to_undo: impl Fn(Option<&str>, Option<&str>) -> bool,
    exactly: bool,
) -> Option<String> {
    let steps: Vec<Step<'_>> = serde_json::from_str(patch).ok()?;
    let parts = parts_of(now)?;
    let mut names = Names::of(&parts);
    let mut fields: Vec<Option<Raw<'_>>> = parts
        .iter()
        .map(|part| Some((part.name.into(), part.value.into())))
        .collect();
    let mut gone: Vec<(usize, Raw<'_>)> = Vec::new();
    for (pointer, position, old, new) in steps {
        let name = pointer.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
        let at = names.position(&name);
        if !is_to_undo(at.map(|at| parts[at].value), new.as_deref()) {
            continue;
        }
        let Some(old) = old else {
            match at {
                Some(at) => fields[at] = None,
                None if exactly => return None,
                None => {}
            }
            continue;
        };
        let _: &RawValue = serde_json::from_str(&old).ok()?;
        if let Some(at) = at {
            fields[at].as_mut()?.1 = old;
        } else {
            let name = Value::text(&name).to_json();
            gone.push((usize::try_from(position).ok()?, (name.into(), old)));
        }
    }
    let mut kept = fields.into_iter().flatten();
    let mut restored = Vec::with_capacity(parts.len() + gone.len());
    for (position, field) in gone {
        restored.extend(kept.by_ref().take(position.saturating_sub(restored.len())));
        if exactly && restored.len() != position {
            return None;
        }
        restored.push(field);
    }
    restored.extend(kept);
    Some(object_of(&restored))
}

/// The JSON text of an object of these fields.
fn object_of(fields: &[Raw<'_>]) -> String {
    let bytes: usize = fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    let mut json = String::with_capacity(bytes + 2);
    json.push('{');
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.extend([&**name, ":", &**value]);
    }
    json.push('}');
    json
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

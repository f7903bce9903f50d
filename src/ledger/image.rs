//! Before images: the stored form of an overwritten or deleted row, from which a rollback restores it exactly.

use std::borrow::Cow;

use rusqlite::Connection;
use serde_json::value::RawValue;

use super::entry::{EntryOutcome, ImageKind};
use super::sql::is_of_window;
use crate::digest::{Hash, Salt, hex};
use crate::error::{Error, Result};
use crate::record::{BatchId, HasName as _, Names, Record, RecordNumber, Value, each_field, parts_of};

/// Returns the bytes of a whole row, `id || 0x00 || data`, which its commitment covers after the salt.
#[must_use]
pub(crate) fn whole(id: &str, data: &str) -> Vec<u8> {
    [id.as_bytes(), &[0], data.as_bytes()].concat()
}

/// Splits a whole row; returns `None` if the bytes are not such an image. Other modules call the functions below
/// instead.
fn split_whole(body: &[u8]) -> Option<(&str, &str)> {
    let at = body.iter().position(|byte| *byte == 0)?;
    Some((
        std::str::from_utf8(&body[..at]).ok()?,
        std::str::from_utf8(&body[at + 1..]).ok()?,
    ))
}

/// Returns the id and the data of a whole row; `None` if the bytes are not such an image.
#[must_use]
pub(crate) fn row_in(body: &[u8]) -> Option<(String, String)> {
    split_whole(body).map(|(id, data)| (id.to_owned(), data.to_owned()))
}

/// Returns the id of a whole row.
#[must_use]
pub(crate) fn id_in(body: &[u8]) -> Option<&str> {
    split_whole(body).map(|(id, _)| id)
}

/// Returns the record of a whole row; [`Error::Damaged`] if the bytes are not such an image.
pub(crate) fn whole_record(number: RecordNumber, body: &[u8]) -> Result<Record> {
    let (id, data) = row_in(body).ok_or_else(|| Error::Damaged {
        what: format!("the image of record {number} is not a record"),
    })?;
    Ok(Record { number, id, data })
}

/// Returns the id and the data of a row before a change, from its kept image (a whole row or a reverse patch) and the
/// row after the change. Returns `None` if there is no such image or it does not fit the row.
#[must_use]
pub(crate) fn row_before(
    image: Option<&(ImageKind, Vec<u8>)>,
    after: Option<(&str, &str)>,
) -> Option<(String, String)> {
    match image? {
        (ImageKind::Whole | ImageKind::Refused, body) => row_in(body),
        (ImageKind::Patch, body) => {
            let (id, data) = after?;
            let patch = std::str::from_utf8(body).ok()?;
            Some((id.to_owned(), apply_patch(data, patch)?))
        }
        (ImageKind::Encrypted, _) => None,
    }
}

/// Returns the smaller image that restores `old` from `new`: a reverse patch if it provably does and is smaller,
/// otherwise the whole old row.
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

/// Returns the reverse patch between two documents, over the fields of the top level: a JSON array of
/// `[pointer, position, old text | null, new text | null]`. The texts are raw JSON, kept as JSON strings, so that
/// numbers keep their spelling. Positions are those in the old document; a field that did not exist has position -1.
/// Returns `None`, before building the patch, if it cannot be shorter than the old document.
fn reverse_patch(old: &str, new: &str) -> Option<String> {
    let row = old.len();
    let old = parts_of(old)?;
    let mut was = Names::from_fields(&old);
    let mut now: Vec<Option<&str>> = vec![None; old.len()];
    let mut steps: Vec<Step<'_>> = Vec::new();
    each_field(new, &mut |field| match was.position(&field.name()) {
        Some(at) => now[at] = Some(field.value),
        None => steps.push((pointer(&field.name()), -1, None, Some(field.value.into()))),
    })?;
    for (position, (field, now)) in (0..).zip(old.iter().zip(now)) {
        if now != Some(field.value) {
            steps.push((
                pointer(&field.name()),
                position,
                Some(field.value.into()),
                now.map(Into::into),
            ));
        }
    }
    let texts = steps.iter().flat_map(|(_, _, old, new)| [old, new]).flatten();
    let is_shorter = texts.map(|text| text.len()).sum::<usize>() < row;
    is_shorter.then(|| serde_json::to_string(&steps).ok())?
}

/// A step of a reverse patch: pointer, position, old text, new text.
type Step<'t> = (String, i64, Option<Cow<'t, str>>, Option<Cow<'t, str>>);

/// Applies a reverse patch to the new data and returns the old; `None` if it does not fit.
#[must_use]
pub(crate) fn apply_patch(new: &str, patch: &str) -> Option<String> {
    undo(new, patch, |_, _| true, true)
}

/// Undoes the fields of a reverse patch in a row that was changed since: with `force` every field of the patch,
/// otherwise only those that still have the value that the patch says was written. Returns `None` if the patch or the
/// row is not JSON.
#[must_use]
pub(crate) fn undo_fields(now: &str, patch: &str, force: bool) -> Option<String> {
    let is_as_written = |now: Option<&str>, written: Option<&str>| force || now == written;
    undo(now, patch, is_as_written, false)
}

/// Undoes the steps of a patch that `is_to_undo` selects from what the row has now and what was written. Every field is
/// in one step at most and the positions ascend ([`reverse_patch`]). `exactly`: only if the row is as the patch left
/// it.
fn undo(
    now: &str,
    patch: &str,
    is_to_undo: impl Fn(Option<&str>, Option<&str>) -> bool,
    exactly: bool,
) -> Option<String> {
    let steps: Vec<Step<'_>> = serde_json::from_str(patch).ok()?;
    let parts = parts_of(now)?;
    let mut names = Names::from_fields(&parts);
    // New values of fields that exist, and of those that do not, with their positions.
    let mut changed: Vec<(usize, Option<Cow<'_, str>>)> = Vec::new();
    let mut gone: Vec<(usize, String, Cow<'_, str>)> = Vec::new();
    for (pointer, position, old, new) in steps {
        let name = pointer.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
        let at = names.position(&name);
        if !is_to_undo(at.map(|at| parts[at].value), new.as_deref()) {
            continue;
        }
        if let Some(old) = &old {
            let _: &RawValue = serde_json::from_str(old).ok()?;
        }
        match (at, old) {
            (Some(at), old) => changed.push((at, old)),
            (None, Some(old)) => {
                gone.push((usize::try_from(position).ok()?, Value::text(&name).to_json(), old));
            }
            (None, None) if exactly => return None,
            (None, None) => {}
        }
    }
    changed.sort_unstable_by_key(|(at, _)| *at);
    if changed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    let mut changed = changed.into_iter().peekable();
    let mut kept = parts.iter().enumerate().filter_map(|(at, part)| {
        match changed.next_if(|(changed, _)| *changed == at) {
            Some((_, old)) => old.map(|old| (part.name, old)),
            None => Some((part.name, part.value.into())),
        }
    });
    let mut restored = ObjectText::new(now.len() + patch.len());
    for (position, name, old) in gone {
        while restored.fields < position
            && let Some((name, value)) = kept.next()
        {
            restored.field(name, &value);
        }
        if exactly && restored.fields != position {
            return None;
        }
        restored.field(&name, &old);
    }
    kept.for_each(|(name, value)| restored.field(name, &value));
    Some(restored.end())
}

/// The JSON text of an object, built field by field.
struct ObjectText {
    json: String,
    fields: usize,
}

impl ObjectText {
    fn new(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push('{');
        Self { json, fields: 0 }
    }

    /// Adds a field, given as JSON texts.
    fn field(&mut self, name: &str, value: &str) {
        if self.fields > 0 {
            self.json.push(',');
        }
        self.json.extend([name, ":", value]);
        self.fields += 1;
    }

    fn end(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A refused input that is no longer kept.
pub(crate) struct LostInput {
    pub(crate) database: Option<String>,
    pub(crate) record: RecordNumber,
    pub(crate) batch: BatchId,
}

/// Calls `tell` with each.
pub(crate) fn each_lost_input(connection: &Connection, mut tell: impl FnMut(LostInput)) -> Result<()> {
    let sql = "SELECT p.target, e.record, e.batch FROM ledger_batch b JOIN ledger_pass p USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.refused>0 AND p.kind IN('load','apply','retry') AND e.outcome=4 AND e.reason IS NOT NULL
       AND NOT EXISTS(SELECT 1 FROM ledger_image i WHERE i.batch=e.batch AND i.record=e.record AND i.part=e.part AND i.kind IN(3,4))";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        tell(LostInput {
            database: row.get(0)?,
            record: row.get(1)?,
            batch: row.get(2)?,
        });
    }
    Ok(())
}

/// An image that has its own commitment, with those of its entry.
pub(crate) struct Committed<'r> {
    pub(crate) batch: BatchId,
    pub(crate) record: RecordNumber,
    /// `None` for a kind that this program does not know.
    pub(crate) kind: Option<ImageKind>,
    pub(crate) body: &'r [u8],
    pub(crate) input: Option<Hash>,
    pub(crate) before: Option<Hash>,
    /// Salt of the number whose row it is; `None` once the record was erased.
    pub(crate) salt: Option<Salt>,
    pub(crate) database: Option<String>,
    /// Whether its entry records a refusal.
    pub(crate) is_refused: bool,
    /// Whether it is the image of a refused window, whose input is a digest over readings.
    pub(crate) is_window: bool,
    /// What the reason of a refused window says its image is, in hex.
    pub(crate) noted: Option<String>,
}

impl Committed<'_> {
    /// Returns whether the bytes are what the entry commits to; `hash` is that of the salt and the bytes.
    pub(crate) fn holds(&self, hash: &Hash) -> bool {
        match self.kind {
            Some(ImageKind::Whole) => Some(*hash) == self.before,
            Some(ImageKind::Refused) if self.is_window => {
                self.is_refused && self.noted.as_ref() == Some(&hex(hash))
            }
            // For a stage in place, the refused input is the row itself, or what an earlier refusal kept of it.
            Some(ImageKind::Refused) => match self.input.or(self.before) {
                Some(expected) => *hash == expected,
                // Earlier versions of this program kept some refused inputs without a commitment; no other entry has
                // such an image.
                None => self.is_refused,
            },
            None | Some(ImageKind::Encrypted | ImageKind::Patch) => false,
        }
    }
}

/// A reverse patch whose entry changed no row.
pub(crate) struct IdlePatch {
    pub(crate) database: Option<String>,
    pub(crate) record: RecordNumber,
    pub(crate) batch: BatchId,
}

/// Returns every such patch: nothing refers to its text, so nothing proves it.
pub(crate) fn idle_patches(connection: &Connection) -> Result<Vec<IdlePatch>> {
    let sql =
        "SELECT p.target, i.record, i.batch FROM ledger_image i JOIN ledger_entry e USING(batch,record,part)
     JOIN ledger_batch b USING(batch) JOIN ledger_pass p USING(pass)
     WHERE i.kind=2 AND (e.before IS NULL OR e.after IS NULL OR e.before=e.after)";
    let mut statement = connection.prepare(sql)?;
    let patches = statement.query_map([], |row| {
        Ok(IdlePatch {
            database: row.get(0)?,
            record: row.get(1)?,
            batch: row.get(2)?,
        })
    })?;
    Ok(patches.collect::<rusqlite::Result<_>>()?)
}

/// Calls `tell` with every image except reverse patches, until `tell` returns `false`.
pub(crate) fn each_committed(
    connection: &Connection,
    mut tell: impl FnMut(Committed<'_>) -> bool,
) -> Result<()> {
    let sql = concat!(
        "SELECT i.batch, i.record, i.kind, i.body, e.input, e.before, r.salt, p.target, e.outcome, i.kind=4 AND ",
        is_of_window!("e"),
        ", CASE WHEN i.kind=4 AND json_valid(e.reason) THEN CAST(json_extract(e.reason,'$.image') AS TEXT) END
         FROM ledger_image i JOIN ledger_entry e ON e.batch=i.batch AND e.record=i.record AND e.part=i.part
         JOIN ledger_batch b ON b.batch=i.batch JOIN ledger_pass p ON p.pass=b.pass
         LEFT JOIN ledger_record r ON r.record=coalesce(CASE WHEN i.kind=1 THEN e.target END, e.record)
         WHERE i.kind<>2"
    );
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let goes_on = tell(Committed {
            batch: row.get(0)?,
            record: row.get(1)?,
            kind: ImageKind::from_number(row.get(2)?),
            body: row.get_ref(3)?.as_bytes().unwrap_or_default(),
            input: row.get(4)?,
            before: row.get(5)?,
            salt: row.get(6)?,
            database: row.get(7)?,
            is_refused: row.get::<_, i64>(8)? == EntryOutcome::Refused as i64,
            is_window: row.get(9)?,
            noted: row.get(10)?,
        });
        if !goes_on {
            break;
        }
    }
    Ok(())
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

//! Restoring one row from its entry.

use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::ledger::read::RecordedEntry;
use crate::ledger::{ImageKind, id_in, row_before, undo_fields};
use crate::record::Record;

/// A row as it was or will be.
pub(crate) type Row = (String, String);

/// What to do with records that were changed after the pass that is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Change nothing at all.
    #[default]
    Abort,
    /// Leave those records as they are now.
    Skip,
    /// Undo only the fields that nobody has changed since, where a reverse patch is kept; leave the others.
    Merge,
    /// Restore them all the same; what they are now is kept as an image.
    Force,
}

/// What becomes of one row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RowRestore {
    /// The row is as it shall be.
    Same,
    /// The row gets this content; `None`: it goes.
    To(Option<Row>),
    /// The same, over something newer that must be kept.
    Over(Option<Row>),
    /// It was changed since, and stays.
    Conflict,
    /// It stays, because another record has its old id.
    Taken,
}

/// The commitment to a row, where there is one.
pub(crate) fn hash(salt: &Salt, row: Option<&Record>) -> Option<Hash> {
    row.map(|row| commitment(salt, &row.id, &row.data))
}

/// What becomes of a row, whose commitment is `now`, when the entry's work is undone.
pub(crate) fn restore(
    recorded: &RecordedEntry,
    salt: &Salt,
    now: Option<Hash>,
    row: Option<&Record>,
    on_conflict: ConflictPolicy,
) -> Result<RowRestore> {
    let entry = &recorded.entry;
    // A record that was rolled back by itself before is as it shall be already.
    if entry.before == entry.after || now == entry.before {
        return Ok(RowRestore::Same);
    }
    if now == entry.after {
        let row = row.map(|row| (row.id.as_str(), row.data.as_str()));
        return Ok(RowRestore::To(before(recorded, salt, row)?));
    }
    let force = match on_conflict {
        ConflictPolicy::Abort | ConflictPolicy::Skip => return Ok(RowRestore::Conflict),
        ConflictPolicy::Merge => false,
        ConflictPolicy::Force => true,
    };
    let fields = match (&recorded.image, row) {
        (Some((ImageKind::Patch, patch)), Some(row)) => {
            std::str::from_utf8(patch).ok().map(|patch| (patch, row))
        }
        // A patch needs the row that it changes: of one that is gone nothing can be restored.
        (Some((ImageKind::Patch, _)), None) => None,
        _ if force => return Ok(RowRestore::Over(before(recorded, salt, None)?)),
        _ => None,
    };
    let merged =
        fields.and_then(|(patch, row)| Some((row.id.clone(), undo_fields(&row.data, patch, force)?)));
    Ok(merged.map_or(RowRestore::Conflict, |row| RowRestore::Over(Some(row))))
}

/// The row that a restored one stood on when entries that were put off are undone as well, the newest first.
pub(crate) fn beneath(mut row: Option<Row>, put_off: &[RecordedEntry], salt: &Salt) -> Result<Option<Row>> {
    for recorded in put_off {
        let left = row.as_ref().map(|(id, data)| (id.as_str(), data.as_str()));
        // Fields that were merged into something newer are not what the entry had left: there is nothing to undo.
        if left.map(|(id, data)| commitment(salt, id, data)) != recorded.entry.after {
            break;
        }
        row = before(recorded, salt, left)?;
    }
    Ok(row)
}

/// The id of the row before an entry's change, where its image tells: after any other change the id is the same.
pub(crate) fn old_id(recorded: &RecordedEntry) -> Option<&str> {
    match &recorded.image {
        Some((ImageKind::Whole | ImageKind::Refused, body)) => id_in(body),
        _ => None,
    }
}

/// The row before the pass, proved against its commitment.
fn before(recorded: &RecordedEntry, salt: &Salt, now: Option<(&str, &str)>) -> Result<Option<Row>> {
    let entry = &recorded.entry;
    let Some(expected) = entry.before else {
        return Ok(None);
    };
    let row = row_before(recorded.image.as_ref(), now);
    let proved = row.filter(|(id, data)| commitment(salt, id, data) == expected);
    let what = || {
        format!(
            "the image of record {} in batch {} does not reproduce the old row",
            entry.record, recorded.batch
        )
    };
    Ok(Some(proved.ok_or_else(|| Error::Damaged { what: what() })?))
}

//! Restores one row from its entry.

use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::ledger::read::RecordedEntry;
use crate::ledger::{ImageKind, id_in, row_before, undo_fields};
use crate::record::Record;

/// Id and data of a row as it was or will be.
pub(crate) type Row = (String, String);

/// What to do with records that have changed since the pass that is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Abort, and change nothing at all.
    #[default]
    Abort,
    /// Leave those records as they are now.
    Skip,
    /// Undo only the fields that no one has changed since, if a reverse patch is kept; leave the others.
    Merge,
    /// Restore them anyway; the ledger keeps their current state as an image.
    Force,
}

/// What happens to one row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RowRestore {
    /// The row is already as it should be.
    Same,
    /// The row gets this content; `None` deletes it.
    To(Option<Row>),
    /// As `To`, but over something newer that must be kept as an image.
    Over(Option<Row>),
    /// The row has changed since, and stays.
    Conflict,
    /// The row stays, because another record has its old id.
    Taken,
}

/// Returns the commitment to a row, if there is a row.
pub(crate) fn hash(salt: &Salt, row: Option<&Record>) -> Option<Hash> {
    row.map(|row| commitment(salt, &row.id, &row.data))
}

/// Returns what happens to a row, whose commitment is `now`, when the entry's work is undone.
pub(crate) fn restore(
    recorded: &RecordedEntry,
    salt: &Salt,
    now: Option<Hash>,
    row: Option<&Record>,
    on_conflict: ConflictPolicy,
) -> Result<RowRestore> {
    let entry = &recorded.entry;
    // A record that was rolled back individually before is already as it should be.
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
        // A patch needs the row that it changes: a row that is gone cannot be restored.
        (Some((ImageKind::Patch, _)), None) => None,
        _ if force => return Ok(RowRestore::Over(before(recorded, salt, None)?)),
        _ => None,
    };
    let merged =
        fields.and_then(|(patch, row)| Some((row.id.clone(), undo_fields(&row.data, patch, force)?)));
    Ok(merged.map_or(RowRestore::Conflict, |row| RowRestore::Over(Some(row))))
}

/// Returns the row beneath a restored one, after the deferred entries are undone as well, the newest first.
pub(crate) fn beneath(mut row: Option<Row>, put_off: &[RecordedEntry], salt: &Salt) -> Result<Option<Row>> {
    for recorded in put_off {
        let left = row.as_ref().map(|(id, data)| (id.as_str(), data.as_str()));
        // Fields that were merged into something newer are not what the entry left, so there is nothing to undo.
        if left.map(|(id, data)| commitment(salt, id, data)) != recorded.entry.after {
            break;
        }
        row = before(recorded, salt, left)?;
    }
    Ok(row)
}

/// Returns the id of the row before an entry's change, if its image holds it; any other change keeps the id.
pub(crate) fn old_id(recorded: &RecordedEntry) -> Option<&str> {
    match &recorded.image {
        Some((ImageKind::Whole | ImageKind::Refused, body)) => id_in(body),
        _ => None,
    }
}

/// Returns the row before the pass, checked against its commitment.
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

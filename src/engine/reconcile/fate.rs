//! The fate of a record according to its entries.

use rusqlite::Connection;

use super::outcome::DifferenceCause;
use crate::error::Result;
use crate::ledger::members::{carrier, is_shared};
use crate::ledger::processed::{TARGET_EXISTS, TARGET_REPLACED};
use crate::ledger::read::RecordedEntry;
use crate::ledger::rows::{changes_of_row, found_as_left};
use crate::ledger::{Entry, EntryOutcome, PassKind};

/// Returns whether an entry is about a row that belonged to another record, or removes a golden record that another one
/// has taken the place of.
pub(super) fn is_about_another(recorded: &RecordedEntry) -> bool {
    recorded.entry.has_code(TARGET_REPLACED) || is_joined(&recorded.entry)
}

/// Returns whether an entry removes a golden record that another one has taken the place of.
fn is_joined(entry: &Entry) -> bool {
    entry.outcome == EntryOutcome::Merged && entry.has_code("merge.joined")
}

/// Returns whether an entry records that its record shares a row with others, whether or not this changed the row.
fn is_merged(connection: &Connection, recorded: &RecordedEntry) -> Result<bool> {
    let entry = &recorded.entry;
    Ok(match entry.outcome {
        EntryOutcome::Merged => !is_joined(entry),
        // No other stage has entries about a row of another number without a part.
        EntryOutcome::Unchanged | EntryOutcome::Refused if entry.part == 0 && entry.target.is_some() => {
            is_shared(connection, recorded.batch, recorded.number())?
        }
        _ => false,
    })
}

/// Returns whether an entry is about a row that another record stands for, because both were merged into it: each golden
/// record is counted once.
pub(super) fn is_follower(connection: &Connection, recorded: &RecordedEntry) -> Result<bool> {
    if !is_merged(connection, recorded)? {
        return Ok(false);
    }
    let carrier = carrier(connection, recorded.batch, recorded.number())?;
    Ok(carrier.is_some_and(|carrier| carrier != recorded.entry.record))
}

/// Returns whether a later entry of the same record records the fate of the row: a refusal has a separate entry, and so
/// does the removal of the stale copy.
pub(super) fn is_followed(recorded: &RecordedEntry, later: &[RecordedEntry]) -> bool {
    let tells = |later: &&RecordedEntry| !is_about_another(later) && later.number() == recorded.number();
    later.iter().any(|later| tells(&later))
}

/// Returns the fate of a record according to its entries; `None` if it was written.
pub(super) fn fate(connection: &Connection, group: &[RecordedEntry]) -> Result<Option<DifferenceCause>> {
    let own = || {
        let entries = group.iter().map(|recorded| &recorded.entry);
        entries.filter(|entry| !entry.has_code(TARGET_REPLACED) && !is_joined(entry))
    };
    let has = |outcome| own().any(|entry| entry.outcome == outcome);
    let says = |code| own().any(|entry| entry.has_code(code));
    if own().next().is_none() {
        return Ok(Some(DifferenceCause::Replaced));
    }
    if has(EntryOutcome::Refused) {
        return Ok(Some(DifferenceCause::Refused));
    }
    for recorded in group {
        if is_merged(connection, recorded)? {
            return Ok(Some(DifferenceCause::Merged));
        }
    }
    if group
        .iter()
        .any(|recorded| is_written(recorded) && !is_skipped(recorded))
    {
        return Ok(None);
    }
    Ok(Some(if says(TARGET_EXISTS) {
        DifferenceCause::Skipped
    } else if says("waived") {
        DifferenceCause::Waived
    } else {
        DifferenceCause::Filtered
    }))
}

fn is_written(recorded: &RecordedEntry) -> bool {
    matches!(
        recorded.entry.outcome,
        EntryOutcome::Written | EntryOutcome::Unchanged
    )
}

/// Returns whether an entry records that this part was left out because another record has its place.
pub(super) fn is_skipped(recorded: &RecordedEntry) -> bool {
    recorded.entry.outcome != EntryOutcome::Refused && recorded.entry.has_code(TARGET_EXISTS)
}

/// Returns the fate of a record that was not written but has a row in the target, and whether the ledger knows the row
/// that the entry found.
pub(super) fn of_standing(
    connection: &Connection,
    database: &str,
    fate: DifferenceCause,
    recorded: &RecordedEntry,
) -> Result<(DifferenceCause, bool)> {
    if !matches!(
        fate,
        DifferenceCause::Refused | DifferenceCause::Waived | DifferenceCause::Filtered
    ) {
        return Ok((fate, true));
    }
    let changes = changes_of_row(connection, database, recorded.number())?;
    let newest = changes.iter().find(|change| change.key < recorded.key());
    let is_by_hand = newest.is_some_and(|newest| matches!(newest.kind, PassKind::Load | PassKind::Edit));
    let is_known = found_as_left(connection, database, recorded)?;
    let fate = match fate {
        _ if is_by_hand => DifferenceCause::EditedSince,
        DifferenceCause::Refused => DifferenceCause::Stale,
        fate => fate,
    };
    Ok((fate, is_known))
}

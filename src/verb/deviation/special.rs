//! Special records: those that were refused, left out or changed by hand. A target can deviate only at them and at the
//! records that they collide with.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::cause::DeviationCause;
use crate::error::Result;
use crate::ledger::places;
use crate::ledger::rows::{self, RowChange};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{PassKind, refusals};
use crate::record::RecordNumber;
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// A record that was refused, left out or changed by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Special {
    pub(super) cause: DeviationCause,
    /// Stage that causes it.
    pub(super) stage: u32,
    /// The source record.
    pub(super) record: RecordNumber,
    /// Id of a row that was deleted by hand.
    pub(super) gone: Option<String>,
    /// Row that is in its place.
    pub(super) holder: Option<RecordNumber>,
}

pub(super) fn find(
    connection: &Connection,
    project: &str,
    target: &Table,
    stages: &[&Stage],
) -> Result<BTreeSet<Special>> {
    let mut special = BTreeSet::new();
    for stage in stages {
        let number = stage.number();
        let of = |cause, record| Special {
            cause,
            stage: number,
            record,
            gone: None,
            holder: None,
        };
        // A record whose place is free by now is only due: the next `apply` admits it, unless its refusal was waived.
        let waiting = places::waiting(connection, StageInput::new(project, stage), false)?;
        let mut due = BTreeSet::new();
        for waiting in &waiting {
            let is_held = match &waiting.holder {
                Some(holder) => holder.still_holds(connection, target)?,
                None => false,
            };
            if !is_held {
                due.insert(waiting.record);
            }
        }
        for waiting in places::waiting(connection, StageInput::new(project, stage), true)? {
            if due.contains(&waiting.record) {
                continue;
            }
            let cause = match (waiting.edited, waiting.refused) {
                (true, _) => DeviationCause::Edited,
                (false, true) => DeviationCause::Refused,
                (false, false) => DeviationCause::Skipped,
            };
            special.insert(Special {
                holder: waiting.holder.map(|holder| holder.record),
                ..of(cause, waiting.record)
            });
        }
        if !stage.in_place() {
            for record in refusals::refused_or_waived(connection, project, number)? {
                let numbers = rows::rows_of_record(connection, (project, number), record)?;
                for row in numbers {
                    if target.by_number(connection, row)?.is_none() {
                        continue;
                    }
                    let changes = rows::changes_of_row(connection, target.name(), row)?;
                    let is_own = rows::owner(&changes) == Some((project, number, record));
                    if is_own && !rows::is_edited(&changes, StageInput::new(project, stage)) {
                        special.insert(of(DeviationCause::Stale, record));
                    }
                }
            }
        }
    }
    let mut by_hand: BTreeSet<RecordNumber> = rows::rows_touched_by_hand(connection, target.name())?;
    for stage in stages.iter().filter(|stage| stage.in_place()) {
        // What was refused in place may have been put there again under its number.
        by_hand.extend(refusals::ever_refused(connection, project, stage.number())?);
    }
    for row in by_hand {
        let changes = rows::changes_of_row(connection, target.name(), row)?;
        special.extend(edited(connection, target, stages, row, &changes)?);
    }
    Ok(special)
}

/// Returns a row that someone changed by hand since a stage wrote it.
fn edited(
    connection: &Connection,
    target: &Table,
    stages: &[&Stage],
    row: RecordNumber,
    changes: &[RowChange],
) -> Result<Option<Special>> {
    let found = target.by_number(connection, row)?;
    // For a row that a stage brought there, only the changes since then count: stages in place come in between.
    let copy = changes
        .iter()
        .position(|change| change.copies && change.after.is_some());
    let by_hand = |change: &&RowChange| matches!(change.kind, PassKind::Load | PassKind::Edit);
    let edited = match copy {
        Some(at) => changes[..at].iter().find(by_hand).map(|by| (by, &changes[at])),
        None => rows::edited_in_place(changes, found.as_ref().and_then(Salted::hash)),
    };
    let Some((by, written)) = edited else {
        return Ok(None);
    };
    let Some((_, number)) = &written.stage else {
        return Ok(None);
    };
    if !stages.iter().any(|stage| stage.number() == *number) {
        return Ok(None);
    }
    let gone = if found.is_some() {
        None
    } else {
        rows::id_before(connection, by.key)?
    };
    Ok(Some(Special {
        cause: DeviationCause::Edited,
        stage: *number,
        record: written.record,
        gone,
        holder: None,
    }))
}

//! Special records: those that were refused, left out or changed by hand. A target can deviate only at them and at the
//! records that they collide with.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::cause::DeviationCause;
use super::clusters::{Clusters, MergedClusters};
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

impl Special {
    fn new(cause: DeviationCause, stage: u32, record: RecordNumber) -> Self {
        Self {
            cause,
            stage,
            record,
            gone: None,
            holder: None,
        }
    }
}

pub(super) fn find(
    connection: &Connection,
    project: &str,
    (target, merged): (&Table, &MergedClusters<'_>),
    stages: &[&Stage],
) -> Result<BTreeSet<Special>> {
    let mut special = BTreeSet::new();
    for stage in stages {
        let waiting = waiting(connection, project, target, stage)?;
        let of_place: BTreeSet<RecordNumber> = waiting.iter().map(|special| special.record).collect();
        special.extend(waiting);
        if stage.in_place() {
            continue;
        }
        let number = stage.number();
        for record in refusals::refused_or_waived(connection, project, number)? {
            let is_stale = match merged.of(number)? {
                // Where its place has another cause, that explains the golden record too.
                Some(_) if of_place.contains(&record) => false,
                Some(clusters) => has_earlier_golden(connection, target, clusters, record)?,
                None => has_earlier_row(connection, target, StageInput::new(project, stage), record)?,
            };
            if is_stale {
                special.insert(Special::new(DeviationCause::Stale, number, record));
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
        let mut found = edited(connection, target, stages, row, &changes)?;
        if let Some(special) = &mut found
            && let Some(clusters) = merged.of(special.stage)?
        {
            special.record = clusters.first_in(row).unwrap_or(special.record);
        }
        special.extend(found);
    }
    Ok(special)
}

/// Returns the records of a stage whose place in the target is taken.
fn waiting(connection: &Connection, project: &str, target: &Table, stage: &Stage) -> Result<Vec<Special>> {
    let input = StageInput::new(project, stage);
    // A record whose place is free by now is only due: the next `apply` admits it, unless its refusal was waived.
    let mut due = BTreeSet::new();
    for waiting in places::waiting(connection, input, false)? {
        if !waiting.is_held(connection, input, target)? {
            due.insert(waiting.record);
        }
    }
    let mut waiting = places::waiting(connection, input, true)?;
    waiting.retain(|waiting| !due.contains(&waiting.record));
    let special = |waiting: places::Waiting| {
        let cause = match (waiting.edited, waiting.refused) {
            (true, _) => DeviationCause::Edited,
            (false, true) => DeviationCause::Refused,
            (false, false) => DeviationCause::Skipped,
        };
        Special {
            holder: waiting.holder.map(|holder| holder.record),
            ..Special::new(cause, stage.number(), waiting.record)
        }
    };
    Ok(waiting.into_iter().map(special).collect())
}

/// Returns whether the row that a refused record had is still in the target, as the stage left it.
fn has_earlier_row(
    connection: &Connection,
    target: &Table,
    stage: StageInput<'_>,
    record: RecordNumber,
) -> Result<bool> {
    for row in rows::rows_of_record(connection, (stage.project, stage.number), record)? {
        if target.by_number(connection, row)?.is_none() {
            continue;
        }
        let changes = rows::changes_of_row(connection, target.name(), row)?;
        let is_own = rows::owner(&changes) == Some((stage.project, stage.number, record));
        if is_own && !rows::is_edited(&changes, stage) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether the golden record of a refused member is still in the target.
fn has_earlier_golden(
    connection: &Connection,
    target: &Table,
    clusters: &Clusters,
    member: RecordNumber,
) -> Result<bool> {
    let cluster = clusters.by_member(member);
    for golden in cluster.into_iter().flat_map(|cluster| &cluster.goldens) {
        if target.by_number(connection, *golden)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
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

//! The records that a pass has to read. The ledger determines them, so that a resumed pass finds the same ones again;
//! the target is consulted only for whether the place that a record waits for is free.

use rusqlite::Connection;

use super::entry::Counts;
use super::read::PassSummary;
use super::stage_history::{StageHistory, newest_applied};
use super::stage_input::{self, StageInput};
use super::state::PassState;
use super::{absences, lookups, merged, places, readings, refusals, rows};
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber, RecordSet};
use crate::store::Table;

/// The records that are still to be read.
#[derive(Clone, Debug)]
pub(crate) enum RecordSelection {
    /// The whole source after a number, in order of the numbers.
    Table {
        /// The keyset cursor.
        after: RecordNumber,
    },
    /// These numbers, ascending, starting at a position.
    List {
        /// The numbers.
        records: Vec<RecordNumber>,
        /// Number of them that are already read.
        read: usize,
    },
    /// For a stage that aggregates: what was written since.
    Touched(Touched),
}

/// What was written to the source of a stage that aggregates since it has read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// All records that were written.
    pub(crate) records: RecordSet,
    /// The windows whose place is free now.
    pub(crate) freed: RecordSet,
    /// Those that were there before, at one of the writes.
    pub(crate) changed: RecordSet,
    /// Those that were not.
    pub(crate) arrived: RecordSet,
    /// Whether all windows are made again, whatever was written.
    pub(crate) whole: bool,
    /// Whether another revision of the stage makes them: what stands refused is refused anew.
    pub(crate) revised: bool,
}

impl RecordSelection {
    /// Makes a selection from a list of numbers.
    pub(crate) fn list(mut records: Vec<RecordNumber>) -> Self {
        records.sort_unstable();
        records.dedup();
        Self::List { records, read: 0 }
    }

    /// Returns how many are left, if that is known without counting the table.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self {
            Self::Table { .. } | Self::Touched(Touched { whole: true, .. }) => None,
            Self::List { records, read } => Some((records.len() - read) as u64),
            Self::Touched(touched) => Some(touched.records.len() + touched.freed.len()),
        }
    }

    /// Returns how many records a pass over it reads in all, with those that it has read already; `None` for an increment of
    /// windows, which are made again of all their readings, and nobody has counted these.
    pub(crate) fn total(&self, in_source: u64, read: u64) -> Option<u64> {
        match self {
            Self::Touched(Touched { whole: false, .. }) => None,
            _ => Some(self.remaining().map_or(in_source, |left| left + read)),
        }
    }

    /// Returns whether a record is still to be read.
    pub(crate) fn has(&self, record: RecordNumber) -> bool {
        match self {
            Self::Table { after } => record > *after,
            Self::List { records, read } => records[*read..].binary_search(&record).is_ok(),
            Self::Touched(touched) => touched.records.contains(record) || touched.freed.contains(record),
        }
    }

    /// Returns the numbers if they are listed; none if the whole source is read.
    pub(crate) fn listed(&self) -> &[RecordNumber] {
        match self {
            Self::List { records, read } => &records[*read..],
            Self::Table { .. } | Self::Touched(_) => &[],
        }
    }

    fn skip_to(self, after: RecordNumber) -> Self {
        match self {
            Self::Table { .. } => Self::Table { after },
            Self::List { records, .. } => {
                Self::list(records.into_iter().filter(|record| *record > after).collect())
            }
            touched @ Self::Touched(_) => touched,
        }
    }
}

/// Returns what is left of a pass that an earlier run began.
pub(crate) fn of_open_pass(
    connection: &Connection,
    stage: StageInput<'_>,
    pass: &PassSummary,
) -> Result<RecordSelection> {
    // Once the index exists, only the end is missing: later changes are left to the next pass.
    if pass.state == PassState::Indexed {
        return Ok(RecordSelection::list(Vec::new()));
    }
    let whole = match pass.row.after_batch {
        None => of_first_pass(connection, stage, Some(pass.row.pass))?,
        Some(after) => {
            let earlier = newest_applied(connection, stage.project, stage.number, pass.row.pass)?;
            let is_left = earlier.as_ref().is_some_and(|earlier| earlier.superseded);
            let revised = earlier.is_some_and(|earlier| is_revised(&earlier, pass));
            if stage.aggregates {
                let touched = touched(connection, stage, revised, after, pass.first_batch)?;
                return Ok(RecordSelection::Touched(Touched {
                    whole: touched.whole || is_left,
                    ..touched
                }));
            }
            of_later_pass(connection, stage, revised, after, pass.first_batch)?
        }
    };
    // A merge goes by clusters, and knows by its resume point which it has written.
    // An aggregate writes windows, and knows by its resume point which.
    Ok(if stage.merges || stage.aggregates {
        whole
    } else {
        whole.skip_to(pass.last_record.unwrap_or_default())
    })
}

/// Returns what a first pass has to read: the whole source; for a stage in place, without the rows of later stages, but
/// with those that the pass set aside if it was interrupted.
pub(crate) fn of_first_pass(
    connection: &Connection,
    stage: StageInput<'_>,
    interrupted: Option<PassId>,
) -> Result<RecordSelection> {
    let whole = RecordSelection::Table {
        after: RecordNumber::BEFORE_FIRST,
    };
    if !stage.in_place {
        return Ok(whole);
    }
    let later = rows::of_later_stages(connection, stage)?;
    if later.is_empty() {
        return Ok(whole);
    }
    let mut records = Vec::new();
    Table::from_name(stage.source)?.each(connection, |record| {
        if !later.contains(&record.number) {
            records.push(record.number);
        }
        Ok(())
    })?;
    if let Some(pass) = interrupted {
        let aside = places::set_aside(connection, pass)?;
        records.extend(aside.into_iter().map(|(number, ..)| number));
    }
    Ok(RecordSelection::list(records))
}

fn is_revised(earlier: &PassSummary, pass: &PassSummary) -> bool {
    match (&earlier.row.stage, &pass.row.stage) {
        (Some(earlier), Some(stage)) => !earlier.does_as(stage),
        (earlier, stage) => earlier.is_some() != stage.is_some(),
    }
}

/// Returns what a later pass has to read: what others wrote to the source after a batch and before another and, if the
/// stage's meaning was revised, what the earlier revision refused.
pub(crate) fn of_later_pass(
    connection: &Connection,
    stage: StageInput<'_>,
    revised: bool,
    after: BatchId,
    before: BatchId,
) -> Result<RecordSelection> {
    let mut records = free(connection, stage, after)?;
    records.extend(of_source(connection, stage, revised, after, before)?);
    Ok(RecordSelection::list(records))
}

/// Returns what a later pass of a stage that aggregates has to read: what others wrote to the source after a batch and
/// before another, and the windows whose place is free.
pub(crate) fn touched(
    connection: &Connection,
    stage: StageInput<'_>,
    revised: bool,
    after: BatchId,
    before: BatchId,
) -> Result<Touched> {
    let mut touched = Touched {
        whole: revised || readings::are_rolled_back_singly(connection, stage, after, before)?,
        revised,
        ..Touched::default()
    };
    readings::each_write(connection, stage, after, before, |record, was_there| {
        touched.records.insert(record);
        let set = if was_there {
            &mut touched.changed
        } else {
            &mut touched.arrived
        };
        set.insert(record);
    })?;
    touched.freed.extend(places::free(connection, stage)?);
    Ok(touched)
}

/// Returns whether the next pass of a stage that aggregates reads its whole source, because one of its windows was rolled back
/// since a batch.
pub(crate) fn is_made_anew(connection: &Connection, stage: StageInput<'_>, after: BatchId) -> Result<bool> {
    Ok(stage.aggregates && readings::are_rolled_back_singly(connection, stage, after, BatchId::MAX)?)
}

/// Returns the records that wait for a place that is now free, or for a row that now exists: one that was written after a
/// batch.
fn free(connection: &Connection, stage: StageInput<'_>, after: BatchId) -> Result<Vec<RecordNumber>> {
    let mut records = places::free(connection, stage)?;
    let planned = &absences::NothingPlanned;
    records.extend(absences::released(connection, stage, after, planned)?);
    Ok(records)
}

/// Returns the part of it that does not depend on what the target holds.
pub(crate) fn of_source(
    connection: &Connection,
    stage: StageInput<'_>,
    revised: bool,
    after: BatchId,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    if stage.aggregates {
        let touched = touched(connection, stage, revised, after, before)?;
        return Ok(touched.records.iter().chain(touched.freed.iter()).collect());
    }
    let mut records = stage_input::increment(connection, stage, after, before)?;
    records.extend(stage_input::brought_back(connection, stage, after, before)?);
    records.extend(lookups::changed(connection, stage, after, before)?);
    if revised {
        records.extend(refusals::refused(
            connection,
            stage.project,
            stage.number,
            before,
        )?);
    }
    Ok(records)
}

/// Returns the records that others wrote to the source, those that use what has changed in another database, and those
/// whose place in the target is now free.
pub(crate) fn waiting(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let mut records = free(connection, stage, after)?;
    records.extend(of_source(connection, stage, false, after, before)?);
    records.sort_unstable();
    records.dedup();
    Ok(records)
}

/// Returns what a stage has not yet read of its current source, whether a pass of it is open, has ended, or is still to
/// begin.
pub(crate) fn unread(connection: &Connection, stage: StageInput<'_>) -> Result<Vec<RecordSelection>> {
    let history = StageHistory::read(connection, stage.project, stage.number)?;
    if let Some(open) = history.open_apply() {
        let since = waiting(connection, stage, open.first_batch.previous(), BatchId::MAX)?;
        return Ok(vec![
            of_open_pass(connection, stage, open)?,
            RecordSelection::list(since),
        ]);
    }
    if history.begins_anew() {
        return Ok(vec![of_first_pass(connection, stage, None)?]);
    }
    let after = history.frontier(connection)?;
    Ok(vec![RecordSelection::list(waiting(
        connection,
        stage,
        after,
        BatchId::MAX,
    )?)])
}

/// The remark on the end of a pass that ends before it has read everything, because the stage was revised or its source
/// changed after the reader had passed.
pub(crate) const SUPERSEDED: &str = r#"{"superseded":true}"#;

/// Returns the records whose refusals by a pass no longer count, because the next pass processes them anyway, ascending: those
/// that wait and, in a merge stage, those that it judges together with one of them.
fn processed_anew(
    connection: &Connection,
    stage: StageInput<'_>,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let mut records = waiting(connection, stage, before, BatchId::MAX)?;
    if stage.merges {
        records.extend(merged::judged_with(
            connection,
            stage.project,
            stage.number,
            &records,
        )?);
        records.sort_unstable();
    }
    Ok(records)
}

/// Counts the refusals of a pass that do not count against its limit: they were retried, waived, or their records were
/// corrected since, or the records only wait for rows of other databases. `before` is the batch before the pass's first one.
pub(crate) fn settled_since(
    connection: &Connection,
    stage: StageInput<'_>,
    resumed: Option<(PassId, BatchId)>,
    counts: &Counts,
) -> Result<u64> {
    let Some((pass, before)) = resumed.filter(|_| counts.refused > 0) else {
        return Ok(0);
    };
    let standing = refusals::refused_by(connection, stage.project, stage.number, pass)?;
    let counting = standing.len() as u64 - excused(connection, stage, (pass, before), &standing)?;
    Ok(counts.refused.saturating_sub(counting))
}

/// Counts the standing refusals of a pass that do not count against its limit. `before` is the batch before the pass's first one.
pub(crate) fn excused_by(
    connection: &Connection,
    stage: StageInput<'_>,
    of: (PassId, BatchId),
) -> Result<u64> {
    let standing = refusals::refused_by(connection, stage.project, stage.number, of.0)?;
    excused(connection, stage, of, &standing)
}

fn excused(
    connection: &Connection,
    stage: StageInput<'_>,
    (pass, before): (PassId, BatchId),
    standing: &[RecordNumber],
) -> Result<u64> {
    if standing.is_empty() {
        return Ok(0);
    }
    let anew = processed_anew(connection, stage, before)?;
    let for_rows = refusals::waiting_for_rows(connection, pass)?;
    let is_excused =
        |record: &&RecordNumber| anew.binary_search(record).is_ok() || for_rows.binary_search(record).is_ok();
    Ok(standing.iter().filter(is_excused).count() as u64)
}

/// Counts the records that block a pass from continuing, because it refused them over a contract in the mode `refuse`;
/// excludes those that were corrected since. `before` is the batch before the pass's first one.
pub(crate) fn halting(
    connection: &Connection,
    stage: StageInput<'_>,
    (pass, before): (PassId, BatchId),
) -> Result<u64> {
    let mut halting = refusals::halting(connection, pass)?;
    if !halting.is_empty() {
        let anew = processed_anew(connection, stage, before)?;
        halting.retain(|record| anew.binary_search(record).is_err());
    }
    Ok(halting.len() as u64)
}

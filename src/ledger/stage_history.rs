//! The state of a stage, derived from its passes. Each question costs a few look-ups, however many passes there were: a
//! stage that has run every night for years costs the same as a new one.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::entry::Counts;
use super::head::{PassKind, StageRow};
use super::read::{PassSummary, counts, pass};
use super::reconciled::is_unreconciled;
use super::sql::{of_record, standing_life};
use super::state::{PassState, StageState};
use crate::error::Result;
use crate::record::{BatchId, PassId, RunId};

/// What the passes of one stage imply.
#[derive(Clone, Debug)]
pub(crate) struct StageHistory {
    /// State of the stage.
    pub(crate) state: StageState,
    project: String,
    number: u32,
    /// The newest standing pass of kind `apply`.
    newest: Option<PassSummary>,
    /// The newest standing retry, if no apply pass stands.
    retried: Option<PassSummary>,
    /// The passes of the stage, in both directions, that have begun and not ended.
    open: Vec<PassSummary>,
}

impl StageHistory {
    /// Reads it from the ledger.
    pub(crate) fn read(connection: &Connection, project: &str, number: u32) -> Result<Self> {
        let newest = newest_applied(connection, project, number, PassId::MAX)?;
        let open = open(connection, project, number)?;
        let is_rolling = open.iter().any(|pass| pass.row.reverses.is_some());
        let is_applying = open
            .iter()
            .any(|pass| pass.row.kind == PassKind::Apply && !pass.undone);
        let stands = |kind| newest_standing(connection, project, number, kind, PassId::MAX);
        let retried = if newest.is_none() {
            stands(PassKind::Retry)?
        } else {
            None
        };
        let retried = retried.map_or(Ok(None), |retry| pass(connection, retry))?;
        let begins_anew = newest.is_none() && retried.is_none();
        let state = if is_rolling {
            StageState::RollingBack
        } else if is_applying {
            StageState::Applying
        } else if begins_anew && stands(PassKind::Waive)?.is_none() {
            StageState::Pending
        } else if is_unreconciled(connection, project, number)? {
            StageState::Unreconciled
        } else {
            StageState::Applied
        };
        Ok(Self {
            state,
            project: project.to_owned(),
            number,
            newest,
            retried,
            open,
        })
    }

    /// Returns the newest standing pass of kind `apply`.
    #[must_use]
    pub(crate) fn newest(&self) -> Option<&PassSummary> {
        self.newest.as_ref()
    }

    /// Returns the apply pass that has begun but not ended.
    #[must_use]
    pub(crate) fn open_apply(&self) -> Option<&PassSummary> {
        self.newest().filter(|pass| pass.state != PassState::Ended)
    }

    /// Returns the standing retries that have begun but not ended, in order.
    pub(crate) fn open_retries(&self) -> impl DoubleEndedIterator<Item = &PassSummary> {
        let is_retry = |pass: &&PassSummary| pass.row.kind == PassKind::Retry && !pass.undone;
        self.open.iter().filter(is_retry)
    }

    /// Returns the standing revision: that of the newest standing apply pass or, if only retries are left, of the
    /// newest one.
    #[must_use]
    pub(crate) fn revision(&self) -> Option<&StageRow> {
        let stands = self.newest.as_ref().or(self.retried.as_ref());
        stands.and_then(|pass| pass.row.stage.as_ref())
    }

    /// Returns whether the next pass is a first one, which reads the whole source: no standing pass has read any of it.
    /// If the first pass was rolled back and a retry stands, what the retry processed must not be processed again.
    #[must_use]
    pub(crate) fn begins_anew(&self) -> bool {
        self.newest.is_none() && self.retried.is_none()
    }

    /// Treats the open apply pass as one that ended where it is.
    pub(crate) fn supersede_open(&mut self) {
        if let Some(newest) = self.newest.as_mut().filter(|pass| pass.state != PassState::Ended) {
            (newest.state, newest.superseded) = (PassState::Ended, true);
        }
    }

    /// Treats the open apply pass as one that has read to its end.
    pub(crate) fn end_open(&mut self) {
        if let Some(newest) = &mut self.newest {
            newest.state = PassState::Ended;
        }
    }

    /// Returns the batch after which an increment of this stage has to read: a standing pass has read everything that
    /// was written to the source before it. A pass that ended early is skipped, so that the next one begins before it.
    /// An undone pass leaves a gap if another pass stands that began before it was undone, because that one left out
    /// what the undone pass had read. A pass that has begun since and read as far back has closed the gap. What later
    /// passes have read anyway is left out record by record.
    pub(crate) fn frontier(&self, connection: &Connection) -> Result<BatchId> {
        let Some(newest) = self.newest_whole(connection)? else {
            return Ok(BatchId::BEFORE_FIRST);
        };
        let mut frontier = newest.previous();
        for undone in self.undone(connection)? {
            if undone.looks_after < frontier
                && self.passes_over(connection, &undone)?
                && !self.is_closed(connection, &undone)?
            {
                frontier = undone.looks_after;
            }
        }
        Ok(frontier)
    }

    /// Returns the first batch of the newest standing apply pass that has read to its end, or will.
    fn newest_whole(&self, connection: &Connection) -> Result<Option<BatchId>> {
        let mut newest = self.newest.clone();
        while let Some(pass) = newest {
            if !pass.superseded {
                return Ok(Some(pass.first_batch));
            }
            newest = newest_applied(connection, &self.project, self.number, pass.row.pass)?;
        }
        Ok(None)
    }

    /// Returns the apply passes that were undone, in order.
    fn undone(&self, connection: &Connection) -> Result<Vec<UndonePass>> {
        let sql = "SELECT p.pass, u.pass, coalesce(p.after_batch,0)
         FROM ledger_stage s CROSS JOIN ledger_pass u ON u.stage=s.stage AND u.kind='rollback'
         CROSS JOIN ledger_pass p ON p.pass=u.reverses AND p.kind='apply'
         CROSS JOIN ledger_batch b ON b.pass=u.pass AND b.step='end'
         WHERE s.project=?1 AND s.number=?2 ORDER BY p.pass";
        let mut statement = connection.prepare_cached(sql)?;
        let undone = statement.query_map(params![self.project, self.number], |row| {
            Ok(UndonePass {
                pass: row.get(0)?,
                rollback: row.get(1)?,
                looks_after: row.get(2)?,
            })
        })?;
        Ok(undone.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns whether a standing pass began after an undone pass and before that was undone. While a pass is being
    /// undone, none begins.
    fn passes_over(&self, connection: &Connection, undone: &UndonePass) -> Result<bool> {
        let sql =
            "SELECT 1 FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='apply'
           AND p.pass>?3 AND p.pass<?4
         WHERE s.project=?1 AND s.number=?2 LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let key = params![self.project, self.number, undone.pass, undone.rollback];
        Ok(statement.exists(key)?)
    }

    /// Returns whether a pass that has read everything it had to has begun since and read as far back.
    fn is_closed(&self, connection: &Connection, undone: &UndonePass) -> Result<bool> {
        let sql = "SELECT 1 FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='apply'
           AND p.pass>?3 AND coalesce(p.after_batch,0)<=?4
         WHERE s.project=?1 AND s.number=?2
           AND NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end' AND json_extract(b.body,'$.superseded'))
         LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let key = params![self.project, self.number, undone.rollback, undone.looks_after];
        Ok(statement.exists(key)?)
    }
}

/// An apply pass that was undone.
#[derive(Clone, Copy, Debug)]
struct UndonePass {
    pass: PassId,
    rollback: PassId,
    /// The batch after which it reads; 0 if it reads the whole source.
    looks_after: BatchId,
}

/// Returns the newest standing apply pass of a stage before another pass.
pub(crate) fn newest_applied(
    connection: &Connection,
    project: &str,
    number: u32,
    before: PassId,
) -> Result<Option<PassSummary>> {
    let found = newest_standing(connection, project, number, PassKind::Apply, before)?;
    found.map_or(Ok(None), |found| pass(connection, found))
}

fn newest_standing(
    connection: &Connection,
    project: &str,
    number: u32,
    kind: PassKind,
    before: PassId,
) -> Result<Option<PassId>> {
    // Each revision separately, because each has its passes in order.
    let sql =
        "SELECT max((SELECT p.pass FROM ledger_standing p WHERE p.stage=s.stage AND p.kind=?4 AND p.pass<?3
       ORDER BY p.pass DESC LIMIT 1)) FROM ledger_stage s WHERE s.project=?1 AND s.number=?2";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![project, number, before, kind.name()];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

/// Returns the numbers of a project's stages that were ever applied, ascending.
pub(crate) fn applied_numbers(connection: &Connection, project: &str) -> Result<Vec<u32>> {
    let sql = "SELECT DISTINCT number FROM ledger_stage WHERE project=?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map([project], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// Returns the first batch of the oldest standing pass of a stage that has read any of its source.
pub(crate) fn applied_since(connection: &Connection, project: &str, number: u32) -> Result<Option<BatchId>> {
    let sql = "SELECT min(batch) FROM ledger_batch WHERE pass=(
       SELECT min((SELECT p.pass FROM ledger_standing p WHERE p.stage=s.stage AND p.kind=k.kind ORDER BY p.pass LIMIT 1))
       FROM ledger_stage s CROSS JOIN (SELECT 'apply' AS kind UNION ALL SELECT 'retry') k
       WHERE s.project=?1 AND s.number=?2)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![project, number], |row| row.get(0))?)
}

/// Returns whether a stage has done anything after a batch, in either direction, undone since or not.
pub(crate) fn has_worked_after(
    connection: &Connection,
    project: &str,
    number: u32,
    batch: BatchId,
) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage
     CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.batch>?3
     WHERE s.project=?1 AND s.number=?2 LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![project, number, batch])?)
}

/// Returns whether a later pass of a stage, in a later run, has read anything.
pub(crate) fn has_read_after(
    connection: &Connection,
    project: &str,
    number: u32,
    pass: PassId,
    run: RunId,
) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_stage s JOIN ledger_pass p ON p.stage=s.stage JOIN ledger_batch b ON b.pass=p.pass
     WHERE s.project=?1 AND s.number=?2 AND p.kind IN('apply','retry') AND p.pass>?3 AND b.read>0 AND b.run>?4)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![project, number, pass, run], |row| row.get(0))?)
}

/// Returns the standing passes of a stage that applied, retried or waived records, in order.
pub(crate) fn standing_passes(connection: &Connection, project: &str, number: u32) -> Result<Vec<PassId>> {
    let sql = "SELECT p.pass FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage
       AND p.kind IN('apply','retry','waive')
     WHERE s.project=?1 AND s.number=?2 ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map(params![project, number], |row| row.get(0))?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// Returns the sum of the outcomes of these passes. A waiver counts only while it is what became of the record: not once the
/// stage has processed a correction.
pub(crate) fn standing_counts(connection: &Connection, project: &str, number: u32) -> Result<Counts> {
    let sql = "SELECT coalesce(sum(t.read),0), coalesce(sum(t.written),0), coalesce(sum(t.unchanged),0),
       coalesce(sum(t.filtered),0), coalesce(sum(t.refused),0), coalesce(sum(t.merged),0)
     FROM ledger_stage s JOIN ledger_total t ON t.stage=s.stage WHERE s.project=?1 AND s.number=?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut counts = statement.query_row(params![project, number], |row| counts(row, 0))?;
    let ended = ended_waivers(connection, project, number)?;
    counts.read = counts.read.saturating_sub(ended);
    counts.filtered = counts.filtered.saturating_sub(ended);
    Ok(counts)
}

/// Counts the waivers of records that the stage has processed since, once for each waiver.
fn ended_waivers(connection: &Connection, project: &str, number: u32) -> Result<u64> {
    let sql = concat!(
        "SELECT count(*) FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='waive'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.part=0
         WHERE s.project=?1 AND s.number=?2 AND EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "e.record"),
        " AND f.batch>e.batch AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry'))"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let ended: i64 = statement.query_row(params![project, number], |row| row.get(0))?;
    Ok(ended.unsigned_abs())
}

fn open(connection: &Connection, project: &str, number: u32) -> Result<Vec<PassSummary>> {
    let sql = "SELECT p.pass FROM ledger_open o CROSS JOIN ledger_pass p ON p.pass=o.pass
     CROSS JOIN ledger_stage s ON s.stage=p.stage WHERE s.project=?1 AND s.number=?2 ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![project, number], |row| row.get(0))?;
    let numbers: Vec<PassId> = numbers.collect::<rusqlite::Result<_>>()?;
    let mut open = Vec::new();
    for number in numbers {
        open.extend(pass(connection, number)?);
    }
    Ok(open)
}

/// The passes of a stage that have ended and stand, and that no reconciliation has covered since.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnreconciledPasses {
    /// Their numbers, ascending.
    pub(crate) passes: Vec<PassId>,
    /// Whether they are all that the stage has.
    pub(crate) is_all: bool,
}

/// Returns what the next reconciliation has to cover. Every reconciliation covers all passes that have ended and are
/// not yet covered, so passes that ended before the newest one are done.
pub(crate) fn unreconciled_passes(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<UnreconciledPasses> {
    let newest_reconciliation = "SELECT coalesce(max((SELECT max(p.pass) FROM ledger_pass p WHERE p.stage=s.stage AND p.kind='reconcile')),0)
     FROM ledger_stage s WHERE s.project=?1 AND s.number=?2";
    let looked: PassId = connection
        .prepare_cached(newest_reconciliation)?
        .query_row(params![project, number], |row| row.get(0))?;
    let looked: BatchId = connection
        .prepare_cached("SELECT coalesce(max(batch),0) FROM ledger_batch WHERE pass=?1")?
        .query_row([looked], |row| row.get(0))?;
    let mut found = UnreconciledPasses {
        is_all: true,
        ..UnreconciledPasses::default()
    };
    for kind in [PassKind::Apply, PassKind::Retry] {
        let mut before = PassId::MAX;
        while let Some(number_of_pass) = newest_standing(connection, project, number, kind, before)? {
            before = number_of_pass;
            let ended = "SELECT batch FROM ledger_batch WHERE pass=?1 AND step='end'";
            let ended: Option<BatchId> = connection
                .prepare_cached(ended)?
                .query_row([number_of_pass], |row| row.get(0))
                .optional()?;
            match ended {
                // Passes of one kind end one after the other.
                Some(ended) if ended < looked => {
                    found.is_all = false;
                    break;
                }
                Some(_) => found.passes.push(number_of_pass),
                None => {}
            }
        }
    }
    found.passes.sort_unstable();
    Ok(found)
}

//! The runs of the ledger in order, with the work of each in each of its passes.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::entry::Counts;
use super::head::{PassRow, RunRow, StageRow};
use super::read::counts;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, PassId, RunId};

/// Number of batches read at a time.
const PAGE: i64 = 1_000;

/// A run with its parts of passes, in order.
#[derive(Clone, Debug)]
pub(crate) struct RunHistory {
    pub(crate) row: RunRow,
    pub(crate) parts: Vec<RunPart>,
}

/// The work of a run in one pass.
#[derive(Clone, Debug)]
pub(crate) struct RunPart {
    pub(crate) pass: PassRow,
    pub(crate) first_batch: BatchId,
    /// Start time: when the batch before it was committed, or when the run began.
    pub(crate) began_us: i64,
    pub(crate) counts: Counts,
    /// Number of rows that it left in the target.
    pub(crate) rows: u64,
    /// Its last batch.
    pub(crate) last: BatchRow,
}

impl RunPart {
    /// Returns whether the pass ended in this run.
    pub(crate) fn ended(&self) -> bool {
        self.last.ends
    }

    /// Returns how many records the pass had read when this run left it, and how many of them it refused.
    pub(crate) fn so_far(&self, connection: &Connection) -> Result<(u64, u64)> {
        refused_with(connection, self.pass.pass, self.last.batch)
    }
}

/// A batch, with what a run's story needs.
#[derive(Clone, Debug)]
pub(crate) struct BatchRow {
    pub(crate) batch: BatchId,
    run: RunId,
    pass: PassId,
    pub(crate) ends: bool,
    pub(crate) counts: Counts,
    rows: i64,
    pub(crate) committed_us: i64,
    pub(crate) head: Hash,
    pub(crate) tree_size: i64,
    pub(crate) tree_root: Hash,
}

/// The runs, oldest first. A run's batches follow each other, because a run holds the store's lock.
#[derive(Debug)]
pub(crate) struct RunHistories<'c> {
    connection: &'c Connection,
    waiting: VecDeque<BatchRow>,
    /// The last batch that was read, and the commit time of the last one that was returned.
    read: BatchId,
    complete: bool,
}

impl<'c> RunHistories<'c> {
    /// Reads all runs, or the given number of newest ones.
    pub(crate) fn read(connection: &'c Connection, newest: Option<usize>) -> Result<Self> {
        let before = match newest {
            None => BatchId::BEFORE_FIRST,
            Some(newest) => {
                let sql = "SELECT min(b.batch)-1 FROM ledger_batch b
                 WHERE b.run IN (SELECT run FROM ledger_run ORDER BY run DESC LIMIT ?1)";
                let newest = i64::try_from(newest).unwrap_or(i64::MAX);
                let before: Option<BatchId> = connection
                    .prepare_cached(sql)?
                    .query_row([newest], |row| row.get(0))?;
                before.unwrap_or(BatchId::MAX)
            }
        };
        Ok(Self {
            connection,
            waiting: VecDeque::new(),
            read: before,
            complete: false,
        })
    }

    fn next_batch(&mut self) -> Result<Option<&BatchRow>> {
        if self.waiting.is_empty() && !self.complete {
            let sql =
                "SELECT b.batch, b.run, b.pass, b.step='end', b.read, b.written, b.unchanged, b.filtered,
               b.refused, b.merged,
               (SELECT count(*) FROM ledger_entry e WHERE e.batch=b.batch AND e.after IS NOT NULL
                 AND (e.outcome=1 OR (e.outcome=5 AND e.before IS NOT e.after))),
               b.committed_us, b.head, b.tree_size, b.tree_root
             FROM ledger_batch b WHERE b.batch>?1 ORDER BY b.batch LIMIT ?2";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![self.read, PAGE], batch_row)?;
            self.waiting = rows.collect::<rusqlite::Result<_>>()?;
            self.complete = self.waiting.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            self.read = self.waiting.back().map_or(self.read, |batch| batch.batch);
        }
        Ok(self.waiting.front())
    }

    fn story(&mut self) -> Result<Option<RunHistory>> {
        let Some(run) = self.next_batch()?.map(|first| first.run) else {
            return Ok(None);
        };
        let row = run_row(self.connection, run)?;
        let mut began_us = row.started_us;
        let mut parts: Vec<RunPart> = Vec::new();
        while let Some(batch) = self.next_batch()?.filter(|batch| batch.run == row.run).cloned() {
            self.waiting.pop_front();
            let rows = batch.rows.unsigned_abs();
            let ended_us = batch.committed_us;
            if let Some(part) = parts.iter_mut().find(|part| part.pass.pass == batch.pass) {
                part.counts.add(&batch.counts);
                part.rows += rows;
                part.last = batch;
            } else {
                parts.push(RunPart {
                    pass: pass_row(self.connection, batch.pass)?,
                    first_batch: batch.batch,
                    began_us,
                    counts: batch.counts,
                    rows,
                    last: batch,
                });
            }
            began_us = ended_us;
        }
        Ok(Some(RunHistory { row, parts }))
    }
}

impl Iterator for RunHistories<'_> {
    type Item = Result<RunHistory>;

    fn next(&mut self) -> Option<Self::Item> {
        self.story().transpose()
    }
}

fn batch_row(row: &Row<'_>) -> rusqlite::Result<BatchRow> {
    Ok(BatchRow {
        batch: row.get(0)?,
        run: row.get(1)?,
        pass: row.get(2)?,
        ends: row.get(3)?,
        counts: counts(row, 4)?,
        rows: row.get(10)?,
        committed_us: row.get(11)?,
        head: row.get(12)?,
        tree_size: row.get(13)?,
        tree_root: row.get(14)?,
    })
}

/// Reads a run's row.
pub(crate) fn run_row(connection: &Connection, run: RunId) -> Result<RunRow> {
    let sql = "SELECT run, uuid, command, actor, host, tool, arguments, reason, started_us FROM ledger_run WHERE run=?1";
    Ok(connection.prepare_cached(sql)?.query_row([run], |row| {
        Ok(RunRow {
            run: row.get(0)?,
            uuid: row.get(1)?,
            command: row.get(2)?,
            actor: row.get(3)?,
            host: row.get(4)?,
            tool: row.get(5)?,
            arguments: row.get(6)?,
            reason: row.get(7)?,
            started_us: row.get(8)?,
        })
    })?)
}

/// Reads a pass's row, with its stage's revision.
pub(crate) fn pass_row(connection: &Connection, pass: PassId) -> Result<PassRow> {
    let sql =
        "SELECT p.pass, p.kind, p.source, p.target, p.reverses, p.after_batch, p.now_us, p.stage, s.project,
       s.number, s.slug, s.source_text, s.text_sha256, s.meaning, s.meaning_sha256
     FROM ledger_pass p LEFT JOIN ledger_stage s USING(stage) WHERE p.pass=?1";
    Ok(connection.prepare_cached(sql)?.query_row([pass], |row| {
        let stage = match row.get::<_, Option<i64>>(7)? {
            Some(stage) => Some(StageRow {
                stage,
                project: row.get(8)?,
                number: row.get(9)?,
                slug: row.get(10)?,
                source_text: row.get(11)?,
                text_sha256: row.get(12)?,
                meaning: row.get(13)?,
                meaning_sha256: row.get(14)?,
            }),
            None => None,
        };
        Ok(PassRow {
            pass: row.get(0)?,
            kind: row.get(1)?,
            stage,
            source: row.get(2)?,
            target: row.get(3)?,
            reverses: row.get(4)?,
            after_batch: row.get(5)?,
            now_us: row.get(6)?,
        })
    })?)
}

/// Returns how many records a pass had read up to a batch, and how many of them it refused.
fn refused_with(connection: &Connection, pass: PassId, batch: BatchId) -> Result<(u64, u64)> {
    let sql = "SELECT sum(read), sum(refused) FROM ledger_batch WHERE pass=?1 AND batch<=?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![pass, batch], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok((count(0)?, count(1)?))
    })?)
}

/// Returns when a run committed its last batch in a pass, in microseconds UTC.
pub(crate) fn ended_us(connection: &Connection, run: RunId, pass: PassId) -> Result<i64> {
    let sql = "SELECT max(committed_us) FROM ledger_batch WHERE pass=?1 AND run=?2";
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params![pass, run], |row| row.get(0))?)
}

/// Returns when a batch was committed, in microseconds UTC.
pub(crate) fn committed_us(connection: &Connection, batch: BatchId) -> Result<i64> {
    let sql = "SELECT committed_us FROM ledger_batch WHERE batch=?1";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([batch], |row| row.get(0))?)
}

/// A pass that a run worked on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkedOn {
    pub(crate) pass: PassId,
    /// Whether the run has written entries in it, and it stands and is of a kind that can be rolled back.
    pub(crate) has_entries_that_stand: bool,
}

/// Returns the passes that a run worked on.
pub(crate) fn worked_on(connection: &Connection, run: RunId) -> Result<Vec<WorkedOn>> {
    let sql = "SELECT p.pass, sum(b.entries)>0 AND p.kind IN('apply','retry','waive','load','edit','merge')
       AND EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=p.pass)
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE b.run=?1 GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map([run], |row| {
        Ok(WorkedOn {
            pass: row.get(0)?,
            has_entries_that_stand: row.get(1)?,
        })
    })?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// Returns the runs that wrote entries of a pass.
pub(crate) fn writing_runs(connection: &Connection, pass: PassId) -> Result<Vec<RunId>> {
    let sql = "SELECT DISTINCT run FROM ledger_batch WHERE pass=?1 AND entries>0 ORDER BY run";
    let mut statement = connection.prepare_cached(sql)?;
    let runs = statement.query_map([pass], |row| row.get(0))?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// The run of the newest batch.
#[derive(Clone, Debug)]
pub(crate) struct NewestCommit {
    pub(crate) run: RunId,
    pub(crate) command: String,
    pub(crate) committed_us: i64,
}

/// Returns the run that committed last.
pub(crate) fn newest_commit(connection: &Connection) -> Result<Option<NewestCommit>> {
    let sql = "SELECT r.run, r.command, b.committed_us FROM ledger_batch b JOIN ledger_run r ON r.run=b.run
     ORDER BY b.batch DESC LIMIT 1";
    let newest = connection.query_row(sql, [], |row| {
        Ok(NewestCommit {
            run: row.get(0)?,
            command: row.get(1)?,
            committed_us: row.get(2)?,
        })
    });
    Ok(newest.optional()?)
}

/// A run that has written after a batch.
#[derive(Clone, Debug)]
pub(crate) struct RunAfter {
    pub(crate) run: RunId,
    pub(crate) command: String,
    /// Its arguments, as JSON.
    pub(crate) arguments: String,
    /// The first batch that it has written since.
    pub(crate) first_batch: BatchId,
}

/// Returns the runs that have written after a batch, in order.
pub(crate) fn runs_after(connection: &Connection, batch: BatchId) -> Result<Vec<RunAfter>> {
    let sql =
        "SELECT r.run, r.command, r.arguments, min(b.batch) FROM ledger_batch b JOIN ledger_run r USING(run)
     WHERE b.batch>?1 GROUP BY r.run ORDER BY r.run";
    let mut statement = connection.prepare_cached(sql)?;
    let runs = statement.query_map([batch], |row| {
        Ok(RunAfter {
            run: row.get(0)?,
            command: row.get(1)?,
            arguments: row.get(2)?,
            first_batch: row.get(3)?,
        })
    })?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

//! The runs as `history` shows them.

use rusqlite::{Connection, OptionalExtension as _};

use super::aggregated::AggregateOutcome;
use super::entry::Counts;
use super::merged::{count_goldens, is_zero};
use super::out::came_out;
use super::read::counts;
use super::sql::undone_by;
use crate::error::Result;
use crate::record::{BatchId, PassId, RunId};

/// One run, as `history` shows it.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// Run number.
    pub run: RunId,
    /// UUID of the run.
    pub uuid: String,
    /// Command.
    pub command: String,
    /// Arguments of the command.
    pub arguments: Vec<String>,
    /// Actor who started it.
    pub actor: String,
    /// Host that it ran on.
    pub host: String,
    /// Version of the tool.
    pub tool: String,
    /// Reason that was given.
    pub reason: Option<String>,
    /// Start time, ISO 8601 in UTC.
    pub started: String,
    /// Time of its last commit, ISO 8601 in UTC.
    pub last_commit: String,
    /// First and last batch.
    pub batches: RunBatches,
    /// Outcomes of its records.
    pub counts: Counts,
    /// Its work, pass by pass.
    pub passes: Vec<RunPass>,
}

/// First and last batch of a run. In JSON a list of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBatches {
    /// First batch.
    pub first: BatchId,
    /// Last batch.
    pub last: BatchId,
}

crate::record::listed::as_list!(RunBatches: first, last);

/// The work of a run in one pass.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct RunPass {
    /// Pass number.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: String,
    /// Number of the stage.
    pub stage: Option<u32>,
    /// Database that it read.
    pub source: Option<String>,
    /// Database that it wrote.
    pub target: Option<String>,
    /// Outcomes of this run's part of the pass.
    pub counts: Counts,
    /// Number of records that came out of those written; differs from them if one becomes several.
    pub out: u64,
    /// Number of golden records that the merged records are in.
    #[serde(skip_serializing_if = "is_zero")]
    pub golden: u64,
    /// What its readings came to, if it makes windows: its counts are those of windows, and of readings that are in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<AggregateOutcome>,
    /// The pass that it rolls back.
    pub reverses: Option<PassId>,
    /// The pass that rolled it back.
    pub undone_by: Option<PassId>,
    /// Whether the pass has ended, in this run or another.
    pub ended: bool,
}

/// Returns the numbers of the runs that wrote, newest first; at most `limit` of them.
pub(crate) fn that_wrote(connection: &Connection, limit: usize) -> Result<Vec<RunId>> {
    let sql = "SELECT run FROM ledger_run r WHERE EXISTS(SELECT 1 FROM ledger_batch b WHERE b.run=r.run)
     ORDER BY run DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// Returns one run that wrote; `None` if there is none of that number.
pub(crate) fn run_record(connection: &Connection, number: RunId) -> Result<Option<RunRecord>> {
    let sql =
        "SELECT run, uuid, command, arguments, actor, host, tool, reason, started, last_commit, first_batch,
       last_batch, read, written, unchanged, filtered, refused, merged FROM audit_run WHERE run=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let run = statement.query_row([number], |row| {
        let arguments: String = row.get(3)?;
        Ok(RunRecord {
            run: row.get(0)?,
            uuid: row.get(1)?,
            command: row.get(2)?,
            arguments: serde_json::from_str(&arguments).unwrap_or_default(),
            actor: row.get(4)?,
            host: row.get(5)?,
            tool: row.get(6)?,
            reason: row.get(7)?,
            started: row.get(8)?,
            last_commit: row.get(9)?,
            batches: RunBatches {
                first: row.get(10)?,
                last: row.get(11)?,
            },
            counts: counts(row, 12)?,
            passes: Vec::new(),
        })
    });
    let Some(mut run) = run.optional()? else {
        return Ok(None);
    };
    run.passes = run_passes(connection, number)?;
    Ok(Some(run))
}

fn run_passes(connection: &Connection, run: RunId) -> Result<Vec<RunPass>> {
    let sql = concat!(
        "SELECT p.pass, p.kind, s.number, p.source, p.target, sum(b.read), sum(b.written), sum(b.unchanged),
       sum(b.filtered), sum(b.refused), sum(b.merged), p.reverses, ",
        undone_by!("p.pass"),
        ",
       EXISTS(SELECT 1 FROM ledger_batch x WHERE x.pass=p.pass AND x.step='end'), ",
        came_out!(),
        ", ",
        count_goldens!(),
        " FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.run=?1 GROUP BY p.pass ORDER BY p.pass"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([run], |row| {
        Ok(RunPass {
            pass: row.get(0)?,
            kind: row.get(1)?,
            stage: row.get(2)?,
            source: row.get(3)?,
            target: row.get(4)?,
            counts: counts(row, 5)?,
            reverses: row.get(11)?,
            undone_by: row.get(12)?,
            ended: row.get(13)?,
            out: row.get::<_, i64>(14)?.unsigned_abs(),
            golden: row.get::<_, i64>(15)?.unsigned_abs(),
            aggregate: None,
        })
    })?;
    let mut passes: Vec<RunPass> = rows.collect::<rusqlite::Result<_>>()?;
    for pass in &mut passes {
        pass.aggregate = AggregateOutcome::of_run(connection, pass.pass, run)?;
    }
    Ok(passes)
}

//! Unfinished passes, and loads that reached the end of their input. Both are found from what the store keeps about
//! them, however many passes and batches there are.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::entry::Counts;
use super::head::PassKind;
use super::read::counts;
use crate::error::Result;
use crate::record::{BatchId, PassId, RunId};

/// A pass that has begun but not ended, and that no rollback has undone.
#[derive(Clone, Debug)]
pub(crate) struct OpenPass {
    pub(crate) pass: PassId,
    pub(crate) kind: PassKind,
    pub(crate) project: Option<String>,
    pub(crate) stage: Option<u32>,
    pub(crate) slug: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) reverses: Option<PassId>,
    /// The run that began it, and the run that committed its newest batch.
    pub(crate) runs: (RunId, RunId),
    pub(crate) last_batch: BatchId,
    pub(crate) committed_us: i64,
    /// The arguments of the newest run, as JSON.
    pub(crate) arguments: String,
    /// Resume point of a load, as JSON.
    pub(crate) cursor: Option<String>,
    pub(crate) counts: Counts,
}

/// Returns the passes that have not ended, in order.
pub(crate) fn open_passes(connection: &Connection) -> Result<Vec<OpenPass>> {
    let sql = "SELECT p.pass, p.kind, s.project, s.number, s.slug, p.source, p.target, p.reverses, f.run, l.run, l.batch,
       l.committed_us, r.arguments,
       (SELECT c.cursor FROM ledger_batch c WHERE c.pass=p.pass AND c.cursor IS NOT NULL ORDER BY c.batch DESC LIMIT 1)
     FROM ledger_open o CROSS JOIN ledger_pass p ON p.pass=o.pass CROSS JOIN ledger_batch l ON l.batch=(SELECT max(batch) FROM ledger_batch WHERE pass=p.pass)
     CROSS JOIN ledger_batch f ON f.batch=(SELECT min(batch) FROM ledger_batch WHERE pass=p.pass)
     CROSS JOIN ledger_run r ON r.run=l.run
     LEFT JOIN ledger_stage s ON s.stage=coalesce(p.stage,(SELECT u.stage FROM ledger_pass u WHERE u.pass=p.reverses))
     WHERE NOT EXISTS(SELECT 1 FROM ledger_pass u WHERE u.reverses=p.pass) ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let mut open: Vec<OpenPass> = statement
        .query_map([], open_pass)?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare(
        "SELECT sum(read), sum(written), sum(unchanged), sum(filtered), sum(refused), sum(merged)
         FROM ledger_batch WHERE pass=?1",
    )?;
    for pass in &mut open {
        pass.counts = statement.query_row([pass.pass], |row| counts(row, 0))?;
    }
    Ok(open)
}

fn open_pass(row: &Row<'_>) -> rusqlite::Result<OpenPass> {
    Ok(OpenPass {
        pass: row.get(0)?,
        kind: row.get(1)?,
        project: row.get(2)?,
        stage: row.get(3)?,
        slug: row.get(4)?,
        source: row.get(5)?,
        target: row.get(6)?,
        reverses: row.get(7)?,
        runs: (row.get(8)?, row.get(9)?),
        last_batch: row.get(10)?,
        committed_us: row.get(11)?,
        arguments: row.get(12)?,
        cursor: row.get(13)?,
        counts: Counts::default(),
    })
}

/// Returns the newest run that has entries in a pass.
pub(crate) fn last_writer(connection: &Connection, pass: PassId) -> Result<Option<RunId>> {
    let sql = "SELECT max(run) FROM ledger_batch WHERE pass=?1 AND entries>0";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))?)
}

/// Returns whether others have written to a database after a batch.
pub(crate) fn written_since(
    connection: &Connection,
    database: &str,
    (pass, batch): (PassId, BatchId),
) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch>?3 AND b.written>0 AND p.target=?1 AND p.pass<>?2)";
    let key = params![database, pass, batch];
    Ok(connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
}

/// Returns whether a later load of a database, in a later run, has read anything.
pub(crate) fn was_loaded_after(
    connection: &Connection,
    database: &str,
    pass: PassId,
    run: RunId,
) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_pass p JOIN ledger_batch b ON b.pass=p.pass
     WHERE p.target=?1 AND p.pass>?2 AND p.kind='load' AND b.read>0 AND b.run>?3)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![database, pass, run], |row| row.get(0))?)
}

/// The position of a load after one of its batches: the number of bytes read and their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Prefix {
    /// Parses a resume point.
    pub(crate) fn from_cursor(cursor: &str) -> Option<Self> {
        let cursor: serde_json::Value = serde_json::from_str(cursor).ok()?;
        Some(Self {
            bytes: cursor["offset"].as_u64()?,
            sha256: cursor["prefix_sha256"].as_str()?.to_owned(),
        })
    }
}

/// Returns the position of a load after its first batch with a resume point.
pub(crate) fn first_prefix(connection: &Connection, pass: PassId) -> Result<Option<Prefix>> {
    let sql = "SELECT cursor FROM ledger_batch WHERE pass=?1 AND cursor IS NOT NULL ORDER BY batch LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([pass])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Prefix::from_cursor(&row.get::<_, String>(0)?))
}

/// A load that reached the end of its input.
#[derive(Clone, Debug)]
pub(crate) struct WholeLoad {
    pub(crate) pass: PassId,
    pub(crate) source: Option<String>,
    pub(crate) run: RunId,
    pub(crate) committed_us: i64,
    /// Remark of its last batch: how the whole input was read, and its hash.
    pub(crate) body: serde_json::Value,
}

/// The standing loads that reached the end of these bytes, or of any input of this length.
macro_rules! whole_loads {
    ($and:literal) => {
        concat!(
            "SELECT p.pass, p.source, l.run, l.committed_us, l.body FROM ledger_batch l CROSS JOIN ledger_pass p ON p.pass=l.pass
             WHERE l.step='end' AND json_extract(l.body,'$.bytes')=?2",
            $and,
            " AND p.kind='load' AND p.target=?1 AND NOT EXISTS(SELECT 1 FROM ledger_pass u WHERE u.reverses=p.pass)"
        )
    };
}

/// Returns whether a standing load into a database reached the end of an input of this many bytes. Nothing is known of
/// loads that ended before inputs were hashed.
pub(crate) fn has_whole_load(connection: &Connection, database: &str, bytes: u64) -> Result<bool> {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(whole_loads!(""))?;
    Ok(statement.exists(params![database, bytes])?)
}

/// Returns the standing loads into a database that reached the end of these bytes, newest first.
pub(crate) fn whole_loads(connection: &Connection, database: &str, input: &Prefix) -> Result<Vec<WholeLoad>> {
    let sql = concat!(
        whole_loads!(" AND json_extract(l.body,'$.sha256')=?3"),
        " ORDER BY p.pass DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let bytes = i64::try_from(input.bytes).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![database, bytes, input.sha256], |row| {
        let body: String = row.get(4)?;
        Ok(WholeLoad {
            pass: row.get(0)?,
            source: row.get(1)?,
            run: row.get(2)?,
            committed_us: row.get(3)?,
            body: serde_json::from_str(&body).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns when a run began, in microseconds since 1970; `None` if it has written nothing.
pub(crate) fn run_started_us(connection: &Connection, run: RunId) -> Result<Option<i64>> {
    let sql = "SELECT started_us FROM ledger_run WHERE run=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([run], |row| row.get(0)).optional()?)
}

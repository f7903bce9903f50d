//! The stages and loads that refused what is in quarantine, and how much of it there is.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::quarantine::Quarantined;
use crate::error::Result;
use crate::record::listed::as_list;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// Number of records in quarantine that one stage refused with one code. In JSON a list of the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineTotal {
    /// Number of the stage; `None` if loads refused the records.
    pub stage: Option<u32>,
    /// Code of the refusals.
    pub code: String,
    /// Number of records.
    pub records: u64,
}

as_list!(QuarantineTotal: stage, code, records);

/// Number of records that a stage refused and that have an earlier version in its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierVersions {
    /// Number of the stage.
    pub stage: u32,
    /// Target of the stage.
    pub target: String,
    /// Number of records.
    pub records: u64,
}

/// Counts the lines that loads rejected at admission.
pub(crate) fn rejected_lines(connection: &Connection) -> Result<u64> {
    let sql = "SELECT count(*) FROM audit_quarantine WHERE project IS NULL";
    let refused: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(refused.unsigned_abs())
}

/// Counts the records that a project may see, by stage and code, largest first.
pub(crate) fn totals(connection: &Connection, project: &str) -> Result<Vec<QuarantineTotal>> {
    let sql = "SELECT number, code, count(*) FROM audit_quarantine WHERE project IS NULL OR project=?1
     GROUP BY number, code ORDER BY 3 DESC, 1, 2";
    totals_by(connection, sql, &project)
}

/// Like [`totals`], for the records that one pass refused.
pub(crate) fn totals_of(connection: &Connection, pass: PassId) -> Result<Vec<QuarantineTotal>> {
    let sql = "SELECT number, code, count(*) FROM audit_quarantine WHERE pass=?1
     GROUP BY number, code ORDER BY 3 DESC, 1, 2";
    totals_by(connection, sql, &pass)
}

fn totals_by(connection: &Connection, sql: &str, which: &dyn ToSql) -> Result<Vec<QuarantineTotal>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([which], |row| {
        Ok(QuarantineTotal {
            stage: row.get(0)?,
            code: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            records: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns those of these passes that refused something which is still refused.
pub(crate) fn still_refusing(connection: &Connection, passes: &[PassId]) -> Result<Vec<PassId>> {
    let sql = "SELECT DISTINCT pass FROM audit_quarantine WHERE pass IN(SELECT value FROM json_each(?1)) ORDER BY pass";
    let mut statement = connection.prepare_cached(sql)?;
    let listed = serde_json::json!(passes).to_string();
    let rows = statement.query_map([listed], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The entries of a refusal record what the target contains, if it is another database, and what was removed from it. A
/// row that was changed by hand is not an earlier version.
macro_rules! earlier_version {
    () => {
        "(q.number IS NOT NULL AND q.source<>q.database AND q.code<>'target.edited' AND EXISTS(SELECT 1 FROM ledger_entry e
   WHERE e.batch=q.batch AND e.record=q.record AND e.after IS NOT NULL AND NOT EXISTS(SELECT 1 FROM ledger_entry r
     WHERE r.batch=q.batch AND r.record=q.record AND r.part>e.part AND r.before=e.after AND r.after IS NULL)))"
    };
}

/// Counts the records that stages refused and that have an earlier version in the stage's target, by stage and target.
pub(crate) fn earlier_versions(connection: &Connection, project: &str) -> Result<Vec<EarlierVersions>> {
    let sql = concat!(
        "SELECT q.number, q.database, count(*) FROM audit_quarantine q WHERE q.project=?1 AND ",
        earlier_version!(),
        " GROUP BY q.number, q.database ORDER BY q.number"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([project], |row| {
        Ok(EarlierVersions {
            stage: row.get(0)?,
            target: row.get(1)?,
            records: row.get::<_, i64>(2)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns whether a stage refused a record of which its target contains an earlier version.
pub(crate) fn has_earlier_version(connection: &Connection, refused: &Quarantined) -> Result<bool> {
    let sql = concat!(
        "SELECT ",
        earlier_version!(),
        " FROM audit_quarantine q WHERE q.batch=?1 AND q.record=?2"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![refused.batch, refused.record], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

/// The origin of a refusal: a stage by its project and number, whatever its revision, or else the loads of a database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refuser {
    Stage { project: String, number: Option<i64> },
    Loads { database: Option<String> },
}

impl Refuser {
    /// Reads it from the columns of the project, the number and the database.
    fn new(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let project: Option<String> = row.get(at)?;
        Ok(match project {
            Some(project) => Self::Stage {
                project,
                number: row.get(at + 1)?,
            },
            None => Self::Loads {
                database: row.get(at + 2)?,
            },
        })
    }
}

/// Returns the records in quarantine since a batch, by the stage or loads that refused them. Includes records that were
/// refused again later.
pub(crate) fn standing_since(
    connection: &Connection,
    first: BatchId,
) -> Result<BTreeMap<Refuser, HashSet<RecordNumber>>> {
    let sql = "SELECT project, number, database, record FROM audit_quarantine WHERE batch>=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([first])?;
    let mut standing: BTreeMap<Refuser, HashSet<RecordNumber>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        standing
            .entry(Refuser::new(row, 0)?)
            .or_default()
            .insert(row.get(3)?);
    }
    Ok(standing)
}

/// A pass that refused records which are still in quarantine.
#[derive(Clone, Debug)]
pub(crate) struct RefusingPass {
    pub(crate) pass: PassId,
    pub(crate) kind: String,
    /// Project of its stage, if it has one.
    pub(crate) project: Option<String>,
    pub(crate) number: Option<u32>,
    pub(crate) source: Option<String>,
    pub(crate) database: Option<String>,
    /// The last run that worked on it.
    pub(crate) run: RunId,
    /// Number of its refused records that are still refused, and the time at which the oldest was refused.
    pub(crate) records: u64,
    pub(crate) oldest_us: i64,
    /// Number of them since the requested time.
    pub(crate) in_time: u64,
}

/// Returns, in order, the passes whose refusals are still in quarantine and visible to a project.
pub(crate) fn refusing_passes(
    connection: &Connection,
    project: &str,
    first_us: i64,
) -> Result<Vec<RefusingPass>> {
    let sql = "SELECT q.pass, q.kind, q.project, q.number, q.source, q.database,
      (SELECT run FROM ledger_batch WHERE pass=q.pass ORDER BY batch DESC LIMIT 1),
      count(*), min(b.committed_us), sum(b.committed_us>=?2)
     FROM audit_quarantine q JOIN ledger_batch b ON b.batch=q.batch
     WHERE q.project IS NULL OR q.project=?1 GROUP BY q.pass ORDER BY q.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map(params![project, first_us], |row| {
        Ok(RefusingPass {
            pass: row.get(0)?,
            kind: row.get(1)?,
            project: row.get(2)?,
            number: row.get(3)?,
            source: row.get(4)?,
            database: row.get(5)?,
            run: row.get(6)?,
            records: row.get::<_, i64>(7)?.unsigned_abs(),
            oldest_us: row.get(8)?,
            in_time: row.get::<_, i64>(9)?.unsigned_abs(),
        })
    })?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// A refusal of a run: one record, and the reason.
#[derive(Clone, Debug)]
pub(crate) struct RefusalOfRun {
    pub(crate) pass: PassId,
    pub(crate) batch: BatchId,
    pub(crate) record: RecordNumber,
    pub(crate) reason: String,
    /// The id with which the record began, and where.
    pub(crate) id: Option<String>,
    pub(crate) began_in: Option<String>,
    /// Database that it would have been written to.
    pub(crate) database: Option<String>,
    pub(crate) by: Refuser,
}

/// Calls the callback with each refusal of a run, in ledger order, whether it still stands or not.
pub(crate) fn each_refusal_of_run(
    connection: &Connection,
    run: RunId,
    mut tell: impl FnMut(RefusalOfRun) -> Result<()>,
) -> Result<()> {
    let sql = "SELECT p.pass, e.batch, e.record, e.reason, n.id, s.project, s.number, p.target, n.database
     FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch JOIN ledger_pass p USING(pass)
     LEFT JOIN ledger_stage s USING(stage) LEFT JOIN ledger_record n ON n.record=e.record
     WHERE b.run=?1 AND b.refused>0 AND e.outcome=4 AND e.reason IS NOT NULL ORDER BY e.batch, e.record, e.part";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        tell(RefusalOfRun {
            pass: row.get(0)?,
            batch: row.get(1)?,
            record: row.get(2)?,
            reason: row.get(3)?,
            id: row.get(4)?,
            by: Refuser::new(row, 5)?,
            database: row.get(7)?,
            began_in: row.get(8)?,
        })?;
    }
    Ok(())
}

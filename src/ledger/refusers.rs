//! Who has refused what stands in quarantine, and how much of it there is.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::quarantine::Quarantined;
use crate::error::Result;
use crate::record::listed::as_list;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// How many records stand in quarantine that one stage has refused with one code. In JSON a list of the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineTotal {
    /// The stage's number; `None`: loads have refused them.
    pub stage: Option<u32>,
    /// The code of the refusals.
    pub code: String,
    /// How many records.
    pub records: u64,
}

as_list!(QuarantineTotal: stage, code, records);

/// How many of the records that a stage has refused have an earlier version in its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierVersions {
    /// The stage's number.
    pub stage: u32,
    /// Its target.
    pub target: String,
    /// How many records.
    pub records: u64,
}

/// How many lines were refused at the door by loads.
pub(crate) fn rejected_lines(connection: &Connection) -> Result<u64> {
    let sql = "SELECT count(*) FROM audit_quarantine WHERE project IS NULL";
    let refused: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(refused.unsigned_abs())
}

/// How many records there are that a project may see, by stage and code, largest first.
pub(crate) fn totals(connection: &Connection, project: &str) -> Result<Vec<QuarantineTotal>> {
    let sql = "SELECT number, code, count(*) FROM audit_quarantine WHERE project IS NULL OR project=?1
     GROUP BY number, code ORDER BY 3 DESC, 1, 2";
    totals_by(connection, sql, &project)
}

/// As [`totals`], of those that one pass has refused.
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

/// Those of these passes that have refused something which still stands so.
pub(crate) fn still_refusing(connection: &Connection, passes: &[PassId]) -> Result<Vec<PassId>> {
    let sql = "SELECT DISTINCT pass FROM audit_quarantine WHERE pass IN(SELECT value FROM json_each(?1)) ORDER BY pass";
    let mut statement = connection.prepare_cached(sql)?;
    let listed = serde_json::json!(passes).to_string();
    let rows = statement.query_map([listed], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The entries of a refusal say what stands in the target, where it is another database, and what was removed from it. A row
/// that somebody has changed by hand is no earlier version.
macro_rules! earlier_version {
    () => {
        "(q.number IS NOT NULL AND q.source<>q.database AND q.code<>'target.edited' AND EXISTS(SELECT 1 FROM ledger_entry e
   WHERE e.batch=q.batch AND e.record=q.record AND e.after IS NOT NULL AND NOT EXISTS(SELECT 1 FROM ledger_entry r
     WHERE r.batch=q.batch AND r.record=q.record AND r.part>e.part AND r.before=e.after AND r.after IS NULL)))"
    };
}

/// How many of the records that stages have refused have an earlier version in the stage's target; by stage and target.
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

/// Whether a stage has refused a record of which an earlier version stands in its target.
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

/// Who has refused: a stage by its project and number, whatever its revision; without one, the loads of a database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refuser {
    Stage { project: String, number: Option<i64> },
    Loads { database: Option<String> },
}

impl Refuser {
    /// From the columns of the project, the number and the database.
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

/// The records that stand in quarantine since a batch, by who has refused them: one that was refused again later stands
/// there too.
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

/// A pass that has refused what still stands in quarantine.
#[derive(Clone, Debug)]
pub(crate) struct RefusingPass {
    pub(crate) pass: PassId,
    pub(crate) kind: String,
    /// Of a stage, its project.
    pub(crate) project: Option<String>,
    pub(crate) number: Option<u32>,
    pub(crate) source: Option<String>,
    pub(crate) database: Option<String>,
    /// The run that worked on it last.
    pub(crate) run: RunId,
    /// How many records it has refused that stand so, and since when the oldest does.
    pub(crate) records: u64,
    pub(crate) oldest_us: i64,
    /// How many of them since the time that was asked for.
    pub(crate) in_time: u64,
}

/// The passes that have refused what still stands in quarantine and a project may see, in their order.
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

/// What a run has refused: one record, and why.
#[derive(Clone, Debug)]
pub(crate) struct RefusalOfRun {
    pub(crate) pass: PassId,
    pub(crate) batch: BatchId,
    pub(crate) record: RecordNumber,
    pub(crate) reason: String,
    /// The id with which the record began, and where.
    pub(crate) id: Option<String>,
    pub(crate) began_in: Option<String>,
    /// Where it would have gone.
    pub(crate) database: Option<String>,
    pub(crate) by: Refuser,
}

/// Tells each refusal of a run, in the order of the ledger, whether it stands or not.
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

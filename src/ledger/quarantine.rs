//! The records in quarantine: refused, with nothing having happened to them in that stage since. Read either in full,
//! one record after the other, or as numbers only.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};
use crate::refusal::Refusal;

/// Selects refused records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selected {
    /// Selects only those that this stage refused.
    pub stage: Option<u32>,
    /// Selects only those with this refusal code.
    pub code: Option<String>,
    /// Selects only this record number.
    pub record: Option<RecordNumber>,
    /// Selects only the record with this id.
    pub id: Option<String>,
    /// Selects only those that this pass refused.
    pub pass: Option<PassId>,
}

impl Selected {
    /// Selects what this stage refused, by its number. Default: `None`, any stage.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Option<u32>>) -> Self {
        self.stage = stage.into();
        self
    }

    /// Selects what was refused with this code. Default: `None`, any code.
    #[must_use]
    pub fn code(mut self, code: impl Into<Option<String>>) -> Self {
        self.code = code.into();
        self
    }

    /// Selects the record with this number. Default: `None`, any record.
    #[must_use]
    pub fn record(mut self, record: impl Into<Option<RecordNumber>>) -> Self {
        self.record = record.into();
        self
    }

    /// Selects the record with this id. Default: `None`, any record.
    #[must_use]
    pub fn id(mut self, id: impl Into<Option<String>>) -> Self {
        self.id = id.into();
        self
    }

    /// Selects what this pass refused. Default: `None`, any pass.
    #[must_use]
    pub fn pass(mut self, pass: impl Into<Option<PassId>>) -> Self {
        self.pass = pass.into();
        self
    }
}

/// One refused record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Quarantined {
    /// Record number.
    pub record: RecordNumber,
    /// Id of the record, if it has one.
    pub id: Option<String>,
    /// Stage that refused it; `None` if a load refused it at admission.
    pub stage: Option<u32>,
    /// Slug of the stage.
    pub slug: Option<String>,
    /// Where the record came from.
    pub source: Option<String>,
    /// Database that it would have been written to.
    pub database: Option<String>,
    /// Batch that refused it.
    pub batch: BatchId,
    /// Time of the refusal, ISO 8601 in UTC.
    pub at: String,
    /// Reason for the refusal.
    pub reason: Refusal,
}

/// The records in quarantine that a project may see and that are selected.
macro_rules! standing {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM audit_quarantine q
             WHERE (q.project IS NULL OR q.project=?1) AND (?2 IS NULL OR q.number=?2) AND (?3 IS NULL OR q.code=?3)
               AND (?4 IS NULL OR q.record=?4) AND (?5 IS NULL OR q.id=?5)
               AND (?6 IS NULL OR q.pass=?6)"
        )
    };
}

/// Parameters of the query [`standing!`].
fn wanted<'w>(project: &'w &str, selected: &'w Selected) -> [&'w dyn ToSql; 6] {
    [
        project,
        &selected.stage,
        &selected.code,
        &selected.record,
        &selected.id,
        &selected.pass,
    ]
}

/// Calls the callback with at most `limit` records, in the order in which they were refused, until it stops the
/// iteration. Reads batch by batch, so that no read transaction is open during the callback: a reader holds up every
/// commit.
pub(crate) fn each(
    connection: &Connection,
    project: &str,
    selected: &Selected,
    limit: usize,
    mut tell: impl FnMut(Quarantined) -> Result<bool>,
) -> Result<()> {
    let mut left = limit;
    for batch in refusing_batches(connection, selected.pass)? {
        for refused in of_batch(connection, project, selected, batch, left)? {
            left -= 1;
            if !tell(refused)? {
                return Ok(());
            }
        }
        if left == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Returns the batches that refused something, all of them or those of a pass, ascending.
fn refusing_batches(connection: &Connection, pass: Option<PassId>) -> Result<Vec<BatchId>> {
    let sql = match pass {
        Some(_) => "SELECT batch FROM ledger_batch WHERE refused>0 AND pass=?1 ORDER BY +batch",
        None => "SELECT batch FROM ledger_batch WHERE refused>0 AND ?1 IS NULL ORDER BY +batch",
    };
    let mut statement = connection.prepare_cached(sql)?;
    let batches = statement.query_map([pass], |row| row.get(0))?;
    Ok(batches.collect::<rusqlite::Result<_>>()?)
}

fn of_batch(
    connection: &Connection,
    project: &str,
    selected: &Selected,
    batch: BatchId,
    limit: usize,
) -> Result<Vec<Quarantined>> {
    let sql = concat!(
        standing!(
            "q.record, coalesce(q.id, json_extract(q.reason,'$.id')), q.number, q.slug, q.source, q.database,
             q.batch, q.at, q.reason"
        ),
        " AND q.batch=?7 ORDER BY q.record LIMIT ?8"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![
        project,
        selected.stage,
        selected.code,
        selected.record,
        selected.id,
        selected.pass,
        batch,
        i64::try_from(limit).unwrap_or(i64::MAX)
    ];
    let rows = statement.query_map(key, quarantined)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Number of records and lines in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineCount {
    /// Number of records that stages refused.
    pub records: u64,
    /// Number of lines that loads refused.
    pub lines: u64,
}

/// Counts the quarantined records that stages refused, and the lines that loads refused.
pub(crate) fn count(connection: &Connection, project: &str, selected: &Selected) -> Result<QuarantineCount> {
    let sql = standing!("coalesce(sum(q.number IS NOT NULL),0), coalesce(sum(q.number IS NULL),0)");
    let (of_stages, of_loads): (i64, i64) = connection
        .prepare_cached(sql)?
        .query_row(&wanted(&project, selected)[..], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(QuarantineCount {
        records: of_stages.unsigned_abs(),
        lines: of_loads.unsigned_abs(),
    })
}

fn quarantined(row: &Row<'_>) -> rusqlite::Result<Quarantined> {
    let reason: String = row.get(8)?;
    Ok(Quarantined {
        record: row.get(0)?,
        id: row.get(1)?,
        stage: row.get(2)?,
        slug: row.get(3)?,
        source: row.get(4)?,
        database: row.get(5)?,
        batch: row.get(6)?,
        at: row.get(7)?,
        reason: serde_json::from_str(&reason).unwrap_or_else(|_| Refusal::new("unreadable", "")),
    })
}

/// A record in quarantine, by its numbers alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefusedNumbers {
    pub(crate) record: RecordNumber,
    /// Batch that refused it.
    pub(crate) batch: BatchId,
}

/// The common origin of refusals: a stage, or loads into one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusalGroup {
    /// `None` for loads.
    pub(crate) stage: Option<u32>,
    pub(crate) database: Option<String>,
}

/// Returns the groups with something selected in quarantine, loads first.
pub(crate) fn groups(
    connection: &Connection,
    project: &str,
    selected: &Selected,
) -> Result<Vec<RefusalGroup>> {
    let sql = concat!(
        standing!("q.number, q.database"),
        " GROUP BY q.number, q.database ORDER BY q.number, q.database"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let groups = statement.query_map(&wanted(&project, selected)[..], |row| {
        Ok(RefusalGroup {
            stage: row.get(0)?,
            database: row.get(1)?,
        })
    })?;
    Ok(groups.collect::<rusqlite::Result<_>>()?)
}

/// Returns the records of a group by their numbers, ascending.
pub(crate) fn of_group(
    connection: &Connection,
    project: &str,
    selected: &Selected,
    group: &RefusalGroup,
) -> Result<Vec<RefusedNumbers>> {
    let of_stage = concat!(
        standing!("q.record, q.batch"),
        " AND q.number IS ?7 AND q.database IS ?8 ORDER BY q.record"
    );
    let [project, number, code, record, id, pass] = wanted(&project, selected);
    let key = [
        project,
        number,
        code,
        record,
        id,
        pass,
        &group.stage,
        &group.database,
    ];
    numbers(connection, of_stage, &key)
}

/// Returns the records that each stage refused (`None` for loads) by their numbers, in the order in which they were
/// refused.
pub(crate) fn by_stage(
    connection: &Connection,
    project: &str,
    selected: &Selected,
) -> Result<BTreeMap<Option<u32>, Vec<RefusedNumbers>>> {
    let sql = concat!(
        standing!("q.number, q.record, q.batch"),
        " ORDER BY q.batch, q.record"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(&wanted(&project, selected)[..])?;
    let mut refused: BTreeMap<_, Vec<_>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        refused.entry(row.get(0)?).or_default().push(RefusedNumbers {
            record: row.get(1)?,
            batch: row.get(2)?,
        });
    }
    Ok(refused)
}

fn numbers(connection: &Connection, sql: &str, key: &[&dyn ToSql]) -> Result<Vec<RefusedNumbers>> {
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(key, |row| {
        Ok(RefusedNumbers {
            record: row.get(0)?,
            batch: row.get(1)?,
        })
    })?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// Returns the image of a refused record: the refused input.
pub(crate) fn image(connection: &Connection, refused: &Quarantined) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM ledger_image WHERE batch=?1 AND record=?2 AND kind=4 ORDER BY part LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![refused.batch, refused.record];
    Ok(statement.query_row(key, |row| row.get(0)).optional()?)
}

//! What was written to the readings of windows: since a batch, and by whom last.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::image::row_before;
use super::read::recorded;
use super::sql::of_row;
use super::stage_input::{StageInput, is_upstream};
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};
use crate::store::Table;

/// The writes of batches between two to the source: of passes that stand and are input for the stage, of rollbacks of
/// such passes that had begun when it last read, and of rollbacks of single records. Parameters as in
/// `ledger/stage_input.rs`.
const WRITES: &str = concat!(
    "SELECT coalesce(e.target,e.record), e.before IS NOT NULL FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch
     CROSS JOIN ledger_standing p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE w.database=?5 AND w.rollback=0 AND w.batch>?3 AND w.batch<?4 AND ",
    is_upstream!(),
    " AND e.before IS NOT e.after
     UNION ALL
     SELECT coalesce(e.target,e.record), e.before IS NOT NULL FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch
     CROSS JOIN ledger_pass u ON u.pass=b.pass LEFT JOIN ledger_pass p ON p.pass=u.reverses
     LEFT JOIN ledger_stage s ON s.stage=p.stage CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE w.database=?5 AND w.rollback=1 AND w.batch>?3 AND w.batch<?4 AND (u.reverses IS NULL OR (",
    is_upstream!(),
    " AND (SELECT min(f.batch) FROM ledger_batch f WHERE f.pass=p.pass)<=?3))
       AND e.before IS NOT e.after"
);

/// Calls `tell` with each number that batches after `after` and before `before` wrote to the source of a stage, and
/// whether there was a row before; in any order, and with a number once for each time that it was written. Leaves out what came and was undone
/// between the two, because the stage has read neither.
pub(crate) fn each_write(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
    mut tell: impl FnMut(RecordNumber, bool),
) -> Result<()> {
    let mut statement = connection.prepare_cached(WRITES)?;
    let key = params![
        stage.project,
        stage.number,
        after,
        before,
        stage.source,
        stage.in_place
    ];
    let mut rows = statement.query(key)?;
    while let Some(row) = rows.next()? {
        tell(row.get(0)?, row.get(1)?);
    }
    Ok(())
}

/// Returns whether windows of a stage were rolled back singly between two batches.
pub(crate) fn are_rolled_back_singly(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_stage s CROSS JOIN ledger_pass p ON p.stage=s.stage AND p.kind='rollback' AND p.reverses IS NULL
     CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.batch>?3 AND b.batch<?4 AND b.entries>0
     WHERE s.project=?1 AND s.number=?2 LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![stage.project, stage.number, after, before])?)
}

/// The texts that a row has had since a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    /// Newest first; the present one is not among them.
    pub(crate) texts: Vec<String>,
    /// Whether none is lost. A rollback keeps no image of what it took back.
    pub(crate) are_complete: bool,
}

/// Returns the texts that a row of a database has had since a batch, the one as of that batch included and the present one
/// excluded. The row may be gone. What came and was rolled back after the batch may be missing: the stage has read neither.
pub(crate) fn versions_since(
    connection: &Connection,
    database: &str,
    record: RecordNumber,
    after: BatchId,
) -> Result<Versions> {
    // Of a batch that took a row out and put one in, the row that it put in is the newer one. The last column: a rollback of
    // what had begun by then.
    let sql = concat!(
        "SELECT e.batch, e.record, e.part, e.outcome, e.target, e.input, e.before, e.after, e.reason, i.kind, i.body, p.kind='rollback',
           coalesce((SELECT min(f.batch) FROM ledger_batch f WHERE f.pass=coalesce(p.reverses, json_extract(b.body,'$.undoes')))<=?3,0)
         FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
         LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 AND e.batch>?3 AND e.before IS NOT e.after
         ORDER BY e.batch DESC, e.after IS NULL, e.record DESC, e.part DESC"
    );
    let now = Table::from_name(database)?.by_number(connection, record)?;
    let mut known: HashMap<Hash, (String, String)> = HashMap::new();
    let mut version = None;
    if let Some(now) = now {
        known.extend(
            now.hash()
                .map(|hash| (hash, (now.record.id.clone(), now.record.data.clone()))),
        );
        version = Some((now.record.id, now.record.data));
    }
    let mut versions = Versions {
        are_complete: true,
        ..Versions::default()
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, record, after])?;
    while let Some(row) = rows.next()? {
        let change = recorded(row)?;
        let now = version.as_ref().map(|(id, data)| (id.as_str(), data.as_str()));
        let before = change.entry.before.as_ref();
        version = row_before(change.image.as_ref(), now).or_else(|| known.get(before?).cloned());
        match (&version, before) {
            (Some(older), Some(before)) => {
                versions.texts.push(older.1.clone());
                known.insert(*before, older.clone());
            }
            (None, Some(_)) if row.get(11)? => versions.are_complete &= !row.get::<_, bool>(12)?,
            (None, Some(_)) => versions.are_complete = false,
            (_, None) => version = None,
        }
    }
    Ok(versions)
}

/// Returns the run that wrote a row last by a load or an edit, and what a load read it from.
pub(crate) fn newest_write(
    connection: &Connection,
    database: &str,
    record: RecordNumber,
) -> Result<(Option<i64>, Option<String>)> {
    let sql = concat!(
        "SELECT b.run, CASE p.kind WHEN 'load' THEN p.source END FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_standing p ON p.pass=b.pass WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 AND p.kind IN('load','edit') AND e.before IS NOT e.after ORDER BY e.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, record])?;
    Ok(match rows.next()? {
        Some(row) => (row.get(0)?, row.get(1)?),
        None => (None, None),
    })
}

/// Returns whether a row was written after a batch.
pub(crate) fn is_written_after(
    connection: &Connection,
    database: &str,
    record: RecordNumber,
    after: BatchId,
) -> Result<bool> {
    let sql = concat!(
        "SELECT 1 FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_standing p ON p.pass=b.pass WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 AND e.batch>?3 AND e.before IS NOT e.after LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![database, record, after])?)
}

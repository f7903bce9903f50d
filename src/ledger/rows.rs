//! The history of a row of a database, from its entries, and the stage that owns it.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::head::PassKind;
use super::image::id_in;
use super::read::RecordedEntry;
use super::sql::{of_record, of_row};
use super::stage_input::StageInput;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, RecordNumber};

/// A standing change of a row, newest first.
#[derive(Clone, Debug)]
pub(crate) struct RowChange {
    /// Batch, record and part of the entry.
    pub(crate) key: (BatchId, RecordNumber, i64),
    pub(crate) kind: PassKind,
    /// Project and number of the stage.
    pub(crate) stage: Option<(String, u32)>,
    /// Whether the stage writes to another database than it reads.
    pub(crate) copies: bool,
    /// The source record.
    pub(crate) record: RecordNumber,
    /// Commitments to the row before and after; `None` if it did not exist.
    pub(crate) before: Option<Hash>,
    pub(crate) after: Option<Hash>,
}

/// Returns the standing changes of a row, newest first: an undone change and the rollback that undid it are both left
/// out.
pub(crate) fn changes_of_row(
    connection: &Connection,
    database: &str,
    number: RecordNumber,
) -> Result<Vec<RowChange>> {
    let sql = concat!(
        "SELECT e.batch, e.record, e.part, p.pass, p.kind, s.project, s.number, p.stage IS NOT NULL AND p.source<>p.target,
           coalesce(p.reverses, json_extract(b.body,'$.undoes')), e.outcome=4 AND e.before IS e.after, e.before, e.after
         FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_pass p ON p.pass=b.pass
         LEFT JOIN ledger_stage s ON s.stage=p.stage
         WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 ORDER BY e.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![database, number])?;
    let (mut changes, mut undone) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let kind: PassKind = row.get(4)?;
        if let Some(reverses) = row
            .get::<_, Option<i64>>(8)?
            .filter(|_| kind == PassKind::Rollback)
        {
            // An entry that a rollback had to leave unchanged still stands.
            if !row.get::<_, bool>(9)? {
                undone.push(reverses);
            }
            continue;
        }
        let (before, after): (Option<Hash>, Option<Hash>) = (row.get(10)?, row.get(11)?);
        if before == after || undone.contains(&row.get(3)?) {
            continue;
        }
        let stage: Option<String> = row.get(5)?;
        changes.push(RowChange {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            kind,
            stage: match stage {
                Some(project) => Some((project, row.get(6)?)),
                None => None,
            },
            copies: row.get(7)?,
            record: row.get(1)?,
            before,
            after,
        });
    }
    Ok(changes)
}

/// Returns the newest change by hand of a row that no stage copies, and the earlier change in place whose result it
/// altered. The row stays changed by hand whatever later stages in place do with it. A row that a stage has changed
/// again since counts as given to the stage again, and so does what came after a stage refused the row. `now` is the
/// commitment to the row.
pub(crate) fn edited_in_place(changes: &[RowChange], now: Option<Hash>) -> Option<(&RowChange, &RowChange)> {
    let (mut above, mut newest) = (now, None);
    let mut changed_again = u32::MAX;
    for change in changes {
        if let Some((_, number)) = &change.stage {
            let by_hand = newest.take().filter(|_| change.after != above);
            match (by_hand, change.after) {
                (Some(_), None) => return None,
                (Some(by_hand), Some(_)) if *number < changed_again => return Some((by_hand, change)),
                _ => above = change.before,
            }
            changed_again = changed_again.min(*number);
        } else if matches!(change.kind, PassKind::Load | PassKind::Edit) {
            newest = newest.or(Some(change));
        }
    }
    None
}

/// The owner of a row: the project and the number of a stage that writes to another database than it reads, and the
/// source record.
pub(crate) type Owner<'c> = (&'c str, u32, RecordNumber);

/// Returns the stage that brought a row to its database, by the row's changes; `None` if no stage did.
pub(crate) fn owner(changes: &[RowChange]) -> Option<Owner<'_>> {
    let change = changes
        .iter()
        .find(|change| change.copies && change.after.is_some())?;
    let (project, number) = change.stage.as_ref()?;
    Some((project, *number, change.record))
}

/// Returns whether another stage copies from a stage's source to its target: their records have the same numbers.
pub(crate) fn shares_numbers(connection: &Connection, stage: StageInput<'_>) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_stage s WHERE NOT (s.project=?3 AND s.number=?4)
     AND EXISTS(SELECT 1 FROM ledger_pass p WHERE p.stage=s.stage AND p.kind IN('apply','retry') AND p.source=?1 AND p.target=?2)
     LIMIT 1";
    let key = params![stage.source, stage.target, stage.project, stage.number];
    Ok(connection.prepare_cached(sql)?.exists(key)?)
}

/// Returns the rows of a stage's source that later stages brought there: they already have the shape that the stage
/// gives, or a different one.
pub(crate) fn of_later_stages(
    connection: &Connection,
    stage: StageInput<'_>,
) -> Result<BTreeSet<RecordNumber>> {
    let sql = "SELECT DISTINCT coalesce(e.target,e.record) FROM ledger_stage s
     CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry')
     CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE (s.number,s.project)>(?2,?1) AND p.target=?3 AND p.source<>p.target AND e.after IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![stage.project, stage.number, stage.source];
    let rows = statement.query_map(key, |row| row.get(0))?;
    let mut later = BTreeSet::new();
    for row in rows {
        let row = row?;
        let changes = changes_of_row(connection, stage.source, row)?;
        let is_later = |(project, number, _): Owner<'_>| (number, project) > (stage.number, stage.project);
        if owner(&changes).is_some_and(is_later) {
            later.insert(row);
        }
    }
    Ok(later)
}

/// Returns whether a row was changed by hand since a stage wrote it.
pub(crate) fn is_edited(changes: &[RowChange], stage: StageInput<'_>) -> bool {
    since_written(changes, (stage.project, stage.number)).any(is_by_hand)
}

/// Returns the changes of a row since a stage wrote it, newest first.
fn since_written<'c>(
    changes: &'c [RowChange],
    (project, number): (&'c str, u32),
) -> impl Iterator<Item = &'c RowChange> {
    let by_the_stage = move |change: &&RowChange| {
        let of = change.stage.as_ref();
        of.is_some_and(|(other, by)| (other.as_str(), *by) == (project, number))
    };
    changes.iter().take_while(move |change| !by_the_stage(change))
}

fn is_by_hand(change: &RowChange) -> bool {
    matches!(change.kind, PassKind::Load | PassKind::Edit)
}

/// Returns whether a row was changed by hand since a stage wrote it, and is not again as it was before that. `now` is the
/// commitment to the row.
pub(crate) fn is_still_edited(changes: &[RowChange], stage: (&str, u32), now: Option<Hash>) -> bool {
    let since = since_written(changes, stage).filter(|change| is_by_hand(change));
    since.last().is_some_and(|oldest| oldest.before != now)
}

/// Returns the rows of a database with a standing change by a load or an edit.
pub(crate) fn rows_touched_by_hand(
    connection: &Connection,
    database: &str,
) -> Result<BTreeSet<RecordNumber>> {
    // A load keeps an image of what it overwrites; without one, its entries need not be read.
    let sql = "SELECT DISTINCT coalesce(e.target,e.record) AS row FROM ledger_standing p CROSS JOIN ledger_batch b ON b.pass=p.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.target=?1 AND p.kind IN('load','edit')
       AND (p.kind='edit' OR EXISTS(SELECT 1 FROM ledger_image i WHERE i.batch=b.batch AND i.kind IN(1,2)))
       AND (p.kind='edit' OR e.before IS NOT NULL) AND e.before IS NOT e.after";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([database], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the id of the row that an entry removed, from its image.
pub(crate) fn id_before(
    connection: &Connection,
    key: (BatchId, RecordNumber, i64),
) -> Result<Option<String>> {
    let sql = "SELECT body FROM ledger_image WHERE batch=?1 AND record=?2 AND part=?3 AND kind=1";
    let mut statement = connection.prepare_cached(sql)?;
    let body: Option<Vec<u8>> = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| id_in(&body).map(str::to_owned)))
}

/// Returns the numbers that a stage wrote a record under, or would write it under.
pub(crate) fn rows_of_record(
    connection: &Connection,
    (project, number): (&str, u32),
    record: RecordNumber,
) -> Result<Vec<RecordNumber>> {
    let sql = concat!(
        "SELECT DISTINCT e.target FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage
         WHERE ",
        of_record!("e", "?3"),
        " AND s.project=?1 AND s.number=?2 AND p.kind<>'merge' AND e.target IS NOT NULL"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![project, number, record], |row| row.get(0))?;
    let mut numbers: Vec<RecordNumber> = rows.collect::<rusqlite::Result<_>>()?;
    numbers.push(record);
    Ok(numbers)
}

/// Returns whether the newest stage in place that processed a row left it unchanged.
pub(crate) fn is_left_in_place(
    connection: &Connection,
    database: &str,
    number: RecordNumber,
) -> Result<bool> {
    let sql = concat!(
        "SELECT e.outcome=3 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_standing p ON p.pass=b.pass
         WHERE ",
        of_record!("e", "?2"),
        " AND e.target IS NULL AND p.target=?1 AND p.source=?1 AND p.kind IN('apply','retry') ORDER BY e.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let found: Option<bool> = statement
        .query_row(params![database, number], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(false))
}

/// Returns whether an entry found its row as the previous entry, undone since or not, had left it: nothing changed it
/// in between without a ledger entry.
pub(crate) fn found_as_left(connection: &Connection, database: &str, entry: &RecordedEntry) -> Result<bool> {
    let sql = concat!(
        "SELECT e.batch, e.record, e.part, e.after FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch
         CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE ",
        of_row!("e", "?2"),
        " AND p.target=?1 AND (e.batch,e.record,e.part)<(?3,?4,?5) ORDER BY e.batch DESC, e.record DESC, e.part DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let (batch, record, part) = entry.key();
    let key = params![database, entry.number(), batch, record, part];
    let left: Option<Option<Hash>> = statement.query_row(key, |row| row.get(3)).optional()?;
    Ok(left.is_none_or(|left| left == entry.entry.before))
}

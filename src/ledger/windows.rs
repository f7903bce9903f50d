//! The windows of stages that aggregate, and their readings: where each stands, and what was refused or left out.
//!
//! A window is written under its own number; its entry's reason begins with the number of its readings and the ranges of
//! record numbers that cover them (`schema/ledger.sql`). A reading has an entry only if it was ever refused or left out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use rusqlite::{Connection, Row, params};

use super::entry::EntryOutcome;
use super::image::whole_record;
use super::readings::is_written_after;
use super::sql::{of_record, standing_life, stands, undone_singly};
use super::undone::singly_of_stage;
use crate::digest::Hash;
use crate::error::{Error, Result};
use crate::record::{BatchId, PassId, Record, RecordNumber, RecordSet};
use crate::store::Table;

/// Where a window stands: what the newest of its standing entries says that is not a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StandingWindow {
    pub(crate) record: RecordNumber,
    pub(crate) batch: BatchId,
    pub(crate) outcome: EntryOutcome,
    /// Number of its readings.
    pub(crate) inputs: u64,
    /// The ranges of record numbers that cover its readings, ascending.
    pub(crate) spans: Vec<(RecordNumber, RecordNumber)>,
    /// Digest over the commitments of its readings; `None` without readings.
    pub(crate) input: Option<Hash>,
    /// Commitment to its row; `None` for a window that is gone.
    pub(crate) after: Option<Hash>,
}

/// What the reason of a window's entry begins with; other keys may follow.
#[derive(serde::Deserialize)]
struct Readings {
    inputs: u64,
    spans: Vec<(RecordNumber, RecordNumber)>,
}

/// The columns that a [`StandingWindow`] is read from.
macro_rules! window {
    ($entry:literal) => {
        concat!(
            $entry,
            ".record, ",
            $entry,
            ".batch, ",
            $entry,
            ".outcome, ",
            $entry,
            ".reason, ",
            $entry,
            ".input, ",
            $entry,
            ".after"
        )
    };
}

/// Whether an entry of a stage that aggregates says where a window stands.
macro_rules! is_window {
    ($entry:literal) => {
        concat!(
            $entry,
            ".part=0 AND ",
            $entry,
            ".outcome<>4 AND ",
            $entry,
            ".target IS NULL AND ",
            $entry,
            ".reason GLOB '*\"inputs\":*\"spans\":*'"
        )
    };
}

fn window(row: &Row<'_>) -> Result<StandingWindow> {
    let (record, batch): (RecordNumber, BatchId) = (row.get(0)?, row.get(1)?);
    let outcome = EntryOutcome::from_number(row.get(2)?);
    let readings = serde_json::from_str(row.get_ref(3)?.as_str().unwrap_or_default());
    let (Some(outcome), Ok(Readings { inputs, spans })) = (outcome, readings) else {
        return Err(Error::Damaged {
            what: format!("the entry of window {record} in batch {batch} does not say which readings it has"),
        });
    };
    Ok(StandingWindow {
        record,
        batch,
        outcome,
        inputs,
        spans,
        input: row.get(4)?,
        after: row.get(5)?,
    })
}

/// Returns the stages that have ever aggregated: project and number.
pub(crate) fn aggregating_stages(connection: &Connection) -> Result<Vec<(String, u32)>> {
    let sql = "SELECT DISTINCT project, number FROM ledger_stage WHERE json_type(meaning,'$.aggregate') IS NOT NULL ORDER BY 1, 2";
    let mut statement = connection.prepare_cached(sql)?;
    let stages = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(stages.collect::<rusqlite::Result<_>>()?)
}

/// Returns where a window of a stage stands; `None` for a number that is no window of it, or none any more because what
/// wrote it was rolled back.
pub(crate) fn standing(
    connection: &Connection,
    project: &str,
    number: u32,
    record: RecordNumber,
) -> Result<Option<StandingWindow>> {
    let sql = concat!(
        "SELECT ",
        window!("f"),
        " FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "?3"),
        " AND t.project=?1 AND t.number=?2 AND ",
        is_window!("f"),
        " AND ",
        stands!("q", "f"),
        " ORDER BY f.batch DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number, record])?;
    rows.next()?.map(window).transpose()
}

/// Calls `tell` with where each window of a stage stands, in the order of their numbers. Reads every entry once, batch
/// beside batch: in memory are the places of all batches, and some windows of those whose numbers overlap, but never all windows.
pub(crate) fn standing_of_all(
    connection: &Connection,
    project: &str,
    number: u32,
    mut tell: impl FnMut(StandingWindow) -> Result<()>,
) -> Result<()> {
    let mut lanes = SideBySide::new(connection, project, number)?;
    let mut newest: Option<RecordNumber> = None;
    while let Some(window) = lanes.next()? {
        // The newest comes first.
        if newest.replace(window.record) != Some(window.record) {
            tell(window)?;
        }
    }
    Ok(())
}

/// Number of windows that are read of a batch at a time: many batches of increments may be open side by side.
const PORTION: i64 = 100;

/// A batch with windows.
struct Lane {
    first: RecordNumber,
    batch: BatchId,
    pass: PassId,
}

/// The windows of a batch, as far as they have been read.
struct Open {
    pass: PassId,
    read: VecDeque<StandingWindow>,
    /// The last number that was read.
    last: RecordNumber,
}

/// The batches of a stage's standing passes, read side by side in the order of the windows' numbers.
struct SideBySide<'c> {
    connection: &'c Connection,
    /// Those that have not been opened yet, in the order of their first numbers.
    lanes: std::iter::Peekable<std::vec::IntoIter<Lane>>,
    /// Those that have, until their last window is taken.
    open: HashMap<BatchId, Open>,
    /// The next window of each of these: of one number the newest first.
    heap: BinaryHeap<Reverse<(RecordNumber, Reverse<BatchId>)>>,
    /// What rollbacks of single records have undone, by pass.
    undone: HashMap<PassId, HashSet<RecordNumber>>,
}

impl<'c> SideBySide<'c> {
    fn new(connection: &'c Connection, project: &str, number: u32) -> Result<Self> {
        let sql = "SELECT b.first_record, b.batch, p.pass FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage
         CROSS JOIN ledger_batch b ON b.pass=p.pass
         WHERE s.project=?1 AND s.number=?2 AND p.kind IN('apply','retry') AND b.entries>0 ORDER BY b.first_record, b.batch";
        let mut statement = connection.prepare_cached(sql)?;
        let lanes = statement.query_map(params![project, number], |row| {
            Ok(Lane {
                first: row.get(0)?,
                batch: row.get(1)?,
                pass: row.get(2)?,
            })
        })?;
        let lanes: Vec<Lane> = lanes.collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            connection,
            lanes: lanes.into_iter().peekable(),
            open: HashMap::new(),
            heap: BinaryHeap::new(),
            undone: singly_of_stage(connection, project, number)?,
        })
    }

    fn next(&mut self) -> Result<Option<StandingWindow>> {
        loop {
            let next = self.heap.peek().map(|Reverse((record, _))| *record);
            let is_due = |lane: &Lane| next.is_none_or(|next| lane.first <= next);
            if let Some(lane) = self.lanes.next_if(is_due) {
                let (pass, last) = (lane.pass, RecordNumber::new(i64::MIN));
                let read = VecDeque::new();
                self.advance(lane.batch, Open { pass, read, last })?;
                continue;
            }
            let Some(Reverse((record, Reverse(batch)))) = self.heap.pop() else {
                return Ok(None);
            };
            let Some(mut open) = self.open.remove(&batch) else {
                continue;
            };
            let window = open.read.pop_front();
            let undone = self.undone.get(&open.pass);
            let is_undone = undone.is_some_and(|undone| undone.contains(&record));
            self.advance(batch, open)?;
            if let Some(window) = window.filter(|_| !is_undone) {
                return Ok(Some(window));
            }
        }
    }

    /// Puts the next window of a batch into the heap; a batch without any more is kept no longer.
    fn advance(&mut self, batch: BatchId, mut open: Open) -> Result<()> {
        if open.read.is_empty() {
            let sql = concat!(
                "SELECT ",
                window!("e"),
                " FROM ledger_entry e WHERE e.batch=?1 AND e.record>?2 AND ",
                is_window!("e"),
                " ORDER BY e.record LIMIT ?3"
            );
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![batch, open.last, PORTION])?;
            while let Some(row) = rows.next()? {
                open.read.push_back(window(row)?);
            }
        }
        if let Some(next) = open.read.front() {
            open.last = open.read.back().map_or(open.last, |last| last.record);
            self.heap.push(Reverse((next.record, Reverse(batch))));
            self.open.insert(batch, open);
        }
        Ok(())
    }
}

/// What a stage refused and nothing has happened to since: windows, or readings.
macro_rules! refused {
    ($columns:literal, $images:literal, $are:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM audit_quarantine q",
            $images,
            " WHERE q.project=?1 AND q.number=?2 AND q.kind IN('apply','retry') AND json_type(q.reason,'$.spans') ",
            $are,
            " ORDER BY q.record"
        )
    };
}

/// A window that stands refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedWindow {
    /// As it would have been written.
    pub(crate) record: Record,
    /// Its readings.
    pub(crate) readings: StandingWindow,
    /// Code of the refusal.
    pub(crate) code: String,
    /// The refusal, as JSON.
    pub(crate) reason: String,
}

/// Returns the windows of a stage that stand refused, ascending. A window that has a row keeps it while it is refused.
pub(crate) fn refused_windows(
    connection: &Connection,
    project: &str,
    number: u32,
) -> Result<Vec<RefusedWindow>> {
    let sql = refused!(
        "q.record, i.body, q.reason, (SELECT e.input FROM ledger_entry e WHERE e.batch=q.batch AND e.record=q.record AND e.part=0), q.batch, q.code",
        " LEFT JOIN ledger_image i ON i.batch=q.batch AND i.record=q.record AND i.part=0 AND i.kind=4",
        "IS NOT NULL"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number])?;
    let mut refused = Vec::new();
    while let Some(row) = rows.next()? {
        let image: Option<Vec<u8>> = row.get(1)?;
        let reason: String = row.get(2)?;
        let record = whole_record(row.get(0)?, &image.unwrap_or_default())?;
        let Ok(Readings { inputs, spans }) = serde_json::from_str(&reason) else {
            continue;
        };
        let readings = StandingWindow {
            record: record.number,
            batch: row.get(4)?,
            outcome: EntryOutcome::Refused,
            inputs,
            spans,
            input: row.get(3)?,
            after: None,
        };
        let code = row.get(5)?;
        refused.push(RefusedWindow {
            record,
            readings,
            code,
            reason,
        });
    }
    Ok(refused)
}

/// Returns whether a window stands refused, of whatever stage it is.
pub(crate) fn is_refused_window(connection: &Connection, record: RecordNumber) -> Result<bool> {
    let sql = "SELECT 1 FROM audit_quarantine q WHERE q.record=?1 AND q.kind IN('apply','retry') AND json_type(q.reason,'$.spans') IS NOT NULL";
    Ok(connection.prepare_cached(sql)?.exists([record])?)
}

/// Returns the readings that a stage has left out because they came late, and that nothing has happened to since.
pub(crate) fn left_readings(connection: &Connection, project: &str, number: u32) -> Result<RecordSet> {
    let sql = concat!(
        "SELECT e.record FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND b.filtered+b.refused>0 AND e.outcome IN(3,4)
           AND e.reason GLOB '{\"code\":\"aggregate.late\"*' AND ",
        stands!("p", "e"),
        " AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n WHERE ",
        of_record!("n", "e.record"),
        " AND n.batch>e.batch AND n.project=?1 AND n.number=?2)"
    );
    numbers(connection, sql, project, number)
}

/// Returns the readings whose refusal by a stage a person has waived, and that nothing has happened to since, neither in the
/// stage nor in its source.
pub(crate) fn waived_readings(
    connection: &Connection,
    project: &str,
    number: u32,
    source: &Table,
) -> Result<RecordSet> {
    let sql = concat!(
        "SELECT e.record, e.batch FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage AND p.kind='waive'
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE s.project=?1 AND s.number=?2 AND e.part=0 AND NOT EXISTS(SELECT 1 FROM ledger_stage_life n WHERE ",
        of_record!("n", "e.record"),
        " AND n.batch>e.batch AND n.project=?1 AND n.number=?2)"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number])?;
    let mut waived = RecordSet::new();
    while let Some(row) = rows.next()? {
        let (record, batch): (RecordNumber, BatchId) = (row.get(0)?, row.get(1)?);
        if !is_written_after(connection, source.name(), record, batch)? {
            waived.insert(record);
        }
    }
    Ok(waived)
}

/// Returns the windows of a stage whose rows were deleted by hand and stand as if they were there, ascending.
pub(crate) fn deleted_by_hand(
    connection: &Connection,
    project: &str,
    number: u32,
    target: &Table,
) -> Result<Vec<RecordNumber>> {
    let sql = "SELECT DISTINCT coalesce(e.target,e.record) FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch
     CROSS JOIN ledger_standing p ON p.pass=b.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE w.database=?1 AND w.rollback=0 AND p.stage IS NULL AND e.before IS NOT NULL AND e.after IS NULL ORDER BY 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([target.name()])?;
    let mut deleted = Vec::new();
    while let Some(row) = rows.next()? {
        let record = row.get(0)?;
        if target.by_number(connection, record)?.is_none()
            && standing(connection, project, number, record)?.is_some_and(|window| window.after.is_some())
        {
            deleted.push(record);
        }
    }
    Ok(deleted)
}

/// Returns the readings that a pass has left out because they came late, or refused for that.
pub(crate) fn left_by(connection: &Connection, pass: PassId) -> Result<RecordSet> {
    let sql = "SELECT e.record FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.filtered+b.refused>0 AND e.outcome IN(3,4) AND e.reason GLOB '{\"code\":\"aggregate.late\"*'";
    let mut statement = connection.prepare_cached(sql)?;
    let left = statement.query_map([pass], |row| row.get::<_, RecordNumber>(0))?;
    Ok(left.collect::<rusqlite::Result<_>>()?)
}

/// Returns the readings that the newest standing entry of a stage does not call counted: refused ones, waived or not,
/// late ones, and those that were left out or deleted after that. Once such a reading is counted, an entry says so. Of
/// any other reading there is no entry to contradict.
pub(crate) fn not_counted(connection: &Connection, project: &str, number: u32) -> Result<NotCounted> {
    // Of a group, SQLite takes the other columns from the row with the maximum.
    let sql = concat!(
        "SELECT r.record, r.outcome=4 FROM (SELECT e.record AS record, e.outcome AS outcome, max(e.batch)
           FROM ledger_stage s CROSS JOIN ledger_standing p ON p.stage=s.stage
           CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
           WHERE s.project=?1 AND s.number=?2 AND p.kind IN('apply','retry','waive') AND b.filtered+b.refused+b.merged>0
             AND json_type(e.reason,'$.spans') IS NULL AND NOT ",
        undone_singly!("p", ".pass", "e"),
        " GROUP BY e.record) r WHERE r.outcome<>5"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, number])?;
    let mut found = NotCounted::default();
    while let Some(row) = rows.next()? {
        let (record, is_refused) = (row.get(0)?, row.get(1)?);
        found.all.insert(record);
        if is_refused {
            found.refused.insert(record);
        }
    }
    Ok(found)
}

/// Readings that the newest standing entry of a stage does not call counted.
#[derive(Debug, Default)]
pub(crate) struct NotCounted {
    pub(crate) all: RecordSet,
    /// Those that it calls refused.
    pub(crate) refused: RecordSet,
}

fn numbers(connection: &Connection, sql: &str, project: &str, number: u32) -> Result<RecordSet> {
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![project, number], |row| row.get::<_, RecordNumber>(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

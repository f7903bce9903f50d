//! The data against the ledger: for every database its rows and its newest stubs, both in the order of the numbers,
//! laid side by side. Memory is flat: every large pass wrote its stubs in that order already, and is read as it lies.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use rusqlite::{Connection, Rows, Statement, params};

use super::{Finding, VerifyReport};
use crate::digest::{Hash, Salt, commitment, sha256};
use crate::error::Result;
use crate::ledger::ImageKind;
use crate::observe::StopSignal;
use crate::store::Table;

/// A pass with at least so many stubs is read as it lies; the smaller ones are sorted together.
const LARGE: i64 = 50_000;

pub(super) fn verify(connection: &Connection, stop: &StopSignal) -> Result<VerifyReport> {
    let transaction = connection.unchecked_transaction()?;
    let mut report = VerifyReport {
        complete: true,
        ..VerifyReport::default()
    };
    let mut databases: BTreeSet<String> = Table::all(&transaction)?.into_iter().collect();
    let sql = "SELECT DISTINCT target FROM ledger_pass WHERE target IS NOT NULL";
    for target in transaction
        .prepare(sql)?
        .query_map([], |row| row.get::<_, String>(0))?
    {
        databases.insert(target?);
    }
    for database in databases {
        // A pass that turns out not to lie in order is sorted, and the database is begun again.
        let mut sorted = BTreeSet::new();
        while let Some(pass) = compare(&transaction, &database, &sorted, stop, &mut report)? {
            sorted.insert(pass);
        }
    }
    images(&transaction, stop, &mut report)?;
    Ok(report)
}

/// What a stub says about a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Left {
    number: i64,
    batch: i64,
    /// Which of the streams it came from: within a batch they lie in order.
    lane: usize,
    /// The commitment to the row that it found.
    before: Option<Hash>,
    /// The commitment to the row that it left.
    after: Option<Hash>,
}

/// The newest stub of a number, and the first batch that did not find what the stub before it had left.
struct Story {
    newest: Left,
    broken: Option<i64>,
}

/// One stream of stubs in the order of the numbers.
struct Lane<'s> {
    rows: Rows<'s>,
    /// The pass, where the stream is one pass as it lies.
    pass: Option<i64>,
    last: i64,
}

enum Step {
    Next(Left),
    End,
    OutOfOrder(i64),
}

impl Lane<'_> {
    fn step(&mut self, lane: usize) -> Result<Step> {
        let Some(row) = self.rows.next()? else {
            return Ok(Step::End);
        };
        let left = Left {
            number: row.get(0)?,
            batch: row.get(1)?,
            lane,
            before: row.get(2)?,
            after: row.get(3)?,
        };
        if let (true, Some(pass)) = (left.number <= self.last, self.pass) {
            return Ok(Step::OutOfOrder(pass));
        }
        self.last = left.number;
        Ok(Step::Next(left))
    }
}

/// Compares one database; gives the pass that has to be sorted first, if there is one.
fn compare(
    connection: &Connection,
    database: &str,
    sorted: &BTreeSet<i64>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<i64>> {
    let large: Vec<(i64, bool)> = large_passes(connection, database)?
        .into_iter()
        .filter(|(pass, _)| !sorted.contains(pass))
        .collect();
    let mut statements = Vec::new();
    for (_, backwards) in &large {
        let direction = if *backwards { "DESC" } else { "" };
        statements.push(connection.prepare(&format!(
            "SELECT coalesce(e.target,e.record), e.batch, e.before, e.after FROM ledger_batch b
             CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.pass=?1 ORDER BY b.batch {direction}, e.record, e.part",
        ))?);
    }
    let large: Vec<i64> = large.into_iter().map(|(pass, _)| pass).collect();
    let mut rest = connection.prepare(
        "SELECT coalesce(e.target,e.record) AS number, e.batch, e.before, e.after FROM ledger_pass p
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE p.target=?1 AND p.pass NOT IN (SELECT value FROM json_each(?2)) ORDER BY number, e.batch, e.record, e.part",
    )?;
    let mut lanes = Vec::new();
    for (statement, pass) in statements.iter_mut().zip(&large) {
        lanes.push(Lane {
            rows: statement.query([pass])?,
            pass: Some(*pass),
            last: i64::MIN,
        });
    }
    let listed = serde_json::to_string(&large).expect("numbers always have a JSON text");
    lanes.push(Lane {
        rows: rest.query(params![database, listed])?,
        pass: None,
        last: i64::MIN,
    });
    let mut stubs = Newest {
        lanes,
        heap: BinaryHeap::new(),
    };
    let before = report.clone();
    let mut out_of_order = stubs.fill()?;
    if out_of_order.is_none() {
        out_of_order = side_by_side(connection, database, &mut stubs, stop, report)?;
    }
    if out_of_order.is_some() {
        *report = before;
    }
    Ok(out_of_order)
}

/// The large passes, and whether their batches go backwards: a rollback begins with the newest.
fn large_passes(connection: &Connection, database: &str) -> Result<Vec<(i64, bool)>> {
    let sql = "SELECT p.pass, p.kind='rollback' FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.target=?1
     GROUP BY p.pass HAVING sum(b.entries)>=?2 ORDER BY p.pass";
    let mut statement: Statement<'_> = connection.prepare(sql)?;
    let rows = statement.query_map(params![database, LARGE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The newest stub of each number, in the order of the numbers.
struct Newest<'s> {
    lanes: Vec<Lane<'s>>,
    heap: BinaryHeap<Reverse<Left>>,
}

impl Newest<'_> {
    fn fill(&mut self) -> Result<Option<i64>> {
        for lane in 0..self.lanes.len() {
            if let Some(pass) = self.advance(lane)? {
                return Ok(Some(pass));
            }
        }
        Ok(None)
    }

    fn advance(&mut self, lane: usize) -> Result<Option<i64>> {
        match self.lanes[lane].step(lane)? {
            Step::Next(left) => self.heap.push(Reverse(left)),
            Step::End => {}
            Step::OutOfOrder(pass) => return Ok(Some(pass)),
        }
        Ok(None)
    }

    /// The next number's story; `Err(pass)` when a pass does not lie in order.
    fn next(&mut self) -> Result<std::result::Result<Option<Story>, i64>> {
        let mut story: Option<Story> = None;
        while let Some(Reverse(left)) = self.heap.peek().copied() {
            let (known, broken) = match &story {
                Some(story) if story.newest.number != left.number => break,
                Some(story) => (story.newest.after, story.broken),
                None => (None, None),
            };
            self.heap.pop();
            let broken = broken.or((left.before != known).then_some(left.batch));
            story = Some(Story { newest: left, broken });
            if let Some(pass) = self.advance(left.lane)? {
                return Ok(Err(pass));
            }
        }
        Ok(Ok(story))
    }
}

fn side_by_side(
    connection: &Connection,
    database: &str,
    stubs: &mut Newest<'_>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<i64>> {
    let sql = rows_sql(connection, database)?;
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut row = next_row(&mut rows)?;
    loop {
        if stop.is_asked() {
            report.complete = false;
            return Ok(None);
        }
        let stub = match stubs.next()? {
            Ok(stub) => stub,
            Err(pass) => return Ok(Some(pass)),
        };
        // Rows before the next stub have none.
        while let Some((number, _)) =
            row.filter(|(number, _)| stub.as_ref().is_none_or(|stub| *number < stub.newest.number))
        {
            report.rows += 1;
            let message = "there is a row that no stub answers for";
            report.found(Finding::of_record(
                "data.unexpected",
                database,
                number,
                None,
                message,
            ));
            row = next_row(&mut rows)?;
        }
        let Some(Story {
            newest: Left {
                number, batch, after, ..
            },
            broken,
        }) = stub
        else {
            return Ok(None);
        };
        if let Some(batch) = broken {
            let message =
                "it found another row than the stub before it had left: something else wrote in between";
            report.found(Finding::of_record(
                "data.changed_between",
                database,
                number,
                Some(batch),
                message,
            ));
        }
        let present = row.filter(|(found, _)| *found == number);
        if let Some((code, message)) = compared(present.as_ref().map(|(_, now)| now.as_ref()), after.as_ref())
        {
            report.found(Finding::of_record(code, database, number, Some(batch), message));
        }
        if present.is_some() {
            report.rows += 1;
            row = next_row(&mut rows)?;
        }
    }
}

/// Every row of a database with its salt; none where the database is gone.
fn rows_sql(connection: &Connection, database: &str) -> Result<String> {
    let table = Table::of(database)?;
    let none = "SELECT NULL, NULL, NULL, NULL WHERE 0".to_owned();
    Ok(if table.exists(connection)? {
        table.with_salts_sql()
    } else {
        none
    })
}

/// What is wrong with a row beside what its newest stub left. `now` is `None` where there is no row.
fn compared(now: Option<RowHash<'_>>, left: Option<&Hash>) -> Option<(&'static str, &'static str)> {
    match (now, left) {
        (None, None) => None,
        (Some(now), Some(_)) if now == left => None,
        (Some(_), Some(_)) => Some(("data.differs", "the row is not what the ledger says")),
        (Some(_), None) => Some(("data.unexpected", "there is a row that the ledger says is gone")),
        (None, Some(_)) => Some(("data.missing", "the row that the ledger says is there is missing")),
    }
}

/// The commitment to a row; `None` where its salt is gone.
type RowHash<'r> = Option<&'r Hash>;

/// The next row's number and commitment.
fn next_row(rows: &mut Rows<'_>) -> Result<Option<(i64, Option<Hash>)>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let (id, data) = (row.get_ref(1)?.as_str().ok(), row.get_ref(2)?.as_str().ok());
    let salt: Option<Salt> = row.get(3).unwrap_or_default();
    let hash = match (salt, id, data) {
        (Some(salt), Some(id), Some(data)) => Some(commitment(&salt, id, data)),
        _ => None,
    };
    Ok(Some((row.get(0)?, hash)))
}

/// Whole images and refused inputs against the commitments of their stubs. A reverse patch has none of its own: a
/// rollback proves it when it applies it.
fn images(connection: &Connection, stop: &StopSignal, report: &mut VerifyReport) -> Result<()> {
    let sql = "SELECT i.batch, i.record, i.kind, i.body, e.input, e.before, r.salt, p.target
     FROM ledger_image i JOIN ledger_entry e USING(batch,record,part) JOIN ledger_batch b USING(batch)
     JOIN ledger_pass p USING(pass) LEFT JOIN ledger_record r ON r.record=coalesce(CASE WHEN i.kind=1 THEN e.target END, e.record)";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if stop.is_asked() {
            report.complete = false;
            return Ok(());
        }
        let (batch, record, kind): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (input, before): (Option<Hash>, Option<Hash>) = (row.get(4)?, row.get(5)?);
        let Some(salt) = row.get::<_, Option<Salt>>(6)? else {
            continue;
        };
        let hash = Some(sha256(&[&salt, row.get_ref(3)?.as_bytes().unwrap_or_default()]));
        let holds = match ImageKind::from_number(kind) {
            Some(ImageKind::Whole) => hash == before,
            // In place the refused input is the row itself, or what was kept of it since an earlier refusal.
            Some(ImageKind::Refused) => match input.or(before) {
                Some(expected) => hash == Some(expected),
                None => true,
            },
            _ => true,
        };
        report.images += 1;
        if !holds {
            let database: String = row.get::<_, Option<String>>(7)?.unwrap_or_default();
            let message = "the image is not what the stub commits to";
            report.found(Finding::of_record(
                "image.differs",
                &database,
                record,
                Some(batch),
                message,
            ));
        }
    }
    Ok(())
}

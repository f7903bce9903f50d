//! The life of a record: what happened to it, to those that it came from, and to those that came of it.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::{Found, redacted};
use crate::error::Result;
use crate::ledger::sql::of_record;
use crate::refusal::Refusal;
use crate::store::Store;

/// One thing that happened to a record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TraceStep {
    /// The record's number as the stub has it.
    pub record: i64,
    /// The part, for derived records.
    pub part: i64,
    /// The batch.
    pub batch: i64,
    /// The pass.
    pub pass: i64,
    /// The pass's kind.
    pub kind: String,
    /// The stage's number.
    pub stage: Option<u32>,
    /// Where it was read.
    pub source: Option<String>,
    /// The database that it was written to.
    pub database: Option<String>,
    /// The number written, where it is another one.
    pub target_record: Option<i64>,
    /// The run.
    pub run: i64,
    /// Who.
    pub actor: String,
    /// Why the run was carried out, as it was told.
    pub run_reason: Option<String>,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What became of it.
    pub outcome: String,
    /// Why, as JSON; codes and places only.
    pub reason: Option<String>,
    /// The commitment to the source, in hexadecimal.
    pub input_hash: String,
    /// The commitment to the row before, in hexadecimal.
    pub before_hash: String,
    /// The commitment to the row after, in hexadecimal.
    pub after_hash: String,
}

/// The life of a record across stages, oldest first: what happened to it, to those that it came from, and to those that
/// came of it. Of what it came from, what else came of that is left out: [`trace_family`] has it. [`TraceStep::each`] keeps
/// none of it.
///
/// # Errors
/// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
/// from there or went there.
pub fn trace(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    collected(store, database, id, false)
}

/// As [`trace`], with all that came of what the record came from: its siblings and their lives.
///
/// # Errors
/// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
/// from there or went there.
pub fn trace_family(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    collected(store, database, id, true)
}

fn collected(store: &Store, database: &str, id: &str, family: bool) -> Result<Vec<TraceStep>> {
    let mut steps = Vec::new();
    TraceStep::each(store, database, id, family, |step| {
        steps.push(step);
        true
    })?;
    Ok(steps)
}

impl TraceStep {
    /// Tells the steps that [`trace`], or with its family [`trace_family`], gives, one by one, until `tell` wants no more.
    ///
    /// # Errors
    /// As of [`trace`]; nothing is told then.
    pub fn each(
        store: &Store,
        database: &str,
        id: &str,
        family: bool,
        tell: impl FnMut(Self) -> bool,
    ) -> Result<()> {
        let numbers = Found::of(store, database, id)?.records;
        Self::each_of(store, numbers, family, tell)
    }

    /// As [`each`](Self::each), of the records that were [found](Found).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn each_of(
        store: &Store,
        numbers: Vec<i64>,
        family: bool,
        tell: impl FnMut(Self) -> bool,
    ) -> Result<()> {
        let life = if family {
            Life::of_family(store.connection(), numbers)?
        } else {
            Life::of(store.connection(), numbers)?
        };
        life.each(store, tell)
    }
}

/// Whether any entry of a life was read in a database, or written there.
pub(super) fn touches(connection: &Connection, life: &Life, database: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch b JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch=?1 AND (p.target=?2 OR p.source=?2 AND p.stage IS NOT NULL)";
    let mut statement = connection.prepare_cached(sql)?;
    for (batch, ..) in &life.places {
        if statement.exists(params![batch, database])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A life as far as it is known: only where its steps stand, because a record may have very many.
#[derive(Default)]
pub(super) struct Life {
    /// Batch, record and part.
    places: Vec<(i64, i64, i64)>,
    seen: HashSet<i64>,
}

/// The numbers that entries lead to.
#[derive(Default)]
struct Relatives {
    came_of_it: Vec<i64>,
    came_from: Vec<i64>,
}

impl Life {
    pub(super) fn of(connection: &Connection, numbers: Vec<i64>) -> Result<Self> {
        let mut life = Self::default();
        let (mut own, mut sources) = (numbers, Vec::new());
        while let Some(number) = own.pop() {
            if life.seen.insert(number) {
                own.extend(life.add(connection, OF, number)?.came_of_it);
                sources.extend(life.add(connection, ONTO, number)?.came_from);
            }
        }
        while let Some(number) = sources.pop() {
            if life.seen.insert(number) {
                life.add(connection, ABOUT, number)?;
                sources.extend(life.add(connection, ONTO, number)?.came_from);
            }
        }
        Ok(life)
    }

    fn of_family(connection: &Connection, mut numbers: Vec<i64>) -> Result<Self> {
        let mut life = Self::default();
        while let Some(number) = numbers.pop() {
            if life.seen.insert(number) {
                numbers.extend(life.add(connection, OF, number)?.came_of_it);
                numbers.extend(life.add(connection, ONTO, number)?.came_from);
            }
        }
        Ok(life)
    }

    /// Adds the entries that a statement finds for a number. One that took another record's place has nothing of it.
    fn add(&mut self, connection: &Connection, sql: &str, number: i64) -> Result<Relatives> {
        let mut relatives = Relatives::default();
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![number])?;
        while let Some(row) = rows.next()? {
            let record = row.get(1)?;
            self.places.push((row.get(0)?, record, row.get(2)?));
            if row.get(4)? {
                continue;
            }
            match row.get(3)? {
                Some(target) if record == number => relatives.came_of_it.push(target),
                Some(target) if target == number => relatives.came_from.push(record),
                _ => {}
            }
        }
        Ok(relatives)
    }

    /// Tells the steps, oldest first, their reasons cut at what is redacted: the one door by which a step is told, whatever
    /// the format.
    fn each(mut self, store: &Store, mut tell: impl FnMut(TraceStep) -> bool) -> Result<()> {
        // A stage that redacts a path may have come after the one that refused.
        let redact = redacted(store)?;
        let cut = |reason: String| match serde_json::from_str::<Refusal>(&reason) {
            Ok(refusal) if !redact.is_empty() => refusal.cut_at(&redact).to_json(),
            _ => reason,
        };
        self.places.sort_unstable();
        self.places.dedup();
        for (batch, record, part) in self.places {
            let mut statement = store.connection().prepare_cached(STEP)?;
            let mut step = statement.query_row(params![batch, record, part], step)?;
            step.reason = step.reason.take().map(cut);
            if !tell(step) {
                break;
            }
        }
        Ok(())
    }
}

/// Where entries stand, from a table or view.
macro_rules! places_from {
    ($entries:literal) => {
        concat!(
            "SELECT e.batch, e.record, e.part, e.target, coalesce(e.reason,'') GLOB '{\"code\":\"target.*' FROM ",
            $entries,
            " e WHERE "
        )
    };
}

/// The entries of a record.
const OF: &str = concat!(places_from!("ledger_life"), of_record!("e", "?1"));
/// The entries of a record that are about its own row.
const ABOUT: &str = concat!(
    places_from!("ledger_life"),
    of_record!("e", "?1"),
    " AND (e.target IS NULL OR e.target=?1)"
);
/// The entries of other records that are about a record's row.
const ONTO: &str = concat!(places_from!("ledger_entry"), "e.target=?1");

/// One step, by its place.
const STEP: &str = "SELECT e.record, e.part, e.batch, p.pass, p.kind, s.number, p.source, p.target, e.target, r.run, r.actor,
   strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch'),
   CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END,
   e.reason, lower(hex(e.input)), lower(hex(e.before)), lower(hex(e.after)), r.reason
 FROM ledger_entry e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_run r ON r.run=b.run
 CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage
 WHERE e.batch=?1 AND e.record=?2 AND e.part=?3";

fn step(row: &Row<'_>) -> rusqlite::Result<TraceStep> {
    Ok(TraceStep {
        record: row.get(0)?,
        part: row.get(1)?,
        batch: row.get(2)?,
        pass: row.get(3)?,
        kind: row.get(4)?,
        stage: row.get(5)?,
        source: row.get(6)?,
        database: row.get(7)?,
        target_record: row.get(8)?,
        run: row.get(9)?,
        actor: row.get(10)?,
        at: row.get(11)?,
        outcome: row.get(12)?,
        reason: row.get(13)?,
        input_hash: row.get(14)?,
        before_hash: row.get(15)?,
        after_hash: row.get(16)?,
        run_reason: row.get(17)?,
    })
}

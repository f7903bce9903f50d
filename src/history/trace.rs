//! The life of a record: what happened to it, to those that it came from, and to those that came of it.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use crate::error::{Error, Result};
use crate::ledger::past::numbers_with_id;
use crate::ledger::sql::of_record;
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
/// came of it. Of what it came from, what else came of that is left out: [`trace_family`] has it.
///
/// # Errors
/// [`Error::NoSuchRecord`] when the database never had a record with this id.
pub fn trace(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    own_life(store, numbers_of(store, database, id)?)
}

/// As [`trace`], with all that came of what the record came from: its siblings and their lives.
///
/// # Errors
/// [`Error::NoSuchRecord`] when the database never had a record with this id.
pub fn trace_family(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    let connection = store.connection();
    let mut life = Life::default();
    let mut numbers = numbers_of(store, database, id)?;
    while let Some(number) = numbers.pop() {
        if life.seen.insert(number) {
            numbers.extend(life.add(entries_of(connection, number)?, number).came_of_it);
            numbers.extend(life.add(entries_onto(connection, number)?, number).came_from);
        }
    }
    Ok(life.steps())
}

/// The numbers that a record with this id has or had in a database.
///
/// # Errors
/// [`Error::NoSuchRecord`] when there never was one.
pub(crate) fn numbers_of(store: &Store, database: &str, id: &str) -> Result<Vec<i64>> {
    let connection = store.connection();
    let found = numbers_with_id(connection, database, id)?.into_iter();
    let mut numbers: Vec<i64> = found.map(|(number, _)| number).collect();
    match store.table(database) {
        Ok(table) => numbers.extend(table.number_of(connection, id)?),
        Err(Error::NoSuchDatabase { .. }) if !numbers.is_empty() => {}
        Err(error) => return Err(error),
    }
    if numbers.is_empty() {
        return Err(Error::NoSuchRecord {
            database: database.to_owned(),
            id: id.to_owned(),
        });
    }
    Ok(numbers)
}

/// The own life of records, by their numbers.
pub(crate) fn own_life(store: &Store, numbers: Vec<i64>) -> Result<Vec<TraceStep>> {
    let connection = store.connection();
    let mut life = Life::default();
    let (mut own, mut sources) = (numbers, Vec::new());
    while let Some(number) = own.pop() {
        if life.seen.insert(number) {
            own.extend(life.add(entries_of(connection, number)?, number).came_of_it);
            sources.extend(life.add(entries_onto(connection, number)?, number).came_from);
        }
    }
    while let Some(number) = sources.pop() {
        if life.seen.insert(number) {
            life.add(entries_about(connection, number)?, number);
            sources.extend(life.add(entries_onto(connection, number)?, number).came_from);
        }
    }
    Ok(life.steps())
}

/// A life as far as it is known.
#[derive(Default)]
struct Life {
    steps: Vec<(TraceStep, bool)>,
    seen: HashSet<i64>,
}

/// The numbers that entries lead to.
#[derive(Default)]
struct Relatives {
    came_of_it: Vec<i64>,
    came_from: Vec<i64>,
}

impl Life {
    /// Adds entries that were found for a number. One that took another record's place has nothing of it.
    fn add(&mut self, entries: Vec<(TraceStep, bool)>, number: i64) -> Relatives {
        let mut relatives = Relatives::default();
        for (step, is_about_a_place) in &entries {
            if *is_about_a_place {
                continue;
            }
            match step.target_record {
                Some(target) if step.record == number => relatives.came_of_it.push(target),
                Some(target) if target == number => relatives.came_from.push(step.record),
                _ => {}
            }
        }
        self.steps.extend(entries);
        relatives
    }

    fn steps(self) -> Vec<TraceStep> {
        let mut steps: Vec<TraceStep> = self.steps.into_iter().map(|(step, _)| step).collect();
        steps.sort_by_key(|step| (step.batch, step.record, step.part));
        steps.dedup_by_key(|step| (step.batch, step.record, step.part));
        steps
    }
}

/// The columns of a step, from entries `e` of a table or view.
macro_rules! steps_from {
    ($entries:literal) => {
        concat!(
            "SELECT e.record, e.part, e.batch, p.pass, p.kind, s.number, p.source, p.target, e.target, r.run, r.actor,
               strftime('%Y-%m-%dT%H:%M:%SZ', b.committed_us/1000000, 'unixepoch'),
               CASE e.outcome WHEN 1 THEN 'written' WHEN 2 THEN 'unchanged' WHEN 3 THEN 'filtered' WHEN 4 THEN 'refused' ELSE 'merged' END,
               e.reason, lower(hex(e.input)), lower(hex(e.before)), lower(hex(e.after)), r.reason,
               coalesce(e.reason,'') GLOB '{\"code\":\"target.*'
             FROM ",
            $entries,
            " e CROSS JOIN ledger_batch b ON b.batch=e.batch CROSS JOIN ledger_run r ON r.run=b.run
             CROSS JOIN ledger_pass p ON p.pass=b.pass LEFT JOIN ledger_stage s ON s.stage=p.stage WHERE "
        )
    };
}

/// The entries of a record.
fn entries_of(connection: &Connection, number: i64) -> Result<Vec<(TraceStep, bool)>> {
    let sql = concat!(steps_from!("ledger_life"), of_record!("e", "?1"));
    steps(connection, sql, number)
}

/// The entries of a record that are about its own row.
fn entries_about(connection: &Connection, number: i64) -> Result<Vec<(TraceStep, bool)>> {
    let sql = concat!(
        steps_from!("ledger_life"),
        of_record!("e", "?1"),
        " AND (e.target IS NULL OR e.target=?1)"
    );
    steps(connection, sql, number)
}

/// The entries of other records that are about a record's row.
fn entries_onto(connection: &Connection, number: i64) -> Result<Vec<(TraceStep, bool)>> {
    steps(
        connection,
        concat!(steps_from!("ledger_entry"), "e.target=?1"),
        number,
    )
}

fn steps(connection: &Connection, sql: &str, number: i64) -> Result<Vec<(TraceStep, bool)>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![number], |row| Ok((step(row)?, row.get(18)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

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

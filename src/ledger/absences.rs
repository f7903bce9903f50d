//! The records that found nothing in another database, and which of them are due because what they looked for now exists.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::cross_reference::{CrossReference, PlannedMembers};
use super::lookups::{Written, databases};
use super::places::id_hash;
use super::sql::{of_record, standing_life};
use super::stage_input::StageInput;
use crate::digest::Salt;
use crate::error::Result;
use crate::lookup::{LookupBy, LookupQuery};
use crate::record::{BatchId, Record, RecordNumber, Value};
use crate::store::Table;

/// A record that found nothing under a key.
struct Absence {
    record: RecordNumber,
    batch: BatchId,
    hash: String,
    salt: Salt,
}

/// With more comparisons than this, all records that found nothing are due.
const MOST_COMPARED: u64 = 2_000_000;

/// What a plan would change in the databases that a stage looks into.
pub(crate) trait PlannedChanges {
    /// Returns the rows of a database that would change.
    fn rows(&self, through: &str) -> Vec<RecordNumber>;

    /// Returns what it would make of source records in a database.
    fn members(&self, through: &str) -> Option<Arc<PlannedMembers>>;
}

/// No plan.
pub(crate) struct NothingPlanned;

impl PlannedChanges for NothingPlanned {
    fn rows(&self, _: &str) -> Vec<RecordNumber> {
        Vec::new()
    }

    fn members(&self, _: &str) -> Option<Arc<PlannedMembers>> {
        None
    }
}

/// Returns the records of a stage that found nothing under a key that exists now, and to which nothing has happened in
/// the stage since. Only keys of rows that were written after a batch are compared, the one after which the stage's next pass
/// reads: the earlier passes have compared all others.
pub(crate) fn released(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    planned: &dyn PlannedChanges,
) -> Result<Vec<RecordNumber>> {
    let mut records = Vec::new();
    for (through, queries) in databases(stage) {
        let absences = absences(connection, stage, through)?;
        let Some(oldest) = absences.iter().map(|absence| absence.batch).min() else {
            continue;
        };
        let written = Written {
            connection,
            through,
            after: after.max(oldest),
            before: BatchId::MAX,
        };
        let mut comparing = Comparing::new(absences);
        each_appeared(&written, &queries, planned, &mut |key, batch| {
            comparing.compare(key, batch);
        })?;
        records.extend(comparing.records);
    }
    records.sort_unstable();
    records.dedup();
    Ok(records)
}

/// Records that found nothing, and those of them that are due.
struct Comparing {
    waiting: Vec<Absence>,
    compared: u64,
    records: Vec<RecordNumber>,
}

impl Comparing {
    fn new(waiting: Vec<Absence>) -> Self {
        Self {
            waiting,
            compared: 0,
            records: Vec::new(),
        }
    }

    /// Compares a key that exists since a batch with all that still wait.
    fn compare(&mut self, key: &str, batch: BatchId) {
        self.compared += self.waiting.len() as u64;
        let is_too_much = self.compared > MOST_COMPARED;
        let records = &mut self.records;
        self.waiting.retain(|absence| {
            let has_appeared = is_too_much
                || (batch > absence.batch && hex::encode(id_hash(&absence.salt, key)) == absence.hash);
            if has_appeared {
                records.push(absence.record);
            }
            !has_appeared
        });
    }
}

fn absences(connection: &Connection, stage: StageInput<'_>, through: &str) -> Result<Vec<Absence>> {
    let sql = concat!(
        "SELECT u.record, u.batch, j.value, r.salt FROM ledger_lookup u
         CROSS JOIN ledger_batch ub ON ub.batch=u.batch CROSS JOIN ledger_standing up ON up.pass=ub.pass
         CROSS JOIN ledger_stage us ON us.stage=up.stage
         CROSS JOIN ledger_entry e ON e.batch=u.batch AND e.record=u.record AND instr(e.reason,'\"absent\"')
         CROSS JOIN json_each(e.reason,'$.lookup.'||?3||'.absent') j
         CROSS JOIN ledger_record r ON r.record=u.record
         WHERE u.database=?3 AND u.row=0 AND us.project=?1 AND us.number=?2 AND up.kind IN('apply','retry') AND r.salt IS NOT NULL
           AND NOT EXISTS(SELECT 1 FROM ",
        standing_life!(),
        " WHERE ",
        of_record!("f", "u.record"),
        " AND f.batch>u.batch AND t.project=?1 AND t.number=?2 AND (q.kind<>'rollback' OR q.reverses IS NULL))"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![stage.project, stage.number, through], |row| {
        Ok(Absence {
            record: row.get(0)?,
            batch: row.get(1)?,
            hash: row.get(2)?,
            salt: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Calls the callback with the keys of rows that were written to a database, or that a plan would write, and with the newest
/// batch that concerns each.
fn each_appeared(
    written: &Written<'_>,
    queries: &[&LookupQuery],
    planned: &dyn PlannedChanges,
    found: &mut dyn FnMut(&str, BatchId),
) -> Result<()> {
    let (connection, through) = (written.connection, written.through);
    let is_by_member = |query: &LookupQuery| query.by == LookupBy::Member;
    if queries.iter().any(|query| !is_by_member(query)) {
        let mut rows = written.rows()?;
        rows.extend(planned.rows(through).into_iter().map(|row| (row, BatchId::MAX)));
        let table = Table::from_name(through)?;
        for (row, batch) in rows {
            let Some(row) = table.by_number(connection, row)? else {
                continue;
            };
            for query in queries.iter().filter(|query| !is_by_member(query)) {
                if let Some(key) = key_of(query, &row.record) {
                    found(&key, batch);
                }
            }
        }
    }
    if queries.iter().any(|query| is_by_member(query)) {
        let of_plan = planned.members(through);
        let mut members = written.members()?;
        let planned = of_plan.iter().flat_map(|planned| planned.members());
        members.extend(planned.map(|member| (member, BatchId::MAX)));
        let cross = CrossReference::read(connection, through, of_plan.clone())?;
        for source in cross.sources() {
            let source = Table::from_name(source)?;
            for (member, batch) in &members {
                if let Some(row) = source.by_number(connection, *member)?
                    && !cross.rows_of(connection, *member)?.is_empty()
                {
                    found(&row.record.id, *batch);
                }
            }
        }
    }
    Ok(())
}

fn key_of(query: &LookupQuery, row: &Record) -> Option<String> {
    match &query.by {
        LookupBy::Field(field) => {
            let document = row.document().ok()?;
            query.key(document.at(field)?.as_ref())
        }
        LookupBy::Id | LookupBy::Member => query.key(&Value::text(&row.id)),
    }
}

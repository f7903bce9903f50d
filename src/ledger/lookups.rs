//! What records have used of other databases: what their entries record of it, and which of them are due again because
//! it has changed since.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use serde_json::{Value as Json, json};

use super::cross_reference::CrossReference;
use super::places::id_hash;
use super::sql::{of_record, standing_life};
use super::stage_input::StageInput;
use crate::digest::Salt;
use crate::error::Result;
use crate::lookup::{LookupBy, LookupQuery, Used};
use crate::record::{BatchId, RecordNumber};
use crate::store::{FieldKeys, Table};

/// What a record has used, by database.
pub(crate) type Uses = BTreeSet<(String, Used)>;

/// The name under which a reason contains what a record has used.
const LOOKUP: &str = "lookup";

/// Adds to the reason of an entry what its record has used: numbers, and of a missing key a hash with the record's
/// salt.
pub(crate) fn with_uses(reason: Option<String>, uses: &Uses, salt: &Salt) -> Option<String> {
    if uses.is_empty() {
        return reason;
    }
    let mut databases: BTreeMap<&str, BTreeMap<&str, Vec<Json>>> = BTreeMap::new();
    for (database, used) in uses {
        let (how, what) = match used {
            Used::Absent(key) => ("absent", json!(hex::encode(id_hash(salt, key)))),
            Used::Golden(member, row) => ("golden", json!([member, row])),
            Used::Id(row) => ("id", json!(row)),
            Used::Row(row) => ("row", json!(row)),
        };
        databases
            .entry(database)
            .or_default()
            .entry(how)
            .or_default()
            .push(what);
    }
    Some(with_lookup(reason.as_deref(), &json!(databases)))
}

fn with_lookup(reason: Option<&str>, uses: &Json) -> String {
    match reason.and_then(|reason| reason.strip_suffix('}')) {
        Some(open) => format!("{open},\"{LOOKUP}\":{uses}}}"),
        None => format!("{{\"{LOOKUP}\":{uses}}}"),
    }
}

/// Adds to a reason what another one says was looked up.
pub(crate) fn with_lookup_of(other: &str, reason: String) -> String {
    let uses = serde_json::from_str::<Json>(other).map(|mut other| other[LOOKUP].take());
    match uses {
        Ok(uses) if uses.is_object() => with_lookup(Some(&reason), &uses),
        _ => reason,
    }
}

/// What an entry says that its record looked up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LookedUp {
    /// The database that was looked into.
    pub database: String,
    /// The number of the row that was found; `None` if there was none.
    pub record: Option<RecordNumber>,
}

/// Returns what a reason says was looked up.
pub(crate) fn looked_up(reason: &str) -> Vec<LookedUp> {
    if !reason.contains("\"lookup\":") {
        return Vec::new();
    }
    let Ok(reason) = serde_json::from_str::<Json>(reason) else {
        return Vec::new();
    };
    let mut found: Vec<LookedUp> = Vec::new();
    for (database, uses) in reason[LOOKUP].as_object().into_iter().flatten() {
        for (how, what) in uses.as_object().into_iter().flatten() {
            for what in what.as_array().into_iter().flatten() {
                // Beside the pair of a golden row and its member stands the row.
                let record = match how.as_str() {
                    "id" | "row" => what.as_i64().map(RecordNumber::new),
                    "absent" => None,
                    _ => continue,
                };
                let database = database.clone();
                let looked_up = LookedUp { database, record };
                if !found.contains(&looked_up) {
                    found.push(looked_up);
                }
            }
        }
    }
    found
}

/// Returns the databases that a stage looks into, each with its questions.
pub(super) fn databases(stage: StageInput<'_>) -> BTreeMap<&str, Vec<&LookupQuery>> {
    let mut databases: BTreeMap<&str, Vec<&LookupQuery>> = BTreeMap::new();
    for query in stage.lookups {
        databases.entry(&query.through).or_default().push(query);
    }
    databases
}

/// The newest standing use `u` of the stage's record before a batch. Parameters: ?1 and ?2 the stage.
macro_rules! newest_use {
    ($before:literal) => {
        concat!(
            " CROSS JOIN ledger_batch ub ON ub.batch=u.batch CROSS JOIN ledger_standing up ON up.pass=ub.pass
              CROSS JOIN ledger_stage us ON us.stage=up.stage
             WHERE us.project=?1 AND us.number=?2 AND up.kind IN('apply','retry') AND NOT EXISTS(SELECT 1 FROM ",
            standing_life!(),
            " WHERE ",
            of_record!("f", "u.record"),
            " AND f.batch>u.batch",
            $before,
            " AND t.project=?1 AND t.number=?2 AND q.kind IN('apply','retry'))"
        )
    };
}

/// Returns the records of a stage that used what batches after `after` and before `before` changed in a database that
/// the stage looks into, by a stage or by a person, and that the stage has not processed since.
pub(crate) fn changed(
    connection: &Connection,
    stage: StageInput<'_>,
    after: BatchId,
    before: BatchId,
) -> Result<Vec<RecordNumber>> {
    let mut records = Vec::new();
    for (through, queries) in databases(stage) {
        let written = Written {
            connection,
            through,
            after,
            before,
        };
        records.extend(of_rows(stage, &written)?);
        if queries.iter().any(|query| query.by == LookupBy::Member) {
            let members = written.members()?;
            let cross = CrossReference::read(connection, through, None)?;
            records.extend(of_members(connection, stage, &cross, through, &members)?);
        }
        if queries.iter().any(|query| matches!(query.by, LookupBy::Field(_))) {
            records.extend(of_keys_shared(connection, stage, through, &written.rows()?)?);
        }
    }
    Ok(records)
}

/// Returns the records that used rows which were changed. Who used only the id of a row is concerned only if that is
/// another one now, or if there was no row in between.
fn of_rows(stage: StageInput<'_>, written: &Written<'_>) -> Result<Vec<RecordNumber>> {
    let (connection, table) = (written.connection, Table::from_name(written.through)?);
    // A patch as image says that the id has stayed, a whole image what it was.
    let sql = concat!(
        "SELECT DISTINCT u.record, u.row, u.how='row' OR e.before IS NULL OR e.after IS NULL OR i.kind IS NULL OR i.kind=3,
           CAST(substr(i.body,1,instr(i.body,x'00')-1) AS TEXT)
         FROM ledger_written w CROSS JOIN ledger_entry e ON e.batch=w.batch AND e.before IS NOT e.after
         CROSS JOIN ledger_lookup u ON u.database=?5 AND u.row=coalesce(e.target,e.record) AND u.golden=0 AND u.batch<e.batch
         LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part",
        newest_use!(" AND f.batch<?4"),
        " AND w.database=?5 AND w.batch>?3 AND w.batch<?4 AND (u.how='row' OR i.kind IS NOT 2)"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![
        stage.project,
        stage.number,
        written.after,
        written.before,
        written.through
    ];
    let mut rows = statement.query(key)?;
    let mut records = Vec::new();
    while let Some(found) = rows.next()? {
        let (record, row): (RecordNumber, RecordNumber) = (found.get(0)?, found.get(1)?);
        let is_changed = found.get(2)? || {
            let before: Option<String> = found.get(3)?;
            before != table.by_number(connection, row)?.map(|row| row.record.id)
        };
        if is_changed {
            records.push(record);
        }
    }
    Ok(records)
}

/// What batches between two others have written to a database.
pub(super) struct Written<'w> {
    pub(super) connection: &'w Connection,
    pub(super) through: &'w str,
    pub(super) after: BatchId,
    pub(super) before: BatchId,
}

/// Numbers, each with the newest batch that concerns it.
pub(super) type Touched = Vec<(RecordNumber, BatchId)>;

impl Written<'_> {
    /// Returns the rows that were written and were there afterwards.
    pub(super) fn rows(&self) -> Result<Touched> {
        self.touched(
            "SELECT coalesce(e.target,e.record), max(e.batch) FROM ledger_written w
             CROSS JOIN ledger_entry e ON e.batch=w.batch AND e.before IS NOT e.after AND e.after IS NOT NULL
             WHERE w.database=?1 AND w.batch>?2 AND w.batch<?3 GROUP BY 1",
        )
    }

    /// Returns the source records that were processed.
    pub(super) fn members(&self) -> Result<Touched> {
        self.touched(
            "SELECT e.record, max(e.batch) FROM ledger_written w CROSS JOIN ledger_batch b ON b.batch=w.batch
             CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_entry e ON e.batch=w.batch
             WHERE w.database=?1 AND w.batch>?2 AND w.batch<?3 AND p.source<>?1 GROUP BY 1",
        )
    }

    fn touched(&self, sql: &str) -> Result<Touched> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = params![self.through, self.after, self.before];
        let touched = statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(touched.collect::<rusqlite::Result<_>>()?)
    }
}

/// What a record has used of a database, by its newest standing entry.
struct Use {
    record: RecordNumber,
    how: String,
    /// The row that a source record had become; 0 for a row.
    golden: RecordNumber,
}

/// Returns the uses of a row, or of a source record, in batches before one.
fn uses_of(
    connection: &Connection,
    stage: StageInput<'_>,
    through: &str,
    (row, before): (RecordNumber, BatchId),
) -> Result<Vec<Use>> {
    let sql = concat!(
        "SELECT u.record, u.how, u.golden FROM ledger_lookup u",
        newest_use!(""),
        " AND u.database=?3 AND u.row=?4 AND u.row>0 AND u.batch<?5"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![stage.project, stage.number, through, row, before];
    let uses = statement.query_map(key, |found| {
        Ok(Use {
            record: found.get(0)?,
            how: found.get(1)?,
            golden: found.get(2)?,
        })
    })?;
    Ok(uses.collect::<rusqlite::Result<_>>()?)
}

/// Returns the records that used source records which have become something else since, or whose ids others have too.
pub(crate) fn of_members(
    connection: &Connection,
    stage: StageInput<'_>,
    cross: &CrossReference,
    through: &str,
    members: &[(RecordNumber, BatchId)],
) -> Result<Vec<RecordNumber>> {
    let sources = cross.sources();
    let mut records = Vec::new();
    for (member, batch) in members {
        for found in uses_of(connection, stage, through, (*member, *batch))? {
            if found.how == "golden" && cross.rows_of(connection, *member)? != [found.golden] {
                records.push(found.record);
            }
        }
        for source in sources.iter().filter(|_| sources.len() > 1) {
            let Some(row) = Table::from_name(source)?.by_number(connection, *member)? else {
                continue;
            };
            for other in cross.with_id(connection, &row.record.id)? {
                let uses = uses_of(connection, stage, through, (other, *batch))?;
                let golden = uses
                    .into_iter()
                    .filter(|found| other != *member && found.how == "golden");
                records.extend(golden.map(|found| found.record));
            }
        }
    }
    Ok(records)
}

/// Returns the records that used a row whose key another row has now, too: one of those that were `written`, each with the
/// newest batch that concerns it.
pub(crate) fn of_keys_shared(
    connection: &Connection,
    stage: StageInput<'_>,
    through: &str,
    written: &[(RecordNumber, BatchId)],
) -> Result<Vec<RecordNumber>> {
    let mut records = Vec::new();
    if written.is_empty() {
        return Ok(records);
    }
    for query in stage.lookups.iter().filter(|query| query.through == through) {
        let LookupBy::Field(field) = &query.by else {
            continue;
        };
        let keys = FieldKeys::read(connection, query, field)?;
        for (row, batch) in written {
            for other in keys.beside(connection, *row)? {
                let uses = uses_of(connection, stage, through, (other, *batch))?;
                records.extend(uses.into_iter().map(|found| found.record));
            }
        }
    }
    Ok(records)
}

/// Returns the records of a stage that used rows which a plan would change; `is_moved` returns whether a row would be
/// gone or have another id.
pub(crate) fn of_planned_rows(
    connection: &Connection,
    stage: StageInput<'_>,
    through: &str,
    rows: &[RecordNumber],
    is_moved: impl Fn(RecordNumber) -> Result<bool>,
) -> Result<Vec<RecordNumber>> {
    let mut records = Vec::new();
    for row in rows {
        let uses = uses_of(connection, stage, through, (*row, BatchId::MAX))?;
        for found in uses {
            if found.how == "row" || (found.how == "id" && is_moved(*row)?) {
                records.push(found.record);
            }
        }
    }
    Ok(records)
}

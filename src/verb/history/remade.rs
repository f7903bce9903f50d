//! Ids that existed only in a write that was rolled back: no row and no image has them any more. The stage processes
//! the record again as it was applied, and the result is compared with the ledger's commitment, so that only ids that
//! existed are reported. The source must still exist unchanged.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::Connection;

use crate::context::Context;
use crate::digest::commitment;
use crate::engine::{Answers, looking_up};
use crate::error::Result;
use crate::ledger::past::{rows_taken_back, stage_pass_into};
use crate::ledger::read::{self, RecordedEntry, entries_of_row, salt};
use crate::ledger::versions::versions;
use crate::lookup::Lookups;
use crate::record::{PassId, Record, RecordNumber};
use crate::stage::{Outcome, Stage};
use crate::store::Store;

/// The stage that a pass processed records with.
struct PassStage {
    project: String,
    stage: Stage,
    source: String,
    now_us: i64,
}

/// Returns the numbers of the rows of a database that had an id before a rollback removed or restored them.
pub(super) fn numbers_once_made(store: &Store, database: &str, id: &str) -> Result<Vec<RecordNumber>> {
    let (mut carriers, mut found) = (BTreeMap::new(), Vec::new());
    for number in rows_taken_back(store.connection(), database)? {
        if had_id(store, database, (number, id), &mut carriers)? {
            found.push(number);
        }
    }
    Ok(found)
}

/// Returns whether a stage once wrote the row under an id.
fn had_id(
    store: &Store,
    database: &str,
    (number, id): (RecordNumber, &str),
    carriers: &mut BTreeMap<PassId, Option<PassStage>>,
) -> Result<bool> {
    let connection = store.connection();
    for recorded in entries_of_row(connection, database, number)? {
        if recorded.entry.after.is_none() {
            continue;
        }
        let pass = stage_pass_into(connection, recorded.batch, database)?;
        let Some(pass) = pass else { continue };
        let carrier = match carriers.entry(pass) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(carrier(connection, pass)?),
        };
        if carrier
            .as_ref()
            .map_or(Ok(false), |carrier| made(store, carrier, &recorded, (number, id)))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns `None` when the stage keeps the ids with which records began, which are found without it, or can no longer
/// be read.
fn carrier(connection: &Connection, pass: PassId) -> Result<Option<PassStage>> {
    let summary = read::pass(connection, pass)?;
    Ok(summary.and_then(|pass| {
        let row = pass.row.stage?;
        let stage = Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning)?;
        (!stage.keeps_first_ids()).then_some(PassStage {
            project: row.project,
            stage,
            source: pass.row.source?,
            now_us: pass.row.now_us,
        })
    }))
}

/// Returns whether the stage produces, from any version of the record, a row with this id that matches an entry's
/// commitment.
fn made(
    store: &Store,
    carrier: &PassStage,
    recorded: &RecordedEntry,
    (number, id): (RecordNumber, &str),
) -> Result<bool> {
    let connection = store.connection();
    let (source, row) = (
        salt(connection, recorded.entry.record)?,
        salt(connection, number)?,
    );
    let (Some(row), Some(after)) = (row, recorded.entry.after) else {
        return Ok(false);
    };
    for (source_id, data) in versions(store, connection, &carrier.source, recorded.entry.record)? {
        let record = Record {
            number: recorded.entry.record,
            id: source_id.clone(),
            data,
        };
        let transformed = |lookups: Option<&dyn Lookups>| {
            let context = Context {
                project: &carrier.project,
                stage: carrier.stage.number(),
                id: &source_id,
                salt: source,
                now_us: carrier.now_us,
                secrets: &store.environment().secrets,
                limits: store.options().limits,
                probe: None,
                lookups,
            };
            carrier.stage.transform(&record, &context)
        };
        let answers = Answers::of(&carrier.stage);
        let outputs = match looking_up(connection, answers.as_ref(), transformed)? {
            Ok(Outcome::Write(output)) => vec![output],
            Ok(Outcome::Derive(outputs)) => outputs,
            Ok(Outcome::Filter(_)) | Err(_) => continue,
        };
        let is_it = |id: &str, data: &str| commitment(&row, id, data) == after;
        if outputs
            .iter()
            .any(|output| output.id == id && is_it(&output.id, &output.data))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

//! What has changed since golden records were made.

use rusqlite::Connection;

use super::chosen::Apart;
use crate::digest::commitment;
use crate::engine::versions;
use crate::error::{Conflict, Error, Result};
use crate::ledger::member_of::placed_in;
use crate::ledger::merged::left_by;
use crate::ledger::read::pass_of;
use crate::ledger::rows;
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;
use crate::store::Table;

/// Returns what has changed since a golden record was made: the golden record by hand, or members of it.
pub(super) fn conflicts(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    one: &Apart,
) -> Result<Vec<Conflict>> {
    let mut found = Vec::new();
    let conflict = |table: &Table, record: RecordNumber| -> Result<Conflict> {
        let row = table.by_number(connection, record)?;
        Ok(Conflict {
            database: table.name().to_owned(),
            record,
            id: row.map(|row| row.record.id),
            taken: None,
        })
    };
    let (source, target) = (
        Table::from_name(stage.source())?,
        Table::from_name(stage.target())?,
    );
    let changes = rows::changes_of_row(connection, target.name(), one.golden)?;
    let now = target.by_number(connection, one.golden)?.and_then(|row| {
        let salt = row.salt?;
        Some(commitment(&salt, &row.record.id, &row.record.data))
    });
    if now.is_none() || rows::is_still_edited(&changes, (project, stage.number()), now) {
        found.push(conflict(&target, one.golden)?);
    }
    for member in &one.members {
        let Some(batch) = placed_in(connection, (project, stage.number()), *member)? else {
            continue;
        };
        let (read, _) = left_by(connection, (batch, *member))?;
        let [now, _] = versions(connection, &source, (*member, *member))?;
        if read != now {
            found.push(conflict(&source, *member)?);
        }
    }
    Ok(found)
}

pub(super) fn abort_on(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    one: &Apart,
    conflicts: Vec<Conflict>,
) -> Result<()> {
    let count = conflicts.len() as u64;
    let Some(first) = conflicts.into_iter().next() else {
        return Ok(());
    };
    let mut newest = BatchId::BEFORE_FIRST;
    for member in &one.members {
        newest = newest.max(placed_in(connection, (project, stage.number()), *member)?.unwrap_or_default());
    }
    Err(Error::RollbackConflict {
        count,
        pass: pass_of(connection, newest)?.unwrap_or_default(),
        first: Box::new(first),
    })
}

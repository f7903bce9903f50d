//! The state in which a pass finds its target.

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::ledger::selection::RecordSelection;
use crate::ledger::stage_input::{self, StageInput};
use crate::ledger::{TableChange, places, rows};
use crate::stage::Stage;
use crate::store::Table;

/// The state in which a pass finds its target, and what follows from it.
#[derive(Debug)]
pub(crate) struct PreparedTarget {
    /// Whether only this pass writes to the target, under ids that are already unique: no look-up is needed.
    pub(crate) alone: bool,
    /// Changes of the target's table by its first batch.
    pub(crate) shape: Vec<TableChange>,
    /// Whether another stage copies from the same source to the target, so that its records have the same numbers.
    pub(crate) shares_numbers: bool,
    /// Whether no row in the target can belong to a record that the pass reaches later, or to a later stage: then no
    /// check is needed before a row is replaced.
    pub(crate) comes_last: bool,
}

impl PreparedTarget {
    /// Inspects the target of a pass that `begins` or continues and is to read `selection`. `shares_numbers`: whether
    /// another stage is already known to copy there.
    pub(crate) fn new(
        connection: &Connection,
        project: &str,
        stage: &Stage,
        begins: bool,
        selection: &RecordSelection,
        shares_numbers: bool,
    ) -> Result<Self> {
        let fed = StageInput::new(project, stage);
        let target = Table::from_name(stage.target())?;
        let reads_all = matches!(selection, RecordSelection::Table { .. }) && !stage.in_place();
        let shares_numbers = shares_numbers || rows::shares_numbers(connection, fed)?;
        let fills = reads_all
            && (stage.takes_over_ids() || stage.aggregate().is_some())
            && !shares_numbers
            && places::kept(connection, &target)?.is_empty();
        // A stage does not create its own source if nothing was loaded into it yet.
        let (alone, shape) = if stage.in_place() && !target.exists(connection)? {
            (false, Vec::new())
        } else {
            shape(connection, &target, fills, begins)?
        };
        Ok(Self {
            alone,
            shape,
            shares_numbers,
            comes_last: reads_all && !stage_input::is_written_by_later(connection, fed)?,
        })
    }
}

/// Returns whether a pass has the target to itself, and the changes of the target's table by its first batch. A target
/// that is empty and takes over ids that are already unique (`fills`) gets its index after the rows: with random ids,
/// maintaining the index would cost twice as much. While the index is missing, only the pass that left it out may write
/// there.
fn shape(
    connection: &Connection,
    target: &Table,
    fills: bool,
    begins: bool,
) -> Result<(bool, Vec<TableChange>)> {
    if !target.exists(connection)? {
        let mut made = vec![TableChange::CreateTable];
        if !fills {
            made.push(TableChange::CreateIndex);
        }
        return Ok((fills, made));
    }
    let indexed = target.has_index(connection)?;
    if target.is_empty(connection)? && (begins || !indexed) {
        return Ok(match (fills, indexed) {
            (true, true) => (true, vec![TableChange::DropIndex]),
            (true, false) => (true, vec![]),
            (false, true) => (false, vec![]),
            (false, false) => (false, vec![TableChange::CreateIndex]),
        });
    }
    match (indexed, begins) {
        (true, _) => Ok((false, vec![])),
        (false, false) => Ok((fills, vec![])),
        // Another pass was interrupted while it filled the target. It may have to wait for this one, so the index is
        // built now; that pass will find it and look up its ids from then on.
        (false, true) => Ok((false, vec![TableChange::CreateIndex])),
    }
}

/// Returns the changes that a database's table needs before any but an unfinished pass may write to it.
pub(crate) fn shape_for_writing(connection: &Connection, database: &str) -> Result<Vec<TableChange>> {
    let table = Table::from_name(database)?;
    if !table.exists(connection)? {
        return Ok(vec![TableChange::CreateTable, TableChange::CreateIndex]);
    }
    if table.has_index(connection)? {
        return Ok(vec![]);
    }
    if table.is_empty(connection)? {
        Ok(vec![TableChange::CreateIndex])
    } else {
        let message = format!("an unfinished pass is still filling `{database}`");
        Err(Error::invalid(
            message,
            "run `counterfoil apply` (or `rollback`) again until it finishes",
        ))
    }
}

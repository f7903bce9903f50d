//! Lines that a load has refused: how their input is loaded again.

use rusqlite::params;

use super::Quarantined;
use crate::error::Result;
use crate::ledger::sql::of_record;
use crate::store::{Store, Table};

/// Whether the id of a line that a load has refused, because a record has it with other data, came into the database by the
/// same load: then it stands twice in the input, and to write over the first would only let the last one win.
///
/// # Errors
/// When the ledger cannot be read.
pub fn repeats_in_its_input(store: &Store, refused: &Quarantined) -> Result<bool> {
    let (None, Some(database), Some(id)) = (refused.stage, &refused.database, &refused.id) else {
        return Ok(false);
    };
    let Some(owner) = Table::of(database)?.number_of(store.connection(), id)? else {
        return Ok(false);
    };
    let sql = concat!(
        "SELECT 1 FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_record!("e", "?1"),
        " AND b.pass=(SELECT pass FROM ledger_batch WHERE batch=?2) AND e.outcome IN(1,2) LIMIT 1"
    );
    let mut statement = store.connection().prepare_cached(sql)?;
    Ok(statement.exists(params![owner, refused.batch])?)
}

/// The words of the command that loads the input of a refused line again, as it was read; empty for what a stage refused.
pub fn load_again(store: &Store, refused: &Quarantined) -> Result<Vec<String>> {
    let (None, Some(source), Some(database)) = (refused.stage, &refused.source, &refused.database) else {
        return Ok(Vec::new());
    };
    let sql = "SELECT cursor FROM ledger_batch WHERE batch=?1";
    let cursor: Option<String> = store
        .connection()
        .prepare_cached(sql)?
        .query_row([refused.batch], |row| row.get(0))?;
    let cursor = cursor.and_then(|cursor| serde_json::from_str(&cursor).ok());
    let mut words = ["load", database, source].map(str::to_owned).to_vec();
    words.extend(crate::history::reading_options(
        &cursor.unwrap_or_default(),
        Some(source),
    ));
    if refused.reason.code == "load.exists" && !repeats_in_its_input(store, refused)? {
        words.extend(["--replace", "--again"].map(str::to_owned));
    }
    Ok(words)
}

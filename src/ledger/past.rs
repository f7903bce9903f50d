//! What the ledger tells of single rows: what changed them, and where their ids come from.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::read::{STUBS, Stub, stub};
use crate::error::Result;

/// The stubs that changed one row of a database, with their images, newest first.
pub(crate) fn changes_of_row(connection: &Connection, database: &str, number: i64) -> Result<Vec<Stub>> {
    let sql = format!(
        "{STUBS} JOIN ledger_pass p USING(pass) WHERE p.target=?1 AND e.before IS NOT e.after
           AND ((b.first_record<=?2 AND b.last_record>=?2 AND e.record=?2 AND coalesce(e.target,?2)=?2) OR e.target=?2)
         ORDER BY b.batch DESC, e.record DESC, e.part DESC"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![database, number], stub)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The run of a batch, the kind of its pass, and the stage.
pub(crate) fn origin_of_batch(connection: &Connection, batch: i64) -> Result<(i64, String, Option<u32>)> {
    let sql = "SELECT b.run, p.kind, s.number FROM ledger_batch b JOIN ledger_pass p USING(pass)
     LEFT JOIN ledger_stage s USING(stage) WHERE b.batch=?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([batch], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

/// The numbers of all records that came into the store under some ids; a stage that keeps ids keeps numbers.
pub(crate) fn numbers_under(
    connection: &Connection,
    ids: &HashSet<String>,
) -> Result<HashMap<String, Vec<i64>>> {
    let mut found: HashMap<String, Vec<i64>> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut statement = connection.prepare("SELECT id, record FROM ledger_record WHERE id IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().unwrap_or_default();
        if ids.contains(id) {
            found.entry(id.to_owned()).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

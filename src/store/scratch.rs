//! Private temporary SQLite files, for what memory cannot hold: no other connection sees them, and they disappear with
//! theirs.

use rusqlite::Connection;

use crate::error::{Error, Result};

/// Opens a file with these tables, in a transaction that is never committed: what does not fit the cache goes to the
/// file.
pub(super) fn open(tables: &str) -> Result<Connection> {
    let failed = Error::sqlite("written to a temporary file");
    // Without a name, the database is a temporary file.
    let connection = Connection::open("").map_err(failed)?;
    let settings =
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=FILE;";
    connection
        .execute_batch(&format!("{settings} {tables} BEGIN;"))
        .map_err(failed)?;
    Ok(connection)
}

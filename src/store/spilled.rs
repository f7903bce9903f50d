//! Bytes that memory cannot hold, in a private temporary file that disappears with them.

use rusqlite::{Connection, params};

use super::scratch;
use crate::error::Result;

/// Pages of bytes in a temporary file, which are written once and read in any order.
#[derive(Debug)]
pub(crate) struct SpilledPages {
    connection: Connection,
}

impl SpilledPages {
    /// Makes an empty file.
    pub(crate) fn new() -> Result<Self> {
        // Pages are long, and none is wanted again soon after it was written.
        let tables = "PRAGMA page_size=65536; PRAGMA cache_size=-1024; CREATE TABLE page(number INTEGER PRIMARY KEY, bytes BLOB NOT NULL);";
        Ok(Self {
            connection: scratch::open(tables)?,
        })
    }

    /// Adds a page, and returns its number: pages are numbered as they come.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<i64> {
        let sql = "INSERT INTO page(bytes) VALUES(?1)";
        self.connection.prepare_cached(sql)?.execute(params![bytes])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Reads a page.
    pub(crate) fn page(&self, number: i64) -> Result<Vec<u8>> {
        let sql = "SELECT bytes FROM page WHERE number=?1";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row([number], |row| row.get(0))?)
    }
}

//! Keys with bytes that memory cannot hold, sorted in a private temporary file that disappears with them.

use rusqlite::{Connection, params};

use super::scratch;
use crate::error::Result;

/// Keys with bytes, in a temporary file.
#[derive(Debug)]
pub(crate) struct Spilled {
    connection: Connection,
    /// Number of rows that were returned.
    read: i64,
}

/// A key, and what belongs to it.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

impl Spilled {
    /// Makes an empty file.
    pub(crate) fn new() -> Result<Self> {
        let connection = scratch::open("CREATE TABLE added(key BLOB NOT NULL, value BLOB NOT NULL);")?;
        Ok(Self { connection, read: 0 })
    }

    /// Adds a pair.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let sql = "INSERT INTO added VALUES(?1,?2)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![key, value])?;
        Ok(())
    }

    /// Sorts by keys; pairs of equal keys stay in the order in which they were added.
    pub(crate) fn sort(&mut self) -> Result<()> {
        let sql =
            "CREATE TABLE sorted AS SELECT key, value FROM added ORDER BY key, rowid; DROP TABLE added;";
        Ok(self.connection.execute_batch(sql)?)
    }

    /// Returns the next pairs in order, at least one and at most about so many bytes; none at the end.
    pub(crate) fn next_page(&mut self, bytes: usize) -> Result<Vec<Pair>> {
        let sql = "SELECT key, value FROM sorted WHERE rowid>?1 ORDER BY rowid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.read])?;
        let (mut page, mut size) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let pair: Pair = (row.get(0)?, row.get(1)?);
            size += pair.0.len() + pair.1.len();
            page.push(pair);
            if size >= bytes {
                break;
            }
        }
        self.read += i64::try_from(page.len()).unwrap_or(i64::MAX);
        Ok(page)
    }
}

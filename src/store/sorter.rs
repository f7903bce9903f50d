//! Sorting what memory cannot hold: keys with numbers, in a private temporary SQLite file that disappears with the
//! sorter.

use rusqlite::{Connection, params};

use super::scratch;
use crate::error::{Error, Result};
use crate::record::RecordNumber;

/// Numbers in the order of their keys; equal keys in the order of the numbers.
#[derive(Debug)]
pub struct Sorter {
    connection: Connection,
}

impl Sorter {
    /// Makes an empty sorter.
    ///
    /// # Errors
    /// When a temporary file cannot be created.
    pub fn new() -> Result<Self> {
        let connection = scratch::open("CREATE TABLE sorted(key BLOB NOT NULL, number INTEGER NOT NULL);")?;
        Ok(Self { connection })
    }

    /// Adds a number.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn add(&mut self, key: &[u8], number: RecordNumber) -> Result<()> {
        let sql = "INSERT INTO sorted VALUES(?1,?2)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![key, number])?;
        Ok(())
    }

    /// Calls `tell` with the first `most` numbers in order, until it returns an error.
    ///
    /// # Errors
    /// When the temporary file cannot be read, and the errors of `tell`.
    pub fn each<E: From<Error>>(
        self,
        most: usize,
        mut tell: impl FnMut(RecordNumber) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let sqlite = |source: rusqlite::Error| E::from(Error::from(source));
        let sql = "SELECT number FROM sorted ORDER BY key, number LIMIT ?1";
        let mut statement = self.connection.prepare(sql).map_err(sqlite)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query([most]).map_err(sqlite)?;
        while let Some(row) = rows.next().map_err(sqlite)? {
            tell(row.get(0).map_err(sqlite)?)?;
        }
        Ok(())
    }
}

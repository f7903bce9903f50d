//! Rows as a rollback would leave them, in a temporary SQLite file: a rollback can involve millions of them.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::scratch;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::RecordNumber;

/// A row as it would be: its commitment and its id; `None` if there would be none.
pub(crate) type Then = Option<(Hash, String)>;

/// The rows that would differ from the current ones, and the future owners of the ids that one of them takes or
/// releases.
pub(crate) struct OverlayRows(Connection);

impl OverlayRows {
    pub(crate) fn new() -> Result<Self> {
        let tables = "CREATE TABLE trial(number INTEGER PRIMARY KEY, hash BLOB, id TEXT);
             CREATE TABLE owner(id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;";
        scratch::open(tables).map(Self)
    }

    /// Returns a row; `None` if it would not differ.
    pub(crate) fn get(&self, number: RecordNumber) -> Result<Option<Then>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT hash, id FROM trial WHERE number=?1")?;
        let then = |row: &Row<'_>| {
            let hash: Option<Hash> = row.get(0)?;
            Ok(hash.zip(row.get(1)?))
        };
        Ok(statement.query_row([number], then).optional()?)
    }

    /// Returns the future owner of an id; `now` returns the current one.
    pub(crate) fn owner(
        &self,
        id: &str,
        now: impl FnOnce() -> Result<Option<RecordNumber>>,
    ) -> Result<Option<RecordNumber>> {
        let mut statement = self.0.prepare_cached("SELECT number FROM owner WHERE id=?1")?;
        let known = statement.query_row([id], |row| row.get(0)).optional()?;
        known.map_or_else(now, Ok)
    }

    /// Notes that a row changes.
    pub(crate) fn set(&self, number: RecordNumber, now: Then, then: Then) -> Result<()> {
        let mut owns = self
            .0
            .prepare_cached("INSERT OR REPLACE INTO owner VALUES(?1,?2)")?;
        if let Some((_, id)) = now {
            owns.execute(params![id, None::<RecordNumber>])?;
        }
        let (hash, id) = then.unzip();
        if let Some(id) = &id {
            owns.execute(params![id, number])?;
        }
        let mut write = self
            .0
            .prepare_cached("INSERT OR REPLACE INTO trial VALUES(?1,?2,?3)")?;
        write.execute(params![number, hash, id])?;
        Ok(())
    }
}

//! An open store: its file, its connections, and the logical databases in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::memory::MemoryName;
use super::options::StoreOptions;
use super::{Table, objects, schema};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::record::{Record, RecordNumber};

/// Longest wait that SQLite counts: milliseconds in 31 bits.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(2_000_000);

/// An open store.
pub struct Store {
    pub(super) path: PathBuf,
    pub(super) memory: Option<MemoryName>,
    pub(super) connection: Connection,
    pub(super) options: StoreOptions,
    pub(super) environment: Environment,
    pub(super) warnings: Vec<String>,
    pub(super) objection: Option<Error>,
}

impl Store {
    /// Returns why the store in its current state would not be opened for writing; only for one that is opened for
    /// reading only.
    #[must_use]
    pub fn objection(&self) -> Option<&Error> {
        self.objection.as_ref()
    }

    /// Returns the warnings about the opened store.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Switches to the journal mode that the options ask for; only the holder of the lock calls this.
    pub(crate) fn settle_journal(&self) -> Result<()> {
        // In memory the journal is in memory too, and nothing is ever on disk.
        if self.is_in_memory() {
            return Ok(());
        }
        let wanted = if self.options.live { "wal" } else { "delete" };
        let current: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        if !current.eq_ignore_ascii_case(wanted) {
            self.connection
                .query_row(&format!("PRAGMA journal_mode={wanted}"), [], |_| Ok(()))?;
        }
        // In WAL mode, FULL already waits for the log on every commit.
        self.connection.execute_batch(if self.options.live {
            "PRAGMA synchronous=FULL"
        } else {
            "PRAGMA synchronous=EXTRA"
        })?;
        Ok(())
    }

    /// Sets whether changed pages may be written to the file before the commit.
    pub(crate) fn let_spill(&self, spill: bool) -> Result<()> {
        let state = if spill { "ON" } else { "OFF" };
        Ok(self
            .connection
            .execute_batch(&format!("PRAGMA cache_spill={state}"))?)
    }

    /// Opens a second connection that can only read.
    pub(crate) fn reader(&self) -> Result<Connection> {
        if let Some(memory) = &self.memory {
            let connection = memory.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            // Only threads of this program can hold it, and each releases it again.
            configure(&connection, LONGEST_WAIT)?;
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(Error::sqlite("opened"))?;
        configure(&connection, self.options.wait)?;
        if self.options.read_only {
            self.complete(&connection)?;
        }
        Ok(connection)
    }

    /// Adds what the store lacks to a read-only connection.
    pub(super) fn complete(&self, connection: &Connection) -> Result<()> {
        let version = schema::version(connection)?;
        if version < objects::VERSION || matches!(self.objection, Some(Error::Foreign { .. })) {
            schema::shadow(connection)?;
        }
        Ok(())
    }

    /// Returns the path of the store's file; `:memory:` for a store without one.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the options that it was opened with.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Returns its environment: clock, randomness, actor and the like.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Returns the names of the logical databases, sorted.
    pub fn databases(&self) -> Result<Vec<String>> {
        Table::all(&self.connection)
    }

    /// Returns the table of a database, which must exist.
    pub(crate) fn table(&self, name: &str) -> Result<Table> {
        let known = self.databases()?;
        let table = Table::from_name(name)?;
        if known.iter().any(|known| known == name) {
            return Ok(table);
        }
        Err(Error::NoSuchDatabase {
            name: name.to_owned(),
            known,
        })
    }

    /// Returns whether a database was ever filled. One that was not reads as an empty one.
    pub fn has_database(&self, name: &str) -> Result<bool> {
        Table::from_name(name)?.exists(&self.connection)
    }

    /// Returns the number of records in a database.
    pub fn count(&self, database: &str) -> Result<u64> {
        Table::from_name(database)?.count(&self.connection)
    }

    /// Returns the number of records in a database with numbers above the given one.
    pub fn count_after(&self, database: &str, after: RecordNumber) -> Result<u64> {
        Table::from_name(database)?.count_after(&self.connection, after)
    }

    /// Returns a record by its id.
    pub fn get(&self, database: &str, id: &str) -> Result<Option<Record>> {
        Ok(Table::from_name(database)?
            .by_id(&self.connection, id)?
            .map(|found| found.record))
    }

    /// Returns a record by its number.
    pub fn record(&self, database: &str, number: RecordNumber) -> Result<Option<Record>> {
        Ok(Table::from_name(database)?
            .by_number(&self.connection, number)?
            .map(|found| found.record))
    }

    /// Returns the next records after a number, in order of their numbers: at most `count` of them.
    pub fn records_after(&self, database: &str, after: RecordNumber, count: usize) -> Result<Vec<Record>> {
        let found = Table::from_name(database)?.after(&self.connection, after, count, 8 << 20)?;
        Ok(found.into_iter().map(|salted| salted.record).collect())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Configures a connection to a store.
pub(super) fn configure(connection: &Connection, wait: Duration) -> Result<()> {
    connection.busy_timeout(wait.min(LONGEST_WAIT))?;
    connection.set_prepared_statement_cache_capacity(128);
    // Query plans must not depend on the bound values, or SQLite would prepare them again for every record.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // EXTRA: nothing acknowledged is lost in a power failure. No spilling: the write lock on the file is then taken
    // only at the commit, so that the reading thread is not locked out in between.
    Ok(connection.execute_batch(
        "PRAGMA page_size=8192; PRAGMA cache_size=-16384; PRAGMA cache_spill=OFF; PRAGMA synchronous=EXTRA; \
         PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON;",
    )?)
}

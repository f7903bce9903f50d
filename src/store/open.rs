//! Opening and making a store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::schema::{self, APPLICATION_ID};
use super::{StoreLock, Table, checkpoints, header};
use crate::error::{Error, Result};
use crate::record::{Limits, Record};
use crate::surroundings::Surroundings;

/// SQLite counts a wait in milliseconds of 31 bits.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(2_000_000);

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// How long to wait for another writer, or for another process that holds the file.
    pub wait: Duration,
    /// For stores that are read while they are written: write-ahead log instead of a rollback journal.
    pub live: bool,
    /// How large and deep a record may be.
    pub limits: Limits,
    /// The most records in a batch.
    pub batch_size: usize,
    /// Opens a store although it contradicts its checkpoints, to look at it or to accept what was restored.
    pub unchecked: bool,
    /// Opens the file for reading alone: not even a store of an older version is brought up to date, and where it is not
    /// what was signed, or has objects of somebody else, that is a warning. What a killed process has left half done is
    /// undone all the same, because nothing could be read before that.
    pub read_only: bool,
    /// The systems that databases belong to, as an auditor knows them: a pass that reads or writes one of these databases notes
    /// them in the ledger, and `audit_step` shows them. A database without one is shown under its own name.
    pub systems: BTreeMap<String, String>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(5),
            live: false,
            limits: Limits::default(),
            batch_size: 5_000,
            unchecked: false,
            read_only: false,
            systems: BTreeMap::new(),
        }
    }
}

/// What stands in a file that was opened.
pub(crate) enum Opened {
    /// A store.
    Store(Store),
    /// Nothing yet: its first batch makes the tables too.
    Empty(Store),
}

/// An open store.
pub struct Store {
    path: PathBuf,
    connection: Connection,
    options: StoreOptions,
    surroundings: Surroundings,
    warnings: Vec<String>,
    objection: Option<Error>,
}

impl Store {
    /// Opens a store.
    ///
    /// # Errors
    /// [`Error::NoSuchStore`] when there is no file, [`Error::NotAStore`] when it is something else,
    /// [`Error::Foreign`] when it has other tables, views, triggers or indexes than this program makes,
    /// [`Error::Contradicted`] when it is not what was signed. Who only reads has the last two as warnings.
    pub fn open(path: impl AsRef<Path>, options: StoreOptions, surroundings: Surroundings) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(Error::NoSuchStore {
                path: path.to_owned(),
            });
        }
        if options.read_only {
            header::check(path)?;
            recover(path, options.wait)?;
        }
        let mut store = Self::connect(path, options, surroundings)?;
        let version = store.version()?;
        if matches!(version, Version::Empty) {
            return Err(Error::NoSuchStore {
                path: path.to_owned(),
            });
        }
        store.compare()?;
        if store.options.read_only {
            store.complete(&store.connection)?;
        } else if matches!(version, Version::Older) {
            store.upgrade()?;
        }
        store.check()?;
        Ok(store)
    }

    /// Opens a store, or an empty file that is to become one. Nothing is written to that before the first batch.
    pub(crate) fn open_or_prepare(
        path: &Path,
        options: StoreOptions,
        surroundings: Surroundings,
    ) -> Result<Opened> {
        let mut store = Self::connect(path, options, surroundings)?;
        let version = store.version()?;
        if !matches!(version, Version::Empty) {
            store.compare()?;
        }
        if matches!(version, Version::Older) {
            store.upgrade()?;
        }
        if matches!(version, Version::Empty) {
            let lost = checkpoints::check_new(&store);
            // Another process may have made the store, and signed it, since.
            if !store.options.unchecked && matches!(store.version()?, Version::Empty) {
                lost?;
            }
            return Ok(Opened::Empty(store));
        }
        store.check()?;
        Ok(Opened::Store(store))
    }

    /// Brings a store of an earlier version up to date, in one transaction, while nobody else writes.
    fn upgrade(&mut self) -> Result<()> {
        let _lock = StoreLock::take(&self.path, self.options.wait, "upgrading the store\n")?;
        // What is new may be as large as a good part of the store.
        self.let_spill(true)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        // Another process may have done it meanwhile.
        if version < schema::VERSION {
            schema::upgrade(&transaction, version)?;
        }
        transaction.commit()?;
        self.let_spill(false)
    }

    /// Compares the schema with what the store's version of this program makes. A trigger of somebody else's would run with
    /// what is written, and a changed view would tell what is not so.
    fn compare(&mut self) -> Result<()> {
        // In one transaction: another process may bring it up to date between two reads.
        let moment = self.connection.unchecked_transaction()?;
        let version = moment.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let differences = schema::differences(&moment, version)?;
        let is_readable = differences.is_empty() || schema::is_readable(&moment)?;
        moment.commit()?;
        if differences.is_empty() {
            return Ok(());
        }
        let foreign = Error::Foreign {
            store: self.path.clone(),
            differences,
        };
        if is_readable {
            self.or_warn(Err(foreign))
        } else {
            Err(foreign)
        }
    }

    /// Compares the store with its newest checkpoints.
    fn check(&mut self) -> Result<()> {
        if self.options.unchecked {
            return Ok(());
        }
        match checkpoints::check(self) {
            Ok(warnings) => {
                self.warnings.extend(warnings);
                Ok(())
            }
            Err(error) => self.or_warn(Err(error)),
        }
    }

    /// Who only reads may look at a store that must not be written to.
    fn or_warn(&mut self, result: Result<()>) -> Result<()> {
        match result {
            Err(error @ (Error::Foreign { .. } | Error::Contradicted { .. })) if self.options.read_only => {
                self.warnings.push(error.to_string());
                self.objection.get_or_insert(error);
                Ok(())
            }
            result => result,
        }
    }

    /// Why the store would not be opened for writing as it is; only of one that is only read.
    #[must_use]
    pub fn objection(&self) -> Option<&Error> {
        self.objection.as_ref()
    }

    /// What there is to say about the store although it was opened.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn connect(path: &Path, options: StoreOptions, surroundings: Surroundings) -> Result<Self> {
        let path = &without_links(path);
        header::check(path)?;
        let mode = if options.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        if !options.read_only {
            make_private(path);
        }
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| Error::Sqlite {
            doing: "opened",
            source,
        })?;
        configure(&connection, options.wait)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            options,
            surroundings,
            warnings: Vec::new(),
            objection: None,
        })
    }

    fn version(&self) -> Result<Version> {
        // In one transaction: another process may make the store between two reads, and then half of what is read
        // would be from before.
        let moment = self.connection.unchecked_transaction()?;
        let pragma = |name: &str| moment.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        let (application, version) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        moment.commit()?;
        match (application, version, tables) {
            (APPLICATION_ID, version, _) if version == schema::VERSION => Ok(Version::Ours),
            (APPLICATION_ID, 1.., _) if version < schema::VERSION => Ok(Version::Older),
            (0, 0, 0) => Ok(Version::Empty),
            (application, version, _) => Err(header::not_ours(&self.path, application, version)),
        }
    }

    /// Switches to the journal that the options ask for; only whoever holds the lock does this.
    pub(crate) fn settle_journal(&self) -> Result<()> {
        let wanted = if self.options.live { "wal" } else { "delete" };
        let current: String = self
            .connection
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        if !current.eq_ignore_ascii_case(wanted) {
            self.connection
                .query_row(&format!("PRAGMA journal_mode={wanted}"), [], |_| Ok(()))?;
        }
        // In WAL mode FULL already waits for the log on every commit.
        self.connection.execute_batch(if self.options.live {
            "PRAGMA synchronous=FULL"
        } else {
            "PRAGMA synchronous=EXTRA"
        })?;
        Ok(())
    }

    /// Whether changed pages may be written to the file before the commit.
    pub(crate) fn let_spill(&self, spill: bool) -> Result<()> {
        let state = if spill { "ON" } else { "OFF" };
        Ok(self
            .connection
            .execute_batch(&format!("PRAGMA cache_spill={state}"))?)
    }

    /// A second connection that can only read.
    pub(crate) fn reader(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|source| Error::Sqlite {
            doing: "opened",
            source,
        })?;
        configure(&connection, self.options.wait)?;
        if self.options.read_only {
            self.complete(&connection)?;
        }
        Ok(connection)
    }

    /// Gives a connection that only reads what the store lacks for it.
    fn complete(&self, connection: &Connection) -> Result<()> {
        let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version < schema::VERSION || matches!(self.objection, Some(Error::Foreign { .. })) {
            schema::shadow(connection)?;
        }
        Ok(())
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// What it may know of the world.
    #[must_use]
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The logical databases, by name.
    pub fn databases(&self) -> Result<Vec<String>> {
        Table::all(&self.connection)
    }

    /// The table of a database that must exist.
    pub(crate) fn table(&self, name: &str) -> Result<Table> {
        let known = self.databases()?;
        let table = Table::of(name)?;
        if known.iter().any(|known| known == name) {
            return Ok(table);
        }
        Err(Error::NoSuchDatabase {
            name: name.to_owned(),
            known,
        })
    }

    /// Whether a database was ever filled. One that was not is read as an empty one.
    pub fn has_database(&self, name: &str) -> Result<bool> {
        Table::of(name)?.exists(&self.connection)
    }

    /// The number of records in a database.
    pub fn count(&self, database: &str) -> Result<u64> {
        Table::of(database)?.count(&self.connection)
    }

    /// The number of records in a database whose numbers are above one.
    pub fn count_after(&self, database: &str, after: i64) -> Result<u64> {
        Table::of(database)?.count_after(&self.connection, after)
    }

    /// A record by its id.
    pub fn get(&self, database: &str, id: &str) -> Result<Option<Record>> {
        Ok(Table::of(database)?
            .by_id(&self.connection, id)?
            .map(|found| found.record))
    }

    /// A record by its number.
    pub fn record(&self, database: &str, number: i64) -> Result<Option<Record>> {
        Ok(Table::of(database)?
            .by_number(&self.connection, number)?
            .map(|found| found.record))
    }

    /// The next records after a number, in the order of their numbers: at most `count` of them.
    pub fn records_after(&self, database: &str, after: i64, count: usize) -> Result<Vec<Record>> {
        let found = Table::of(database)?.after(&self.connection, after, count, 8 << 20)?;
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

/// The file that a link leads to, also where it is still to be made: by whichever link a store is opened, its lock and its
/// checkpoints are those of the file.
fn without_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    let mut is_linked = false;
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path
            .parent()
            .map_or_else(|| target.clone(), |folder| folder.join(&target));
        is_linked = true;
    }
    let folder = path.parent().filter(|_| is_linked);
    let folder = folder.and_then(|folder| Path::new(".").join(folder).canonicalize().ok());
    match folder.zip(path.file_name()) {
        Some((folder, name)) => folder.join(name),
        None => path,
    }
}

/// Makes the file of a new store, for its owner alone: it holds what stages redact. SQLite gives its own side files the same
/// mode. Where it is there, or cannot be made, whoever opens it next sees that.
#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    drop(made);
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}

enum Version {
    Ours,
    Older,
    Empty,
}

/// Sets what holds for every connection to a store.
fn configure(connection: &Connection, wait: Duration) -> Result<()> {
    connection.busy_timeout(wait.min(LONGEST_WAIT))?;
    connection.set_prepared_statement_cache_capacity(128);
    // A plan that does not depend on what is bound, or SQLite makes it anew for every record that is asked for.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // EXTRA: nothing that was acknowledged is lost when the power fails. No spilling: the write lock on the file
    // is then taken at the commit and not before, so that the reading thread is not locked out in between.
    Ok(connection.execute_batch(
        "PRAGMA page_size=8192; PRAGMA cache_size=-16384; PRAGMA cache_spill=OFF; PRAGMA synchronous=EXTRA; \
         PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON;",
    )?)
}

/// Lets SQLite undo what a killed process has left half done, which a connection that only reads may not.
fn recover(path: &Path, wait: Duration) -> Result<()> {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    let look = |mode| {
        let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(wait.min(LONGEST_WAIT))?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    };
    match look(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Err(error) if matches!(error.sqlite_error_code(), Some(ReadOnly | CannotOpen)) => {
            Ok(look(OpenFlags::SQLITE_OPEN_READ_WRITE)?)
        }
        // What else is wrong is told by whoever reads next.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_to_a_store_is_set_in_the_same_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(&path, StoreOptions::default(), Surroundings::default());
        let store = store.expect("a store");
        let reader = store.reader().expect("a connection");
        for connection in [store.connection(), &reader] {
            let plans_stay = connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG);
            assert!(plans_stay.expect("a setting"));
            for (name, value) in [
                ("trusted_schema", 0),
                ("recursive_triggers", 1),
                ("cache_size", -16384),
            ] {
                let is: i64 = connection
                    .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
                    .expect(name);
                assert_eq!(is, value, "{name}");
            }
        }
    }
}

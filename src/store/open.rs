//! Opening and making a store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StoreLock, Table, checkpoints};
use crate::error::{Error, Result};
use crate::record::{Limits, Record};
use crate::surroundings::Surroundings;

/// `CFL1`: marks the file as a store of ours.
const APPLICATION_ID: i32 = 0x4346_4C31;
/// The version of the tables, triggers and views.
const SCHEMA_VERSION: i32 = 3;

/// What version 3 of the schema has added.
const INDEXES_OF_VERSION_3: [&str; 4] = [
    "ledger_pass_reverses",
    "ledger_batch_run",
    "ledger_entry_target",
    "ledger_entry_conflict",
];
/// SQLite counts a wait in milliseconds of 31 bits.
const LONGEST_WAIT: Duration = Duration::from_secs(2_000_000);
const LEDGER_SQL: &str = include_str!("../../schema/ledger.sql");

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
    /// Opens the file for reading alone: not even a store of an older version is brought up to date. What a killed
    /// process has left half done is undone all the same, because nothing could be read before that.
    pub read_only: bool,
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
        }
    }
}

/// An open store.
pub struct Store {
    path: PathBuf,
    connection: Connection,
    options: StoreOptions,
    surroundings: Surroundings,
    warning: Option<String>,
}

impl Store {
    /// Opens a store.
    ///
    /// # Errors
    /// [`Error::NoSuchStore`] when there is no file, [`Error::NotAStore`] when it is something else,
    /// [`Error::Contradicted`] when it is not what was signed.
    pub fn open(path: impl AsRef<Path>, options: StoreOptions, surroundings: Surroundings) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(Error::NoSuchStore {
                path: path.to_owned(),
            });
        }
        if options.read_only {
            recover(path, options.wait)?;
        }
        let mut store = Self::connect(path, options, surroundings)?;
        match store.version()? {
            Version::Older if store.options.read_only => {
                store.check()?;
                Ok(store)
            }
            Version::Ours => {
                store.check()?;
                Ok(store)
            }
            Version::Older => {
                store.upgrade()?;
                store.check()?;
                Ok(store)
            }
            Version::Empty => Err(Error::NoSuchStore {
                path: path.to_owned(),
            }),
        }
    }

    /// Opens a store, or makes it: the first run, `init`, writes the tables and the first batch in one transaction,
    /// so that a kill in between leaves an empty file that the next call takes for none.
    pub fn open_or_create(
        path: impl AsRef<Path>,
        options: StoreOptions,
        surroundings: Surroundings,
    ) -> Result<Self> {
        let mut store = Self::connect(path.as_ref(), options, surroundings)?;
        if matches!(store.version()?, Version::Older) {
            store.upgrade()?;
        }
        if matches!(store.version()?, Version::Empty) {
            let lost = checkpoints::check_new(&store);
            // Another process may have made the store, and signed it, since.
            if !store.options.unchecked && matches!(store.version()?, Version::Empty) {
                lost?;
            }
            crate::run::initialise(&mut store)?;
        } else {
            store.check()?;
        }
        Ok(store)
    }

    /// Brings a store of an earlier version up to date, in one transaction, while nobody else writes.
    fn upgrade(&mut self) -> Result<()> {
        let _lock = StoreLock::take(&self.path, self.options.wait, "upgrading the store\n")?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        // Another process may have done it meanwhile.
        if version < 2 {
            let view = "audit_reconciliation";
            transaction.execute_batch(&format!("CREATE VIEW {view} AS\n{};", Self::query_of_view(view)))?;
        }
        if version < 3 {
            for index in INDEXES_OF_VERSION_3 {
                transaction.execute_batch(Self::text_of_index(index))?;
            }
        }
        transaction.execute_batch(&format!("PRAGMA user_version={SCHEMA_VERSION}"))?;
        Ok(transaction.commit()?)
    }

    /// Compares the store with its newest checkpoints.
    fn check(&mut self) -> Result<()> {
        if !self.options.unchecked {
            self.warning = checkpoints::check(self)?;
        }
        Ok(())
    }

    /// What there is to say about the store although it was opened.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn connect(path: &Path, options: StoreOptions, surroundings: Surroundings) -> Result<Self> {
        // By whichever link a store is opened, its lock and its checkpoints are those of the file.
        let is_link = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_symlink());
        let target = if is_link { path.canonicalize().ok() } else { None };
        let path = target.as_deref().unwrap_or(path);
        let mode = if options.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| Error::Sqlite {
            doing: "opened",
            source,
        })?;
        connection.busy_timeout(options.wait.min(LONGEST_WAIT))?;
        connection.set_prepared_statement_cache_capacity(64);
        // EXTRA: nothing that was acknowledged is lost when the power fails. No spilling: the write lock on the file
        // is then taken at the commit and not before, so that the reading thread is not locked out in between.
        connection.execute_batch(
            "PRAGMA page_size=8192; PRAGMA cache_size=-16384; PRAGMA cache_spill=OFF; PRAGMA synchronous=EXTRA; \
             PRAGMA trusted_schema=OFF; PRAGMA recursive_triggers=ON;",
        )?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            options,
            surroundings,
            warning: None,
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
            (APPLICATION_ID, SCHEMA_VERSION, _) => Ok(Version::Ours),
            (APPLICATION_ID, 1.., _) if version < SCHEMA_VERSION => Ok(Version::Older),
            (0, 0, 0) => Ok(Version::Empty),
            (APPLICATION_ID, version, _) => {
                let found = format!("schema version {version}, this program knows {SCHEMA_VERSION}");
                Err(Error::NotAStore {
                    path: self.path.clone(),
                    found,
                })
            }
            (application, _, _) => {
                let found = format!("another application's file (application_id {application:#x})");
                Err(Error::NotAStore {
                    path: self.path.clone(),
                    found,
                })
            }
        }
    }

    /// What later versions of the schema than this one have added: a store that may only be read is not brought up to date.
    pub(crate) fn added_after(version: i32) -> Vec<&'static str> {
        let mut added = Vec::new();
        if version < 2 {
            added.push("audit_reconciliation");
        }
        if version < 3 {
            added.extend(INDEXES_OF_VERSION_3);
        }
        added
    }

    /// The query of a view, as it was made: what stands in the store may have been changed.
    pub(crate) fn query_of_view(name: &str) -> &'static str {
        let begin = format!("CREATE VIEW {name} AS\n");
        let query = LEDGER_SQL
            .split(&begin)
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        query.expect("the views of the ledger are in its SQL")
    }

    /// The statement that makes an index of the ledger.
    fn text_of_index(name: &str) -> &'static str {
        let begin = LEDGER_SQL.find(&format!("CREATE INDEX {name} "));
        let statement = begin.and_then(|begin| LEDGER_SQL[begin..].split(';').next());
        statement.expect("the indexes of the ledger are in its SQL")
    }

    /// Writes the tables; inside the transaction of the first batch.
    pub(crate) fn write_schema(connection: &Connection) -> Result<()> {
        connection.execute_batch(&format!(
            "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};\n{LEDGER_SQL}"
        ))?;
        Ok(())
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
        connection.busy_timeout(self.options.wait.min(LONGEST_WAIT))?;
        connection.execute_batch("PRAGMA cache_size=-16384; PRAGMA trusted_schema=OFF;")?;
        Ok(connection)
    }

    /// Writes a copy of the store as it is, in one read, to a file that is not there yet.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<()> {
        let name = path.to_str().ok_or_else(|| Error::Io {
            path: path.to_owned(),
            source: std::io::ErrorKind::InvalidFilename.into(),
        })?;
        let copied = self.connection.execute("VACUUM INTO ?1", [name]);
        copied.map(drop).map_err(|source| Error::Sqlite {
            doing: "copied",
            source,
        })
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

    /// A record by its id.
    pub fn get(&self, database: &str, id: &str) -> Result<Option<Record>> {
        Ok(Table::of(database)?
            .by_id(&self.connection, id)?
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

enum Version {
    Ours,
    Older,
    Empty,
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

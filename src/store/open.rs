//! Opening and creating a store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::objects::{APPLICATION_ID, VERSION};
use super::opened::{LONGEST_WAIT, Store, configure};
use super::options::StoreOptions;
use super::{StoreLock, checkpoints, header, schema};
use crate::environment::Environment;
use crate::error::{Error, Result};

/// The content of a file that was opened.
pub(crate) enum OpenedFile {
    /// A store.
    Store(Store),
    /// Nothing yet: the first batch makes the tables too.
    Empty(Store),
}

impl Store {
    /// Opens a store.
    ///
    /// # Errors
    /// [`Error::NoSuchStore`] if there is no file, [`Error::NotAStore`] if it is something else, [`Error::Foreign`] if
    /// it has other tables, views, triggers or indexes than this program makes, [`Error::Contradicted`] if it does not
    /// match what was signed. A store opened for reading only has the last two as warnings.
    pub fn open(path: impl AsRef<Path>, options: StoreOptions, environment: Environment) -> Result<Self> {
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
        let mut store = Self::connect(path, options, environment)?;
        let version = store.version()?;
        if matches!(version, FileVersion::Empty) {
            return Err(Error::NoSuchStore {
                path: path.to_owned(),
            });
        }
        store.compare()?;
        if store.options.read_only {
            store.complete(&store.connection)?;
        } else if matches!(version, FileVersion::Older) {
            store.upgrade()?;
        }
        store.check()?;
        Ok(store)
    }

    /// Opens a store, or an empty file that is to become one. Nothing is written to an empty file before the first
    /// batch.
    pub(crate) fn open_or_prepare(
        path: &Path,
        options: StoreOptions,
        environment: Environment,
    ) -> Result<OpenedFile> {
        let mut store = Self::connect(path, options, environment)?;
        let version = store.version()?;
        if !matches!(version, FileVersion::Empty) {
            store.compare()?;
        }
        if matches!(version, FileVersion::Older) {
            store.upgrade()?;
        }
        if matches!(version, FileVersion::Empty) {
            let lost = checkpoints::check_new(&store);
            // Another process may have made the store, and signed it, since.
            if !store.options.unchecked && matches!(store.version()?, FileVersion::Empty) {
                lost?;
            }
            return Ok(OpenedFile::Empty(store));
        }
        store.check()?;
        Ok(OpenedFile::Store(store))
    }

    /// Upgrades a store of an earlier version, in one transaction that excludes other writers.
    fn upgrade(&mut self) -> Result<()> {
        let _lock = StoreLock::take(&self.path, self.options.wait, "upgrading the store\n")?;
        // The additions may be as large as a good part of the store.
        self.let_spill(true)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = schema::version(&transaction)?;
        // Another process may have upgraded it meanwhile.
        if version < VERSION {
            schema::upgrade(&transaction, version)?;
        }
        transaction.commit()?;
        self.let_spill(false)
    }

    /// Compares the schema with what the store's version of this program makes. A foreign trigger would run with every
    /// write, and a changed view would show wrong data.
    fn compare(&mut self) -> Result<()> {
        // In one transaction: another process may upgrade the store between two reads.
        let moment = self.connection.unchecked_transaction()?;
        let version = schema::version(&moment)?;
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

    /// Turns an error into a warning if the store is opened for reading only: such a caller may read a store that must
    /// not be written to.
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

    fn connect(path: &Path, options: StoreOptions, environment: Environment) -> Result<Self> {
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
        let connection = Connection::open_with_flags(path, flags).map_err(Error::sqlite("opened"))?;
        configure(&connection, options.wait)?;
        Ok(Self {
            path: path.to_owned(),
            memory: None,
            connection,
            options,
            environment,
            warnings: Vec::new(),
            objection: None,
        })
    }

    fn version(&self) -> Result<FileVersion> {
        // In one transaction: another process may make the store between two reads, and then half of what is read would
        // be from before.
        let moment = self.connection.unchecked_transaction()?;
        let pragma = |name: &str| moment.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        let (application, version) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        moment.commit()?;
        match (application, version, tables) {
            (APPLICATION_ID, version, _) if version == VERSION => Ok(FileVersion::Ours),
            (APPLICATION_ID, 1.., _) if version < VERSION => Ok(FileVersion::Older),
            (0, 0, 0) => Ok(FileVersion::Empty),
            (application, version, _) => Err(header::not_ours(&self.path, application, version)),
        }
    }
}

/// Returns the file that a link leads to, even if the file does not exist yet: by whichever link a store is opened, its
/// lock and its checkpoints are those of the file.
fn without_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    let mut is_linked = false;
    // The same limit as in Linux.
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

/// Makes the file of a new store, accessible to its owner only: it holds what stages redact. SQLite gives its side
/// files the same mode. If the file exists or cannot be made, opening it next reports that.
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

enum FileVersion {
    Ours,
    Older,
    Empty,
}

/// Lets SQLite undo what a killed process left half done, which a read-only connection may not.
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
        // The next read reports any other problem.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::config::DbConfig;

    use super::*;

    #[test]
    fn every_connection_to_a_store_is_set_in_the_same_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(&path, StoreOptions::default(), Environment::default());
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

//! Opening a store without a file, and the properties that a file would have.

use std::path::PathBuf;

use rusqlite::OpenFlags;

use super::memory::MemoryName;
use super::opened::{LONGEST_WAIT, configure};
use super::{Store, StoreLock, StoreOptions};
use crate::environment::Environment;
use crate::error::{Error, Result};

/// Name shown for such a store in place of a path.
const IN_MEMORY: &str = ":memory:";

impl Store {
    /// Opens an empty database in memory, which becomes a store with its first batch.
    pub(crate) fn prepare_in_memory(options: StoreOptions, environment: Environment) -> Result<Self> {
        if options.read_only {
            return Err(Error::invalid(
                "a store in memory is empty when it is opened, so that it cannot be opened for reading alone",
                "leave `read_only` out",
            ));
        }
        let name = MemoryName::new();
        let connection = name.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        configure(&connection, LONGEST_WAIT)?;
        Ok(Self {
            path: PathBuf::from(IN_MEMORY),
            memory: Some(name),
            connection,
            options,
            environment,
            warnings: Vec::new(),
            objection: None,
        })
    }

    /// Returns whether the store is in memory only and disappears with this value ([`Store::in_memory`]).
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Takes the lock of the store's file; a store in memory has none, because no other process can reach it.
    pub(crate) fn lock(&self, holder: &str) -> Result<Option<StoreLock>> {
        if self.is_in_memory() {
            return Ok(None);
        }
        StoreLock::take(&self.path, self.options.wait, holder).map(Some)
    }

    /// Returns the note of another process that holds the lock.
    pub(crate) fn lock_holder(&self) -> Option<String> {
        if self.is_in_memory() {
            return None;
        }
        StoreLock::holder(&self.path)
    }

    /// Returns the name of the store's file, for a copy of it.
    pub(crate) fn file_name(&self) -> String {
        if self.is_in_memory() {
            return "memory.db".to_owned();
        }
        let name = self
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default()
    }
}

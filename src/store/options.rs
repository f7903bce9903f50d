//! Options for opening a store.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::record::Limits;

/// Options for opening a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Time to wait for another writer, or for another process that holds the file.
    pub wait: Duration,
    /// Whether to use a write-ahead log instead of a rollback journal, for stores that are read while they are written.
    pub live: bool,
    /// Limits of the size and depth of a record.
    pub limits: Limits,
    /// Maximum number of records in a batch.
    pub batch_size: usize,
    /// Whether to open a store that contradicts its checkpoints, to inspect it or to accept what was restored.
    pub unchecked: bool,
    /// Whether to open the file for reading only: not even a store of an older version is upgraded. A store that does
    /// not match what was signed, or that has foreign objects, gives a warning instead of an error. What a killed
    /// process left half done is still undone, because nothing could be read before that.
    pub read_only: bool,
    /// Systems that databases belong to, as an auditor knows them: a pass that reads or writes one of these databases
    /// records them in the ledger, and `audit_step` shows them. A database without one is shown under its own name.
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

impl StoreOptions {
    /// Waits at most this long for another writer, or for another process that holds the file. Default: 5 seconds.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Uses a write-ahead log, for stores that are read while they are written. Default: `false`.
    #[must_use]
    pub fn live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }

    /// Limits how large and how deep a record may be. Default: 16 MiB, 128 levels.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the maximum number of records in a batch. Default: 5,000.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Opens a store even if it contradicts its checkpoints. Default: `false`.
    #[must_use]
    pub fn unchecked(mut self, unchecked: bool) -> Self {
        self.unchecked = unchecked;
        self
    }

    /// Opens the file for reading only. Default: `false`.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Names the systems that databases belong to, by database. Default: none.
    #[must_use]
    pub fn systems(
        mut self,
        systems: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.systems = systems
            .into_iter()
            .map(|(database, system)| (database.into(), system.into()))
            .collect();
        self
    }
}

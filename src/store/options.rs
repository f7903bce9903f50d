//! How a store is opened.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::record::Limits;

/// How a store is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
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

    /// Sets the most records in a batch. Default: 5,000.
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

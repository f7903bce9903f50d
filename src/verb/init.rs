//! The verb `init`: the first run of a store creates it.

use std::path::Path;

use crate::engine::{Pass, Run, RunInfo};
use crate::environment::Environment;
use crate::error::Result;
use crate::ledger::{Batch, BatchKind, PassKind, PassRow};
use crate::record::{BatchId, PassId};
use crate::store::{OpenedFile, Store, StoreOptions};

impl Store {
    /// Opens a store, or creates it: the first run, `init`, writes the tables and the first batch in one transaction. A
    /// kill in between leaves an empty file, which the next call treats as no store.
    ///
    /// # Errors
    /// The errors of [`Store::open`]; [`Error::Contradicted`](crate::Error::Contradicted) when there is no store, but a
    /// file of checkpoints.
    pub fn open_or_create(
        path: impl AsRef<Path>,
        options: StoreOptions,
        environment: Environment,
    ) -> Result<Self> {
        match Self::open_or_prepare(path.as_ref(), options, environment)? {
            OpenedFile::Store(store) => Ok(store),
            OpenedFile::Empty(mut store) => {
                initialise(&mut store)?;
                Ok(store)
            }
        }
    }

    /// Creates a store in memory, for tests and for work whose result is exported. It is NOT durable: it is lost when
    /// this value is dropped, and when the process ends. Everything else works as in a file: entries, runs, rollback,
    /// `verify`, proofs; a [`backup`](crate::backup::backup) writes it to a file (`memory.db` in the backup's folder).
    /// It holds at most a gigabyte. No other process can open it, so there is no lock and no file of checkpoints: only
    /// the store itself holds its signed checkpoints. `wait`, `live` and `unchecked` have no effect.
    ///
    /// ```
    /// use counterfoil::environment::Environment;
    /// use counterfoil::store::{Store, StoreOptions};
    ///
    /// let mut store = Store::in_memory(StoreOptions::default(), Environment::default())?;
    /// store.database("orders")?.insert("1", r#"{"total":10.10}"#)?;
    /// assert_eq!(store.count("orders")?, 1);
    /// # Ok::<(), counterfoil::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with `read_only`.
    pub fn in_memory(options: StoreOptions, environment: Environment) -> Result<Self> {
        let mut store = Self::prepare_in_memory(options, environment)?;
        initialise(&mut store)?;
        Ok(store)
    }
}

/// Writes run 1, whose UUID identifies the ledger; does nothing when another process has done so meanwhile.
fn initialise(store: &mut Store) -> Result<()> {
    let mut run = Run::begin(store, &RunInfo::new("init"))?;
    if run.next_batch() > BatchId::new(1) {
        return Ok(());
    }
    let mut pass = Pass::new(PassRow {
        pass: PassId::new(1),
        kind: PassKind::Init,
        stage: None,
        source: None,
        target: None,
        reverses: None,
        after_batch: None,
        now_us: run.now_us(),
    });
    run.commit(&mut pass, Batch::new(BatchKind::End)).map(drop)
}

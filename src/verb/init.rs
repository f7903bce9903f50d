//! The verb `init`: making a store is its first run.

use std::path::Path;

use crate::engine::{Pass, Purpose, Run};
use crate::error::Result;
use crate::ledger::{Batch, PassKind, PassRow, Step};
use crate::store::{Opened, Store, StoreOptions};
use crate::surroundings::Surroundings;

impl Store {
    /// Opens a store, or makes it: the first run, `init`, writes the tables and the first batch in one transaction,
    /// so that a kill in between leaves an empty file that the next call takes for none.
    ///
    /// # Errors
    /// As of [`Store::open`]; [`Error::Contradicted`](crate::Error::Contradicted) when there is no store, but the checkpoints
    /// of one.
    pub fn open_or_create(
        path: impl AsRef<Path>,
        options: StoreOptions,
        surroundings: Surroundings,
    ) -> Result<Self> {
        match Self::open_or_prepare(path.as_ref(), options, surroundings)? {
            Opened::Store(store) => Ok(store),
            Opened::Empty(mut store) => {
                initialise(&mut store)?;
                Ok(store)
            }
        }
    }
}

/// Writes run 1, whose uuid names the ledger; nothing where another process has done so meanwhile.
fn initialise(store: &mut Store) -> Result<()> {
    let mut run = Run::begin(store, &Purpose::new("init"))?;
    if run.next_batch() > 1 {
        return Ok(());
    }
    let mut pass = Pass::new(PassRow {
        pass: 1,
        kind: PassKind::Init,
        stage: None,
        source: None,
        target: None,
        reverses: None,
        after_batch: None,
        now_us: run.now_us(),
    });
    run.commit(&mut pass, Batch::new(Step::End)).map(drop)
}

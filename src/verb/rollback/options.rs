//! How to roll back.

use std::time::Duration;

use super::plan::Scope;
use super::restore::OnConflict;
use crate::engine::Purpose;
use crate::observe::StopSignal;

/// How to roll back.
#[derive(Clone, Debug)]
pub struct RollbackOptions {
    /// What.
    pub scope: Scope,
    /// What to do with records that were changed since.
    pub on_conflict: OnConflict,
    /// The most stubs in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// Stop after the batch at hand when so much time is over.
    pub max_time: Option<Duration>,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            scope: Scope::Last,
            on_conflict: OnConflict::Abort,
            batch_size: None,
            max_time: None,
            purpose: Purpose::new("rollback"),
            stop: StopSignal::default(),
        }
    }
}

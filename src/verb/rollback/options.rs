//! How to roll back.

use std::time::Duration;

use super::plan::RollbackScope;
use super::restore::ConflictPolicy;
use crate::engine::RunInfo;
use crate::observe::StopSignal;

/// How to roll back.
#[derive(Clone, Debug)]
pub struct RollbackOptions {
    /// What.
    pub scope: RollbackScope,
    /// What to do with records that were changed since.
    pub on_conflict: ConflictPolicy,
    /// The most entries in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// Stop after the batch at hand when so much time is over.
    pub max_time: Option<Duration>,
    /// What stands in the ledger about this run.
    pub purpose: RunInfo,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            scope: RollbackScope::Last,
            on_conflict: ConflictPolicy::Abort,
            batch_size: None,
            max_time: None,
            purpose: RunInfo::new("rollback"),
            stop: StopSignal::default(),
        }
    }
}

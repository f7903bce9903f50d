//! Options of [`rollback`](super::rollback).

use std::time::Duration;

use super::plan::RollbackScope;
use super::restore::ConflictPolicy;
use crate::engine::RunInfo;
use crate::observe::StopSignal;

/// Options of [`rollback`](super::rollback).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RollbackOptions {
    /// What to roll back.
    pub scope: RollbackScope,
    /// What to do with records that have changed since.
    pub on_conflict: ConflictPolicy,
    /// Maximum number of entries in a batch; `None` uses the store's options.
    pub batch_size: Option<usize>,
    /// Time after which the verb stops; it finishes the current batch first.
    pub max_time: Option<Duration>,
    /// What the ledger records about this run.
    pub run_info: RunInfo,
    /// Signal that asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            scope: RollbackScope::Last,
            on_conflict: ConflictPolicy::Abort,
            batch_size: None,
            max_time: None,
            run_info: RunInfo::new("rollback"),
            stop: StopSignal::default(),
        }
    }
}

impl RollbackOptions {
    /// Sets what to roll back. Default: [`RollbackScope::Last`].
    #[must_use]
    pub fn scope(mut self, scope: RollbackScope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets what to do with records that have changed since. Default: [`ConflictPolicy::Abort`].
    #[must_use]
    pub fn on_conflict(mut self, on_conflict: ConflictPolicy) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Sets the maximum number of entries in a batch. Default: `None`, as the store's options say.
    #[must_use]
    pub fn batch_size(mut self, batch_size: impl Into<Option<usize>>) -> Self {
        self.batch_size = batch_size.into();
        self
    }

    /// Stops after the first batch that ends later than this. Default: `None`, no limit.
    #[must_use]
    pub fn max_time(mut self, max_time: impl Into<Option<Duration>>) -> Self {
        self.max_time = max_time.into();
        self
    }

    /// Sets what the ledger keeps about this run. Default: the command `rollback`, no arguments, no reason.
    #[must_use]
    pub fn run_info(mut self, run_info: RunInfo) -> Self {
        self.run_info = run_info;
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that is never sent.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

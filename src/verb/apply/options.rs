//! Options of [`apply`](super::apply).

use std::time::Duration;

use super::pin::{Asked, Pin};
use crate::engine::{PassLimits, RunInfo};
use crate::observe::StopSignal;
use crate::stage::{MaxErrors, OnError};

/// Options of [`apply`](super::apply).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// Last stage to bring up to date; `None` for all.
    pub to: Option<u32>,
    /// Maximum number of records in a batch; `None` uses the store's options.
    pub batch_size: Option<usize>,
    /// Overrides what the stages say about refusals.
    pub on_error: Option<OnError>,
    /// Overrides how many refusals the stages allow.
    pub max_errors: Option<MaxErrors>,
    /// Time after which the verb stops; it finishes the current batch first.
    pub max_time: Option<Duration>,
    /// Whether an applied stage may continue with its changed meaning.
    pub revise: bool,
    /// Whether merge stages learn their models anew, and judge all members by them.
    pub relearn: bool,
    /// Plan to apply: the stages and the data must still be the plan's. The ledger keeps the plan's hash among the
    /// run's arguments.
    pub plan: Option<Pin>,
    /// What the ledger records about this run.
    pub run_info: RunInfo,
    /// Signal that asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self {
            to: None,
            batch_size: None,
            on_error: None,
            max_errors: None,
            max_time: None,
            revise: false,
            relearn: false,
            plan: None,
            run_info: RunInfo::new("apply"),
            stop: StopSignal::default(),
        }
    }
}

impl ApplyOptions {
    /// Sets the number of the last stage to bring up to date. Default: `None`, all stages.
    #[must_use]
    pub fn to(mut self, to: impl Into<Option<u32>>) -> Self {
        self.to = to.into();
        self
    }

    /// Sets the maximum number of records in a batch. Default: `None`, as the store's options say.
    #[must_use]
    pub fn batch_size(mut self, batch_size: impl Into<Option<usize>>) -> Self {
        self.batch_size = batch_size.into();
        self
    }

    /// Sets what a refusal does, whatever the stages say. Default: `None`, as each stage says.
    #[must_use]
    pub fn on_error(mut self, on_error: impl Into<Option<OnError>>) -> Self {
        self.on_error = on_error.into();
        self
    }

    /// Sets how many records may be refused, whatever the stages say. Default: `None`, as each stage says.
    #[must_use]
    pub fn max_errors(mut self, max_errors: impl Into<Option<MaxErrors>>) -> Self {
        self.max_errors = max_errors.into();
        self
    }

    /// Stops after the first batch that ends later than this. Default: `None`, no limit.
    #[must_use]
    pub fn max_time(mut self, max_time: impl Into<Option<Duration>>) -> Self {
        self.max_time = max_time.into();
        self
    }

    /// Lets an applied stage continue with its changed meaning. Default: `false`.
    #[must_use]
    pub fn revise(mut self, revise: bool) -> Self {
        self.revise = revise;
        self
    }

    /// Lets merge stages learn their models anew, and judge all of their members by them. Default: `false`, a stage that was
    /// applied judges new and changed records by the model that it has.
    #[must_use]
    pub fn relearn(mut self, relearn: bool) -> Self {
        self.relearn = relearn;
        self
    }

    /// Applies only if stages and data are still those of this plan. Default: `None`.
    #[must_use]
    pub fn plan(mut self, plan: impl Into<Option<Pin>>) -> Self {
        self.plan = plan.into();
        self
    }

    /// Sets what the ledger keeps about this run. Default: the command `apply`, no arguments, no reason.
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

impl ApplyOptions {
    /// Returns the limits that override those of the stages and the store.
    pub(crate) fn limits(&self) -> PassLimits {
        PassLimits {
            on_error: self.on_error,
            max_errors: self.max_errors,
            batch_size: self.batch_size,
        }
    }

    /// Returns the options that a plan is bound to.
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            to: self.to,
            revise: self.revise,
            relearn: self.relearn,
            on_error: self.on_error.map(|choice| choice.name().to_owned()),
            max_errors: self.max_errors.map(|limit| limit.to_string()),
        }
    }
}

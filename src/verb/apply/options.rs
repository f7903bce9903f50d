//! How to apply.

use std::time::Duration;

use super::pin::{Asked, Pin};
use crate::engine::{PassLimits, RunInfo};
use crate::observe::StopSignal;
use crate::stage::{MaxErrors, OnError};

/// How to apply.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// The last stage to bring up to date; `None`: all.
    pub to: Option<u32>,
    /// The most records in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// Overrides what the stages say about refusals.
    pub on_error: Option<OnError>,
    /// Overrides how many refusals the stages allow.
    pub max_errors: Option<MaxErrors>,
    /// Stop after the batch at hand when so much time is over.
    pub max_time: Option<Duration>,
    /// Let a stage that was applied go on with its changed meaning.
    pub revise: bool,
    /// Only where stages and data are still those of this plan; the run has the plan's hash among its arguments.
    pub plan: Option<Pin>,
    /// What stands in the ledger about this run.
    pub purpose: RunInfo,
    /// Asks the verb to stop.
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
            plan: None,
            purpose: RunInfo::new("apply"),
            stop: StopSignal::default(),
        }
    }
}

impl ApplyOptions {
    /// What is to be held to instead of what stages and store say.
    pub(crate) fn limits(&self) -> PassLimits {
        PassLimits {
            on_error: self.on_error,
            max_errors: self.max_errors,
            batch_size: self.batch_size,
        }
    }

    /// What of it a plan is bound to.
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            to: self.to,
            revise: self.revise,
            on_error: self.on_error.map(|choice| choice.name().to_owned()),
            max_errors: self.max_errors.map(|limit| limit.to_string()),
        }
    }
}

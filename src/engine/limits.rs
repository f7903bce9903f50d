//! Limits given by a person, which replace those of the stages.

use crate::ledger::Counts;
use crate::stage::{MaxErrors, OnError, Stage};

/// Settings that replace those of the stages and of the store's options.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PassLimits {
    /// Effect of a refusal.
    pub(crate) on_error: Option<OnError>,
    /// Number of allowed refusals.
    pub(crate) max_errors: Option<MaxErrors>,
    /// Maximum number of records in a batch.
    pub(crate) batch_size: Option<usize>,
}

impl PassLimits {
    /// Returns how many refusals a pass may have that began with this many records in its source and has had these
    /// outcomes. A stage in place has removed from its source what it refused.
    pub(crate) fn refusals(&self, stage: &Stage, in_source: u64, counts: &Counts) -> u64 {
        if self.on_error.unwrap_or(stage.on_error()) == OnError::Stop {
            return 0;
        }
        let began_with = in_source + if stage.in_place() { counts.refused } else { 0 };
        self.max_errors.unwrap_or(stage.max_errors()).of(began_with)
    }
}

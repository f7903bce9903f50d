//! What a person may say about how stages are carried, instead of what they say themselves.

use crate::ledger::Counts;
use crate::stage::{MaxErrors, OnError, Stage};

/// What was given instead of what the stages and the store's options say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PassLimits {
    /// What a refusal means.
    pub(crate) on_error: Option<OnError>,
    /// How many refusals are allowed.
    pub(crate) max_errors: Option<MaxErrors>,
    /// The most records in a batch.
    pub(crate) batch_size: Option<usize>,
}

impl PassLimits {
    /// How many refusals a pass may have that began with so many records in its source, and has had these outcomes. A stage in
    /// place has taken out of its source what it has refused.
    pub(crate) fn refusals(&self, stage: &Stage, in_source: u64, counts: &Counts) -> u64 {
        if self.on_error.unwrap_or(stage.on_error()) == OnError::Stop {
            return 0;
        }
        let began_with = in_source + if stage.in_place() { counts.refused } else { 0 };
        self.max_errors.unwrap_or(stage.max_errors()).of(began_with)
    }
}

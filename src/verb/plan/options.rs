//! Options of [`plan`](super::plan).

use crate::apply::ApplyOptions;

/// Options of [`plan`](super::plan).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanOptions {
    /// Options of the planned `apply`.
    pub apply: ApplyOptions,
    /// Number of records of each stage to try, spread evenly over its source; `None` for all.
    pub sample: Option<u64>,
    /// Maximum number of records shown for each stage, and for each refusal code.
    pub examples: usize,
    /// Whether examples show all of their fields and values, however many and however long.
    pub full: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            apply: ApplyOptions::default(),
            sample: None,
            examples: 3,
            full: false,
        }
    }
}

impl PlanOptions {
    /// Sets how the plan would be applied. Default: [`ApplyOptions::default`].
    #[must_use]
    pub fn apply(mut self, apply: ApplyOptions) -> Self {
        self.apply = apply;
        self
    }

    /// Tries only the given number of records of each stage. Default: `None`, all records.
    #[must_use]
    pub fn sample(mut self, sample: impl Into<Option<u64>>) -> Self {
        self.sample = sample.into();
        self
    }

    /// Sets the maximum number of records shown for each stage and for each refusal code. Default: 3.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Shows examples with all of their fields and values. Default: `false`.
    #[must_use]
    pub fn full(mut self, full: bool) -> Self {
        self.full = full;
        self
    }
}

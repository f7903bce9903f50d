//! How to plan.

use crate::apply::ApplyOptions;

/// How to plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanOptions {
    /// How it would be applied.
    pub apply: ApplyOptions,
    /// Try only so many records of each stage, spread evenly over its source; `None`: all.
    pub sample: Option<u64>,
    /// The most records that are shown for each stage, and for each refusal code.
    pub examples: usize,
    /// Whether examples are told with all of their fields and values, however many and however long.
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

    /// Tries only so many records of each stage. Default: `None`, all records.
    #[must_use]
    pub fn sample(mut self, sample: impl Into<Option<u64>>) -> Self {
        self.sample = sample.into();
        self
    }

    /// Sets the most records shown for each stage and for each refusal code. Default: 3.
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

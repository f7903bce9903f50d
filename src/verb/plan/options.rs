//! How to plan.

use crate::apply::ApplyOptions;

/// How to plan.
#[derive(Clone, Debug)]
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

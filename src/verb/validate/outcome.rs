//! How to validate, and what a validation finds.

use std::collections::BTreeMap;

use crate::contract::Mode;
use crate::engine::Stopped;
use crate::observe::StopSignal;
use crate::path::Path;
use crate::refusal::Violation;

/// How to validate.
#[derive(Clone, Debug)]
pub struct ValidateOptions<'o> {
    /// What the rules' expressions see of the project: its name.
    pub project: &'o str,
    /// And the number of the stage that the contract belongs to; 0 where there is none.
    pub stage: u32,
    /// What `now()` gives, in microseconds UTC; `None`: the time of the call, by the store's clock.
    pub now_us: Option<i64>,
    /// What broke the contract already after this run counts as pre-existing.
    pub since: Option<i64>,
    /// What is redacted: the places of violations are cut there.
    pub redact: &'o [Path],
    /// How many ids each kind of violation lists.
    pub examples: usize,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for ValidateOptions<'_> {
    fn default() -> Self {
        Self {
            project: "",
            stage: 0,
            now_us: None,
            since: None,
            redact: &[],
            examples: 5,
            stop: StopSignal::default(),
        }
    }
}

/// What brought a violation into the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ViolationOrigin {
    /// The batch since which the record breaks the contract so.
    pub batch: i64,
    /// Its run.
    pub run: i64,
    /// What that did: `load`, `edit`, `apply`, `retry`, `rollback`.
    pub kind: String,
    /// The stage, where it was one.
    pub stage: Option<u32>,
}

/// One thing that is wrong with one record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ValidationFinding {
    /// The record's number.
    pub record: i64,
    /// Its id.
    pub id: String,
    /// What is wrong. `preexisting`: the record came so, by a load or an edit, and no stage made it so; with
    /// [`since`](ValidateOptions::since): it was so after that run.
    #[serde(flatten)]
    pub violation: Violation,
    /// What a stage with this contract would do about it.
    pub mode: Mode,
    /// Since when; `None` where the ledger does not tell.
    pub origin: Option<ViolationOrigin>,
}

/// Everything that is wrong in one way.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ViolationGroup {
    /// The code.
    pub code: String,
    /// The place; the elements of a list are one place, `/items/*/price`.
    pub pointer: String,
    /// What was expected.
    pub expected: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// What a stage with this contract would do about it.
    pub mode: Mode,
    /// How many records have it.
    pub records: u64,
    /// How many of them had it before: see [`Finding::violation`].
    pub preexisting: u64,
    /// The runs that brought it in, and how many records each.
    pub by_run: BTreeMap<i64, u64>,
    /// The first ids.
    pub examples: Vec<String>,
}

/// What a validation found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ValidateReport {
    /// The database.
    pub database: String,
    /// How many records were looked at.
    pub records: u64,
    /// How many break the contract.
    pub failing: u64,
    /// How many break only what is warned of.
    pub warned: u64,
    /// By kind, the most frequent first.
    pub violations: Vec<ViolationGroup>,
    /// Rules that need what the `prepare` of a stage defines: only the stage itself can look at them.
    pub left_out: Vec<String>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

impl ValidateReport {
    /// Whether no record breaks what is not only warned of.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.failing == 0 && self.stopped.is_none()
    }
}

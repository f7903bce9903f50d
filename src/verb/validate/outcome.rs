//! Options of `validate`, and what a validation finds.

use std::collections::BTreeMap;

use crate::contract::Mode;
use crate::engine::Stopped;
use crate::observe::StopSignal;
use crate::path::Path;
use crate::record::{BatchId, RecordNumber, RunId};
use crate::refusal::Violation;

/// Options of [`validate`](super::validate).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ValidateOptions<'o> {
    /// Name of the project, as the rules' expressions see it.
    pub project: &'o str,
    /// Number of the stage that the contract belongs to; 0 for none.
    pub stage: u32,
    /// Value of `now()`, in microseconds UTC; `None` for the time of the call, by the store's clock.
    pub now_us: Option<i64>,
    /// Run after which existing violations count as pre-existing.
    pub since: Option<RunId>,
    /// Redacted fields: the places of violations are cut there.
    pub redact: &'o [Path],
    /// Number of ids that each kind of violation lists.
    pub examples: usize,
    /// Signal that asks the verb to stop.
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

impl<'o> ValidateOptions<'o> {
    /// Names the project for the rules' expressions. Default: the empty text.
    #[must_use]
    pub fn project(mut self, project: &'o str) -> Self {
        self.project = project;
        self
    }

    /// Sets the number of the stage that the contract belongs to. Default: 0, none.
    #[must_use]
    pub fn stage(mut self, stage: u32) -> Self {
        self.stage = stage;
        self
    }

    /// Sets the value of `now()`, in microseconds since 1970 UTC. Default: `None`, the time of the call.
    #[must_use]
    pub fn now_us(mut self, now_us: impl Into<Option<i64>>) -> Self {
        self.now_us = now_us.into();
        self
    }

    /// Counts what broke the contract after this run already as pre-existing. Default: `None`.
    #[must_use]
    pub fn since(mut self, since: impl Into<Option<RunId>>) -> Self {
        self.since = since.into();
        self
    }

    /// Cuts the places of violations at these fields. Default: none.
    #[must_use]
    pub fn redact(mut self, redact: &'o [Path]) -> Self {
        self.redact = redact;
        self
    }

    /// Sets how many ids each kind of violation lists. Default: 5.
    #[must_use]
    pub fn examples(mut self, examples: usize) -> Self {
        self.examples = examples;
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that is never sent.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

/// What brought a violation into the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ViolationOrigin {
    /// Batch since which the record breaks the contract in this way.
    pub batch: BatchId,
    /// Run of the batch.
    pub run: RunId,
    /// Kind of its pass: `load`, `edit`, `apply`, `retry`, `rollback`.
    pub kind: String,
    /// Number of the stage, if it was one.
    pub stage: Option<u32>,
}

/// One violation of one record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ValidationFinding {
    /// Number of the record.
    pub record: RecordNumber,
    /// Id of the record.
    pub id: String,
    /// The violation. `preexisting` means that the record came that way, by a load or an edit, and no stage made it so;
    /// with [`since`](ValidateOptions::since), that it was so after that run.
    #[serde(flatten)]
    pub violation: Violation,
    /// What a stage with this contract would do about the violation.
    pub mode: Mode,
    /// Origin of the violation; `None` when the ledger does not show it.
    pub origin: Option<ViolationOrigin>,
}

/// All violations of one kind.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ViolationGroup {
    /// Code of the violation.
    pub code: String,
    /// Place; the elements of a list are one place, `/items/*/price`.
    pub pointer: String,
    /// Expected value.
    pub expected: Option<String>,
    /// Name of the rule.
    pub rule: Option<String>,
    /// What a stage with this contract would do about the violation.
    pub mode: Mode,
    /// Number of records that have it.
    pub records: u64,
    /// Number of them that had it before: see [`ValidationFinding::violation`].
    pub preexisting: u64,
    /// Runs that introduced it, with the number of records each.
    pub by_run: BTreeMap<RunId, u64>,
    /// Ids of the first records.
    pub examples: Vec<String>,
}

/// Report of a validation.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct ValidateReport {
    /// Name of the database.
    pub database: String,
    /// Number of records that were checked.
    pub records: u64,
    /// Number of records that break the contract.
    pub failing: u64,
    /// Number of records that break only rules in the mode `warn`.
    pub warned: u64,
    /// Violations by kind, the most frequent first.
    pub violations: Vec<ViolationGroup>,
    /// Rules that need what the `prepare` of a stage defines: only the stage itself can check them.
    pub left_out: Vec<String>,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

impl ValidateReport {
    /// Returns whether no record breaks a rule, other than in the mode `warn`.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.failing == 0 && self.stopped.is_none()
    }
}

//! How to validate, and what a validation finds.

use std::collections::BTreeMap;

use crate::contract::Mode;
use crate::engine::Stopped;
use crate::observe::StopSignal;
use crate::path::Path;
use crate::record::{BatchId, RecordNumber, RunId};
use crate::refusal::Violation;

/// How to validate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ValidateOptions<'o> {
    /// What the rules' expressions see of the project: its name.
    pub project: &'o str,
    /// And the number of the stage that the contract belongs to; 0 where there is none.
    pub stage: u32,
    /// What `now()` gives, in microseconds UTC; `None`: the time of the call, by the store's clock.
    pub now_us: Option<i64>,
    /// What broke the contract already after this run counts as pre-existing.
    pub since: Option<RunId>,
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

    /// Sets what `now()` gives, in microseconds since 1970 UTC. Default: `None`, the time of the call.
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
    /// The batch since which the record breaks the contract so.
    pub batch: BatchId,
    /// Its run.
    pub run: RunId,
    /// What that did: `load`, `edit`, `apply`, `retry`, `rollback`.
    pub kind: String,
    /// The stage, where it was one.
    pub stage: Option<u32>,
}

/// One thing that is wrong with one record.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct ValidationFinding {
    /// The record's number.
    pub record: RecordNumber,
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
#[non_exhaustive]
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
    pub by_run: BTreeMap<RunId, u64>,
    /// The first ids.
    pub examples: Vec<String>,
}

/// What a validation found.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
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

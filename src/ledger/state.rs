//! The state machines of passes and stages: the only place that defines which step may follow which. No state is
//! stored: states are derived from the batches.

use std::fmt;

use super::entry::BatchKind;
use crate::error::{Error, Result};

/// The state of a pass, as its batches imply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassState {
    /// Has no batch yet.
    New,
    /// Has some batches of records.
    Open,
    /// Has its index built; only the end is missing.
    Indexed,
    /// Has its last batch.
    Ended,
}

/// Returns the state of a pass after a batch.
///
/// # Errors
/// [`Error::IllegalState`] for every pair that is not listed.
pub(crate) fn next_pass(state: PassState, step: BatchKind) -> Result<PassState> {
    match (state, step) {
        (PassState::New | PassState::Open, BatchKind::Data | BatchKind::Note) => Ok(PassState::Open),
        (PassState::New | PassState::Open, BatchKind::Index) => Ok(PassState::Indexed),
        (PassState::New | PassState::Open | PassState::Indexed, BatchKind::End) => Ok(PassState::Ended),
        (PassState::Indexed | PassState::Ended, _) => Err(Error::IllegalState {
            what: "the pass".to_owned(),
            state: format!("{state:?}").to_lowercase(),
            event: step.name().to_owned(),
        }),
    }
}

/// The state of a stage, as its passes imply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Never applied, or rolled back completely.
    Pending,
    /// A pass has begun but not ended.
    Applying,
    /// Every pass has ended.
    Applied,
    /// Every pass has ended, and its reconciliation left something unexplained.
    Unreconciled,
    /// A rollback has begun but not ended.
    RollingBack,
}

impl fmt::Display for StageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Unreconciled => "unreconciled",
            Self::RollingBack => "rolling back",
        })
    }
}

/// A request to a stage. That a pass has ended is derived from its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageEvent {
    /// A pass of apply, retry or waive begins or continues.
    Apply,
    /// A rollback of one of its passes begins or continues.
    Rollback,
}

/// Returns the state of a stage after an event.
///
/// # Errors
/// [`Error::IllegalState`] for every pair that is not listed.
pub(crate) fn next_stage(number: u32, state: StageState, event: StageEvent) -> Result<StageState> {
    match (state, event) {
        (
            StageState::Pending | StageState::Applied | StageState::Unreconciled | StageState::Applying,
            StageEvent::Apply,
        ) => Ok(StageState::Applying),
        (
            StageState::Applied | StageState::Unreconciled | StageState::Applying | StageState::RollingBack,
            StageEvent::Rollback,
        ) => Ok(StageState::RollingBack),
        (StageState::RollingBack, StageEvent::Apply) | (StageState::Pending, StageEvent::Rollback) => {
            Err(Error::IllegalState {
                what: format!("stage {number}"),
                state: state.to_string(),
                event: format!("{event:?}").to_lowercase(),
            })
        }
    }
}

//! The one place that says what may follow what. Nothing here is stored: states are derived from the batches.

use std::fmt;

use super::entry::BatchKind;
use crate::error::{Error, Result};

/// The state of a pass, as its batches imply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassState {
    /// No batch yet.
    New,
    /// Some batches of records.
    Open,
    /// The index is built; only the end is missing.
    Indexed,
    /// The last batch is in.
    Ended,
}

/// The state of a pass after a batch.
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
    /// A pass has begun and not ended.
    Applying,
    /// Every pass has ended.
    Applied,
    /// Every pass has ended, and its reconciliation has left something unexplained.
    Unreconciled,
    /// A rollback has begun and not ended.
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

/// What is asked of a stage. That it has ended is read off its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageEvent {
    /// A pass of apply, retry or waive begins or goes on.
    Apply,
    /// A rollback of one of its passes begins or goes on.
    Rollback,
}

/// The state of a stage after an event.
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

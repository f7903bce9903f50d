//! The bounds that stop a pass early.

use std::time::{Duration, Instant};

use crate::ledger::Counts;
use crate::observe::StopSignal;

/// Why a verb stopped early. Repeating the same command continues from there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stopped {
    /// A stop was requested.
    Asked,
    /// The time limit was reached.
    Time,
    /// A record broke a contract in the mode `refuse`.
    Contract {
        /// Number of the pass's records that the contract refused and that are still refused.
        refused: u64,
    },
    /// More records were refused than allowed.
    ErrorLimit {
        /// Number of refused records.
        refused: u64,
        /// Number of allowed refusals.
        limit: u64,
    },
}

/// Conditions for stopping early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) stop: StopSignal,
    pub(crate) deadline: Option<Instant>,
    /// Maximum number of refusals of the whole pass.
    pub(crate) refusals: Option<u64>,
    /// Number of its refusals that no longer count.
    pub(crate) settled: u64,
}

impl Bounds {
    pub(crate) fn new(stop: &StopSignal, max_time: Option<Duration>) -> Self {
        Self {
            stop: stop.clone(),
            // A time beyond the clock's range is not a bound.
            deadline: max_time.and_then(|time| Instant::now().checked_add(time)),
            refusals: None,
            settled: 0,
        }
    }

    /// Returns the same bounds with at most this many refusals in addition to the settled ones.
    pub(crate) fn allowing(&self, refusals: u64, settled: u64) -> Self {
        Self {
            refusals: Some(refusals),
            settled,
            ..self.clone()
        }
    }

    /// Returns why a pass with these outcomes must stop; `waiting` is how many of the records that it has refused only
    /// wait for rows of other databases.
    pub(crate) fn reached(&self, counts: &Counts, waiting: u64) -> Option<Stopped> {
        let refused = counts.refused.saturating_sub(self.settled + waiting);
        if let Some(limit) = self.refusals.filter(|limit| refused > *limit) {
            return Some(Stopped::ErrorLimit { refused, limit });
        }
        self.interrupts()
    }

    /// Returns why a pass must stop, whatever it has refused.
    pub(crate) fn interrupts(&self) -> Option<Stopped> {
        if self.stop.is_asked() {
            return Some(Stopped::Asked);
        }
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
            .then_some(Stopped::Time)
    }
}

//! What ends a pass before its end.

use std::time::{Duration, Instant};

use crate::ledger::Counts;
use crate::observe::StopSignal;

/// Why a verb stopped before its end. The same command again goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stopped {
    /// Somebody asked.
    Asked,
    /// The time was up.
    Time,
    /// A record broke a contract in the mode `refuse`.
    Contract {
        /// How many records of the pass stand refused by it.
        refused: u64,
    },
    /// More records were refused than allowed.
    ErrorLimit {
        /// How many were refused.
        refused: u64,
        /// How many are allowed.
        limit: u64,
    },
}

/// When to stop early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) stop: StopSignal,
    pub(crate) deadline: Option<Instant>,
    /// The most refusals of the whole pass.
    pub(crate) refusals: Option<u64>,
    /// Those of its refusals that count no longer.
    pub(crate) settled: u64,
}

impl Bounds {
    pub(crate) fn new(stop: &StopSignal, max_time: Option<Duration>) -> Self {
        Self {
            stop: stop.clone(),
            // A time beyond what the clock can tell is no bound.
            deadline: max_time.and_then(|time| Instant::now().checked_add(time)),
            refusals: None,
            settled: 0,
        }
    }

    /// The same bounds, and at most so many refusals beside those that are settled.
    pub(crate) fn allowing(&self, refusals: u64, settled: u64) -> Self {
        Self {
            refusals: Some(refusals),
            settled,
            ..self.clone()
        }
    }

    pub(crate) fn reached(&self, counts: &Counts) -> Option<Stopped> {
        let refused = counts.refused.saturating_sub(self.settled);
        if let Some(limit) = self.refusals.filter(|limit| refused > *limit) {
            return Some(Stopped::ErrorLimit { refused, limit });
        }
        if self.stop.is_asked() {
            return Some(Stopped::Asked);
        }
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
            .then_some(Stopped::Time)
    }
}

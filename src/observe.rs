//! How the library, which prints nothing, reports its progress, and how a program asks it to stop.

mod counted_input;
mod pass_progress;
mod progress;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::{Counts, PassKind};
use crate::name::StageName;
use crate::record::{BatchId, PassId};

pub use counted_input::CountedInput;
pub use progress::Progress;
pub use snapshot::{ProgressPhase, ProgressSnapshot};

/// An event in a verb. Variants and fields may be added: patterns end in `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A pass begins, or continues after an interruption.
    #[non_exhaustive]
    PassBegins {
        /// The pass's number.
        pass: PassId,
        /// Its kind.
        kind: PassKind,
        /// The stage.
        stage: Option<StageName>,
        /// The source: a database, or for `load` the input's name.
        source: Option<String>,
        /// The target database.
        target: Option<String>,
        /// Number of records that the pass will read, where known.
        total: Option<u64>,
        /// Number of records that earlier runs have already read.
        done: u64,
        /// Number of those that were refused.
        refused: u64,
    },
    /// A batch was committed. From now on, no crash can undo it.
    #[non_exhaustive]
    BatchCommitted {
        /// The pass's number.
        pass: PassId,
        /// The batch's number.
        batch: BatchId,
        /// The outcomes of its records.
        counts: Counts,
    },
    /// A batch of a plan was evaluated; nothing was written.
    #[non_exhaustive]
    BatchPlanned {
        /// The stage's number.
        stage: u32,
        /// The outcomes of its records.
        counts: Counts,
    },
    /// The target's index is being built.
    #[non_exhaustive]
    IndexBegins {
        /// The pass's number.
        pass: PassId,
    },
    /// A pass has ended.
    #[non_exhaustive]
    PassEnded {
        /// The pass's number.
        pass: PassId,
        /// The outcomes over all its runs.
        counts: Counts,
    },
    /// A warning for the user.
    #[non_exhaustive]
    Warning {
        /// The text of the warning.
        message: String,
    },
}

/// Receives the events of a verb, in the verb's thread, between transactions.
pub trait Observer {
    /// Receives one event.
    fn observe(&mut self, event: &Event);
}

/// Ignores every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&mut self, _: &Event) {}
}

/// Stores every event, for tests and services.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Recording {
    /// The events, in order.
    pub events: Vec<Event>,
}

impl Observer for Recording {
    fn observe(&mut self, event: &Event) {
        self.events.push(event.clone());
    }
}

/// Asks a running verb to stop. It is cheap to clone, and safe to use from the thread of a signal handler.
#[derive(Clone, Default)]
pub struct StopSignal(Arc<Shared>);

#[derive(Default)]
struct Shared {
    asked: AtomicU8,
    indexing: AtomicBool,
    handle: Mutex<Option<rusqlite::InterruptHandle>>,
}

impl StopSignal {
    /// Requests a stop. After the first request the verb finishes the current batch, and index building stops; the
    /// second request rolls back the current transaction.
    pub fn ask(&self) {
        let before = self.0.asked.fetch_add(1, Ordering::SeqCst);
        if before > 0 || self.0.indexing.load(Ordering::SeqCst) {
            let handle = self.0.handle.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(handle) = handle.as_ref() {
                handle.interrupt();
            }
        }
    }

    /// Returns whether a stop was requested.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn watch(&self, connection: &rusqlite::Connection) {
        *self.0.handle.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(connection.get_interrupt_handle());
    }

    pub(crate) fn set_indexing(&self, indexing: bool) {
        self.0.indexing.store(indexing, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopSignal")
            .field("asked", &self.is_asked())
            .finish()
    }
}

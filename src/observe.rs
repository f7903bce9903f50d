//! How the silent library tells what it is doing, and how it is asked to stop.

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

/// Something that happened in a verb. Variants and their fields may be added: a pattern ends in `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A pass begins, or goes on after an interruption.
    #[non_exhaustive]
    PassBegins {
        /// The pass's number.
        pass: PassId,
        /// Its kind.
        kind: PassKind,
        /// The stage.
        stage: Option<StageName>,
        /// Where it reads: a database, or for `load` the input's name.
        source: Option<String>,
        /// Where it writes.
        target: Option<String>,
        /// How many records it will read, where that is known.
        total: Option<u64>,
        /// How many earlier runs have already read.
        done: u64,
        /// How many of those were refused.
        refused: u64,
    },
    /// A batch was committed; from here on it survives anything.
    #[non_exhaustive]
    BatchCommitted {
        /// The pass's number.
        pass: PassId,
        /// The batch's number.
        batch: BatchId,
        /// Its outcomes.
        counts: Counts,
    },
    /// A batch of a plan was tried; nothing was written.
    #[non_exhaustive]
    BatchPlanned {
        /// The stage's number.
        stage: u32,
        /// Its outcomes.
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
    /// Something that a person should know.
    #[non_exhaustive]
    Warning {
        /// What.
        message: String,
    },
}

/// Is told what happens. Called in the thread of the verb, between transactions.
pub trait Observer {
    /// Takes one event.
    fn observe(&mut self, event: &Event);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&mut self, _: &Event) {}
}

/// Keeps every event, for tests and services.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Recording {
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Observer for Recording {
    fn observe(&mut self, event: &Event) {
        self.events.push(event.clone());
    }
}

/// Asks a running verb to stop. Cheap to clone; safe to use from a signal handler's thread.
#[derive(Clone, Default)]
pub struct StopSignal(Arc<Shared>);

#[derive(Default)]
struct Shared {
    asked: AtomicU8,
    indexing: AtomicBool,
    handle: Mutex<Option<rusqlite::InterruptHandle>>,
}

impl StopSignal {
    /// Asks once: the batch at hand is finished, index building stops. Asked again: the transaction at hand is undone.
    pub fn ask(&self) {
        let before = self.0.asked.fetch_add(1, Ordering::SeqCst);
        if before > 0 || self.0.indexing.load(Ordering::SeqCst) {
            let handle = self.0.handle.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(handle) = handle.as_ref() {
                handle.interrupt();
            }
        }
    }

    /// Whether somebody asked.
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

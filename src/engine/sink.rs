//! Destinations of batches: `apply` and the other verbs that write commit them, `plan` overlays them on the store.

use super::bounds::Stopped;
use super::pass::Pass;
use super::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::Batch;
use crate::observe::{Event, StopSignal};

/// Takes the batches of passes, one after the other, and numbers them, so that the code that makes a batch needs to
/// know nothing of the others.
pub(crate) trait Sink {
    /// Prepares for batches. Returns the connection for the thread that makes them, which sees what was taken; `stop`
    /// may interrupt the taking.
    fn open(&self, stop: &StopSignal) -> Result<ReadConnection>;

    /// Takes a batch, all of it or nothing. Returns the event that reports it.
    fn take(&mut self, pass: &mut Pass, batch: Batch) -> Result<Event>;

    /// Returns why a pass must not continue after a batch that [halts](Batch::halts) it; `None` if it may.
    fn halted(&self, pass: &Pass) -> Result<Option<Stopped>>;
}

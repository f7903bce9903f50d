//! Where batches go: `apply` and the other verbs that write commit them, `plan` lays them over the store.

use super::bounds::Stopped;
use super::pass::Pass;
use super::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::Batch;
use crate::observe::{Event, StopSignal};

/// Takes the batches of passes, one after the other. It gives them their numbers, so that whoever makes a batch needs to know
/// nothing of the others.
pub(crate) trait Sink {
    /// Batches are about to come. Returns the connection for the thread that makes them, which sees what was taken; `stop`
    /// may interrupt the taking.
    fn open(&self, stop: &StopSignal) -> Result<ReadConnection>;

    /// Takes a batch, all of it or nothing. Returns what is to be told of it.
    fn take(&mut self, pass: &mut Pass, batch: Batch) -> Result<Event>;

    /// Why a pass may not go on after a batch that [halts](Batch::halts) it; `None` where it may.
    fn halted(&self, pass: &Pass) -> Result<Option<Stopped>>;
}

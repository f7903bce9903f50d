//! The sink of a plan: overlays its batches on the store, where later stages find them.

use super::forecast::Forecast;
use super::summary::StageSummary;
use crate::engine::{Pass, ReadConnection, Sink, Stopped};
use crate::error::Result;
use crate::ledger::Batch;
use crate::observe::{Event, StopSignal};
use crate::stage::Stage;
use crate::store::{Overlay, Table};

/// Summarizes the batches of one pass, and overlays them on the store.
pub(super) struct Laid<'p, 't> {
    pub(super) stage: &'p Stage,
    pub(super) source: Table,
    pub(super) target: Table,
    pub(super) reader: &'p ReadConnection,
    pub(super) overlay: &'p mut Overlay,
    pub(super) forecast: &'p mut Forecast,
    pub(super) telling: &'p mut StageSummary<'t>,
    /// Number of records that would be refused only because they wait for rows of other databases.
    pub(super) waiting: u64,
}

impl Sink for Laid<'_, '_> {
    fn open(&self, _: &StopSignal) -> Result<ReadConnection> {
        // Only this connection sees the overlay.
        Ok(self.reader.clone())
    }

    fn take(&mut self, _: &mut Pass, batch: Batch) -> Result<Event> {
        self.reader.read(|connection| {
            self.telling.add(connection, &self.source, &batch)?;
            self.overlay.number(connection, &batch.records)?;
            Overlay::change(connection, &self.target, &batch.changes)
        })?;
        self.forecast.add(self.reader, self.stage, &batch)?;
        self.waiting += batch.waiting;
        Ok(Event::BatchPlanned {
            stage: self.stage.number(),
            counts: batch.counts,
        })
    }

    /// A plan continues, so that everything that would be refused is counted.
    fn halted(&self, _: &Pass) -> Result<Option<Stopped>> {
        Ok(None)
    }
}

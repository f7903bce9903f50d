//! Windows and their readings, in both directions: which readings a window was made of, and which window a reading is in.

use serde::Serialize;

use crate::context::Context;
use crate::digest::Hash;
use crate::engine::{Bounds, ReadConnection, WindowInputs};
use crate::error::Result;
use crate::ledger::StageHistory;
use crate::ledger::readings::newest_write;
use crate::ledger::windows::{StandingWindow, aggregating_stages, standing};
use crate::observe::StopSignal;
use crate::record::RecordNumber;
use crate::stage::Stage;
use crate::store::{Store, Table};

/// The readings of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WindowReadings {
    /// Number of the window.
    pub window: RecordNumber,
    /// Number of the stage that made it.
    pub stage: u32,
    /// Database of the readings.
    pub source: String,
    /// Number of readings that it was made of.
    pub inputs: u64,
    /// Whether the readings that are in it now are those that it was made of.
    pub as_made: bool,
    /// The first of the readings that are in it now, ascending.
    pub readings: Vec<WindowReading>,
}

/// A reading of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WindowReading {
    /// Its number.
    pub record: RecordNumber,
    /// Its id.
    pub id: Option<String>,
    /// Run that wrote it last.
    pub run: Option<i64>,
    /// What that run loaded it from; `None` for an edit.
    pub from: Option<String>,
}

/// The window that a reading is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InWindow {
    /// The reading.
    pub record: RecordNumber,
    /// Number of the stage.
    pub stage: u32,
    /// Database of the window.
    pub database: String,
    /// Id of the window; `None` for a reading that the stage leaves out or refuses.
    pub id: Option<String>,
    /// Number of the window; `None` if it is not made yet.
    pub window: Option<RecordNumber>,
    /// Whether the reading was written since the stage has read it: the next `apply` counts it there.
    pub waits: bool,
}

/// A stage that aggregates, as it was applied.
struct Applied {
    project: String,
    stage: Stage,
    history: StageHistory,
}

impl Store {
    /// Returns the readings of those of the records that are windows: of each, at most so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn window_readings(&self, records: &[RecordNumber], most: usize) -> Result<Vec<WindowReadings>> {
        let mut found = Vec::new();
        for applied in self.aggregating()? {
            for record in records {
                found.extend(self.readings_of(&applied, *record, most)?);
            }
        }
        Ok(found)
    }

    /// Returns the windows that readings of a database are in, by every stage that makes windows of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn in_windows(&self, database: &str, records: &[RecordNumber]) -> Result<Vec<InWindow>> {
        let mut found = Vec::new();
        for applied in self.aggregating()? {
            if applied.stage.source() == database {
                for record in records {
                    found.extend(self.window_with(&applied, *record)?);
                }
            }
        }
        Ok(found)
    }

    /// Returns the commitments of the readings that are in a window now, block by block; none for what is no window.
    pub(crate) fn commitments_of(&self, database: &str, window: RecordNumber) -> Result<Vec<Vec<Hash>>> {
        let connection = self.connection();
        for applied in self.aggregating()? {
            let stage = &applied.stage;
            let stands = standing(connection, &applied.project, stage.number(), window)?;
            let row = Table::from_name(stage.target())?.by_number(connection, window)?;
            let (true, Some(stands), Some(row)) = (stage.target() == database, stands, row) else {
                continue;
            };
            let found = self.with_inputs(&applied, |inputs| {
                let Some((group, start)) = inputs.key_in(&row.record.data) else {
                    return Ok(Vec::new());
                };
                inputs.blocks(&group, start, &stands.spans)
            })?;
            return Ok(found.unwrap_or_default());
        }
        Ok(Vec::new())
    }

    fn aggregating(&self) -> Result<Vec<Applied>> {
        let connection = self.connection();
        let mut stages = Vec::new();
        for (project, number) in aggregating_stages(connection)? {
            let history = StageHistory::read(connection, &project, number)?;
            let stage = history
                .revision()
                .and_then(|row| Stage::as_applied(row.number, &row.slug, &row.source_text, &row.meaning));
            stages.extend(stage.map(|stage| Applied {
                project,
                stage,
                history,
            }));
        }
        Ok(stages)
    }

    /// Calls `look` with what finds the readings of a stage's windows.
    fn with_inputs<T>(
        &self,
        applied: &Applied,
        look: impl FnOnce(&WindowInputs<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let reader = ReadConnection::alone(self)?;
        let bounds = Bounds::new(&StopSignal::default(), None);
        let secrets = &self.environment().secrets;
        let context =
            Context::new(&applied.project, applied.stage.number(), secrets).limits(self.options().limits);
        let inputs = WindowInputs::new(&applied.stage, context, &reader, &bounds)?;
        inputs.map(|inputs| look(&inputs)).transpose()
    }

    fn readings_of(
        &self,
        applied: &Applied,
        window: RecordNumber,
        most: usize,
    ) -> Result<Option<WindowReadings>> {
        let (connection, stage) = (self.connection(), &applied.stage);
        let row = Table::from_name(stage.target())?.by_number(connection, window)?;
        let stands = standing(connection, &applied.project, stage.number(), window)?;
        let (Some(row), Some(stands)) = (row, stands) else {
            return Ok(None);
        };
        let found = self.with_inputs(applied, |inputs| {
            let Some((group, start)) = inputs.key_in(&row.record.data) else {
                return Ok(None);
            };
            let (mut count, mut readings) = (0, Vec::new());
            let digest = inputs.digest(&group, start, &stands.spans, |reading| {
                count += 1;
                if readings.len() < most {
                    let (run, from) = newest_write(connection, stage.source(), reading.record.number)?;
                    readings.push(WindowReading {
                        record: reading.record.number,
                        id: Some(reading.record.id.clone()),
                        run,
                        from,
                    });
                }
                Ok(())
            })?;
            let StandingWindow { inputs, input, .. } = &stands;
            Ok(Some(WindowReadings {
                window,
                stage: stage.number(),
                source: stage.source().to_owned(),
                inputs: *inputs,
                as_made: count == *inputs && digest == *input,
                readings,
            }))
        })?;
        Ok(found.flatten())
    }

    fn window_with(&self, applied: &Applied, record: RecordNumber) -> Result<Option<InWindow>> {
        let (connection, stage) = (self.connection(), &applied.stage);
        let Some(reading) = Table::from_name(stage.source())?.by_number(connection, record)? else {
            return Ok(None);
        };
        let id = self
            .with_inputs(applied, |inputs| Ok(inputs.window_of(&reading)))?
            .flatten();
        let frontier = applied.history.frontier(connection)?;
        let waits = crate::ledger::readings::is_written_after(connection, stage.source(), record, frontier)?;
        let window = match &id {
            Some(id) => Table::from_name(stage.target())?.number_of(connection, id)?,
            None => None,
        };
        Ok(Some(InWindow {
            record,
            stage: stage.number(),
            database: stage.target().to_owned(),
            id,
            window,
            waits,
        }))
    }
}

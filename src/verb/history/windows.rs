//! Windows and their readings, in both directions: which readings a window was made of, and which window a reading is in.

use rusqlite::Connection;
use serde::Serialize;

use crate::context::Context;
use crate::digest::{Hash, digest_of_blocks};
use crate::engine::{Bounds, ReadConnection, WindowInputs};
use crate::error::Result;
use crate::ledger::StageHistory;
use crate::ledger::processed::first_id;
use crate::ledger::readings::{is_written_after, newest_write};
use crate::ledger::windows::{StandingWindow, aggregating_stages, standing};
use crate::observe::StopSignal;
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;
use crate::store::{Salted, Store, Table};

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

/// What a window was made of.
pub(crate) struct MadeOf {
    /// The batch whose entry says it.
    pub(crate) batch: BatchId,
    /// The commitments of the readings that are in it now, block by block; `None` if the stage no longer makes windows with such
    /// an id, so that nobody knows which they are.
    pub(crate) blocks: Option<Vec<Vec<Hash>>>,
}

impl Store {
    /// Returns the readings of those of the records that are windows: of each, at most so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn window_readings(&self, records: &[RecordNumber], most: usize) -> Result<Vec<WindowReadings>> {
        let (reader, mut found) = (ReadConnection::alone(self)?, Vec::new());
        for applied in reader.read(aggregating)? {
            let (stage, project) = (&applied.stage, &applied.project);
            let windows = reader.read(|connection| {
                let (target, mut windows) = (Table::from_name(stage.target())?, Vec::new());
                for record in records {
                    if target.by_number(connection, *record)?.is_some() {
                        windows.extend(standing(connection, project, stage.number(), *record)?);
                    }
                }
                Ok(windows)
            })?;
            // To know a stage's readings costs a look at all that it has refused: once, and only if it has to be.
            if !windows.is_empty() {
                self.with_inputs(&applied, &reader, |inputs| {
                    for window in &windows {
                        found.extend(readings_of(inputs, &applied, (&reader, window), most)?);
                    }
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    /// Returns the windows that readings of a database are in, by every stage that makes windows of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn in_windows(&self, database: &str, records: &[RecordNumber]) -> Result<Vec<InWindow>> {
        let (reader, mut found) = (ReadConnection::alone(self)?, Vec::new());
        for applied in reader.read(aggregating)? {
            if applied.stage.source() != database {
                continue;
            }
            let readings = reader.read(|connection| {
                let (source, mut readings) = (Table::from_name(database)?, Vec::new());
                for record in records {
                    readings.extend(source.by_number(connection, *record)?);
                }
                Ok(readings)
            })?;
            if !readings.is_empty() {
                self.with_inputs(&applied, &reader, |inputs| {
                    for reading in &readings {
                        let id = inputs.window_of(reading);
                        found.push(reader.read(|connection| window_with(connection, &applied, reading, id))?);
                    }
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    /// Returns what a window was made of; `None` for a record that is not a window. Whatever has become of its row since, the
    /// ledger says which window it is.
    pub(crate) fn commitments_of(
        &self,
        reader: &ReadConnection,
        database: &str,
        window: RecordNumber,
    ) -> Result<Option<MadeOf>> {
        for applied in reader.read(aggregating)? {
            let (project, stage) = (&applied.project, &applied.stage);
            if stage.target() != database {
                continue;
            }
            let stands = reader.read(|connection| standing(connection, project, stage.number(), window))?;
            let Some(stands) = stands else { continue };
            if stands.input.is_none() {
                let (batch, blocks) = (stands.batch, Some(Vec::new()));
                return Ok(Some(MadeOf { batch, blocks }));
            }
            let blocks = self.with_inputs(&applied, reader, |inputs| {
                let mut first = None;
                for (group, start) in keys_of(reader, stage, window)? {
                    let blocks = inputs.blocks(&group, start, &stands.spans)?;
                    if digest_of_blocks(&blocks) == stands.input {
                        return Ok(Some(blocks));
                    }
                    first.get_or_insert(blocks);
                }
                Ok(first)
            })?;
            let (batch, blocks) = (stands.batch, blocks.flatten());
            return Ok(Some(MadeOf { batch, blocks }));
        }
        Ok(None)
    }

    /// Calls `look` with what finds the readings of a stage's windows.
    fn with_inputs<T>(
        &self,
        applied: &Applied,
        reader: &ReadConnection,
        look: impl FnOnce(&WindowInputs<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let bounds = Bounds::new(&StopSignal::default(), None);
        let secrets = &self.environment().secrets;
        let context =
            Context::new(&applied.project, applied.stage.number(), secrets).limits(self.options().limits);
        let inputs = WindowInputs::new(&applied.stage, context, reader, &bounds)?;
        inputs.map(|inputs| look(&inputs)).transpose()
    }
}

/// Returns the stages that aggregate, as they were applied.
fn aggregating(connection: &Connection) -> Result<Vec<Applied>> {
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

/// Returns which window a number is, by its group and its beginning: the one that it began as, or else, as somebody may have
/// given its row the id of another one that the stage then took for it, the one whose id its row has.
fn keys_of(reader: &ReadConnection, stage: &Stage, window: RecordNumber) -> Result<Vec<(String, i64)>> {
    let ids = reader.read(|connection| {
        let row = Table::from_name(stage.target())?.by_number(connection, window)?;
        Ok([first_id(connection, window)?, row.map(|row| row.record.id)])
    })?;
    let named = |id: String| stage.aggregate()?.window_named(&id);
    let mut keys: Vec<_> = ids.into_iter().flatten().filter_map(named).collect();
    keys.dedup();
    Ok(keys)
}

/// Returns the readings of a window.
fn readings_of(
    inputs: &WindowInputs<'_>,
    applied: &Applied,
    (reader, stands): (&ReadConnection, &StandingWindow),
    most: usize,
) -> Result<Option<WindowReadings>> {
    let (stage, mut first) = (&applied.stage, None);
    for (group, start) in keys_of(reader, stage, stands.record)? {
        let (mut count, mut shown) = (0, Vec::new());
        let digest = inputs.digest(&group, start, &stands.spans, |reading| {
            count += 1;
            if shown.len() < most {
                shown.push((reading.record.number, reading.record.id.clone()));
            }
            Ok(())
        })?;
        let as_made = count == stands.inputs && digest == stands.input;
        if as_made || first.is_none() {
            first = Some((as_made, shown));
        }
        if as_made {
            break;
        }
    }
    let Some((as_made, shown)) = first else {
        return Ok(None);
    };
    let readings = reader.read(|connection| with_writes(connection, stage.source(), shown))?;
    Ok(Some(WindowReadings {
        window: stands.record,
        stage: stage.number(),
        source: stage.source().to_owned(),
        inputs: stands.inputs,
        as_made,
        readings,
    }))
}

/// Adds to readings what wrote them last.
fn with_writes(
    connection: &Connection,
    source: &str,
    readings: Vec<(RecordNumber, String)>,
) -> Result<Vec<WindowReading>> {
    let with_write = |(record, id): (RecordNumber, String)| {
        let (run, from) = newest_write(connection, source, record)?;
        Ok(WindowReading {
            record,
            id: Some(id),
            run,
            from,
        })
    };
    readings.into_iter().map(with_write).collect()
}

/// Returns where a reading is. `id`: of the window, if the stage counts the reading.
fn window_with(
    connection: &Connection,
    applied: &Applied,
    reading: &Salted,
    id: Option<String>,
) -> Result<InWindow> {
    let (stage, record) = (&applied.stage, reading.record.number);
    let frontier = applied.history.frontier(connection)?;
    let waits = is_written_after(connection, stage.source(), record, frontier)?;
    let window = match &id {
        Some(id) => Table::from_name(stage.target())?.number_of(connection, id)?,
        None => None,
    };
    Ok(InWindow {
        record,
        stage: stage.number(),
        database: stage.target().to_owned(),
        id,
        window,
        waits,
    })
}

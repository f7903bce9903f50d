//! The batches of a stage that aggregates. A pass first reads the source, in blocks on every core, and writes entries of the
//! readings that it refuses; then it makes the windows, and writes them in the order of their beginnings. A pass that was
//! interrupted reads the source again, and goes on writing where it was.

mod bytes;
mod course;
mod dirty;
mod emit;
mod finding;
mod finished;
mod gathered;
mod inputs;
mod judge;
mod keys;
mod late;
mod made;
mod making;
mod outs;
mod reading;
mod readings;
mod resumed;
mod runs;
mod scan;
mod sorted;
mod spans;
mod standing;
mod table;
mod walk;
mod whole;
mod window;
mod work;

use rusqlite::Connection;

use self::course::{Course, after};
use self::emit::Placer;
pub(crate) use self::inputs::{Waiting, WindowInputs};
use self::made::{Ready, make};
use self::outs::held;
use self::reading::{Read, Reading};
pub(crate) use self::readings::ReadingFate;
use self::resumed::Resumed;
pub(crate) use self::sorted::{Sorted, Sorting};
use self::work::Work;
use super::bounds::Bounds;
use super::each::Beginning;
use super::pass::Pass;
use super::pipeline::{BATCH_BYTES, Producer};
use super::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::aggregated::WindowChanges;
use crate::ledger::read::{LedgerTable, largest, pass};
use crate::ledger::{Batch, BatchKind, PassState, TableChange};
use crate::record::{PassId, RecordNumber};
use crate::stage::Aggregate;
use crate::store::Table;

/// Makes the batches of a pass of a stage that aggregates.
pub(crate) struct AggregateProducer<'a> {
    course: Course<'a>,
    /// Maximum number of records in a batch.
    batch_size: usize,
    /// Changes of the target's table by the first batch.
    shape: Vec<TableChange>,
    /// Whether only this pass writes to the target.
    alone: bool,
    /// Newest record number given out.
    newest: RecordNumber,
    bytes: u64,
    was_stopped: bool,
    phase: Phase<'a>,
}

/// What a pass does next.
enum Phase<'a> {
    Begin,
    Read(Box<Reading<'a>>),
    Write(Box<Work>),
    /// All is written.
    End,
}

impl<'a> AggregateProducer<'a> {
    /// Reads the state in which the pass finds its databases.
    pub(crate) fn begin(
        connection: &Connection,
        begun: &Pass,
        aggregate: &'a Aggregate,
        beginning: Beginning<'a>,
    ) -> Result<Self> {
        let newest = match beginning.foreseen.newest {
            Some(newest) => newest,
            None => largest(connection, LedgerTable::Record)?,
        };
        let earlier = if begun.begins() {
            None
        } else {
            pass(connection, begun.row.pass)?
        };
        let Beginning {
            stage,
            context,
            selection,
            prepared,
            batch_size,
            ..
        } = beginning;
        let target = Table::from_name(stage.target())?;
        let course = Course {
            stage,
            aggregate,
            context,
            source: Table::from_name(stage.source())?,
            selection,
            // That of a plan comes after all that stand.
            pass: if begun.row.pass == PassId::BEFORE_FIRST {
                PassId::MAX
            } else {
                begun.row.pass
            },
            after: after(begun.row.kind, begun.row.after_batch),
            resumed: Resumed::read(connection, earlier.as_ref(), aggregate, &target)?,
            target,
            bounds: Bounds::default(),
        };
        Ok(Self {
            course,
            batch_size: batch_size.max(1),
            shape: prepared.shape,
            alone: prepared.alone,
            newest,
            bytes: 0,
            was_stopped: false,
            // Once the index exists, only the end is missing.
            phase: match earlier {
                Some(earlier) if earlier.state == PassState::Indexed => Phase::End,
                _ => Phase::Begin,
            },
        })
    }

    /// Returns the newest record number that was given out.
    pub(crate) fn newest(&self) -> RecordNumber {
        self.newest
    }

    /// Returns the number of bytes of the records that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn stopped(&mut self) -> Option<Batch> {
        self.was_stopped = true;
        None
    }

    /// Reads on, and makes the windows once all is read.
    fn read(&mut self, reader: &ReadConnection, mut reading: Box<Reading<'a>>) -> Result<Option<Batch>> {
        match reading.go_on(&self.course, reader, self.batch_size)? {
            Read::Stopped => return Ok(self.stopped()),
            Read::Batch(batch) => {
                self.phase = Phase::Read(reading);
                return Ok(Some(*batch));
            }
            Read::Done => {}
        }
        self.bytes += reading.scan.bytes;
        let Some(Ready { mut work, note }) = make(&self.course, reader, *reading)? else {
            return Ok(self.stopped());
        };
        let batch = match note {
            Some((body, warnings)) => {
                let mut batch = Batch::new(BatchKind::Note);
                (batch.body, batch.warnings) = (Some(body), warnings);
                Some(batch)
            }
            None => self.write(reader, &mut work)?,
        };
        self.phase = Phase::Write(Box::new(work));
        Ok(batch)
    }

    /// Makes the batch of the next windows.
    fn write(&mut self, reader: &ReadConnection, work: &mut Work) -> Result<Option<Batch>> {
        let mut batch = Batch::new(BatchKind::Data);
        let mut changes = WindowChanges::default();
        let mut last = None;
        while batch.entries.len() < self.batch_size && batch.bytes() < BATCH_BYTES {
            let windows = work.next((self.batch_size - batch.entries.len()).min(100))?;
            if windows.is_empty() {
                break;
            }
            reader.read(|connection| {
                let mut placer = Placer {
                    project: self.course.context.project,
                    stage: self.course.stage,
                    target: &self.course.target,
                    connection,
                    alone: self.alone,
                    refused: &work.refused,
                    anew: self.course.is_revised(),
                    newest: &mut self.newest,
                    batch: &mut batch,
                    changes,
                };
                for (key, all) in windows {
                    last = placer.place(all)?.map(|number| (key, number));
                }
                changes = placer.changes;
                Ok(())
            })?;
        }
        while batch.entries.len() < self.batch_size
            && let Some((reading, commitment)) = work.next_held()
        {
            batch.add(held(reading, commitment));
        }
        if batch.entries.is_empty() && changes.is_none() {
            return Ok((!self.shape.is_empty()).then_some(batch));
        }
        if let Some((key, number)) = last {
            work.cursor = Some(Resumed::after_window(&key, number));
        }
        batch.cursor.clone_from(&work.cursor);
        if !changes.is_none() {
            batch.remark("windows", serde_json::json!(changes));
        }
        Ok(Some(batch))
    }
}

impl Producer for AggregateProducer<'_> {
    fn bound(&mut self, bounds: &Bounds) {
        self.course.bounds = bounds.clone();
    }

    fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        let batch = match std::mem::replace(&mut self.phase, Phase::End) {
            Phase::End => None,
            Phase::Begin => match Reading::begin(&self.course, reader)? {
                Some(reading) => self.read(reader, Box::new(reading))?,
                None => self.stopped(),
            },
            Phase::Read(reading) => self.read(reader, reading)?,
            Phase::Write(mut work) => {
                let batch = self.write(reader, &mut work)?;
                self.phase = Phase::Write(work);
                batch
            }
        };
        Ok(batch.map(|mut batch| {
            batch.shape = std::mem::take(&mut self.shape);
            batch
        }))
    }
}

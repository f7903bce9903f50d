//! The batches of a stage that aggregates. A pass first reads the source, in blocks on every core, and writes entries of the
//! readings that it refuses; then it makes the windows, and writes them in the order of their beginnings. A pass that was
//! interrupted reads the source again, and goes on writing where it was.

mod bytes;
mod dirty;
mod emit;
mod finished;
mod gathered;
mod inputs;
mod judge;
mod keys;
mod making;
mod outs;
mod readings;
mod resumed;
mod scan;
mod sorted;
mod spans;
mod standing;
mod walk;
mod whole;
mod window;
mod work;

use std::collections::{BTreeMap, VecDeque};

use rusqlite::Connection;

use self::dirty::{Dirty, Finding, Found};
use self::emit::Placer;
use self::finished::FinishedWindows;
use self::gathered::{Gathered, Gathering};
pub(crate) use self::inputs::{Waiting, WindowInputs};
pub(crate) use self::readings::ReadingFate;
pub(crate) use self::sorted::{Sorted, Sorting};
use self::judge::{Before, Judge, Tally};
use self::keys::WindowKey;
use self::making::Making;
use self::outs::Outs;
use self::resumed::Resumed;
use self::scan::{Ranges, Scan, Step};
use self::standing::{GroupRows, RefusedWindows};
use self::walk::{Walk, again, make_alone};
use self::whole::{Hold, Summary, make_all};
use self::work::Work;
use super::bounds::Bounds;
use super::each::Beginning;
use super::pass::Pass;
use super::pipeline::{BATCH_BYTES, Producer};
use super::reader::ReadConnection;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::aggregated::newest_note;
use crate::ledger::read::{LedgerTable, largest, pass};
use crate::ledger::selection::{RecordSelection, Touched};
use crate::ledger::windows::{left_readings, not_counted, standing_of_all};
use crate::ledger::{Batch, BatchKind, PassKind, TableChange};
use crate::record::{BatchId, PassId, RecordNumber, RecordSet};
use crate::stage::{Aggregate, Stage};
use crate::store::Table;

/// Makes the batches of a pass of a stage that aggregates.
pub(crate) struct AggregateProducer<'a> {
    stage: &'a Stage,
    aggregate: &'a Aggregate,
    /// The facts of the pass, without a record.
    context: Context<'a>,
    source: Table,
    target: Table,
    selection: RecordSelection,
    pass: PassId,
    /// The batch after which the records were written that an increment reads.
    after: BatchId,
    /// Maximum number of records in a batch.
    batch_size: usize,
    /// Changes of the target's table by the first batch.
    shape: Vec<TableChange>,
    alone: bool,
    /// Newest record number given out.
    newest: RecordNumber,
    resumed: Resumed,
    bytes: u64,
    /// What stops the pass.
    bounds: Bounds,
    was_stopped: bool,
    phase: Phase<'a>,
}

/// What a pass does next.
enum Phase<'a> {
    Begin,
    Read(Box<Reading<'a>>),
    Write(Box<Work>),
}

/// The source while it is read.
struct Reading<'a> {
    before: Before,
    refused: RefusedWindows,
    /// The windows that are made again; `None` for all.
    dirty: Option<Dirty>,
    scan: Scan<'a>,
    /// Readings that entries have to be written of.
    outs: Outs,
    is_done: bool,
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
        Ok(Self {
            stage,
            aggregate,
            context,
            source: Table::from_name(stage.source())?,
            target: Table::from_name(stage.target())?,
            selection,
            // That of a plan comes after all that stand.
            pass: if begun.row.pass == PassId::BEFORE_FIRST {
                PassId::MAX
            } else {
                begun.row.pass
            },
            after: after(begun.row.kind, begun.row.after_batch),
            batch_size: batch_size.max(1),
            shape: prepared.shape,
            alone: prepared.alone,
            newest,
            resumed: Resumed::read(connection, earlier.as_ref())?,
            bytes: 0,
            bounds: Bounds::default(),
            was_stopped: false,
            phase: Phase::Begin,
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

    fn of(&self) -> (&'a str, u32) {
        (self.context.project, self.stage.number())
    }

    fn judge<'j>(&'j self, before: &'j Before, dirty: Option<&'j Dirty>) -> Judge<'j> {
        Judge {
            stage: self.stage,
            aggregate: self.aggregate,
            context: self.context,
            dirty,
            before,
            measures: true,
        }
    }

    /// Begins to read; `None` if the pass has to stop.
    fn begin_reading(&self, reader: &ReadConnection) -> Result<Option<Reading<'a>>> {
        let of = self.of();
        let is_first = matches!(self.selection, RecordSelection::Table { .. });
        let (mut before, refused, held) = reader.read(|connection| {
            let mut before = Before::default();
            let mut refused = RefusedWindows::default();
            if !is_first {
                before.out = not_counted(connection, of.0, of.1)?;
                before.left = left_readings(connection, of.0, of.1)?;
                refused = RefusedWindows::read(connection, self.aggregate, of)?;
            }
            let note = newest_note(connection, of.0, of.1, self.pass)?.filter(|_| !is_first);
            Ok((before, refused, note.map_or(Vec::new(), |note| note.aggregate.waiting)))
        })?;
        let touched = self.touched();
        before.all = is_first;
        before.anew = touched.revised;
        before.judges_late = !touched.whole && !is_first && !self.resumed.is_writing();
        if !before.judges_late && !is_first && !touched.whole {
            // What came late and was written since is counted, unless this pass has left it out.
            let own = &self.resumed.left;
            before.left = before.left.iter().filter(|left| own.contains(*left) || !touched.records.contains(*left)).collect();
        }
        before.touched = touched.records.clone();
        let found = if is_first || touched.whole {
            Found::All
        } else {
            let judge = self.judge(&before, None);
            let finding = Finding {
                judge: &judge,
                reader,
                source: &self.source,
                target: &self.target,
                bounds: &self.bounds,
                after: self.after,
                refused: &refused,
                even_most: false,
            };
            finding.find(&touched, held)?
        };
        let (dirty, ranges) = match found {
            Found::Stopped => return Ok(None),
            Found::All => (None, Ranges::all()),
            Found::Windows(dirty, ranges) => (Some(dirty), Ranges::new(ranges)),
        };
        let memory = usize::try_from(self.aggregate.memory() / 2).unwrap_or(usize::MAX);
        Ok(Some(Reading {
            before,
            refused,
            dirty,
            scan: Scan::new(ranges, Gathering::within(self.aggregate, memory)),
            outs: Outs::default(),
            is_done: false,
        }))
    }

    /// Returns what was written since.
    fn touched(&self) -> Touched {
        match &self.selection {
            RecordSelection::Touched(touched) => touched.clone(),
            list => {
                let records: RecordSet = list.listed().iter().copied().collect();
                Touched {
                    changed: records.clone(),
                    records,
                    ..Touched::default()
                }
            }
        }
    }

    /// Reads on; a batch if entries have to be written, `None` once all is read or the pass has to stop.
    fn read_on(&mut self, reader: &ReadConnection, reading: &mut Reading<'a>) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = reading.outs.next_batch(self.batch_size, BATCH_BYTES) {
                return Ok(Some(batch));
            }
            if reading.is_done {
                return Ok(None);
            }
            let judge = Judge {
                stage: self.stage,
                aggregate: self.aggregate,
                context: self.context,
                dirty: reading.dirty.as_ref(),
                before: &reading.before,
                measures: true,
            };
            match reading.scan.step(&judge, reader, &self.source, &self.bounds)? {
                Step::More(outs) => {
                    for out in outs {
                        if !self.resumed.has_written(out.source.record.number) {
                            reading.outs.add(out)?;
                        }
                    }
                }
                Step::Done => {
                    reading.is_done = true;
                    self.add_deleted(reader, reading)?;
                }
                Step::Stopped => {
                    self.was_stopped = true;
                    return Ok(None);
                }
            }
        }
    }

    /// Adds the readings that were not counted, and are no longer there.
    fn add_deleted(&self, reader: &ReadConnection, reading: &mut Reading<'a>) -> Result<()> {
        if self.resumed.is_writing() || self.resumed.has_added_deleted {
            return Ok(());
        }
        let before = &reading.before;
        let windows = &reading.refused;
        let gone: Vec<RecordNumber> = (before.out.iter())
            .filter(|number| before.touched.contains(*number) && !windows.has(*number))
            .collect();
        for portion in gone.chunks(1_000) {
            let there = reader.read(|connection| {
                let mut there = Vec::with_capacity(portion.len());
                for number in portion {
                    there.push(self.source.by_number(connection, *number)?.is_some());
                }
                Ok(there)
            })?;
            let gone = portion.iter().zip(there).filter(|(_, is_there)| !is_there);
            gone.for_each(|(number, _)| reading.outs.add_deleted(*number));
        }
        Ok(())
    }

    /// Makes the windows, and the note of the pass unless it has one; `None` if the pass has to stop.
    fn make(&mut self, reader: &ReadConnection, reading: Reading<'a>) -> Result<Option<(Work, Option<Batch>)>> {
        let Reading { refused, dirty, scan, .. } = reading;
        let (tally, gathering) = (scan.tally, scan.gathering);
        self.bytes += scan.bytes;
        let of = self.of();
        let is_whole = dirty.is_none();
        let note = reader.read(|connection| newest_note(connection, of.0, of.1, self.pass))?;
        let note = note.filter(|_| !matches!(self.selection, RecordSelection::Table { .. }));
        let earlier = note.and_then(|note| note.aggregate.newest);
        let earlier = earlier.and_then(|newest| crate::aggregate::Windows::from_utc(&newest));
        let newest = tally.newest.max(earlier.unwrap_or(i64::MIN));
        let memory = usize::try_from(self.aggregate.memory() / 2).unwrap_or(usize::MAX);
        let finished = FinishedWindows::within(memory);
        let mut making = Making::new(self.stage, self.aggregate, self.context, finished, newest);
        let hold = Hold {
            until: self.aggregate.hold().and_then(|hold| newest.checked_sub(hold)),
        };
        let gathered = gathering.gathered()?;
        let summary = match dirty {
            None => {
                if !matches!(self.selection, RecordSelection::Table { .. }) {
                    self.add_standing(reader, &mut making, &refused)?;
                }
                make_all(&mut making, gathered, hold, &self.bounds)?
            }
            Some(dirty) => self.make_again(reader, &mut making, gathered, dirty, &refused, hold)?,
        };
        let Some(summary) = summary else { return Ok(None) };
        let note = self.resumed.note(&tally, &making, summary, is_whole, self.stage)?;
        let batch = note.map(|(body, warnings)| {
            let mut batch = Batch::new(BatchKind::Note);
            batch.body = Some(body);
            batch.warnings = warnings;
            batch.shape = std::mem::take(&mut self.shape);
            batch
        });
        let work = Work::new(making.finished.sorted()?, refused, self.resumed.reached());
        Ok(Some((work, batch)))
    }

    /// Says which windows stand, where all are made again.
    fn add_standing(
        &self,
        reader: &ReadConnection,
        making: &mut Making<'_>,
        refused: &RefusedWindows,
    ) -> Result<()> {
        let (of, mut own) = (self.of(), RecordSet::new());
        reader.read(|connection| {
            standing_of_all(connection, of.0, of.1, |window| {
                if window.after.is_some() {
                    own.insert(window.record);
                }
                Ok(())
            })
        })?;
        let mut after = RecordNumber::BEFORE_FIRST;
        loop {
            let rows = reader.read(|connection| self.target.after(connection, after, 5_000, BATCH_BYTES))?;
            let Some(last) = rows.last() else { break };
            after = last.record.number;
            for row in rows.into_iter().filter(|row| own.contains(row.record.number)) {
                let record = row.record;
                let window = self.aggregate.window_in(&record.data).filter(|window| {
                    record.id == self.aggregate.window_id(&window.group, window.measured.start)
                });
                match window {
                    Some(window) => making.stands(&window.group, window.measured.start, record.number)?,
                    // Another revision of the stage made it, of other groups; or a person has changed it.
                    None => making.gone(&WindowKey::of_number(record.number), record.number)?,
                }
            }
        }
        for (key, standing) in refused.all() {
            making.stands(&key.group, key.start, standing.number)?;
        }
        Ok(())
    }

    /// Makes the windows of an increment again, and what follows from them.
    fn make_again(
        &self,
        reader: &ReadConnection,
        making: &mut Making<'_>,
        mut gathered: Gathered<'_>,
        dirty: Dirty,
        refused: &RefusedWindows,
        hold: Hold,
    ) -> Result<Option<Summary>> {
        let mut summary = Summary::default();
        let mut next = gathered.next()?;
        for (name, mut group) in dirty.groups() {
            if self.bounds.interrupts().is_some() {
                return Ok(None);
            }
            let mut windows = BTreeMap::new();
            while let Some((key, window)) = next.take_if(|(key, _)| key.group == name) {
                next = gathered.next()?;
                if hold.holds(making, key.start) && group.starts.get(&key.start) == Some(&None) {
                    making.figures.held += 1;
                    summary.hold(&window);
                    group.starts.remove(&key.start);
                    continue;
                }
                summary.add(&key, &window);
                windows.insert(key.start, window);
            }
            let again: VecDeque<_> = again(making, &group, windows);
            match self.aggregate.windows() {
                None => make_alone(making, &name, again)?,
                Some(windows) => {
                    let rows = GroupRows::new((reader, &self.target), self.aggregate, &name, refused);
                    Walk::new(making, windows, &name, &rows).make(again)?;
                }
            }
        }
        making.make()?;
        Ok(Some(summary))
    }

    /// Makes the batch of the next windows.
    fn write(&mut self, reader: &ReadConnection, work: &mut Work) -> Result<Option<Batch>> {
        let mut batch = Batch::new(BatchKind::Data);
        batch.shape = std::mem::take(&mut self.shape);
        let mut changes = crate::ledger::aggregated::WindowChanges::default();
        let mut last = None;
        while batch.entries.len() < self.batch_size && batch.bytes() < BATCH_BYTES {
            let windows = work.next(100)?;
            if windows.is_empty() {
                break;
            }
            reader.read(|connection| {
                let mut placer = Placer {
                    project: self.context.project,
                    stage: self.stage,
                    target: &self.target,
                    connection,
                    alone: self.alone,
                    refused: &work.refused,
                    newest: &mut self.newest,
                    batch: &mut batch,
                    changes,
                };
                for (key, all) in windows {
                    placer.place(all)?;
                    last = Some(key);
                }
                changes = placer.changes;
                Ok(())
            })?;
        }
        let Some(last) = last.filter(|_| !batch.entries.is_empty() || !changes.is_none()) else {
            return Ok((!batch.shape.is_empty()).then_some(batch));
        };
        work.written += batch.entries.len() as u64;
        batch.cursor = Some(Resumed::cursor(self.aggregate, &last, work.written));
        if !changes.is_none() {
            batch.remark("windows", serde_json::json!(changes));
        }
        Ok(Some(batch))
    }
}

/// Returns the batch after which the records were written that a pass reads. A retry reads them as they are, whatever they
/// were.
fn after(kind: PassKind, after: Option<BatchId>) -> BatchId {
    match kind {
        PassKind::Apply => after.unwrap_or(BatchId::BEFORE_FIRST),
        _ => BatchId::MAX,
    }
}

impl Producer for AggregateProducer<'_> {
    fn bound(&mut self, bounds: &Bounds) {
        self.bounds = bounds.clone();
    }

    fn was_stopped(&self) -> bool {
        self.was_stopped
    }

    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        if matches!(self.phase, Phase::Begin) {
            match self.begin_reading(reader)? {
                Some(reading) => self.phase = Phase::Read(Box::new(reading)),
                None => {
                    self.was_stopped = true;
                    return Ok(None);
                }
            }
        }
        match std::mem::replace(&mut self.phase, Phase::Begin) {
            Phase::Begin => Err(Error::Damaged {
                what: "an aggregate has not begun".to_owned(),
            }),
            Phase::Read(mut reading) => {
                if let Some(mut batch) = self.read_on(reader, &mut reading)? {
                    batch.shape = std::mem::take(&mut self.shape);
                    self.phase = Phase::Read(reading);
                    return Ok(Some(batch));
                }
                if self.was_stopped {
                    return Ok(None);
                }
                let Some((mut work, note)) = self.make(reader, *reading)? else {
                    self.was_stopped = true;
                    return Ok(None);
                };
                let batch = match note {
                    Some(note) => Some(note),
                    None => self.write(reader, &mut work)?,
                };
                self.phase = Phase::Write(Box::new(work));
                Ok(batch)
            }
            Phase::Write(mut work) => {
                let batch = self.write(reader, &mut work)?;
                self.phase = Phase::Write(work);
                Ok(batch)
            }
        }
    }
}

impl Tally {
    /// Returns the numbers of readings for the note of a pass.
    fn counts(&self) -> crate::ledger::aggregated::ReadingCounts {
        crate::ledger::aggregated::ReadingCounts {
            read: self.read,
            counted: self.counted,
            filtered: self.filtered,
            refused: self.refused,
        }
    }
}

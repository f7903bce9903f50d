//! The reading part of a pass: what the stage has to read, and the entries of what it does not count.

use super::course::Course;
use super::dirty::Dirty;
use super::finding::{Finding, Found};
use super::gathered::Gathering;
use super::judge::{Before, Judge};
use super::outs::Outs;
use super::scan::{Ranges, Scan, Step};
use super::standing::RefusedWindows;
use crate::engine::pipeline::BATCH_BYTES;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::Batch;
use crate::ledger::aggregated::newest_note;
use crate::ledger::windows::{left_readings, not_counted};
use crate::record::RecordNumber;

/// The source while it is read.
pub(super) struct Reading<'a> {
    before: Before,
    pub(super) refused: RefusedWindows,
    /// The windows that are made again; `None` for all.
    pub(super) dirty: Option<Dirty>,
    pub(super) scan: Scan<'a>,
    /// Readings that entries have to be written of.
    outs: Outs,
    is_done: bool,
}

/// What reading on has come to.
pub(super) enum Read {
    /// Entries have to be written.
    Batch(Box<Batch>),
    /// All is read.
    Done,
    /// The pass has to stop.
    Stopped,
}

impl<'a> Reading<'a> {
    /// Begins to read; `None` if the pass has to stop.
    pub(super) fn begin(course: &Course<'a>, reader: &ReadConnection) -> Result<Option<Self>> {
        let of = course.of();
        let is_first = course.is_first();
        let (mut before, refused, held) = reader.read(|connection| {
            let mut before = Before::default();
            let mut refused = RefusedWindows::default();
            if !is_first {
                before.out = not_counted(connection, of.0, of.1)?;
                before.left = left_readings(connection, of.0, of.1)?;
                refused = RefusedWindows::read(connection, course.aggregate, of)?;
            }
            let note = newest_note(connection, of.0, of.1, course.pass)?.filter(|_| !is_first);
            Ok((
                before,
                refused,
                note.map_or(Vec::new(), |note| note.aggregate.waiting),
            ))
        })?;
        let touched = course.touched();
        before.all = is_first;
        before.anew = touched.revised;
        before.judges_late = !touched.whole && !is_first && !course.resumed.is_writing();
        if !before.judges_late && !is_first && !touched.whole {
            // What came late and was written since is counted, unless this pass has left it out.
            let own = &course.resumed.left;
            before.left = before
                .left
                .iter()
                .filter(|left| own.contains(*left) || !touched.records.contains(*left))
                .collect();
        }
        before.touched = touched.records.clone();
        let found = if is_first || touched.whole {
            Found::All
        } else {
            let judge = judge(course, &before, None);
            let finding = Finding {
                judge: &judge,
                reader,
                source: &course.source,
                target: &course.target,
                bounds: &course.bounds,
                after: course.after,
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
        Ok(Some(Reading {
            before,
            refused,
            dirty,
            scan: Scan::new(ranges, Gathering::within(course.aggregate, course.memory())),
            outs: Outs::default(),
            is_done: false,
        }))
    }

    /// Reads on.
    pub(super) fn go_on(
        &mut self,
        course: &Course<'a>,
        reader: &ReadConnection,
        batch_size: usize,
    ) -> Result<Read> {
        loop {
            if let Some(batch) = self.outs.next_batch(batch_size, BATCH_BYTES, !self.is_done) {
                return Ok(Read::Batch(Box::new(batch)));
            }
            if self.is_done {
                return Ok(Read::Done);
            }
            let judge = judge(course, &self.before, self.dirty.as_ref());
            match self.scan.step(&judge, reader, &course.source, &course.bounds)? {
                Step::More(outs) => {
                    for out in outs {
                        if !course.resumed.has_written(out.source.record.number) {
                            self.outs.add(out)?;
                        }
                    }
                }
                Step::Done => {
                    self.is_done = true;
                    self.add_deleted(course, reader)?;
                }
                Step::Stopped => return Ok(Read::Stopped),
            }
        }
    }

    /// Adds the readings that were not counted, and are no longer there.
    fn add_deleted(&mut self, course: &Course<'a>, reader: &ReadConnection) -> Result<()> {
        if course.resumed.is_writing() || course.resumed.has_added_deleted {
            return Ok(());
        }
        let (before, windows) = (&self.before, &self.refused);
        let gone: Vec<RecordNumber> = (before.out.iter())
            .filter(|number| before.touched.contains(*number) && !windows.has(*number))
            .collect();
        for portion in gone.chunks(1_000) {
            let there = reader.read(|connection| {
                let mut there = Vec::with_capacity(portion.len());
                for number in portion {
                    there.push(course.source.by_number(connection, *number)?.is_some());
                }
                Ok(there)
            })?;
            let gone = portion.iter().zip(there).filter(|(_, is_there)| !is_there);
            gone.for_each(|(number, _)| self.outs.add_deleted(*number));
        }
        Ok(())
    }
}

/// Returns how readings are judged.
fn judge<'j>(course: &'j Course<'_>, before: &'j Before, dirty: Option<&'j Dirty>) -> Judge<'j> {
    Judge {
        stage: course.stage,
        aggregate: course.aggregate,
        context: course.context,
        dirty,
        before,
        measures: true,
    }
}

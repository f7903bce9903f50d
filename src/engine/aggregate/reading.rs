//! The reading part of a pass: what the stage has to read, and the entries of what it does not count.

use std::collections::HashMap;

use super::course::Course;
use super::dirty::Dirty;
use super::finding::{Finding, Found};
use super::gathered::Gathering;
use super::judge::{Before, Judge};
use super::keys::WindowKey;
use super::late::Lateness;
use super::outs::Outs;
use super::scan::{Ranges, Scan, Step};
use super::standing::RefusedWindows;
use crate::aggregate::Windows;
use crate::engine::pipeline::BATCH_BYTES;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::Batch;
use crate::ledger::aggregated::{AggregateNote, newest_note};
use crate::ledger::processed::first_id;
use crate::ledger::selection::{RecordSelection, Touched};
use crate::ledger::windows::{deleted_by_hand, left_readings, not_counted, waived_readings};
use crate::record::{RecordNumber, RecordSet};
use crate::stage::Late;

/// The source while it is read.
pub(super) struct Reading<'a> {
    pub(super) before: Before,
    pub(super) refused: RefusedWindows,
    /// The windows that are made again; `None` for all.
    pub(super) dirty: Option<Dirty>,
    pub(super) scan: Scan<'a>,
    /// Readings that entries have to be written of.
    outs: Outs,
    is_done: bool,
    /// The windows that are made again because their place is free.
    pub(super) again: RecordSet,
    /// The numbers of windows that have no row, because a person has deleted it.
    pub(super) lost: HashMap<WindowKey, RecordNumber>,
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
        let is_first = course.is_first();
        let touched = course.touched();
        let (mut before, refused, note) = before(course, reader, &touched)?;
        let (held, noted) = note.map_or_else(Default::default, |note| {
            (note.aggregate.waiting, note.aggregate.newest)
        });
        let is_list = !matches!(course.selection, RecordSelection::Touched(_));
        let freed = touched
            .freed
            .iter()
            .filter(|number| !is_list || refused.has(*number));
        let again = course.resumed.again().unwrap_or_else(|| freed.collect());
        let lost = if is_first {
            HashMap::new()
        } else {
            lost(course, reader, &again)?
        };
        let Some(late) = late(course, reader, &before, &refused, &touched)? else {
            return Ok(None);
        };
        before.late = late;
        let found = if is_first || touched.whole {
            Found::All
        } else {
            let judge = judge(course, &before, None);
            let noted = noted.filter(|_| course.aggregate.hold().is_some());
            let finding = Finding {
                judge: &judge,
                reader,
                source: &course.source,
                target: &course.target,
                bounds: &course.bounds,
                after: course.after,
                refused: &refused,
                even_most: false,
                newest: noted.as_deref().and_then(Windows::from_utc),
                lost: &lost,
            };
            finding.find(&touched, &again, held)?
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
            again,
            lost,
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

/// Returns what the stage had done before the pass, what stands refused, and the note of the pass before.
fn before(
    course: &Course<'_>,
    reader: &ReadConnection,
    touched: &Touched,
) -> Result<(Before, RefusedWindows, Option<AggregateNote>)> {
    let (of, is_first) = (course.of(), course.is_first());
    reader.read(|connection| {
        let mut before = Before {
            touched: touched.records.clone(),
            all: is_first,
            anew: touched.revised,
            ..Before::default()
        };
        let mut refused = RefusedWindows::default();
        before.waived = waived_readings(connection, of.0, of.1, &course.source)?;
        if !is_first {
            let not_counted = not_counted(connection, of.0, of.1)?;
            (before.out, before.refused) = (not_counted.all, not_counted.refused);
            refused = RefusedWindows::read(connection, course.aggregate, of)?;
        }
        if !is_first && course.aggregate.late() != Late::Reopen {
            before.left = left_readings(connection, of.0, of.1)?;
        }
        let note = newest_note(connection, of.0, of.1, course.pass)?.filter(|_| !is_first);
        Ok((before, refused, note))
    })
}

/// Returns the numbers of windows without a row, by their keys: those that a person has deleted, and those that are made again.
fn lost(
    course: &Course<'_>,
    reader: &ReadConnection,
    again: &RecordSet,
) -> Result<HashMap<WindowKey, RecordNumber>> {
    let of = course.of();
    reader.read(|connection| {
        let mut lost = HashMap::new();
        let deleted = deleted_by_hand(connection, of.0, of.1, &course.target)?;
        for number in deleted.into_iter().chain(again.iter()) {
            let id = first_id(connection, number)?;
            let key = id.and_then(|id| course.aggregate.window_named(&id));
            if let Some((group, start)) = key {
                lost.insert(WindowKey::new(&group, start), number);
            }
        }
        Ok(lost)
    })
}

/// Returns the readings that are left out because they come late: those that did before, as they are, and those that have come
/// since and are in windows that are closed. What was counted once stays counted. `None` if the pass has to stop.
fn late(
    course: &Course<'_>,
    reader: &ReadConnection,
    before: &Before,
    refused: &RefusedWindows,
    touched: &Touched,
) -> Result<Option<RecordSet>> {
    let is_own = |left: &RecordNumber| course.resumed.is_writing() && course.resumed.left.contains(*left);
    let stays = |left: &RecordNumber| is_own(left) || !before.touched.contains(*left);
    let mut late: RecordSet = before.left.iter().filter(stays).collect();
    let closes = course.aggregate.closed_after();
    let Some(closed_after) = closes.filter(|_| !course.is_first() && !course.resumed.is_writing()) else {
        return Ok(Some(late));
    };
    if course.aggregate.late() == Late::Reopen {
        return Ok(Some(late));
    }
    let is_new = |record: &RecordNumber| touched.arrived.contains(*record) || before.out.contains(*record);
    let arrived: RecordSet = touched.records.iter().filter(is_new).collect();
    let judge = judge(course, before, None);
    let lateness = Lateness {
        judge: &judge,
        reader,
        source: &course.source,
        target: &course.target,
        bounds: &course.bounds,
        refused,
        closed_after,
    };
    Ok(lateness.among(&arrived)?.map(|found| {
        late.extend(found.iter());
        late
    }))
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

//! Finding the windows that an increment makes again: those that a written reading is in now, or was in when the stage read it.

use std::collections::HashSet;

use super::dirty::Dirty;
use super::judge::Judge;
use super::keys::WindowKey;
use super::scan::{Ranges, windows_of};
use super::standing::RefusedWindows;
use crate::engine::bounds::Bounds;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::readings::versions_since;
use crate::ledger::selection::Touched;
use crate::ledger::windows::{StandingWindow, standing};
use crate::record::{BatchId, Record, RecordNumber, RecordSet};
use crate::stage::Aggregate;
use crate::store::{Salted, Table};

/// Bytes of memory for a window that is made again.
const WINDOW_BYTES: u64 = 400;

/// If more than one in so many records was written, all windows are made again.
const MOST: u64 = 5;

/// What finding them needs.
pub(super) struct Finding<'f> {
    pub(super) judge: &'f Judge<'f>,
    pub(super) reader: &'f ReadConnection,
    pub(super) source: &'f Table,
    pub(super) target: &'f Table,
    pub(super) bounds: &'f Bounds,
    /// The batch after which the records were written.
    pub(super) after: BatchId,
    pub(super) refused: &'f RefusedWindows,
    /// Whether to find them however many there are.
    pub(super) even_most: bool,
}

/// What an increment has to make again.
pub(super) enum Found {
    /// These windows, whose readings are in these ranges.
    Windows(Dirty, Vec<(i64, i64)>),
    /// All: so many that it is cheaper to make all windows again, or what was there before is lost.
    All,
    /// The pass has to stop.
    Stopped,
}

impl Finding<'_> {
    /// Finds the windows.
    pub(super) fn find(&self, touched: &Touched, held: Vec<(i64, i64)>) -> Result<Found> {
        if !self.even_most && self.is_most(touched)? {
            return Ok(Found::All);
        }
        let (judge, aggregate) = (self.judge, self.judge.aggregate);
        let most = usize::try_from(aggregate.memory() / 4 / WINDOW_BYTES).unwrap_or(usize::MAX);
        let mut ranges = ranges_of(&touched.records);
        ranges.extend(held);
        let ranges = joined(ranges);
        let place = (self.reader, self.source);
        let now = windows_of(judge, Ranges::new(ranges.clone()), place, self.bounds, most)?;
        let Some(mut keys) = now else {
            return Ok(if self.bounds.interrupts().is_some() {
                Found::Stopped
            } else {
                Found::All
            });
        };
        if !self.add_earlier(&touched.changed, &mut keys)? || keys.len() > most {
            return Ok(Found::All);
        }
        keys.extend(self.refused.keys_of(&touched.records));
        self.dirty(keys, ranges)
    }

    /// Returns whether so much was written that it is cheaper to make all windows again. Whether a reading came late is known
    /// only from what stands.
    fn is_most(&self, touched: &Touched) -> Result<bool> {
        if self.judge.aggregate.closed_after().is_some() {
            return Ok(false);
        }
        let all = self.reader.read(|connection| self.source.count(connection))?;
        Ok(touched.records.len().saturating_mul(MOST) > all)
    }

    /// Adds the windows that records were in before they were changed. Returns `false` if what they were is lost.
    fn add_earlier(&self, changed: &RecordSet, keys: &mut HashSet<WindowKey>) -> Result<bool> {
        let numbers: Vec<RecordNumber> = changed.iter().collect();
        for portion in numbers.chunks(1_000) {
            let mut earlier: Vec<Salted> = Vec::new();
            let are_known = self.reader.read(|connection| {
                for number in portion {
                    let versions = versions_since(connection, self.source.name(), *number, self.after)?;
                    if !versions.are_complete {
                        return Ok(false);
                    }
                    earlier.extend(versions.texts.into_iter().map(|data| Salted {
                        record: Record {
                            number: *number,
                            id: String::new(),
                            data,
                        },
                        salt: None,
                    }));
                }
                Ok(true)
            })?;
            if !are_known {
                return Ok(false);
            }
            keys.extend(earlier.iter().filter_map(|row| self.judge.key(row.into())));
        }
        Ok(true)
    }

    /// Looks up the windows, and the ranges of their readings.
    fn dirty(&self, keys: HashSet<WindowKey>, mut ranges: Vec<(i64, i64)>) -> Result<Found> {
        let aggregate = self.judge.aggregate;
        let mut dirty = Dirty::default();
        let mut keys: Vec<WindowKey> = keys.into_iter().collect();
        keys.sort_unstable();
        for portion in keys.chunks(1_000) {
            self.reader.read(|connection| {
                for key in portion {
                    let id = aggregate.window_id(&key.group, key.start);
                    let number = match self.refused.number_of(key) {
                        Some(number) => Some(number),
                        None => self.target.number_of(connection, &id)?,
                    };
                    let of = (self.judge.context.project, self.judge.stage.number());
                    let known: Option<StandingWindow> = match number {
                        Some(number) => standing(connection, of.0, of.1, number)?,
                        None => None,
                    };
                    let refused = number.and_then(|number| self.refused.readings_of(number));
                    let spans = known.iter().chain(refused).flat_map(|known| &known.spans);
                    ranges.extend(spans.map(|(first, last)| (first.get(), last.get())));
                    let is_own = known.is_some() || self.refused.number_of(key).is_some();
                    dirty.add(key, number.filter(|_| is_own));
                }
                Ok(())
            })?;
        }
        if aggregate.closed_after().is_some() {
            for (group, of_group) in &mut dirty.groups {
                let newest = self
                    .reader
                    .read(|connection| newest(connection, self.target, aggregate, group))?;
                (of_group.newest, of_group.closed_after) = (newest, aggregate.closed_after());
            }
        }
        Ok(Found::Windows(dirty, joined(ranges)))
    }
}

/// Returns the beginning of the newest window of a group.
fn newest(
    connection: &rusqlite::Connection,
    target: &Table,
    aggregate: &Aggregate,
    group: &str,
) -> Result<Option<i64>> {
    let prefix = aggregate.group_prefix(group);
    let last = target.ids_before(connection, &prefix, None, 1)?;
    let row = last.first().and_then(|record| aggregate.window_in(&record.data));
    Ok(row.map(|row| row.measured.start))
}

/// Returns the ranges of consecutive numbers.
fn ranges_of(records: &RecordSet) -> Vec<(i64, i64)> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for record in records.iter().map(RecordNumber::get) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == record => *last = record,
            _ => ranges.push((record, record)),
        }
    }
    ranges
}

/// Returns ranges in order, those that touch as one.
fn joined(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined
}

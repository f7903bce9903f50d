//! Finding the windows that an increment makes again: those that a written reading is in now, or was in when the stage read it.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::dirty::Dirty;
use super::judge::Judge;
use super::keys::WindowKey;
use super::scan::{Ranges, windows_of};
use super::standing::RefusedWindows;
use crate::engine::bounds::Bounds;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::processed::first_id;
use crate::ledger::readings::versions_since;
use crate::ledger::selection::Touched;
use crate::ledger::windows::{StandingWindow, standing};
use crate::record::{BatchId, Record, RecordNumber, RecordSet};
use crate::store::{Salted, Table};

/// Bytes of memory for a window that is made again.
const WINDOW_BYTES: u64 = 400;

/// If at least one in so many records was written, all windows are made again.
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
    /// Time of the newest reading at the last pass, if windows are held back by it.
    pub(super) newest: Option<i64>,
    /// The numbers of windows that have no row.
    pub(super) lost: &'f HashMap<WindowKey, RecordNumber>,
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
    /// Finds the windows. `again`: windows that are made again in any case. `held`: ranges of readings of windows that were held back.
    pub(super) fn find(&self, touched: &Touched, again: &RecordSet, held: Vec<(i64, i64)>) -> Result<Found> {
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
        self.add_again(again, &mut keys)?;
        self.dirty(keys, ranges)
    }

    /// Returns whether so much was written that it is cheaper to make all windows again.
    fn is_most(&self, touched: &Touched) -> Result<bool> {
        let many = touched.records.len().saturating_mul(MOST);
        let has_more = |connection: &Connection| self.source.has_more_than(connection, many);
        Ok(!self.reader.read(has_more)?)
    }

    /// Adds windows by their numbers: as they stand refused, or as this pass has written them before it was interrupted.
    fn add_again(&self, again: &RecordSet, keys: &mut HashSet<WindowKey>) -> Result<()> {
        for number in again.iter() {
            if let Some(key) = self.refused.key_of(number) {
                keys.insert(key.clone());
                continue;
            }
            let id = self.reader.read(|connection| first_id(connection, number))?;
            let key = id.and_then(|id| self.judge.aggregate.window_named(&id));
            keys.extend(key.map(|(group, start)| WindowKey::new(&group, start)));
        }
        Ok(())
    }

    /// Adds the windows that records were in before they were changed. Returns `false` if what they were is lost, or if the
    /// newest reading was one of them: another one is the newest now.
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
            for row in &earlier {
                let Ok(Some(reading)) = self.judge.reading(row.into()) else {
                    continue;
                };
                if self.newest.is_some_and(|newest| reading.time >= newest) {
                    return Ok(false);
                }
                keys.insert(WindowKey::new(&reading.group, reading.window));
            }
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
                    let mut number = self.refused.number_of(key);
                    if number.is_none() {
                        number = self.target.number_of(connection, &id)?;
                    }
                    let number = number.or_else(|| self.lost.get(key).copied());
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
        Ok(Found::Windows(dirty, joined(ranges)))
    }
}

/// Returns the ranges of consecutive numbers.
pub(super) fn ranges_of(records: &RecordSet) -> Vec<(i64, i64)> {
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
pub(super) fn joined(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
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

//! Which readings come too late: their windows were closed when they came. Decided once, before anything is read, from what
//! stands, so that neither memory nor the number of windows that are made again plays a part.

use std::collections::HashMap;

use super::finding::{joined, ranges_of};
use super::judge::Judge;
use super::scan::{Ranges, slice};
use super::standing::{GroupRows, RefusedWindows, next_with_readings};
use crate::engine::bounds::Bounds;
use crate::engine::cores::in_portions;
use crate::engine::reader::ReadConnection;
use crate::error::Result;
use crate::ledger::windows::standing;
use crate::record::{RecordNumber, RecordSet};
use crate::stage::Reading;
use crate::store::{PackedRows, RowRef, Table};

/// Number of groups that are looked up together.
const TOGETHER: usize = 1_000;
/// Number of groups whose newest readings are kept.
const KEPT: usize = 100_000;
/// Number of rows that a core takes at a time.
const PORTION: usize = 1_000;

/// What finding them needs.
pub(super) struct Lateness<'l> {
    pub(super) judge: &'l Judge<'l>,
    pub(super) reader: &'l ReadConnection,
    pub(super) source: &'l Table,
    pub(super) target: &'l Table,
    pub(super) bounds: &'l Bounds,
    pub(super) refused: &'l RefusedWindows,
    /// How long after its end a window is closed, in microseconds.
    pub(super) closed_after: i64,
}

/// The time of the newest reading of each group that was counted before and stands as it was; `None` without any.
type Newest = HashMap<String, Option<i64>>;

impl Lateness<'_> {
    /// Returns those of some readings that come too late; `None` if the pass has to stop.
    pub(super) fn among(&self, arrived: &RecordSet) -> Result<Option<RecordSet>> {
        let (mut late, mut newest) = (RecordSet::new(), Newest::new());
        let (mut ranges, mut rows) = (Ranges::new(ranges_of(arrived)), PackedRows::default());
        loop {
            if self.bounds.interrupts().is_some() {
                return Ok(None);
            }
            ranges.read((self.reader, self.source), slice(), &mut rows)?;
            if rows.is_empty() {
                return Ok(Some(late));
            }
            let views: Vec<RowRef<'_>> = rows.views(0..rows.len()).collect();
            let read = in_portions(&views, PORTION, |views| {
                let read = views.iter().filter_map(|row| {
                    let reading = self.reading(*row)?;
                    Some((row.number, reading.group, reading.window))
                });
                read.collect::<Vec<_>>()
            })?;
            let read: Vec<(RecordNumber, String, i64)> = read.into_iter().flatten().collect();
            if newest.len() > KEPT {
                newest.clear();
            }
            let mut unknown: Vec<&str> = read.iter().map(|(_, group, _)| group.as_str()).collect();
            unknown.sort_unstable();
            unknown.dedup();
            unknown.retain(|group| !newest.contains_key(*group));
            for groups in unknown.chunks(TOGETHER) {
                newest.extend(self.newest(groups)?);
            }
            let closed = read.iter().filter(|(_, group, window)| {
                let newest = newest.get(group).copied().flatten();
                newest.is_some_and(|newest| self.is_closed(*window, newest))
            });
            late.extend(closed.map(|(number, ..)| *number));
        }
    }

    fn reading<'r>(&self, row: RowRef<'r>) -> Option<Reading<'r>> {
        self.judge.reading(row).ok().flatten()
    }

    /// Returns whether a window is closed by a reading of its group.
    fn is_closed(&self, window: i64, newest: i64) -> bool {
        let windows = self.judge.aggregate.windows();
        let end = windows.and_then(|windows| windows.end_of(window));
        end.and_then(|end| end.checked_add(self.closed_after))
            .is_some_and(|closes| closes <= newest)
    }

    /// Finds the newest reading of each of these groups: in its newest window that has one which was not written since.
    fn newest(&self, groups: &[&str]) -> Result<Newest> {
        let mut found: Newest = groups.iter().map(|group| ((*group).to_owned(), None)).collect();
        // Each group that is looked for, with the window before which to look.
        let mut open: HashMap<&str, Option<i64>> = groups.iter().map(|group| (*group, None)).collect();
        while !open.is_empty() {
            let ranges = self.step_back(&mut open)?;
            let (mut ranges, mut rows) = (Ranges::new(joined(ranges)), PackedRows::default());
            loop {
                ranges.read((self.reader, self.source), slice(), &mut rows)?;
                if rows.is_empty() {
                    break;
                }
                let views: Vec<RowRef<'_>> = rows.views(0..rows.len()).collect();
                let times = in_portions(&views, PORTION, |views| {
                    let times = views.iter().filter_map(|row| self.counted(*row, &open));
                    times.collect::<Vec<_>>()
                })?;
                for (group, time) in times.into_iter().flatten() {
                    let newest = found.entry(group).or_default();
                    *newest = (*newest).max(Some(time));
                }
            }
            open.retain(|group, _| found.get(*group).is_some_and(Option::is_none));
        }
        Ok(found)
    }

    /// Goes one window back in each group, and returns the ranges of their readings; a group without any is dropped.
    fn step_back(&self, open: &mut HashMap<&str, Option<i64>>) -> Result<Vec<(i64, i64)>> {
        let of = (self.judge.context.project, self.judge.stage.number());
        let (mut ranges, mut ended) = (Vec::new(), Vec::new());
        for (group, before) in open.iter_mut() {
            let place = (self.reader, self.target);
            let rows = GroupRows::new(place, self.judge.aggregate, group, self.refused);
            let Some(window) = next_with_readings(&mut rows.before(*before))? else {
                ended.push(*group);
                continue;
            };
            *before = Some(window.measured.start);
            let spans = match self.refused.readings_of(window.number) {
                Some(readings) => Some(readings.spans.clone()),
                None => self
                    .reader
                    .read(|connection| standing(connection, of.0, of.1, window.number))?
                    .map(|window| window.spans),
            };
            let spans = spans.unwrap_or_default();
            ranges.extend(spans.iter().map(|(first, last)| (first.get(), last.get())));
        }
        open.retain(|group, _| !ended.contains(group));
        Ok(ranges)
    }

    /// Returns the group and the time of a reading that was counted before in one of these windows, and not written since.
    fn counted(&self, row: RowRef<'_>, open: &HashMap<&str, Option<i64>>) -> Option<(String, i64)> {
        let before = self.judge.before;
        if before.touched.contains(row.number) || before.out.contains(row.number) {
            return None;
        }
        let reading = self.reading(row)?;
        let window = open.get(reading.group.as_str())?;
        (*window == Some(reading.window)).then_some((reading.group, reading.time))
    }
}

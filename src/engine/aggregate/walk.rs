//! An increment in one group: the windows that are made again, and those that follow from them.

use std::collections::{BTreeMap, VecDeque};

use super::dirty::DirtyGroup;
use super::finished::{Parent, Readings};
use super::keys::WindowKey;
use super::making::{Making, Pending, alone};
use super::standing::{GroupRows, Standing, next_with_readings};
use super::whole::{measured, pending};
use super::window::Window;
use crate::aggregate::{LookBack, Measured, Series, Shown, Windows};
use crate::error::Result;
use crate::record::RecordNumber;
use crate::refusal::Refusal;
use crate::stage::Aggregate;

/// Number of windows up to which it is cheaper to go on to the next one that is made again than to begin anew there.
const NEAR: u64 = 64;

/// A window with its results, and why it is refused if it has too many values.
pub(super) type MeasuredWindow = (Measured, Option<Refusal>, Window);

/// A window that is made again.
pub(super) struct Again {
    start: i64,
    /// As it is measured now; `None` without readings.
    now: Option<MeasuredWindow>,
    number: Option<RecordNumber>,
}

/// Returns the windows of a group that are made again, in order.
pub(super) fn again(group: &DirtyGroup, mut windows: BTreeMap<i64, MeasuredWindow>) -> VecDeque<Again> {
    let again = group.starts.iter().map(|(start, number)| Again {
        start: *start,
        now: windows.remove(start),
        number: *number,
    });
    again.collect()
}

/// Measures a window, and keeps nothing else of its values.
pub(super) fn measured_alone(aggregate: &Aggregate, start: i64, mut window: Window) -> MeasuredWindow {
    let (measured, too_many) = measured(aggregate, start, &window);
    window.partials = Vec::new();
    (measured, too_many, window)
}

/// Makes the windows of a group without windows in time again.
pub(super) fn make_alone(making: &mut Making<'_>, name: &str, again: VecDeque<Again>) -> Result<()> {
    for window in again {
        let key = WindowKey::new(name, window.start);
        match (window.now, window.number) {
            (Some((measured, too_many, of)), number) => {
                let mut made = pending(&key, alone(measured), too_many, &of);
                made.number(number);
                making.add(made)?;
            }
            (None, Some(number)) => making.gone(&key, number)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// An increment in one group.
pub(super) struct Walk<'w, 'm, 'g> {
    pub(super) making: &'w mut Making<'m>,
    pub(super) windows: &'w Windows,
    pub(super) name: &'w str,
    pub(super) rows: &'w GroupRows<'g>,
    /// Those that are made again and were passed, as far as they have readings.
    passed: BTreeMap<i64, Option<Measured>>,
    /// What stands in the part that is being walked, and has not come out yet.
    olds: BTreeMap<i64, Standing>,
    /// The numbers of windows that are made again and have no row.
    numbers: BTreeMap<i64, RecordNumber>,
}

impl<'w, 'm, 'g> Walk<'w, 'm, 'g> {
    pub(super) fn new(
        making: &'w mut Making<'m>,
        windows: &'w Windows,
        name: &'w str,
        rows: &'w GroupRows<'g>,
    ) -> Self {
        Self {
            making,
            windows,
            name,
            rows,
            passed: BTreeMap::new(),
            olds: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// Makes the windows again, and those that follow from them.
    pub(super) fn make(mut self, mut again: VecDeque<Again>) -> Result<()> {
        while let Some(first) = again.front().map(|again| again.start) {
            self.part(first, &mut again)?;
        }
        Ok(())
    }

    /// Walks from a window that is made again, until nothing further follows from it.
    fn part(&mut self, first: i64, again: &mut VecDeque<Again>) -> Result<()> {
        let rules = self.making.aggregate.series();
        let context = self.context(first)?;
        let mut last = context.first().map(|measured| measured.start);
        let mut series = Series::new(rules, self.windows);
        for measured in context.into_iter().rev() {
            series.push(measured, &mut |_| {});
        }
        let rows = self.rows;
        let mut forward = rows.after(last);
        loop {
            let next = again.front().map(|again| again.start);
            let row = forward.peek()?;
            let Some(here) = [next, row].into_iter().flatten().min() else {
                break;
            };
            if row == Some(here)
                && let Some(old) = forward.next()?
            {
                if next != Some(here) && old.measured.rows > 0 {
                    let measured = old.measured.clone();
                    let number = old.number;
                    self.olds.insert(here, old);
                    self.push(&mut series, &mut last, measured, Parent::Record(number), None)?;
                    if series.is_settled() && next.is_none_or(|next| self.windows.between(here, next) > NEAR)
                    {
                        return Ok(());
                    }
                    continue;
                }
                self.olds.insert(here, old);
            }
            if next == Some(here)
                && let Some(window) = again.pop_front()
            {
                series.changes();
                self.passed
                    .insert(here, window.now.as_ref().map(|(measured, ..)| measured.clone()));
                if row != Some(here) {
                    self.numbers.extend(window.number.map(|number| (here, number)));
                }
                match (window.now, window.number) {
                    (Some((measured, too_many, of)), _) => {
                        let parent = Parent::Salt(of.salt);
                        self.push(&mut series, &mut last, measured, parent, Some(&(too_many, of)))?;
                    }
                    // A person has changed it so much that its row no longer resembles a window.
                    (None, Some(number)) if row != Some(here) => {
                        self.making.gone(&WindowKey::new(self.name, here), number)?;
                    }
                    (None, _) => {}
                }
            }
        }
        self.drop_before(i64::MAX)
    }

    /// Returns the windows with readings that have to be fed before one, the newest first.
    fn context(&self, first: i64) -> Result<Vec<Measured>> {
        let rules = self.making.aggregate.series();
        let mut back = LookBack::new(rules, self.windows, first);
        let (mut context, mut rows) = (Vec::new(), self.rows.before(Some(first)));
        let mut passed = self.passed.range(..first).rev().peekable();
        loop {
            let row = next_with_readings(&mut rows)?;
            // What was made again here takes the place of what stands.
            let (start, measured) = match (passed.peek(), row) {
                (Some((start, _)), row) if row.as_ref().is_none_or(|row| row.measured.start <= **start) => {
                    let (start, now) = (**start, passed.next().and_then(|(_, now)| now.clone()));
                    if let Some(row) = row.filter(|row| row.measured.start != start) {
                        rows.put_back(row);
                    }
                    match now {
                        Some(measured) => (start, measured),
                        None => continue,
                    }
                }
                (_, Some(row)) => (row.measured.start, row.measured),
                (_, None) => return Ok(context),
            };
            debug_assert_eq!(start, measured.start);
            let is_enough = back.is_enough(&measured);
            context.push(measured);
            if is_enough {
                return Ok(context);
            }
        }
    }

    /// Feeds a window with readings, and takes what comes out. `of`: what was gathered of it, if it is made again.
    fn push(
        &mut self,
        series: &mut Series<'_>,
        last: &mut Option<i64>,
        measured: Measured,
        parent: Parent,
        of: Option<&(Option<Refusal>, Window)>,
    ) -> Result<()> {
        let start = measured.start;
        *last = Some(start);
        let mut shown = Vec::new();
        let begins_anew = series.push(measured, &mut |window| shown.push(window));
        self.making.figures.gaps += u64::from(begins_anew && of.is_some());
        for shown in shown {
            self.drop_before(shown.start)?;
            let old = self.olds.remove(&shown.start);
            let made = self.pending(shown, start, parent, of, old);
            self.making.add(made)?;
        }
        Ok(())
    }

    fn pending(
        &self,
        shown: Shown,
        start: i64,
        parent: Parent,
        of: Option<&(Option<Refusal>, Window)>,
        old: Option<Standing>,
    ) -> Pending {
        let key = WindowKey::new(self.name, shown.start);
        let mut made = match of {
            Some((too_many, window)) if shown.start == start => {
                pending(&key, shown, too_many.clone(), window)
            }
            _ => {
                let is_own = shown.start == start;
                let mut made = Pending::empty(self.name, shown, parent);
                if is_own {
                    made.readings = Readings::AsBefore;
                    made.too_many = old.as_ref().and_then(|old| old.too_many.clone());
                }
                made
            }
        };
        let number = self.numbers.get(&made.key.start).copied();
        made.number(number);
        if let Some(old) = old {
            made.old = Some(old.into());
        }
        made
    }

    /// What stands before an instant and has not come out is no longer to be.
    fn drop_before(&mut self, start: i64) -> Result<()> {
        while let Some(entry) = self.olds.first_entry().filter(|old| *old.key() < start) {
            let (start, old) = entry.remove_entry();
            self.making.gone(&WindowKey::new(self.name, start), old.number)?;
        }
        Ok(())
    }
}

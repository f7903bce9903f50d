//! All windows of a pass that makes all, group by group.

use sha2::{Digest as _, Sha256};

use super::finished::Parent;
use super::gathered::Gathered;
use super::keys::WindowKey;
use super::making::{Making, Pending, alone, own};
use super::spans::Spans;
use super::window::Window;
use crate::aggregate::{Measured, Series};
use crate::digest::Hash;
use crate::engine::bounds::Bounds;
use crate::error::Result;
use crate::record::RecordNumber;
use crate::refusal::Refusal;
use crate::stage::Aggregate;

/// Number of windows between two looks at what stops the pass.
const STEP: u64 = 1_000;

/// What was gathered, as far as the windows do not say it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Digest over the windows and their readings.
    pub(super) digest: Sha256,
    /// Readings of windows that are held back.
    pub(super) held: Spans,
    /// Number of them.
    pub(super) held_readings: u64,
    /// Those of them that were not counted before, each with its commitment.
    pub(super) not_counted: Vec<(RecordNumber, Hash)>,
}

/// Which windows are held back: those that end later than this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) until: Option<i64>,
}

impl Hold {
    /// Returns whether a window is held back.
    pub(super) fn holds(self, making: &Making<'_>, start: i64) -> bool {
        let end = making
            .aggregate
            .windows()
            .and_then(|windows| windows.end_of(start));
        self.until.zip(end).is_some_and(|(until, end)| end > until)
    }
}

impl Summary {
    /// Adds a window.
    pub(super) fn add(&mut self, key: &WindowKey, window: &Window) {
        self.digest.update(WindowKey::by_group(&key.group, key.start));
        self.digest.update(window.input());
    }

    /// Adds a window that is held back.
    pub(super) fn hold(&mut self, window: &Window) {
        self.held_readings += window.rows;
        self.not_counted.extend(&window.counted);
        let mut ranges = self.held.ranges().to_vec();
        ranges.extend(window.spans.ranges());
        ranges.sort_unstable();
        let mut held = Spans::default();
        let mut reached = i64::MIN;
        for (first, last) in ranges {
            if last > reached {
                held.merge(&Spans::from_ranges(vec![(
                    first.max(reached.saturating_add(1)),
                    last,
                )]));
                reached = last;
            }
        }
        self.held = held;
    }
}

/// Makes all windows; `None` if the pass has to stop.
pub(super) fn make_all(
    making: &mut Making<'_>,
    mut gathered: Gathered<'_>,
    hold: Hold,
    bounds: &Bounds,
) -> Result<Option<Summary>> {
    let (aggregate, mut summary) = (making.aggregate, Summary::default());
    let mut group: Option<GroupSeries<'_>> = None;
    let mut count = 0;
    while let Some((key, window)) = gathered.next()? {
        count += 1;
        if count % STEP == 0 && bounds.interrupts().is_some() {
            return Ok(None);
        }
        if hold.holds(making, key.start) {
            making.figures.held += 1;
            summary.hold(&window);
            continue;
        }
        summary.add(&key, &window);
        let (measured, too_many) = measured(aggregate, key.start, &window);
        let Some(windows) = aggregate.windows() else {
            making.add(pending(&key, alone(measured), too_many, &window))?;
            continue;
        };
        if group.as_ref().is_none_or(|group| *group.name != *key.group) {
            group = Some(GroupSeries {
                name: key.group.clone(),
                series: Series::new(aggregate.series(), windows),
            });
        }
        let Some(group) = &mut group else { continue };
        let mut shown = Vec::new();
        let begins_anew = group.series.push(measured, &mut |window| shown.push(window));
        making.figures.gaps += u64::from(begins_anew);
        for shown in shown {
            if shown.start == key.start {
                making.add(pending(&key, shown, too_many.clone(), &window))?;
            } else {
                making.add(Pending::empty(&key.group, shown, Parent::Salt(window.salt)))?;
            }
        }
    }
    making.make()?;
    Ok(Some(summary))
}

/// The windows of one group so far.
struct GroupSeries<'s> {
    name: Box<str>,
    series: Series<'s>,
}

/// Measures a window; with why it is refused, if it has too many values.
pub(super) fn measured(aggregate: &Aggregate, start: i64, window: &Window) -> (Measured, Option<Refusal>) {
    let (measured, too_many) = aggregate.measured(start, window.rows, &window.partials);
    (measured, too_many.map(|_| aggregate.too_many(&window.partials)))
}

/// A window with readings that is to be made.
pub(super) fn pending(
    key: &WindowKey,
    shown: crate::aggregate::Shown,
    too_many: Option<Refusal>,
    window: &Window,
) -> Pending {
    Pending {
        key: key.clone(),
        shown,
        too_many,
        readings: own(window),
        parent: Parent::Salt(window.salt),
        counted: window.counted.clone(),
        old: None,
    }
}

impl Pending {
    /// A window without readings that is to be made.
    pub(super) fn empty(group: &str, shown: crate::aggregate::Shown, parent: Parent) -> Self {
        Self {
            key: WindowKey::new(group, shown.start),
            shown,
            too_many: None,
            readings: super::finished::Readings::None,
            parent,
            counted: Vec::new(),
            old: None,
        }
    }
}

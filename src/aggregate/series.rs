//! What follows from one window of a group to the next: empty windows, filled fields, rolling measures, anomalies. Looks
//! back only, so that windows come out as they go in.

mod look_back;
mod range;
mod rules;
#[cfg(test)]
mod tests;

use rust_decimal::Decimal;

use range::Range;

use super::exact::Exact;
use super::measure::Take;
use super::windows::Windows;

pub(crate) use look_back::LookBack;
pub(crate) use rules::{Anomaly, Empty, Fill, FillWith, Measured, Over, Rolling, Rule, SeriesRules, Shown};

/// The windows of one group, in order of their beginnings.
#[derive(Debug)]
pub(crate) struct Series<'s> {
    rules: &'s SeriesRules,
    windows: &'s Windows,
    ranges: Vec<Range>,
    /// Of each rolling measure and of each anomaly, the position of what it looks at among the ranges.
    rolling: Vec<usize>,
    anomalies: Vec<Option<usize>>,
    /// Of each fill.
    carried: Vec<Carried>,
    /// Beginning of the latest window.
    last: Option<i64>,
    /// Number of windows so far; the position of the next one.
    shown: u64,
    change: Change,
}

/// What a fill carries on.
#[derive(Clone, Debug, Default)]
struct Carried {
    /// The latest value of the measure itself, and the position of its window.
    value: Option<Box<str>>,
    at: Option<u64>,
    /// Number of windows that it has filled since.
    filled: u64,
}

/// What is known of a change.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Nothing has changed.
    None,
    /// The next window is not what it was.
    Next,
    /// What has changed ends with a window that has been shown; unless it is `open`: then the empty windows after it may
    /// be new too, or gone.
    Until { position: u64, start: i64, open: bool },
}

impl<'s> Series<'s> {
    /// Begins.
    pub(crate) fn new(rules: &'s SeriesRules, windows: &'s Windows) -> Self {
        let mut ranges: Vec<Range> = Vec::new();
        let mut place = |of: usize, over: Over| {
            let found = ranges
                .iter()
                .position(|range| range.of == of && range.over == over);
            found.unwrap_or_else(|| {
                ranges.push(Range::new(of, over));
                ranges.len() - 1
            })
        };
        let rolling: Vec<usize> = rules
            .rolling
            .iter()
            .map(|rule| place(rule.of, rule.over))
            .collect();
        let anomalies = rules.anomalies.iter().map(|anomaly| match anomaly.rule {
            Rule::Z { over, .. } => Some(place(anomaly.of, over)),
            Rule::Outside { .. } => None,
        });
        let anomalies = anomalies.collect();
        for (rule, at) in rules.rolling.iter().zip(&rolling) {
            let extreme = |take: &Take| matches!(take, Take::Min | Take::Max | Take::Range);
            ranges[*at].extremes |= rule.takes.iter().any(extreme);
        }
        Self {
            rules,
            windows,
            ranges,
            rolling,
            anomalies,
            carried: vec![Carried::default(); rules.fills.len()],
            last: None,
            shown: 0,
            change: Change::None,
        }
    }

    /// Takes the next window with readings, and gives the empty windows before it to `show`, and itself. Returns whether
    /// the gap before it is too long for empty windows: it stays open, and the series begins anew.
    pub(crate) fn push(&mut self, measured: Measured, show: &mut dyn FnMut(Shown)) -> bool {
        let is_anew = self.bridge(measured.start, show);
        self.change = match self.change {
            Change::Next => Change::Until {
                position: self.shown,
                start: measured.start,
                open: matches!(self.rules.empty, Empty::Emit { .. }),
            },
            Change::Until { .. } if is_anew => Change::None,
            Change::Until { open: true, .. } => Change::Until {
                position: self.shown.saturating_sub(1),
                start: self.last.unwrap_or(measured.start),
                open: false,
            },
            unchanged => unchanged,
        };
        let Measured { start, rows, values } = measured;
        self.show(start, rows, values, show);
        is_anew
    }

    /// Shows the empty windows before one with readings. Returns whether the series begins anew instead.
    fn bridge(&mut self, start: i64, show: &mut dyn FnMut(Shown)) -> bool {
        let (Empty::Emit { limit }, Some(last)) = (self.rules.empty, self.last) else {
            return false;
        };
        let empties = self.windows.between(last, start);
        if empties > limit {
            self.ranges.iter_mut().for_each(Range::clear);
            self.carried.fill(Carried::default());
            return true;
        }
        let mut at = last;
        for _ in 0..empties {
            let Some(next) = self.windows.end_of(at) else {
                break;
            };
            at = next;
            self.show(at, 0, self.rules.measures.clone(), show);
        }
        false
    }

    fn show(
        &mut self,
        start: i64,
        rows: u64,
        mut values: Vec<Option<Box<str>>>,
        show: &mut dyn FnMut(Shown),
    ) {
        let position = self.shown;
        (self.shown, self.last) = (position + 1, Some(start));
        for range in &mut self.ranges {
            range.take(position, start, values[range.of].as_deref());
        }
        let mut rolling = Vec::new();
        for (rule, at) in self.rules.rolling.iter().zip(&self.rolling) {
            let range = &self.ranges[*at];
            rolling.extend(rule.takes.iter().map(|take| range.result(take, rule)));
        }
        let anomalies = self.rules.anomalies.iter().zip(&self.anomalies);
        let anomalies = anomalies.map(|(anomaly, at)| match &anomaly.rule {
            Rule::Z {
                min_periods,
                k,
                min_deviation,
                ..
            } => {
                let range = at.map(|at| &self.ranges[at]);
                let range = range.filter(|range| range.count() >= *min_periods);
                let distance =
                    range.and_then(|range| range.distance(position, k, min_deviation, anomaly.scored));
                distance.unwrap_or((false, None))
            }
            Rule::Outside { min, max } => {
                let (is_marked, score) = outside(values[anomaly.of].as_deref(), *min, *max);
                (is_marked, score.filter(|_| anomaly.scored))
            }
        });
        let anomalies = anomalies.collect();
        let filled = self.fill(position, &mut values);
        show(Shown {
            start,
            rows,
            values,
            filled,
            rolling,
            anomalies,
        });
    }

    /// Fills what is null, and returns the positions of what is filled.
    fn fill(&mut self, position: u64, values: &mut [Option<Box<str>>]) -> Vec<usize> {
        let mut filled = Vec::new();
        for (fill, carried) in self.rules.fills.iter().zip(&mut self.carried) {
            let (value, limit) = match &fill.with {
                FillWith::Value(value) => (Some(value), None),
                FillWith::Carry { limit } => (carried.value.as_ref(), *limit),
            };
            match &mut values[fill.of] {
                Some(own) => {
                    if matches!(fill.with, FillWith::Carry { .. }) {
                        *carried = Carried {
                            value: Some(own.clone()),
                            at: Some(position),
                            filled: 0,
                        };
                    }
                }
                empty => {
                    if let Some(value) = value.filter(|_| limit.is_none_or(|limit| carried.filled < limit)) {
                        *empty = Some(value.clone());
                        filled.push(fill.of);
                        carried.filled += 1;
                    }
                }
            }
        }
        filled.sort_unstable();
        filled
    }

    /// Learns that the window that is taken next, or one before it that is no longer there, is not what it was.
    pub(crate) fn changes(&mut self) {
        self.change = Change::Next;
    }

    /// Returns whether the windows that follow are the same whatever has changed: an increment need not go on.
    pub(crate) fn is_settled(&self) -> bool {
        let (position, start) = match self.change {
            Change::None => return true,
            Change::Next | Change::Until { open: true, .. } => return false,
            Change::Until {
                position,
                start,
                open: false,
            } => (position, start),
        };
        // The windows after the change so far.
        let since = self.shown - position - 1;
        let next = self.last.map(|last| self.windows.end_of(last).unwrap_or(last));
        let passed = |over: Over| match over {
            Over::Windows(count) => since + 1 >= count,
            Over::Time(length) => next.is_some_and(|next| start <= next.saturating_sub(length)),
        };
        let carries = self.rules.fills.iter().zip(&self.carried);
        let mut carries = carries.map(|(fill, carried)| match fill.with {
            FillWith::Value(_) => true,
            FillWith::Carry { limit } => {
                carried.at.is_some_and(|at| at > position) || limit.is_some_and(|limit| since >= limit)
            }
        });
        self.ranges.iter().all(|range| passed(range.over)) && carries.all(|carry| carry)
    }
}

/// Returns whether a value is outside the bounds, and how far.
fn outside(json: Option<&str>, min: Option<Decimal>, max: Option<Decimal>) -> (bool, Option<Box<str>>) {
    let Some(value) = json.and_then(Exact::read) else {
        return (false, None);
    };
    let (min, max) = (min.map(Exact::from), max.map(Exact::from));
    let distance = match (min, max) {
        (Some(min), _) if value < min => min.minus(&value),
        (_, Some(max)) if value > max => value.minus(&max),
        _ => return (false, Some("0".into())),
    };
    (true, Some(distance.text().into()))
}

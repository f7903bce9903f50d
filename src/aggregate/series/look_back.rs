//! How far back an increment reads.

use super::rules::{Empty, FillWith, Measured, Over, Rule, SeriesRules};
use crate::aggregate::windows::Windows;

/// How far back windows have to be read so that the next ones come out as if all had been read.
#[derive(Debug)]
pub(crate) struct LookBack<'r> {
    rules: &'r SeriesRules,
    windows: &'r Windows,
    /// Beginning of the window that was taken last; at first, of the one that it begins before.
    after: i64,
    /// Beginning of the first window that is shown: an empty one, or the one that it begins before.
    first: Option<i64>,
    /// Number of windows so far, empty ones between them included.
    count: u64,
    /// Of each fill, whether there was a value to carry on.
    has_value: Vec<bool>,
    is_enough: bool,
}

impl<'r> LookBack<'r> {
    /// Begins before a window that begins at an instant.
    pub(crate) fn new(rules: &'r SeriesRules, windows: &'r Windows, before: i64) -> Self {
        Self {
            rules,
            windows,
            after: before,
            first: None,
            count: 0,
            has_value: vec![false; rules.fills.len()],
            is_enough: false,
        }
    }

    /// Takes the next earlier window with readings, and returns whether it, with those after it, is enough.
    pub(crate) fn is_enough(&mut self, earlier: &Measured) -> bool {
        let empties = match self.rules.empty {
            Empty::Emit { limit } => {
                let empties = self.windows.between(earlier.start, self.after);
                // The series began anew after the gap.
                self.is_enough |= empties > limit;
                empties
            }
            Empty::Skip => 0,
        };
        let is_newest = self.first.is_none();
        let first = *self.first.get_or_insert_with(|| {
            let end = self.windows.end_of(earlier.start).filter(|_| empties > 0);
            end.unwrap_or(self.after)
        });
        // The empty windows after the newest one are shown.
        let between = if is_newest { 0 } else { empties };
        self.after = earlier.start;
        self.count = self.count.saturating_add(between).saturating_add(1);
        for (fill, has_value) in self.rules.fills.iter().zip(&mut self.has_value) {
            *has_value |=
                earlier.values[fill.of].is_some() || (between > 0 && self.rules.measures[fill.of].is_some());
        }
        self.is_enough |= self.reaches(first);
        self.is_enough
    }

    fn reaches(&self, first: i64) -> bool {
        let passed = |over: Over| match over {
            Over::Windows(count) => self.count.saturating_add(1) >= count,
            Over::Time(length) => self.after <= first.saturating_sub(length),
        };
        let mut carries = self.rules.fills.iter().zip(&self.has_value);
        self.rules.rolling.iter().all(|rule| passed(rule.over))
            && self.rules.anomalies.iter().all(|anomaly| match anomaly.rule {
                Rule::Z { over, .. } => passed(over),
                Rule::Outside { .. } => true,
            })
            && carries.all(|(fill, has_value)| match fill.with {
                FillWith::Value(_) => true,
                FillWith::Carry { limit } => *has_value || limit.is_some_and(|limit| self.count >= limit),
            })
    }
}

//! The values of one measure over the latest windows: exact sums, in which nothing drifts, least and greatest.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use super::rules::{Over, Rolling};
use crate::aggregate::exact::{Exact, Moments};
use crate::aggregate::measure::{Rounded, Take};

/// Significant digits of a score.
const SCORE: Rounded = Rounded::Digits(6);

/// The values of one measure over the latest windows.
#[derive(Debug)]
pub(super) struct Range {
    /// Position among the measures.
    pub(super) of: usize,
    pub(super) over: Over,
    /// Whether least and greatest are asked for.
    pub(super) extremes: bool,
    /// The values that are not null, from the earliest on.
    values: VecDeque<Entry>,
    moments: Moments,
    /// How many values have so many places.
    with_places: Vec<u64>,
    /// The least value, the least after it, and so on; the same for the greatest.
    least: VecDeque<Extreme>,
    greatest: VecDeque<Extreme>,
}

#[derive(Debug)]
struct Entry {
    position: u64,
    start: i64,
    value: Exact,
    /// Whether it is in a string.
    is_text: bool,
}

#[derive(Debug)]
struct Extreme {
    position: u64,
    value: Exact,
    json: Box<str>,
}

impl Range {
    pub(super) fn new(of: usize, over: Over) -> Self {
        Self {
            of,
            over,
            extremes: false,
            values: VecDeque::new(),
            moments: Moments::default(),
            with_places: Vec::new(),
            least: VecDeque::new(),
            greatest: VecDeque::new(),
        }
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.least.clear();
        self.greatest.clear();
        self.with_places.clear();
        self.moments = Moments::default();
    }

    /// Takes the next window, whose position is one more than that of the window before.
    pub(super) fn take(&mut self, position: u64, start: i64, json: Option<&str>) {
        let has_passed = |entry: &Entry| match self.over {
            Over::Windows(count) => position - entry.position >= count,
            Over::Time(length) => entry.start <= start.saturating_sub(length),
        };
        let passed = self.values.iter().take_while(|entry| has_passed(entry)).count();
        for _ in 0..passed {
            self.drop_first();
        }
        if let (Some(json), Some(value)) = (json, json.and_then(Exact::read)) {
            let is_text = json.starts_with('"');
            let entry = Entry {
                position,
                start,
                value,
                is_text,
            };
            self.add(json, entry);
        }
    }

    fn drop_first(&mut self) {
        let Some(Entry { position, value, .. }) = self.values.pop_front() else {
            return;
        };
        if self.values.is_empty() {
            // So that places of long ago do not stay for ever.
            self.clear();
            return;
        }
        self.moments.remove(&value);
        self.with_places[value.places() as usize] -= 1;
        for extremes in [&mut self.least, &mut self.greatest] {
            if extremes.front().is_some_and(|first| first.position == position) {
                extremes.pop_front();
            }
        }
    }

    fn add(&mut self, json: &str, entry: Entry) {
        let Entry { position, value, .. } = &entry;
        self.moments.add(value);
        let places = value.places() as usize;
        if self.with_places.len() <= places {
            self.with_places.resize(places + 1, 0);
        }
        self.with_places[places] += 1;
        if self.extremes {
            let extreme = || Extreme {
                position: *position,
                value: value.clone(),
                json: json.into(),
            };
            while self.least.back().is_some_and(|last| last.value > *value) {
                self.least.pop_back();
            }
            self.least.push_back(extreme());
            while self.greatest.back().is_some_and(|last| last.value < *value) {
                self.greatest.pop_back();
            }
            self.greatest.push_back(extreme());
        }
        self.values.push_back(entry);
    }

    /// Returns the number of values that are not null.
    pub(super) fn count(&self) -> u64 {
        self.values.len() as u64
    }

    /// Returns a result as JSON text: as a string where the values are strings.
    pub(super) fn result(&self, take: &Take, rule: &Rolling) -> Option<Box<str>> {
        if self.count() < rule.min_periods {
            return None;
        }
        let number = match take {
            Take::Count => return Some(self.count().to_string().into()),
            Take::Min => return Some(self.least.front()?.json.clone()),
            Take::Max => return Some(self.greatest.front()?.json.clone()),
            Take::Range => {
                let (least, greatest) = (self.least.front()?, self.greatest.front()?);
                greatest.value.minus(&least.value).text()
            }
            Take::Sum => self.moments.sum_with(self.places())?,
            Take::Mean => self.moments.mean(rule.rounded)?,
            Take::Std => self.moments.std(rule.rounded)?,
            Take::Var => self.moments.var(rule.rounded)?,
            // Not among the measures that can be taken over windows.
            _ => return None,
        };
        let is_text = self.values.back().is_some_and(|last| last.is_text);
        let number = if is_text { format!("\"{number}\"") } else { number };
        Some(number.into())
    }

    /// Returns the places of the value with most of them.
    fn places(&self) -> u32 {
        let most = self.with_places.iter().rposition(|values| *values > 0);
        u32::try_from(most.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// Returns whether the value of the latest window, which is at this position, is further from the mean than `k`
    /// standard deviations and than `min_deviation`, and its distance in standard deviations if that is asked for; `None`
    /// if it has no value.
    pub(super) fn distance(
        &self,
        position: u64,
        k: &Decimal,
        min_deviation: &Decimal,
        is_scored: bool,
    ) -> Option<(bool, Option<Box<str>>)> {
        let last = self.values.back().filter(|last| last.position == position)?;
        let is_marked = self.moments.is_beyond(&last.value, k, min_deviation);
        let score = if is_scored {
            self.moments.score(&last.value, SCORE)
        } else {
            None
        };
        Some((is_marked, score.map(Into::into)))
    }
}

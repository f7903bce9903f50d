//! The values of one measure over the latest windows: exact sums that nothing drifts in, least and greatest.

use std::collections::VecDeque;

use super::number::{Exact, Quotient, Whole};
use super::{Over, Rolling};
use crate::aggregate::{Rounded, Take};

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
    /// Places of the sums: not fewer than any value has.
    places: u32,
    sum: Whole,
    squares: Whole,
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

/// A value as far as a rule looks at it: how far it is from the mean.
pub(super) struct Distance<'r> {
    range: &'r Range,
    count: u64,
    /// (count * value - sum), without its sign.
    from_mean: Whole,
    /// count * squares - sum * sum
    spread: Whole,
}

impl Range {
    pub(super) fn new(of: usize, over: Over) -> Self {
        Self {
            of,
            over,
            extremes: false,
            values: VecDeque::new(),
            places: 0,
            sum: Whole::ZERO,
            squares: Whole::ZERO,
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
        (self.places, self.sum, self.squares) = (0, Whole::ZERO, Whole::ZERO);
    }

    /// Takes the next window, whose position is one more than that of the window before.
    pub(super) fn take(&mut self, position: u64, start: i64, json: Option<&str>) {
        let is_passed = |at: u64, from: i64| match self.over {
            Over::Windows(count) => position - at >= count,
            Over::Time(length) => from <= start.saturating_sub(length),
        };
        let passed = self.values.iter();
        let passed = passed
            .take_while(|entry| is_passed(entry.position, entry.start))
            .count();
        for _ in 0..passed {
            self.drop_first();
        }
        if let (Some(json), Some((value, is_text))) = (json, json.and_then(Exact::read)) {
            self.add(
                json,
                Entry {
                    position,
                    start,
                    value,
                    is_text,
                },
            );
        }
    }

    fn drop_first(&mut self) {
        let Some(Entry { position, value, .. }) = self.values.pop_front() else {
            return;
        };
        if self.values.is_empty() {
            self.clear();
            return;
        }
        let units = value.at(self.places);
        self.sum = self.sum.minus(&units);
        self.squares = self.squares.minus(&units.squared());
        self.with_places[value.places as usize] -= 1;
        for extremes in [&mut self.least, &mut self.greatest] {
            if extremes.front().is_some_and(|first| first.position == position) {
                extremes.pop_front();
            }
        }
    }

    fn add(&mut self, json: &str, entry: Entry) {
        let Entry { position, value, .. } = &entry;
        if value.places > self.places {
            let more = value.places - self.places;
            self.sum = self.sum.times_ten(more);
            self.squares = self.squares.times_ten(2 * more);
            self.places = value.places;
        }
        let units = value.at(self.places);
        self.sum = self.sum.plus(&units);
        self.squares = self.squares.plus(&units.squared());
        let places = value.places as usize;
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
        let count = self.count();
        if count < rule.min_periods {
            return None;
        }
        let number = match take {
            Take::Count => return Some(count.to_string().into()),
            Take::Min => return Some(self.least.front()?.json.clone()),
            Take::Max => return Some(self.greatest.front()?.json.clone()),
            Take::Range => {
                let (least, greatest) = (self.least.front()?, self.greatest.front()?);
                greatest.value.minus(&least.value).text()
            }
            Take::Sum if count > 0 => self.total(),
            Take::Mean if count > 0 => self.mean(count).rounded(rule.rounded),
            Take::Std | Take::Var if count > 1 => {
                self.variance(count, *take == Take::Std).rounded(rule.rounded)
            }
            _ => return None,
        };
        let is_text = self.values.back().is_some_and(|last| last.is_text);
        Some(if is_text { format!("\"{number}\"") } else { number }.into())
    }

    /// Returns the sum with as many places as the value with most of them.
    fn total(&self) -> String {
        let most = self.with_places.iter().rposition(|values| *values > 0);
        let most = u32::try_from(most.unwrap_or(0)).unwrap_or(u32::MAX);
        // Without a rest: the places above are those of values that have left.
        let digits = self.sum.without_zeros(self.places - most);
        Exact { digits, places: most }.text()
    }

    fn mean(&self, count: u64) -> Quotient {
        Quotient {
            above: self.sum.clone(),
            below: Whole::Small(i128::from(count)),
            places: self.places,
            is_root: false,
        }
    }

    /// count * squares - sum * sum
    fn spread(&self, count: u64) -> Whole {
        self.squares.times_count(count).minus(&self.sum.squared())
    }

    fn variance(&self, count: u64, is_root: bool) -> Quotient {
        Quotient {
            above: self.spread(count),
            below: Whole::Small(i128::from(count) * i128::from(count - 1)),
            places: 2 * self.places,
            is_root,
        }
    }

    /// Returns how far the latest value is from the mean; `None` if the latest window, which is at this position, has
    /// none, or if there are fewer than two.
    pub(super) fn distance(&self, position: u64) -> Option<Distance<'_>> {
        let count = self.count();
        let last = self.values.back().filter(|last| last.position == position)?;
        (count > 1).then(|| Distance {
            range: self,
            count,
            from_mean: last
                .value
                .at(self.places)
                .times_count(count)
                .minus(&self.sum)
                .size(),
            spread: self.spread(count),
        })
    }
}

impl Distance<'_> {
    /// The square of the score is this divided by [`below`](Self::below):
    /// `(count * value - sum)^2 * (count - 1) / (count * (count * squares - sum^2))`.
    fn above(&self) -> Whole {
        self.from_mean.squared().times_count(self.count - 1)
    }

    fn below(&self) -> Whole {
        self.spread.times_count(self.count)
    }

    /// Returns whether the value is further from the mean than so many standard deviations, and than a distance.
    pub(super) fn exceeds(&self, deviations: &Exact, distance: &Exact) -> bool {
        let (left, right) = (
            self.above().times_ten(2 * deviations.places),
            self.below().times(&deviations.digits.squared()),
        );
        left > right && {
            let (left, right) = (
                self.from_mean.times_ten(distance.places),
                distance
                    .digits
                    .times_count(self.count)
                    .times_ten(self.range.places),
            );
            left > right
        }
    }

    /// Returns the distance in standard deviations; `None` where all values are equal.
    pub(super) fn score(&self) -> Option<Box<str>> {
        if self.spread.is_zero() {
            return None;
        }
        let score = Quotient {
            above: self.above(),
            below: self.below(),
            places: 0,
            is_root: true,
        };
        Some(score.rounded(SCORE).into())
    }
}

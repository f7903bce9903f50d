//! The ranges of record numbers that cover the readings of a window: few, so that a window is found again without an index
//! over the readings.

use crate::record::RecordNumber;

/// Maximum number of ranges.
const MOST: usize = 8;
/// Ranges that are closer than this are one.
const CLOSE: i64 = 20_000;

/// Ranges of record numbers, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// Adds a number, greater than all before.
    pub(super) fn add(&mut self, number: RecordNumber) {
        self.append(number.get(), number.get());
    }

    /// Adds the ranges of greater numbers.
    pub(super) fn merge(&mut self, later: &Self) {
        for (first, last) in &later.0 {
            self.append(*first, *last);
        }
    }

    fn append(&mut self, first: i64, last: i64) {
        match self.0.last_mut() {
            Some((_, end)) if first - *end < CLOSE => *end = last,
            _ => {
                // Most windows have one.
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.push((first, last));
            }
        }
        if self.0.len() > MOST {
            self.join_closest();
        }
    }

    /// Joins the two ranges with the smallest gap.
    fn join_closest(&mut self) {
        let gap = |at: &usize| self.0[*at].0 - self.0[*at - 1].1;
        if let Some(at) = (1..self.0.len()).min_by_key(gap) {
            let (_, last) = self.0.remove(at);
            self.0[at - 1].1 = last;
        }
    }

    /// Returns the ranges, each with its first and its last number.
    pub(crate) fn ranges(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// Makes them from ranges in ascending order.
    pub(crate) fn from_ranges(ranges: Vec<(i64, i64)>) -> Self {
        Self(ranges)
    }

    /// Renders them for a reason: `[[1,58421]]`.
    pub(super) fn to_json(&self) -> String {
        let ranges = self.0.iter().map(|(first, last)| format!("[{first},{last}]"));
        format!("[{}]", ranges.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[i64]) -> Spans {
        let mut spans = Spans::default();
        for number in numbers {
            spans.add(RecordNumber::new(*number));
        }
        spans
    }

    #[test]
    fn close_numbers_share_a_range() {
        assert_eq!(
            of(&[1, 2, 58_421 - 39_000, 58_421]).to_json(),
            "[[1,19421],[58421,58421]]"
        );
        assert_eq!(of(&[]).to_json(), "[]");
    }

    #[test]
    fn at_most_eight_ranges_are_kept_and_they_cover_all() {
        let numbers: Vec<i64> = (0..40).map(|at| at * at * 20_000 + 1).collect();
        let spans = of(&numbers);
        assert_eq!(spans.ranges().len(), MOST);
        let covered = |number: &i64| {
            spans
                .ranges()
                .iter()
                .any(|(first, last)| first <= number && number <= last)
        };
        assert!(numbers.iter().all(covered));
    }
}

//! The geometry of the histogram of scores, in whole numbers: as elsewhere, no floats.

use std::fmt::Write as _;

use super::chart::Mark;
use super::words::count;
use crate::ledger::{MatchFigures, ScoreBar};

/// Width and height of the field in its own units; the page scales it.
const WIDTH: i64 = 10_000;
const HEIGHT: u64 = 1_000;
/// Free space between two bars, of the width of one.
const GAP: i64 = 8;
/// Every so many bits the scale has a mark.
const STEP: i32 = 10;

/// The compared pairs by their score: the number of pairs on a logarithmic scale.
pub(super) struct ScoreChart {
    /// All pairs, a bar for each bit, as an SVG path.
    pub(super) pairs: String,
    /// How many of them should be one, as an SVG path of steps.
    pub(super) expected: String,
    /// From where on pairs wait for a decision, and from where on they are merged.
    pub(super) review: Band,
    pub(super) auto: Band,
    /// Numbers of pairs, from top to bottom.
    pub(super) numbers: Vec<Mark>,
    /// Bits, from left to right.
    pub(super) bits: Vec<Mark>,
}

/// A part of the field, from the left to the right.
pub(super) struct Band {
    pub(super) from: i64,
    pub(super) width: i64,
}

impl ScoreChart {
    /// Computes the chart; returns `None` if nothing was compared.
    pub(super) fn new(figures: &MatchFigures) -> Option<Self> {
        let (first, last) = (figures.histogram.first()?.bits, figures.histogram.last()?.bits);
        let (auto, review) = (
            figures.lines.auto.bits.tenths(),
            figures.lines.review.bits.tenths(),
        );
        // Both lines are within the field.
        let first = first.min(review.div_euclid(10)) - 1;
        let last = (last + 1).max(auto.div_euclid(10) + 1) + 1;
        let tenths = i64::from(last - first) * 10;
        let x = |at: i32| (i64::from(at) - i64::from(first) * 10).clamp(0, tenths) * WIDTH / tenths;
        let most = figures.histogram.iter().map(|bar| bar.pairs).max()?.max(1);
        let top = power_above(most);
        let y = |number: u64| HEIGHT - height(number, top);
        let (mut pairs, mut expected) = (String::new(), String::new());
        for ScoreBar {
            bits,
            pairs: number,
            expected: some,
        } in &figures.histogram
        {
            let (left, right) = (x(bits * 10), x((bits + 1) * 10));
            let inset = (right - left) / GAP;
            let _ = write!(
                pairs,
                "M{} {HEIGHT}V{}H{}V{HEIGHT}Z",
                left + inset,
                y(*number),
                right - inset
            );
            if *some > 0 {
                let _ = write!(expected, "M{left} {}H{right}", y(*some));
            }
        }
        let band = |from: i32, to: i32| Band {
            from: x(from),
            width: x(to) - x(from),
        };
        let powers = std::iter::successors(Some(top), |power| (*power > 1).then(|| power / 10));
        let marks = (first + 1..last).filter(|bits| bits.rem_euclid(STEP) == 0);
        Some(Self {
            pairs,
            expected,
            review: band(review, auto),
            auto: band(auto, last * 10),
            numbers: powers.map(|power| Mark::down(y(power), count(power))).collect(),
            bits: marks
                .map(|bits| Mark::across(x(bits * 10).unsigned_abs(), bits.to_string()))
                .collect(),
        })
    }
}

/// Returns the next power of ten.
fn power_above(number: u64) -> u64 {
    let mut power: u64 = 10;
    while power < number {
        power = power.saturating_mul(10);
    }
    power
}

/// Returns the height of a number on a logarithmic scale. One pair is seen too, so the scale begins below it.
fn height(number: u64, top: u64) -> u64 {
    let whole = logarithm(top) + 1_000;
    match number {
        0 => 0,
        number => (logarithm(number) + 1_000) * HEIGHT / whole,
    }
    .min(HEIGHT)
}

/// Returns the binary logarithm in thousandths, straight between powers of two.
fn logarithm(number: u64) -> u64 {
    let whole = number.max(1).ilog2();
    let rest = u128::from(number.max(1)) * 1_000 / (1_u128 << whole) - 1_000;
    u64::from(whole) * 1_000 + u64::try_from(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_pair_is_seen_beside_a_billion() {
        assert_eq!((height(0, 10), height(1_000_000_000, 1_000_000_000)), (0, HEIGHT));
        assert!(height(1, 1_000_000_000) >= 30 && height(u64::MAX, 10) == HEIGHT);
        assert_eq!(
            (logarithm(1), logarithm(2), logarithm(3), logarithm(1_024)),
            (0, 1_000, 1_500, 10_000)
        );
        assert_eq!((power_above(1), power_above(10), power_above(11)), (10, 10, 100));
        assert!(power_above(u64::MAX) >= u64::MAX / 10);
    }
}

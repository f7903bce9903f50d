//! The sum of many decimals and of their squares, of which follow mean and deviation.

use rust_decimal::Decimal;

use super::decimal::Exact;
use super::rounding::{quotient, root};
use super::whole::{Whole, power};
use crate::aggregate::measure::Rounded;

/// The number of decimals, their sum and the sum of their squares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    pub(in crate::aggregate) sum: Whole,
    pub(in crate::aggregate) squares: Whole,
    pub(in crate::aggregate) count: u64,
    /// The greatest number of places so far, which the sum has; the squares have twice as many.
    pub(in crate::aggregate) places: u32,
}

impl Moments {
    /// Adds a decimal.
    pub(crate) fn add(&mut self, number: &Exact) {
        self.count += 1;
        self.reach(number.places());
        let digits = number.digits_with(self.places);
        self.sum = self.sum.plus(&digits);
        self.squares = self.squares.plus(&digits.squared());
    }

    /// Takes a decimal off that was added.
    pub(crate) fn remove(&mut self, number: &Exact) {
        self.count -= 1;
        self.reach(number.places());
        let digits = number.digits_with(self.places);
        self.sum = self.sum.minus(&digits);
        self.squares = self.squares.minus(&digits.squared());
    }

    /// Adds a short decimal, without counting it; its square as well if that is wanted.
    #[inline]
    pub(in crate::aggregate) fn add_short(&mut self, digits: i64, places: u32, with_square: bool) {
        if places > self.places {
            self.reach(places);
        }
        let digits = i128::from(digits);
        let aligned = match self.places - places {
            0 => Some(digits),
            more => power(more).and_then(|power| digits.checked_mul(power)),
        };
        if let (Some(aligned), Whole::Word(sum), Whole::Word(squares)) =
            (aligned, &mut self.sum, &mut self.squares)
            && let Some(more) = sum.checked_add(aligned)
        {
            if !with_square {
                *sum = more;
                return;
            }
            let square = aligned.checked_mul(aligned);
            if let Some(square) = square.and_then(|square| squares.checked_add(square)) {
                (*sum, *squares) = (more, square);
                return;
            }
        }
        self.add_digits(&Whole::Word(digits).shifted(self.places - places), with_square);
    }

    /// Adds a decimal, without counting it; its square as well if that is wanted.
    pub(in crate::aggregate) fn add_decimal(&mut self, number: Decimal, with_square: bool) {
        self.reach(number.scale());
        let digits = Whole::Word(number.mantissa()).shifted(self.places - number.scale());
        self.add_digits(&digits, with_square);
    }

    #[cold]
    fn add_digits(&mut self, digits: &Whole, with_square: bool) {
        self.sum = self.sum.plus(digits);
        if with_square {
            self.squares = self.squares.plus(&digits.squared());
        }
    }

    /// Adds other decimals.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.reach(other.places);
        other.reach(self.places);
        self.count += other.count;
        self.sum = self.sum.plus(&other.sum);
        self.squares = self.squares.plus(&other.squares);
    }

    /// Keeps at least so many places.
    fn reach(&mut self, places: u32) {
        if places > self.places {
            let more = places - self.places;
            self.sum = self.sum.shifted(more);
            self.squares = self.squares.shifted(2 * more);
            self.places = places;
        }
    }

    /// Returns the sum, with the greatest number of places of all that were ever added, also of those taken off again;
    /// `None` without any.
    pub(crate) fn sum(&self) -> Option<Exact> {
        (self.count > 0).then(|| Exact::new(self.sum.clone(), self.places))
    }

    /// Returns the sum with so many places: at least those of each decimal that is in it.
    pub(crate) fn sum_with(&self, places: u32) -> Option<String> {
        let rounded = Rounded::Places(u8::try_from(places).ok()?);
        (self.count > 0).then(|| quotient(&self.sum, &Whole::Word(1), self.places, rounded))
    }

    /// Returns the mean as plain text; `None` without any.
    pub(crate) fn mean(&self, rounded: Rounded) -> Option<String> {
        (self.count > 0).then(|| quotient(&self.sum, &self.count.into(), self.places, rounded))
    }

    /// Returns the sample variance as plain text; `None` of fewer than two.
    pub(crate) fn var(&self, rounded: Rounded) -> Option<String> {
        (self.count > 1).then(|| quotient(&self.spread(), &self.pairs(), self.places * 2, rounded))
    }

    /// Returns the sample standard deviation as plain text; `None` of fewer than two.
    pub(crate) fn std(&self, rounded: Rounded) -> Option<String> {
        (self.count > 1).then(|| root(&self.spread(), &self.pairs(), self.places, rounded))
    }

    /// n Q - S^2: the variance times n (n - 1).
    fn spread(&self) -> Whole {
        Whole::from(self.count)
            .times(&self.squares)
            .minus(&self.sum.squared())
    }

    /// n (n - 1)
    fn pairs(&self) -> Whole {
        Whole::from(self.count).times(&(self.count.saturating_sub(1)).into())
    }

    /// Returns whether a decimal is further from the mean than `k` standard deviations, and than `min_deviation`: both
    /// compared exactly, without a root or a division.
    pub(crate) fn is_beyond(&self, number: &Exact, k: &Decimal, min_deviation: &Decimal) -> bool {
        if self.count < 2 {
            return false;
        }
        let (distance, spread, places) = self.distance(number);
        // (distance / n)^2 > k^2 spread / (n (n - 1)), times n^2 (n - 1), with k a whole number behind its places.
        let n = Whole::from(self.count);
        let left = distance
            .squared()
            .times(&(self.count - 1).into())
            .shifted(2 * k.scale());
        let right = Whole::Word(k.mantissa()).squared().times(&n).times(&spread);
        // |distance| / n > min_deviation, with `places` and the places of the latter.
        let deviation = Whole::Word(min_deviation.mantissa()).times(&n).shifted(places);
        left > right && distance.shifted(min_deviation.scale()) > deviation
    }

    /// Returns how far a decimal is from the mean, in standard deviations; `None` if these are 0 or there is none.
    pub(crate) fn score(&self, number: &Exact, rounded: Rounded) -> Option<String> {
        let (distance, spread, _) = self.distance(number);
        if self.count < 2 || spread.is_zero() {
            return None;
        }
        let numerator = distance.squared().times(&(self.count - 1).into());
        let denominator = spread.times(&self.count.into());
        Some(root(&numerator, &denominator, 0, rounded))
    }

    /// Returns |n m - S| and n Q - S^2 with the same places (twice as many for the latter), and these places.
    fn distance(&self, number: &Exact) -> (Whole, Whole, u32) {
        let places = self.places.max(number.places());
        let more = places - self.places;
        let sum = self.sum.shifted(more);
        let distance = number.digits_with(places).times(&self.count.into());
        let distance = if distance < sum {
            sum.minus(&distance)
        } else {
            distance.minus(&sum)
        };
        (distance, self.spread().shifted(2 * more), places)
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.sum.bytes() + self.squares.bytes()
    }
}

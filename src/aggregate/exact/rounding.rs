//! Quotients and square roots as decimal text: calculated exactly, and rounded once, half to even.

use std::cmp::Ordering;

use num_bigint::BigUint;

use super::whole::{Whole, length, long_power, power};
use crate::aggregate::measure::Rounded;

/// Returns `numerator` / `denominator` / 10^`places` as plain text. The denominator is positive.
pub(crate) fn quotient(numerator: &Whole, denominator: &Whole, places: u32, rounded: Rounded) -> String {
    let value = Value {
        numerator,
        denominator,
        places,
    };
    let shift = match rounded {
        Rounded::Places(kept) => i64::from(kept) - i64::from(places),
        Rounded::Digits(digits) => i64::from(digits.max(1)) - value.length(),
    };
    let digits = value.words(shift, |a, b| Some(word_quotient(a, b))).map_or_else(
        || long_quotient(value.longs(shift)).to_string(),
        |word| itoa::Buffer::new().format(word).to_owned(),
    );
    value.text(&digits, shift, rounded)
}

/// Returns the square root of `numerator` / `denominator`, / 10^`places`, as plain text. The numerator is not negative, the
/// denominator positive.
pub(crate) fn root(numerator: &Whole, denominator: &Whole, places: u32, rounded: Rounded) -> String {
    let value = Value {
        numerator,
        denominator,
        places,
    };
    let shift = match rounded {
        Rounded::Places(kept) => i64::from(kept) - i64::from(places),
        // A root of two or one digits before the point has one, of three or four two.
        Rounded::Digits(digits) => i64::from(digits.max(1)) - (value.length() + 1).div_euclid(2),
    };
    let digits = value.words(shift * 2, word_root).map_or_else(
        || long_root(value.longs(shift * 2)).to_string(),
        |word| itoa::Buffer::new().format(word).to_owned(),
    );
    value.text(&digits, shift, rounded)
}

/// A number that is not calculated yet.
struct Value<'v> {
    numerator: &'v Whole,
    denominator: &'v Whole,
    places: u32,
}

impl Value<'_> {
    /// Returns the number of digits before the point of numerator / denominator; if that is less than 1, less the number of
    /// zeros after the point.
    fn length(&self) -> i64 {
        if self.numerator.is_zero() {
            return 0;
        }
        let lengths = [self.numerator, self.denominator].map(|whole| match whole.size() {
            Some(size) => length(size),
            None => u32::try_from(whole.digits().len()).unwrap_or(u32::MAX),
        });
        let longer = i64::from(lengths[0]) - i64::from(lengths[1]);
        let by = u32::try_from(longer.unsigned_abs()).unwrap_or(u32::MAX);
        // 95 / 12 has one digit as 12 / 95 * 10 has, 95 / 96 none.
        let reaches = match (self.numerator.size(), self.denominator.size(), power(by)) {
            (Some(numerator), Some(denominator), Some(power)) => {
                // The shorter one becomes as long as the longer one, which fits.
                let power = power.unsigned_abs();
                let (a, b) = if longer < 0 {
                    (numerator.checked_mul(power), Some(denominator))
                } else {
                    (Some(numerator), denominator.checked_mul(power))
                };
                a.zip(b).map(|(a, b)| a >= b)
            }
            _ => None,
        };
        let reaches = reaches.unwrap_or_else(|| {
            let (numerator, denominator) = self.longs(-longer);
            numerator >= denominator
        });
        longer + i64::from(reaches)
    }

    /// Calculates with both sides in words, the value times 10^`shift`, if they fit.
    fn words(&self, shift: i64, calculate: impl Fn(u128, u128) -> Option<u128>) -> Option<u128> {
        let power = power(u32::try_from(shift.unsigned_abs()).ok()?)?.unsigned_abs();
        let (numerator, denominator) = (self.numerator.size()?, self.denominator.size()?);
        if shift < 0 {
            calculate(numerator, denominator.checked_mul(power)?)
        } else {
            calculate(numerator.checked_mul(power)?, denominator)
        }
    }

    /// Returns both sides, the value times 10^`shift`.
    fn longs(&self, shift: i64) -> (BigUint, BigUint) {
        let power = long_power(u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX));
        let (numerator, denominator) = (self.numerator.long_size(), self.denominator.long_size());
        if shift < 0 {
            (numerator, denominator * power)
        } else {
            (numerator * power, denominator)
        }
    }

    /// Returns the text of digits that were calculated of the value times 10^`shift`.
    fn text(&self, digits: &str, shift: i64, rounded: Rounded) -> String {
        let places = shift + i64::from(self.places);
        let is_zero = digits == "0";
        match rounded {
            Rounded::Places(_) => plain(self.numerator.is_negative() && !is_zero, digits, places),
            Rounded::Digits(_) if is_zero => "0".to_owned(),
            Rounded::Digits(_) => {
                let kept = digits.trim_end_matches('0');
                let cut = i64::try_from(digits.len() - kept.len()).unwrap_or(0);
                plain(self.numerator.is_negative(), kept, places - cut)
            }
        }
    }
}

/// Writes digits with so many of them after the point, or so many zeros before it.
pub(super) fn plain(negative: bool, digits: &str, places: i64) -> String {
    let behind = usize::try_from(places).unwrap_or(0);
    let zeros = usize::try_from(-places).unwrap_or(0);
    let mut text = String::with_capacity(digits.len().max(behind + 1) + zeros + 2);
    if negative {
        text.push('-');
    }
    text.extend(std::iter::repeat_n(
        '0',
        (behind + 1).saturating_sub(digits.len()),
    ));
    text.push_str(digits);
    text.extend(std::iter::repeat_n('0', zeros));
    if behind > 0 {
        text.insert(text.len() - behind, '.');
    }
    text
}

fn word_quotient(numerator: u128, denominator: u128) -> u128 {
    let (below, rest) = (numerator / denominator, numerator % denominator);
    let up = rounds_up(rest.cmp(&(denominator - rest)), below % 2 == 1);
    below + u128::from(up)
}

fn long_quotient((numerator, denominator): (BigUint, BigUint)) -> BigUint {
    let below = &numerator / &denominator;
    let rest = numerator - &below * &denominator;
    let up = rounds_up((rest * 2u8).cmp(&denominator), below.bit(0));
    below + u8::from(up)
}

/// With `below` the root cut off, and `whole` and `rest` the radicand: the root is nearer to `below` + 1 if the radicand is
/// greater than (`below` + 1/2)^2, which is `below`^2 + `below` + 1/4.
fn word_root(numerator: u128, denominator: u128) -> Option<u128> {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let below = whole.isqrt();
    let half = (whole - below * below).cmp(&below);
    let half = match half {
        Ordering::Equal => rest.checked_mul(4)?.cmp(&denominator),
        half => half,
    };
    Some(below + u128::from(rounds_up(half, below % 2 == 1)))
}

fn long_root((numerator, denominator): (BigUint, BigUint)) -> BigUint {
    let whole = &numerator / &denominator;
    let rest = numerator - &whole * &denominator;
    let below = whole.sqrt();
    let half = (whole - &below * &below)
        .cmp(&below)
        .then_with(|| (rest * 4u8).cmp(&denominator));
    let up = rounds_up(half, below.bit(0));
    below + u8::from(up)
}

/// Rounds by how what is cut off compares with a half, half to even.
fn rounds_up(cut: Ordering, is_odd: bool) -> bool {
    cut.is_gt() || (cut.is_eq() && is_odd)
}

//! The exact value of a JSON number's text, of any length, without floats and without allocation.

use std::cmp::Ordering;

/// A number as its significant digits (no zero at either end) and the power of ten of the last digit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact<'t> {
    negative: bool,
    /// The digits before the point and after it; zero has none.
    digits: [&'t [u8]; 2],
    exponent: i64,
}

/// A divisor of `multipleOf`, whose significant digits fit in a machine word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divisor {
    digits: u64,
    exponent: i64,
}

/// A written exponent beyond this is treated as infinite; within it, adding a length cannot overflow.
const EXPONENT_LIMIT: i64 = i64::MAX / 4;

impl<'t> Exact<'t> {
    /// Returns the value of a JSON number's text.
    pub(crate) fn from_text(text: &'t str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], written_exponent(&text[at + 1..])),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut whole = whole.trim_start_matches('0');
        let mut significant = fraction.trim_end_matches('0');
        let mut last = exponent - length(significant);
        if significant.is_empty() {
            let trimmed = whole.trim_end_matches('0');
            last += length(whole) - length(trimmed);
            whole = trimmed;
        }
        if whole.is_empty() {
            significant = significant.trim_start_matches('0');
        }
        Self {
            negative,
            digits: [whole.as_bytes(), significant.as_bytes()],
            exponent: last,
        }
    }

    /// Whether there is no fraction: `1.0` and `1e2` are whole numbers.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_zero() || self.exponent >= 0
    }

    /// Whether dividing by the divisor gives a whole number.
    pub(super) fn is_multiple_of(&self, divisor: Divisor) -> bool {
        if self.is_zero() {
            return true;
        }
        // The last digit is not a zero, so no power of ten can be factored out of the digits.
        let Ok(power) = u64::try_from(self.exponent - divisor.exponent) else {
            return false;
        };
        let modulus = u128::from(divisor.digits);
        let digits = self
            .each_digit()
            .fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % modulus);
        (digits * power_of_ten(power, modulus)).is_multiple_of(modulus)
    }

    /// Returns the number as a divisor; `None` for zero, for a negative number and for more than 19 digits.
    pub(super) fn divisor(&self) -> Option<Divisor> {
        if self.is_zero() || self.negative {
            return None;
        }
        let digits = self.each_digit().try_fold(0u64, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })?;
        Some(Divisor {
            digits,
            exponent: self.exponent,
        })
    }

    /// Writes the number in a form that two texts share exactly when they are the same number.
    pub(super) fn write_canonical(&self, out: &mut String) {
        if self.is_zero() {
            out.push('0');
            return;
        }
        if self.negative {
            out.push('-');
        }
        out.extend(self.each_digit().map(char::from));
        out.push('e');
        out.push_str(&self.exponent.to_string());
    }

    /// Returns whether it is negative, the position of its first digit (0 is the first after the point) and its digits;
    /// `None` for zero.
    pub(crate) fn significant(&self) -> Option<(bool, i64, impl Iterator<Item = u8> + use<'t>)> {
        let count: usize = self.digits.iter().map(|part| part.len()).sum();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        (count > 0).then(|| {
            (
                self.negative,
                self.exponent.saturating_add(count),
                self.each_digit(),
            )
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|part| part.is_empty())
    }

    fn each_digit(&self) -> impl Iterator<Item = u8> + use<'t> {
        let [whole, fraction] = self.digits;
        whole.iter().chain(fraction).copied()
    }

    /// Returns -1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Returns the power of ten of the first digit, plus one.
    fn magnitude(&self) -> i64 {
        let [whole, fraction] = self.digits;
        i64::try_from(whole.len() + fraction.len())
            .unwrap_or(EXPONENT_LIMIT)
            .saturating_add(self.exponent)
    }
}

impl Ord for Exact<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            if self.is_zero() {
                return Ordering::Equal;
            }
            let order = self.magnitude().cmp(&other.magnitude());
            // Without trailing zeros, the shorter of two numbers with the same beginning is the smaller.
            let order = order.then_with(|| self.each_digit().cmp(other.each_digit()));
            if self.negative { order.reverse() } else { order }
        })
    }
}

impl PartialOrd for Exact<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact<'_> {}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(EXPONENT_LIMIT)
}

/// Parses the exponent after `e`, clamped to the limit.
fn written_exponent(text: &str) -> i64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = digits.bytes().fold(0i64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i64::from(digit.wrapping_sub(b'0')))
            .min(EXPONENT_LIMIT)
    });
    if negative { -size } else { size }
}

/// Returns `10 ^ power % modulus`, for a modulus of at most 64 bits.
fn power_of_ten(mut power: u64, modulus: u128) -> u128 {
    let (mut result, mut square) = (1 % modulus, 10 % modulus);
    while power > 0 {
        if power & 1 == 1 {
            result = result * square % modulus;
        }
        square = square * square % modulus;
        power >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_at_any_length() {
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.10000000000000000000000000001"),
            ("-1e400", "1e-400"),
            ("-2", "-1.9999999999999999999999999999999"),
            ("0", "1e-999999999999999999999999"),
            ("999", "1e3"),
            ("1e308", "1e309"),
            ("-0.02", "-0.0199"),
        ] {
            assert!(Exact::from_text(less) < Exact::from_text(more), "{less} < {more}");
            assert!(Exact::from_text(more) > Exact::from_text(less), "{more} > {less}");
        }
        for (left, right) in [
            ("1", "1.000"),
            ("-0", "0e5"),
            ("100", "1E+2"),
            ("0.0120", "12e-3"),
            ("10.50", "1050e-2"),
        ] {
            assert_eq!(
                Exact::from_text(left),
                Exact::from_text(right),
                "{left} = {right}"
            );
            let canonical = |text| {
                let mut out = String::new();
                Exact::from_text(text).write_canonical(&mut out);
                out
            };
            assert_eq!(canonical(left), canonical(right));
        }
    }

    #[test]
    fn whole_numbers_and_multiples_are_exact() {
        for (text, whole) in [
            ("1.0", true),
            ("1e2", true),
            ("15e-1", false),
            ("0.0", true),
            ("1e-400", false),
            ("100e-2", true),
        ] {
            assert_eq!(Exact::from_text(text).is_whole(), whole, "{text}");
        }
        for (value, divisor, fits) in [
            ("0.1", "0.01", true),
            ("0.105", "0.01", false),
            ("1070468.14", "0.01", true),
            ("12345678901234567890123456.78", "0.01", true),
            ("12345678901234567890123456.785", "0.01", false),
            ("1e400", "3", false),
            ("3e400", "3", true),
            ("-4.5", "1.5", true),
            ("0", "7", true),
            ("1", "1e1", false),
        ] {
            let divisor = Exact::from_text(divisor).divisor().unwrap();
            assert_eq!(Exact::from_text(value).is_multiple_of(divisor), fits, "{value}");
        }
        assert!(Exact::from_text("0").divisor().is_none());
        assert!(Exact::from_text("1.23456789012345678901234").divisor().is_none());
    }
}

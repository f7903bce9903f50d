//! Comparing values exactly.

use std::cmp::Ordering;

use crate::record::{Field, Kind, Names, Value};

/// Orders two values, where both are numbers or both are texts; `None` otherwise.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => Some(compare_numbers(left, right)),
        // UTF-8 keeps the order of code points.
        (None, None) => Some(left.as_text()?.as_bytes().cmp(right.as_text()?.as_bytes())),
        _ => None,
    }
}

/// Whether two values are equal: numbers by value, texts as decoded, objects regardless of the order of their fields.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    if left.kind() != right.kind() {
        return false;
    }
    match left.kind() {
        Kind::Null => true,
        Kind::Boolean => left.as_boolean() == right.as_boolean(),
        Kind::Number | Kind::Text => order(left, right) == Some(Ordering::Equal),
        Kind::List => match (left.as_list(), right.as_list()) {
            (Some(left), Some(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right.iter())
                        .all(|(left, right)| equal(left, right))
            }
            _ => false,
        },
        Kind::Object => match (left.as_object(), right.as_object()) {
            (Some(left), Some(right)) => {
                let mut names = Names::from_fields(right.fields());
                let mut same = |field: &Field| {
                    let other = names.get(&field.name());
                    other.is_some_and(|other| equal(&field.value, &other.value))
                };
                left.len() == right.len() && left.fields().iter().all(&mut same)
            }
            _ => false,
        },
    }
}

/// Compares two JSON number texts by value, exactly, whatever the length of their digits and exponents.
///
/// ```
/// use std::cmp::Ordering;
/// use counterfoil::query::compare_numbers;
///
/// assert_eq!(compare_numbers("6.00", "60e-1"), Ordering::Equal);
/// assert_eq!(compare_numbers("0.30000000000000004", "0.3"), Ordering::Greater);
/// assert_eq!(compare_numbers("-1e400", "1"), Ordering::Less);
/// ```
#[must_use]
pub fn compare_numbers(left: &str, right: &str) -> Ordering {
    let (left, right) = (DecimalParts::read(left), DecimalParts::read(right));
    match (left.sign(), right.sign()) {
        (1, 1) => left.compare_magnitude(&right),
        (-1, -1) => right.compare_magnitude(&left),
        (left, right) => left.cmp(&right),
    }
}

/// The parts of a number's text.
struct DecimalParts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    exponent: &'t str,
}

impl<'t> DecimalParts<'t> {
    fn read(text: &'t str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        Self {
            negative,
            whole,
            fraction,
            exponent,
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'t> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    fn leading_zeros(&self) -> usize {
        self.digits().take_while(|digit| *digit == b'0').count()
    }

    fn sign(&self) -> i8 {
        match (self.digits().all(|digit| digit == b'0'), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Compares two non-zero numbers, ignoring their signs: first by the position of the first non-zero digit, then
    /// digit by digit.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let point = |number: &Self| number.whole.len() as i128 - number.leading_zeros() as i128;
        let distance = exponent_distance(self.exponent, other.exponent) + point(self) - point(other);
        let padded = |number: &Self| {
            number
                .digits()
                .skip(number.leading_zeros())
                .chain(std::iter::repeat(b'0'))
        };
        let longest = self.digits().count().max(other.digits().count());
        distance
            .cmp(&0)
            .then_with(|| padded(self).take(longest).cmp(padded(other).take(longest)))
    }
}

/// Returns the first exponent minus the second. Exact up to 10^20; beyond that it has the right sign and is at least
/// 10^19, more than any count of digits in memory can outweigh.
fn exponent_distance(left: &str, right: &str) -> i128 {
    const FAR: i128 = 100_000_000_000_000_000_000;
    let parts = |text: &str| -> (i128, String) {
        let sign = if text.starts_with('-') { -1 } else { 1 };
        (sign, text.trim_start_matches(['+', '-']).to_owned())
    };
    let ((left_sign, left), (right_sign, right)) = (parts(left), parts(right));
    let width = left.len().max(right.len());
    let padded = |digits: &str| -> Vec<u8> { format!("{digits:0>width$}").into_bytes() };
    let mut distance = 0;
    for (left, right) in padded(&left).into_iter().zip(padded(&right)) {
        distance =
            distance * 10 + left_sign * i128::from(left - b'0') - right_sign * i128::from(right - b'0');
        // The remaining digits can no longer change the sign.
        if distance.abs() > FAR {
            break;
        }
    }
    distance
}

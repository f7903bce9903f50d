//! An exact decimal of any length.

use std::cmp::Ordering;

use num_bigint::BigInt;
use rust_decimal::Decimal;

use crate::record::NumberText;

use super::rounding::plain;
use super::whole::Whole;

/// An exact decimal of any length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exact {
    /// The digits before and after the point, as a whole number.
    digits: Whole,
    /// Number of digits after the point.
    places: u32,
}

impl From<Decimal> for Exact {
    fn from(number: Decimal) -> Self {
        Self {
            digits: Whole::Word(number.mantissa()),
            places: number.scale(),
        }
    }
}

impl Exact {
    /// Returns `digits` with its last so many behind the point.
    pub(crate) fn new(digits: Whole, places: u32) -> Self {
        Self { digits, places }
    }

    /// Reads a number of a window: JSON text, or a decimal in a string. Results may be longer than what records may hold.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let (text, reading) = match json.strip_prefix('"') {
            Some(text) => (text.strip_suffix('"')?, NumberText::PLAIN),
            None => (json, NumberText::JSON),
        };
        match reading.read(text) {
            Ok(number) => Some(number.into()),
            Err(_) => Self::plain(text),
        }
    }

    /// Reads a minus, digits and a point.
    fn plain(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let size = whole.strip_prefix('-').unwrap_or(whole);
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if size.is_empty() || !digits(size) || !digits(fraction) || text.ends_with('.') {
            return None;
        }
        let digits: BigInt = [whole, fraction].concat().parse().ok()?;
        Some(Self::new(digits.into(), u32::try_from(fraction.len()).ok()?))
    }

    /// Returns the number of digits after the point.
    pub(crate) fn places(&self) -> u32 {
        self.places
    }

    /// Returns all digits, as a whole number with this many behind the point; at least [`places`](Self::places).
    pub(crate) fn digits_with(&self, places: u32) -> Whole {
        self.digits.shifted(places - self.places)
    }

    /// Returns the difference, with the places of the one with more places.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        Self::new(self.digits_with(places).minus(&other.digits_with(places)), places)
    }

    /// Returns the sum, with the places of the one with more places.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        Self::new(self.digits_with(places).plus(&other.digits_with(places)), places)
    }

    /// Returns plain text, with all places.
    pub(crate) fn text(&self) -> String {
        plain(
            self.digits.is_negative(),
            &self.digits.digits(),
            self.places.into(),
        )
    }
}

/// By value: 2 and 2.0 are equal.
impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.places == other.places {
            return self.digits.cmp(&other.digits);
        }
        let places = self.places.max(other.places);
        self.digits_with(places).cmp(&other.digits_with(places))
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Exact {}

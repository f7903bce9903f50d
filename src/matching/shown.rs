//! Scores as people read them: bits with one digit after the point, probabilities with two.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::odds::probability;
use super::settings::{Millibits, Ppm};

/// A weight of evidence: the binary logarithm of a ratio of probabilities, to a tenth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits(i32);

/// A probability, to a hundredth; never rounded up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

impl Bits {
    /// Rounds thousandths.
    pub(crate) fn new(millibits: Millibits) -> Self {
        Self((millibits + if millibits < 0 { -50 } else { 50 }) / 100)
    }

    /// Returns the tenths of a bit.
    #[must_use]
    pub fn tenths(self) -> i32 {
        self.0
    }
}

impl Probability {
    /// Cuts millionths.
    pub(crate) fn new(ppm: Ppm) -> Self {
        Self(ppm / 10_000)
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, tenths) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{}", tenths / 10, tenths % 10)
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Reads a number of so many digits after the point, as `Display` writes it.
fn read(text: &str, digits: usize) -> Option<i32> {
    let (whole, part) = text.split_once('.')?;
    (part.len() == digits).then_some(())?;
    format!("{whole}{part}").parse().ok()
}

fn number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let number: serde_json::Number = text.parse().map_err(serde::ser::Error::custom)?;
    number.serialize(serializer)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(serde_json::Number::deserialize(deserializer)?.to_string())
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(&self.to_string(), serializer)
    }
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(&self.to_string(), serializer)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tenths = read(&text(deserializer)?, 1);
        tenths
            .map(Self)
            .ok_or_else(|| de::Error::custom("bits have one digit after the point"))
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hundredths = read(&text(deserializer)?, 2).and_then(|number| u32::try_from(number).ok());
        let probability = hundredths.map(Self);
        probability.ok_or_else(|| de::Error::custom("probabilities have two digits after the point"))
    }
}

/// Returns how many of the pairs whose score has these whole bits are one, by the middle of the bar.
pub(crate) fn expected_in(bits: i32, pairs: u64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "for people; never more than the pairs"
    )]
    let expected = libm::round(probability(bits.saturating_mul(1000) + 500) * pairs as f64) as u64;
    expected.min(pairs)
}

/// Returns the share of which this is the binary logarithm, in millionths.
pub(crate) fn share_of(millibits: Millibits) -> Ppm {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between none and a million"
    )]
    let share = libm::round(libm::exp2(f64::from(millibits.min(0)) / 1000.0) * 1e6) as Ppm;
    share
}

#[cfg(test)]
mod tests {
    use super::super::odds::bits_of;
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for (millibits, shown) in [
            (21_449, "21.4"),
            (-50, "-0.1"),
            (49, "0.0"),
            (-21_450, "-21.5"),
            (0, "0.0"),
        ] {
            let bits = Bits::new(millibits);
            assert_eq!(serde_json::to_string(&bits).unwrap(), shown);
            assert_eq!(serde_json::from_str::<Bits>(shown).unwrap(), bits);
        }
        for (ppm, shown) in [
            (999_999, "0.99"),
            (1_000_000, "1.00"),
            (5_000, "0.00"),
            (829_999, "0.82"),
        ] {
            let probability = Probability::new(ppm);
            assert_eq!(serde_json::to_string(&probability).unwrap(), shown);
            assert_eq!(serde_json::from_str::<Probability>(shown).unwrap(), probability);
        }
        assert!(
            serde_json::from_str::<Bits>("21.45").is_err()
                && serde_json::from_str::<Probability>("-0.10").is_err()
        );
    }

    #[test]
    fn bits_probabilities_and_shares_belong_together() {
        assert_eq!(
            (bits_of(500_000), bits_of(990_000), bits_of(10_000)),
            (0, 6_629, -6_629)
        );
        assert_eq!(
            (
                expected_in(40, 7),
                expected_in(-40, 1_000_000),
                expected_in(0, 1_000)
            ),
            (7, 0, 586)
        );
        assert_eq!(
            (share_of(0), share_of(-1_000), share_of(-1_000_000)),
            (1_000_000, 500_000, 0)
        );
    }
}

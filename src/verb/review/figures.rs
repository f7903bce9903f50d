//! Numbers of calibration as people read them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::matching::Ppm;

/// A share or a probability, with as many digits as it has, at least two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(Ppm);

/// A number of pairs, to a tenth: the sum of probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(u64);

impl Share {
    pub(super) fn new(ppm: Ppm) -> Self {
        Self(ppm)
    }

    /// Returns the millionths.
    #[must_use]
    pub fn ppm(self) -> u32 {
        self.0
    }
}

impl Tenths {
    /// Rounds millionths.
    pub(super) fn from_ppm(ppm: u64) -> Self {
        Self((ppm + 50_000) / 100_000)
    }

    /// Returns the tenths.
    #[must_use]
    pub fn tenths(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:06}", self.0 % 1_000_000);
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / 1_000_000, &digits[..kept])
    }
}

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

fn number<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let number: serde_json::Number = text.parse().map_err(serde::ser::Error::custom)?;
    number.serialize(serializer)
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(&self.to_string(), serializer)
    }
}

impl Serialize for Tenths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(&self.to_string(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_their_digits_and_sums_are_rounded_to_tenths() {
        let shares = [0, 300_000, 990_000, 995_000, 999_999, 1_000_000].map(|ppm| Share(ppm).to_string());
        assert_eq!(shares, ["0.00", "0.30", "0.99", "0.995", "0.999999", "1.00"]);
        let sums = [0, 49_999, 50_000, 12_340_000].map(|ppm| Tenths::from_ppm(ppm).to_string());
        assert_eq!(sums, ["0.0", "0.0", "0.1", "12.3"]);
        assert_eq!(serde_json::to_string(&Share(995_000)).unwrap(), "0.995");
    }
}

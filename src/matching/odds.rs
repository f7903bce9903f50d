//! Odds and probabilities: what a score in bits stands for, and the score of a probability.

use super::settings::{Millibits, Ppm};

/// Returns the probability that odds stand for.
pub(super) fn probability(bits: Millibits) -> f64 {
    1.0 / (1.0 + libm::exp2(-f64::from(bits) / 1000.0))
}

/// Returns the score at which the probability of a pair is so large.
pub(crate) fn bits_of(probability: Ppm) -> Millibits {
    let share = f64::from(probability.clamp(1, 999_999)) / 1e6;
    #[expect(clippy::cast_possible_truncation, reason = "at most twenty bits")]
    let bits = libm::round(libm::log2(share / (1.0 - share)) * 1000.0) as Millibits;
    bits
}

//! Reading the values of `[aggregate]` and of its tables.

use super::draft::DraftRounding;
use crate::problem::Problem;
use crate::toml::{Collected, Section};

/// Reads a whole number that counts something.
pub(super) fn count(
    section: &Section<'_>,
    key: &str,
    bounds: std::ops::RangeInclusive<i64>,
    problems: &mut Collected,
) -> Option<u64> {
    let count = section.integer(key, bounds, problems);
    count.and_then(|count| u64::try_from(count).ok())
}

/// The problem of what a later version will have.
pub(super) fn later(section: &Section<'_>, key: &str, what: &str) -> Problem {
    let message = format!("{what} is not available yet");
    Problem::error("aggregate.later", section.place_of(key), message)
}

/// Reads how results are rounded.
pub(super) fn rounding(section: &Section<'_>, problems: &mut Collected) -> DraftRounding {
    if section.has("digits") && section.has("places") {
        let message = "`digits` and `places` exclude each other";
        let problem = Problem::error("aggregate.rounding", section.place_of("places"), message);
        problems.add(problem.help("keep `places` for a fixed number of decimal places"));
    }
    let mut small = |key, bounds| {
        let number = section.integer(key, bounds, problems);
        number.and_then(|number| u8::try_from(number).ok())
    };
    DraftRounding {
        digits: small("digits", 1..=28),
        places: small("places", 0..=28),
    }
}

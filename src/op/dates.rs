//! Formats and zones among the settings of operations.

use chrono_tz::Tz;

use crate::datetime::{self, FormatError};
use crate::problem::{Place, Problem};

/// What is wrong with a format, as a problem of the stage file.
pub(super) fn problem(error: FormatError, place: Option<&Place>) -> Problem {
    Problem::error("date.format", place.cloned(), error.message).help(error.help)
}

/// A zone by its name in the IANA database.
pub(super) fn zone(name: &str, place: Option<&Place>) -> Result<Tz, Problem> {
    datetime::zone(name).ok_or_else(|| {
        let message = format!("`{name}` is no time zone");
        Problem::error("date.zone", place.cloned(), message)
            .help("write `UTC`, or a name of the IANA database such as `Europe/Berlin`")
            .did_you_mean(name, datetime::zone_names())
    })
}

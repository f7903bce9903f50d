//! Formats and zones among the settings of operations.

use chrono_tz::Tz;

use crate::datetime::{self, FormatError};
use crate::problem::{Place, Problem};

/// Turns an error of a format into a problem of the stage file.
pub(crate) fn problem(error: FormatError, place: Option<&Place>) -> Problem {
    Problem::error("date.format", place.cloned(), error.message).help(error.help)
}

/// Returns a zone by its name in the IANA database.
pub(crate) fn zone(name: &str, place: Option<&Place>) -> Result<Tz, Problem> {
    datetime::zone(name).ok_or_else(|| {
        let message = format!("`{name}` is not a time zone");
        Problem::error("date.zone", place.cloned(), message)
            .help("write `UTC`, or a name of the IANA database such as `Europe/Berlin`")
            .did_you_mean(name, datetime::zone_names())
    })
}

/// Returns a warning where two of the formats can read the same text differently.
pub(crate) fn ambiguous(formats: &[&str], help: &str) -> Option<Problem> {
    let [first, second] = swapped(formats)?;
    let message =
        format!("`{first}` and `{second}` can read the same string differently; the first one wins");
    Some(Problem::warning("check.ambiguous_formats", None, message).help(help))
}

/// Returns two of the formats that differ in the order of day and month, so that they read many dates differently.
fn swapped<'f>(formats: &[&'f str]) -> Option<[&'f str; 2]> {
    let mut pairs = formats.iter().enumerate().flat_map(|(nth, first)| {
        let later = formats[nth + 1..].iter();
        later.map(move |second| [*first, *second])
    });
    pairs.find(|[first, second]| {
        plain(first) == day_for_month(&plain(second)) && plain(first) != plain(second)
    })
}

/// Removes from a format what sets the number of digits: `%-d` and `%e` are `%d`.
fn plain(format: &str) -> String {
    format.replace("%-", "%").replace("%e", "%d").replace("%y", "%Y")
}

fn day_for_month(format: &str) -> String {
    format
        .replace("%d", "%\0")
        .replace("%m", "%d")
        .replace("%\0", "%m")
}

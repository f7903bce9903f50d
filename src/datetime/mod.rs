//! Dates: formats in the notation of `strftime`, parsing a text by a format, and writing a moment. Operations and
//! functions share this notation; `docs/dates.md` describes each specifier.
//!
//! Every moment that this module accepts can be written: its year is between 1 and 9999, in UTC as well, and its second
//! is not a leap second, which computer clocks do not count.

use chrono_tz::{TZ_VARIANTS, Tz};

mod calendar;
mod cursor;
mod error;
mod format;
mod iso;
mod moment;
mod read;
mod slips;
mod specifier;
mod steps;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use error::FormatError;
pub(crate) use format::{ReadFormat, WriteFormat, form};
pub(crate) use moment::{Moment, Unread, Unwritten};
pub(crate) use read::read_first;

/// Returns the zone with this name in the IANA database.
pub(crate) fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Returns the names of all zones.
pub(crate) fn zone_names() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

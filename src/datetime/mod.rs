//! The language of dates: formats in the notation of `strftime`, what a text in a format says, and how a moment is
//! written. Operations and functions use this one; `docs/dates.md` says what each specifier means.
//!
//! A moment that exists can be written: its year lies between 1 and 9999, in UTC as well, and its second is none of the
//! leap seconds, which no clock of a computer keeps.

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

/// A zone by its name in the IANA database.
pub(crate) fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The names of all zones.
pub(crate) fn zone_names() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

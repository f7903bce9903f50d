//! A moment, and why a text cannot be read as one, or a moment cannot be written.

use std::cmp::Ordering;

use chrono::{
    DateTime, Datelike as _, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _, Utc,
};
use chrono_tz::Tz;

/// A day or a time, as a text states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A day.
    Day(NaiveDate),
    /// A time without a zone.
    Local(NaiveDateTime),
    /// An instant, with the offset that it was written with.
    Instant(DateTime<FixedOffset>),
}

/// Why a text is not a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The text is not in the format.
    Unparsed,
    /// The text is in the format, but the calendar does not have the day.
    NoSuchDay,
    /// The fraction of the second has more than nine digits.
    TooPrecise,
    /// The second is a leap second, 60.
    LeapSecond,
    /// The year is not between 1 and 9999.
    OutOfRange,
    /// The clocks of the zone skipped the time.
    Skipped,
    /// The clocks of the zone showed the time twice.
    Twice,
}

/// Why a moment cannot be written in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// The format has a time or an offset, and the moment has none.
    Incomplete,
    /// The format has six digits for a fraction that needs nine.
    TooPrecise,
    /// The offset has seconds, and the format cannot write them.
    OffsetSeconds,
    /// In its zone the year is not between 1 and 9999.
    OutOfRange,
}

/// Whether a year can be written with four digits and is in the calendar.
pub(super) fn is_in_range(year: i32) -> bool {
    (1..=9999).contains(&year)
}

impl Unread {
    /// Returns the last word of a refusal's code.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Unparsed | Self::NoSuchDay => "unparsed",
            Self::TooPrecise => "too_precise",
            Self::LeapSecond => "leap_second",
            Self::OutOfRange => "out_of_range",
            Self::Skipped => "no_such_time",
            Self::Twice => "two_such_times",
        }
    }

    /// Returns what was expected; `form` describes the format that the text was read with.
    pub(crate) fn expected(self, form: &str) -> &str {
        match self {
            Self::Unparsed => form,
            Self::NoSuchDay => "a day that exists in the calendar",
            Self::TooPrecise => "a fraction of a second of at most nine digits",
            Self::LeapSecond => "a second from 00 to 59: leap seconds are not supported",
            Self::OutOfRange => "a year from 0001 to 9999, in UTC as well",
            Self::Skipped => "a time that the zone's clocks did not skip",
            Self::Twice => "a time that the zone's clocks showed only once",
        }
    }
}

impl Unwritten {
    /// Returns the last word of a refusal's code.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::TooPrecise => "too_precise",
            Self::OffsetSeconds => "offset_seconds",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// Returns what was expected.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Incomplete => "a date or time with every part that the format writes",
            Self::TooPrecise => "a fraction of at most six digits for %f; %.f writes every digit",
            Self::OffsetSeconds => "an offset of whole minutes; %::z writes its seconds",
            Self::OutOfRange => "a year from 0001 to 9999 in the zone of the result",
        }
    }
}

impl Moment {
    /// Creates an instant, where its year can be written.
    pub(super) fn instant(instant: DateTime<FixedOffset>) -> Result<Self, Unread> {
        let years = [instant.year(), instant.naive_utc().year()];
        if years.into_iter().all(is_in_range) {
            Ok(Self::Instant(instant))
        } else {
            Err(Unread::OutOfRange)
        }
    }

    /// Creates the instant of a local time this many seconds east of UTC.
    pub(super) fn at_offset(local: NaiveDateTime, seconds: i32) -> Result<Self, Unread> {
        let offset = FixedOffset::east_opt(seconds).ok_or(Unread::Unparsed)?;
        let utc = local.checked_sub_offset(offset).ok_or(Unread::OutOfRange)?;
        if is_in_range(local.year()) && is_in_range(utc.year()) {
            Ok(Self::Instant(DateTime::from_naive_utc_and_offset(utc, offset)))
        } else {
            Err(Unread::OutOfRange)
        }
    }

    /// Creates an instant from microseconds since 1970 UTC.
    pub(crate) fn from_microseconds(microseconds: i64) -> Result<Self, Unread> {
        let instant = DateTime::<Utc>::from_timestamp_micros(microseconds).ok_or(Unread::OutOfRange)?;
        Self::instant(instant.fixed_offset())
    }

    /// Returns the instant of a local time in a zone. A day and an instant remain unchanged.
    pub(crate) fn in_zone(self, zone: Option<Tz>) -> Result<Self, Unread> {
        let (Self::Local(local), Some(zone)) = (self, zone) else {
            return Ok(self);
        };
        match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) => Self::instant(instant.fixed_offset()),
            LocalResult::None => Err(Unread::Skipped),
            LocalResult::Ambiguous(..) => Err(Unread::Twice),
        }
    }

    /// Returns the instant at which a day begins in a zone; anything else as [`in_zone`](Self::in_zone).
    pub(crate) fn beginning_in_zone(self, zone: Tz) -> Result<Self, Unread> {
        let moment = match self {
            Self::Day(day) => Self::Local(day.and_time(chrono::NaiveTime::MIN)),
            other => other,
        };
        moment.in_zone(Some(zone))
    }

    /// Returns an instant in the local time of a zone; anything else unchanged.
    pub(crate) fn shown_in(self, zone: Tz) -> Self {
        match self {
            Self::Instant(instant) => Self::Instant(instant.with_timezone(&zone).fixed_offset()),
            other => other,
        }
    }

    /// Returns an instant in UTC; anything else unchanged.
    pub(crate) fn in_utc(self) -> Self {
        match self {
            Self::Instant(instant) => Self::Instant(instant.to_utc().fixed_offset()),
            other => other,
        }
    }

    /// Returns the point in time, where it is an instant.
    pub(crate) fn as_instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Instant(instant) => Some(instant.to_utc()),
            Self::Day(_) | Self::Local(_) => None,
        }
    }

    /// Compares two moments: instants by their point in time, whatever their offsets; `None` between different kinds.
    pub(crate) fn compared(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Day(left), Self::Day(right)) => Some(left.cmp(right)),
            (Self::Local(left), Self::Local(right)) => Some(left.cmp(right)),
            (Self::Instant(left), Self::Instant(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

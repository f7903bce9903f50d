//! Dates and instants inside expressions.

use std::cmp::Ordering;
use std::fmt;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::fault::Fault;

/// A day, or an instant with the offset it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Day(NaiveDate),
    Instant(DateTime<FixedOffset>),
}

/// What a format tells, beyond the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tells {
    time: bool,
    offset: bool,
}

impl Tells {
    /// Whether what it reads is a time of day in a zone that it does not say.
    pub(super) fn needs_zone(self) -> bool {
        self.time && !self.offset
    }
}

/// What a chrono format tells; `None` where it is no format.
pub(super) fn tells(format: &str) -> Option<Tells> {
    let mut tells = Tells {
        time: false,
        offset: false,
    };
    for item in StrftimeItems::new(format) {
        match item {
            Item::Error => return None,
            Item::Numeric(Numeric::Timestamp, _) | Item::Fixed(Fixed::RFC2822 | Fixed::RFC3339) => {
                tells = Tells {
                    time: true,
                    offset: true,
                };
            }
            Item::Numeric(
                Numeric::Hour | Numeric::Hour12 | Numeric::Minute | Numeric::Second | Numeric::Nanosecond,
                _,
            ) => tells.time = true,
            Item::Fixed(
                Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ,
            ) => tells.offset = true,
            _ => {}
        }
    }
    Some(tells)
}

fn unreadable() -> Fault {
    Fault::new("expression.date", "a date in the declared format")
}

/// Reads a date. A format with a time of day but without an offset needs a zone.
pub(super) fn read(text: &str, format: &str, zone: Option<Tz>) -> Result<Moment, Fault> {
    let tells = tells(format).ok_or_else(|| Fault::new("expression.date", "a date format"))?;
    let mut parsed = Parsed::new();
    parse(&mut parsed, text.trim(), StrftimeItems::new(format)).map_err(|_| unreadable())?;
    if tells.offset {
        let instant = parsed.to_datetime().map_err(|_| unreadable())?;
        return Ok(Moment::Instant(instant));
    }
    let day = parsed.to_naive_date().map_err(|_| unreadable())?;
    let Some(zone) = zone else {
        if tells.time {
            let expected = "a zone: date(text, format, \"UTC\"), because the format has a time and no offset";
            return Err(Fault::new("expression.date", expected));
        }
        return Ok(Moment::Day(day));
    };
    let time = if tells.time {
        parsed.to_naive_time().map_err(|_| unreadable())?
    } else {
        chrono::NaiveTime::MIN
    };
    in_zone(NaiveDateTime::new(day, time), zone).map(Moment::Instant)
}

fn in_zone(time: NaiveDateTime, zone: Tz) -> Result<DateTime<FixedOffset>, Fault> {
    match zone.from_local_datetime(&time) {
        MappedLocalTime::Single(instant) => Ok(instant.fixed_offset()),
        _ => Err(Fault::new(
            "expression.date",
            "a time that the zone has exactly once (not one that a clock change skips or repeats)",
        )),
    }
}

impl Moment {
    /// An instant of the pass, in microseconds since 1970 UTC.
    pub(super) fn from_microseconds(microseconds: i64) -> Result<Self, Fault> {
        DateTime::<Utc>::from_timestamp_micros(microseconds)
            .map(|instant| Self::Instant(instant.fixed_offset()))
            .ok_or_else(|| Fault::new("expression.date", "a time that the calendar has"))
    }

    /// The text in a format, in a zone where one is given.
    pub(super) fn written(&self, format: &str, zone: Option<Tz>) -> Result<String, Fault> {
        use fmt::Write as _;
        let mut text = String::new();
        let items = StrftimeItems::new(format);
        let done = match (self, zone) {
            (Self::Day(day), _) => write!(text, "{}", day.format_with_items(items)),
            (Self::Instant(instant), None) => write!(text, "{}", instant.format_with_items(items)),
            (Self::Instant(instant), Some(zone)) => {
                let local = instant.with_timezone(&zone).fixed_offset();
                write!(text, "{}", local.format_with_items(items))
            }
        };
        done.map_err(|_| Fault::new("expression.date", "a format that the date can be written in"))?;
        Ok(text)
    }

    /// Which is earlier; `None` between a day and an instant, which are unlike.
    pub(super) fn compared(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Day(left), Self::Day(right)) => Some(left.cmp(right)),
            (Self::Instant(left), Self::Instant(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl fmt::Display for Moment {
    /// ISO 8601, `Z` for UTC, a fraction of the second only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Instant(instant) => {
                f.write_str(&instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
            }
        }
    }
}

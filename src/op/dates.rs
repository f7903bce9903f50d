//! Dates: declared formats, zones, and what a text in a format says.

use std::fmt::Write as _;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike as _, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::problem::{Place, Problem};

/// A format in the notation of strftime.
#[derive(Clone, Debug)]
pub(super) struct DateFormat {
    text: String,
    items: Vec<Item<'static>>,
    has_time: bool,
    offset: Offset,
    /// Two numbers without anything between them: only their full width tells where one ends.
    is_packed: bool,
}

/// What a format says about the offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    /// Nothing.
    Absent,
    /// It is written, `%z`.
    Written,
    /// It is UTC: seconds since 1970, or a `Z` after the time.
    Utc,
}

/// What a text in a format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A day.
    Date(NaiveDate),
    /// A time on some clock, nobody said where.
    Local(NaiveDateTime),
    /// An instant.
    Instant(DateTime<FixedOffset>),
}

/// Why a local time is no instant in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoInstant {
    /// The clocks skipped it.
    Skipped,
    /// The clocks showed it twice.
    Twice,
}

impl DateFormat {
    /// A format to write with.
    pub(super) fn writing(text: &str, place: Option<&Place>) -> Result<Self, Problem> {
        let problem = |message: String| {
            Problem::error("date.format", place.cloned(), message).help(
                "formats are written as for strftime: %Y-%m-%d, %d/%m/%Y %H:%M:%S, %Y-%m-%dT%H:%M:%S%:z",
            )
        };
        let items = StrftimeItems::new(text)
            .parse_to_owned()
            .map_err(|_| problem(format!("`{text}` is no date format")))?;
        let is_number = |item: &Item<'_>| matches!(item, Item::Numeric(..));
        let format = Self {
            text: text.to_owned(),
            has_time: items.iter().any(is_time),
            offset: offset(&items),
            is_packed: items.windows(2).any(|pair| pair.iter().all(is_number)),
            items,
        };
        match format.write(&Moment::Instant(sample())) {
            Some(_) => Ok(format),
            None => Err(problem(format!("`{text}` cannot be written"))),
        }
    }

    /// A format to read with: it must say which day it is, and the whole time if any of it.
    pub(super) fn reading(text: &str, place: Option<&Place>) -> Result<Self, Problem> {
        let format = Self::writing(text, place)?;
        let names_zone = format
            .items
            .iter()
            .any(|item| matches!(item, Item::Fixed(Fixed::TimezoneName)));
        if names_zone {
            let message = format!("`{text}` reads the name of a zone (%Z), which does not say its offset");
            return Err(Problem::error("date.format", place.cloned(), message)
                .help("read the offset with %z, or declare the zone and read the rest"));
        }
        let written = format.write(&Moment::Instant(sample())).unwrap_or_default();
        if format.read(&written).is_none() {
            let message = format!("`{text}` does not say which day, or not the whole time");
            return Err(Problem::error("date.format", place.cloned(), message)
                .help("a day needs year, month and day; a time hours and minutes (%H, or %I with %p)"));
        }
        Ok(format)
    }

    /// The format as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has a time, but nothing about its offset.
    pub(super) fn is_naive(&self) -> bool {
        self.has_time && self.offset == Offset::Absent
    }

    /// Whether it has no time.
    pub(super) fn is_date_only(&self) -> bool {
        !self.has_time
    }

    /// What a text says, if the whole of it is in this format. Years have four digits: in the format `%Y`, `24` is
    /// not the year 24.
    pub(super) fn read(&self, text: &str) -> Option<Moment> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        let local = |parsed: &Parsed| parsed.to_naive_datetime_with_offset(0).ok();
        let moment = match self.offset {
            _ if !self.has_time => Moment::Date(parsed.to_naive_date().ok()?),
            Offset::Absent => Moment::Local(local(&parsed)?),
            Offset::Written => Moment::Instant(parsed.to_datetime().ok()?),
            Offset::Utc => Moment::Instant(local(&parsed)?.and_utc().fixed_offset()),
        };
        let digits = |text: &str| {
            let whole = text.split('.').next().unwrap_or_default();
            whole.bytes().filter(u8::is_ascii_digit).count()
        };
        if self.is_packed && digits(text) != digits(&self.write(&moment)?) {
            return None;
        }
        (1000..=9999).contains(&moment.year()).then_some(moment)
    }

    /// The moment in this format; `None` where the format needs more than the moment has.
    pub(super) fn write(&self, moment: &Moment) -> Option<String> {
        let items = self.items.iter();
        let mut text = String::new();
        let written = match moment {
            Moment::Date(_) if self.has_time || self.offset != Offset::Absent => return None,
            Moment::Local(_) if self.offset != Offset::Absent => return None,
            Moment::Date(date) => write!(text, "{}", date.format_with_items(items)),
            Moment::Local(time) => write!(text, "{}", time.format_with_items(items)),
            Moment::Instant(instant) if self.offset == Offset::Utc => {
                write!(text, "{}", instant.to_utc().format_with_items(items))
            }
            Moment::Instant(instant) => write!(text, "{}", instant.format_with_items(items)),
        };
        written.ok().map(|()| text)
    }
}

impl Moment {
    /// What an ISO 8601 text says: a day, or a time with or without its offset.
    pub(super) fn iso(text: &str) -> Option<Self> {
        let moment = if text.len() == 10 {
            Self::Date(text.parse().ok()?)
        } else if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            Self::Instant(instant)
        } else {
            let seconds = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
            Self::Local(seconds.ok().filter(|_| text.len() >= 19)?)
        };
        (1000..=9999).contains(&moment.year()).then_some(moment)
    }

    /// The instant of a local time in a zone; a day and an instant stay what they are.
    pub(super) fn in_zone(self, zone: Option<Tz>) -> Result<Self, NoInstant> {
        let (Self::Local(local), Some(zone)) = (self, zone) else {
            return Ok(self);
        };
        match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) => Ok(Self::Instant(instant.fixed_offset())),
            LocalResult::None => Err(NoInstant::Skipped),
            LocalResult::Ambiguous(..) => Err(NoInstant::Twice),
        }
    }

    fn year(&self) -> i32 {
        match self {
            Self::Date(date) => date.year(),
            Self::Local(time) => time.year(),
            Self::Instant(instant) => instant.year(),
        }
    }
}

/// A zone by its name in the IANA database.
pub(super) fn zone(name: &str, place: Option<&Place>) -> Result<Tz, Problem> {
    name.parse().map_err(|_| {
        let message = format!("`{name}` is no time zone");
        Problem::error("date.zone", place.cloned(), message)
            .help("write `UTC`, or a name of the IANA database such as `Europe/Berlin`")
            .did_you_mean(name, TZ_VARIANTS.iter().map(|zone| zone.name()))
    })
}

fn is_time(item: &Item<'_>) -> bool {
    use Fixed::{
        Internal, LowerAmPm, Nanosecond, Nanosecond3, Nanosecond6, Nanosecond9, RFC2822, RFC3339, UpperAmPm,
    };
    use Numeric::{Hour, Hour12, Minute, Second, Timestamp};
    match item {
        Item::Numeric(number, _) => {
            matches!(
                number,
                Hour | Hour12 | Minute | Second | Numeric::Nanosecond | Timestamp
            )
        }
        Item::Fixed(fixed) => {
            let clock = matches!(fixed, LowerAmPm | UpperAmPm | RFC2822 | RFC3339);
            clock
                || matches!(
                    fixed,
                    Nanosecond | Nanosecond3 | Nanosecond6 | Nanosecond9 | Internal(_)
                )
        }
        _ => false,
    }
}

fn offset(items: &[Item<'_>]) -> Offset {
    use Fixed::{
        RFC2822, RFC3339, TimezoneOffset, TimezoneOffsetColon, TimezoneOffsetColonZ,
        TimezoneOffsetDoubleColon, TimezoneOffsetTripleColon, TimezoneOffsetZ,
    };
    let is_written = |item: &Item<'_>| {
        let Item::Fixed(fixed) = item else { return false };
        let colons = matches!(
            fixed,
            TimezoneOffsetColon | TimezoneOffsetDoubleColon | TimezoneOffsetTripleColon
        );
        colons
            || matches!(
                fixed,
                TimezoneOffset | TimezoneOffsetZ | TimezoneOffsetColonZ | RFC2822 | RFC3339
            )
    };
    let z_follows = |pair: &[Item<'_>]| {
        is_time(&pair[0])
            && match &pair[1] {
                Item::Literal(text) => text.starts_with('Z'),
                Item::OwnedLiteral(text) => text.starts_with('Z'),
                _ => false,
            }
    };
    let is_timestamp = |item: &Item<'_>| matches!(item, Item::Numeric(Numeric::Timestamp, _));
    if items.iter().any(is_written) {
        Offset::Written
    } else if items.iter().any(is_timestamp) || items.windows(2).any(z_follows) {
        Offset::Utc
    } else {
        Offset::Absent
    }
}

/// A moment that formats are tried with; all its parts differ.
fn sample() -> DateTime<FixedOffset> {
    DateTime::UNIX_EPOCH.fixed_offset() + chrono::TimeDelta::seconds(981_173_106)
}

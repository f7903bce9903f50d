//! ISO 8601 as restricted by RFC 3339: `2024-01-31`, `2024-01-31T12:00:00.250+02:00`, and a time without its offset.

use std::fmt;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

use super::cursor::TextCursor;
use super::moment::{Moment, Unread};
use super::specifier::{Colons, Fraction, Pad};
use super::write::{push_fraction, push_number, push_offset};

/// As many digits as needed, in groups of three.
const FRACTION: Fraction = Fraction {
    dot: true,
    places: None,
};

impl Moment {
    /// Parses an ISO 8601 text: a day, or a time with or without its offset, written as RFC 3339 requires.
    pub(crate) fn iso(text: &str) -> Result<Self, Unread> {
        read(text)
    }
}

impl fmt::Display for Moment {
    /// Writes ISO 8601; an instant is always a valid time of RFC 3339: `Z` for UTC, and a fraction of 3, 6 or 9 digits
    /// only where needed. An offset with seconds, which RFC 3339 does not allow, becomes UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self))
    }
}

/// Reads a moment. No part may be missing and no number shorter; between day and time is `T`, `t` or a blank.
fn read(text: &str) -> Result<Moment, Unread> {
    let mut cursor = TextCursor::new(text);
    let year = cursor.exactly(4)?;
    cursor.take(b"-")?;
    let month = cursor.exactly(2)?;
    cursor.take(b"-")?;
    let day = cursor.exactly(2)?;
    let year = i32::try_from(year).map_err(|_| Unread::Unparsed)?;
    let day = NaiveDate::from_ymd_opt(year, month, day).ok_or(Unread::NoSuchDay)?;
    if year == 0 {
        return Err(Unread::OutOfRange);
    }
    if cursor.rest().is_empty() {
        return Ok(Moment::Day(day));
    }
    cursor.take(b"Tt ")?;
    let hour = cursor.exactly(2)?;
    cursor.take(b":")?;
    let minute = cursor.exactly(2)?;
    cursor.take(b":")?;
    let second = cursor.exactly(2)?;
    let nanosecond = cursor.fraction(FRACTION)?;
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second.min(59), nanosecond);
    let time = time.filter(|_| second <= 60).ok_or(Unread::Unparsed)?;
    let local = NaiveDateTime::new(day, time);
    let moment = match cursor.rest() {
        "" => Moment::Local(local),
        rest => Moment::at_offset(local, offset(rest).ok_or(Unread::Unparsed)?)?,
    };
    if second == 60 {
        Err(Unread::LeapSecond)
    } else {
        Ok(moment)
    }
}

/// Reads `Z`, `z`, `+hh:mm` or `-hh:mm`, in seconds.
fn offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut cursor = TextCursor::new(&text[1..]);
    let hours = cursor.exactly(2).ok().filter(|hours| *hours < 24)?;
    cursor.take(b":").ok()?;
    let minutes = cursor.exactly(2).ok().filter(|minutes| *minutes < 60)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    cursor.rest().is_empty().then_some(sign * seconds)
}

/// Writes a moment.
fn written(moment: &Moment) -> String {
    let mut text = String::with_capacity(35);
    match *moment {
        Moment::Day(day) => push_day(&mut text, day),
        Moment::Local(local) => push_local(&mut text, local),
        Moment::Instant(instant) => match instant.offset().local_minus_utc() {
            offset if offset != 0 && offset % 60 == 0 => {
                push_local(&mut text, instant.naive_local());
                // Whole minutes can always be written.
                let _ = push_offset(&mut text, offset, Colons::One);
            }
            _ => {
                push_local(&mut text, instant.naive_utc());
                text.push('Z');
            }
        },
    }
    text
}

fn push_day(text: &mut String, day: NaiveDate) {
    push_number(text, day.year().unsigned_abs(), 4, Pad::Zero);
    for number in [day.month(), day.day()] {
        text.push('-');
        push_number(text, number, 2, Pad::Zero);
    }
}

fn push_local(text: &mut String, local: NaiveDateTime) {
    push_day(text, local.date());
    let mut before = 'T';
    for number in [local.hour(), local.minute(), local.second()] {
        text.push(before);
        push_number(text, number, 2, Pad::Zero);
        before = ':';
    }
    // All nine digits can be written.
    let _ = push_fraction(text, local.nanosecond(), FRACTION);
}

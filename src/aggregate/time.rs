//! Reading the time of a reading.

use chrono_tz::Tz;

use super::day::{SECOND, beginning, day_of, in_range};
use crate::datetime::{Moment, ReadFormat, Unread, read_first};

/// Reads the time of a reading, in microseconds since 1970 UTC; a finer fraction is cut off, towards the past.
#[derive(Clone, Debug)]
pub(crate) struct TimeReader {
    /// Empty: RFC 3339.
    formats: Vec<ReadFormat>,
    /// The zone of times without an offset.
    zone: Option<Tz>,
}

impl TimeReader {
    /// Reads RFC 3339.
    pub(crate) fn rfc3339() -> Self {
        Self {
            formats: Vec::new(),
            zone: None,
        }
    }

    /// Reads these formats, tried in this order. A format with a time and no offset needs the zone. Without formats,
    /// reads RFC 3339, and with the zone also a day, or a time without an offset, written like that.
    pub(crate) fn new(formats: Vec<ReadFormat>, zone: Option<Tz>) -> Self {
        Self { formats, zone }
    }

    /// Reads a text. A day without a time counts as its beginning in the zone, or in UTC.
    #[inline]
    pub(crate) fn read(&self, text: &str) -> Result<i64, Unread> {
        if self.formats.is_empty()
            && let Some(at) = rfc3339(text.as_bytes())
        {
            return Ok(at);
        }
        self.read_moment(text)
    }

    fn read_moment(&self, text: &str) -> Result<i64, Unread> {
        let moment = if self.formats.is_empty() {
            match Moment::iso(text)? {
                Moment::Day(_) | Moment::Local(_) if self.zone.is_none() => return Err(Unread::Unparsed),
                moment => moment,
            }
        } else {
            read_first(&self.formats, text)?.1
        };
        if let Moment::Day(day) = moment {
            let zone = self.zone.unwrap_or(Tz::UTC);
            let at = beginning(day, zone)
                .and_then(in_range)
                .ok_or(Unread::OutOfRange)?;
            // A day that the zone skips as a whole begins with the next one.
            return if day_of(at, zone) == Some(day) {
                Ok(at)
            } else {
                Err(Unread::Skipped)
            };
        }
        let instant = moment.in_zone(self.zone)?.as_instant();
        instant
            .map(|instant| instant.timestamp_micros())
            .ok_or(Unread::Unparsed)
    }
}

/// Reads RFC 3339, the form nearly all readings have. `None`: it is something else, or an error that
/// [`Moment::iso`] explains.
#[inline]
fn rfc3339(text: &[u8]) -> Option<i64> {
    let (head, mut rest) = text.split_first_chunk::<19>()?;
    let are_between =
        [head[4], head[7], head[13], head[16]] == *b"--::" && matches!(head[10], b'T' | b't' | b' ');
    if !are_between {
        return None;
    }
    let year = two(head, 0)? * 100 + two(head, 2)?;
    let (month, day) = (two(head, 5)?, two(head, 8)?);
    let (hour, minute, second) = (two(head, 11)?, two(head, 14)?, two(head, 17)?);
    let is_real = year > 0
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !is_real {
        return None;
    }
    let mut microseconds = 0;
    if let Some((b'.', digits)) = rest.split_first() {
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let places = digits[..count].iter().chain(b"00000").take(6);
        microseconds = places.fold(0, |all, digit| all * 10 + i64::from(digit - b'0'));
        rest = &digits[count..];
    }
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two(rest, 1)?, two(rest, 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let seconds = days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    in_range(seconds * SECOND + microseconds)
}

/// Reads two digits.
#[inline]
fn two(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

#[inline]
fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from 1970-01-01 to a day. Years are counted from March, so that a leap day is the last of its year.
#[inline]
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests;

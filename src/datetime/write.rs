//! Writing a moment in a format.

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _};

use super::calendar::{self, MONTHS, WEEKDAYS};
use super::format::{Offset, WriteFormat};
use super::moment::{Moment, Unwritten, is_in_range};
use super::specifier::{Colons, DateNumber, FormatPart, Fraction, Pad};

/// A moment in its parts.
struct MomentParts {
    day: NaiveDate,
    /// Midnight where the moment has no time; then no format asks for it.
    time: NaiveTime,
    /// Seconds east of UTC, and seconds since 1970 UTC.
    instant: Option<(i32, i64)>,
}

impl WriteFormat {
    /// Writes the moment in this format.
    pub(crate) fn write(&self, moment: &Moment) -> Result<String, Unwritten> {
        let shown = match *moment {
            Moment::Day(_) if self.tells.time || self.tells.offset != Offset::Absent => {
                return Err(Unwritten::Incomplete);
            }
            Moment::Local(_) if self.tells.offset != Offset::Absent => return Err(Unwritten::Incomplete),
            Moment::Day(day) => MomentParts {
                day,
                time: NaiveTime::MIN,
                instant: None,
            },
            Moment::Local(local) => MomentParts {
                day: local.date(),
                time: local.time(),
                instant: None,
            },
            Moment::Instant(instant) => {
                let instant = match self.tells.offset {
                    Offset::Utc => instant.to_utc().fixed_offset(),
                    Offset::Absent | Offset::Written => instant,
                };
                let local = instant.naive_local();
                MomentParts {
                    day: local.date(),
                    time: local.time(),
                    instant: Some((instant.offset().local_minus_utc(), instant.timestamp())),
                }
            }
        };
        if !is_in_range(shown.day.year()) {
            return Err(Unwritten::OutOfRange);
        }
        let mut text = String::with_capacity(2 * self.text().len());
        for part in &self.parts {
            shown.write(part, &mut text)?;
        }
        Ok(text)
    }
}

impl MomentParts {
    fn write(&self, part: &FormatPart, text: &mut String) -> Result<(), Unwritten> {
        match part {
            FormatPart::Literal(own) | FormatPart::Blank(own) => text.push_str(own),
            FormatPart::Number(number, pad) => push_number(text, self.number(*number), number.width(), *pad),
            FormatPart::Month { whole } => push_name(text, MONTHS[self.day.month0() as usize], *whole),
            FormatPart::Weekday { whole } => {
                push_name(text, WEEKDAYS[calendar::from_monday(self.day) as usize], *whole);
            }
            FormatPart::Half { small } => text.push_str(match (self.time.hour() < 12, small) {
                (true, false) => "AM",
                (true, true) => "am",
                (false, false) => "PM",
                (false, true) => "pm",
            }),
            FormatPart::Fraction(fraction) => push_fraction(text, self.time.nanosecond(), *fraction)?,
            FormatPart::Offset(colons) => {
                let (offset, _) = self.instant.ok_or(Unwritten::Incomplete)?;
                push_offset(text, offset, *colons)?;
            }
            FormatPart::Epoch => {
                let (_, seconds) = self.instant.ok_or(Unwritten::Incomplete)?;
                text.push_str(&seconds.to_string());
            }
        }
        Ok(())
    }

    fn number(&self, number: DateNumber) -> u32 {
        match number {
            DateNumber::Hour => self.time.hour(),
            DateNumber::Hour12 => self.time.hour12().1,
            DateNumber::Minute => self.time.minute(),
            DateNumber::Second => self.time.second(),
            // Here years are from 1 to 9999, and all other numbers are positive too.
            number => calendar::number(self.day, number).unsigned_abs(),
        }
    }
}

fn push_name(text: &mut String, name: &str, whole: bool) {
    text.push_str(if whole { name } else { &name[..3] });
}

/// Appends digits, padded to the width.
pub(super) fn push_number(text: &mut String, number: u32, width: usize, pad: Pad) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let fill = match pad {
        Pad::Zero => Some('0'),
        Pad::Blank => Some(' '),
        Pad::None => None,
    };
    if let Some(fill) = fill {
        let missing = width.saturating_sub(digits.len() - at);
        text.extend(std::iter::repeat_n(fill, missing));
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// Appends the fraction. `%f` has six digits as in Python, and fails where more are needed; `%.f` has as many as
/// needed, in groups of three; `%.3f` and the like have a fixed number, and drop the rest as `%H:%M` drops the seconds.
pub(super) fn push_fraction(
    text: &mut String,
    nanoseconds: u32,
    fraction: Fraction,
) -> Result<(), Unwritten> {
    let places = match fraction.places {
        Some(places) => u32::from(places),
        None if !fraction.dot && !nanoseconds.is_multiple_of(1000) => return Err(Unwritten::TooPrecise),
        None if !fraction.dot => 6,
        None if nanoseconds == 0 => return Ok(()),
        None if nanoseconds.is_multiple_of(1_000_000) => 3,
        None if nanoseconds.is_multiple_of(1000) => 6,
        None => 9,
    };
    if fraction.dot {
        text.push('.');
    }
    let digits = nanoseconds / 10_u32.pow(9 - places);
    push_number(text, digits, places as usize, Pad::Zero);
    Ok(())
}

/// Appends the offset. One that is not a whole number of minutes is written with its seconds or not at all.
pub(super) fn push_offset(text: &mut String, offset: i32, colons: Colons) -> Result<(), Unwritten> {
    text.push(if offset < 0 { '-' } else { '+' });
    let offset = offset.unsigned_abs();
    push_number(text, offset / 3600, 2, Pad::Zero);
    if colons != Colons::None {
        text.push(':');
    }
    push_number(text, offset / 60 % 60, 2, Pad::Zero);
    if colons == Colons::Two {
        text.push(':');
        push_number(text, offset % 60, 2, Pad::Zero);
    } else if !offset.is_multiple_of(60) {
        return Err(Unwritten::OffsetSeconds);
    }
    Ok(())
}

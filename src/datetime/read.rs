//! Reading a text by a format.

use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _,
};

use super::calendar;
use super::cursor::TextCursor;
use super::format::{Offset, ReadFormat};
use super::moment::{Moment, Unread, is_in_range};
use super::specifier::DateNumber;
use super::steps::{Day, Digits, HALF, PLACES, ReadStep, WEEKDAY};

/// The numbers read so far; -1 for a number that was not read.
struct DateFields {
    numbers: [i16; PLACES],
    nanoseconds: Option<u32>,
    offset: Option<i32>,
    epoch: Option<i64>,
    /// The seconds are before 1970, where a fraction goes further back.
    is_before_epoch: bool,
    /// The year has more than four digits.
    is_beyond: bool,
}

/// Replaces a year of more than four digits. It is a leap year, so it has every day that a year can have.
const LEAP_YEAR: i16 = 2000;

/// Parses a text by the first of several formats that accepts it, and returns the position of that format.
pub(crate) fn read_first(formats: &[ReadFormat], text: &str) -> Result<(usize, Moment), Unread> {
    let mut why = Unread::Unparsed;
    for (at, format) in formats.iter().enumerate() {
        match format.read(text) {
            Ok(moment) => return Ok((at, moment)),
            // The first format with a more specific reason than that the text is in another format, or is not a day.
            Err(other) if why == Unread::Unparsed => why = other,
            Err(other) if why == Unread::NoSuchDay && other != Unread::Unparsed => why = other,
            Err(_) => {}
        }
    }
    Err(why)
}

impl ReadFormat {
    /// Parses a text, if the whole of it is in this format. Blanks around it are ignored.
    pub(crate) fn read(&self, text: &str) -> Result<Moment, Unread> {
        let mut cursor = TextCursor::trimmed(text);
        let mut fields = DateFields {
            numbers: [-1; PLACES],
            nanoseconds: None,
            offset: None,
            epoch: None,
            is_before_epoch: false,
            is_beyond: false,
        };
        for step in &self.steps {
            // The steps that nearly all formats consist of; all others are handled elsewhere, to keep this path fast.
            match step {
                ReadStep::Number(digits) => fields.number(*digits, &mut cursor)?,
                ReadStep::Byte(byte) if cursor.skip(*byte) => {}
                step => fields.take(step, &mut cursor)?,
            }
        }
        if !cursor.rest().is_empty() {
            return Err(Unread::Unparsed);
        }
        let is_leap = fields.get(DateNumber::Second) == Some(60);
        if is_leap {
            fields.numbers[DateNumber::Second as usize] = 59;
        }
        let moment = self.moment(&fields)?;
        match (fields.is_beyond, is_leap) {
            (true, _) => Err(Unread::OutOfRange),
            (false, true) => Err(Unread::LeapSecond),
            (false, false) => Ok(moment),
        }
    }

    fn moment(&self, fields: &DateFields) -> Result<Moment, Unread> {
        if let Some(seconds) = fields.epoch {
            return self.epoch(seconds, fields);
        }
        let day = fields.day(self.day)?;
        if !fields.agree_with(day, &self.checks) {
            return Err(Unread::Unparsed);
        }
        if !self.tells.time {
            return Ok(Moment::Day(day));
        }
        let time = fields.time().ok_or(Unread::Unparsed)?;
        if self.checks_clock && !fields.agree_with_clock(time) {
            return Err(Unread::Unparsed);
        }
        let local = NaiveDateTime::new(day, time);
        match (self.tells.offset, fields.offset) {
            (Offset::Absent, _) => Ok(Moment::Local(local)),
            (Offset::Utc, _) => Moment::at_offset(local, 0),
            (Offset::Written, offset) => Moment::at_offset(local, offset.unwrap_or(0)),
        }
    }

    /// Returns the instant of seconds since 1970; every other number must agree with it.
    fn epoch(&self, seconds: i64, fields: &DateFields) -> Result<Moment, Unread> {
        let instant = DateTime::from_timestamp(seconds, 0).ok_or(Unread::OutOfRange)?;
        let fraction = TimeDelta::nanoseconds(fields.nanoseconds.unwrap_or(0).into());
        let instant = if fields.is_before_epoch {
            instant.checked_sub_signed(fraction)
        } else {
            instant.checked_add_signed(fraction)
        };
        let offset = FixedOffset::east_opt(fields.offset.unwrap_or(0)).ok_or(Unread::Unparsed)?;
        let instant = instant.ok_or(Unread::OutOfRange)?.with_timezone(&offset);
        let moment = Moment::instant(instant)?;
        let local = instant.naive_local();
        let agrees = fields.agree_with(local.date(), &self.checks)
            && (!self.checks_clock || fields.agree_with_clock(local.time()));
        if !agrees {
            return Err(Unread::Unparsed);
        }
        Ok(moment)
    }
}

impl DateFields {
    fn get(&self, number: DateNumber) -> Option<i16> {
        let value = self.numbers[number as usize];
        (value >= 0).then_some(value)
    }

    /// Stores a number; a number that occurs twice must be the same.
    #[inline]
    fn set(&mut self, place: usize, value: i16) -> Result<(), Unread> {
        let before = std::mem::replace(&mut self.numbers[place], value);
        if before >= 0 && before != value {
            return Err(Unread::Unparsed);
        }
        Ok(())
    }

    /// Returns the year. Two digits are read as in POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068.
    fn year(&self) -> Result<i32, Unread> {
        if let Some(year) = self.get(DateNumber::Year) {
            return if year == 0 {
                Err(Unread::OutOfRange)
            } else {
                Ok(year.into())
            };
        }
        let year = i32::from(self.get(DateNumber::YearOfCentury).ok_or(Unread::Unparsed)?);
        Ok(if year < 69 { 2000 + year } else { 1900 + year })
    }

    fn day(&self, by: Day) -> Result<NaiveDate, Unread> {
        let number = |number| {
            self.get(number)
                .map(i16::unsigned_abs)
                .map(u32::from)
                .ok_or(Unread::Unparsed)
        };
        let weekday = || u32::try_from(self.numbers[WEEKDAY]).map_err(|_| Unread::Unparsed);
        let day = match by {
            Day::Epoch => None,
            Day::Calendar => {
                NaiveDate::from_ymd_opt(self.year()?, number(DateNumber::Month)?, number(DateNumber::Day)?)
            }
            Day::OfYear => NaiveDate::from_yo_opt(self.year()?, number(DateNumber::DayOfYear)?),
            Day::WeekFromSunday => {
                let week = number(DateNumber::WeekFromSunday)?;
                calendar::day_of_week(self.year()?, week, weekday()? % 7, calendar::from_sunday)
            }
            Day::WeekFromMonday => {
                let week = number(DateNumber::WeekFromMonday)?;
                calendar::day_of_week(self.year()?, week, weekday()? - 1, calendar::from_monday)
            }
            Day::IsoWeek => {
                let year = i32::from(self.get(DateNumber::IsoYear).ok_or(Unread::Unparsed)?);
                if year == 0 {
                    return Err(Unread::OutOfRange);
                }
                calendar::day_of_iso_week(year, number(DateNumber::IsoWeek)?, weekday()?)
            }
        };
        let day = day.ok_or(Unread::NoSuchDay)?;
        if is_in_range(day.year()) {
            Ok(day)
        } else {
            Err(Unread::OutOfRange)
        }
    }

    /// Whether these numbers agree with the day.
    fn agree_with(&self, day: NaiveDate, numbers: &[DateNumber]) -> bool {
        let is_true = |number: &DateNumber| {
            self.get(*number)
                .is_none_or(|said| i32::from(said) == calendar::number(day, *number))
        };
        numbers.iter().all(is_true)
    }

    /// Whether everything read of the time agrees with it.
    fn agree_with_clock(&self, time: NaiveTime) -> bool {
        let said = |number: DateNumber, is: u32| {
            self.get(number)
                .is_none_or(|said| u32::from(said.unsigned_abs()) == is)
        };
        let (is_afternoon, hour) = time.hour12();
        let half = self.numbers[HALF];
        said(DateNumber::Hour, time.hour())
            && said(DateNumber::Hour12, hour)
            && (half < 0 || (half == 1) == is_afternoon)
            && said(DateNumber::Minute, time.minute())
            && said(DateNumber::Second, time.second())
    }

    fn time(&self) -> Option<NaiveTime> {
        let number = |number: DateNumber| self.get(number).map(i16::unsigned_abs).map(u32::from);
        let hour = match (number(DateNumber::Hour), number(DateNumber::Hour12)) {
            (Some(hour), _) => hour,
            (None, hour) => hour? % 12 + if self.numbers[HALF] == 1 { 12 } else { 0 },
        };
        let second = number(DateNumber::Second).unwrap_or(0);
        let nanosecond = self.nanoseconds.unwrap_or(0);
        NaiveTime::from_hms_nano_opt(hour, number(DateNumber::Minute)?, second, nanosecond)
    }

    #[inline]
    fn number(&mut self, digits: Digits, cursor: &mut TextCursor<'_>) -> Result<(), Unread> {
        if !digits.glued {
            cursor.skip_blanks();
        }
        let value = cursor.number(digits.least, digits.most).ok_or(Unread::Unparsed)?;
        if value < digits.lowest || value > digits.highest {
            return Err(Unread::Unparsed);
        }
        if digits.is_open_year && cursor.next_is_digit() {
            // A fifth digit: the year is out of range, if the rest is in the format.
            cursor.digits(usize::MAX);
            self.is_beyond = true;
            return self.set(digits.place, LEAP_YEAR);
        }
        let is_sunday = digits.is_from_sunday && value == 0;
        self.set(digits.place, if is_sunday { 7 } else { value })
    }

    /// Reads the text of one step.
    fn take(&mut self, step: &ReadStep, cursor: &mut TextCursor<'_>) -> Result<(), Unread> {
        match step {
            ReadStep::Byte(byte) => cursor.take(&[*byte]),
            ReadStep::Literal(text) => cursor.literal(text),
            ReadStep::Blank { needed } => {
                let are_there = cursor.skip_blanks();
                if *needed && !are_there {
                    Err(Unread::Unparsed)
                } else {
                    Ok(())
                }
            }
            ReadStep::Number(digits) => self.number(*digits, cursor),
            ReadStep::Month => {
                let month = cursor.name(&calendar::MONTHS, &calendar::MONTH_KEYS)?;
                self.set(DateNumber::Month as usize, month)
            }
            ReadStep::Weekday => {
                let weekday = cursor.name(&calendar::WEEKDAYS, &calendar::WEEKDAY_KEYS)?;
                self.set(WEEKDAY, weekday)
            }
            ReadStep::Half => {
                let half = cursor.half()?;
                self.set(HALF, half)
            }
            ReadStep::Fraction(fraction) => {
                let read = cursor.fraction(*fraction)?;
                let before = self.nanoseconds.replace(read);
                agree(before, read)
            }
            ReadStep::Offset => {
                cursor.skip_blanks();
                let read = cursor.offset()?;
                agree(self.offset.replace(read), read)
            }
            ReadStep::Epoch => {
                cursor.skip_blanks();
                let is_negative = cursor.skip(b'-');
                let read = cursor.digits(usize::MAX).ok_or(Unread::Unparsed)?;
                let read = if is_negative { -read } else { read };
                self.is_before_epoch = is_negative;
                agree(self.epoch.replace(read), read)
            }
        }
    }
}

/// Requires that a value that occurs twice is the same.
fn agree<T: PartialEq + Copy>(before: Option<T>, now: T) -> Result<(), Unread> {
    match before {
        Some(before) if before != now => Err(Unread::Unparsed),
        _ => Ok(()),
    }
}

//! Which window an instant is in. Instants are microseconds since 1970 UTC.

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::day::{DAY, beginning, changing, clamped, day_of, in_range, skipped_days};
use super::every::Unit;
use crate::datetime::Moment;

/// The windows of a stage: they follow each other without a gap.
#[derive(Clone, Debug)]
pub(crate) enum Windows {
    /// Of equal length, from an origin.
    Fixed { length: i64, origin: i64 },
    /// Of equal length, beginning anew with every day of a zone; the last one of a day may be shorter.
    Daily { length: i64, zone: Tz },
    /// Calendar units in a zone, from a first day.
    Calendar {
        unit: Unit,
        count: u32,
        zone: Tz,
        origin: NaiveDate,
    },
}

impl Windows {
    /// Returns the beginning of the window with an instant; `None` if it or its end is not between the years 1 and 9999.
    #[inline]
    pub(crate) fn start_of(&self, at: i64) -> Option<i64> {
        let at = in_range(at)?;
        let (start, end) = match *self {
            Self::Fixed { length, origin } => {
                let start = at.checked_sub(at.checked_sub(origin)?.rem_euclid(length))?;
                (start, start.checked_add(length)?)
            }
            Self::Daily { length, zone } => {
                let (day, next) = DAYS.around(at, zone)?;
                let start = at - (at - day).rem_euclid(length);
                (start, start.checked_add(length)?.min(next))
            }
            Self::Calendar {
                unit,
                count,
                zone,
                origin,
            } => Periods::new(unit, count, origin).around(at, zone)?,
        };
        in_range(end)?;
        in_range(start)
    }

    /// Returns the end of a window, which is the beginning of the next one.
    pub(crate) fn end_of(&self, start: i64) -> Option<i64> {
        let start = in_range(start)?;
        in_range(match *self {
            Self::Fixed { length, .. } => start.checked_add(length)?,
            Self::Daily { length, zone } => start.checked_add(length)?.min(DAYS.around(start, zone)?.1),
            Self::Calendar {
                unit,
                count,
                zone,
                origin,
            } => Periods::new(unit, count, origin).around(start, zone)?.1,
        })
    }

    /// Returns the number of windows between the windows that begin at these two instants, without them.
    pub(crate) fn between(&self, first: i64, last: i64) -> u64 {
        if last <= first {
            return 0;
        }
        let steps = match *self {
            Self::Fixed { length, .. } => Some(last.abs_diff(first) / length.unsigned_abs()),
            Self::Daily { length, zone } => daily_steps(first, last, length, zone),
            Self::Calendar {
                unit,
                count,
                zone,
                origin,
            } => Periods::new(unit, count, origin).steps(first, last, zone),
        };
        steps.unwrap_or(0).saturating_sub(1)
    }

    /// Returns an instant in UTC, as `2026-03-01T00:05:00Z`, with its fraction of a second if it has one. One outside
    /// the years 1 to 9999 is written as the nearest within them.
    pub(crate) fn utc(at: i64) -> String {
        moment(at).to_string()
    }

    /// Reads what [`utc`](Self::utc) has written.
    pub(crate) fn from_utc(text: &str) -> Option<i64> {
        let at = Moment::iso(text).ok()?.as_instant()?.timestamp_micros();
        (Self::utc(at) == text).then_some(at)
    }

    /// Returns an instant in the local time of a zone, with its offset; in UTC where the offset has seconds, which no
    /// standard notation has, or the local year is not between 1 and 9999.
    pub(crate) fn local(at: i64, zone: Tz) -> String {
        let utc = moment(at);
        match utc.shown_in(zone) {
            Moment::Instant(local) if (1..=9999).contains(&local.year()) => {
                Moment::Instant(local).to_string()
            }
            _ => utc.to_string(),
        }
    }
}

fn moment(at: i64) -> Moment {
    Moment::from_microseconds(clamped(at)).expect("the years 1 to 9999 can be written")
}

/// Returns how many windows of a length, beginning anew with every day, begin from one instant up to before another.
fn daily_steps(first: i64, last: i64, length: i64, zone: Tz) -> Option<u64> {
    let in_day = |elapsed: i64| {
        u64::try_from(elapsed.max(0))
            .unwrap_or(0)
            .div_ceil(length.unsigned_abs())
    };
    let (_, after_first) = DAYS.around(first, zone)?;
    if last < after_first {
        return Some(in_day(last - first));
    }
    let (before_last, _) = DAYS.around(last, zone)?;
    let mut steps = in_day(after_first - first) + in_day(last - before_last);
    let day = day_of(after_first, zone)?.num_days_from_ce();
    let end = day_of(before_last, zone)?.num_days_from_ce();
    let (changing_from, changing_to) = changing(day, end);
    // Where the zone changes nothing, all days have as many windows.
    let equal = (changing_from.min(end) - day).max(0) + (end - changing_to.max(day)).max(0);
    steps += u64::from(equal.unsigned_abs()) * in_day(DAY);
    let mut begin = beginning(NaiveDate::from_num_days_from_ce_opt(changing_from)?, zone)?;
    for day in changing_from..changing_to {
        let next = beginning(NaiveDate::from_num_days_from_ce_opt(day + 1)?, zone)?;
        steps += in_day(next - begin);
        begin = next;
    }
    Some(steps)
}

/// Calendar periods, numbered from the one that begins at their origin.
#[derive(Clone, Copy)]
enum Periods {
    Days {
        length: i64,
        origin: NaiveDate,
    },
    /// Each begins on the origin's day of the month, or on the last one of a shorter month.
    Months {
        length: i64,
        origin: NaiveDate,
    },
}

/// Single days.
const DAYS: Periods = Periods::Days {
    length: 1,
    origin: NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day"),
};

impl Periods {
    fn new(unit: Unit, count: u32, origin: NaiveDate) -> Self {
        let count = i64::from(count.max(1));
        match unit {
            Unit::Day => Self::Days {
                length: count,
                origin,
            },
            Unit::Week => Self::Days {
                length: count * 7,
                origin,
            },
            Unit::Month => Self::Months {
                length: count,
                origin,
            },
            Unit::Quarter => Self::Months {
                length: count * 3,
                origin,
            },
            Unit::Year => Self::Months {
                length: count * 12,
                origin,
            },
        }
    }

    /// Returns the first day of a period.
    fn first_day(self, number: i64) -> Option<NaiveDate> {
        match self {
            Self::Days { length, origin } => {
                origin.checked_add_signed(TimeDelta::try_days(number.checked_mul(length)?)?)
            }
            Self::Months { length, origin } => {
                let months = months(origin).checked_add(number.checked_mul(length)?)?;
                let year = i32::try_from(months.div_euclid(12)).ok()?;
                let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
                let day = |day| NaiveDate::from_ymd_opt(year, month, day);
                (28..=origin.day())
                    .rev()
                    .find_map(day)
                    .or_else(|| day(origin.day()))
            }
        }
    }

    /// Returns the number of the period of a day.
    fn number(self, day: NaiveDate) -> Option<i64> {
        match self {
            Self::Days { length, origin } => Some((day - origin).num_days().div_euclid(length)),
            Self::Months { length, origin } => {
                let number = (months(day) - months(origin)).div_euclid(length);
                let has_begun = self.first_day(number)? <= day;
                Some(if has_begun { number } else { number - 1 })
            }
        }
    }

    fn beginning(self, number: i64, zone: Tz) -> Option<i64> {
        beginning(self.first_day(number)?, zone)
    }

    /// Returns the beginning and the end of the period of an instant. Clocks can go back to the day before, which does
    /// not bring its period back: an instant belongs to the period that began last.
    fn around(self, at: i64, zone: Tz) -> Option<(i64, i64)> {
        let mut number = self.number(day_of(at, zone)?)?;
        let mut start = self.beginning(number, zone)?;
        let mut end = self.beginning(number + 1, zone)?;
        while end <= at {
            number += 1;
            (start, end) = (end, self.beginning(number + 1, zone)?);
        }
        Some((start, end))
    }

    /// Returns how many periods begin from one instant up to before another, which both are beginnings.
    fn steps(self, first: i64, last: i64, zone: Tz) -> Option<u64> {
        // The day that the clocks show at a beginning is the first of its period, or, where that is skipped, one after
        // it.
        let (from, to) = (day_of(first, zone)?, day_of(last, zone)?);
        let steps = u64::try_from(self.number(to)? - self.number(from)?).ok()?;
        match self {
            // A day that is skipped as a whole is no window.
            Self::Days { length: 1, .. } => Some(steps - skipped_days(from, to, zone)),
            _ => Some(steps),
        }
    }
}

/// Returns the number of months since the year 0.
fn months(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

#[cfg(test)]
mod tests;

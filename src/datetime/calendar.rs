//! Calendar facts about a day, and the day that a week and a weekday name.

use chrono::{Datelike as _, NaiveDate, Weekday};

use super::specifier::DateNumber;

/// The months in English: formats mean English names everywhere.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week, Monday first as ISO 8601 has it.
pub(super) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// The keys of the months.
pub(super) const MONTH_KEYS: [u32; 12] = keys(MONTHS);

/// The keys of the weekdays.
pub(super) const WEEKDAY_KEYS: [u32; 7] = keys(WEEKDAYS);

/// Packs three letters, in either case, into a number that is quick to compare. A byte that is not a letter never
/// becomes one.
pub(super) const fn key(first: u8, second: u8, third: u8) -> u32 {
    u32::from_be_bytes([0, first | 0x20, second | 0x20, third | 0x20])
}

const fn keys<const N: usize>(names: [&str; N]) -> [u32; N] {
    let mut keys = [0; N];
    let mut at = 0;
    while at < N {
        let name = names[at].as_bytes();
        keys[at] = key(name[0], name[1], name[2]);
        at += 1;
    }
    keys
}

/// The numbers in a text that describe a day.
pub(super) const OF_A_DAY: [DateNumber; 10] = [
    DateNumber::Year,
    DateNumber::YearOfCentury,
    DateNumber::Month,
    DateNumber::Day,
    DateNumber::DayOfYear,
    DateNumber::WeekFromSunday,
    DateNumber::WeekFromMonday,
    DateNumber::IsoYear,
    DateNumber::IsoWeek,
    DateNumber::WeekdayFromMonday,
];

/// Returns what a number describes of a day; 0 where it describes the time.
pub(super) fn number(day: NaiveDate, number: DateNumber) -> i32 {
    let small = match number {
        DateNumber::Year => return day.year(),
        DateNumber::YearOfCentury => return day.year().rem_euclid(100),
        DateNumber::Century => return day.year().div_euclid(100),
        DateNumber::IsoYear => return day.iso_week().year(),
        DateNumber::IsoYearOfCentury => return day.iso_week().year().rem_euclid(100),
        DateNumber::Quarter => day.month0() / 3 + 1,
        DateNumber::Month => day.month(),
        DateNumber::Day => day.day(),
        DateNumber::DayOfYear => day.ordinal(),
        DateNumber::WeekFromSunday => week(day, from_sunday),
        DateNumber::WeekFromMonday => week(day, from_monday),
        DateNumber::IsoWeek => day.iso_week().week(),
        DateNumber::WeekdayFromSunday => from_sunday(day),
        DateNumber::WeekdayFromMonday => from_monday(day) + 1,
        DateNumber::Hour | DateNumber::Hour12 | DateNumber::Minute | DateNumber::Second => 0,
    };
    i32::try_from(small).unwrap_or(0)
}

/// Returns the number of days since the last Sunday.
pub(super) fn from_sunday(day: NaiveDate) -> u32 {
    day.weekday().num_days_from_sunday()
}

/// Returns the number of days since the last Monday.
pub(super) fn from_monday(day: NaiveDate) -> u32 {
    day.weekday().num_days_from_monday()
}

/// Returns the week of the year. The first whole week is week 1; the days before it are in week 0.
fn week(day: NaiveDate, days_into_week: fn(NaiveDate) -> u32) -> u32 {
    (day.ordinal0() + 7 - days_into_week(day)) / 7
}

/// Returns the day of a year in this week, where the year has it.
pub(super) fn day_of_week(
    year: i32,
    week: u32,
    days_into_week: u32,
    begins: fn(NaiveDate) -> u32,
) -> Option<NaiveDate> {
    let first = begins(NaiveDate::from_yo_opt(year, 1)?);
    let first_whole_week = (7 - first) % 7;
    let ordinal0 = (first_whole_week + 7 * week + days_into_week).checked_sub(7)?;
    NaiveDate::from_yo_opt(year, ordinal0 + 1)
}

/// Returns the day of an ISO 8601 week, where Monday is 1.
pub(super) fn day_of_iso_week(year: i32, week: u32, weekday: u32) -> Option<NaiveDate> {
    let weekday = u8::try_from(weekday.checked_sub(1)?).ok()?;
    NaiveDate::from_isoywd_opt(year, week, Weekday::try_from(weekday).ok()?)
}

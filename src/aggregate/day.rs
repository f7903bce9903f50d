//! When a day begins in a zone, whatever its clocks do.

use chrono::{DateTime, Datelike as _, LocalResult, NaiveDate, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 86_400 * SECOND;

/// The first instant of the year 1, and the first after the year 9999.
const YEARS: std::ops::Range<i64> = -62_135_596_800 * SECOND..253_402_300_800 * SECOND;

/// Returns an instant if it is in the years 1 to 9999.
#[inline]
pub(super) fn in_range(at: i64) -> Option<i64> {
    YEARS.contains(&at).then_some(at)
}

/// Returns the nearest instant in the years 1 to 9999.
pub(super) fn clamped(at: i64) -> i64 {
    at.clamp(YEARS.start, YEARS.end - 1)
}

/// Returns the day that the clocks of a zone show.
#[inline]
pub(super) fn day_of(at: i64, zone: Tz) -> Option<NaiveDate> {
    let utc = DateTime::from_timestamp(at.div_euclid(SECOND), 0)?.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix().local_minus_utc();
    Some(utc.checked_add_signed(TimeDelta::seconds(offset.into()))?.date())
}

/// Returns the first instant at which the clocks of a zone show a day or a later one: its midnight; the first of two;
/// where midnight is skipped, the instant at which the clocks jump over it. A day that is skipped as a whole begins with
/// the next one.
pub(super) fn beginning(day: NaiveDate, zone: Tz) -> Option<i64> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    let local = midnight.and_utc().timestamp();
    let offset = match zone.offset_from_local_datetime(&midnight) {
        LocalResult::Single(offset) => offset.fix().local_minus_utc(),
        LocalResult::Ambiguous(first, second) => {
            first.fix().local_minus_utc().max(second.fix().local_minus_utc())
        }
        LocalResult::None => return jump(day, local, zone),
    };
    (local - i64::from(offset)).checked_mul(SECOND)
}

/// Returns the instant at which the clocks of a zone jump over a midnight.
fn jump(day: NaiveDate, local: i64, zone: Tz) -> Option<i64> {
    // No offset is a day or more: before, every clock shows an earlier day; after, this one or a later one.
    let (mut before, mut after) = (local - 86_400, local + 86_400);
    while after - before > 1 {
        let middle = before.midpoint(after);
        if day_of(middle * SECOND, zone)? < day {
            before = middle;
        } else {
            after = middle;
        }
    }
    after.checked_mul(SECOND)
}

/// Returns the number of days from one to another that a zone skips as a whole.
pub(super) fn skipped_days(from: NaiveDate, to: NaiveDate, zone: Tz) -> u64 {
    // A zone skips a day by changing its offset by about one. Offsets are sampled at distances at which none changes
    // that much twice, and only where they differ so much is each day looked at.
    const STEP: i32 = 256;
    const NEARLY_A_DAY: i64 = 20 * 3600 * SECOND;
    let shown = |day: i32| {
        let day = NaiveDate::from_num_days_from_ce_opt(day)?;
        Some(i64::from(day.num_days_from_ce()) * DAY - beginning(day, zone)?)
    };
    let (first, last) = changing(from.num_days_from_ce(), to.num_days_from_ce());
    let mut skipped = 0;
    let mut at = first;
    while at < last {
        let next = last.min(at + STEP);
        let jumps = matches!((shown(at), shown(next)), (Some(at), Some(next)) if next - at > NEARLY_A_DAY);
        if jumps {
            skipped += (at..next).filter(|day| is_skipped(*day, zone)).count() as u64;
        }
        at = next;
    }
    skipped
}

fn is_skipped(day: i32, zone: Tz) -> bool {
    let day = NaiveDate::from_num_days_from_ce_opt(day);
    let next = day.and_then(|day| day.succ_opt());
    matches!((day, next), (Some(day), Some(next)) if beginning(day, zone) == beginning(next, zone))
}

/// Cuts a range of days to those in which a zone can change its offset: standard time is younger than 1800, and the zone
/// database predicts no change beyond 2200.
pub(super) fn changing(from: i32, to: i32) -> (i32, i32) {
    const FIRST: i32 = 657_072;
    const LAST: i32 = 803_533;
    (from.clamp(FIRST, LAST), to.clamp(FIRST, LAST))
}

//! All changes of the clocks, and what windows do there.

use std::sync::LazyLock;

use chrono::{DateTime, Offset as _, TimeZone as _};
use chrono_tz::TZ_VARIANTS;

use super::*;

fn offset(seconds: i64, zone: Tz) -> i64 {
    let utc = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
    zone.offset_from_utc_datetime(&utc).fix().local_minus_utc().into()
}

/// Returns when the offset of a zone changes: found from offsets at instants in UTC alone.
fn changes(zone: Tz, years: std::ops::Range<i32>) -> Vec<i64> {
    const STEP: i64 = 6 * 3600;
    let second = |year| {
        NaiveDate::from_ymd_opt(year, 1, 1)
            .unwrap()
            .and_hms_opt(0, 0, 0)
            .unwrap()
            .and_utc()
            .timestamp()
    };
    let (mut found, end) = (Vec::new(), second(years.end));
    let mut before = second(years.start);
    while before < end {
        let (mut low, mut high) = (before, before + STEP);
        if offset(low, zone) != offset(high, zone) {
            while high - low > 1 {
                let middle = low.midpoint(high);
                *(if offset(middle, zone) == offset(before, zone) {
                    &mut low
                } else {
                    &mut high
                }) = middle;
            }
            found.push(high);
        }
        before += STEP;
    }
    found
}

/// All changes of all zones in years that try them: local mean time, days skipped and shown twice, midnights skipped and
/// shown twice, half an hour in Lord Howe, Ramadan in Morocco, today's rules.
static CHANGES: LazyLock<Vec<(Tz, Vec<i64>)>> = LazyLock::new(|| {
    let years = [
        1844..1846,
        1867..1868,
        1892..1893,
        1969..1970,
        1993..1996,
        2006..2012,
        2018..2019,
        2023..2027,
    ];
    // Names of one zone have the same changes.
    let mut known = Vec::new();
    for &zone in &TZ_VARIANTS {
        let found: Vec<i64> = years
            .iter()
            .flat_map(|years| changes(zone, years.clone()))
            .collect();
        if !found.is_empty() && known.iter().all(|(_, other)| *other != found) {
            known.push((zone, found));
        }
    }
    assert!(known.len() > 150, "{}", known.len());
    known
});

/// Returns the first instant at which the clocks show a day or a later one, by the definition.
fn first_instant(day: NaiveDate, zone: Tz, changes: &[i64]) -> i64 {
    let local = day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
    let near = changes
        .iter()
        .copied()
        .filter(|change| (change - local).abs() < 4 * 86_400);
    let mut begin = local - 4 * 86_400;
    for end in near.chain([local + 4 * 86_400]) {
        let first = begin.max(local - offset(begin, zone));
        if first < end {
            return first * SECOND;
        }
        begin = end;
    }
    unreachable!("the clocks show every day or a later one");
}

#[test]
fn a_day_begins_at_the_first_instant_that_shows_it_or_a_later_one() {
    for (zone, changes) in CHANGES.iter() {
        for change in changes {
            let shown = day_of(change * SECOND, *zone).unwrap();
            for away in -3..=3 {
                let day = shown + TimeDelta::days(away);
                let expected = first_instant(day, *zone, changes);
                assert_eq!(beginning(day, *zone), Some(expected), "{zone} {day}");
            }
        }
    }
}

#[test]
fn the_laws_hold_wherever_a_clock_changes() {
    for (zone, changes) in CHANGES.iter() {
        let windows = [
            calendar(Unit::Day, 1, *zone),
            calendar(Unit::Day, 3, *zone),
            calendar(Unit::Week, 1, *zone),
            calendar(Unit::Month, 1, *zone),
            daily(5, *zone),
            daily(30, *zone),
        ];
        for change in changes {
            for windows in &windows {
                for near in [-86_400, -3601, -60, -1, 0, 1, 59, 3600, 86_399] {
                    check(windows, (change + near) * SECOND + 1);
                }
                let first = windows.start_of((change - 5 * 86_400) * SECOND).unwrap();
                let mut start = first;
                for count in 0..12 {
                    start = windows.end_of(start).unwrap();
                    assert_eq!(
                        windows.between(first, start),
                        count,
                        "{windows:?} {}",
                        Windows::utc(first)
                    );
                }
            }
        }
    }
}

//! The laws of windows, in every zone of the time zone database.

use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;

use super::*;
use crate::aggregate::day::SECOND;

mod clocks;

const HOUR: i64 = 3600 * SECOND;

fn at(text: &str) -> i64 {
    Moment::iso(text)
        .unwrap()
        .as_instant()
        .unwrap()
        .timestamp_micros()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn zone(name: &str) -> Tz {
    name.parse().unwrap()
}

fn calendar(unit: Unit, count: u32, zone: Tz) -> Windows {
    let origin = if unit == Unit::Week {
        "1970-01-05"
    } else {
        "1970-01-01"
    };
    Windows::Calendar {
        unit,
        count,
        zone,
        origin: day(origin),
    }
}

fn daily(hours: i64, zone: Tz) -> Windows {
    Windows::Daily {
        length: hours * HOUR,
        zone,
    }
}

/// Returns the local beginnings of the windows from one that contains an instant, and the end of the last.
fn locals(windows: &Windows, zone: Tz, from: &str, count: usize) -> Vec<String> {
    let first = windows.start_of(at(from)).unwrap();
    std::iter::successors(Some(first), |start| windows.end_of(*start))
        .take(count + 1)
        .map(|start| Windows::local(start, zone))
        .collect()
}

/// Checks the laws at an instant.
fn check(windows: &Windows, at: i64) {
    let context = || format!("{windows:?} at {}", Windows::utc(at));
    let start = windows.start_of(at).unwrap_or_else(|| panic!("{}", context()));
    let end = windows.end_of(start).unwrap();
    assert!(start <= at && at < end, "{}", context());
    assert_eq!((start % SECOND, end % SECOND), (0, 0), "{}", context());
    assert_eq!(windows.start_of(start), Some(start), "{}", context());
    assert_eq!(windows.start_of(end - 1), Some(start), "{}", context());
    assert_eq!(windows.start_of(end), Some(end), "{}", context());
    assert_eq!(windows.between(start, end), 0, "{}", context());
    assert_eq!(Windows::from_utc(&Windows::utc(at)), Some(at));
}

#[test]
fn windows_between_are_counted_over_all_skipped_and_repeated_days() {
    for name in [
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "America/Juneau",
        "Asia/Manila",
        "Pacific/Kiritimati",
        "Europe/Berlin",
        "Africa/Casablanca",
    ] {
        for windows in [
            calendar(Unit::Day, 1, zone(name)),
            calendar(Unit::Month, 1, zone(name)),
            daily(24, zone(name)),
            daily(7, zone(name)),
        ] {
            let first = windows.start_of(at("1790-03-05T10:00:00Z")).unwrap();
            let last = at("2212-01-01T00:00:00Z");
            let starts: Vec<i64> = std::iter::successors(Some(first), |start| windows.end_of(*start))
                .take_while(|start| *start < last)
                .collect();
            for from in [0, starts.len() / 3, starts.len() - 2] {
                for to in [0, starts.len() / 2, starts.len() * 4 / 5, starts.len() - 1] {
                    let expected = to.saturating_sub(from).saturating_sub(1) as u64;
                    assert_eq!(
                        windows.between(starts[from], starts[to]),
                        expected,
                        "{windows:?} {from} {to}"
                    );
                }
            }
        }
    }
}

/// Zones, each with an instant, and the beginnings of the days from then on.
const MIDNIGHTS: &[(&str, &str, [&str; 3])] = &[
    (
        "Africa/Cairo",
        "2024-04-25T12:00:00Z",
        [
            "2024-04-25T00:00:00+02:00",
            "2024-04-26T01:00:00+03:00",
            "2024-04-27T00:00:00+03:00",
        ],
    ),
    (
        "America/Sao_Paulo",
        "2018-11-03T12:00:00Z",
        [
            "2018-11-03T00:00:00-03:00",
            "2018-11-04T01:00:00-02:00",
            "2018-11-05T00:00:00-02:00",
        ],
    ),
    (
        "Asia/Beirut",
        "2024-03-30T12:00:00Z",
        [
            "2024-03-30T00:00:00+02:00",
            "2024-03-31T01:00:00+03:00",
            "2024-04-01T00:00:00+03:00",
        ],
    ),
    (
        "Atlantic/Azores",
        "2024-03-30T12:00:00Z",
        [
            "2024-03-30T00:00:00-01:00",
            "2024-03-31T01:00:00Z",
            "2024-04-01T00:00:00Z",
        ],
    ),
    (
        "America/Havana",
        "2024-11-02T12:00:00Z",
        [
            "2024-11-02T00:00:00-04:00",
            "2024-11-03T00:00:00-04:00",
            "2024-11-04T00:00:00-05:00",
        ],
    ),
    (
        "America/St_Johns",
        "2008-11-01T12:00:00Z",
        [
            "2008-11-01T00:00:00-02:30",
            "2008-11-02T00:00:00-02:30",
            "2008-11-03T00:00:00-03:30",
        ],
    ),
    (
        "Pacific/Apia",
        "2011-12-29T12:00:00Z",
        [
            "2011-12-29T00:00:00-10:00",
            "2011-12-31T00:00:00+14:00",
            "2012-01-01T00:00:00+14:00",
        ],
    ),
    (
        "Pacific/Kwajalein",
        "1993-08-21T00:00:00Z",
        [
            "1993-08-20T00:00:00-12:00",
            "1993-08-22T00:00:00+12:00",
            "1993-08-23T00:00:00+12:00",
        ],
    ),
    (
        "Australia/Lord_Howe",
        "2024-10-05T12:00:00Z",
        [
            "2024-10-05T00:00:00+10:30",
            "2024-10-06T00:00:00+10:30",
            "2024-10-07T00:00:00+11:00",
        ],
    ),
];

#[test]
fn a_skipped_midnight_begins_with_the_first_instant_and_a_doubled_one_with_the_first() {
    for (name, from, expected) in MIDNIGHTS.iter().copied() {
        let zone = zone(name);
        assert_eq!(
            locals(&calendar(Unit::Day, 1, zone), zone, from, 2),
            expected,
            "{name}"
        );
    }
    let havana = calendar(Unit::Day, 1, zone("America/Havana"));
    // Both times of 00:30 are in one day.
    for text in ["2024-11-03T04:30:00Z", "2024-11-03T05:30:00Z"] {
        assert_eq!(havana.start_of(at(text)), Some(at("2024-11-03T04:00:00Z")));
    }
}

#[test]
fn months_quarters_and_years_begin_on_the_day_of_their_origin() {
    let utc = Tz::UTC;
    let starts = |windows: &Windows, from: &str, count| {
        locals(windows, utc, from, count)
            .into_iter()
            .map(|text| text[..10].to_owned())
            .collect::<Vec<_>>()
    };
    let from = "2024-02-10T00:00:00Z";
    assert_eq!(
        starts(&calendar(Unit::Month, 1, utc), from, 2),
        ["2024-02-01", "2024-03-01", "2024-04-01"]
    );
    assert_eq!(
        starts(&calendar(Unit::Quarter, 1, utc), from, 2),
        ["2024-01-01", "2024-04-01", "2024-07-01"]
    );
    assert_eq!(
        starts(&calendar(Unit::Year, 10, utc), from, 1),
        ["2020-01-01", "2030-01-01"]
    );
    assert_eq!(
        starts(&calendar(Unit::Week, 1, utc), from, 1),
        ["2024-02-05", "2024-02-12"]
    );
    assert_eq!(
        starts(&calendar(Unit::Week, 2, utc), "1969-12-31T00:00:00Z", 1),
        ["1969-12-22", "1970-01-05"]
    );
    let late = Windows::Calendar {
        unit: Unit::Month,
        count: 1,
        zone: utc,
        origin: day("2020-01-31"),
    };
    assert_eq!(
        starts(&late, from, 3),
        ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]
    );
    let fiscal = Windows::Calendar {
        unit: Unit::Year,
        count: 1,
        zone: utc,
        origin: day("2020-04-01"),
    };
    assert_eq!(starts(&fiscal, from, 1), ["2023-04-01", "2024-04-01"]);
}

#[test]
fn fixed_windows_ignore_clocks_and_daily_ones_follow_them() {
    let berlin = zone("Europe/Berlin");
    let fixed = Windows::Fixed {
        length: 24 * HOUR,
        origin: at("2024-03-29T23:00:00Z"),
    };
    let spring = "2024-03-30T12:00:00Z";
    assert_eq!(
        locals(&fixed, berlin, spring, 2),
        [
            "2024-03-30T00:00:00+01:00",
            "2024-03-31T00:00:00+01:00",
            "2024-04-01T01:00:00+02:00"
        ]
    );
    assert_eq!(
        locals(&daily(6, berlin), berlin, "2024-03-31T00:00:00Z", 4),
        [
            "2024-03-31T00:00:00+01:00",
            "2024-03-31T07:00:00+02:00",
            "2024-03-31T13:00:00+02:00",
            "2024-03-31T19:00:00+02:00",
            "2024-04-01T00:00:00+02:00"
        ]
    );
    assert_eq!(
        locals(&daily(24, berlin), berlin, "2024-10-27T10:00:00Z", 2),
        [
            "2024-10-27T00:00:00+02:00",
            "2024-10-27T23:00:00+01:00",
            "2024-10-28T00:00:00+01:00"
        ]
    );
    let before = Windows::Fixed {
        length: 7 * SECOND,
        origin: 0,
    };
    assert_eq!(
        (before.start_of(-1), before.end_of(-7 * SECOND)),
        (Some(-7 * SECOND), Some(0))
    );
    assert_eq!(before.between(-14 * SECOND, 7 * SECOND), 2);
    assert_eq!(before.between(7 * SECOND, -14 * SECOND), 0);
}

#[test]
fn windows_are_in_the_years_1_to_9999() {
    let windows = [
        Windows::Fixed {
            length: 24 * HOUR,
            origin: 0,
        },
        daily(24, Tz::UTC),
        calendar(Unit::Day, 1, Tz::UTC),
    ];
    let (first, last) = (at("0001-01-01T00:00:00Z"), at("9999-12-31T00:00:00Z"));
    for windows in windows {
        assert_eq!(windows.start_of(first + 5), Some(first));
        assert_eq!(windows.start_of(first - 1), None);
        assert_eq!(windows.start_of(last - 1), Some(last - DAY));
        assert_eq!(windows.start_of(last), None, "its end is in the year 10000");
        assert_eq!(windows.end_of(last), None);
        for far in [i64::MIN, i64::MAX] {
            assert_eq!((windows.start_of(far), windows.end_of(far)), (None, None));
        }
        assert_eq!(windows.between(first, last), 3_652_057);
    }
    for zone in [zone("Pacific/Kiritimati"), zone("Pacific/Pago_Pago")] {
        for at in [first, last + DAY - 1] {
            assert_eq!(calendar(Unit::Day, 1, zone).start_of(at), None);
        }
    }
    let century = Windows::Calendar {
        unit: Unit::Year,
        count: u32::MAX,
        zone: Tz::UTC,
        origin: day("1970-01-01"),
    };
    assert_eq!(century.start_of(0), None);
}

#[test]
fn instants_are_written_and_read_in_utc_and_written_in_a_zone() {
    for (micros, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (300_500_000, "1970-01-01T00:05:00.500Z"),
    ] {
        assert_eq!(Windows::utc(micros), text);
        assert_eq!(Windows::from_utc(text), Some(micros));
    }
    for text in [
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T01:00:00+01:00",
        "1970-01-01t00:00:00Z",
        "1970-01-01T00:00:00.0Z",
        "1970-01-01T00:00:00.000000001Z",
        "x",
    ] {
        assert_eq!(Windows::from_utc(text), None, "{text}");
    }
    assert_eq!(Windows::utc(i64::MIN), "0001-01-01T00:00:00Z");
    assert_eq!(Windows::utc(i64::MAX), "9999-12-31T23:59:59.999999Z");
    let berlin = zone("Europe/Berlin");
    assert_eq!(Windows::local(0, berlin), "1970-01-01T01:00:00+01:00");
    assert_eq!(Windows::local(0, Tz::UTC), "1970-01-01T00:00:00Z");
    assert_eq!(
        Windows::local(at("1890-01-01T00:00:00Z"), berlin),
        "1890-01-01T00:00:00Z"
    );
    assert_eq!(Windows::local(i64::MAX, berlin), "9999-12-31T23:59:59.999999Z");
}

fn any_windows() -> impl Strategy<Value = Windows> {
    let units = [Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];
    let zones = prop::sample::select(TZ_VARIANTS.to_vec());
    let calendar = (
        prop::sample::select(units.to_vec()),
        1..5_u32,
        zones.clone(),
        0..20_000_i32,
    );
    let calendar = calendar.prop_map(|(unit, count, zone, origin)| Windows::Calendar {
        unit,
        count,
        zone,
        origin: NaiveDate::from_num_days_from_ce_opt(719_163 + origin).unwrap(),
    });
    prop_oneof![
        (1..200_000_i64, -1_000_000..1_000_000_i64).prop_map(|(length, origin)| Windows::Fixed {
            length: length * SECOND,
            origin: origin * SECOND
        }),
        (1..200_000_i64, zones).prop_map(|(length, zone)| Windows::Daily {
            length: length * SECOND,
            zone
        }),
        calendar,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_laws_hold(windows in any_windows(), at in -5_000_000_000_000_000..8_000_000_000_000_000_i64, later in 0..100_000_000_000_000_i64) {
        check(&windows, at);
        let (start, other) = (windows.start_of(at).unwrap(), windows.start_of(at + later).unwrap());
        prop_assert!(start <= other);
        let mut counted = 0;
        let mut next = windows.end_of(start).unwrap();
        while next < other && counted < 500 {
            counted += 1;
            next = windows.end_of(next).unwrap();
        }
        prop_assert_eq!(windows.between(start, next), counted);
    }

    #[test]
    fn whatever_the_instant_nothing_panics(windows in any_windows(), at in any::<i64>()) {
        if let Some(start) = windows.start_of(at) {
            prop_assert!(start <= at && windows.end_of(start).unwrap() > at);
        }
        let _ = (windows.end_of(at), Windows::utc(at), Windows::local(at, Tz::UTC));
    }
}

/// How long it takes. `cargo test --release --lib windows_are_found_fast -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn windows_are_found_fast() {
    let berlin = zone("Europe/Berlin");
    for windows in [
        Windows::Fixed {
            length: 300 * SECOND,
            origin: 0,
        },
        daily(1, berlin),
        calendar(Unit::Day, 1, berlin),
        calendar(Unit::Month, 1, berlin),
    ] {
        let begin = std::time::Instant::now();
        let mut sum = 0_i64;
        for step in 0..1_000_000_i64 {
            let at = at_of(step);
            sum = sum.wrapping_add(windows.start_of(at).unwrap());
        }
        println!(
            "{:?} a window of {windows:?} ({sum})",
            begin.elapsed() / 1_000_000
        );
    }
}

fn at_of(step: i64) -> i64 {
    1_700_000_000_000_000 + step * 37 * SECOND
}

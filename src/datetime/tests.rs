use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::language::Language;

fn read(format: &str, text: &str) -> Result<String, Unread> {
    let format = ReadFormat::new(format).unwrap_or_else(|error| panic!("{format}: {error:?}"));
    format.read(text).map(|moment| moment.to_string())
}

#[test]
fn each_rule_of_blanks_numbers_and_years_holds() {
    use Unread::{NoSuchDay, OutOfRange, Unparsed};
    for (format, text, expected) in [
        // Blanks.
        ("%Y-%m-%d", "\t 2024-01-31\u{a0}\n", Ok("2024-01-31")),
        ("%d/%m/%Y", " 1/ 2/ 2024", Ok("2024-02-01")),
        ("%d/%m/%Y", "1 /2/2024", Err(Unparsed)),
        ("%d %b %Y", "5Jan2024", Ok("2024-01-05")),
        ("%Y %m %d", "2024 1  2", Ok("2024-01-02")),
        ("%Y %m %d", "202401 02", Err(Unparsed)),
        ("%Y%m%d", "2024 1 2", Err(Unparsed)),
        // Numbers.
        ("%Y%m%d", "2024112", Err(Unparsed)),
        ("%Y-%m-%d", "24-01-02", Err(Unparsed)),
        ("%Y-%m-%d", "+2024-01-02", Err(Unparsed)),
        ("%d/%m/%y", "1/2/9", Err(Unparsed)),
        ("%d/%m/%y", "1/2/68", Ok("2068-02-01")),
        ("%d/%m/%y", "1/2/69", Ok("1969-02-01")),
        ("%Y-%m-%d", "2023-02-29", Err(NoSuchDay)),
        ("%Y-%m-%d", "２０２４-01-02", Err(Unparsed)),
        // Years.
        ("%Y-%m-%d", "0999-01-02", Ok("0999-01-02")),
        ("%Y-%m-%d", "0000-01-02", Err(OutOfRange)),
        ("%Y-%m-%d", "12024-01-02", Err(OutOfRange)),
        ("%Y-%m-%d %H:%M%z", "0001-01-01 00:00+01", Err(OutOfRange)),
        ("%s", "253402300800", Err(OutOfRange)),
        ("%s", "99999999999999999999999", Err(OutOfRange)),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(read(format, text), expected, "{format} {text}");
    }
}

#[test]
fn each_rule_of_times_and_names_holds() {
    use Unread::{LeapSecond, NoSuchDay, TooPrecise, Unparsed};
    for (format, text, expected) in [
        // Seconds and fractions.
        ("%F %T", "2016-12-31 23:59:60", Err(LeapSecond)),
        ("%F %TZ", "2016-02-31 23:59:60Z", Err(NoSuchDay)),
        ("%F %T", "2016-12-31 23:59:61", Err(Unparsed)),
        ("%F %T", "2016-12-31 24:00:00", Err(Unparsed)),
        ("%F %T.%f", "2024-01-31 00:00:00.5", Ok("2024-01-31T00:00:00.500")),
        (
            "%F %T.%f",
            "2024-01-31 00:00:00.000000001",
            Ok("2024-01-31T00:00:00.000000001"),
        ),
        ("%F %T.%f", "2024-01-31 00:00:00.0000000010", Err(TooPrecise)),
        ("%F %T%.f", "2024-01-31 00:00:00", Ok("2024-01-31T00:00:00")),
        ("%F %T%.f", "2024-01-31 00:00:00.", Err(Unparsed)),
        ("%F %T%.3f", "2024-01-31 00:00:00.12", Err(Unparsed)),
        (
            "%Y%m%d%H%M%S%3f",
            "20240131000000123",
            Ok("2024-01-31T00:00:00.123"),
        ),
        ("%s.%f", "-1.25", Ok("1969-12-31T23:59:58.750Z")),
        // Offsets.
        ("%F %T%z", "2024-01-31 00:00:00Z", Ok("2024-01-31T00:00:00Z")),
        ("%F %T%z", "2024-01-31 00:00:00z", Err(Unparsed)),
        (
            "%F %T%z",
            "2024-01-31 00:00:00 -0730",
            Ok("2024-01-31T00:00:00-07:30"),
        ),
        (
            "%F %T%:z",
            "2024-01-31 00:00:00+02",
            Ok("2024-01-31T00:00:00+02:00"),
        ),
        (
            "%F %T%z",
            "2024-01-31 00:00:30+00:00:30",
            Ok("2024-01-31T00:00:00Z"),
        ),
        ("%F %T%z", "2024-01-31 00:00:00+2400", Err(Unparsed)),
        ("%F %T%z", "2024-01-31 00:00:00+02:0030", Err(Unparsed)),
        ("%F %T%z", "2024-01-31 00:00:00−0200", Err(Unparsed)),
        ("%F %H:%MZ", "2024-01-31 00:00Z", Ok("2024-01-31T00:00:00Z")),
        // Names, halves, and what must agree.
        ("%A %d %B %Y", "wed 31 JANUARY 2024", Ok("2024-01-31")),
        ("%a %d %b %Y", "Thu 31 Jan 2024", Err(Unparsed)),
        (
            "%F %H %I:%M %p",
            "2024-01-31 13 1:00 pm",
            Ok("2024-01-31T13:00:00"),
        ),
        ("%F %H %I:%M %p", "2024-01-31 13 1:00 am", Err(Unparsed)),
        ("%F %I:%M %p", "2024-01-31 12:00 am", Ok("2024-01-31T00:00:00")),
        ("%Y/%m/%Y-%m-%d", "2024/01/2024-01-31", Ok("2024-01-31")),
        ("%Y/%m/%Y-%m-%d", "2024/02/2024-01-31", Err(Unparsed)),
        ("%s %Y", "0 1970", Ok("1970-01-01T00:00:00Z")),
        ("%s %Y", "0 1971", Err(Unparsed)),
        ("%Y-%j", "2023-366", Err(NoSuchDay)),
        ("%Y-%U-%w", "2023-53-0", Ok("2023-12-31")),
        ("%Y-%U-%w", "2023-53-1", Err(NoSuchDay)),
        ("%G-W%V-%u", "2020-W53-5", Ok("2021-01-01")),
        ("%G-W%V-%u", "2021-W53-1", Err(NoSuchDay)),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(read(format, text), expected, "{format} {text}");
    }
}

#[test]
fn what_is_refused_says_what_to_write_instead_and_that_works() {
    for (format, written) in [
        ("%F %+", "`%Y-%m-%dT%H:%M:%S%.f%:z`"),
        ("%v", "`%e-%b-%Y`"),
        ("%T %Z", "`%z`"),
        ("%:::z", "`%:z`"),
        ("%#z", "`%z`"),
        ("%T.%N", "`%9f`"),
        ("%T.%L", "`%3f`"),
        ("%H:%i", "`%M`"),
        ("%Ey", "without"),
        ("%^a", "`case`"),
        ("%4Y", "width"),
        ("%03f", "width"),
        ("%Q", "strftime"),
        ("%", "`%%`"),
        ("%é", "strftime"),
    ] {
        let error = WriteFormat::new(format).unwrap_err();
        let text = format!(
            "{} {}",
            error.message,
            error.help.replace("leave out", "write without")
        );
        assert!(text.contains(written), "{format}: {text}");
        if let Some(instead) = written.strip_prefix("`%") {
            let instead = format!("%{}", instead.trim_end_matches('`'));
            assert!(WriteFormat::new(&instead).is_ok(), "{instead}");
        }
        assert!(ReadFormat::new(format).is_err(), "{format}");
    }
    for (format, why) in [
        ("%C%y-%m-%d", "`%Y`"),
        ("%g-%V-%u", "`%G`"),
        ("%Y-%m-%d %q", "quarter"),
        ("%Y-%m", "year, month and day"),
        ("%Y-%V-%u", "%G %V %u"),
        ("%F %I:%M", "%I with %p"),
        ("%F %H", "hours and minutes"),
        ("%F %H:%M.%f", "seconds"),
        ("%F %T.%f%j", "between"),
        ("%s%Y", "between"),
        ("%T%z%Y%m%d", "between"),
    ] {
        assert!(WriteFormat::new(format).is_ok(), "{format} can be written");
        let error = ReadFormat::new(format).unwrap_err();
        assert!(
            format!("{} {}", error.message, error.help).contains(why),
            "{format}: {error:?}"
        );
    }
}

#[test]
fn the_language_of_a_format_that_is_written_is_the_first_where_it_wrote_the_same() {
    for (format, language) in [
        ("%Y-%m-%d %H:%M:%S%.f", Language::One),
        ("%a %e. %B %y, week %V", Language::One),
        ("%S%3f Z", Language::One),
        ("%s", Language::One),
        ("%S.%f", Language::Two),
        ("%T %:z", Language::Two),
        ("%F %TZ", Language::Two),
    ] {
        assert_eq!(WriteFormat::new(format).unwrap().language(), language, "{format}");
    }
    let kept = ReadFormat::in_language("%v", Language::One).unwrap();
    assert_eq!(
        (kept.text(), kept.read("31-Jan-2024")),
        ("%v", Err(Unread::Unparsed))
    );
    assert!(ReadFormat::in_language("%v", Language::Two).is_err());
}

const FORMATS: [&str; 10] = [
    "%Y-%m-%d",
    "%d.%m.%y",
    "%Y%m%d%H%M%S%f",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%a, %d %b %Y %I:%M %p",
    "%c",
    "%s%.f",
    "%G-W%V-%u",
    "%Y %U %A",
    "%Y-%jT%H:%MZ",
];

fn anything() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => "[0-9]{1,4}",
        4 => "[-/:. TZ+Ww]",
        1 => prop::sample::select(vec!["Jan", "january", "Wed", "Sunday", "AM", "pm", "60", "-0800", "+05:30:15"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat())
}

fn any_time() -> impl Strategy<Value = Moment> {
    let nanoseconds = prop_oneof![Just(0_u32), Just(500_000_000), 0..1_000_000_000_u32];
    (
        -62_135_596_800_i64 + 90_000..253_402_300_800 - 90_000,
        nanoseconds,
        -1439..1440_i32,
    )
        .prop_map(|(seconds, nanoseconds, minutes)| {
            let offset = FixedOffset::east_opt(minutes * 60).unwrap();
            Moment::Instant(
                DateTime::from_timestamp(seconds, nanoseconds)
                    .unwrap()
                    .with_timezone(&offset),
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_read_is_written_as_a_valid_time(text in anything(), zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu"])) {
        let _ = Moment::iso(&text);
        for format in FORMATS {
            let Ok(moment) = ReadFormat::new(format).unwrap().read(&text) else { continue };
            let Ok(moment) = moment.in_zone(super::zone(zone)) else { continue };
            let written = moment.to_string();
            match moment {
                Moment::Instant(instant) => {
                    prop_assert_eq!(DateTime::parse_from_rfc3339(&written).unwrap().to_utc(), instant.to_utc());
                    prop_assert!(!written.contains(":60"));
                }
                _ => prop_assert!(written.parse::<NaiveDate>().is_ok(), "{}", written),
            }
            prop_assert_eq!(Moment::iso(&written).unwrap().compared(&moment), Some(Ordering::Equal));
        }
    }

    #[test]
    fn what_a_format_writes_in_full_it_reads(moment in any_time()) {
        for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%A, %e %B %Y %l:%M:%S%.f %P %:z", "%G-W%V-%u %H:%M:%S%.9f%::z", "%Y-%j %H%M%S%9f%z", "%a %Y %U %H:%M:%S%.f%z"] {
            let written = WriteFormat::new(format).unwrap().write(&moment).unwrap();
            let read = ReadFormat::new(format).unwrap().read(&written);
            prop_assert_eq!(read, Ok(moment), "{} {}", format, written);
        }
        prop_assert_eq!(Moment::iso(&moment.to_string()), Ok(moment));
        // The reverse of our own code: chrono agrees.
        let Moment::Instant(instant) = moment else { unreachable!() };
        prop_assert_eq!(moment.to_string(), instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
    }
}

fn describe(error: FormatError) -> (String, String) {
    (error.message, error.help.into_owned())
}

#[test]
fn other_notations_are_reported_in_the_letters_of_strftime() {
    for (text, meant) in [
        ("DD.MM.YYYY", "%d.%m.%Y"),
        ("dd/mm/yyyy", "%d/%m/%Y"),
        ("yyyy-MM-dd", "%Y-%m-%d"),
        ("d MMM yy", "%d %b %y"),
        ("TT.MM.JJJJ", "%d.%m.%Y"),
        ("jj/mm/aaaa", "%d/%m/%Y"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%3f%:z"),
        ("yyyy-mm-dd HH:mm", "%Y-%m-%d %H:%M"),
    ] {
        let why = format!("`{text}` has no specifier such as `%d`: it matches only these letters");
        let expected = (why, format!("write `{meant}`"));
        assert_eq!(describe(ReadFormat::new(text).unwrap_err()), expected);
        assert_eq!(describe(WriteFormat::new(text).unwrap_err()), expected);
    }
    for text in ["today", "", "MM/YYYY", "%d.MM.YYYY"] {
        let message = describe(ReadFormat::new(text).unwrap_err()).0;
        assert_eq!(message, format!("`{text}` does not determine a day"));
    }
}

#[test]
fn minutes_that_are_a_month_and_a_month_that_is_minutes_are_reported() {
    for (text, why, meant) in [
        (
            "%d.%M.%Y",
            "has minutes without an hour: `%M` is the minute, `%m` the month",
            "%d.%m.%Y",
        ),
        (
            "%Y-%m-%d %H:%m",
            "has hours without minutes: `%m` is the month, `%M` the minute",
            "%Y-%m-%d %H:%M",
        ),
        (
            "%d %b %Y %H:%m:%S",
            "has hours without minutes: `%m` is the month, `%M` the minute",
            "%d %b %Y %H:%M:%S",
        ),
    ] {
        let expected = (format!("`{text}` {why}"), format!("write `{meant}`"));
        assert_eq!(describe(ReadFormat::new(text).unwrap_err()), expected);
    }
    let message = describe(ReadFormat::new("%Y-%m-%d %H").unwrap_err()).0;
    assert_eq!(message, "`%Y-%m-%d %H` does not determine a time of day");
}

//! Times of readings.

use proptest::prelude::*;

use super::*;
use crate::aggregate::Windows;

fn declared(formats: &[&str], zone: Option<&str>) -> TimeReader {
    let formats = formats
        .iter()
        .map(|format| ReadFormat::new(format).unwrap())
        .collect();
    TimeReader::new(formats, zone.map(|zone| zone.parse().unwrap()))
}

fn read(reader: &TimeReader, text: &str) -> Result<String, Unread> {
    reader.read(text).map(Windows::utc)
}

#[test]
fn rfc_3339_is_read() {
    let reader = TimeReader::rfc3339();
    for (text, expected) in [
        ("2026-03-01T00:05:00Z", Ok("2026-03-01T00:05:00Z")),
        ("2026-03-01t00:05:00z", Ok("2026-03-01T00:05:00Z")),
        ("2026-03-01 00:05:00+01:00", Ok("2026-02-28T23:05:00Z")),
        ("2026-03-01T00:05:00.5-05:30", Ok("2026-03-01T05:35:00.500Z")),
        (
            "2026-03-01T00:05:00.123456789Z",
            Ok("2026-03-01T00:05:00.123456Z"),
        ),
        ("1969-12-31T23:59:59.9999999Z", Ok("1969-12-31T23:59:59.999999Z")),
        ("2024-02-29T00:00:00Z", Ok("2024-02-29T00:00:00Z")),
        ("2000-02-29T23:59:59-00:00", Ok("2000-02-29T23:59:59Z")),
        ("0001-01-01T00:00:00Z", Ok("0001-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59.999999Z", Ok("9999-12-31T23:59:59.999999Z")),
        ("2023-02-29T00:00:00Z", Err(Unread::NoSuchDay)),
        ("1900-02-29T00:00:00Z", Err(Unread::NoSuchDay)),
        ("2024-04-31T00:00:00Z", Err(Unread::NoSuchDay)),
        ("2024-13-01T00:00:00Z", Err(Unread::NoSuchDay)),
        ("2024-06-30T23:59:60Z", Err(Unread::LeapSecond)),
        ("2024-06-30T23:59:61Z", Err(Unread::Unparsed)),
        ("2024-06-30T24:00:00Z", Err(Unread::Unparsed)),
        ("2024-06-30T00:00:00+24:00", Err(Unread::Unparsed)),
        ("2024-06-30T00:00:00.Z", Err(Unread::Unparsed)),
        ("2024-06-30T00:00:00.0123456789Z", Err(Unread::TooPrecise)),
        ("0000-01-01T00:00:00Z", Err(Unread::OutOfRange)),
        ("0001-01-01T00:00:00+00:01", Err(Unread::OutOfRange)),
        ("9999-12-31T23:59:59-00:01", Err(Unread::OutOfRange)),
        ("2024-06-30T00:00:00", Err(Unread::Unparsed)),
        ("2024-06-30", Err(Unread::Unparsed)),
        (" 2024-06-30T00:00:00Z", Err(Unread::Unparsed)),
        ("2024-06-30T00:00:00Z ", Err(Unread::Unparsed)),
        ("", Err(Unread::Unparsed)),
    ] {
        assert_eq!(read(&reader, text), expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn declared_formats_are_tried_in_order_in_their_zone() {
    let reader = declared(
        &["%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%:z", "%d.%m.%Y", "%s%.f"],
        Some("Europe/Berlin"),
    );
    for (text, expected) in [
        ("01.03.2026 12:00", Ok("2026-03-01T11:00:00Z")),
        ("2026-03-01T12:00:00+03:00", Ok("2026-03-01T09:00:00Z")),
        ("01.07.2026", Ok("2026-06-30T22:00:00Z")),
        ("-1.5", Ok("1969-12-31T23:59:58.500Z")),
        ("29.03.2026 02:30", Err(Unread::Skipped)),
        ("25.10.2026 02:30", Err(Unread::Twice)),
        ("31.02.2026 02:30", Err(Unread::NoSuchDay)),
        ("March", Err(Unread::Unparsed)),
    ] {
        assert_eq!(read(&reader, text), expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn a_day_counts_as_its_beginning() {
    for (zone, text, expected) in [
        (None, "2024-04-26", Ok("2024-04-26T00:00:00Z")),
        (Some("Africa/Cairo"), "2024-04-26", Ok("2024-04-25T22:00:00Z")),
        (Some("America/Havana"), "2024-11-03", Ok("2024-11-03T04:00:00Z")),
        (Some("Pacific/Apia"), "2011-12-30", Err(Unread::Skipped)),
        (Some("Europe/Berlin"), "0001-01-01", Err(Unread::OutOfRange)),
    ] {
        let found = read(&declared(&["%Y-%m-%d"], zone), text);
        assert_eq!(found, expected.map(str::to_owned), "{zone:?} {text}");
    }
}

#[test]
fn rfc_3339_without_an_offset_is_read_in_a_zone_that_is_declared() {
    let reader = declared(&[], Some("Europe/Berlin"));
    for (text, expected) in [
        ("2026-03-01T12:00:00", Ok("2026-03-01T11:00:00Z")),
        ("2026-03-01T12:00:00Z", Ok("2026-03-01T12:00:00Z")),
        ("2026-03-01", Ok("2026-02-28T23:00:00Z")),
        ("2026-03-29T02:30:00", Err(Unread::Skipped)),
        ("2026-10-25T02:30:00", Err(Unread::Twice)),
    ] {
        assert_eq!(read(&reader, text), expected.map(str::to_owned), "{text}");
    }
}

/// Texts that are RFC 3339, or nearly.
fn nearly() -> impl Strategy<Value = String> {
    let number = |wide: std::ops::RangeInclusive<u32>| prop_oneof![20 => wide.prop_map(|number| format!("{number:02}")), 1 => "[0-9]{1,3}"];
    let year = prop_oneof![8 => 1900..2100_u32, 2 => 0..10_000_u32].prop_map(|year| format!("{year:04}"));
    let fraction = prop_oneof![3 => Just(String::new()), 3 => r"\.[0-9]{1,9}", 1 => r"[.,][0-9]{0,12}"];
    let offset = prop_oneof![3 => "[Zz]", 3 => "[-+][0-2][0-9]:[0-5][0-9]", 1 => "[-+]?[0-9:]{0,6}", 1 => any::<char>().prop_map(String::from)];
    let day = (year, number(0..=13), number(0..=32), "[Tt ]");
    (
        day,
        number(0..=24),
        number(0..=60),
        number(0..=61),
        fraction,
        offset,
        prop_oneof![20 => Just(":"), 1 => Just("-")],
    )
        .prop_map(
            |((year, month, day, between), hour, minute, second, fraction, offset, colon)| {
                format!("{year}-{month}-{day}{between}{hour}{colon}{minute}:{second}{fraction}{offset}")
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_fast_way_agrees_with_the_slow_one(text in prop_oneof![9 => nearly(), 1 => ".{0,30}"]) {
        let expected = match Moment::iso(&text) {
            Ok(Moment::Instant(instant)) => Ok(instant.to_utc().timestamp_micros()),
            Ok(_) => Err(Unread::Unparsed),
            Err(why) => Err(why),
        };
        prop_assert_eq!(TimeReader::rfc3339().read(&text), expected);
        // It takes the slow way only where there is an error.
        prop_assert_eq!(rfc3339(text.as_bytes()), expected.ok());
    }

    #[test]
    fn a_declared_format_reads_the_same(text in nearly()) {
        let format = "%Y-%m-%dT%H:%M:%S%.f%:z";
        if let Ok(Moment::Instant(instant)) = ReadFormat::new(format).unwrap().read(&text) {
            prop_assert_eq!(declared(&[format], None).read(&text), Ok(instant.to_utc().timestamp_micros()));
            if let Ok(at) = TimeReader::rfc3339().read(&text) {
                prop_assert_eq!(at, instant.to_utc().timestamp_micros());
            }
        }
    }
}

/// How long it takes. `cargo test --release --lib times_are_read_fast -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn times_are_read_fast() {
    let texts: Vec<String> = (0..1000_i64)
        .map(|step| Windows::utc(1_700_000_000_000_000 + step * 12_345_678_900))
        .collect();
    let reader = TimeReader::rfc3339();
    let begin = std::time::Instant::now();
    let mut sum = 0_i64;
    for _ in 0..1000 {
        for text in &texts {
            sum = sum.wrapping_add(reader.read(text).unwrap());
        }
    }
    println!("{:?} a time ({sum})", begin.elapsed() / 1_000_000);
}

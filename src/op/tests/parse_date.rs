//! What `parse_date` promises.

use crate::op::parse_date::MANUAL;
use crate::op::tests::{built, run, run_with};
use crate::op::{Operation as _, ParseDate};
use crate::refusal::Refusal;

fn read(op: &ParseDate, text: &str) -> Result<String, String> {
    let json = run(op, &format!(r#"{{"d":"{text}"}}"#))?;
    Ok(json[6..json.len() - 2].to_owned())
}

#[test]
fn each_format_gives_iso_8601_in_utc() {
    for (format, zone, given, expected) in [
        (
            "%Y-%m-%d %H:%M:%S",
            Some("UTC"),
            "2024-01-15 10:30:00",
            "2024-01-15T10:30:00Z",
        ),
        (
            "%Y-%m-%d %H:%M:%S",
            Some("Europe/Berlin"),
            "2024-01-15 00:30:00",
            "2024-01-14T23:30:00Z",
        ),
        ("%d/%m/%Y", None, "1/2/2024", "2024-02-01"),
        ("%m/%d/%y", None, "01/02/69", "1969-01-02"),
        ("%Y%m%d", None, "20240229", "2024-02-29"),
        (
            "%Y-%m-%dT%H:%M:%S%z",
            None,
            "2024-01-15T10:30:00+02:00",
            "2024-01-15T08:30:00Z",
        ),
        (
            "%Y-%m-%dT%H:%M:%S%.fZ",
            None,
            "2024-01-15T10:30:00.250Z",
            "2024-01-15T10:30:00.250Z",
        ),
        ("%s", None, "981173106", "2001-02-03T04:05:06Z"),
        (
            "%d %B %Y %I:%M %p",
            Some("UTC"),
            "3 March 2024 1:05 PM",
            "2024-03-03T13:05:00Z",
        ),
    ] {
        let op = ParseDate::new("d", &[format], zone);
        assert_eq!(read(&op, given).as_deref(), Ok(expected), "{format}");
    }
    let op = ParseDate::new("d", &["%Y%m%d"], None);
    assert_eq!(run(&op, r#"{"d":20240229}"#).unwrap(), r#"{"d":"2024-02-29"}"#);
    let op = op.format("%d.%m.%Y");
    assert_eq!(read(&op, "20240229").unwrap(), "29.02.2024");
}

#[test]
fn the_first_format_that_knows_why_says_it() {
    let op = ParseDate::new(
        "d",
        &["%d.%m.%Y", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S.%f%z"],
        Some("UTC"),
    );
    for (text, reason) in [
        ("2024-01-31 12:00:60", "leap_second"),
        ("2024-01-31 12:00:00.1234567890", "too_precise"),
        ("9999-12-31 23:00:00.5-02:00", "out_of_range"),
        ("31.01.10000", "out_of_range"),
        ("31.02.2024", "unparsed"),
    ] {
        assert_eq!(
            read(&op, text).unwrap_err(),
            format!("parse_date.{reason} at /d"),
            "{text}"
        );
    }
    assert_eq!(
        read(&op, "2024-01-31 12:00:00.5").unwrap(),
        "2024-01-31T12:00:00.500Z"
    );
    let op = ParseDate::new("d", &["%Y-%m-%d %H:%M:%S%.f"], Some("UTC")).format("%s.%f");
    assert_eq!(read(&op, "2024-01-31 12:00:00.5").unwrap(), "1706702400.500000");
    assert_eq!(
        read(&op, "2024-01-31 12:00:00.1234567").unwrap_err(),
        "parse_date.too_precise at /d"
    );
}

#[test]
fn a_refusal_names_the_formats_or_says_that_the_calendar_has_no_such_day() {
    use crate::op::tests::applied;
    let expected = |formats: &str, text: &str| {
        let toml = format!("op = 'parse_date'\npath = 'd'\nformats = {formats}");
        let refusal = applied(&toml, &format!(r#"{{"d":"{text}"}}"#)).unwrap_err();
        assert!(refusal.contains("parse_date.unparsed"), "{refusal}");
        assert!(!refusal.contains(text), "{refusal}");
        let refusal: Refusal = serde_json::from_str(&refusal).unwrap();
        refusal.violations[0].expected.clone().unwrap()
    };
    let day = "a day that exists in the calendar";
    for (formats, text, described) in [
        ("['%d.%m.%Y']", "31.02.2024", day),
        ("['%Y-%m-%d', '%d.%m.%Y']", "29.02.2023", day),
        ("['%Y %j']", "2023 366", day),
        ("['%d.%m.%Y']", "1.2.25", "a date in the format %d.%m.%Y"),
        ("['%d.%m.%Y']", "31.13.2024", "a date in the format %d.%m.%Y"),
        (
            "['%d.%m.%Y', '%F']",
            "1.2.25",
            "a date in one of the formats %d.%m.%Y, %F",
        ),
        (
            "['%d.%m.%Y', '%F', '%d/%m/%Y', '%Y%m%d', '%s']",
            "1.2.25",
            "a date in one of the formats %d.%m.%Y, %F, %d/%m/%Y, and 2 more",
        ),
    ] {
        assert_eq!(expected(formats, text), described, "{text}");
    }
}

#[test]
fn what_no_format_reads_is_refused_never_now() {
    let op = ParseDate::new("d", &["%Y-%m-%d", "%Y%m%d"], None);
    for text in [
        "",
        "2023-02-29",
        "24-01-02",
        "2024-01-02T00:00:00Z",
        "2024112",
        "202401",
        "today",
    ] {
        assert_eq!(
            read(&op, text).unwrap_err(),
            "parse_date.unparsed at /d",
            "{text}"
        );
    }
}

#[test]
fn a_date_that_two_formats_read_differently_is_counted_or_refused() {
    let op = ParseDate::new("d", &["%m/%d/%Y", "%d/%m/%Y"], None);
    let of = |text: &str| run_with(&op, &format!(r#"{{"d":"{text}"}}"#));
    assert_eq!(
        of("03/04/2024"),
        (
            Ok(r#"{"d":"2024-03-04"}"#.to_owned()),
            vec!["parse_date.ambiguous".to_owned()]
        )
    );
    assert_eq!(of("03/03/2024").1, Vec::<String>::new());
    assert_eq!(
        of("31/01/2024"),
        (Ok(r#"{"d":"2024-01-31"}"#.to_owned()), Vec::new())
    );
    let strict = op.clone().refuse_ambiguous();
    assert_eq!(
        read(&strict, "03/04/2024").unwrap_err(),
        "parse_date.ambiguous at /d"
    );
    assert!(read(&strict, "03/03/2024").is_ok());
}

#[test]
fn a_local_time_that_is_no_instant_is_refused() {
    let op = ParseDate::new("d", &["%Y-%m-%d %H:%M"], Some("America/New_York"));
    assert_eq!(
        read(&op, "2024-03-10 02:30").unwrap_err(),
        "parse_date.no_such_time at /d"
    );
    assert_eq!(
        read(&op, "2024-11-03 01:30").unwrap_err(),
        "parse_date.two_such_times at /d"
    );
    assert_eq!(read(&op, "2024-11-03 02:30").unwrap(), "2024-11-03T07:30:00Z");
}

#[test]
fn what_cannot_work_is_a_problem_with_its_place() {
    for (settings, code, help) in [
        (
            r#"formats = ["%Y-%m-%d", "%Y-%m-%d %H:%M"]"#,
            "stage.naive_time",
            "zone = \"UTC\"",
        ),
        (r#"formats = ["%Q"]"#, "date.format", "strftime"),
        (r#"formats = ["%v"]"#, "date.format", "%e-%b-%Y"),
        (r#"formats = ["%Y-%m"]"#, "date.format", "month and day"),
        (r#"formats = ["%Y-%m-%d %I:%M"]"#, "date.format", "%I with %p"),
        (r#"formats = ["%Y-%m-%d %H:%M %Z"]"#, "date.format", "%z"),
        (r#"formats = ["%Y-%m-%d"], format = "%H""#, "date.format", ""),
        (r#"formats = ["%Y-%m-%d"], format = "%+""#, "date.format", "%:z"),
        ("formats = []", "date.format", ""),
        (
            r#"formats = ["%Y-%m-%d"], zone = "Europe/Berlim""#,
            "date.zone",
            "Europe/Berlin",
        ),
    ] {
        let settings = format!(
            "path = \"d\"\n{}",
            settings
                .replace(", format =", "\nformat =")
                .replace(", zone", "\nzone")
        );
        let problem = built(&MANUAL, &settings, None).unwrap_err();
        assert_eq!(problem.code, code, "{settings}");
        assert!(problem.place.is_some_and(|place| place.line > 1), "{settings}");
        assert!(problem.help.unwrap_or_default().contains(help), "{settings}");
    }
    assert_eq!(
        ParseDate::new("d", &["%H:%M %F"], None).problems()[0].code,
        "stage.naive_time"
    );
}

//! What docs/dates.md says of specifiers is so, and what stages make of dates.

use counterfoil::op::{FormatDate, Operation as _, ParseDate};
use counterfoil::stage::{Lookup, Stage};

use super::{applied, manual, reader, writer};

/// Each specifier of the table, and whether it can be read.
fn specifiers() -> Vec<(String, bool)> {
    let manual = manual();
    let table = manual
        .split("\n## ")
        .find(|section| section.starts_with("Specifiers"))
        .expect("the table");
    let rows = table.lines().filter(|line| line.starts_with("| `%"));
    rows.flat_map(|row| {
        let names = row.split('|').nth(1).expect("the first column");
        let names: Vec<String> = names.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let can_be_read = !row.contains("| not read");
        names.into_iter().map(move |name| (name, can_be_read))
    })
    .collect()
}

#[test]
fn the_manual_has_every_specifier_and_no_other() {
    let known = specifiers();
    assert!(known.len() > 45, "{known:?}");
    let find = |name: &str| known.iter().find(|(known, _)| known == name);
    let letters = (' '..='~').map(|letter| format!("%{letter}"));
    let long = [
        "%.f", "%.3f", "%.6f", "%.9f", "%3f", "%6f", "%9f", "%:z", "%::z", "%:::z", "%#z", "%2f", "%.1f",
    ];
    for name in letters.chain(long.map(str::to_owned)) {
        let entry = find(&name);
        assert_eq!(writer(&name).is_some(), entry.is_some(), "{name} is written");
        let read = reader(&format!("%Y-%m-%d %H:%M:%S|{name}"));
        assert_eq!(
            read.is_some(),
            entry.is_some_and(|(_, can_be_read)| *can_be_read),
            "{name} is read"
        );
    }
    for (name, _) in &known {
        assert!(writer(name).is_some(), "{name} of the manual");
    }
}

#[test]
fn every_code_of_the_manual_is_one_and_every_code_is_in_it() {
    let manual = manual();
    let codes = manual
        .split("\n## ")
        .find(|section| section.starts_with("Codes"))
        .expect("the table");
    let reference = counterfoil::op::reference();
    for code in [
        "too_precise",
        "leap_second",
        "out_of_range",
        "no_such_time",
        "two_such_times",
        "unparsed",
        "ambiguous",
    ] {
        assert!(
            codes.contains(code) && reference.contains(&format!("parse_date.{code}")),
            "{code}"
        );
    }
    for code in [
        "too_precise",
        "leap_second",
        "out_of_range",
        "unparsed",
        "incomplete",
        "offset_seconds",
    ] {
        assert!(
            codes.contains(code) && reference.contains(&format!("format_date.{code}")),
            "{code}"
        );
    }
}

#[test]
fn the_isoformat_of_python_and_two_digit_years_come_through() {
    let op = ParseDate::new("v", &["%Y-%m-%dT%H:%M:%S.%f%z"], None);
    for (text, expected) in [
        ("2024-01-01T12:00:00.123456+00:00", "2024-01-01T12:00:00.123456Z"),
        ("2024-01-01T12:00:00.5+00:00", "2024-01-01T12:00:00.500Z"),
        ("2024-01-01T12:00:00.5Z", "2024-01-01T12:00:00.500Z"),
    ] {
        assert_eq!(applied(&op, text).as_deref(), Ok(expected));
    }
    let op = ParseDate::new("v", &["%d/%m/%y"], None);
    for (text, expected) in [
        ("01/02/69", "1969-02-01"),
        ("01/02/70", "1970-02-01"),
        ("01/02/68", "2068-02-01"),
    ] {
        assert_eq!(applied(&op, text).as_deref(), Ok(expected));
    }
    assert_eq!(FormatDate::new("v", "%Y").problems(), []);
}

fn meaning(op: &str) -> String {
    let text = format!("[stage]\ndescription = \"d\"\nsource = \"a\"\ntarget = \"b\"\n\n[[op]]\n{op}\n");
    let stage = Stage::parse("0001_d.toml", &text, &Lookup::default());
    stage
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .meaning()
        .to_owned()
}

#[test]
fn stages_that_read_dates_are_of_the_second_language() {
    for (op, is_second) in [
        (
            "op = \"parse_date\"\npath = \"d\"\nformats = [\"%Y-%m-%d\"]",
            true,
        ),
        ("op = \"format_date\"\npath = \"d\"\nformat = \"%d\"", true),
        (
            "op = \"set\"\npath = \"d\"\nvalue = '= date(doc.d, \"%Y-%m-%d\")'",
            true,
        ),
        (
            "op = \"set\"\npath = \"d\"\nvalue = '= format_date(now(), \"%S.%f\")'",
            true,
        ),
        (
            "op = \"set\"\npath = \"d\"\nvalue = '= format_date(now(), doc.format)'",
            true,
        ),
        (
            "op = \"set\"\npath = \"d\"\nvalue = '= format_date(now(), \"%Y\")'",
            false,
        ),
    ] {
        assert_eq!(meaning(op).contains(r#""language":2"#), is_second, "{op}");
    }
}

//! Dates: any text in any format and any zone. What is read is a time that another library reads as well.

use chrono::{DateTime, NaiveDate};
use counterfoil::environment::Secrets;
use counterfoil::record::{Record, RecordNumber, Value};
use counterfoil::stage::{Lookup, Outcome};
use proptest::prelude::*;
use proptest::sample::select;

use super::judge;
use super::stage_files::parsed;
use super::texts::{edited, edits};
use crate::support::world::context;

const SPECIFIERS: &[&str] = &[
    "%Y", "%m", "%d", "%H", "%M", "%S", "%y", "%b", "%B", "%a", "%A", "%e", "%k", "%l", "%I", "%p", "%P",
    "%j", "%U", "%W", "%V", "%G", "%u", "%w", "%f", "%.f", "%3f", "%9f", "%z", "%:z", "%Z", "%s", "%F", "%T",
    "%D", "%R", "%n", "%t", "%%", "%-d", "%_d", "%0d", "%C", "%q", "%", "%E", "%+", "-", ".", ":", "/", " ",
    "T", "Z", "YYYY", "\u{e9}",
];

const WHOLE: &[&str] = &[
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%y",
    "%Y-%m-%dT%H:%M:%S%z",
    "%d %b %Y %I:%M %p",
    "%Y-%m-%d %H:%M:%S%.f",
    "%s",
];

const TEXTS: &[&str] = &[
    "2024-02-29",
    "29.02.2024",
    "02/29/24",
    "2024-03-31T02:30:00+01:00",
    "31 Mar 2024 02:30 AM",
    "2024-10-27 02:30:00.5",
    "1711846800",
    "0000-01-01",
    "9999-12-31T23:59:60Z",
    "2024-366",
    "",
];

const DIGITS: &[&str] = &[
    "0", "9", "99", "-", "+", " ", ":", ".", "60", "24", "\u{661}", "e5", "PM", "Z",
];

fn format() -> impl Strategy<Value = String> {
    let any = prop::collection::vec(select(SPECIFIERS), 0..8).prop_map(|parts| parts.concat());
    prop_oneof![1 => any, 3 => select(WHOLE).prop_map(str::to_owned)]
}

fn text() -> impl Strategy<Value = String> {
    let changed = (select(TEXTS), edits(DIGITS, 2)).prop_map(|(text, edits)| edited(text, &edits));
    prop_oneof![2 => select(TEXTS).prop_map(str::to_owned), 3 => changed]
}

/// What `parse_date` gives in the field `at`, where the stage can be made and the text can be read.
fn read(settings: &str, text: &str) -> Option<String> {
    let file = format!(
        "[stage]\nsource = \"a\"\ntarget = \"b\"\n[[op]]\nop = \"parse_date\"\npath = \"at\"\n{settings}"
    );
    let stage = parsed("0001_fuzz.toml", &file, &Lookup::nothing())?;
    let record = Record {
        number: RecordNumber::new(1),
        id: "r1".to_owned(),
        data: format!("{{\"at\":{}}}", Value::text(text).to_json()),
    };
    let secrets = Secrets::default();
    match stage.transform(&record, &context("fuzz", "r1", &secrets)) {
        Ok(Outcome::Write(output)) => {
            let made: serde_json::Value = serde_json::from_str(&output.data).expect("JSON");
            Some(made["at"].as_str().expect("a date is a text").to_owned())
        }
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => {
            assert!(refusal.code.starts_with("parse_date."), "{refusal:?}");
            None
        }
    }
}

#[test]
fn what_is_read_of_any_text_in_any_format_is_a_time_that_another_library_reads() {
    let zone = select(
        &[
            "",
            "zone = \"UTC\"\n",
            "zone = \"Europe/Berlin\"\n",
            "zone = \"Asia/Kathmandu\"\n",
            "zone = \"Nowhere\"\n",
        ][..],
    );
    judge(
        1_500,
        (prop::collection::vec(format(), 1..3), zone, text()),
        |(formats, zone, text)| {
            let settings = format!("formats = {formats:?}\n{zone}").replace("\\u{e9}", "\u{e9}");
            let Some(written) = read(&settings, &text) else {
                return false;
            };
            let is_day = written.parse::<NaiveDate>().is_ok();
            let instant = DateTime::parse_from_rfc3339(&written);
            assert!(
                is_day || instant.is_ok(),
                "{text:?} as {formats:?} {zone}: {written}"
            );
            assert!(is_day || written.ends_with('Z'), "{written}");
            // It is read again as what it is.
            let same = if is_day {
                "formats = [\"%Y-%m-%d\"]\n"
            } else {
                "formats = [\"%Y-%m-%dT%H:%M:%S%.fZ\", \"%Y-%m-%dT%H:%M:%SZ\"]\nzone = \"UTC\"\n"
            };
            assert_eq!(read(same, &written).as_ref(), Some(&written));
            true
        },
    );
}

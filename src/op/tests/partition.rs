//! `partition`: parts of times, and buckets of ids.

use proptest::prelude::*;

use crate::op::tests::{applied, built, operation, problem, refused, run};
use crate::op::{Operation as _, Partition, PartitionKey, Reversibility, partition};

const SENSORS: &str = "op = 'partition'\ntime = 't'\nhash = { path = 's', of = 10, as = 'sensor' }";

fn added(json: &str) -> Result<String, String> {
    let after = applied(SENSORS, json)?;
    Ok(after.strip_prefix(&json[..json.len() - 1]).unwrap().to_owned())
}

#[test]
fn the_parts_are_those_of_the_time_as_written() {
    for (time, parts) in [
        ("2026-03-01T00:05:00Z", "2026,3,1,0"),
        ("2026-03-01T00:05:00+01:00", "2026,3,1,0"),
        ("2026-12-31t23:59:59.999-11:30", "2026,12,31,23"),
        ("2026-07-05 06:00:00", "2026,7,5,6"),
    ] {
        let parts: Vec<&str> = parts.split(',').collect();
        let expected = format!(
            r#","partition_year":{},"partition_month":{},"partition_day":{},"partition_hour":{},"partition_sensor":3}}"#,
            parts[0], parts[1], parts[2], parts[3]
        );
        let json = format!(r#"{{"s":13,"t":"{time}"}}"#);
        assert_eq!(added(&json), Ok(expected), "{time}");
    }
}

#[test]
fn a_bucket_is_never_negative_and_that_of_a_string_never_changes() {
    let bucket = |id: &str| {
        let after = added(&format!(r#"{{"t":"2026-03-01T00:05:00Z","s":{id}}}"#)).unwrap();
        after.rsplit(':').next().unwrap().trim_end_matches('}').to_owned()
    };
    for (id, expected) in [
        ("7", "7"),
        ("-3", "7"),
        ("-10", "0"),
        ("-0", "0"),
        ("7.0", "7"),
        ("1e2", "0"),
        ("-1.3E1", "7"),
        ("123456789012345678901234567890123456789", "9"),
        ("-123456789012345678901234567890123456789", "1"),
        // The SHA-256 begins with e3b0c44298fc1c14, 7902699be42c8a8e and 99a563ab2f6e21e9.
        ("\"\"", "2"),
        ("\"7\"", "0"),
        ("\"Ada\"", "1"),
    ] {
        assert_eq!(bucket(id), expected, "{id}");
    }
    for id in ["1.5", "true", "[]", "{}", "1e-3"] {
        let json = format!(r#"{{"t":"2026-03-01T00:05:00Z","s":{id}}}"#);
        assert_eq!(refused(SENSORS, &json), "partition.type /s", "{id}");
    }
}

#[test]
fn what_is_not_a_time_or_taken_is_refused() {
    for (json, expected) in [
        (r#"{"s":1}"#, "partition.missing /t"),
        (r#"{"t":null,"s":1}"#, "partition.null /t"),
        (r#"{"t":true,"s":1}"#, "partition.type /t"),
        (r#"{"t":"2026-02-30T00:00:00Z","s":1}"#, "partition.unparsed /t"),
        (r#"{"t":"2026-02-03","s":1}"#, "partition.unparsed /t"),
        (
            r#"{"t":"2026-02-03T00:00:60Z","s":1}"#,
            "partition.leap_second /t",
        ),
        (r#"{"t":"2026-02-03T00:00:00Z"}"#, "partition.missing /s"),
        (r#"{"t":"2026-02-03T00:00:00Z","s":null}"#, "partition.null /s"),
        (
            r#"{"t":"2026-02-03T00:00:00Z","s":1,"partition_day":3}"#,
            "partition.exists /partition_day",
        ),
        (
            r#"{"t":"2026-02-03T00:00:00Z","s":1,"partition_sensor":3}"#,
            "partition.exists /partition_sensor",
        ),
    ] {
        assert_eq!(refused(SENSORS, json), expected, "{json}");
    }
    let berlin = "op = 'partition'\ntime = 't'\nformats = ['%d.%m.%Y %H:%M']\nzone = 'Europe/Berlin'";
    assert_eq!(
        refused(berlin, r#"{"t":"29.03.2026 02:30"}"#),
        "partition.no_such_time /t"
    );
    assert_eq!(
        refused(berlin, r#"{"t":"25.10.2026 02:30"}"#),
        "partition.two_such_times /t"
    );
    let after = applied(berlin, r#"{"t":"25.10.2026 04:30"}"#).unwrap();
    assert!(
        after.ends_with(r#""partition_day":25,"partition_hour":4}"#),
        "{after}"
    );
}

#[test]
fn missing_and_null_are_as_declared() {
    let skips = format!("{SENSORS}\nmissing = 'skip'\nnull = 'keep'\nkeys = ['year']");
    for (json, expected) in [
        (
            r#"{"t":null,"s":null}"#,
            r#"{"t":null,"s":null,"partition_year":null,"partition_sensor":null}"#,
        ),
        (r#"{"s":12}"#, r#"{"s":12,"partition_sensor":2}"#),
        ("{}", "{}"),
    ] {
        assert_eq!(applied(&skips, json).as_deref(), Ok(expected));
    }
    assert_eq!(operation(&skips).reversibility(), Reversibility::Image);
}

#[test]
fn elements_get_the_fields_and_can_lose_them_again() {
    let op = Partition::new("r[*].at.t")
        .keys([PartitionKey::Day, PartitionKey::Year])
        .prefix("")
        .hash("r[*].s", 2, "half");
    let json =
        r#"{"r":[{"at":{"t":"2026-03-01T00:05:00Z"},"s":5},{"s":-2,"at":{"t":"2027-04-02T00:05:00Z"}}]}"#;
    let after = run(&op, json).unwrap();
    assert_eq!(
        after,
        r#"{"r":[{"at":{"t":"2026-03-01T00:05:00Z"},"s":5,"day":1,"year":2026,"half":1},{"s":-2,"at":{"t":"2027-04-02T00:05:00Z"},"day":2,"year":2027,"half":0}]}"#
    );
    assert_eq!(op.reversibility(), Reversibility::Exact);
    assert_eq!(run(op.inverse().unwrap().as_ref(), &after).unwrap(), json);
}

#[test]
fn what_cannot_work_is_a_problem_in_its_place() {
    for (settings, expected) in [
        ("", "stage.missing_key"),
        (
            "time = 't'\nkeys = ['minute']",
            "partition.keys t.toml:4:8 `keys` takes year, month, day, hour; not `minute`",
        ),
        ("time = 't'\nkeys = ['yeer']", "did you mean `year`?"),
        (
            "time = 't'\nkeys = []",
            "partition.keys t.toml:4:8 `keys` is empty",
        ),
        (
            "time = 't'\nkeys = ['day', 'day']",
            "stage.same_name t.toml:4:8 two fields would be named `partition_day`",
        ),
        (
            "time = 't'\nhash = { path = 's', of = 3, as = 'year' }",
            "two fields would be named `partition_year`",
        ),
        ("time = 't'\nhash = { path = 's' }", "stage.missing_key"),
        ("time = 't'\nhash = { of = 3 }", "stage.missing_key"),
        ("time = 't'\nhash = { path = 's', of = 0 }", "stage.out_of_range"),
        ("time = 't'\nhash = { path = 's', of = 'x' }", "stage.wrong_type"),
        ("time = 't'\nhash = { path = 's..', of = 3 }", "stage.bad_path"),
        (
            "time = 't'\nhash = { path = 's', of = 3, bits = 3 }",
            "stage.unknown_key",
        ),
        (
            "time = 't'\nhash = { path = 's[*].t', of = 3 }",
            "stage.other_elements",
        ),
        ("time = 't[*]'", "stage.not_a_field"),
        ("time = 't'\nformats = []", "leave it out to read RFC 3339"),
        ("time = 't'\nformats = ['%Y-%m']", "date.format"),
        (
            "time = 't'\nformats = ['%Y-%m-%d']",
            "`%Y-%m-%d` reads no time, but `keys` has `hour`",
        ),
        ("time = 't'\nzone = 'Berlin'", "date.zone"),
    ] {
        let found = problem(&format!("op = 'partition'\n{settings}"));
        assert!(found.contains(expected), "{settings}: {found}");
    }
    assert_eq!(
        Partition::new("t").hash("s", 0, "s").problems()[0].code,
        "stage.out_of_range"
    );
    assert_eq!(Partition::new("t").keys([]).problems()[0].code, "partition.keys");
    let swapped = Partition::new("t").formats(&["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"], None);
    assert_eq!(swapped.warnings()[0].code, "check.ambiguous_formats");
}

#[test]
fn a_stage_file_gives_the_same_partition() {
    let settings = "time = 't'\nformats = ['%d.%m.%Y']\nzone = 'UTC'\nkeys = ['year']\nprefix = 'p_'\n\
        hash = { path = 'a.s', of = 16 }";
    let op = built(&partition::MANUAL, settings, None).unwrap();
    let same = Partition::new("t")
        .formats(&["%d.%m.%Y"], Some("UTC"))
        .keys([PartitionKey::Year])
        .prefix("p_");
    assert_eq!(op.meaning(), same.hash("a.s", 16, "s").meaning());
    let expected = serde_json::json!({
        "op": "partition", "path": "/t", "formats": ["%d.%m.%Y"], "zone": "UTC", "keys": ["year"], "prefix": "p_",
        "hash": { "path": "/a/s", "of": 16, "as": "s" }, "missing": "refuse", "null": "refuse",
    });
    assert_eq!(op.meaning(), expected);
}

proptest! {
    #[test]
    fn the_bucket_of_a_number_is_its_euclidean_remainder(number in any::<i64>(), of in 1..u32::MAX) {
        let op = Partition::new("t").keys([PartitionKey::Year]).hash("s", of, "s");
        let json = format!(r#"{{"t":"2026-03-01T00:05:00Z","s":{number}}}"#);
        let expected = format!(r#""partition_s":{}}}"#, i128::from(number).rem_euclid(of.into()));
        prop_assert!(run(&op, &json).unwrap().ends_with(&expected));
    }
}

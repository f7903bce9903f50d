//! Readings, groups and targets as nobody should write them, through the command: nothing is lost silently, and one bad reading
//! or window stops no other.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::support::all_wanted;
use crate::support::world::{Said, Scene};

const WINDOWS: &str = r#"
[stage]
source = "readings"
target = "windows"
max_errors = 1000

[aggregate]
by = "s"
time = "t"
every = "5m"

[aggregate.measures]
v = { take = ["mean", "min", "max", "sum", "median"], exact = 4 }
"#;

const TIME: &str = "2026-03-01T00:00:00Z";

fn scene(text: &str) -> Scene {
    Scene::named("hostile", &[("0001_windows.toml", text)])
}

/// A reading; `value` is JSON as it is.
fn reading(id: &str, group: &Json, time: &str, value: &str) -> String {
    format!(r#"{{"id":"{id}","s":{group},"t":"{time}","v":{value}}}"#)
}

/// What is refused, by its code.
fn refused(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let listed = scene.envelope(&["quarantine", "list", "--limit", "1000"]);
    let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in listed["data"]["records"].as_array().expect("records") {
        let code = record["reason"]["code"].as_str().expect("a code").to_owned();
        let id = record["id"].as_str().expect("an id").to_owned();
        codes.entry(code).or_default().push(id);
    }
    codes
}

fn windows(scene: &Scene) -> Vec<Json> {
    let rows = scene.rows("windows").into_iter();
    rows.map(|row| serde_json::from_str(&row).expect("a window"))
        .collect()
}

/// Applies; then the store is sound, every window is made of its readings, and all are accounted for.
#[track_caller]
fn applies(scene: &Scene, code: i32) -> Said {
    let said = scene.exits(&["apply"], code);
    scene.exits(&["verify", "--inputs"], 0);
    assert!(said.out.contains("reconciled: readings."), "{said:?}");
    said
}

#[test]
fn numbers_that_are_not_exact_refuse_their_readings_and_no_others() {
    let scene = scene(WINDOWS);
    let many = "9".repeat(10_000);
    let small = format!("0.{}1", "0".repeat(9_999));
    let bad = [
        many.as_str(),
        &small,
        "1e999999",
        "-1e999999",
        "1e-999999",
        "1e9999999999999999999999",
        "99999999999999999999999999999",
        "true",
        "[1]",
        "{}",
        "\"1\"",
    ];
    let mut lines: Vec<String> = (0..)
        .zip(bad)
        .map(|(at, value)| reading(&format!("bad{at}"), &json!(1), TIME, value))
        .collect();
    for (at, value) in ["1.5", "null", "2.50", "-0.0"].iter().enumerate() {
        lines.push(reading(&format!("good{at}"), &json!(1), TIME, value));
    }
    lines.push(reading("most", &json!(2), TIME, &"9".repeat(28)));
    lines.push(reading("more", &json!(2), TIME, &"9".repeat(28)));
    scene.load("readings", &lines, &[]);
    applies(&scene, 3);
    let refused = refused(&scene);
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["aggregate.number"]);
    assert_eq!(refused["aggregate.number"].len(), bad.len());
    let rows = scene.rows("windows");
    let ends = [
        r#""sample_count":4,"v_mean":1.3333333333333333,"v_min":-0.0,"v_max":2.50,"v_sum":4.00,"v_median":1.5}"#.to_owned(),
        format!(r#""v_sum":1{}8,"v_median":10000000000000000000000000000}}"#, "9".repeat(27)),
    ];
    for (row, end) in rows.iter().zip(&ends) {
        assert!(row.ends_with(end), "{row}");
    }
}

#[test]
fn times_beyond_the_calendar_refuse_their_readings_and_a_clock_at_1970_leaves_a_gap() {
    let scene = scene(WINDOWS);
    let bad = [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "+10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:61Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T00:00:00",
        "1772323200",
        "",
    ];
    let mut lines: Vec<String> = (0..)
        .zip(bad)
        .map(|(at, time)| reading(&format!("bad{at}"), &json!(1), time, "1"))
        .collect();
    let good = [
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
        "2026-03-01T00:11:00.999999999Z",
        "9999-12-31T23:49:59Z",
    ];
    lines.extend(
        (0..)
            .zip(good)
            .map(|(at, time)| reading(&format!("good{at}"), &json!(1), time, "1")),
    );
    scene.load("readings", &lines, &[]);
    let said = applies(&scene, 3);
    assert!(said.err.contains("`aggregate.gap` 3 times"), "{said:?}");
    assert!(said.out.contains("3 gaps left open"), "{said:?}");
    let refused = refused(&scene);
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["aggregate.time"]);
    assert_eq!(refused["aggregate.time"].len(), bad.len());
    let counts: Vec<_> = windows(&scene)
        .iter()
        .map(|row| row["sample_count"].as_u64())
        .collect();
    assert_eq!(
        counts,
        [1, 1, 1, 0, 1, 1].map(Some),
        "one is empty, between two of 2026"
    );
}

#[test]
fn as_many_groups_as_readings() {
    let groups = if all_wanted() { 100_000 } else { 10_000 };
    let scene = scene(&WINDOWS.replace("every = \"5m\"", "every = \"5m\"\nmemory = \"1 MiB\""));
    let lines: Vec<String> = (0..groups)
        .map(|at| {
            reading(
                &format!("r{at}"),
                &json!(format!("g{}", at * 7919 % groups)),
                TIME,
                "1",
            )
        })
        .collect();
    scene.load("readings", &lines, &[]);
    applies(&scene, 0);
    let rows = scene.rows("windows");
    assert_eq!(rows.len(), groups);
    assert!(rows.is_sorted(), "by the text of their groups");
}

#[test]
fn any_text_is_a_group_of_its_own() {
    let scene = scene(WINDOWS);
    let long = "x".repeat(20_000);
    let texts = [
        "a/b",
        "a%2Fb",
        "a%252Fb",
        "50%",
        "/",
        "//",
        "..",
        "say \"x\"",
        "\"",
        "\"q\"",
        "back\\slash",
        "new\nline",
        "tab\t",
        "\u{1}",
        "😀",
        "👩\u{200d}👩\u{200d}👧",
        "é",
        "e\u{301}",
        "",
        " ",
        "7",
        "7.0",
        "-1e5",
        "null",
        "true",
        "false",
        "a'b;--",
        "<b>",
        "$(x)",
        "\u{202e}",
        "\u{feff}",
        "007",
        &long,
    ];
    let mut lines: Vec<String> = (0..)
        .zip(texts)
        .map(|(at, text)| reading(&format!("t{at}"), &json!(text), TIME, "1"))
        .collect();
    for (at, value) in ["7", "7.0", "70e-1", "null", "true", "false", "-100000"]
        .iter()
        .enumerate()
    {
        lines.push(format!(r#"{{"id":"o{at}","s":{value},"t":"{TIME}","v":1}}"#));
    }
    lines.push(format!(r#"{{"id":"missing","t":"{TIME}","v":1}}"#));
    lines.push(format!(
        r#"{{"id":"escaped","s":"\ud83d\ude00","t":"{TIME}","v":1}}"#
    ));
    for (at, value) in [r#""a\u0000b""#, "[1]", "{}", "1e400"].iter().enumerate() {
        lines.push(format!(r#"{{"id":"bad{at}","s":{value},"t":"{TIME}","v":1}}"#));
    }
    scene.load("readings", &lines, &[]);
    applies(&scene, 3);
    assert_eq!(
        refused(&scene)["aggregate.group"],
        ["bad0", "bad1", "bad2", "bad3"]
    );
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for window in windows(&scene) {
        let before = counts.insert(
            window["s"].to_string(),
            window["sample_count"].as_u64().expect("a count"),
        );
        assert_eq!(before, None, "{window}");
    }
    assert_eq!(
        counts.len(),
        texts.len() + 5,
        "7, null, true, false and -100000 are others"
    );
    for (group, expected) in [
        ("7", 3),
        ("null", 2),
        ("\"😀\"", 2),
        ("\"7\"", 1),
        ("\"7.0\"", 1),
        ("\"\"", 1),
    ] {
        assert_eq!(counts[group], expected, "{group}");
    }
    // By its id each is found.
    for (id, group) in [
        ("a%2Fb", json!("a/b")),
        ("a%252Fb", json!("a%2Fb")),
        ("\"7\"", json!("7")),
        ("7", json!(7)),
        ("\"\"", json!("")),
        ("new\nline", json!("new\nline")),
        (&long, json!(long)),
    ] {
        let said = scene.quietly(&["query", "windows", "--id", &format!("{id}/{TIME}")]);
        let window: Json =
            serde_json::from_str(said.out.lines().next().unwrap_or_default()).expect("a window");
        assert_eq!(window["s"], group);
    }
}

/// Readings of an hour, one in each minute but those that are left out.
fn hour(scene: &Scene) {
    let lines: Vec<String> = (0..60)
        .filter(|minute| minute % 5 < 3 || *minute == 23 || *minute == 24)
        .map(|minute| {
            let time = format!("2026-03-01T00:{minute:02}:00Z");
            reading(&format!("r{minute}"), &json!(1), &time, &minute.to_string())
        })
        .collect();
    scene.load("readings", &lines, &[]);
}

fn window(scene: &Scene, minute: u32) -> Option<Json> {
    let id = format!("1/2026-03-01T00:{minute:02}:00Z");
    let said = scene.quietly(&["query", "windows", "--id", &id]);
    said.out
        .lines()
        .next()
        .and_then(|line| serde_json::from_str(line).ok())
}

#[test]
fn a_window_whose_id_is_taken_or_that_has_too_many_values_is_refused_and_the_others_are_written() {
    let scene = scene(WINDOWS);
    hour(&scene);
    let foreign = r#"{"id":"1/2026-03-01T00:10:00Z","foreign":true}"#;
    scene.load_file("windows", "foreign.ndjson", &[foreign], &[]);
    let said = applies(&scene, 3);
    assert!(said.out.contains("2 windows refused"), "{said:?}");
    let expected = |codes: &[(&str, &str)]| -> BTreeMap<String, Vec<String>> {
        let id = |minute: &str| vec![format!("1/2026-03-01T00:{minute}:00Z")];
        codes
            .iter()
            .map(|(code, minute)| ((*code).to_owned(), id(minute)))
            .collect()
    };
    let too_many = ("aggregate.too_many", "20");
    assert_eq!(refused(&scene), expected(&[too_many, ("target.exists", "10")]));
    assert_eq!(scene.rows("windows").len(), 11, "ten, and the foreign row");
    assert_eq!(
        window(&scene, 10),
        Some(serde_json::from_str(foreign).expect("a row"))
    );
    // What stands refused is not tried again for nothing.
    scene.exits(&["apply"], 0);
    let freed = [
        "delete",
        "windows",
        "1/2026-03-01T00:10:00Z",
        "--reason",
        "in the way",
    ];
    scene.exits(&freed, 0);
    applies(&scene, 0);
    assert_eq!(
        refused(&scene),
        expected(&[too_many]),
        "what has too many values still has them"
    );
    assert_eq!(window(&scene, 10).expect("a window")["v_sum"], 33);
    assert_eq!(window(&scene, 20), None);
    // One reading fewer, and it is written.
    scene.exits(&["delete", "readings", "r24", "--reason", "one too many"], 0);
    applies(&scene, 0);
    assert_eq!(window(&scene, 20).expect("a window")["v_median"], 21.5);
    assert_eq!(refused(&scene), BTreeMap::new());
    scene.exits_sound(&["rollback", "--stage", "1", "--yes"], 0);
    assert_eq!(scene.rows("windows"), Vec::<String>::new());
}

/// A person changes a window, and a reading comes late into it.
fn edited(text: &str, by_hand: &str) -> (Scene, Said) {
    let scene = scene(text);
    hour(&scene);
    applies(&scene, 3);
    scene.load_file("windows", "by_hand.ndjson", &[by_hand], &["--replace"]);
    let late = reading("late", &json!(1), "2026-03-01T00:33:00Z", "400");
    scene.load_file("readings", "late.ndjson", &[late], &[]);
    let said = scene.run(&["apply"]);
    scene.exits(&["verify", "--inputs"], 0);
    (scene, said)
}

const BY_HAND: [&str; 2] = [
    r#"{"id":"1/2026-03-01T00:30:00Z","s":1,"window":"2026-03-01T00:30:00Z","sample_count":3,"v_mean":0,"v_min":0,"v_max":0,"v_sum":0,"v_median":0}"#,
    r#"{"id":"1/2026-03-01T00:30:00Z","nothing":"of a window"}"#,
];

#[test]
fn a_window_that_a_person_has_changed_stays_and_the_command_says_so() {
    for by_hand in BY_HAND {
        let (scene, said) = edited(WINDOWS, by_hand);
        assert!(
            said.err.contains("changed by hand") && said.err.contains("left unchanged"),
            "{said:?}"
        );
        let expected: Json = serde_json::from_str(by_hand).expect("a row");
        assert_eq!(window(&scene, 30), Some(expected));
        assert_eq!(refused(&scene).len(), 1, "the one with too many values");
        scene.exits(&["apply"], 0);
    }
}

#[test]
fn a_window_that_a_person_has_changed_is_overwritten_where_the_stage_says_so() {
    let replaces = WINDOWS.replace("max_errors", "on_conflict = \"replace\"\nmax_errors");
    for by_hand in BY_HAND {
        let (scene, said) = edited(&replaces, by_hand);
        assert!(!said.err.contains("changed by hand"), "{said:?}");
        let found = window(&scene, 30).expect("a window");
        assert_eq!(
            (&found["sample_count"], &found["v_sum"]),
            (&json!(4), &json!(493))
        );
    }
}

/// A person changes the last window, and all its readings go.
fn emptied(text: &str, by_hand: &str) -> (Scene, Said) {
    let scene = scene(text);
    hour(&scene);
    applies(&scene, 3);
    scene.load_file("windows", "by_hand.ndjson", &[by_hand], &["--replace"]);
    for reading in ["r55", "r56", "r57"] {
        scene.exits(&["delete", "readings", reading, "--reason", "another room"], 0);
    }
    let said = scene.run(&["apply"]);
    scene.exits(&["verify", "--inputs"], 0);
    (scene, said)
}

#[test]
fn a_window_that_a_person_has_changed_stays_without_readings_unless_the_stage_says_so() {
    let last = |by_hand: &str| by_hand.replace("00:30", "00:55");
    let replaces = WINDOWS.replace("max_errors", "on_conflict = \"replace\"\nmax_errors");
    for by_hand in BY_HAND.map(last) {
        let (scene, said) = emptied(WINDOWS, &by_hand);
        assert!(said.err.contains("changed by hand"), "{said:?}");
        assert_eq!(window(&scene, 55), serde_json::from_str(&by_hand).ok());
        let (scene, said) = emptied(&replaces, &by_hand);
        assert!(!said.err.contains("changed by hand"), "{said:?}");
        assert_eq!(window(&scene, 55), None);
    }
}

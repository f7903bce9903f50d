//! The sample and its tour.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::parsed;
use crate::command::toured;
use crate::support::world::{Scene, copy_tree, migration};

fn fixture(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sensors");
    let text = fs::read_to_string(folder.join(name)).expect("windows");
    text.lines().map(str::to_owned).collect()
}

/// The project with its samples, every stage applied.
fn applied() -> Scene {
    let scene = Scene::new();
    copy_tree(&migration("sensors"), &scene.path("."));
    for database in ["readings_v1", "meters_v1"] {
        scene.exits(&["load", database, &format!("records/{database}.ndjson")], 0);
    }
    scene.exits_sound(&["apply"], 3);
    scene
}

fn comes_late(scene: &Scene) {
    scene.exits(&["load", "readings_v1", "records/late.ndjson", "--replace"], 0);
    scene.exits_sound(&["apply"], 0);
}

/// Each window as it is written, byte for byte.
#[track_caller]
fn are(windows: &[String], expected: &[String]) {
    let [found, expected] = [windows, expected].map(|lines| lines.iter().collect::<BTreeSet<_>>());
    let missing: Vec<_> = expected.difference(&found).take(3).collect();
    let more: Vec<_> = found.difference(&expected).take(3).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "expected {missing:#?}, found {more:#?}"
    );
}

#[test]
fn the_windows_of_the_sample_are_those_of_rational_numbers() {
    let scene = applied();
    let windows = scene.rows("windows_v1");
    are(&windows, &fixture("windows.ndjson"));
    let starts: Vec<(String, String)> = windows
        .iter()
        .flat_map(|line| parsed(&[line]).into_keys())
        .collect();
    assert!(
        starts.is_sorted_by_key(|(_, start)| start),
        "they come in the order of time"
    );
    let refused = scene.envelope(&["quarantine", "list"]);
    let totals = refused["data"]["totals"].as_array().expect("totals");
    let of = |code: &str| {
        let mut totals = totals
            .iter()
            .filter(|total| total["stage"] == 1 && total["code"] == code);
        totals.next().and_then(|total| total["records"].as_u64())
    };
    assert_eq!(
        (of("contract.source"), of("aggregate.time")),
        (Some(2), Some(3)),
        "{refused}"
    );
}

#[test]
fn late_and_corrected_readings_change_exactly_their_windows_and_a_rollback_restores_them() {
    let scene = applied();
    let before = scene.rows("windows_v1");
    comes_late(&scene);
    let after = scene.rows("windows_v1");
    are(&after, &fixture("windows_after_late.ndjson"));
    let changed = after.iter().filter(|line| !before.contains(line)).count();
    assert_eq!(changed, 13);
    scene.exits_sound(&["rollback", "--run", "6", "--yes"], 0);
    assert_eq!(scene.rows("windows_v1"), before);
    scene.exits_sound(&["apply"], 0);
    assert_eq!(scene.rows("windows_v1"), after);
    scene.exits_sound(&["rollback", "--all", "--yes"], 0);
    assert!(scene.rows("windows_v1").is_empty());
}

#[test]
fn readings_get_the_parts_that_python_gives_them() {
    let scene = applied();
    let rows = scene.rows("readings_v2");
    assert_eq!(rows.len(), 509, "all but the one whose time nobody can read");
    for (id, keys) in [
        (
            "-3:001",
            r#""partition_year":2026,"partition_month":3,"partition_day":28,"partition_hour":10,"partition_sensor":7}"#,
        ),
        (
            "8:001",
            r#""partition_year":2026,"partition_month":3,"partition_day":29,"partition_hour":1,"partition_sensor":8}"#,
        ),
        (
            "9:011",
            r#""partition_year":2026,"partition_month":10,"partition_day":25,"partition_hour":2,"partition_sensor":9}"#,
        ),
    ] {
        let start = format!(r#"{{"id":"{id}","#);
        let row = rows
            .iter()
            .find(|row| row.starts_with(&start))
            .expect("a reading");
        assert!(row.ends_with(keys), "{row}");
    }
}

#[test]
fn a_day_has_as_many_hours_as_the_clocks_of_berlin_give_it() {
    let scene = applied();
    let days = scene.rows("days_v1");
    let hours: Vec<_> = days
        .iter()
        .filter(|day| day.contains(r#""meter":"heat""#))
        .map(|day| {
            let day: serde_json::Value = serde_json::from_str(day).expect("a day");
            (
                day["window_local"].as_str().expect("a time").to_owned(),
                day["hours"].as_u64(),
            )
        })
        .collect();
    let expected = [
        ("2026-03-28T00:00:00+01:00", 24),
        ("2026-03-29T00:00:00+01:00", 23),
        ("2026-10-25T00:00:00+02:00", 25),
        ("2026-10-26T00:00:00+01:00", 24),
    ];
    assert_eq!(hours, expected.map(|(day, hours)| (day.to_owned(), Some(hours))));
}

#[test]
fn the_tour_reopens_windows_takes_that_back_and_ends_with_every_reading_counted() {
    let scene = Scene::new();
    toured(&scene, "sensors", "windows_v1");
    let windows = scene.quietly(&["-C", "sensors", "export", "windows_v1"]).out;
    let windows: Vec<String> = windows.lines().map(str::to_owned).collect();
    are(&windows, &fixture("windows_after_late.ndjson"));
}

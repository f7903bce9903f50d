//! What people and other stages do to windows: none of it blocks an `apply`, and what is taken back is made again.

use serde_json::{Value as Json, json};

use crate::support::world::Scene;

const WINDOWS: &str = r#"
[stage]
source = "r"
target = "w"

[aggregate]
by = "g"
time = "t"
every = "5m"
empty = "skip"
measures = { v = "sum" }
"#;

const WINDOW: &str = "1/2026-01-01T00:20:00Z";

fn reading(id: &str, group: u8, minute: u8, value: u8) -> String {
    json!({"id": id, "g": group, "t": format!("2026-01-01T00:{minute:02}:00Z"), "v": value}).to_string()
}

fn applied(text: &str) -> Scene {
    let scene = Scene::project(&[("0001_a.toml", text)]);
    let lines = [
        reading("1", 1, 0, 1),
        reading("3", 1, 20, 3),
        reading("4", 2, 20, 3),
    ];
    scene.load("r", &lines, &[]);
    scene.exits(&["apply"], 0);
    scene
}

/// Applies, and finds nothing more to do; everything is sound and reconciled.
fn applies(scene: &Scene) {
    scene.exits(&["apply"], 0);
    let again = scene.exits_sound(&["apply"], 0);
    assert!(again.out.contains("nothing to do"), "{again:?}");
    scene.exits(&["verify", "--inputs"], 0);
    scene.exits(&["reconcile"], 0);
}

fn put(scene: &Scene, database: &str, line: &str) {
    scene.load_file(
        database,
        &format!("{database}.ndjson"),
        &[line],
        &["--replace", "--again"],
    );
}

/// The sums of the windows, by their ids.
fn sums(scene: &Scene) -> Vec<(String, Json)> {
    let rows = scene.rows("w").into_iter();
    let rows = rows.map(|row| serde_json::from_str::<Json>(&row).expect("a row"));
    let mut sums: Vec<_> = rows
        .map(|row| {
            (
                format!("{}/{}", row["g"], row["window"].as_str().unwrap_or("?")),
                row["v_sum"].clone(),
            )
        })
        .collect();
    sums.sort_by(|a, b| a.0.cmp(&b.0));
    sums
}

fn sum(scene: &Scene, id: &str) -> Option<Json> {
    let found = sums(scene).into_iter().find(|(window, _)| window == id);
    found.map(|(_, sum)| sum)
}

fn noted() -> String {
    json!({"id": WINDOW, "g": 1, "window": "2026-01-01T00:20:00Z", "sample_count": 1, "v_sum": 3, "note": "checked"}).to_string()
}

#[test]
fn a_later_stage_may_rename_the_fields_of_windows() {
    let scene = applied(WINDOWS);
    let rename = "[stage]\nsource = \"w\"\n[[op]]\nop = \"rename\"\nfrom = \"window\"\nto = \"start\"\n";
    scene.write("0002_b.toml", rename);
    scene.exits(&["apply"], 0);
    put(&scene, "r", &reading("3", 1, 20, 4));
    scene.exits(&["apply"], 0);
    scene.exits_sound(&["apply"], 0);
    assert!(
        scene.rows("w").iter().any(|row| row.contains("\"v_sum\":4")),
        "{:?}",
        scene.rows("w")
    );
}

#[test]
fn a_window_changed_beyond_recognition_is_left_or_replaced() {
    let gone = json!({"id": WINDOW, "x": 7}).to_string();
    for (policy, expected) in [("", None), ("on_conflict = \"replace\"\n", Some(json!(4)))] {
        let text = WINDOWS.replace("target = \"w\"\n", &format!("target = \"w\"\n{policy}"));
        let scene = applied(&text);
        put(&scene, "w", &gone);
        // Much of the source is written: all windows are made again.
        put(&scene, "r", &reading("3", 1, 20, 4));
        scene.exits(&["apply"], 0);
        applies(&scene);
        assert_eq!(sum(&scene, WINDOW), expected, "{policy}");
    }
}

#[test]
fn a_window_that_was_left_is_made_again_once_its_row_is_gone_or_as_it_was() {
    for deleted in [true, false] {
        let scene = applied(WINDOWS);
        put(&scene, "w", &noted());
        let edit = scene.envelope(&["history", "--json"])["data"]["runs"][0]["run"].clone();
        put(&scene, "r", &reading("3", 1, 20, 4));
        scene.exits(&["apply"], 0);
        assert_eq!(sum(&scene, WINDOW), Some(json!(3)));
        if deleted {
            scene.exits(&["delete", "w", WINDOW, "--reason", "a test"], 0);
        } else {
            scene.exits(&["rollback", "--run", &edit.to_string(), "--yes"], 0);
        }
        applies(&scene);
        assert_eq!(sum(&scene, WINDOW), Some(json!(4)), "{deleted}");
    }
}

#[test]
fn a_deleted_window_comes_back_under_its_number() {
    let scene = applied(WINDOWS);
    scene.exits(
        &["delete", "w", "1/2026-01-01T00:00:00Z", "--reason", "a test"],
        0,
    );
    put(&scene, "r", &reading("4", 2, 20, 9));
    applies(&scene);
    put(&scene, "r", &reading("1", 1, 0, 5));
    applies(&scene);
    assert_eq!(sum(&scene, "1/2026-01-01T00:00:00Z"), Some(json!(5)));
    let listed = scene.exits(&["query", "w", "--count"], 0);
    assert!(listed.out.contains('3'), "{listed:?}");
}

#[test]
fn a_misspelt_group_is_corrected_by_a_revision() {
    let scene = applied(&WINDOWS.replace("\"g\"", "\"gg\""));
    put(
        &scene,
        "r",
        &json!({"id": "n", "t": "2026-01-01T00:00:00Z", "v": 1}).to_string(),
    );
    scene.exits(&["apply"], 0);
    scene.write("0001_a.toml", WINDOWS);
    scene.exits(&["apply", "--revise", "--reason", "misspelt"], 0);
    applies(&scene);
    assert_eq!(sums(&scene).len(), 4, "{:?}", sums(&scene));
}

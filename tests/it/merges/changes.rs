//! What a plan says an increment would do to golden records that stand, and that the increment does it.

use serde_json::Value as Json;

use super::register::BY_KEY;
use crate::support::world::Scene;

fn register() -> Scene {
    let scene = Scene::named("merges", &[("0001_people.toml", BY_KEY)]);
    put(&scene, &[("a", "x"), ("b", "x"), ("c", "y")]);
    scene
}

fn put(scene: &Scene, records: &[(&str, &str)]) {
    let lines: Vec<String> = records
        .iter()
        .map(|(id, key)| format!(r#"{{"id":"{id}","key":"{key}","ids":["{id}"]}}"#))
        .collect();
    let said = scene.load("register", &lines, &["--replace"]);
    assert_eq!(said.code, 0, "{}", said.err);
}

/// Plans, applies, and compares: the plan's changes of golden records.
#[track_caller]
fn changes(scene: &Scene, expected: &Json) {
    let planned = scene.envelope(&["plan"])["data"]["stages"][0].clone();
    let before = golden(scene);
    let applied = scene.envelope(&["apply"])["data"]["passes"][0].clone();
    let after = golden(scene);
    assert_eq!(&planned["merge"]["changes"], expected, "{planned:#}");
    assert_eq!(planned["counts"], applied["counts"]);
    assert_eq!(planned["out"], applied["out"]);
    assert_eq!(planned["merge"]["golden"], applied["merge"]["golden"]);
    let number = |name: &str| expected[name].as_u64().expect("a number");
    assert_eq!(before, number("before"));
    assert_eq!(
        after + number("absorbed") + number("removed"),
        before + number("new")
    );
}

fn golden(scene: &Scene) -> u64 {
    let rows = scene.envelope(&["status"])["data"]["databases"].clone();
    let databases = rows.as_array().expect("databases");
    let people = databases.iter().find(|database| database[0] == "people");
    people.map_or(0, |people| people[1].as_u64().expect("a count"))
}

#[test]
fn a_plan_says_which_golden_records_an_increment_changes() {
    let scene = register();
    let change =
        |before: u64, new: u64, changed: u64, absorbed: u64, removed: u64, joined: u64, left: u64| {
            serde_json::json!({
                "before": before, "new": new, "changed": changed, "absorbed": absorbed, "removed": removed,
                "joined": joined, "left": left,
            })
        };
    changes(&scene, &change(0, 2, 0, 0, 0, 0, 0));
    // The golden record of c becomes part of that of a and b; d is new.
    put(&scene, &[("c", "x"), ("d", "z")]);
    changes(&scene, &change(2, 1, 1, 1, 0, 0, 0));
    // b leaves them for d; e joins those who are left.
    put(&scene, &[("b", "z"), ("e", "x")]);
    changes(&scene, &change(2, 0, 2, 0, 0, 1, 1));
    // Nobody is left of b and d.
    for id in ["b", "d"] {
        scene.exits(&["delete", "register", id, "--reason", "not one of ours"], 0);
    }
    changes(&scene, &change(2, 0, 0, 0, 1, 0, 2));
    scene.exits_sound(&["rollback", "--all", "--yes"], 0);
}

#[test]
fn the_screens_say_what_becomes_of_golden_records() {
    let scene = register();
    scene.run(&["apply"]);
    put(&scene, &[("c", "x"), ("d", "z")]);
    scene.run(&["plan"]);
    scene.run(&["apply"]);
    put(&scene, &[("b", "z")]);
    scene.run(&["plan", "--examples", "0"]);
    scene.run(&["apply"]);
    scene.run(&["trace", "register", "b"]);
    scene.run(&["trace", "register", "c"]);
    scene.run(&["history", "--limit", "1"]);
    snapbox::assert_data_eq!(
        super::lasting(&scene.transcript()),
        snapbox::file!["changes.txt"].raw()
    );
}

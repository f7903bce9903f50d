//! `migrations/hospital` with its merge and its visits, taken back in every way: the start, byte for byte, and done again.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::support::world::{Scene, copy_tree, migration};

const LOADS: [&[&str]; 5] = [
    &["load", "hospital_a", "records/hospital_a.ndjson"],
    &["load", "hospital_b", "records/hospital_b.ndjson"],
    &["load", "visits", "records/visits.ndjson"],
    &["load", "clinic", "records/clinic.csv"],
    &["load", "hospital_a", "records/corrections.ndjson", "--replace"],
];

fn project() -> Scene {
    let scene = Scene::new();
    copy_tree(&migration("hospital"), &scene.path("."));
    scene
}

/// Rows of these databases as (database, number, id, data), byte for byte.
fn rows(scene: &Scene, which: &str) -> Vec<(String, i64, String, String)> {
    let store = Connection::open(scene.store()).expect("a store");
    let sql =
        format!("SELECT database, record, id, data FROM audit_row WHERE database {which} ORDER BY 1, 2");
    let mut rows = store.prepare(&sql).expect("a view");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// Applies; some samples are refused, in the first run that sees them.
fn apply(scene: &Scene) {
    let said = scene.run(&["apply"]);
    assert!(said.code == 0 || said.code == 3, "{said:?}");
    scene.exits(&["verify"], 0);
}

const MADE: &str = "IN('register','people','visits_of_people')";
const LOADED: &str = "NOT IN('register','people','visits_of_people')";

/// What the stages have made, less numbers.
fn made(scene: &Scene) -> BTreeSet<(String, String, String)> {
    let rows = rows(scene, MADE).into_iter();
    rows.map(|(database, _, id, data)| (database, id, data)).collect()
}

/// The runs of `apply` that stand, the newest first.
fn runs(scene: &Scene) -> Vec<i64> {
    let store = Connection::open(scene.store()).expect("a store");
    let sql = "SELECT DISTINCT b.run FROM ledger_batch b JOIN ledger_standing p USING(pass) WHERE p.kind='apply' ORDER BY 1 DESC";
    let mut runs = store.prepare(sql).expect("a query");
    let runs = runs.query_map([], |row| row.get(0)).expect("runs");
    runs.collect::<Result<_, _>>().expect("runs")
}

#[test]
fn the_hospital_is_taken_back_in_every_way_and_applied_again() {
    let at_once = project();
    for load in LOADS {
        at_once.exits(load, 0);
    }
    apply(&at_once);
    let expected = made(&at_once);
    let people = expected.iter().filter(|(database, ..)| database == "people");
    assert!(people.count() > 40);

    let scene = project();
    for load in LOADS {
        scene.exits(load, 0);
        apply(&scene);
    }
    let loaded = rows(&scene, LOADED);
    let mut ways: Vec<Vec<Vec<String>>> = Vec::new();
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
    ways.push(
        runs(&scene)
            .iter()
            .map(|run| words(&["rollback", "--run", &run.to_string(), "--yes"]))
            .collect(),
    );
    ways.push(vec![words(&["rollback", "--all", "--yes"])]);
    ways.push(
        ["5", "4", "2", "3", "1"]
            .map(|stage| words(&["rollback", "--stage", stage, "--yes"]))
            .into(),
    );
    ways.push(vec![
        words(&["rollback", "--to", "3", "--yes"]),
        words(&["rollback", "--to", "0", "--yes"]),
    ]);
    for way in ways {
        for step in &way {
            let step: Vec<&str> = step.iter().map(String::as_str).collect();
            scene.exits_sound(&step, 0);
        }
        assert!(rows(&scene, LOADED) == loaded, "{way:?}: what was loaded");
        assert_eq!(rows(&scene, MADE), [], "{way:?}");
        apply(&scene);
        assert!(made(&scene) == expected, "{way:?}: applied again");
        assert!(rows(&scene, LOADED) == loaded, "{way:?}: what was loaded");
    }
}

//! `migrations/hospital`: three systems in one register, in any order, each reversible apart, under ids that a key makes; one
//! record for each person, whom visits follow; and nothing of a patient on any screen.

mod clerk;
mod golden;
mod key;
mod order;
mod people;
mod samples;
mod secrecy;
mod visits;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value as Json;

use crate::support::world::{Scene, copy_tree, migration};

/// The systems in the order of their stages, each with its samples.
const SYSTEMS: [(&str, &str); 3] = [
    ("hospital_a", "records/hospital_a.ndjson"),
    ("hospital_b", "records/hospital_b.ndjson"),
    ("clinic", "records/clinic.csv"),
];

/// A copy of the project, without a store.
fn project() -> Scene {
    let scene = Scene::new();
    copy_tree(&migration("hospital"), &scene.path("."));
    scene
}

/// The project with all samples, and every stage applied.
fn applied() -> Scene {
    let scene = project();
    for (database, file) in SYSTEMS {
        scene.exits(&["load", database, file], 0);
    }
    scene.exits_sound(&["apply"], 3);
    scene
}

/// The register as it stands, by id.
fn register(scene: &Scene) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = numbered(scene)
        .into_iter()
        .map(|(_, id, data)| (id, data))
        .collect();
    rows.sort();
    rows
}

/// The same, in the order of the numbers, which are those of the sources.
fn numbered(scene: &Scene) -> Vec<(i64, String, String)> {
    let store = Connection::open(scene.store()).expect("a store");
    let mut rows = store
        .prepare("SELECT record, id, data FROM register ORDER BY record")
        .expect("a register");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// A record of the register.
fn record(scene: &Scene, id: &str) -> Json {
    let found = register(scene).into_iter().find(|(found, _)| found == id);
    let (_, data) = found.unwrap_or_else(|| panic!("the register has no {id}"));
    serde_json::from_str(&data).expect("JSON")
}

/// The rows that a question to the store has, every value as text.
fn asked(scene: &Scene, sql: &str) -> Vec<Vec<String>> {
    let store = Connection::open(scene.store()).expect("a store");
    let mut statement = store.prepare(sql).expect("a question");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => String::new(),
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Real(number) => number.to_string(),
                    ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
                })
            })
            .collect()
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

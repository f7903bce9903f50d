//! A register whose records are merged by an exact key, as the tests of this folder use it.

use counterfoil::edit::{Edit, edit};
use counterfoil::record::RunId;
use counterfoil::rollback::RollbackScope;
use counterfoil::{RunInfo, apply::ApplyReport};

use crate::support::world::World;

/// Merges by `key`; all ids survive. Three records are too many for one golden record if `n` of the first is 3.
pub(crate) const PEOPLE: &str = r#"
[stage]
source = "register"
target = "people"
max_errors = 100

[merge]
by = { key = "key" }

[merge.survive]
"ids" = "union"

[contract]
source = { properties = { n = { maximum = 8 } } }
target = { properties = { ids = { maxItems = 2 } } }
"#;

/// Merges by `key`, without a contract.
pub(crate) const BY_KEY: &str = r#"
[stage]
source = "register"
target = "people"

[merge]
by = { key = "key" }

[merge.survive]
"ids" = "union"
"#;

/// A world with this stage and others.
pub(crate) fn world_with(more: &[(&str, &str)]) -> World {
    let mut files = vec![("0001_people.toml", PEOPLE)];
    files.extend(more);
    World::new("merges", &files)
}

pub(crate) fn world() -> World {
    world_with(&[])
}

/// A record of the register.
pub(crate) fn record(id: &str, key: &str) -> String {
    format!(r#"{{"id":"{id}","key":"{key}","ids":["{id}"]}}"#)
}

/// Loads records of the register, each as `id=key`.
pub(crate) fn load(world: &mut World, records: &str) {
    let records = records.split(' ').map(|one| {
        let (id, key) = one.split_once('=').expect("an id and a key");
        record(id, key)
    });
    let records: Vec<String> = records.collect();
    world.load("register", &records);
}

/// The golden records, each with its number and the members that the ledger names.
pub(crate) fn people(world: &World) -> String {
    let sql = "SELECT group_concat(golden||'='||ids,' ') FROM (
       SELECT golden, group_concat(member_id,',') AS ids FROM (SELECT * FROM audit_cross_reference ORDER BY golden, member)
       GROUP BY golden ORDER BY golden)";
    world.asked::<Option<String>>(sql).unwrap_or_default()
}

/// The rows of a database, each with its number and what survived of its members' ids.
pub(crate) fn rows(world: &World, database: &str) -> String {
    let rows = world.rows(database).into_iter().map(|row| {
        let document: serde_json::Value = serde_json::from_str(&row.data).expect("a record");
        let ids = document["ids"].as_array().cloned().unwrap_or_default();
        let ids: Vec<&str> = ids.iter().filter_map(serde_json::Value::as_str).collect();
        format!("{}={}", row.number.get(), ids.join(","))
    });
    rows.collect::<Vec<_>>().join(" ")
}

/// The id of a golden record.
pub(crate) fn id_of(world: &World, number: i64) -> String {
    world.asked(&format!("SELECT id FROM ledger_record WHERE record={number}"))
}

/// What is in quarantine, each as its id and the code.
pub(crate) fn refused(world: &World) -> String {
    let refused = world.quarantine().into_iter();
    let mut refused: Vec<String> = refused
        .map(|one| format!("{}:{}", one.id.unwrap_or_default(), one.reason.code))
        .collect();
    refused.sort();
    refused.join(" ")
}

/// Where the targets deviate, each as the number of the row, the cause and the record; a row that is missing by its id.
pub(crate) fn deviations(world: &World) -> String {
    let found = world.store.deviations(&world.stages).expect("deviations");
    let mut found: Vec<String> = found
        .into_iter()
        .map(|one| {
            let row = world.store.get(&one.database, &one.id).expect("a database");
            let row = row.map_or(one.id, |row| row.number.get().to_string());
            format!("{row}:{}:{}", one.cause.name(), one.record.get())
        })
        .collect();
    found.sort();
    found.join(" ")
}

/// Applies; returns what each pass read, in order.
pub(crate) fn apply(world: &mut World) -> Vec<u64> {
    let read = |report: ApplyReport| report.passes.iter().map(|pass| pass.counts.read).collect();
    let read: Vec<u64> = read(world.apply());
    world.is_sound();
    assert!(world.apply().passes.is_empty(), "a second apply finds something");
    read
}

/// Puts a record by hand, and returns the run.
pub(crate) fn put(world: &mut World, database: &str, id: &str, data: &str) -> RunId {
    let (id, data) = (id.to_owned(), data.to_owned());
    let report = edit(
        &mut world.store,
        database,
        &[Edit::Put { id, data }],
        &RunInfo::new("edit"),
    );
    report.expect("an edit").run.expect("a run")
}

/// Rolls everything back; the target is empty then, and a new apply makes the same of the same records.
pub(crate) fn comes_back(world: &mut World) {
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(world, "people"), "");
    world.apply();
    world.is_sound();
}

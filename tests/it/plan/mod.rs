//! `plan` tells what `apply` does, and leaves no trace; `apply --plan` holds to it; `apply --rehearse` tries it all.

mod forecasts;
mod held;
mod readers;
mod rehearsals;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;

use crate::support::world::{Said, Scene, copy_tree, migration};

/// A shipped project without records, its store where the support expects it.
fn empty(name: &str) -> Scene {
    let project = Scene::project(&[]);
    copy_tree(&migration(name), &project.path(""));
    let settings = format!("name = \"{name}\"\nstore = \"store.db\"\nbatch_size = 50\n");
    project.write("counterfoil.toml", settings);
    project
}

/// A shipped project with its records loaded.
fn shipped(name: &str, database: &str, id: &str) -> Scene {
    let project = empty(name);
    let records = format!(
        "{}/migrations/{name}/records/{database}.ndjson",
        env!("CARGO_MANIFEST_DIR")
    );
    load(&project, database, &records, id);
    project
}

fn load(project: &Scene, database: &str, records: &str, id: &str) {
    let said = project.run(&["load", database, records, "--id", id]);
    done(&said);
}

/// It did what it was asked to, whether it refused records or not.
fn done(said: &Said) {
    assert!(matches!(said.code, 0 | 3), "{said:?}");
}

/// Every file of a folder, byte for byte.
fn snapshot(project: &Scene) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(project.path("")).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry"));
    let files = files.filter(|entry| entry.file_type().expect("a type").is_file());
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    files
        .map(|entry| (name(&entry), fs::read(entry.path()).expect("its bytes")))
        .collect()
}

/// The outcomes of each stage: of a plan, or of the passes of an apply.
fn outcomes(stages: &Json) -> BTreeMap<u64, BTreeMap<String, u64>> {
    let mut outcomes = BTreeMap::new();
    for stage in stages.as_array().expect("stages or passes") {
        let sums: &mut BTreeMap<String, u64> = outcomes
            .entry(stage["stage"].as_u64().expect("a number"))
            .or_default();
        for (name, count) in stage["counts"].as_object().expect("counts") {
            *sums.entry(name.clone()).or_default() += count.as_u64().expect("a count");
        }
    }
    outcomes
}

fn shop() -> Scene {
    shipped("shop", "orders_v1", "order_id")
}

fn bank() -> Scene {
    shipped("bank", "legacy_transactions", "tx_ref")
}

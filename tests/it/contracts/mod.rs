//! Contracts over whole databases: what is unique, what refers to what; what happens to a record that breaks one; and
//! `validate` and `profile`, which look without moving anything.

mod modes;
mod profile;
mod references;
mod unique;
mod validate;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value as Json;

use crate::support::world::{Said, Scene};

const COPY: &str = "[stage]\nsource = \"people_v1\"\ntarget = \"people\"\nmax_errors = \"100%\"\n";

/// One stage that copies `people_v1` to `people` under a contract.
fn people(contract: &str) -> Scene {
    Scene::project(&[("0001_people.toml", &format!("{COPY}{contract}"))])
}

fn load(project: &Scene, database: &str, lines: &[&str]) {
    load_with(project, database, lines, &[]);
}

fn load_with(project: &Scene, database: &str, lines: &[&str], options: &[&str]) {
    let file = format!(
        "{database}.{}.ndjson",
        fs::read_dir(project.path("")).expect("a folder").count()
    );
    project.load_file(database, &file, lines, &[&["--id", "id"], options].concat());
}

/// Plans, applies, and compares the two; gives what `apply` said.
fn apply(project: &Scene, options: &[&str]) -> Said {
    let planned = project.run(&[&["plan", "--json"], options].concat()).data();
    let said = project.run(&[&["apply", "--json"], options].concat());
    let applied = said.data();
    if said.code != 6 {
        let sum = |list: &Json, name: &str| -> u64 {
            let list = list.as_array().unwrap_or_else(|| panic!("{planned} {said:?}"));
            list.iter()
                .map(|one| one["counts"][name].as_u64().expect("a count"))
                .sum()
        };
        for name in ["read", "written", "unchanged", "filtered", "refused"] {
            assert_eq!(
                sum(&planned["stages"], name),
                sum(&applied["passes"], name),
                "{name}"
            );
        }
    }
    let verified = project.run(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    said
}

/// Who stands in quarantine, and the code and the expectation of the first violation.
fn refused(project: &Scene) -> BTreeMap<String, String> {
    let listed = project.run(&["quarantine", "list", "--json"]).data();
    let records = listed["records"].as_array().expect("records").iter();
    let one = |record: &Json| {
        let violation = &record["reason"]["violations"][0];
        let what = format!(
            "{}{}",
            violation["code"].as_str().expect("a code"),
            violation["pointer"].as_str().expect("a pointer")
        );
        (record["id"].as_str().expect("an id").to_owned(), what)
    };
    records.map(one).collect()
}

fn ids(project: &Scene, database: &str) -> BTreeSet<String> {
    let said = project.run(&["export", database, "--with-id"]);
    let lines = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("a record"));
    lines
        .map(|record| record["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

const UNIQUE: &str = "[[contract.unique]]\nname = \"one person per number\"\nkey = \"= doc.get('n')\"\n";

/// A rule written with double quotes inside, as TOML takes it.
fn rule(text: &str) -> String {
    text.replace('\'', "\\\"")
}

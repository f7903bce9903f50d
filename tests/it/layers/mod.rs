//! The architecture: the layers, as the table in ARCHITECTURE.md ("The map") lists them, and what stands nowhere
//! (`absences`). Who names whom is found in the sources as Rust, re-exports followed to where an item is defined.

mod absences;
mod circles;
mod finding;
mod house;
mod names;
mod table;
pub(crate) mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use circles::{circles, told};
use house::house;

fn nowhere(found: &[String], promise: &str) {
    assert!(
        found.is_empty(),
        "{promise} ({}):\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn the_table_of_the_layers_knows_every_file_and_names_nothing_else() {
    let house = house();
    let mut found = Vec::new();
    let mut needed = BTreeSet::new();
    for file in &house.files {
        match house.table.entry(file) {
            Some((_, entry)) => drop(needed.insert(entry)),
            None => found.push(format!("src/{file} belongs to no layer")),
        }
    }
    let mut named = BTreeSet::new();
    for row in &house.table.0 {
        for entry in &row.entries {
            if !needed.contains(entry.as_str()) {
                found.push(format!("`{entry}` in the row {} is no file of src/", row.name));
            }
            if !named.insert(entry) {
                found.push(format!("`{entry}` stands in two rows"));
            }
        }
    }
    found.extend(
        house
            .undeclared
            .iter()
            .map(|file| format!("src/{file} is part of no module")),
    );
    nowhere(&found, "the table in ARCHITECTURE.md and src/ differ");
}

/// What the other tests here do not see, they do not hold.
#[test]
fn every_path_of_the_crate_leads_somewhere() {
    nowhere(&house().unknown, "these paths lead nowhere");
}

#[test]
fn a_lower_layer_never_names_a_higher_one() {
    let house = house();
    let table = &house.table;
    let mut found = Vec::new();
    for (from, arrows) in &house.graph {
        for (to, names) in arrows {
            let (Some(own), Some(other)) = (table.layer(from), table.layer(to)) else {
                continue;
            };
            if own < other {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let (own, other) = (&table.0[own].name, &table.0[other].name);
                found.push(format!(
                    "src/{from} ({own}) -> src/{to} ({other}): {}",
                    names.join(", ")
                ));
            }
        }
    }
    nowhere(&found, "a lower layer names a higher one");
}

#[test]
fn no_files_form_a_circle() {
    let graph = &house().graph;
    let found: Vec<String> = circles(graph).iter().map(|circle| told(graph, circle)).collect();
    nowhere(&found, "files form circles");
}

/// A path with a folder in it, as ARCHITECTURE.md writes files, stands in the project or in `src/`.
#[test]
fn what_the_architecture_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let is_path = |word: &&str| word.contains('/') && (word.ends_with(".rs") || word.ends_with('/'));
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_path).collect();
    assert!(quoted.len() > 50, "paths are found");
    let is_there = |path: &str| root.join(path).exists() || root.join("src").join(path).exists();
    let gone: Vec<String> = quoted
        .iter()
        .filter(|path| !is_there(path))
        .map(ToString::to_string)
        .collect();
    nowhere(&gone, "ARCHITECTURE.md names what is not there");
}

/// What a verb offers to others is what its root file, `verb.rs` or `verb/mod.rs`, holds as `pub`, defined there or handed
/// on: what programs get as well. All else is its inside: its modules, and what is `pub(crate)` or less. The report is held
/// to it like a verb.
#[test]
fn no_verb_names_the_inside_of_another() {
    let found: Vec<String> = house().insides.iter().cloned().collect();
    nowhere(&found, "a verb names the inside of another");
}

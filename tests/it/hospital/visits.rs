//! Visits follow their patients, and everything can be taken back to the start.

use std::collections::BTreeMap;

use super::people::members;
use super::{SYSTEMS, asked, project};
use crate::support::world::Scene;

/// What lives in the store.
const DATABASES: [&str; 7] = [
    "hospital_a",
    "hospital_b",
    "clinic",
    "visits",
    "register",
    "people",
    "visits_of_people",
];

fn loaded() -> Scene {
    let scene = project();
    let visits = ("visits", "records/visits.ndjson");
    for (database, file) in SYSTEMS.into_iter().chain([visits]) {
        scene.exits(&["load", database, file], 0);
    }
    scene
}

/// Every record of every database, by number.
fn everything(scene: &Scene) -> Vec<Vec<String>> {
    let known = asked(scene, "SELECT DISTINCT database FROM ledger_record");
    let known: Vec<&str> = known.iter().map(|row| row[0].as_str()).collect();
    let there = DATABASES.iter().filter(|database| known.contains(database));
    there
        .flat_map(|database| {
            let sql = format!("SELECT '{database}', record, id, data FROM {database} ORDER BY record");
            asked(scene, &sql)
        })
        .collect()
}

/// The person of each visit, by its patient.
fn persons(scene: &Scene) -> Vec<(String, String)> {
    let sql = "SELECT json_extract(data,'$.patient'), json_extract(data,'$.person') FROM visits_of_people ORDER BY record";
    asked(scene, sql)
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect()
}

/// Checks that each visit has the person that its patient is part of; returns how many there are.
fn follow(scene: &Scene) -> usize {
    let golden: BTreeMap<String, String> = members(scene)
        .into_iter()
        .flat_map(|(golden, members)| members.into_iter().map(move |member| (member, golden.clone())))
        .collect();
    let persons = persons(scene);
    for (patient, person) in &persons {
        assert_eq!(golden.get(patient), Some(person), "{patient}");
    }
    persons.len()
}

fn waiting(scene: &Scene) -> usize {
    let listed = scene.envelope(&["quarantine", "list", "--code", "lookup.waiting"]);
    listed["data"]["records"].as_array().expect("records").len()
}

#[test]
fn a_visit_has_the_person_of_its_patient_and_follows_it() {
    let scene = loaded();
    scene.exits_sound(&["apply"], 3);
    assert_eq!((follow(&scene), waiting(&scene)), (80, 5));
    let said = scene.exits(
        &["load", "hospital_a", "records/corrections.ndjson", "--replace"],
        0,
    );
    assert!(said.out.contains("done"), "{said:?}");
    scene.exits_sound(&["apply"], 0);
    assert_eq!((follow(&scene), waiting(&scene)), (81, 4));
    // She moves to where she is known under her new name.
    let row = &asked(&scene, "SELECT data FROM hospital_a WHERE id='4717'")[0][0];
    let married = [
        ("Carter", "Dawson"),
        ("22 Birch Ln", "64 Cedar St"),
        ("Medford", "Newton"),
        ("02155", "02458"),
        ("2019-08-05", "2024-08-05"),
    ];
    let row = married
        .iter()
        .fold(row.clone(), |row, (from, to)| row.replace(from, to));
    scene.load("hospital_a", &[row], &["--replace"]);
    let said = scene.exits_sound(&["apply"], 0);
    let processed = said.out.lines().find(|line| line.starts_with("5 visits"));
    let read: Vec<&str> = processed.expect("visits").split_whitespace().collect();
    // Her visits under the new name have another person now; those under the old name keep theirs.
    assert_eq!(read[5..7], ["done", "1"], "{said:?}");
    assert_eq!(follow(&scene), 81);
    let of = |patient: &str| {
        let mut found = persons(&scene).into_iter().filter(|(found, _)| found == patient);
        found.next().expect("a visit").1
    };
    assert_eq!(of("A:4717"), of("B:20121"));
    // What is deleted leaves no visit with a person who may not be the right one.
    scene.exits(&["delete", "hospital_b", "20117", "--reason", "test"], 0);
    scene.exits(&["apply"], 3);
    assert_eq!((follow(&scene), waiting(&scene)), (79, 6));
    scene.exits(&["verify"], 0);
}

#[test]
fn everything_is_taken_back_run_by_run_to_the_start() {
    let scene = loaded();
    let mut states = vec![everything(&scene)];
    let mut runs = Vec::new();
    let steps: [&[&str]; 5] = [
        &["apply"],
        &["load", "hospital_a", "records/corrections.ndjson", "--replace"],
        &["apply"],
        &["delete", "clinic", "301", "--reason", "test"],
        &["apply"],
    ];
    for step in steps {
        let said = scene.run(step);
        assert!(said.code == 0 || said.code == 3, "{said:?}");
        runs.push(asked(&scene, "SELECT max(run) FROM ledger_run")[0][0].clone());
        states.push(everything(&scene));
    }
    while let Some(run) = runs.pop() {
        assert_eq!(states.pop().as_ref(), Some(&everything(&scene)), "{run}");
        scene.exits_sound(&["rollback", "--run", &run, "--yes"], 0);
    }
    assert_eq!(states, [everything(&scene)]);
}

#[test]
fn everything_is_taken_back_at_once_to_the_start() {
    let scene = loaded();
    let before = everything(&scene);
    scene.exits(&["apply"], 3);
    let applied = everything(&scene);
    scene.exits_sound(&["rollback", "--all", "--yes"], 0);
    assert_eq!(everything(&scene), before);
    scene.exits_sound(&["apply"], 3);
    let without_numbers = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| vec![row[0].clone(), row[2].clone(), row[3].clone()])
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(without_numbers(everything(&scene)), without_numbers(applied));
}

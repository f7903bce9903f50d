//! One person, one record: which records are merged by the truth, what a golden record has, and what becomes of it later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::samples::truth;
use super::{SYSTEMS, applied, asked, project, register};
use crate::support::world::Scene;

/// Two records, the smaller first.
pub(super) type Pair = (String, String);

fn pair(a: &str, b: &str) -> Pair {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    (a.to_owned(), b.to_owned())
}

/// Every two of a set.
fn pairs_in<'a>(records: impl IntoIterator<Item = &'a String>) -> BTreeSet<Pair> {
    let records: Vec<&String> = records.into_iter().collect();
    let others =
        |(at, a): (usize, &&String)| -> Vec<Pair> { records[at + 1..].iter().map(|b| pair(a, b)).collect() };
    records.iter().enumerate().flat_map(others).collect()
}

/// The pairs of the register that are one person, by the truth.
pub(super) fn true_pairs(scene: &Scene) -> BTreeSet<Pair> {
    let present: BTreeSet<String> = register(scene).into_iter().map(|(id, _)| id).collect();
    let of = |records: &Vec<String>| pairs_in(records.iter().filter(|record| present.contains(*record)));
    truth().values().flat_map(of).collect()
}

/// The members of each golden record.
pub(super) fn members(scene: &Scene) -> BTreeMap<String, BTreeSet<String>> {
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in asked(scene, "SELECT golden_id, member_id FROM audit_cross_reference") {
        members.entry(row[0].clone()).or_default().insert(row[1].clone());
    }
    members
}

/// How many golden records have several members.
fn several(scene: &Scene) -> usize {
    members(scene)
        .values()
        .filter(|members| members.len() > 1)
        .count()
}

pub(super) fn merged_pairs(scene: &Scene) -> BTreeSet<Pair> {
    members(scene).values().flat_map(pairs_in).collect()
}

/// The pairs that wait for a person, each with its band.
pub(super) fn reviews(scene: &Scene) -> BTreeMap<Pair, String> {
    let rows = asked(scene, "SELECT a_id, b_id, band FROM audit_review");
    rows.into_iter()
        .map(|row| (pair(&row[0], &row[1]), row[2].clone()))
        .collect()
}

/// The golden records by id.
pub(super) fn people(scene: &Scene) -> BTreeMap<String, String> {
    let rows = asked(scene, "SELECT id, data FROM people");
    rows.into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect()
}

#[test]
fn only_records_of_one_person_are_merged_and_the_others_wait_for_a_person() {
    let scene = applied();
    let truth = true_pairs(&scene);
    let merged = merged_pairs(&scene);
    let reviews = reviews(&scene);
    let wrong: Vec<&Pair> = merged.difference(&truth).collect();
    assert_eq!(wrong, Vec::<&Pair>::new());
    let missed: Vec<&Pair> = truth
        .iter()
        .filter(|pair| !merged.contains(*pair) && !reviews.contains_key(*pair))
        .collect();
    assert_eq!(missed, Vec::<&Pair>::new());
    assert_eq!((truth.len(), merged.len()), (36, 34));
    assert_eq!((people(&scene).len(), several(&scene)), (50, 28));
    let expected = [
        ("A:4717", "B:20121", "near"),     // married
        ("A:4726", "B:20126", "conflict"), // two digits of the SSN exchanged
        ("A:4730", "B:20130", "conflict"), // namesakes
        ("B:20124", "C:307", "conflict"),  // a senior and a junior
        ("B:20125", "C:308", "conflict"),  // a daughter and her mother
    ];
    let expected = expected.map(|(a, b, band)| (pair(a, b), band.to_owned()));
    assert_eq!(reviews, BTreeMap::from(expected));
}

/// Which member each thing may come from, by the place of the golden record.
const WHOLE: [&str; 4] = [
    "/demographics/name",
    "/demographics/contact/address",
    "/insurance",
    "/source",
];

#[test]
fn a_golden_record_loses_no_entry_of_a_safety_list_and_mixes_no_address() {
    let scene = applied();
    let records: BTreeMap<String, Json> = register(&scene)
        .into_iter()
        .map(|(id, data)| (id, serde_json::from_str(&data).expect("JSON")))
        .collect();
    let mut united = 0;
    for (golden, members) in members(&scene) {
        let person: Json = serde_json::from_str(&people(&scene)[&golden]).expect("JSON");
        let of = |pointer: &str| -> Vec<&Json> {
            members
                .iter()
                .map(|member| records[member].pointer(pointer).expect("a field"))
                .collect()
        };
        for list in [
            "/medical/allergies",
            "/medical/conditions",
            "/medical/medications",
        ] {
            let texts = |lists: &[&Json]| -> BTreeSet<String> {
                let entries = lists.iter().flat_map(|list| list.as_array().expect("a list"));
                entries.map(Json::to_string).collect()
            };
            let has = person.pointer(list).expect("a list");
            assert_eq!(texts(&[has]), texts(&of(list)), "{golden} {list}");
            assert_eq!(
                has.as_array().map_or(0, Vec::len),
                texts(&[has]).len(),
                "{golden} {list}"
            );
            united += usize::from(of(list).iter().all(|other| *other != has));
        }
        for whole in WHOLE {
            let has = person.pointer(whole).expect("a field");
            assert!(of(whole).contains(&has), "{golden} {whole}");
        }
        // The id, its kind and the key that it was made from come from one record, one with an SSN if there is any.
        let id = |record: &Json| ["patient_id", "temporary_id", "ssn_key"].map(|name| record[name].clone());
        assert!(
            members.iter().any(|member| id(&records[member]) == id(&person)),
            "{golden}"
        );
        let all_temporary = members
            .iter()
            .all(|member| records[member]["temporary_id"] == true);
        assert_eq!(person["temporary_id"], all_temporary, "{golden}");
    }
    assert!(united > 0, "lists that no record has alone: {united}");
}

#[test]
fn a_golden_record_keeps_its_id_and_its_bytes_where_nothing_concerns_it() {
    let scene = applied();
    let (before, people_before) = (members(&scene), people(&scene));
    scene.exits_sound(&["apply"], 0);
    scene.exits_sound(&["rollback", "--stage", "4", "--yes"], 0);
    assert!(people(&scene).is_empty());
    scene.exits_sound(&["apply"], 0);
    assert_eq!(
        (members(&scene), people(&scene)),
        (before.clone(), people_before.clone())
    );
    scene.exits(
        &["load", "hospital_a", "records/corrections.ndjson", "--replace"],
        0,
    );
    scene.exits_sound(&["apply"], 0);
    let after = members(&scene);
    let mut joined = 0;
    for (golden, members) in &after {
        if members.contains("A:4737") {
            let expected = ["A:4737", "B:20131"].map(str::to_owned);
            assert_eq!(*members, BTreeSet::from(expected));
            assert!(before[golden].contains("B:20131"));
            joined += 1;
        } else {
            assert_eq!(before[golden], *members, "{golden}");
            assert_eq!(people_before[golden], people(&scene)[golden], "{golden}");
        }
    }
    assert_eq!((joined, after.len(), before.len()), (1, 50, 50));
}

#[test]
fn the_order_of_loading_decides_nothing() {
    let expected: BTreeSet<_> = members(&applied()).into_values().collect();
    for order in [[2, 1, 0], [1, 2, 0]] {
        let scene = project();
        for system in order {
            let (database, file) = SYSTEMS[system];
            scene.exits(&["load", database, file], 0);
        }
        scene.exits_sound(&["apply"], 3);
        let found: BTreeSet<_> = members(&scene).into_values().collect();
        assert_eq!(found, expected, "{order:?}");
    }
}

/// Loads a record of hospital B again, with a text in it replaced.
fn correct(scene: &Scene, id: &str, from: &str, to: &str) {
    let row = asked(scene, &format!("SELECT data FROM hospital_b WHERE id='{id}'"));
    assert!(row[0][0].contains(from), "{}", row[0][0]);
    scene.load("hospital_b", &[row[0][0].replace(from, to)], &["--replace"]);
}

#[test]
fn records_whose_blood_types_differ_wait_and_the_golden_record_stays_as_it_was() {
    let scene = applied();
    let before = people(&scene);
    let golden = "543b9a40-0dbc-549e-bce3-e893186b92a5";
    correct(&scene, "20118", r#""blood_group":"O+""#, r#""blood_group":"B-""#);
    let said = scene.exits_sound(&["apply"], 3);
    assert!(said.out.contains("merge.differs        2"), "{said:?}");
    assert_eq!(people(&scene), before);
    let status = scene.exits(&["status"], 0).out;
    let stale = format!("people differs from its stages in 1 row: 1 stale ({golden})");
    assert!(status.contains(&stale), "{status}");
    let reconciled = scene.exits(&["reconcile", "--stage", "4"], 0).out;
    assert!(reconciled.contains("target           50      50"), "{reconciled}");
    correct(&scene, "20118", r#""blood_group":"B-""#, r#""blood_group":"O+""#);
    scene.exits_sound(&["apply"], 0);
    assert_eq!(people(&scene), before);
    let listed = scene.exits(&["quarantine", "list"], 0).out;
    assert!(!listed.contains("merge.differs"), "{listed}");
}

#[test]
fn a_member_that_leaves_an_unchanged_golden_record_leaves_it_reconciled() {
    let scene = applied();
    let golden = "f03368a6-c936-520c-bc1c-86c243bd3d3f";
    let before = people(&scene)[golden].clone();
    scene.exits(&["delete", "clinic", "305", "--reason", "test"], 0);
    scene.exits_sound(&["apply"], 0);
    assert_eq!(people(&scene)[golden], before);
    let expected = ["A:4720", "B:20123"].map(str::to_owned);
    assert_eq!(members(&scene)[golden], BTreeSet::from(expected));
    let said = scene.exits(&["reconcile", "--stage", "4"], 0);
    assert!(said.out.contains("target           50      50"), "{said:?}");
}

/// A block of the README.
fn block(scene: &Scene, begins: &str) -> String {
    let readme = std::fs::read_to_string(scene.path("README.md")).expect("a README");
    let blocks = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut found = blocks.filter(|block| block.starts_with(begins));
    let block = found.next().expect("the README has the block");
    block.to_owned()
}

#[test]
fn the_key_of_the_reference_finds_what_the_readme_says() {
    let scene = project();
    let name = "0004_people.toml";
    let stage = std::fs::read_to_string(scene.path(name)).expect("a stage");
    let (head, rest) = stage.split_once("[merge]\n").expect("a merge");
    let (_, rest) = rest.split_once("[merge.survive]").expect("what survives");
    // The examples of the stage are those of its model.
    let rest = rest.split("[[example]]").next().expect("a contract");
    let key = block(&scene, "[merge]\n");
    scene.write(name, format!("{head}{key}\n[merge.survive]{rest}"));
    for (database, file) in SYSTEMS {
        scene.exits(&["load", database, file], 0);
    }
    let said = scene.exits_sound(&["apply"], 3);
    for line in [
        "51 merged into 24 golden records, 28 alone, 2 refused",
        "people: refused 2 (-2), merged 27 (-27)",
    ] {
        assert!(said.out.contains(line), "{said:?}");
    }
    let merged = merged_pairs(&scene);
    assert!(merged.is_subset(&true_pairs(&scene)));
    assert_eq!((merged.len(), several(&scene)), (30, 24));
    let listed = scene
        .exits(&["quarantine", "list", "--code", "merge.differs"], 0)
        .out;
    assert!(listed.contains("4730") && listed.contains("20130"), "{listed}");
    let validated = scene.exits(&["validate", "people"], 0).out;
    for line in [
        "52 records of people",
        "valid: warnings only, 10 with warnings only",
    ] {
        assert!(validated.contains(line), "{validated}");
    }
}

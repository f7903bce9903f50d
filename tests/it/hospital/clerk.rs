//! The tour of the project: a clerk decides what waits, and one decision is wrong and is taken back.

use std::collections::BTreeMap;

use super::asked;
use super::people::{merged_pairs, reviews, true_pairs};
use super::samples::truth;
use crate::command::toured;
use crate::support::world::{Scene, copy_tree, migration};

/// The two whom the clerk takes for one.
const MISTAKEN: (&str, &str) = ("B:20125", "C:308");

#[test]
fn the_clerk_is_right_about_every_pair_but_the_one_that_the_tour_takes_back() {
    let truth = truth();
    let person = |record: &str| {
        let mut people = truth
            .iter()
            .filter(|(_, records)| records.iter().any(|one| one == record));
        people.next().unwrap_or_else(|| panic!("nobody has {record}")).0
    };
    let text = std::fs::read_to_string(migration("hospital").join("clerk.csv")).expect("decisions");
    let mut mistaken = Vec::new();
    for line in text.lines().skip(1) {
        let mut cells = line.splitn(4, ',');
        let (Some(a), Some(b), Some(decision)) = (cells.next(), cells.next(), cells.next()) else {
            panic!("{line}")
        };
        if (decision == "accept") != (person(a) == person(b)) {
            mistaken.push((a, b));
        }
    }
    assert_eq!(mistaken, [MISTAKEN]);
}

#[test]
fn the_tour_ends_with_one_record_for_each_person_and_every_merge_can_be_taken_back() {
    let elsewhere = Scene::new();
    let steps = toured(&elsewhere, "hospital", "people");
    let waited = steps.iter().find(|step| step["arguments"][2] == "V-1051");
    let life = waited.expect("the visit that waited")["answer"].to_string();
    assert!(
        life.contains("lookup.waiting") && life.contains("written"),
        "{life}"
    );

    // The sheet that the clerk had shows nobody's name, birth date, SSN, phone or address.
    let sheet = std::fs::read_to_string(elsewhere.path("hospital/queue.csv")).expect("a sheet");
    for value in [
        "Carter", "Jensen", "Smith", "Hale", "Marsh", "1990-12", "1996-03", "355-70", "617-555", "Summer",
    ] {
        assert!(!sheet.contains(value), "{value}: {sheet}");
    }

    // Her visits name the golden record of the two, and then her own again.
    let shown: Vec<&str> = (steps.iter())
        .filter(|step| step["arguments"][3] == r#"doc.patient == "B:20125""#)
        .filter_map(|step| step["answer"]["data"]["records"][0]["data"]["person"].as_str())
        .collect();
    let scene = Scene::new();
    copy_tree(&elsewhere.path("hospital"), &scene.path("."));
    let golden = asked(&scene, "SELECT member_id, golden_id FROM audit_cross_reference");
    let golden: BTreeMap<&str, &str> = (golden.iter())
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    assert_eq!(shown, [golden["C:308"], golden["B:20125"]]);
    assert_eq!(golden["A:4725"], golden["C:308"]);
    assert_ne!(golden["B:20125"], golden["C:308"]);

    let truth = true_pairs(&scene);
    assert_eq!((truth.len(), merged_pairs(&scene)), (37, truth.clone()));
    assert_eq!(reviews(&scene), BTreeMap::new());

    scene.exits_sound(&["unmerge", "people", "--all", "--yes", "--reason", "test"], 0);
    assert_eq!(asked(&scene, "SELECT id FROM people"), Vec::<Vec<String>>::new());
    scene.exits_sound(&["apply"], 0);
    assert_eq!(merged_pairs(&scene), truth, "the decisions stand");

    scene.exits_sound(&["unmerge", "people", "--all", "--yes", "--reason", "test"], 0);
    scene.exits_sound(&["rollback", "--all", "--yes"], 0);
    for database in ["register", "people", "visits_of_people"] {
        let left = asked(&scene, &format!("SELECT id FROM {database}"));
        assert_eq!(left, Vec::<Vec<String>>::new(), "{database}");
    }
    let decided = scene.envelope(&["review", "list"]);
    assert_eq!(decided["data"]["waiting"], 0, "{decided}");
}

//! What the samples hold: who is who, what is refused and what a correction releases.

use std::collections::{BTreeMap, BTreeSet};

use super::{SYSTEMS, applied, record, register};

/// The records of each person, by the truth.
pub(super) fn truth() -> BTreeMap<String, Vec<String>> {
    let file = crate::support::world::migration("hospital").join("records/truth.csv");
    let text = std::fs::read_to_string(file).expect("the truth");
    let mut people: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (Some(person), Some(record)) = (cells.next(), cells.next()) else {
            panic!("{line}")
        };
        people
            .entry(person.to_owned())
            .or_default()
            .push(record.to_owned());
    }
    people
}

#[test]
fn the_truth_names_every_record_of_the_sources_once() {
    let people = truth();
    let named: Vec<&String> = people.values().flatten().collect();
    let once: BTreeSet<&String> = named.iter().copied().collect();
    assert_eq!((people.len(), named.len(), once.len()), (50, 84, 84));
    let scene = applied();
    let mut refused = once.clone();
    for (id, _) in register(&scene) {
        assert!(refused.remove(&id), "nobody has {id}");
    }
    let refused: Vec<&str> = refused.into_iter().map(String::as_str).collect();
    assert_eq!(refused, ["A:4737", "B:20132", "C:311"]);
    for (database, _) in SYSTEMS {
        scene.exits(&["validate", database], 0);
    }
}

#[test]
fn records_of_one_person_with_one_ssn_have_one_id_and_strangers_never_do() {
    let scene = applied();
    let person: BTreeMap<String, String> = truth()
        .into_iter()
        .flat_map(|(person, records)| records.into_iter().map(move |record| (record, person.clone())))
        .collect();
    let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut shared = 0;
    for (id, _) in register(&scene) {
        let patient = record(&scene, &id)["patient_id"].as_str().unwrap().to_owned();
        let owners = owners.entry(patient).or_default();
        shared += u32::from(!owners.is_empty());
        owners.insert(&person[&id]);
    }
    assert!(owners.values().all(|owners| owners.len() == 1), "{owners:?}");
    assert_eq!(shared, 18, "records whose id another record of the person has");
}

#[test]
fn a_correction_releases_a_refused_record_and_the_others_are_waived() {
    let scene = applied();
    let listed = scene.exits(&["quarantine", "list"], 0).out;
    for line in [
        "stage 1     parse_date.unparsed        1",
        "stage 2     ssn.invalid                1",
        "stage 3     parse_date.unparsed        1",
    ] {
        assert!(listed.contains(line), "{listed}");
    }
    scene.exits(
        &["load", "hospital_a", "records/corrections.ndjson", "--replace"],
        0,
    );
    let said = scene.exits_sound(&["apply"], 0);
    assert!(said.out.contains("1 hospital_a"), "{said:?}");
    assert_eq!(record(&scene, "A:4737")["demographics"]["dob"], "1975-02-03");
    assert_eq!(
        record(&scene, "A:4737")["patient_id"],
        record(&scene, "B:20131")["patient_id"]
    );
    scene.exits_sound(&["quarantine", "waive", "--all", "--reason", "unknown"], 0);
    let said = scene.exits_sound(&["reconcile"], 0);
    assert!(said.out.contains("all balances reconciled"), "{said:?}");
    assert_eq!(register(&scene).len(), 82);
}

//! Nothing that tells who a patient is reaches the register's ids or any screen.

use std::collections::BTreeSet;

use super::{applied, register};

/// Whatever the samples hold of names, SSNs, birth dates, phones and addresses, as it is written there.
fn planted() -> BTreeSet<String> {
    let folder = crate::support::world::migration("hospital").join("records");
    let mut found = BTreeSet::new();
    for name in ["hospital_a.ndjson", "hospital_b.ndjson"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("samples");
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let pointers = [
                "/ssn",
                "/last_name",
                "/birth_date",
                "/phone",
                "/email",
                "/address_line1",
                "/policy_id",
                "/name/family",
                "/address/line",
                "/identifiers/1/value",
                "/telecom/0/value",
                "/coverage/policy",
            ];
            let values = pointers
                .iter()
                .filter_map(|pointer| record.pointer(pointer)?.as_str());
            found.extend(values.filter(|value| value.len() > 5).map(str::to_owned));
        }
    }
    assert!(found.len() > 150, "{}", found.len());
    found
}

#[test]
fn no_screen_shows_who_a_patient_is() {
    let scene = applied();
    let planted = planted();
    for arguments in [
        &["query", "register", "--limit", "100"][..],
        &["query", "hospital_a", "--pretty", "--limit", "100"],
        &["query", "hospital_b", "--limit", "100"],
        &["query", "clinic", "--limit", "100"],
        &["query", "people", "--limit", "100"],
        &["export", "people"],
        &["export", "register"],
        &["export", "register", "--format", "csv"],
        &["quarantine", "list"],
        &["quarantine", "show", "4737"],
        &["quarantine", "show", "20132"],
        &["trace", "register", "A:4711"],
        &["trace", "people", "3695f706-18df-5999-8974-7e9c0d1ef010"],
        &["profile", "people"],
        &["validate", "people"],
        &["profile", "register"],
        &["profile", "hospital_a"],
        &["reconcile"],
        &["status"],
        &["history"],
        &["report"],
        &["validate", "register"],
        &["plan"],
    ] {
        let said = scene.quietly(arguments);
        assert!(said.code == 0 || said.code == 3, "{arguments:?}: {said:?}");
        let text = said.out + &said.err;
        for value in &planted {
            assert!(!text.contains(value), "{arguments:?} shows {value}");
        }
    }
    scene.exits(&["rollback", "--all", "--yes"], 0);
    let plan = scene.exits(&["plan", "--sample", "50"], 3).out;
    for value in &planted {
        assert!(!plan.contains(value), "a plan shows {value}");
    }
}

#[test]
fn the_ssn_never_enters_the_register() {
    let scene = applied();
    let digits: BTreeSet<String> = planted()
        .into_iter()
        .map(|value| value.chars().filter(char::is_ascii_digit).collect::<String>())
        .filter(|digits| digits.len() == 9)
        .collect();
    assert!(digits.len() > 40, "{}", digits.len());
    for (id, data) in register(&scene) {
        let plain: String = data.chars().filter(|letter| *letter != '-').collect();
        for ssn in &digits {
            assert!(!plain.contains(ssn.as_str()), "{id} has {ssn}");
        }
    }
}

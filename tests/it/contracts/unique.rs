//! A unique key is given to whoever comes first, and is free again when it is let go.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{COPY, UNIQUE, apply, ids, load, load_with, people, refused, rule, set};
use crate::support::world::Scene;

#[test]
fn the_second_with_a_unique_key_is_refused_whatever_the_batches() {
    for batch in ["1", "2", "1000"] {
        let project = people(&rule(UNIQUE));
        let lines = [
            r#"{"id":"a","n":1}"#,
            r#"{"id":"b","n":2}"#,
            r#"{"id":"c","n":1.0}"#,
            r#"{"id":"d","n":null}"#,
            r#"{"id":"e"}"#,
            r#"{"id":"f","n":null}"#,
            r#"{"id":"g","n":"1"}"#,
        ];
        load(&project, "people_v1", &lines);
        let said = apply(&project, &["--batch-size", batch]);
        assert_eq!(said.code, 3, "{said:?}");
        assert_eq!(refused(&project), [("c".into(), "contract.unique".into())].into());
        assert_eq!(ids(&project, "people"), set(&["a", "b", "d", "e", "f", "g"]));
        let shown = project.run(&["quarantine", "show", "c"]);
        assert!(
            shown.out.contains("one person per number") && shown.out.contains("record 1 has it"),
            "{shown:?}"
        );
    }
}

#[test]
fn a_key_that_is_let_go_can_be_taken_by_who_was_refused() {
    let project = people(&rule(UNIQUE));
    load(
        &project,
        "people_v1",
        &[r#"{"id":"a","n":1}"#, r#"{"id":"b","n":1}"#],
    );
    apply(&project, &[]);
    load_with(&project, "people_v1", &[r#"{"id":"a","n":2}"#], &["--replace"]);
    apply(&project, &[]);
    let said = project.run(&["quarantine", "retry"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(ids(&project, "people"), set(&["a", "b"]));
    // And one that comes later is still compared with what was there before.
    load(
        &project,
        "people_v1",
        &[r#"{"id":"c","n":1}"#, r#"{"id":"d","n":3}"#],
    );
    apply(&project, &[]);
    assert_eq!(refused(&project), [("c".into(), "contract.unique".into())].into());
}

#[test]
fn parts_of_one_record_are_compared_with_each_other_and_with_others() {
    let stage = format!(
        "{COPY}[[op]]\nop = \"derive\"\npath = \"parts\"\n{}",
        rule(UNIQUE)
    );
    let project = Scene::project(&[("0001_people.toml", &stage)]);
    let lines = [
        r#"{"id":"a","parts":[{"n":1},{"n":2}]}"#,
        r#"{"id":"b","parts":[{"n":3},{"n":3}]}"#,
        r#"{"id":"c","parts":[{"n":4},{"n":2}]}"#,
        r#"{"id":"d","parts":[{"n":3},{"n":4}]}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = project.run(&["check"]);
    if said.code != 0 {
        panic!("{said:?}");
    }
    apply(&project, &[]);
    assert_eq!(
        refused(&project).into_keys().collect::<BTreeSet<_>>(),
        set(&["b", "c"])
    );
    assert_eq!(ids(&project, "people").len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// First come, first served, in the order of the records; a key that is replaced is free again.
    #[test]
    fn unique_keys_are_given_out_as_a_naive_model_gives_them(
        rounds in proptest::collection::vec(proptest::collection::vec((0..12u8, 0..8u8), 1..12), 1..4),
        batch in 1..5u8,
    ) {
        let project = people(&rule(UNIQUE));
        let (mut source, mut numbers): (BTreeMap<u8, u8>, Vec<u8>) = (BTreeMap::new(), Vec::new());
        let mut target: BTreeMap<u8, u8> = BTreeMap::new();
        for round in rounds {
            let mut changed: BTreeSet<u8> = BTreeSet::new();
            let newest: BTreeMap<u8, u8> = round.iter().copied().collect();
            for (id, key) in &newest {
                if !numbers.contains(id) {
                    numbers.push(*id);
                }
                if source.insert(*id, *key) != Some(*key) {
                    changed.insert(*id);
                }
            }
            let lines: Vec<String> = newest.iter().map(|(id, key)| format!(r#"{{"id":"{id}","n":{key}}}"#)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            load_with(&project, "people_v1", &lines, &["--replace"]);
            apply(&project, &["--batch-size", &batch.to_string()]);
            for id in numbers.iter().filter(|id| changed.contains(id)) {
                let key = source[id];
                if !target.iter().any(|(other, held)| other != id && *held == key) {
                    target.insert(*id, key);
                }
            }
            let said = project.run(&["export", "people"]);
            let found: BTreeMap<u8, u8> = said.out.lines().map(|line| {
                let record: Json = serde_json::from_str(line).expect("a record");
                let number = |name: &str| record[name].as_str().map_or_else(|| record[name].to_string(), str::to_owned);
                (number("id").parse().expect("an id"), number("n").parse().expect("a key"))
            }).collect();
            prop_assert_eq!(&found, &target);
        }
    }
}

#[test]
fn a_run_that_goes_on_knows_the_keys_of_the_one_that_stopped() {
    let project = people(&rule(UNIQUE));
    let lines = [
        r#"{"id":"a","n":1}"#,
        r#"{"id":"b","n":1}"#,
        r#"{"id":"c","n":2}"#,
        r#"{"id":"d","n":1}"#,
        r#"{"id":"e","n":2}"#,
    ];
    load(&project, "people_v1", &lines);
    let stopped = project.run(&["apply", "--batch-size", "1", "--on-error", "stop"]);
    assert_eq!(stopped.code, 6, "{stopped:?}");
    assert_eq!(ids(&project, "people"), set(&["a"]));
    let planned = project.run(&["plan", "--json", "--max-errors", "100%"]).data();
    assert_eq!(planned["stages"][0]["counts"]["refused"], 2, "{planned}");
    let resumed = project.run(&["apply", "--batch-size", "1", "--max-errors", "100%"]);
    assert_eq!(resumed.code, 3, "{resumed:?}");
    assert_eq!(ids(&project, "people"), set(&["a", "c"]));
    assert_eq!(
        refused(&project).into_keys().collect::<BTreeSet<_>>(),
        set(&["b", "d", "e"])
    );
}

#[test]
fn a_record_may_take_the_key_of_the_one_that_it_replaces() {
    let stage = format!(
        "{COPY}on_conflict = \"replace\"\nid = \"= doc.at\"\n{}",
        rule(UNIQUE)
    );
    let project = Scene::project(&[("0001_people.toml", &stage)]);
    load(
        &project,
        "people_v1",
        &[r#"{"id":"1","at":"p","n":7}"#, r#"{"id":"2","at":"p","n":7}"#],
    );
    apply(&project, &["--batch-size", "1"]);
    assert_eq!(refused(&project), BTreeMap::new());
    assert_eq!(ids(&project, "people"), set(&["p"]));
}

#[test]
fn a_key_of_several_parts_is_compared_as_one_and_needs_all_of_them() {
    let unique = UNIQUE.replace("doc.get('n')", "[doc.get('n'), doc.get('m')]");
    let project = people(&rule(&unique));
    let lines = [
        r#"{"id":"a","n":1,"m":1}"#,
        r#"{"id":"b","n":1,"m":2}"#,
        r#"{"id":"c","n":1}"#,
        r#"{"id":"d","n":1}"#,
        r#"{"id":"e","n":1.0,"m":2}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &[]);
    assert_eq!(ids(&project, "people"), set(&["a", "b", "c", "d"]));
}

//! `validate` names what is broken, and which run has broken it.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;

use super::{apply, load, people};
use crate::support::world::{Said, Scene};

#[test]
fn validate_names_every_record_and_the_run_that_brought_it_in() {
    let contract = "[contract]\nmode = \"warn\"\n[contract.target]\nrequired = [\"name\"]\n\
        [contract.target.properties.boss]\nx-references = \"people\"\n[contract.target.properties.n]\nx-unique = true\n";
    let blank = "[stage]\nsource = \"people\"\nwhere = \"= doc.get('n') ?? 0 == 2\"\n[[op]]\nop = \"remove\"\npath = \"name\"\n";
    let project = people(contract);
    let lines = [
        r#"{"id":"a","n":1,"name":"A"}"#,
        r#"{"id":"b","n":2,"name":"B","boss":"a"}"#,
        r#"{"id":"c","n":3}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &[]);
    let plain = project.run(&["validate", "people"]);
    assert_eq!(plain.code, 0, "warnings only: {plain:?}");
    // A contract in a file refuses.
    let schema =
        r#"{"required":["name"],"properties":{"n":{"x-unique":true},"boss":{"x-references":"people"}}}"#;
    project.write("strict.schema.json", schema);
    let strict = |options: &[&str]| {
        let file = project.path("strict.schema.json").display().to_string();
        let all = [&["validate", "people", "--contract", &file, "--json"], options].concat();
        project.run(&all)
    };
    let said = strict(&[]);
    assert_eq!(said.code, 3, "{said:?}");
    let findings = |said: &Said| -> Vec<(String, String, i64, bool)> {
        let data = said.data();
        let findings = data["findings"].as_array().expect("findings").iter();
        let one = |finding: &Json| {
            (
                finding["id"].as_str().expect("an id").to_owned(),
                finding["code"].as_str().expect("a code").replace("contract.", ""),
                finding["origin"]["run"].as_i64().expect("a run"),
                finding["preexisting"] == true,
            )
        };
        let mut findings: Vec<_> = findings.map(one).collect();
        findings.sort();
        findings
    };
    // Run 1 makes the store, 2 loads, 3 applies.
    assert_eq!(findings(&said), [("c".into(), "required".into(), 3, false)]);
    load(
        &project,
        "people",
        &[r#"{"id":"x","n":1,"name":"X"}"#, r#"{"id":"y","boss":"x"}"#],
    );
    let deleted = project.run(&["delete", "people", "a", "--reason", "left"]);
    assert_eq!(deleted.code, 0, "{deleted:?}");
    load(&project, "people", &[r#"{"id":"z","n":1,"name":"Z"}"#]);
    let said = strict(&["--since", "4"]);
    assert_eq!(
        findings(&said),
        [
            ("b".into(), "references".into(), 5, false),
            ("c".into(), "required".into(), 3, true),
            ("x".into(), "unique".into(), 6, false),
            ("y".into(), "required".into(), 4, true),
            ("z".into(), "unique".into(), 6, false),
        ]
    );
    // What a stage in place takes away is its work, what the record came without is not.
    project.write("0002_blank.toml", blank);
    let applied = project.run(&["apply", "--to", "2"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let since: BTreeMap<String, i64> = findings(&strict(&[]))
        .into_iter()
        .filter(|(_, code, ..)| code == "required")
        .map(|(id, _, run, _)| (id, run))
        .collect();
    assert_eq!(since, [("b".into(), 7), ("c".into(), 3), ("y".into(), 4)].into());
    let file = project.path("violations.ndjson").display().to_string();
    let said = strict(&["--output", &file]);
    let written = fs::read_to_string(&file).expect("the file");
    let lines: Vec<Json> = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(said.data()["findings"], Json::from(lines));
    assert_eq!(
        strict(&["--output", &file]).code,
        1,
        "a file that is there is not written over"
    );
}

#[test]
fn validate_says_what_to_do_where_there_is_no_contract_no_database_or_no_run() {
    let project = people("");
    load(&project, "people_v1", &[r#"{"id":"a"}"#]);
    let said = project.run(&["validate", "people_v1"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("no stage has a contract") && said.err.contains("--contract"),
        "{said:?}"
    );
    assert_ne!(project.run(&["validate", "nowhere"]).code, 0);
    assert_ne!(project.run(&["profile", "nowhere"]).code, 0);
    let said = project.run(&["validate", "people_v1", "--since", "99"]);
    assert!(said.err.contains("there is no run 99"), "{said:?}");
}

#[test]
fn validate_goes_back_through_what_was_rolled_back() {
    let stage = "[stage]\nsource = \"a\"\n[[op]]\nop = \"set\"\npath = \"v\"\nvalue = \"= doc.v + 1\"\n";
    let project = Scene::project(&[("0001_more.toml", stage)]);
    project.write("c.json", r#"{"properties":{"v":{"maximum":5}}}"#);
    let file = project.path("c.json").display().to_string();
    let origins = |options: &[&str]| -> BTreeMap<String, i64> {
        let said = project.run(&[&["validate", "a", "--contract", &file, "--json"], options].concat());
        let data = said.data();
        let findings = data["findings"]
            .as_array()
            .unwrap_or_else(|| panic!("{said:?}"))
            .iter();
        findings
            .map(|one| {
                (
                    one["id"].as_str().unwrap().to_owned(),
                    one["origin"]["run"].as_i64().unwrap(),
                )
            })
            .collect()
    };
    load(&project, "a", &[r#"{"id":"1","v":9}"#, r#"{"id":"2","v":5}"#]);
    let applied = project.run(&["apply"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(origins(&[]), [("1".into(), 2), ("2".into(), 3)].into());
    assert_eq!(project.run(&["rollback", "--yes"]).code, 0);
    assert_eq!(origins(&[]), [("1".into(), 2)].into());
    assert_eq!(project.run(&["apply"]).code, 0);
    assert_eq!(origins(&[]), [("1".into(), 2), ("2".into(), 5)].into());
}

#[test]
fn a_key_that_came_twice_is_broken_since_the_second_came() {
    let project = people("");
    project.write("c.json", r#"{"properties":{"n":{"x-unique":true}}}"#);
    let file = project.path("c.json").display().to_string();
    load(&project, "people_v1", &[r#"{"id":"a","n":1}"#]);
    load(&project, "people_v1", &[r#"{"id":"b","n":1}"#]);
    let said = project.run(&[
        "validate",
        "people_v1",
        "--contract",
        &file,
        "--since",
        "2",
        "--json",
    ]);
    let data = said.data();
    let findings = data["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 2);
    assert!(
        findings
            .iter()
            .all(|one| one["origin"]["run"] == 3 && one["preexisting"].is_null()),
        "{data}"
    );
}

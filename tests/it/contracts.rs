//! Contracts over whole databases: what is unique, what refers to what; what happens to a record that breaks one; and
//! `validate` and `profile`, which look without moving anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use serde_json::Value as Json;

use crate::support::project::{ProjectFolder, Said};

const COPY: &str = "[stage]\nsource = \"people_v1\"\ntarget = \"people\"\nmax_errors = \"100%\"\n";

/// One stage that copies `people_v1` to `people` under a contract.
fn people(contract: &str) -> ProjectFolder {
    ProjectFolder::new(&[("0001_people.toml", &format!("{COPY}{contract}"))])
}

fn load(project: &ProjectFolder, database: &str, lines: &[&str]) {
    load_with(project, database, lines, &[]);
}

fn load_with(project: &ProjectFolder, database: &str, lines: &[&str], options: &[&str]) {
    let file = format!(
        "{database}.{}.ndjson",
        fs::read_dir(project.path("")).expect("a folder").count()
    );
    project.write(&file, lines.join("\n") + "\n");
    let path = project.path(&file).display().to_string();
    let said = project.run(&[&["load", database, &path, "--id", "id"], options].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
}

fn data(said: &Said) -> Json {
    let envelope: Json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("an envelope: {said:?}"));
    envelope["data"].clone()
}

/// Plans, applies, and compares the two; gives what `apply` said.
fn apply(project: &ProjectFolder, options: &[&str]) -> Said {
    let planned = data(&project.run(&[&["plan", "--json"], options].concat()));
    let said = project.run(&[&["apply", "--json"], options].concat());
    let applied = data(&said);
    if said.code != Some(6) {
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
    assert_eq!(verified.code, Some(0), "{verified:?}");
    said
}

/// Who stands in quarantine, and the code and the expectation of the first violation.
fn refused(project: &ProjectFolder) -> BTreeMap<String, String> {
    let listed = data(&project.run(&["quarantine", "list", "--json"]));
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

fn ids(project: &ProjectFolder, database: &str) -> BTreeSet<String> {
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

#[test]
fn whoever_comes_second_with_a_unique_key_is_refused_whatever_the_batches() {
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
        assert_eq!(said.code, Some(3), "{said:?}");
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
    assert_eq!(said.code, Some(0), "{said:?}");
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
    let project = ProjectFolder::new(&[("0001_people.toml", &stage)]);
    let lines = [
        r#"{"id":"a","parts":[{"n":1},{"n":2}]}"#,
        r#"{"id":"b","parts":[{"n":3},{"n":3}]}"#,
        r#"{"id":"c","parts":[{"n":4},{"n":2}]}"#,
        r#"{"id":"d","parts":[{"n":3},{"n":4}]}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = project.run(&["check"]);
    if said.code != Some(0) {
        panic!("{said:?}");
    }
    apply(&project, &[]);
    assert_eq!(
        refused(&project).into_keys().collect::<BTreeSet<_>>(),
        set(&["b", "c"])
    );
    assert_eq!(ids(&project, "people").len(), 4);
}

#[test]
fn what_a_record_refers_to_must_be_there_by_id_by_key_or_in_its_own_database() {
    let contract = rule(
        "[[contract.references]]\nname = \"the town is known\"\nvalue = \"= doc.get('town')\"\nto = \"towns\"\n\
         [[contract.references]]\nname = \"the code is known\"\nvalue = \"= doc.get('code')\"\nto = \"towns\"\nkey = \"= doc.code\"\n\
         [[contract.references]]\nname = \"the boss is known\"\nvalue = \"= doc.get('boss')\"\nto = \"people\"\n",
    );
    let project = people(&contract);
    load(
        &project,
        "towns",
        &[r#"{"id":"1","code":"X"}"#, r#"{"id":"rome","code":7}"#],
    );
    let lines = [
        r#"{"id":"a","town":"rome","boss":"a"}"#,
        r#"{"id":"b","town":1,"code":7.0,"boss":"a"}"#,
        r#"{"id":"c","town":["rome","1",null]}"#,
        r#"{"id":"d","town":["rome","oslo"]}"#,
        r#"{"id":"e","town":{"x":1}}"#,
        r#"{"id":"f","code":"7"}"#,
        r#"{"id":"g","boss":"z"}"#,
        r#"{"id":"h","boss":"g"}"#,
        r#"{"id":"i","town":null}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &["--batch-size", "2"]);
    assert_eq!(ids(&project, "people"), set(&["a", "b", "c", "i"]));
    assert!(
        refused(&project)
            .values()
            .all(|what| what == "contract.references")
    );
    let shown = project.run(&["quarantine", "show", "f"]);
    assert!(shown.out.contains("the key of a record of towns"), "{shown:?}");
}

#[test]
fn a_plan_sees_what_an_earlier_stage_would_write_where_a_later_one_refers_to_it() {
    let towns = "[stage]\nsource = \"towns_v1\"\ntarget = \"towns\"\n";
    let people = format!(
        "{COPY}[contract.target.properties.town]\nx-references = \"towns\"\n[contract.target.properties.n]\nx-unique = true\n"
    );
    let project = ProjectFolder::new(&[("0001_towns.toml", towns), ("0002_people.toml", &people)]);
    load(&project, "towns_v1", &[r#"{"id":"rome"}"#]);
    let lines = [
        r#"{"id":"a","town":"rome","n":1}"#,
        r#"{"id":"b","town":"oslo"}"#,
        r#"{"id":"c","n":1}"#,
    ];
    load(&project, "people_v1", &lines);
    apply(&project, &[]);
    let expected = [
        ("b".to_owned(), "contract.references/town".to_owned()),
        ("c".to_owned(), "contract.unique/n".to_owned()),
    ];
    assert_eq!(refused(&project), expected.into());
}

#[test]
fn a_contract_that_warns_writes_the_record_and_says_so_in_its_stub() {
    let contract = "[contract]\nmode = \"warn\"\ntarget = { required = [\"name\"] }\n[[contract.rule]]\nname = \"grown up\"\nexpect = \"= doc.n > 17\"\n";
    let project = people(&format!("{contract}{}", rule(UNIQUE)));
    let lines = [
        r#"{"id":"a","n":20,"name":"A"}"#,
        r#"{"id":"b","n":3}"#,
        r#"{"id":"c","n":20,"name":"C"}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = apply(&project, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let warned = &data(&said)["passes"][0]["warnings"];
    assert_eq!(
        *warned,
        serde_json::json!({"contract.required": 1, "contract.rule": 1, "contract.unique": 1})
    );
    let told = project.run(&["report"]);
    assert!(told.out.contains("warned 1 time: contract.unique"), "{told:?}");
    let page = project.run(&["report", "--html", "-"]);
    assert!(
        page.out.contains("Warned of <code>contract.rule</code>: 1"),
        "{page:?}"
    );
    let traced = data(&project.run(&["trace", "people", "b", "--json"])).to_string();
    assert!(
        traced.contains("contract.warned") && traced.contains("grown up"),
        "{traced}"
    );
    let rolled_back = project.run(&["rollback", "--yes"]);
    assert_eq!(rolled_back.code, Some(0), "{rolled_back:?}");
    assert_eq!(project.run(&["verify"]).code, Some(0));
}

#[test]
fn a_contract_that_refuses_stops_the_pass_whatever_is_allowed_and_goes_on_when_it_is_settled() {
    let contract = "[contract]\nmode = \"refuse\"\ntarget = { required = [\"name\"] }\n";
    let project = people(contract);
    let lines = [
        r#"{"id":"a","name":"A"}"#,
        r#"{"id":"b"}"#,
        r#"{"id":"c","name":"C"}"#,
    ];
    load(&project, "people_v1", &lines);
    let plan = data(&project.run(&["plan", "--json"]));
    assert_eq!(plan["stages"][0]["refusals"][0]["halting"], 1, "{plan}");
    for _ in 0..2 {
        let said = apply(&project, &["--batch-size", "1", "--max-errors", "100%"]);
        assert_eq!(said.code, Some(6), "{said:?}");
        assert!(said.out.contains("stopped.contract"), "{said:?}");
        let planned = project.run(&["plan"]);
        assert_eq!(planned.code, Some(3), "{planned:?}");
        assert!(
            planned
                .out
                .contains("1 record refused by a contract in the mode `refuse` and not settled"),
            "{planned:?}"
        );
        assert_eq!(ids(&project, "people"), set(&["a"]));
    }
    load_with(
        &project,
        "people_v1",
        &[r#"{"id":"b","name":"B"}"#],
        &["--replace"],
    );
    let retried = project.run(&["quarantine", "retry"]);
    assert!(matches!(retried.code, Some(0 | 3)), "{retried:?}");
    let said = project.run(&["apply", "--batch-size", "1"]);
    assert_eq!(
        said.code,
        Some(0),
        "the pass has refused one, and it is settled by now: {said:?}"
    );
    assert_eq!(ids(&project, "people"), set(&["a", "b", "c"]));
}

#[test]
fn what_was_broken_before_the_stage_is_told_apart_from_what_the_stage_breaks() {
    let stage = "[stage]\nsource = \"people_v1\"\nmax_errors = \"100%\"\n\
        [[op]]\nop = \"rename\"\nfrom = \"old\"\nto = \"new\"\nmissing = \"skip\"\n\
        [contract]\nPRE\ntarget = { properties = { n = { maximum = 9 }, new = { type = \"integer\" } } }\n";
    let lines = [
        r#"{"id":"a","n":1,"old":1}"#,
        r#"{"id":"b","n":10,"old":1}"#,
        r#"{"id":"c","n":1,"old":"x"}"#,
        r#"{"id":"d","n":10,"old":"x"}"#,
    ];
    let with = |preexisting: &str| {
        let stage = stage.replace("PRE\n", preexisting);
        let project = ProjectFolder::new(&[("0001_people.toml", &stage)]);
        load(&project, "people_v1", &lines);
        project
    };
    let project = with("");
    let plan = data(&project.run(&["plan", "--json"]));
    assert_eq!(plan["stages"][0]["refusals"][0]["records"], 3, "{plan}");
    assert_eq!(plan["stages"][0]["refusals"][0]["preexisting"], 1, "{plan}");
    let told = project.run(&["plan"]);
    assert!(
        told.out.contains("broke the contract already before the stage"),
        "{told:?}"
    );
    apply(&project, &[]);
    let listed = data(&project.run(&["quarantine", "list", "--json"]));
    let records = listed["records"].as_array().expect("records").clone();
    let before: Vec<Vec<bool>> = records
        .iter()
        .map(|record| {
            let violations = record["reason"]["violations"]
                .as_array()
                .expect("violations")
                .iter();
            violations
                .map(|violation| violation["preexisting"] == true)
                .collect()
        })
        .collect();
    assert_eq!(before, [vec![true], vec![false], vec![true, false]]);
    // Whoever only kept what was wrong with it may pass.
    let project = with("preexisting = \"warn\"\n");
    apply(&project, &[]);
    assert_eq!(ids(&project, "people_v1"), set(&["a", "b"]));
    assert_eq!(
        refused(&project).into_keys().collect::<BTreeSet<_>>(),
        set(&["c", "d"])
    );
}

#[test]
fn modes_that_do_not_exist_are_refused_with_a_suggestion() {
    let project = people("[contract]\nmode = \"warm\"\n");
    let said = project.run(&["check"]);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("contract.unknown_mode") && said.err.contains("did you mean `warn`"),
        "{said:?}"
    );
}

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
    assert_eq!(plain.code, Some(0), "warnings only: {plain:?}");
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
    assert_eq!(said.code, Some(3), "{said:?}");
    let findings = |said: &Said| -> Vec<(String, String, i64, bool)> {
        let data = data(said);
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
    assert_eq!(deleted.code, Some(0), "{deleted:?}");
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
    assert_eq!(applied.code, Some(0), "{applied:?}");
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
    assert_eq!(data(&said)["findings"], Json::from(lines));
    assert_eq!(
        strict(&["--output", &file]).code,
        Some(1),
        "a file that is there is not written over"
    );
}

#[test]
fn validate_says_what_to_do_where_there_is_no_contract_no_database_or_no_run() {
    let project = people("");
    load(&project, "people_v1", &[r#"{"id":"a"}"#]);
    let said = project.run(&["validate", "people_v1"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("no stage has a contract") && said.err.contains("--contract"),
        "{said:?}"
    );
    assert_ne!(project.run(&["validate", "nowhere"]).code, Some(0));
    assert_ne!(project.run(&["profile", "nowhere"]).code, Some(0));
    let said = project.run(&["validate", "people_v1", "--since", "99"]);
    assert!(said.err.contains("there is no run 99"), "{said:?}");
}

#[test]
fn profile_counts_exactly_and_shows_nothing_that_is_redacted() {
    let stage = format!("{COPY}redact = [\"pin\"]\n");
    let project = ProjectFolder::new(&[("0001_people.toml", &stage)]);
    let lines = [
        r#"{"id":"a","pin":"SECRET1","n":1,"day":"2024-02-29","items":[{"price":1.5},{"price":2}],"x":{"y":null}}"#,
        r#"{"id":"b","pin":"SECRET2","n":1.0,"day":"","items":[],"x":{}}"#,
        r#"{"id":"c","n":"1","day":null,"items":null}"#,
        r#"{"id":"d","n":123456789012345678901234567890.5}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = project.run(&["profile", "people_v1", "--json"]);
    assert!(!said.out.contains("SECRET"), "{said:?}");
    let told = project.run(&["profile", "people_v1"]);
    assert!(
        !told.out.contains("SECRET") && told.out.contains("[redacted]"),
        "{told:?}"
    );
    let profile = data(&said);
    let field = |path: &str| {
        let fields = profile["fields"].as_array().expect("fields");
        fields
            .iter()
            .find(|field| field["path"] == path)
            .unwrap_or_else(|| panic!("{path}: {fields:?}"))
            .clone()
    };
    let n = field("n");
    assert_eq!(
        n["kinds"],
        serde_json::json!({"integer": 2, "number": 1, "text": 1})
    );
    assert_eq!(n["distinct"], 3, "1 and 1.0 are equal, \"1\" is another");
    assert_eq!(
        n["numbers"],
        serde_json::json!(["1", "123456789012345678901234567890.5"])
    );
    let day = field("day");
    assert_eq!(
        (&day["missing"], &day["nulls"], &day["empty"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(day["forms"], serde_json::json!({"date": 1}));
    let price = field("items[*].price");
    assert_eq!((&price["values"], &price["missing"]), (&2.into(), &3.into()));
    assert_eq!(field("items")["lengths"], serde_json::json!([0, 2]));
    assert_eq!(field("x.y")["nulls"], 1);
    assert_eq!(field("pin")["distinct"], 2);
    project.write("strict.schema.json", r#"{"required":["day"]}"#);
    let file = project.path("strict.schema.json").display().to_string();
    let said = project.run(&["profile", "people_v1", "--contract", &file, "--json"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(data(&said)["validation"]["findings"][0]["id"], "d");
    project.write("nothing.json", r#"{"mandatory":["cust"]}"#);
    let file = project.path("nothing.json").display().to_string();
    let said = project.run(&["validate", "people_v1", "--contract", &file, "--json"]);
    assert!(
        said.out.contains("says nothing that a record could break"),
        "{said:?}"
    );
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
    assert_eq!(stopped.code, Some(6), "{stopped:?}");
    assert_eq!(ids(&project, "people"), set(&["a"]));
    let planned = data(&project.run(&["plan", "--json", "--max-errors", "100%"]));
    assert_eq!(planned["stages"][0]["counts"]["refused"], 2, "{planned}");
    let resumed = project.run(&["apply", "--batch-size", "1", "--max-errors", "100%"]);
    assert_eq!(resumed.code, Some(3), "{resumed:?}");
    assert_eq!(ids(&project, "people"), set(&["a", "c"]));
    assert_eq!(
        refused(&project).into_keys().collect::<BTreeSet<_>>(),
        set(&["b", "d", "e"])
    );
}

#[test]
fn validate_goes_back_through_what_was_rolled_back() {
    let stage = "[stage]\nsource = \"a\"\n[[op]]\nop = \"set\"\npath = \"v\"\nvalue = \"= doc.v + 1\"\n";
    let project = ProjectFolder::new(&[("0001_more.toml", stage)]);
    project.write("c.json", r#"{"properties":{"v":{"maximum":5}}}"#);
    let file = project.path("c.json").display().to_string();
    let origins = |options: &[&str]| -> BTreeMap<String, i64> {
        let said = project.run(&[&["validate", "a", "--contract", &file, "--json"], options].concat());
        let data = data(&said);
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
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert_eq!(origins(&[]), [("1".into(), 2), ("2".into(), 3)].into());
    assert_eq!(project.run(&["rollback", "--yes"]).code, Some(0));
    assert_eq!(origins(&[]), [("1".into(), 2)].into());
    assert_eq!(project.run(&["apply"]).code, Some(0));
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
    let data = data(&said);
    let findings = data["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 2);
    assert!(
        findings
            .iter()
            .all(|one| one["origin"]["run"] == 3 && one["preexisting"].is_null()),
        "{data}"
    );
}

#[test]
fn a_record_cannot_refer_to_what_its_own_correction_takes_away() {
    let contract = rule(
        "[[contract.references]]\nname = \"the parent is known\"\nvalue = \"= doc.get('parent')\"\nto = \"people\"\nkey = \"= doc.code\"\n",
    );
    let project = people(&contract);
    load(&project, "people_v1", &[r#"{"id":"a","code":"x"}"#]);
    apply(&project, &[]);
    load_with(
        &project,
        "people_v1",
        &[r#"{"id":"a","code":"y","parent":"x"}"#],
        &["--replace"],
    );
    apply(&project, &[]);
    assert_eq!(
        refused(&project),
        [("a".into(), "contract.references".into())].into()
    );
    assert_eq!(project.run(&["validate", "people"]).code, Some(0));
}

#[test]
fn a_record_may_take_the_key_of_the_one_that_it_replaces() {
    let stage = format!(
        "{COPY}on_conflict = \"replace\"\nid = \"= doc.at\"\n{}",
        rule(UNIQUE)
    );
    let project = ProjectFolder::new(&[("0001_people.toml", &stage)]);
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
fn profile_counts_a_map_as_one_whatever_the_order_and_hides_what_is_redacted_in_it() {
    let stage = format!("{COPY}redact = [\"m.ssn\", \"gone\"]\n");
    let project = ProjectFolder::new(&[("0001_people.toml", &stage)]);
    let fields: Vec<String> = (0..400).map(|at| format!("\"n{at}\":{at}")).collect();
    let backwards: Vec<String> = fields.iter().rev().cloned().collect();
    let line = |id: u32, fields: &[String]| {
        format!(
            r#"{{"id":"{id}","gone":{{"SECRETKEY":1}},"m":{{{},"ssn":"SECRETVALUE"}}}}"#,
            fields.join(",")
        )
    };
    let lines: Vec<String> = (0..1200)
        .map(|id| line(id, if id < 600 { &fields } else { &backwards }))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    load(&project, "people_v1", &lines);
    let said = project.run(&["profile", "people_v1", "--json"]);
    assert!(!said.out.contains("SECRET"), "{}", &said.out[..2000]);
    assert!(!project.run(&["profile", "people_v1"]).out.contains("SECRET"));
    let profile = data(&said);
    let fields = profile["fields"].as_array().expect("fields");
    let map: Vec<&Json> = fields
        .iter()
        .filter(|field| field["path"].as_str().unwrap().starts_with("m."))
        .collect();
    assert_eq!(map.len(), 1, "{map:?}");
    assert_eq!(
        (&map[0]["values"], &map[0]["missing"]),
        (&(1200 * 401).into(), &0.into())
    );
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

#[test]
fn a_reference_to_a_database_that_is_probably_a_slip_is_told_by_check() {
    let refers = |to: &str| {
        format!(
            "[[contract.references]]\nname = \"the town is known\"\nvalue = \"= doc.town\"\nto = \"{to}\"\n"
        )
    };
    let towns = "[stage]\nsource = \"towns_v1\"\ntarget = \"townships\"\n";
    let check = |to: &str| {
        let people = format!("{COPY}{}", refers(to));
        ProjectFolder::new(&[("0001_towns.toml", towns), ("0002_people.toml", &people)])
            .run(&["check", "--json"])
    };
    let said = check("towships");
    assert!(
        said.out.contains("project.near_name") && said.out.contains("did you mean `townships`"),
        "{said:?}"
    );
    assert!(!check("townships").out.contains("near_name"));
    assert!(!check("towns_v1").out.contains("near_name"));
}

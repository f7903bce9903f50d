//! What happens to a record that breaks a contract.

use std::collections::BTreeSet;

use super::{UNIQUE, apply, ids, load, load_with, people, refused, rule, set};
use crate::support::world::Scene;

#[test]
fn a_contract_that_warns_writes_the_record_and_says_so_in_its_entry() {
    let contract = "[contract]\nmode = \"warn\"\ntarget = { required = [\"name\"] }\n[[contract.rule]]\nname = \"grown up\"\nexpect = \"= doc.n > 17\"\n";
    let project = people(&format!("{contract}{}", rule(UNIQUE)));
    let lines = [
        r#"{"id":"a","n":20,"name":"A"}"#,
        r#"{"id":"b","n":3}"#,
        r#"{"id":"c","n":20,"name":"C"}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = apply(&project, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let warned = &said.data()["passes"][0]["warnings"];
    assert_eq!(
        *warned,
        serde_json::json!({"contract.required": 1, "contract.rule": 1, "contract.unique": 1})
    );
    let told = project.run(&["report"]);
    assert!(told.out.contains("warned 1 time: contract.unique"), "{told:?}");
    let page = project.run(&["report", "--html", "-"]);
    assert!(
        page.out.contains("Warnings <code>contract.rule</code>: 1"),
        "{page:?}"
    );
    let traced = project
        .run(&["trace", "people", "b", "--json"])
        .data()
        .to_string();
    assert!(
        traced.contains("contract.warned") && traced.contains("grown up"),
        "{traced}"
    );
    let rolled_back = project.run(&["rollback", "--yes"]);
    assert_eq!(rolled_back.code, 0, "{rolled_back:?}");
    assert_eq!(project.run(&["verify"]).code, 0);
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
    let plan = project.run(&["plan", "--json"]).data();
    assert_eq!(plan["stages"][0]["refusals"][0]["halting"], 1, "{plan}");
    for _ in 0..2 {
        let said = apply(&project, &["--batch-size", "1", "--max-errors", "100%"]);
        assert_eq!(said.code, 6, "{said:?}");
        assert!(said.out.contains("stopped.contract"), "{said:?}");
        let planned = project.run(&["plan"]);
        assert_eq!(planned.code, 3, "{planned:?}");
        assert!(
            planned
                .out
                .contains("1 record refused by a contract in `refuse` mode and still in quarantine"),
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
    assert!(matches!(retried.code, 0 | 3), "{retried:?}");
    let said = project.run(&["apply", "--batch-size", "1"]);
    assert_eq!(
        said.code, 0,
        "the pass has refused one, and it is settled by now: {said:?}"
    );
    assert_eq!(ids(&project, "people"), set(&["a", "b", "c"]));
}

#[test]
fn what_was_broken_before_the_stage_is_distinguished_from_what_the_stage_breaks() {
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
        let project = Scene::project(&[("0001_people.toml", &stage)]);
        load(&project, "people_v1", &lines);
        project
    };
    let project = with("");
    let plan = project.run(&["plan", "--json"]).data();
    assert_eq!(plan["stages"][0]["refusals"][0]["records"], 3, "{plan}");
    assert_eq!(plan["stages"][0]["refusals"][0]["preexisting"], 1, "{plan}");
    let told = project.run(&["plan"]);
    assert!(
        told.out
            .contains("violated the contract before the stage already"),
        "{told:?}"
    );
    apply(&project, &[]);
    let listed = project.run(&["quarantine", "list", "--json"]).data();
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
    assert_eq!(said.code, 4);
    assert!(
        said.err.contains("contract.unknown_mode") && said.err.contains("did you mean `warn`"),
        "{said:?}"
    );
}

//! Ids that are made of what is redacted show on no screen, whichever stage made them, and however: a part that has its id
//! from a redacted list, a copy of it, the words of a hint. What may be shown is named.

use crate::support::world::Scene;

/// Every number of a card that must not show.
const CARDS: [&str; 3] = ["4929-1111", "4929-2222", "4929-3333"];

const PARTS: &str = r#"
[stage]
source = "people"
target = "cards"
redact = ["cards"]
max_errors = "100%"

[[op]]
op = "derive"
records = "= doc.cards"

[[op]]
op = "rekey"
id = "= doc.number"

[[op]]
op = "remove"
path = "number"
"#;

/// It redacts nothing itself, and takes the ids over.
const COPY: &str = r#"
[stage]
source = "cards"
target = "wallet"
max_errors = "100%"

[[contract.rule]]
name = "holder"
expect = '= has(doc, "holder")'

[[contract.unique]]
name = "one card each"
key = "= doc.holder"
"#;

const PEOPLE: &str = r#"{"id":"p1","cards":[{"number":"4929-1111","holder":"Ann"},{"number":"4929-2222"}]}
{"id":"p2","cards":[{"number":"4929-3333","holder":"Ann"}]}
"#;

fn bank() -> Scene {
    let scene = Scene::named(
        "bank",
        &[
            ("0001_cards.toml", PARTS),
            ("0002_wallet.toml", COPY),
            ("people.ndjson", PEOPLE),
        ],
    );
    assert_eq!(scene.run(&["load", "people", "people.ndjson"]).code, 0);
    let said = scene.run(&["apply"]);
    assert_eq!(said.code, 3, "{}", said.err);
    hidden(&format!("{}{}", said.out, said.err));
    scene
}

fn hidden(told: &str) {
    for card in CARDS {
        assert!(!told.contains(card), "{told}");
    }
}

#[test]
fn made_of_a_redacted_list_and_handed_on_by_a_stage_that_redacts_nothing() {
    let scene = bank();
    let list = scene.envelope(&["quarantine", "list"]);
    let records = list["data"]["records"].as_array().expect("records").clone();
    assert_eq!(records.len(), 2, "{list}");
    for arguments in [
        vec!["quarantine", "list"],
        vec!["quarantine", "retry", "--id", "nobody"],
        vec!["status"],
        vec!["report"],
    ] {
        for json in [false, true] {
            let mut arguments = arguments.clone();
            if json {
                arguments.insert(0, "--json");
            }
            let said = scene.run(&arguments);
            hidden(&format!("{}{}", said.out, said.err));
        }
    }
    for record in &records {
        let number = record["record"].to_string();
        for arguments in [
            vec!["quarantine", "show", "--record", &number],
            vec!["--json", "quarantine", "show", "--record", &number],
        ] {
            let said = scene.run(&arguments);
            assert_eq!(said.code, 0, "{}", said.err);
            hidden(&format!("{}{}", said.out, said.err));
        }
        // What it says works.
        let said = scene.run(&["quarantine", "show", "--record", &number]);
        assert!(
            said.err.contains(&format!("quarantine retry --record {number}")),
            "{}",
            said.err
        );
    }
    // What the reason names stands in the list for programs as in the other screens.
    let named = |record: &serde_json::Value| record["named"].as_array().expect("named").clone();
    let holders: Vec<_> = records.iter().flat_map(named).collect();
    assert_eq!(holders.len(), 1, "{list}");
    assert_eq!(holders[0]["id"], "[redacted]");
}

const TAKEN_OVER: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\n";
const BY_NUMBER: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nredact = [\"ssn\"]\nid = \"= doc.ssn\"\n";
const FIRST: &str = "[stage]\nsource = \"a\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = \"= true\"\n";

fn processed_since(second: &str, id: &str) -> (Scene, serde_json::Value) {
    let scene = Scene::named("p", &[("0001_first.toml", FIRST), ("0002_second.toml", second)]);
    scene.write(
        "a.ndjson",
        format!(
            "{{\"id\":{},\"ssn\":\"078-05-1120\"}}\n",
            serde_json::Value::from(id)
        ),
    );
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 0);
    let mut answers = Vec::new();
    for json in [false, true] {
        let mut arguments = vec!["rollback", "--yes", "--record", "a", id];
        if json {
            arguments.insert(0, "--json");
        }
        let said = scene.run(&arguments);
        assert_eq!(said.code, 2, "{}{}", said.out, said.err);
        answers.push(said);
    }
    for said in &answers {
        assert!(
            !format!("{}{}", said.out, said.err).contains("078-05"),
            "{}",
            said.err
        );
    }
    let error: serde_json::Value = serde_json::from_str(&answers[1].out).expect("an envelope");
    (scene, error)
}

#[test]
fn what_has_to_be_taken_back_first_is_named_if_it_may_be() {
    let (_, said) = processed_since(BY_NUMBER, "X");
    let hint = said["error"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("rollback --record b ID"), "{hint}");
    let (scene, said) = processed_since(TAKEN_OVER, "X");
    let hint = said["error"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("counterfoil rollback --record b X"), "{hint}");
    assert_eq!(scene.run(&["rollback", "--yes", "--record", "b", "X"]).code, 0);
    assert_eq!(scene.run(&["rollback", "--yes", "--record", "a", "X"]).code, 0);
}

#[test]
fn a_word_of_a_hint_shows_what_hides_in_it() {
    let (_, said) = processed_since(TAKEN_OVER, "X\u{202e}Y");
    let hint = said["error"]["hint"].as_str().expect("a hint");
    assert!(
        hint.contains("rollback --record b $'X\\xe2\\x80\\xaeY'"),
        "{hint}"
    );
}

#[test]
fn the_name_of_a_system_is_seen_as_it_is() {
    let scene = Scene::new();
    let settings = |system: &str| format!("name = \"p\"\n\n[database.a]\nsystem = \"{system}\"\n");
    scene.write("0001_first.toml", FIRST);
    scene.write("counterfoil.toml", settings("ERP"));
    assert_eq!(scene.run(&["check"]).code, 0);
    scene.write("counterfoil.toml", settings("ERP\u{202e}X"));
    let said = scene.run(&["check"]);
    assert_ne!(said.code, 0);
    assert!(said.err.contains("project.bad_system"), "{}", said.err);
}

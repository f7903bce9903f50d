//! A merge of redacted fields shows no character of them: not of what it compares, not of what survives, not in an id.

use crate::support::world::Scene;

/// Every redacted value begins so.
const SECRET: &str = "Zqx";

/// Names, dates and numbers are redacted, an object with names of its own too, and golden ids are made of one.
const STAGE: &str = r#"
[stage]
source = "register"
target = "people"
id = "= doc.ssn"
max_errors = "100%"
redact = ["given", "surname", "birth", "ssn", "card"]

[merge]
auto = 0.9
identity = { given = "given", ssn = "ssn" }
shared = { surname = "surname", city = "city" }

[[merge.field]]
name = "birth"
value = "birth"
compare = "text"

[[contract.rule]]
name = "known city"
expect = '= doc.city != "nowhere"'
"#;

fn record(id: usize, person: usize, slip: usize) -> String {
    let given = format!("{SECRET}g{}", letters(person * 7 + 3));
    let surname = format!("{SECRET}s{}", letters(person / 3 * 11 + 5));
    let ssn = format!("{SECRET}n{}", 100_003 + person * 7_919 + slip);
    let city = if person.is_multiple_of(9) {
        "nowhere"
    } else {
        "Leeds"
    };
    format!(
        r#"{{"id":"r{id}","given":"{given}","surname":"{surname}","birth":"{SECRET}b{person}","ssn":"{ssn}","city":"{city}","card":{{"{SECRET}k{person}":"{SECRET}{id}"}}}}"#
    )
}

fn letters(mut number: usize) -> String {
    let mut text = String::new();
    for _ in 0..6 {
        text.push(char::from(b'a' + u8::try_from(number % 23).expect("a letter")));
        number = number * 31 + 17;
    }
    text
}

fn register() -> Scene {
    let scene = Scene::named("p", &[("0001_people.toml", STAGE)]);
    let records: Vec<String> = (0..90)
        .map(|id| record(id, id * 2 / 3, usize::from(id % 5 == 0)))
        .collect();
    scene.write("r.ndjson", records.join("\n") + "\n");
    scene
}

#[test]
fn no_screen_shows_a_character_of_what_a_merge_compares() {
    let scene = register();
    let look = |arguments: &[&str]| {
        for json in [false, true] {
            let arguments = if json {
                [&["--json"], arguments].concat()
            } else {
                arguments.to_vec()
            };
            let said = scene.run(&arguments);
            assert!(
                said.code == 0
                    || said.code == 3
                    || arguments.contains(&"--format")
                    || arguments.contains(&"-"),
                "{arguments:?}: {}",
                said.err
            );
            let told = said.out + &said.err;
            if let Some(at) = told.find(SECRET) {
                let from = told[..at]
                    .char_indices()
                    .rev()
                    .nth(200)
                    .map_or(0, |(from, _)| from);
                panic!(
                    "{arguments:?} shows a secret: {}",
                    &told[from..(at + 20).min(told.len())]
                );
            }
        }
    };
    look(&["load", "register", "r.ndjson"]);
    look(&["plan", "--full", "--examples", "100"]);
    look(&["plan"]);
    look(&["apply"]);
    look(&["apply"]);
    let more: Vec<String> = (0..12).map(|id| record(id * 5, id * 2, 1)).collect();
    scene.write("more.ndjson", more.join("\n") + "\n");
    look(&["load", "register", "more.ndjson", "--replace"]);
    look(&["plan"]);
    look(&["apply"]);
    look(&["status"]);
    look(&["history"]);
    for id in (0..90).step_by(7) {
        look(&["trace", "register", &format!("r{id}")]);
    }
    look(&["trace", "register", "r1", "--family"]);
    look(&["trace", "register", "r1", "--format", "prov-json"]);
    look(&["report"]);
    look(&["report", "3"]);
    look(&["report", "3", "--html", "-"]);
    // Who asks for golden records by their ids sees these: `check` warns of such an id.
    look(&["query", "register", "--limit", "100"]);
    look(&["quarantine", "list", "--limit", "100"]);
    look(&["reconcile"]);
    look(&["verify"]);
    // There was something to hide, and nothing of it is in what the ledger says of a merge.
    let store = rusqlite::Connection::open(scene.store()).unwrap();
    let (merged, reasons, notes): (i64, String, String) = store
        .query_row(
            "SELECT (SELECT sum(merged) FROM ledger_batch), (SELECT group_concat(reason) FROM ledger_entry),
               (SELECT group_concat(body) FROM ledger_batch WHERE step='note')",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!(
        merged > 20 && reasons.contains("\"won\"") && notes.contains("\"strongest\""),
        "{merged}"
    );
    assert!(!reasons.contains(SECRET) && !notes.contains(SECRET));
}

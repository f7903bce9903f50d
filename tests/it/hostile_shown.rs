//! What a terminal, a page or a reader would obey instead of seeing is shown as an escape, by every command; in JSON as a
//! JSON escape, so that it stays the same JSON.

use crate::support::world::Scene;

/// Controls, DEL, C1, separators, directions, joiners, fillers, variation selectors, tags.
const HIDING: [char; 22] = [
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{9b}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200d}',
    '\u{200f}',
    '\u{2028}',
    '\u{202e}',
    '\u{2066}',
    '\u{feff}',
    '\u{fe0f}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{e0041}',
];

fn hostile(at: usize) -> String {
    let letter = HIDING[at];
    format!("a{letter}[31mb{at}{letter}")
}

#[track_caller]
fn hides_nothing(what: &str, told: &str) {
    // Styles of our own are set only on a terminal, and no test is one.
    let found = told
        .chars()
        .find(|letter| *letter != '\n' && HIDING.contains(letter));
    assert!(
        found.is_none(),
        "{what} shows {:?} as it is",
        found.map(u32::from)
    );
}

#[test]
fn what_would_be_obeyed_is_shown_by_every_command() {
    let scene = Scene::named("p", &[]);
    let stage = "[stage]\nsource = \"r\"\ntarget = \"s\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"set\"\npath = \"new\"\nvalue = 1\n\n\
                 [contract.target]\nadditionalProperties = { type = [\"object\", \"number\", \"string\"], additionalProperties = { type = \"integer\" } }\n\n\
                 [[reconcile]]\nname = \"n\"\nsource = \"= 1\"\ntarget = \"= 2\"\nby = { source = \"= doc.k\", target = \"= doc.k\" }\n";
    scene.write("0001_a.toml", stage);
    let text = |at: usize| serde_json::to_string(&hostile(at)).unwrap();
    let lines: String = (0..HIDING.len())
        .map(|at| {
            let text = text(at);
            let value = if at % 2 == 0 { "1".to_owned() } else { text.clone() };
            format!(
                "{{\"id\":{text},\"k\":{text},{}:{text},\"o\":{{{text}:{value}}}}}\n",
                self::text_of_field(at)
            )
        })
        .collect();
    let name = "f\u{202e}\u{200b}\u{85}\u{e0041}.ndjson";
    scene.write(name, &(lines + "{\"id\":\"x\u{9b}\",\n"));
    let reason = hostile(15) + "\u{9b}\u{7f}\u{2028}\u{e0041}";
    let look = |arguments: &[&str]| {
        for json in [false, true] {
            let all = if json {
                [&["--json"], arguments].concat()
            } else {
                arguments.to_vec()
            };
            let ran = scene.run(&all);
            hides_nothing(&format!("{all:?}, stdout"), &ran.out);
            hides_nothing(&format!("{all:?}, stderr"), &ran.err);
            if json && !ran.out.is_empty() {
                assert!(
                    serde_json::from_str::<serde_json::Value>(&ran.out).is_ok(),
                    "{all:?}: {}",
                    ran.out
                );
            }
        }
    };
    look(&["load", "r", name, "--reason", &reason]);
    look(&["load", "r", name]);
    look(&["load", "r", "none\u{202e}\u{7f}"]);
    look(&["plan", "--full", "--examples", "50"]);
    look(&["apply", "--reason", &reason]);
    let status = scene.run(&["status"]);
    assert!(
        status.code == 0 && status.out.contains("1 a"),
        "the stage was applied: {}{}",
        status.out,
        status.err
    );
    let ids: Vec<String> = (0..HIDING.len()).map(hostile).collect();
    for id in &ids {
        look(&["query", "r", "--id", id, "--with-id"]);
        look(&["query", "s", "--id", id, "--pretty"]);
        look(&["trace", "r", id]);
        look(&["quarantine", "show", id]);
    }
    let proof = "proof\u{202e}.txt";
    for command in [
        &["query", "r", "--limit", "50"][..],
        &["query", "r", "--where", "doc.nothing\u{202e} > 1"],
        &["trace", "r", &ids[1], "--format", "prov-json"],
        &["trace", "r", "none\u{200b}"],
        &["query", "none\u{200b}"],
        &["quarantine", "list", "--limit", "50"],
        &["validate", "r", "--stage", "1"],
        &["validate", "s"],
        &["validate", "s", "--contract", "none\u{202e}.json"],
        &["profile", "r"],
        &["report", "--inputs", "--examples", "50"],
        &["report", "1", "--inputs", "--examples", "50"],
        &["report", "--html", "-", "--inputs", "--examples", "50"],
        &["report", "--html", "page\u{202e}.html"],
        &["status"],
        &["history"],
        &["history", "--format", "openlineage"],
        &["reconcile", "--limit", "50", "--reason", &reason],
        &["verify"],
        &["check"],
        &["test"],
        &["prove", "s", &ids[1], "--output", proof],
        &["verify-proof", proof],
        &["export", "none\u{200b}"],
        &["export", "s", "--output", "out\u{200b}.ndjson"],
        &["export", "s", "--format", "csv", "--columns", "n\u{200b}"],
        &["delete", "r", &ids[2], "--reason", &reason],
        &["delete", "r", "none\u{200b}", "--reason", &reason],
        &["quarantine", "waive", "--all", "--reason", &reason],
        &["backup", "saved\u{202e}"],
        &["restore", "saved\u{202e}"],
        &["rollback", "--stage", "1", "--yes", "--reason", &reason],
        &["new", "bad\u{202e}name"],
        &["unknown\u{202e}"],
        &["query", "r", "--un\u{9b}known"],
        &["-C", "no\u{202e}folder", "status"],
        &["--store", "no\u{202e}store.db", "status"],
        &["history"],
        &["status"],
    ] {
        look(command);
    }
}

/// A field of every record, with a name of its own.
fn text_of_field(at: usize) -> String {
    serde_json::to_string(&format!("field {}", hostile(at))).unwrap()
}

#[test]
fn what_is_shown_as_json_is_the_same_json_and_an_export_is_the_same_bytes() {
    let scene = Scene::named("p", &[]);
    let text: String = HIDING.iter().filter(|letter| **letter > '\u{7e}').collect();
    let line = format!("{{\"id\":\"1\",\"v\":\"{text}\"}}\n");
    scene.write("r.ndjson", &line);
    scene.run(&["load", "r", "r.ndjson"]);
    let shown = scene.run(&["query", "r"]).out;
    let parsed: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(parsed["v"], text);
    assert_eq!(
        scene.envelope(&["query", "r"])["data"]["records"][0]["data"]["v"],
        text
    );
    assert_eq!(scene.run(&["export", "r"]).out, line);
}

//! A refusal names what is to be mended: the child of a record that becomes several, the id that came twice, the holder of a
//! key. Reasons have numbers and places; ids are looked up, and only where nothing hides them.

use serde_json::{Value as Json, json};

use super::super::support::world::Scene;

fn project(stages: &[&str], records: &str) -> Scene {
    let scene = Scene::named("p", &[]);
    for (at, stage) in stages.iter().enumerate() {
        scene.write(&format!("{:04}_s.toml", at + 1), stage);
    }
    scene.write("in.ndjson", records);
    let loaded = scene.run(&["load", "docs", "in.ndjson"]);
    assert_eq!(loaded.code, 0, "{}", loaded.err);
    scene
}

fn out(scene: &Scene, arguments: &[&str]) -> String {
    let ran = scene.run(arguments);
    assert!(
        ran.code == 0 || ran.code == 3,
        "{arguments:?}: {}{}",
        ran.out,
        ran.err
    );
    ran.out
}

fn says(told: &str, words: &str) {
    // A table breaks its lines where the screen ends.
    let joined = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined.contains(words), "`{words}` is missing in:\n{told}");
}

fn shown(scene: &Scene, id: &str) -> Json {
    let text = out(scene, &["quarantine", "show", id, "--json"]);
    let envelope: Json = serde_json::from_str(&text).expect("an envelope");
    envelope["data"]["records"][0].clone()
}

const ITEMS: &str = r#"
[stage]
source = "docs"
target = "items"
id = "= doc.id"
max_errors = "100%"

[[op]]
op = "derive"
path = "items"

[[op]]
op = "filter"
where = '= doc.id != "left"'

[[op]]
op = "convert"
path = "n"
to = "integer"

[[contract.rule]]
name = "positive"
expect = "= doc.n > 0"
"#;

const DOCS: &str = r#"{"id":"A","items":[{"id":"a0","n":"5"},{"id":"left","n":"5"},{"id":"a2","n":"-1"},{"id":"a3","n":"5"}]}
{"id":"B","items":[{"id":"b0","n":"5"},{"id":"b1","n":"five"}]}
"#;

#[test]
fn the_child_that_is_refused_is_named_and_shown() {
    let scene = project(&[ITEMS], DOCS);
    let plan = out(&scene, &["plan"]);
    says(&plan, "part 2 (/items/2)");
    says(&plan, "/n of part 2 (/items/1)");
    out(&scene, &["apply"]);
    let list = out(&scene, &["quarantine", "list"]);
    says(&list, "part 2 (/items/2)");
    says(&list, "part 2 has the id `a2`");
    says(&list, "/n of part 2 (/items/1)");
    says(&list, "part 2 has the id `b1`");
    let shown_a = out(&scene, &["quarantine", "show", "A"]);
    says(&shown_a, "at part 2 (/items/2): expected doc.n > 0 (positive)");
    says(&shown_a, "part 2 has the id `a2`");
    says(&shown_a, "input, at /items/2 { \"id\": \"a2\", \"n\": \"-1\" }");
    assert!(!shown_a.contains("a3"), "only the child is shown:\n{shown_a}");
    let record = shown(&scene, "B");
    assert_eq!(
        record["reason"]["violations"][0]["part"],
        json!({ "number": 2, "child": "/items/1" })
    );
    let named =
        json!([{ "what": "part", "number": 2, "database": "items", "id": "b1", "child": "/items/1" }]);
    assert_eq!(record["named"], named);
    says(&record["input"]["data"].to_string(), "b0");
    let report = out(&scene, &["report"]);
    says(&report, "part 2 (/items/2)");
    out(&scene, &["report", "--html", "run.html"]);
    let page = std::fs::read_to_string(scene.path("run.html")).expect("a page");
    assert!(page.contains("part 2 (/items/2)") && page.contains("of <bdi>part 2 (/items/1)</bdi>"));
}

/// The place of a child is told only where it stands in the record as it was read.
#[test]
fn a_place_that_is_not_in_the_record_is_not_reported() {
    let sorted = ITEMS.replacen(
        "[[op]]",
        "[[op]]\nop = \"rename\"\nfrom = \"lines\"\nto = \"items\"\n\n[[op]]",
        1,
    );
    let made = ITEMS.replacen("path = \"items\"", "records = '= doc.lines'", 1);
    for stage in [sorted, made] {
        let scene = project(&[&stage], &DOCS.replace("\"items\"", "\"lines\""));
        out(&scene, &["apply"]);
        let record = shown(&scene, "A");
        assert_eq!(
            record["reason"]["violations"][0]["part"],
            json!({ "number": 2 }),
            "{stage}"
        );
        assert_eq!(record["named"][0]["id"], "a2");
        says(&out(&scene, &["quarantine", "show", "A"]), "\"a3\"");
    }
}

const SAME: &str = r#"
[stage]
source = "docs"
target = "md"
max_errors = "100%"
id = '= doc.m + ":" + doc.d'

[[op]]
op = "derive"
records = '= let o = []; for d in doc.names { o += [#{d: d, m: doc.id}]; } o'
"#;

#[test]
fn the_id_that_came_twice_is_named_with_both_parts() {
    let long = "x".repeat(100);
    let records = format!(
        "{{\"id\":\"m1\",\"names\":[\"P\",\"Q\",\"P\"]}}\n{{\"id\":\"m2\",\"names\":[\"{long}\",\"{long}\"]}}\n"
    );
    let scene = project(&[SAME], &records);
    out(&scene, &["apply"]);
    let list = out(&scene, &["quarantine", "list"]);
    says(&list, "parts 1 and 3 have the id `m1:P`");
    says(
        &out(&scene, &["quarantine", "show", "m1"]),
        "parts 1 and 3 have the id `m1:P`",
    );
    let cut = format!("parts 1 and 2 have the id `m2:{}\u{2026}`", "x".repeat(77));
    says(&out(&scene, &["quarantine", "show", "m2"]), &cut);
    let record = shown(&scene, "m1");
    assert_eq!(
        record["reason"]["violations"][0]["part"],
        json!({ "number": 3, "other": 1 })
    );
    assert_eq!(record["named"][0]["id"], "m1:P");
    // The reason itself has no value.
    assert!(
        !record["reason"].to_string().contains("m1"),
        "{}",
        record["reason"]
    );
}

#[test]
fn an_id_that_is_made_of_what_is_redacted_is_not_reported() {
    let hidden = SAME.replacen("max_errors", "redact = [\"names\"]\nmax_errors", 1);
    let scene = project(&[&hidden], "{\"id\":\"m1\",\"names\":[\"SECRET\",\"SECRET\"]}\n");
    out(&scene, &["apply"]);
    let told = out(&scene, &["quarantine", "list"])
        + &out(&scene, &["quarantine", "show", "m1"])
        + &shown(&scene, "m1").to_string();
    says(&told, "parts 1 and 2 have the id `[redacted]`");
    assert!(!told.contains("SECRET"), "{told}");
    let redacted = ITEMS.replacen(
        "max_errors",
        "redact = [\"items[*].id\", \"items[*].n\"]\nmax_errors",
        1,
    );
    let scene = project(&[&redacted], &DOCS.replace("a2", "SECRET"));
    out(&scene, &["apply"]);
    let told = out(&scene, &["quarantine", "list"])
        + &out(&scene, &["quarantine", "show", "A"])
        + &shown(&scene, "A").to_string();
    assert!(!told.contains("SECRET") && !told.contains("-1\""), "{told}");
}

const UNIQUE: &str = r#"
[stage]
source = "docs"
target = "out"
max_errors = "100%"

[[contract.unique]]
name = "sku"
key = "= doc.sku"
"#;

#[test]
fn the_record_that_has_the_key_is_named() {
    let scene = project(
        &[UNIQUE],
        "{\"id\":\"one\",\"sku\":\"s\"}\n{\"id\":\"two\",\"sku\":\"s\"}\n",
    );
    out(&scene, &["apply"]);
    says(&out(&scene, &["quarantine", "list"]), "record 1 of out is `one`");
    says(
        &out(&scene, &["quarantine", "show", "two"]),
        "record 1 of out is `one`",
    );
    let record = shown(&scene, "two");
    assert_eq!(
        record["reason"]["violations"][0]["holder"],
        json!({ "record": 1 })
    );
    let named = json!([{ "what": "holder", "number": 1, "database": "out", "id": "one", "rule": "sku" }]);
    assert_eq!(record["named"], named);
    out(&scene, &["delete", "out", "one", "--reason", "it goes"]);
    says(
        &out(&scene, &["quarantine", "show", "two"]),
        "record 1 has left out",
    );
}

#[test]
fn two_parts_with_one_key_name_each_other() {
    let stage = format!("{}\n[[op]]\nop = \"derive\"\npath = \"items\"\n", UNIQUE);
    let scene = project(
        &[&stage],
        "{\"id\":\"d\",\"items\":[{\"sku\":\"s\"},{\"sku\":\"t\"},{\"sku\":\"s\"}]}\n",
    );
    out(&scene, &["apply"]);
    let told = out(&scene, &["quarantine", "show", "d"]);
    says(
        &told,
        "at part 3: expected a value that no other record has; part 1 of the same record has it (sku)",
    );
    let part = &shown(&scene, "d")["reason"]["violations"][0]["part"];
    assert_eq!(part, &json!({ "number": 3, "other": 1 }));
}

#[test]
fn a_part_whose_place_is_taken_is_named() {
    let scene = project(
        &[&ITEMS.replace("max_errors", "on_conflict = \"refuse\"\nmax_errors")],
        "{\"id\":\"A\",\"items\":[{\"id\":\"x\",\"n\":\"1\"}]}\n{\"id\":\"B\",\"items\":[{\"id\":\"y\",\"n\":\"1\"},{\"id\":\"x\",\"n\":\"1\"}]}\n",
    );
    out(&scene, &["apply"]);
    let told = out(&scene, &["quarantine", "show", "B"]);
    says(&told, "at part 2: another record has its id in the target");
    says(&told, "`x` has its id in items");
    says(&told, "part 2 has the id `x`");
}

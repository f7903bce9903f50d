//! What is counted is what is said: how many match, how many rows are taken back, how many records came out of those that
//! became several, and which run a report tells of.

use counterfoil::RunInfo;
use counterfoil::quarantine::{Selected, waive};
use serde_json::Value as Json;

use crate::support::world::{Scene, World};

const DERIVE: &str = r#"
[stage]
source = "orders"
target = "lines"
max_errors = "100%"

[[op]]
op = "derive"
records = "= doc.items"

[[op]]
op = "rekey"
id = "= doc.id"
"#;

const DERIVED_AGAIN: &str = r#"
[stage]
source = "lines"
target = "clean"
max_errors = "100%"

[[contract.rule]]
name = "amount"
expect = '= has(doc, "amount")'
"#;

/// Orders with three and two lines, and one without a list of them.
const ORDERS: &str = r#"{"id":"A","items":[{"id":"a1","amount":1},{"id":"a2","amount":2},{"id":"a3"}]}
{"id":"B","items":[{"id":"b1","amount":1},{"id":"b2","amount":2}]}
{"id":"C"}
"#;

fn shop() -> Scene {
    let scene = Scene::named(
        "shop",
        &[
            ("0001_lines.toml", DERIVE),
            ("0002_clean.toml", DERIVED_AGAIN),
            ("orders.ndjson", ORDERS),
        ],
    );
    assert_eq!(scene.run(&["load", "orders", "orders.ndjson"]).code, 0);
    scene
}

/// The line of a table that begins with a word, as its words.
fn line(text: &str, begins: &str) -> Vec<String> {
    let found = text.lines().find(|line| line.trim_start().starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no line begins with {begins}: {text}"));
    found.split_whitespace().map(str::to_owned).collect()
}

fn column(text: &str, row: &str, name: &str) -> String {
    let header = text
        .lines()
        .find(|line| line.split_whitespace().any(|word| word == name))
        .unwrap_or_else(|| panic!("no column {name}: {text}"));
    let header: Vec<&str> = header.split_whitespace().collect();
    let from_the_end = header.len() - header.iter().position(|word| *word == name).expect("a column");
    let row = line(text, row);
    row[row.len() - from_the_end].clone()
}

#[test]
fn every_screen_reports_how_many_records_came_out_of_those_that_became_several() {
    let scene = shop();
    let plan = scene.run(&["plan"]);
    assert_eq!(plan.code, 3, "{}", plan.err);
    assert!(plan.out.contains("read  written  out"), "{}", plan.out);
    let planned = scene.envelope(&["plan"]);
    assert_eq!(planned["data"]["stages"][0]["counts"]["written"], 2);
    assert_eq!(planned["data"]["stages"][0]["out"], 5);
    let applied = scene.run(&["apply"]);
    assert_eq!(column(&applied.out, "1 lines", "written"), "2", "{}", applied.out);
    let table = applied.out.lines().next().expect("a header");
    assert!(table.contains("written  out"), "{}", applied.out);
    let one: Vec<String> = line(&applied.out, "1 lines");
    assert!(
        one.windows(3).any(|words| words == ["3", "2", "5"]),
        "{}",
        applied.out
    );
    // Of all runs together it would have to be counted anew each time: each run tells its own.
    let told = scene.envelope(&["status"]);
    assert_eq!(told["data"]["stages"][0]["counts"]["written"], 2);
    assert!(told["data"]["stages"][0]["out"].is_null(), "{told}");
    // Four of the five lines have an amount.
    assert_eq!(
        told["data"]["stages"][1]["out"],
        told["data"]["stages"][1]["counts"]["written"]
    );
    let report = scene.run(&["report"]);
    assert!(report.out.contains("2 written as 5 records"), "{}", report.out);
    let told = scene.envelope(&["report"]);
    let outcomes = told["data"]["outcomes"].as_array().expect("passes");
    assert_eq!(outcomes[0]["out"], 5);
    assert_eq!(outcomes[1]["out"], 4);
    let page = scene.run(&["report", "--html", "-"]).out;
    assert!(
        page.contains("made from those written: <b>5</b>"),
        "the page tells it"
    );
    let history = scene.run(&["history", "--limit", "1"]);
    assert!(history.out.contains("2 written as 5 records"), "{}", history.out);
    // What is tried again: C gets its lines, but for the load it is a correction, so that apply carries it.
    scene.write(
        "c.ndjson",
        r#"{"id":"C","items":[{"id":"c1","amount":1},{"id":"c2","amount":1},{"id":"c3","amount":1}]}"#,
    );
    assert_eq!(scene.run(&["load", "orders", "c.ndjson", "--replace"]).code, 0);
    let again = scene.envelope(&["quarantine", "retry", "--stage", "1"]);
    let passes = again["data"]["passes"].as_array().expect("passes");
    assert_eq!(
        (&passes[0]["counts"]["written"], &passes[0]["out"]),
        (&Json::from(1), &Json::from(3))
    );
}

#[test]
fn a_rollback_counts_the_rows_that_it_restores() {
    let scene = shop();
    assert_eq!(scene.run(&["apply"]).code, 3);
    // Stage 2 has written four rows and refused one.
    let said = scene.run(&["rollback", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let row = line(&said.err, "4 ");
    assert_eq!(row[row.len() - 3..], ["clean", "4", "0"], "{}", said.err);
    assert!(
        said.out.contains("Rolled back 4 records in 1 pass."),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("1 more record had nothing to restore"),
        "{}",
        said.out
    );
    // Stage 1 has made five rows of two orders and refused the third.
    let told = scene.envelope(&["rollback", "--yes"]);
    let plan = &told["data"]["plan"][0];
    assert_eq!(
        (&plan["records"], &plan["entries"]),
        (&Json::from(5), &Json::from(6)),
        "{plan}"
    );
    assert_eq!(told["data"]["report"]["records"], 5);
    assert_eq!(told["data"]["report"]["undone"][0]["records"], 5);
    assert_eq!(scene.run(&["export", "lines"]).out, "");
    // Of one record that became several, all of them.
    assert_eq!(scene.run(&["apply", "--to", "1"]).code, 3);
    let said = scene.run(&["rollback", "--record", "lines", "a2", "--yes"]);
    assert!(
        said.out.contains("Rolled back 3 records in 1 pass."),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn a_rollback_that_goes_on_counts_all_of_it() {
    let scene = Scene::named(
        "shop",
        &[("0001_copy.toml", "[stage]\nsource = \"a\"\ntarget = \"b\"\n")],
    );
    let lines: String = (0..300).map(|at| format!("{{\"id\":\"{at}\"}}\n")).collect();
    scene.write("a.ndjson", &lines);
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 0);
    let said = scene.run(&["rollback", "--yes", "--batch-size", "1", "--max-time", "1ms"]);
    assert_eq!(said.code, 6, "{}", said.err);
    let so_far = said.out.strip_prefix("Rolled back ").expect("a count");
    let so_far: u64 = so_far
        .split(' ')
        .next()
        .expect("a number")
        .parse()
        .expect("a number");
    let said = scene.run(&["rollback", "--yes"]);
    assert!(
        said.err.contains(&(300 - so_far).to_string()),
        "{so_far}: {}",
        said.err
    );
    assert!(
        said.out.contains("Rolled back 300 records in 1 pass."),
        "{}",
        said.out
    );
}

#[test]
fn a_query_reports_how_many_match() {
    let scene = Scene::named("shop", &[]);
    let lines: String = (0..272)
        .map(|at| format!("{{\"id\":\"r{at}\",\"n\":{at}}}\n"))
        .collect();
    scene.write("a.ndjson", &lines);
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    let hint = |arguments: &[&str]| {
        let said = scene.run(&[&["query", "a"], arguments].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        said.err
    };
    let some = ["--where", "doc.n < 91", "--limit", "1"];
    assert!(hint(&some).contains("1 of 91 that match shown; next page: --after"));
    assert!(hint(&["--limit", "1"]).contains("1 of 272 shown; next page: --after"));
    let first = scene.envelope(&["query", "a", "--limit", "1"])["data"]["records"][0]["record"].to_string();
    let behind = hint(&[&some[..], &["--after", &first]].concat());
    assert!(
        behind.contains("1 of 90 that match from there on shown"),
        "{behind}"
    );
    let behind = hint(&["--limit", "1", "--after", &first]);
    assert!(behind.contains("1 of 271 from there on shown"), "{behind}");
    let sorted = hint(&[&some[..], &["--sort", "n:desc"]].concat());
    assert!(
        sorted.contains("1 of 91 that match shown; --limit N shows more"),
        "{sorted}"
    );
    // All of them, or the last: nothing is said of more.
    assert!(!hint(&["--where", "doc.n < 20"]).contains("shown"));
    assert!(!hint(&["--where", "doc.n == 271", "--limit", "1"]).contains("shown"));
    let told = &scene.envelope(&[&["query", "a"], &some[..]].concat())["data"];
    assert_eq!(
        (&told["total"], &told["matched"], &told["matched_exactly"]),
        (&272.into(), &91.into(), &true.into())
    );
}

#[test]
fn a_query_counts_no_further_than_takes_a_moment_unless_it_is_asked_to() {
    let scene = Scene::named("shop", &[]);
    let lines: String = (0..50_100).map(|at| format!("{{\"id\":\"{at}\"}}\n")).collect();
    scene.write("a.ndjson", &lines);
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    let some = ["query", "a", "--where", "doc.id != \"x\"", "--limit", "10"];
    let said = scene.run(&some);
    assert!(
        said.err
            .contains("10 of at least 50,010 that match shown; next page: --after")
            && said.err.contains("--count"),
        "{}",
        said.err
    );
    let said = scene.run(&[&some[..], &["--count"]].concat());
    assert!(said.err.contains("10 of 50,100 that match shown"), "{}", said.err);
}

#[test]
fn a_report_without_a_number_reports_the_last_run_that_did_something() {
    let scene = Scene::named(
        "shop",
        &[
            ("0001_copy.toml", "[stage]\nsource = \"a\"\ntarget = \"b\"\n"),
            ("a.ndjson", "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"),
        ],
    );
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 0);
    // The same records under another name, in another order: each is there already.
    scene.write("again.ndjson", "{\"id\":\"2\"}\n{\"id\":\"1\"}\n");
    assert_eq!(scene.run(&["load", "a", "again.ndjson"]).code, 0);
    let told = scene.envelope(&["report"]);
    assert_eq!(
        (
            &told["data"]["summary"]["run"],
            &told["data"]["summary"]["command"]
        ),
        (&3.into(), &"apply".into())
    );
    // And says so.
    assert_eq!(told["data"]["passed_over"], 4);
    let said = scene.run(&["report"]).out;
    assert!(
        said.contains("run 4 is newer but wrote none: `counterfoil report 4`"),
        "{said}"
    );
    assert!(
        scene
            .run(&["report", "--html", "-"])
            .out
            .contains("run 4 is newer")
    );
    assert!(!scene.run(&["report", "3"]).out.contains("is newer"));
    // Where no run did anything to a record, the newest that has looked at some.
    let scene = Scene::named("shop", &[("empty.ndjson", "\n")]);
    assert_eq!(scene.run(&["load", "a", "empty.ndjson"]).code, 0);
    assert_eq!(scene.run(&["report"]).code, 0);
}

const COPY: &str = r#"
[stage]
source = "drafts"
target = "clean"
max_errors = "100%"

[contract]
source = { properties = { n = { maximum = 8 } } }
"#;

#[test]
fn a_waiver_counts_until_its_record_is_processed_again() {
    let merge = format!("{COPY}\n[merge]\nby = {{ id = \"id\" }}\n");
    for text in [COPY, &merge] {
        let mut world = World::new("demo", &[("0001_clean.toml", text)]);
        let line = |id: u32, n: u32| format!(r#"{{"id":"{id}","n":{n}}}"#);
        let lines: Vec<String> = (1..=4).map(|id| line(id, if id == 4 { 1 } else { 9 })).collect();
        world.load("drafts", &lines);
        world.apply();
        let run_info = RunInfo::new("waive").reason("known".to_owned());
        waive(&mut world.store, "demo", &Selected::default(), &run_info).expect("a waiver");
        let counts = |world: &World| world.store.status(&world.stages).expect("a status").stages[0].counts;
        assert_eq!((counts(&world).filtered, counts(&world).written), (3, 1));
        world.load("drafts", &[line(2, 2)]);
        world.apply();
        assert_eq!((counts(&world).filtered, counts(&world).written), (2, 2));
        // Waived again, after a worse correction.
        world.load("drafts", &[line(3, 10)]);
        world.apply();
        assert_eq!(counts(&world).filtered, 1);
        waive(&mut world.store, "demo", &Selected::default(), &run_info).expect("a waiver");
        assert_eq!(counts(&world).filtered, 2);
        world.is_sound();
    }
}

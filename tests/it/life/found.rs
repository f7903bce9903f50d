//! What lives have found, each reduced to the days that matter.

use crate::support::world::Scene;

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\n";

/// Refuses what is neither `n` nor, as revised, `x`.
fn map(database: &str, more: &str) -> String {
    format!(
        "[stage]\nsource = \"{database}\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"map\"\npath = \"s\"\nvalues = {{ n = \"new\"{more} }}\n"
    )
}

fn seen(database: &str) -> String {
    format!(
        "[stage]\nsource = \"{database}\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"add\"\npath = \"seen\"\nvalue = true\n"
    )
}

fn scene(stages: &[(&str, &str)]) -> Scene {
    Scene::named("found", stages)
}

fn load(scene: &Scene, database: &str, file: &str, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    scene.load_file(database, file, &lines, &["--replace"]);
}

fn run(scene: &Scene, arguments: &[&str], code: i32) -> String {
    scene.exits(arguments, code).out
}

#[test]
fn what_a_stage_in_place_has_refused_is_tried_again_though_a_later_one_has_not_found_it() {
    let scene = scene(&[
        ("0001_copy.toml", COPY),
        ("0002_map.toml", &map("b", "")),
        ("0003_seen.toml", &seen("b")),
    ]);
    load(&scene, "a", "1.ndjson", "{\"id\":\"k1\",\"s\":\"n\"}\n");
    run(&scene, &["apply"], 0);
    load(&scene, "a", "2.ndjson", "{\"id\":\"k2\",\"s\":\"x\"}\n");
    run(&scene, &["apply"], 3);
    run(&scene, &["quarantine", "retry"], 3);
    let listed = run(&scene, &["quarantine", "list"], 0);
    assert!(listed.contains("k2"), "{listed}");
    scene.write("0002_map.toml", map("b", ", x = \"other\""));
    run(&scene, &["apply", "--revise", "--reason", "x is known now"], 0);
    assert_eq!(
        run(&scene, &["export", "b"], 0),
        "{\"id\":\"k1\",\"s\":\"new\",\"seen\":true}\n{\"id\":\"k2\",\"s\":\"other\",\"seen\":true}\n"
    );
    run(&scene, &["verify"], 0);
}

#[test]
fn a_retry_brings_what_was_loaded_since_through_the_stages_in_their_order() {
    let scene = scene(&[("0001_map.toml", &map("a", "")), ("0002_seen.toml", &seen("a"))]);
    load(&scene, "a", "1.ndjson", "{\"id\":\"k1\",\"s\":\"x\"}\n");
    run(&scene, &["apply"], 3);
    load(&scene, "a", "2.ndjson", "{\"id\":\"k2\",\"s\":\"n\"}\n");
    run(&scene, &["quarantine", "retry"], 3);
    run(&scene, &["apply"], 0);
    assert_eq!(
        run(&scene, &["export", "a"], 0),
        "{\"id\":\"k2\",\"s\":\"new\",\"seen\":true}\n"
    );
}

#[test]
fn a_stale_copy_that_was_removed_reconciles_as_refused() {
    let stage = "[stage]\nsource = \"a\"\ntarget = \"b\"\nstale = \"remove\"\nmax_errors = \"100%\"\n\n[[contract.rule]]\nname = \"ok\"\nexpect = \"= doc.ok\"\n\n[[reconcile]]\nname = \"n\"\nsource = \"= doc.n\"\ntarget = \"= doc.n\"\n";
    let scene = scene(&[("0001_copy.toml", stage)]);
    let both = "{\"id\":\"k1\",\"n\":5,\"ok\":true}\n{\"id\":\"k2\",\"n\":7,\"ok\":true}\n";
    load(&scene, "a", "1.ndjson", both);
    run(&scene, &["apply"], 0);
    load(&scene, "a", "2.ndjson", "{\"id\":\"k1\",\"n\":6,\"ok\":false}\n");
    run(&scene, &["apply"], 3);
    let told = run(&scene, &["reconcile"], 0);
    assert!(
        told.contains("refused") && !told.contains("outside the ledger"),
        "{told}"
    );
}

#[test]
fn what_a_revision_has_let_in_and_a_rollback_has_taken_back_waits_again() {
    for scope in [&["--record", "a", "k2"][..], &["--run", "4"]] {
        let scene = scene(&[("0001_map.toml", &map("a", ""))]);
        load(
            &scene,
            "a",
            "1.ndjson",
            "{\"id\":\"k1\",\"s\":\"n\"}\n{\"id\":\"k2\",\"s\":\"x\"}\n",
        );
        run(&scene, &["apply"], 3);
        scene.write("0001_map.toml", map("a", ", x = \"other\""));
        let revise = ["apply", "--revise", "--reason", "x is known now"];
        run(&scene, &revise, 0);
        let both = run(&scene, &["export", "a"], 0);
        run(&scene, &[&["rollback", "--yes"], scope].concat(), 0);
        run(&scene, &revise, 0);
        assert_eq!(run(&scene, &["export", "a"], 0), both, "{scope:?}");
        run(&scene, &["verify"], 0);
    }
}

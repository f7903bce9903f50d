//! The command: every screen as a golden transcript, every exit code, every way out.

use serde_json::Value as Json;

use super::support::world::Scene;

mod envelopes;
mod evidence;
mod loads;
mod named;
mod outputs;
mod places;
mod secrecy;
mod slips;
mod stopping;

#[test]
fn a_migration_is_shown_from_its_first_command_to_its_last() {
    let scene = Scene::clinic();
    scene.run(&["check"]);
    scene.run(&["test"]);
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["status"]);
    scene.run(&["apply", "--reason", "the ward moves"]);
    scene.run(&["status"]);
    scene.run(&["quarantine", "list"]);
    scene.run(&["quarantine", "show", "r3"]);
    scene.run(&["query", "records_v2", "--where", "doc.celsius > 37.5"]);
    scene.run(&[
        "query",
        "records_v2",
        "--sort",
        "celsius:desc",
        "--limit",
        "2",
        "--with-id",
    ]);
    scene.write(
        "correction.ndjson",
        r#"{"id": "r3", "patient": "Hamilton", "ward": "C1", "temp": "36.9 C", "weight": 64}"#,
    );
    scene.run(&["load", "records_v1", "correction.ndjson", "--replace"]);
    scene.run(&["apply"]);
    scene.run(&["trace", "records_v2", "r3"]);
    scene.run(&["export", "records_v2", "--format", "csv"]);
    scene.run(&["quarantine", "waive", "--record", "5", "--reason", "a torn line"]);
    scene.run(&["delete", "records_v2", "r1", "--reason", "moved to another ward"]);
    scene.run(&["history", "--limit", "4"]);
    scene.run(&["verify"]);
    scene.run(&["rollback", "--run", "7", "--yes"]);
    scene.run(&["rollback"]);
    scene.run(&["rollback", "--yes", "--to", "1"]);
    scene.run(&["status"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["command/life.txt"].raw());
}

#[test]
fn a_mistake_is_reported_with_what_to_do_next() {
    let scene = Scene::new();
    scene.run(&["status"]);
    scene.run(&["aply"]);
    scene.run(&["init", "Bad Name"]);
    scene.run(&["init", "shop"]);
    scene.run(&["init", "shop"]);
    scene.run(&["-C", "shop", "new", "second"]);
    scene.run(&["-C", "shop", "new", "Bad"]);
    scene.run(&["-C", "shop", "status"]);
    scene.run(&["-C", "shop", "load", "Records", "x.ndjson"]);
    scene.run(&["-C", "shop", "load", "records_v1", "0001_first.toml"]);
    scene.run(&["-C", "shop", "load", "records_v1", "missing.ndjson"]);
    scene.write("records.ndjson", "{\"id\":\"1\"}\n");
    scene.run(&["-C", "shop", "load", "records_v1", "records.ndjson"]);
    scene.run(&["-C", "shop", "apply"]);
    scene.run(&["-C", "shop", "apply", "--to", "7"]);
    scene.run(&["-C", "shop", "apply", "--revise"]);
    scene.run(&["-C", "shop", "apply", "--max-time", "soon"]);
    scene.run(&["-C", "shop", "query", "record_v1"]);
    scene.run(&["-C", "shop", "query", "records_v1", "--where", "doc.id == "]);
    scene.run(&["-C", "shop", "query", "records_v1", "--where", "doc.missing == 1"]);
    scene.run(&["-C", "shop", "query", "records_v1", "--id", "7"]);
    scene.run(&["-C", "shop", "query", "records_v1", "--sort", "a[*]"]);
    scene.run(&["-C", "shop", "trace", "records_v1", "7"]);
    scene.run(&["-C", "shop", "delete", "records_v1", "7", "--reason", "x"]);
    scene.run(&["-C", "shop", "delete", "records_v1", "1"]);
    scene.run(&["-C", "shop", "rollback", "--run", "77", "--yes"]);
    scene.run(&["-C", "shop", "quarantine", "show", "1"]);
    scene.run(&["-C", "shop", "quarantine", "waive", "--reason", "x"]);
    scene.run(&["-C", "shop", "export", "records_v1", "--columns", "a"]);
    scene.run(&["--store", "records.ndjson", "verify"]);
    let stage = std::fs::read_to_string(scene.path("shop/0001_first.toml")).unwrap();
    scene.write(
        "shop/0001_first.toml",
        stage.replace("target = \"records_v2\"", "target = \"records_v9\""),
    );
    scene.run(&["-C", "shop", "apply"]);
    scene.write("shop/0001_first.toml", stage.replace("source =", "sorce ="));
    scene.run(&["-C", "shop", "check"]);
    scene.run(&["-C", "shop", "query", "records_v1"]);
    snapbox::assert_data_eq!(scene.transcript(), snapbox::file!["command/mistakes.txt"].raw());
}

#[test]
fn a_demo_shows_a_whole_run_with_a_real_kill_in_it() {
    let scene = Scene::new();
    toured(&scene, "shop", "orders_v2");
    toured(&scene, "bank", "transactions");
}

/// Runs a demo, and checks what holds for every one; returns its steps.
pub(crate) fn toured(scene: &Scene, name: &str, result: &str) -> Vec<Json> {
    let envelope = scene.envelope(&["demo", name]);
    assert_eq!(envelope["code"], 0, "{envelope}");
    let steps = envelope["data"]["steps"].as_array().unwrap();
    let killed: Vec<_> = steps
        .iter()
        .filter_map(|step| step["killed_after_batches"].as_u64())
        .collect();
    assert_eq!(killed, [3], "{name}");
    let resumed = steps
        .iter()
        .any(|step| step["answer"]["data"]["passes"][0]["resumed"] == true);
    assert!(
        resumed,
        "{name}: the apply after the kill goes on with the same pass"
    );
    let [.., verified, reconciled] = &steps[..] else {
        panic!("{name}")
    };
    assert_eq!(verified["answer"]["command"], "verify", "{name}");
    assert_eq!(reconciled["answer"]["command"], "reconcile", "{name}");
    assert_eq!(
        reconciled["answer"]["code"], 0,
        "{name}: all balances are reconciled"
    );
    let told = scene.quietly(&["-C", name, "reconcile"]).out;
    assert!(told.contains("\nall balances reconciled"), "{name}: {told}");
    let left = scene.envelope(&["-C", name, "quarantine", "list"]);
    assert_eq!(left["data"]["records"], serde_json::json!([]), "{name}: {left}");
    let rows = scene.quietly(&["-C", name, "query", result]).out;
    assert!(rows.lines().count() > 1, "{name}: {rows}");
    steps.clone()
}

#[test]
fn a_demo_whose_step_fails_fails() {
    let folder = tempfile::tempdir().unwrap();
    let demo = std::process::Command::new("bash")
        .args([
            "-c",
            "ulimit -c 0; ulimit -f 100; exec \"$0\" demo bank --folder \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_counterfoil"))
        .arg(folder.path().join("bank"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&demo.stderr);
    assert_eq!(demo.status.code(), Some(1), "{told}");
    assert!(told.contains("which the demo did not expect"), "{told}");
}

//! `--json`: one envelope of one shape, whatever happens.

use super::super::support::world::Scene;

#[test]
fn every_command_and_every_mistake_gives_one_envelope_of_one_shape() {
    let scene = Scene::clinic();
    let run = |arguments: &[&str], code: i32| {
        let envelope = scene.envelope(arguments);
        assert_eq!(envelope["code"], code, "{arguments:?}: {envelope}");
        assert_eq!(envelope["ok"], code == 0 || code == 3, "{arguments:?}");
        assert_eq!(
            envelope["error"].is_null(),
            code == 0 || code == 3,
            "{arguments:?}: {envelope}"
        );
        assert!(envelope["warnings"].is_array(), "{arguments:?}");
        for key in ["command", "data"] {
            assert!(envelope.get(key).is_some(), "{arguments:?} has no {key}");
        }
        if code != 0 && code != 3 {
            assert!(envelope["error"]["code"].is_string(), "{arguments:?}");
            assert_ne!(envelope["error"]["message"], "", "{arguments:?}");
        }
        envelope
    };
    run(&["aply"], 2);
    run(&[], 2);
    run(&["--help"], 0);
    run(&["status"], 1);
    run(&["check"], 0);
    run(&["test"], 0);
    run(&["schema", "stage"], 0);
    let loaded = run(&["load", "records_v1", "readings.ndjson"], 3);
    assert_eq!(loaded["data"]["counts"]["written"], 4);
    assert_eq!(loaded["data"]["refusals"][0]["records"], 1);
    let applied = run(&["apply"], 3);
    assert_eq!(applied["command"], "apply");
    assert_eq!(applied["data"]["passes"][0]["counts"]["refused"], 1);
    run(&["apply"], 0);
    run(&["status"], 0);
    run(&["history"], 0);
    run(&["trace", "records_v1", "r1"], 0);
    let list = run(&["quarantine", "list"], 0);
    assert_eq!(list["data"]["records"][1]["reason"]["code"], "decimal.invalid");
    run(&["quarantine", "show", "r3"], 0);
    run(&["quarantine", "retry"], 3);
    run(&["quarantine", "waive", "--id", "r3", "--reason", "x"], 0);
    let queried = run(&["query", "records_v2", "--id", "r1"], 0);
    assert!(
        queried["data"]["records"][0]["data"]
            .to_string()
            .contains(r#""weight":6.00"#),
        "numbers keep their text: {queried}"
    );
    run(&["export", "records_v2"], 2);
    run(&["export", "records_v2", "--output", "out.ndjson"], 0);
    run(&["export", "records_v2", "--output", "out.ndjson"], 1);
    run(&["query", "records_v7"], 1);
    run(&["verify"], 0);
    run(&["rollback"], 2);
    run(&["delete", "records_v1", "r1", "--reason", "x"], 0);
    run(&["rollback", "--all", "--yes"], 0);
    scene.write("0001_exact.toml", "[stage]\nsorce = \"a\"\n");
    let invalid = run(&["apply"], 4);
    assert_eq!(invalid["error"]["problems"][0]["file"], "0001_exact.toml");
}

#[test]
fn a_stage_that_has_changed_gives_5_and_the_difference() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["apply"]);
    let stage = std::fs::read_to_string(scene.path("0001_exact.toml")).unwrap();
    scene.write("0001_exact.toml", stage.replace("places = 1", "places = 2"));
    let drift = scene.envelope(&["apply"]);
    assert_eq!(drift["code"], 5);
    let detail = drift["error"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("-places = 1") && detail.contains("+places = 2"),
        "{detail}"
    );
    assert_eq!(
        scene.envelope(&["apply", "--revise", "--reason", "finer"])["ok"],
        true
    );
}

#[test]
fn more_refusals_than_allowed_give_6_and_the_same_command_with_a_higher_limit_goes_on() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    let stopped = scene.envelope(&["apply", "--max-errors", "0", "--batch-size", "1"]);
    assert_eq!(
        (&stopped["code"], &stopped["error"]["code"]),
        (&6.into(), &"stopped.error_limit".into())
    );
    assert_eq!(scene.envelope(&["apply", "--on-error", "stop"])["code"], 6);
    let done = scene.envelope(&["apply", "--max-errors", "1"]);
    assert_eq!(
        (&done["code"], &done["data"]["passes"][0]["resumed"]),
        (&3.into(), &true.into())
    );
}

#[test]
fn a_store_that_another_process_holds_gives_7() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    let lock = std::fs::File::open(scene.path("counterfoil.db.lock")).unwrap();
    lock.lock().unwrap();
    let locked = scene.envelope(&["apply", "--wait", "0"]);
    assert_eq!(
        (&locked["code"], &locked["error"]["code"]),
        (&7.into(), &"store.locked".into())
    );
    drop(lock);
    assert_eq!(scene.envelope(&["apply"])["code"], 3);
}

#[test]
fn a_record_changed_behind_the_ledger_gives_8_and_one_changed_since_gives_9() {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["apply", "--to", "1"]);
    scene.write("newer.ndjson", r#"{"id":"r1","celsius":37.0}"#);
    assert_eq!(
        scene.envelope(&["load", "records_v2", "newer.ndjson", "--replace"])["code"],
        0
    );
    let conflict = scene.envelope(&["rollback", "--to", "0", "--yes"]);
    assert_eq!(
        (&conflict["code"], &conflict["error"]["code"]),
        (&9.into(), &"rollback.conflict".into())
    );
    let skipped = scene.envelope(&["rollback", "--to", "0", "--yes", "--on-conflict", "skip"]);
    assert_eq!(
        (&skipped["code"], &skipped["data"]["report"]["counts"]["refused"]),
        (&3.into(), &1.into())
    );
    assert_eq!(scene.envelope(&["verify"])["code"], 0);
    let store = rusqlite::Connection::open(scene.path("counterfoil.db")).unwrap();
    store
        .execute("UPDATE records_v1 SET data='{}' WHERE id='r2'", [])
        .unwrap();
    let unsound = scene.envelope(&["verify"]);
    assert_eq!(
        (&unsound["code"], &unsound["error"]["code"]),
        (&8.into(), &"verify.failed".into())
    );
    assert_eq!(unsound["data"]["findings"][0]["database"], "records_v1");
}

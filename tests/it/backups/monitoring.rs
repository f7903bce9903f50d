//! What monitoring is told of a store.

use super::{load, project};

#[test]
fn monitoring_reports_new_refusals_once() {
    let project = project();
    let checked = |arguments: &[&str], code| {
        let arguments = [&["status", "--check", "--json"], arguments].concat();
        let said = project.exits(&arguments, code);
        let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
        answer["data"].clone()
    };
    let data = checked(&[], 0);
    assert_eq!(data["last_run"]["command"], "apply");
    assert_eq!(
        (&data["quarantined"], &data["oldest_refusal"]),
        (&0.into(), &serde_json::Value::Null)
    );
    project.write("bad", "{\"id\":\"bad\",\"n\":\"?\"}\n");
    let file = project.path("bad").display().to_string();
    project.exits(&["load", "a", &file, "--format", "ndjson"], 0);
    project.exits(&["apply"], 3);
    let data = checked(&[], 3);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&1.into(), &1.into())
    );
    // What feeds nothing of it is no reason to forget.
    project.write("other", "{\"id\":\"o1\"}\n");
    let other = project.path("other").display().to_string();
    project.exits(&["load", "other", &other, "--format", "ndjson"], 0);
    assert_eq!(checked(&[], 3)["refused_since"], 1);
    load(&project, "two", 200..201);
    let data = checked(&[], 0);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&0.into(), &1.into())
    );
    assert!(data["oldest_refusal_age"].is_u64());
    assert_eq!(checked(&["--since", "1h"], 3)["refused_since"], 1);
    project.exits(&["apply"], 0);
    checked(&[], 0);
}

#[test]
fn monitoring_sees_a_load_and_the_apply_after_it() {
    let project = project();
    let checked = |code| {
        let said = project.exits(&["status", "--check", "--json"], code);
        let answer: serde_json::Value = serde_json::from_str(&said.out).expect("an envelope");
        answer["data"].clone()
    };
    // A night: two lines are refused at the door, and of what is let in the stage refuses one record.
    let night = |name: &str, lines: &str, codes: (i32, i32)| {
        project.write(name, lines);
        let file = project.path(name).display().to_string();
        project.exits(&["load", "a", &file, "--format", "ndjson"], codes.0);
        project.exits(&["apply"], codes.1);
    };
    night(
        "one",
        "{\"id\":\"n1\",\"n\":\"1\"}\n{broken\n{\"n\":\"2\"}\n",
        (3, 0),
    );
    let data = checked(3);
    assert_eq!(
        data["refused_since"], 2,
        "the apply refused none, and hides nothing"
    );
    assert_eq!(data["refused_by"][0]["kind"], "load");
    assert_eq!(data["refused_by"][0]["database"], "a");
    night("two", "{\"id\":\"n2\",\"n\":\"?\"}\n{broken\n", (3, 3));
    let data = checked(3);
    assert_eq!(data["refused_since"], 2, "{data}");
    assert_eq!(data["quarantined"], 4);
    assert_eq!(data["refused_by"][1]["stage"], 1);
    let told = project.exits(&["status", "--check"], 3);
    assert!(told.out.contains("1 by the load of a"), "{told:?}");
    assert!(told.out.contains("1 by stage 1"), "{told:?}");
    night("three", "{\"id\":\"n3\",\"n\":\"3\"}\n", (0, 0));
    let data = checked(0);
    assert_eq!(
        (&data["refused_since"], &data["quarantined"]),
        (&0.into(), &4.into())
    );
    // A retry is a run of the stage.
    project.exits(&["quarantine", "retry"], 3);
    assert_eq!(checked(3)["refused_by"][0]["kind"], "retry");
}

#[test]
fn a_store_that_is_gone_is_distinguished_from_one_that_never_was() {
    let project = project();
    for is_empty in [false, true] {
        std::fs::remove_file(project.store()).expect("it is there");
        if is_empty {
            project.write("store.db", "");
        }
        for arguments in [&["status"][..], &["verify"], &["apply"], &["query", "a"]] {
            let said = project.exits(arguments, 8);
            assert!(
                said.err.contains("the signed store") && said.err.contains("restore FOLDER"),
                "{said:?}"
            );
        }
        project.write("store.db", "");
    }
    std::fs::remove_file(project.store()).expect("it is there");
    std::fs::remove_file(project.path("store.db.checkpoints")).expect("it is there");
    let said = project.exits(&["status"], 1);
    assert!(said.err.contains("there is no store"), "{said:?}");
    std::fs::create_dir(project.store()).expect("a folder");
    let said = project.exits(&["status"], 1);
    assert!(said.err.contains("it is a folder"), "{said:?}");
    std::fs::remove_dir(project.store()).expect("a folder");
    let made = std::process::Command::new("mkfifo").arg(project.store()).status();
    assert!(made.expect("a pipe").success());
    for arguments in [&["status"][..], &["apply"]] {
        let said = project.exits(arguments, 1);
        assert!(said.err.contains("it is not a regular file"), "{said:?}");
    }
}

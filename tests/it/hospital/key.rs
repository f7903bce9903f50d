//! The key of the ids: from a file that the project names or from the environment, and never silently absent.

use super::{project, record, register};
use crate::support::world::{Said, Scene};

const LINE: &str = r#"{"patient_id":"1","medical_record_number":"M","ssn":"123-45-6789"}"#;

fn applied_with(scene: &Scene, key: Option<&str>) -> Said {
    let mut command = scene.command(&["apply", "--max-errors", "1"]);
    if let Some(key) = key {
        command.env("COUNTERFOIL_SECRET_PATIENT_KEY", key);
    }
    Said::of(command.output().expect("the command starts"))
}

fn id(key_file: Option<&str>, key: Option<&str>) -> String {
    let scene = project();
    if let Some(text) = key_file {
        scene.write("patient.key", text);
    }
    scene.load("hospital_a", &[LINE], &[]);
    let said = applied_with(&scene, key);
    assert_eq!(said.code, 0, "{said:?}");
    record(&scene, "A:1")["patient_id"].to_string()
}

#[test]
fn the_environment_comes_before_the_file_and_the_end_of_its_line_is_not_part_of_a_key() {
    let shipped = id(None, None);
    assert_eq!(shipped, "\"PAT-4A7D24184CF8\"");
    let other = id(Some("another"), None);
    assert_ne!(other, shipped);
    for same in ["another\n", "another\r\n"] {
        assert_eq!(id(Some(same), None), other, "{same:?}");
    }
    assert_ne!(id(Some("another\n\n"), None), other);
    assert_eq!(id(None, Some("another")), other);
}

#[test]
fn a_key_that_is_not_there_is_reported_and_refuses_every_record() {
    let scene = project();
    scene.load("hospital_a", &[LINE], &[]);
    for text in [None, Some(""), Some(" \n")] {
        match text {
            None => std::fs::remove_file(scene.path("patient.key")).expect("a key"),
            Some(text) => scene.write("patient.key", text),
        }
        let said = scene.run(&["apply", "--max-errors", "1"]);
        let warning = "the secret `patient_key` cannot be read from `patient.key`";
        assert!(said.err.contains(warning), "{said:?}");
        assert!(
            said.err.contains("set COUNTERFOIL_SECRET_PATIENT_KEY"),
            "{said:?}"
        );
    }
    let listed = scene.exits(&["quarantine", "list"], 0).out;
    assert!(listed.contains("expression.secret_missing"), "{listed}");
    assert_eq!(register(&scene), []);
    // No warning where the environment gives it, and the record that waited passes.
    let mut retry = scene.command(&["quarantine", "retry"]);
    let retried = retry.env("COUNTERFOIL_SECRET_PATIENT_KEY", "another").output();
    let said = Said::of(retried.expect("the command starts"));
    assert!(said.code == 0 && !said.err.contains("cannot be read"), "{said:?}");
    assert_eq!(register(&scene).len(), 1);
}

#[test]
fn the_key_of_a_project_is_in_neither_its_store_nor_its_backup() {
    let scene = project();
    scene.write("patient.key", "open sesame");
    scene.load("hospital_a", &[LINE], &[]);
    scene.exits_sound(&["apply"], 0);
    scene.exits(&["backup", "copy"], 0);
    let mut looked_at = 0;
    for folder in [scene.path("."), scene.path("copy")] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() && path.file_name().is_some_and(|name| name != "patient.key") {
                let bytes = std::fs::read(&path).expect("a file");
                assert!(!bytes.windows(11).any(|part| part == b"open sesame"), "{path:?}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 15, "{looked_at}");
    assert!(!scene.path("copy/patient.key").exists());
}

#[test]
fn examples_have_a_key_of_their_own() {
    let scene = project();
    scene.write("patient.key", "another");
    let said = scene.exits(&["test"], 0);
    assert!(said.out.contains("passed: 33 examples"), "{said:?}");
}

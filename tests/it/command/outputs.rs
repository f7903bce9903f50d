//! Where the output goes, and what happens when it cannot.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Stdio;

use super::super::support::world::Scene;

fn loaded() -> Scene {
    let scene = Scene::clinic();
    assert_eq!(scene.run(&["load", "records_v1", "readings.ndjson"]).code, 3);
    scene
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_fails_with_a_message_and_what_was_done_stays() {
    let scene = loaded();
    for arguments in [
        &["status"][..],
        &["query", "records_v1"],
        &["export", "records_v1"],
        &["apply"],
        &["--json", "status"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = scene.command(arguments).stdout(full).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(
            told.contains("the output cannot be written"),
            "{arguments:?}: {told}"
        );
    }
    assert_eq!(
        scene.envelope(&["status"])["data"]["stages"][0]["state"],
        "applied"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly_with_its_own_exit_code() {
    let scene = loaded();
    for (arguments, code) in [
        (&["export", "records_v1"][..], 0),
        (&["export", "records_v1", "--format", "csv"], 0),
        (&["export", "records_v1", "--with-id"], 0),
        (&["status"], 0),
        (&["apply"], 3),
    ] {
        let mut child = scene
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(
            !told.contains("panicked") && !told.contains("error"),
            "{arguments:?}: {told}"
        );
    }
    assert_eq!(
        scene.envelope(&["status"])["data"]["stages"][1]["state"],
        "applied"
    );
}

#[test]
fn records_come_from_a_pipe_too() {
    let scene = Scene::clinic();
    let mut child = scene
        .command(&["--json", "load", "records_v1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"{\"id\":1}\n{\"id\":2}\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let envelope: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&envelope["code"], &envelope["data"]["counts"]["written"]),
        (&0.into(), &2.into())
    );
}

#[test]
fn what_an_id_says_to_a_terminal_is_shown_and_not_obeyed() {
    let scene = Scene::clinic();
    scene.write("evil.ndjson", "{\"id\":\"\\u001b[2Jx\"}\n");
    scene.run(&["load", "records_v1", "evil.ndjson"]);
    scene.run(&["apply"]);
    for arguments in [
        &["quarantine", "list"][..],
        &["quarantine", "show", "\u{1b}[2Jx"],
        &["trace", "records_v1", "\u{1b}[2Jx"],
        &["query", "records_v1", "--id", "\u{1b}[31mnone"],
        &["query", "records_v1"],
        &["history"],
    ] {
        let ran = scene.run(arguments);
        assert!(
            !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
            "{arguments:?}: {}",
            ran.out
        );
    }
}

#[test]
fn settings_of_the_environment_count_and_wrong_ones_are_reported() {
    let scene = Scene::clinic();
    let with = |name: &str, value: &str, arguments: &[&str]| {
        let output = scene.command(arguments).env(name, value).output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let load = ["load", "records_v1", "readings.ndjson"];
    let (code, told) = with("COUNTERFOIL_BATCH_SIZE", "many", &load);
    assert!(
        code == 2 && told.contains("COUNTERFOIL_BATCH_SIZE"),
        "{code}: {told}"
    );
    let (code, told) = with("COUNTERFOIL_WAIT", "long", &load);
    assert!(code == 2 && told.contains("--wait"), "{code}: {told}");
    let other = scene.path("other.db");
    assert_eq!(with("COUNTERFOIL_STORE", &other.to_string_lossy(), &load).0, 3);
    assert!(other.exists() && !scene.path("counterfoil.db").exists());
    let batches = |store: &str| {
        let status = scene.envelope(&["--store", store, "status"]);
        status["data"]["batches"].as_i64().unwrap()
    };
    scene
        .command(&load)
        .env("COUNTERFOIL_STORE", "small.db")
        .env("COUNTERFOIL_BATCH_SIZE", "1")
        .output()
        .unwrap();
    assert!(batches("small.db") > batches("other.db"));
    let history = scene.envelope(&["--store", "small.db", "history"]);
    assert_eq!(history["data"]["runs"][0]["actor"], "ada");
}

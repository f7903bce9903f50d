//! `history --format openlineage` and `trace --format prov-json`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value as Json;

use super::super::support::world::Scene;
use super::schemas::{OpenLineageSchema, check_prov};

fn clinic() -> Scene {
    let scene = Scene::clinic();
    scene.run(&["load", "records_v1", "readings.ndjson"]);
    scene.run(&["apply"]);
    scene
}

#[test]
fn history_writes_an_event_on_each_line_oldest_first() {
    let scene = clinic();
    let schema = OpenLineageSchema::new();
    let ran = scene.run(&["history", "--format", "openlineage"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let events: Vec<Json> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for event in &events {
        schema.check(event);
    }
    assert_eq!(events[0]["job"]["name"], "init");
    assert_eq!(events.last().unwrap()["job"]["name"], "apply");
    let newest = scene.run(&["history", "--format", "openlineage", "--limit", "1"]);
    assert!(
        ran.out.ends_with(&newest.out) && newest.out.lines().count() == 6,
        "{}",
        newest.out
    );
    assert_eq!(ran.out, scene.run(&["history", "--format", "openlineage"]).out);
    // What was applied is in the ledger: the files may be gone or broken.
    scene.write("0001_exact.toml", "no stage at all");
    assert_eq!(ran.out, scene.run(&["history", "--format", "openlineage"]).out);
}

#[test]
fn trace_writes_a_document_of_the_record() {
    let scene = clinic();
    let ran = scene.run(&["trace", "records_v2", "r1", "--format", "prov-json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let document: Json = serde_json::from_str(&ran.out).unwrap();
    check_prov(&document);
    assert_eq!(document["wasGeneratedBy"].as_object().unwrap().len(), 3);
    let missing = scene.run(&["trace", "records_v2", "r9", "--format", "prov-json"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("ids must match exactly"), "{}", missing.err);
}

#[test]
fn the_envelope_is_around_the_format_text_only() {
    let scene = clinic();
    for arguments in [
        &["history", "--format", "openlineage"][..],
        &["trace", "records_v2", "r1", "--format", "prov-json"],
    ] {
        let envelope = scene.envelope(arguments);
        assert_eq!(envelope["code"], 2);
        assert_eq!(envelope["error"]["code"], format!("{}.json", arguments[0]));
    }
    let plain = scene.envelope(&["history"]);
    assert_eq!(
        plain["data"],
        scene.envelope(&["history", "--format", "text"])["data"]
    );
    assert_eq!(scene.run(&["history", "--format", "xml"]).code, 2);
}

#[test]
fn a_reader_may_stop_reading() {
    let scene = clinic();
    let mut child = scene
        .command(&["history", "--format", "openlineage"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

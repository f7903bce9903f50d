//! Signals: the batch is finished, and the same command goes on.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::super::support::world::Scene;

/// A hundred records, applied one by one and slowly, up to its second batch.
fn applying(scene: &Scene) -> Child {
    let record = |number: u32| format!("{{\"id\":\"r{number}\",\"ward\":\"B2\",\"temp\":\"37.1 C\"}}");
    let records: Vec<String> = (1..=100).map(record).collect();
    scene.write("many.ndjson", records.join("\n"));
    assert_eq!(scene.run(&["load", "records_v1", "many.ndjson"]).code, 0);
    let mut child = scene
        .command(&["-v", "apply", "--to", "1", "--batch-size", "1", "--pause", "50ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.as_mut().unwrap());
    assert!(told.lines().nth(1).is_some_and(|line| line.is_ok()));
    child
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|sent| sent.success()));
}

#[test]
fn ctrl_c_and_sigterm_finish_the_batch_and_the_same_command_goes_on() {
    for name in ["INT", "TERM"] {
        let scene = Scene::clinic();
        let mut child = applying(&scene);
        signal(&child, name);
        let began = Instant::now();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(6), "{name}");
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{name}: {:?}",
            began.elapsed()
        );
        let status = scene.envelope(&["status"]);
        assert_eq!(status["data"]["stages"][0]["state"], "applying");
        let done = scene.envelope(&["apply", "--to", "1"]);
        assert_eq!(
            (&done["code"], &done["data"]["passes"][0]["counts"]["written"]),
            (&0.into(), &100.into())
        );
        assert_eq!(scene.envelope(&["verify"])["code"], 0);
    }
}

#[test]
fn a_load_that_waits_for_its_pipe_can_be_stopped() {
    let scene = Scene::clinic();
    let mut child = scene
        .command(&["load", "records_v1", "-", "--batch-size", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // More than the input's type is guessed from.
    pipe.write_all(format!("{{\"id\":1,\"text\":\"{}\"}}\n", "x".repeat(8192)).as_bytes())
        .unwrap();
    pipe.flush().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    signal(&child, "TERM");
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(6));
    assert!(began.elapsed() < Duration::from_secs(2));
    drop(pipe);
}

#[test]
fn the_time_that_is_given_is_kept() {
    let scene = Scene::clinic();
    let mut child = applying(&scene);
    signal(&child, "INT");
    child.wait().unwrap();
    let stopped = scene.envelope(&[
        "apply",
        "--to",
        "1",
        "--batch-size",
        "1",
        "--pause",
        "50ms",
        "--max-time",
        "100ms",
    ]);
    assert_eq!(
        (&stopped["code"], &stopped["error"]["code"]),
        (&6.into(), &"stopped.time".into())
    );
}

//! Fault 21: signals, and outputs that are closed or full.

use std::fs::{File, OpenOptions};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::comparison::{Compared, Contents};
use crate::support::invariants::assert_sound;
use crate::support::scenario::{Beginning, REDACTED, Template};
use crate::support::world::{Said, Scene, batches_of, wait_for_batches};

/// Sends a signal some times to an apply that has committed a batch, and tells how it ended and after how long.
fn signalled(project: &Scene, signal: Signal, times: u32, pause: &str) -> (Said, Duration) {
    let batches = batches_of(&project.store());
    let child = project.start(&["apply", "--pause", pause]);
    wait_for_batches(&project.store(), batches + 1);
    let begun = Instant::now();
    for _ in 0..times {
        // It may have ended after the one before, but is not waited for yet.
        kill_process(Pid::from_child(&child), signal).expect("it is still known");
        std::thread::sleep(Duration::from_millis(5));
    }
    let said = Said::within(child, Duration::from_secs(30));
    (said, begun.elapsed())
}

#[test]
fn a_signal_finishes_or_undoes_the_batch_and_the_same_command_goes_on() {
    let template = Template::new(Beginning::Loaded);
    let whole = Scene::of_scenario(&template);
    assert_eq!(whole.run(&["apply"]).code, 3);
    let uninterrupted = Contents::of(&whole.store(), Compared::LessRuns);
    for (signal, times, pause) in [
        (Signal::INT, 1, "100ms"),
        (Signal::TERM, 1, "100ms"),
        (Signal::INT, 2, "100ms"),
        (Signal::TERM, 3, "100ms"),
        // A pause is no reason to wait.
        (Signal::INT, 1, "60s"),
    ] {
        let project = Scene::of_scenario(&template);
        let what = format!("{signal:?}, {times} times, pausing {pause}");
        let (said, took) = signalled(&project, signal, times, pause);
        assert_eq!(said.code, 6, "{what}: {said:?}");
        assert!(took < Duration::from_secs(2), "{what}: {took:?}");
        assert_sound(&project.store(), 0, &what);
        assert!(
            batches_of(&project.store()) < batches_of(&whole.store()),
            "{what}"
        );
        assert_eq!(project.run(&["apply"]).code, 3, "{what}");
        assert_sound(&project.store(), 0, &what);
        let contents = Contents::of(&project.store(), Compared::LessRuns);
        // Where it was stopped, it was signed.
        assert_eq!(uninterrupted.difference_unsigned(&contents), None, "{what}");
    }
}

#[test]
fn a_load_that_waits_for_its_input_ends_on_a_signal() {
    let project = Scene::project(&[]);
    let mut child = project
        .command(&["load", "a", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Held open, so that the input does not end.
    let input = child.stdin.take();
    wait_for_batches(&project.store(), 1);
    std::thread::sleep(Duration::from_millis(200));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it still runs");
    let said = Said::within(child, Duration::from_secs(2));
    drop(input);
    assert_eq!(said.code, 6, "{said:?}");
    assert_sound(&project.store(), 0, "a load without input");
}

#[test]
fn an_output_that_nobody_reads_or_that_is_full_is_no_panic_and_changes_nothing_done() {
    let template = Template::new(Beginning::Loaded);
    let full = || {
        OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("this system has it")
    };
    let with = |project: &Scene, arguments: &[&str], out: Stdio, err: Stdio| {
        let mut command = project.command(arguments);
        let mut child = command.stdout(out).stderr(err).spawn().expect("it starts");
        // Closed before anything is written, as by `| head -0`.
        drop(child.stdout.take());
        Said::within(child, Duration::from_secs(30))
    };
    let project = Scene::of_scenario(&template);
    let said = with(&project, &["apply"], Stdio::piped(), Stdio::piped());
    assert_eq!(said.code, 3, "{said:?}");
    for reading in [
        &["export", "a"][..],
        &["query", "b"],
        &["history"],
        &["status", "--json"],
    ] {
        let closed = with(&project, reading, Stdio::piped(), Stdio::piped());
        assert!(matches!(closed.code, 0 | 3), "{reading:?}: {closed:?}");
        assert!(!closed.err.contains("error"), "{reading:?}: {closed:?}");
        let filled = with(&project, reading, full().into(), Stdio::piped());
        assert_eq!(filled.code, 1, "{reading:?}: {filled:?}");
        assert!(
            filled.err.contains("cannot be written"),
            "{reading:?}: {filled:?}"
        );
        let silent = with(&project, reading, full().into(), full().into());
        assert_eq!(silent.code, 1, "{reading:?}");
    }
    let finished = Contents::of(&project.store(), Compared::LessRuns);
    let other = Scene::of_scenario(&template);
    let filled = with(&other, &["apply"], full().into(), full().into());
    assert_eq!(filled.code, 1, "{filled:?}");
    assert_sound(&other.store(), 0, "full outputs");
    let contents = Contents::of(&other.store(), Compared::LessRuns);
    assert_eq!(finished.difference(&contents), None);
}

#[test]
fn what_is_redacted_is_in_no_output() {
    let template = Template::new(Beginning::Loaded);
    let project = Scene::of_scenario(&template);
    // `Said` itself looks for the value in everything below.
    assert_eq!(project.run(&["apply", "--verbose"]).code, 3);
    for arguments in [
        &["quarantine", "list"][..],
        &["quarantine", "list", "--json"],
        &["quarantine", "show", "r37"],
        &["query", "b", "--limit", "1000"],
        &["export", "a"],
        &["export", "b", "--format", "csv"],
        &["trace", "b", "r53"],
        &["trace", "b", "r53", "--json"],
        &["history", "--json"],
        &["rollback", "--yes"],
    ] {
        let said = project.run(arguments);
        assert!(matches!(said.code, 0 | 3), "{arguments:?}: {said:?}");
    }
    let store = File::open(project.store()).expect("a store");
    let bytes = std::io::Read::bytes(std::io::BufReader::new(store));
    let held: Vec<u8> = bytes.collect::<Result<_, _>>().expect("a store is readable");
    let kept = held
        .windows(REDACTED.len())
        .any(|window| window == REDACTED.as_bytes());
    assert!(kept, "the value is in the store, or this test looks for nothing");
}

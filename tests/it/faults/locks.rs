//! Faults 7 and 8: another process holds the store, and eight appliers at once.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::crash::{random, seed};
use crate::support::all_wanted;
use crate::support::child::{Verb, Work};
use crate::support::comparison::{Compared, Contents};
use crate::support::invariants::assert_sound;
use crate::support::scenario::{Beginning, Template};
use crate::support::world::{Said, Scene, batches_of, wait_for_batches};

/// Another program at the store, in a transaction that keeps everybody out.
fn hold(store: &Path) -> Connection {
    let connection = Connection::open(store).expect("a store");
    connection
        .busy_timeout(Duration::from_secs(10))
        .expect("a valid wait");
    connection
        .execute_batch("BEGIN EXCLUSIVE")
        .expect("nobody else holds it");
    connection
}

/// The store of an apply that nobody disturbed.
fn undisturbed(template: &Template) -> Contents {
    let (_folder, store) = template.store();
    Work::new(Verb::Apply, &store).here().expect("it runs");
    Contents::of(&store, Compared::LessRuns)
}

fn assert_finishes(project: &Scene, undisturbed: &Contents) {
    let said = project.run(&["apply"]);
    assert!(matches!(said.code, 0 | 3), "{said:?}");
    assert_sound(&project.store(), 0, "a store that was held");
    let contents = Contents::of(&project.store(), Compared::LessRuns);
    assert_eq!(undisturbed.difference(&contents), None);
}

#[test]
fn a_store_that_another_program_holds_is_exit_7_after_the_wait_and_finishes_later() {
    let template = Template::new(Beginning::Loaded);
    let undisturbed = undisturbed(&template);
    let project = Scene::of_scenario(&template);
    for wait in if all_wanted() {
        &["0", "1", "20"][..]
    } else {
        &["0", "1"]
    } {
        let holder = hold(&project.store());
        let begun = Instant::now();
        let said = project.run(&["apply", "--wait", wait]);
        let waited = begun.elapsed();
        assert_eq!(said.code, 7, "{said:?}");
        assert!(
            said.err.contains("another program is using the store"),
            "{said:?}"
        );
        assert!(said.err.contains("--wait"), "{said:?}");
        let wait = Duration::from_secs(wait.parse().expect("a number"));
        assert!(
            waited >= wait && waited < wait + Duration::from_secs(10),
            "{waited:?}"
        );
        drop(holder);
    }
    assert_finishes(&project, &undisturbed);
}

#[test]
fn a_store_that_is_let_go_in_time_is_waited_for() {
    let template = Template::new(Beginning::Loaded);
    let undisturbed = undisturbed(&template);
    for held_ms in if all_wanted() {
        &[100, 1_000, 10_000, 60_000][..]
    } else {
        &[100, 1_000]
    } {
        let project = Scene::of_scenario(&template);
        let holder = hold(&project.store());
        let started = project.start(&["apply", "--wait", "120"]);
        std::thread::sleep(Duration::from_millis(*held_ms));
        drop(holder);
        let said = Said::within(started, Duration::from_secs(60));
        assert_eq!(said.code, 3, "{said:?}");
        assert_finishes(&project, &undisturbed);
    }
}

#[test]
fn a_program_that_comes_between_two_batches_stops_the_apply_whole_and_resumable() {
    let template = Template::new(Beginning::Loaded);
    let undisturbed = undisturbed(&template);
    // A reader keeps only the commit out, a writer everything.
    for statement in ["BEGIN; SELECT count(*) FROM ledger_batch", "BEGIN EXCLUSIVE"] {
        let project = Scene::of_scenario(&template);
        let begun = batches_of(&project.store());
        // Waiting long enough for the glances of this test, and not for the other program.
        let started = project.start(&["apply", "--pause", "100ms", "--wait", "2"]);
        wait_for_batches(&project.store(), begun + 5);
        let other = Connection::open(project.store()).expect("a store");
        other.busy_timeout(Duration::from_secs(10)).expect("a valid wait");
        other.execute_batch(statement).expect("its turn comes");
        let said = Said::within(started, Duration::from_secs(30));
        assert_eq!(said.code, 7, "{statement}: {said:?}");
        drop(other);
        assert_finishes(&project, &undisturbed);
    }
}

#[test]
fn a_second_apply_learns_who_is_at_work_and_a_killed_one_holds_nothing() {
    let template = Template::new(Beginning::Loaded);
    let undisturbed = undisturbed(&template);
    let project = Scene::of_scenario(&template);
    let begun = batches_of(&project.store());
    let mut first = project.start(&["apply", "--pause", "60s"]);
    wait_for_batches(&project.store(), begun + 1);
    let second = project.run(&["apply", "--wait", "0"]);
    assert_eq!(second.code, 7, "{second:?}");
    assert!(second.err.contains(&format!("pid {}", first.id())), "{second:?}");
    assert!(
        second.err.contains(" on ") && second.err.contains(" since "),
        "{second:?}"
    );
    first.kill().expect("it still runs");
    first.wait().expect("it ends");
    let third = project.run(&["apply", "--wait", "0"]);
    assert_eq!(third.code, 3, "{third:?}");
    assert_finishes(&project, &undisturbed);
}

/// One of several at work, in its own process; what it says goes nowhere.
fn started(verb: Verb, store: &Path, seed: u64) -> Child {
    let mut command = Work::new(verb, store).seeded(seed).command();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a child")
}

#[test]
fn of_eight_appliers_at_once_each_record_is_written_once_whoever_is_killed() {
    let template = Template::new(Beginning::Loaded);
    let undisturbed = undisturbed(&template);
    let mut state = seed("eight appliers");
    for round in 0..if all_wanted() { 200 } else { 3 } {
        let (_folder, store) = template.store();
        let mut appliers: Vec<Child> = (0..8)
            .map(|number| started(Verb::Apply, &store, 100 + number))
            .collect();
        for killed in 0..3 {
            std::thread::sleep(Duration::from_millis(random(&mut state) % 150));
            // One that has ended already was not in the way.
            let _ = appliers[killed * 2].kill();
        }
        for (number, applier) in appliers.iter_mut().enumerate() {
            let status = applier.wait().expect("it ends");
            let killed = number < 6 && number % 2 == 0;
            assert!(
                status.success() || killed,
                "round {round}, applier {number}: {status}"
            );
        }
        assert_sound(&store, 0, &format!("round {round}"));
        let contents = Contents::of(&store, Compared::LessRuns);
        assert_eq!(undisturbed.difference(&contents), None, "round {round}");
    }
}

#[test]
fn of_eight_that_open_a_store_for_the_first_time_one_makes_it() {
    for round in 0..if all_wanted() { 100 } else { 3 } {
        let (_folder, store) = Template::new(Beginning::Nothing).store();
        let open = |number| {
            let mut command = Work::new(Verb::Open, &store).seeded(number).command();
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            command.spawn().expect("a child")
        };
        let openers: Vec<Child> = (0..8).map(open).collect();
        for opener in openers {
            let output = opener.wait_with_output().expect("it ends");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "round {round}: {said}");
        }
        assert_sound(&store, 1, &format!("round {round}"));
        assert_eq!(batches_of(&store), 1, "round {round}");
    }
}

#[test]
fn a_link_to_a_store_has_the_lock_of_the_store_and_a_hard_link_is_not_written_through() {
    let project = Scene::of_scenario(&Template::new(Beginning::Loaded));
    let link = project.path("link.db");
    std::os::unix::fs::symlink(project.store(), &link).expect("a link");
    let child = project.start(&["apply", "--pause", "30ms"]);
    wait_for_batches(&project.store(), 14);
    let link = link.display().to_string();
    let said = project.run(&["--store", &link, "--wait", "0", "rollback", "--yes"]);
    assert_eq!(said.code, 7, "{said:?}");
    assert_eq!(Said::within(child, Duration::from_secs(60)).code, 3);
    let hard = project.path("hard.db");
    std::fs::hard_link(project.store(), &hard).expect("a link");
    let said = project.run(&["--store", &hard.display().to_string(), "rollback", "--yes"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("hard link"), "{said:?}");
    std::fs::remove_file(hard).expect("it is there");
    assert_eq!(
        project
            .run(&["--store", &link, "rollback", "--yes", "--all"])
            .code,
        0
    );
    assert_sound(&project.store(), 0, "a link");
}

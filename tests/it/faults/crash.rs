//! Faults 1, 2 and 3: kill -9 at every operation on the store's files, and at random times.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::all_wanted;
use crate::support::child::{Verb, Work};
use crate::support::comparison::{Compared, Contents};
use crate::support::fault::{self, CHANGES, Fault};
use crate::support::invariants::{Interrupted, assert_invariants, assert_said, assert_sound};
use crate::support::scenario::{Beginning, Template};

const SIGKILL: i32 = 9;

/// Kills the work at the chosen operations, before, amid and after each (on ordinary days one of the three in turn),
/// and holds the invariants.
fn kill_everywhere(beginning: Beginning, compared: Compared, work: &dyn Fn(&Path) -> Work) {
    kill_everywhere_and(beginning, compared, work, &mut |_, _, _| false);
}

/// The same. `otherwise` may follow the kill with other commands, and returns whether nothing else is to be done to the
/// store.
pub(crate) fn kill_everywhere_and(
    beginning: Beginning,
    compared: Compared,
    work: &dyn Fn(&Path) -> Work,
    otherwise: &mut dyn FnMut(&Path, &Output, &str) -> bool,
) {
    kill_at_most(usize::MAX, beginning, compared, work, otherwise);
}

/// The same, on ordinary days at no more than so many of the operations.
pub(crate) fn kill_at_most(
    most: usize,
    beginning: Beginning,
    compared: Compared,
    work: &dyn Fn(&Path) -> Work,
    otherwise: &mut dyn FnMut(&Path, &Output, &str) -> bool,
) {
    if !fault::available("kill_everywhere") {
        return;
    }
    let template = Template::new(beginning);
    let (folder, store) = template.store();
    let (operations, output) = fault::trace(&mut work(&store).command(), folder.path(), CHANGES);
    assert!(output.status.success(), "{output:?}");
    let uninterrupted = Contents::of(&store, compared);
    let (mut struck, mut passed) = (0, 0);
    let mut points = fault::points(&operations);
    if points.len() > most && !all_wanted() {
        points = (0..most)
            .map(|nth| points[nth * (points.len() - 1) / (most - 1)])
            .collect();
    }
    for (turn, at) in points.into_iter().enumerate() {
        let faults = [Fault::kill_at(at), Fault::torn_at(at), Fault::kill_after(at)];
        let chosen = if all_wanted() {
            &faults[..]
        } else {
            &faults[turn % 3..=turn % 3]
        };
        for fault in chosen {
            let (folder, store) = template.store();
            let work = work(&store);
            let output = fault.run(&mut work.command(), folder.path());
            let what = format!("{work:?}, {fault:?} of {}", operations.len());
            // The last operations of a write-ahead log depend on timing, so that a run may end before the chosen one.
            let is_struck = output.status.signal() == Some(SIGKILL);
            assert!(is_struck || output.status.success(), "{what}: {output:?}");
            (struck, passed) = (struck + usize::from(is_struck), passed + usize::from(!is_struck));
            if otherwise(&store, &output, &what) {
                continue;
            }
            let interrupted = Interrupted {
                again: &|| work.again(),
                uninterrupted: &uninterrupted,
                compared,
            };
            assert_invariants(&store, &output, &interrupted, &what);
        }
    }
    assert!(
        passed * 10 <= struck,
        "{passed} of the faults struck nothing, {struck} did"
    );
    println!(
        "killed {struck} times at {} operations, beginning with {beginning:?}",
        operations.len()
    );
}

#[test]
fn an_apply_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::Apply, store);
    kill_everywhere(Beginning::Loaded, Compared::LessRuns, &work);
}

#[test]
fn an_apply_on_a_live_store_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::Apply, store).live();
    kill_everywhere(Beginning::Loaded, Compared::LessRuns, &work);
}

#[test]
fn a_rollback_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::Rollback, store);
    kill_everywhere(Beginning::Applied, Compared::LessRuns, &work);
}

#[test]
fn a_load_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::Load, store);
    kill_everywhere(Beginning::Opened, Compared::LessSalts, &work);
}

#[test]
fn a_first_open_killed_at_any_operation_begins_again() {
    let work = |store: &Path| Work::new(Verb::Open, store);
    kill_everywhere(Beginning::Nothing, Compared::LessRuns, &work);
}

/// Starts a child, kills it after so long if it still runs, and takes what it said.
pub(crate) fn kill_after(command: &mut Command, delay: Duration) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child");
    std::thread::sleep(delay);
    // A child that has ended already is as good as any.
    let _ = child.kill();
    child.wait_with_output().expect("a child ends")
}

/// The next number of a sequence that a seed fixes (splitmix64).
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The seed of a test with chance in it, printed so that a failure can be repeated.
pub(crate) fn seed(test: &str) -> u64 {
    let given = std::env::var("COUNTERFOIL_FAULT_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or(u64::from(std::process::id()));
    println!("{test}: COUNTERFOIL_FAULT_SEED={seed}");
    seed
}

#[test]
fn an_apply_killed_at_random_times_until_it_is_done_equals_an_uninterrupted_one() {
    kill_at_random(
        Beginning::Loaded,
        Verb::Apply,
        if all_wanted() { 1_000 } else { 20 },
    );
}

/// Kills a verb at random times, so often in all, and holds the invariants whenever it comes through.
pub(crate) fn kill_at_random(beginning: Beginning, verb: Verb, wanted: u32) {
    let template = Template::new(beginning);
    let (_folder, store) = template.store();
    let begun = Instant::now();
    let output = Work::new(verb, &store).command().output().expect("a child");
    assert!(output.status.success(), "{output:?}");
    let whole_us = u64::try_from(begun.elapsed().as_micros()).expect("a short time");
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let mut state = seed("random kills");
    let (mut kills, mut finished) = (0, 0);
    while kills < wanted {
        let (_folder, store) = template.store();
        let work = Work::new(verb, &store);
        // One store is killed again and again until a child comes through.
        for attempt in 1.. {
            let delay = Duration::from_micros(random(&mut state) % whole_us);
            let work = work.clone().seeded(attempt * 1_000);
            let output = kill_after(&mut work.command(), delay);
            let what = format!("kill {kills}, attempt {attempt}, after {delay:?}");
            assert_said(&output, &what);
            assert_sound(&store, crate::support::child::acknowledged(&output), &what);
            match output.status.signal() {
                Some(SIGKILL) => kills += 1,
                _ => assert!(output.status.success(), "{what}: {output:?}"),
            }
            if output.status.success() || kills >= wanted {
                let interrupted = Interrupted {
                    again: &|| work.again(),
                    uninterrupted: &uninterrupted,
                    compared: Compared::LessRuns,
                };
                assert_invariants(&store, &output, &interrupted, &what);
                finished += 1;
                break;
            }
        }
    }
    println!("random kills: {kills} kills over {finished} stores");
}

//! Ctrl-C and SIGTERM: the first finishes the batch, the second undoes it, the third ends at once. The command waits at
//! most two seconds for a batch, or for work without batches.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use counterfoil::Stopped;
use counterfoil::observe::StopSignal;

use super::answer::Answer;
use super::delivery::{self, first_to_answer};
use super::exit::Exit;
use super::failure::{Failure, stopped_early, stopped_reading};
use super::render::bold;
use super::screen::{Screen, to_stderr};

/// Folders that nothing is to be left of, however the command ends.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Has a folder removed too where a signal ends the process at once: it may hold a copy of the store.
pub(crate) fn remove_in_any_case(folder: &Path) {
    let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    folders.push(folder.to_owned());
}

/// The commands that commit batch after batch.
const COMMITTING: [&str; 5] = ["apply", "load", "quarantine", "reconcile", "rollback"];

/// Whether what one of them does is done on a copy.
static IS_REHEARSAL: AtomicBool = AtomicBool::new(false);

/// Says that this execution of a command commits nothing.
pub(crate) fn commits_nothing() {
    IS_REHEARSAL.store(true, Ordering::SeqCst);
}

fn commits(command: &str) -> bool {
    COMMITTING.contains(&command) && !IS_REHEARSAL.load(Ordering::SeqCst)
}

/// Ends the process. Whatever is in flight was not acknowledged, and the store survives any end.
fn end(code: u8) -> ! {
    let folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    for folder in folders.iter() {
        // No one is left to report an error to.
        let _ = std::fs::remove_dir_all(folder);
    }
    std::process::exit(code.into())
}

/// Time after the first signal within which the command must answer.
const LONGEST: Duration = Duration::from_millis(1_800);
/// Time after that until the process ends, whether or not the answer is read.
const TO_TELL: Duration = Duration::from_millis(150);

/// Ends a command whose time is over. What is in flight was not acknowledged: the store is as after a kill, which it
/// survives.
fn time_is_over(screen: Screen, command: &'static str) -> ! {
    if first_to_answer() {
        // Nobody may read, so nobody waits for it.
        std::thread::spawn(move || {
            let failure = if commits(command) {
                stopped_early(&Stopped::Asked)
            } else {
                stopped_reading()
            };
            delivery::write(screen, command, Answer::from(failure));
            end(Exit::Stopped.code())
        });
        std::thread::sleep(TO_TELL);
        end(Exit::Stopped.code())
    }
    // The command is done, and its answer is read slowly: it ends on its own, or the answer is incomplete.
    std::thread::sleep(TO_TELL / 2);
    std::thread::spawn(|| {
        let error = bold("error:");
        to_stderr(&format!(
            "{error} the output could not be written in time; the command itself has completed"
        ));
    });
    std::thread::sleep(TO_TELL / 2);
    end(Exit::Failed.code())
}

/// A signal that Ctrl-C and SIGTERM give.
pub(crate) fn stop_signal(screen: Screen, command: &'static str) -> Result<StopSignal, Failure> {
    let stop = StopSignal::default();
    let asked = stop.clone();
    let times = AtomicU8::new(0);
    let handler = move || match times.fetch_add(1, Ordering::SeqCst) {
        0 => {
            asked.ask();
            // Before anything is written: a reader that does not read must not keep the time from running.
            std::thread::spawn(move || {
                std::thread::sleep(LONGEST);
                time_is_over(screen, command);
            });
            screen.say(if commits(command) {
                "stopping after this batch; press Ctrl-C again to undo it"
            } else {
                "stopping"
            });
        }
        1 => {
            asked.ask();
            if commits(command) {
                screen.say("undoing this batch");
            }
        }
        _ if first_to_answer() => end(Exit::Stopped.code()),
        // Its answer is being written.
        _ => end(Exit::Failed.code()),
    };
    handle(handler)?;
    Ok(stop)
}

/// For a command that only reads, and has nothing to finish: the first signal ends it, and it says so.
pub(crate) fn end_on_signal(screen: Screen, command: &'static str) -> Result<(), Failure> {
    handle(move || time_is_over(screen, command))
}

fn handle(handler: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(handler).map_err(|error| {
        Failure::new(
            Exit::Failed,
            "signals",
            format!("cannot install signal handlers: {error}"),
        )
    })
}

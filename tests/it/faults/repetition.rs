//! Fault 22: the same input in other surroundings of the process gives the same store, to the byte of every row.

use std::path::Path;
use std::process::Command;

use crate::support::child::{Verb, Work, under};
use crate::support::comparison::{Compared, Contents};
use crate::support::invariants::assert_sound;

/// What is put around a command.
type Around = Box<dyn Fn(Command) -> Command>;

/// Load, apply and roll back, one process each.
fn run_all(store: &Path, around: &dyn Fn(Command) -> Command) -> Contents {
    // What was signed about a store of that name is of another one.
    let _ = std::fs::remove_file(format!("{}.checkpoints", store.display()));
    for (seed, verb) in (1..).zip([Verb::Load, Verb::Apply, Verb::Rollback]) {
        let work = Work::new(verb, store).seeded(seed);
        let output = around(work.command()).output().expect("a child");
        assert!(output.status.success(), "{output:?}");
    }
    assert_sound(store, 0, "repetition");
    Contents::of(store, Compared::Whole)
}

fn with(mut command: Command, variables: &[(&str, &str)]) -> Command {
    command.envs(variables.iter().copied());
    command
}

#[test]
fn locale_zone_and_timing_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = run_all(&folder.path().join("first.db"), &|command| command);
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let mut others: Vec<(&str, Around)> = vec![
        ("again", Box::new(|command| command)),
        (
            "Turkish, in the Pacific",
            Box::new(|command| {
                let turkish = [
                    ("LANG", "tr_TR.UTF-8"),
                    ("LC_ALL", "tr_TR.UTF-8"),
                    ("TZ", "Pacific/Kiritimati"),
                ];
                with(command, &turkish)
            }),
        ),
        (
            "no locale at all, west",
            Box::new(|command| {
                with(
                    command,
                    &[("LC_ALL", "C"), ("LANG", "C"), ("TZ", "America/St_Johns")],
                )
            }),
        ),
        ("nice", Box::new(|command| under("nice", &["-n", "19"], &command))),
    ];
    if has("taskset") {
        let one = |command: Command| under("taskset", &["-c", "0"], &command);
        others.push(("on one processor", Box::new(one)));
    }
    for (name, around) in &others {
        let contents = run_all(&folder.path().join("other.db"), around);
        assert_eq!(first.difference(&contents), None, "{name}");
        std::fs::remove_file(folder.path().join("other.db")).expect("the store is there");
    }
}

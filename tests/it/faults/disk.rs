//! Faults 5 and 6: a disk that fails, or is full, at every operation and from every operation on.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::all_wanted;
use crate::support::child::{FAILED, Verb, Work};
use crate::support::comparison::{Compared, Contents};
use crate::support::fault::{self, CHANGES, Fault, GROWTH, Operation};
use crate::support::invariants::{Interrupted, assert_invariants};
use crate::support::scenario::{Beginning, Template};

/// Lets the chosen operations of these kinds of an apply fail (on ordinary days by one of the faults in turn), and holds the invariants once the disk works again.
fn fail_everywhere(operations: &'static str, faults: &[fn(u64) -> Fault]) {
    if !fault::available(&format!("a disk that fails at {operations}")) {
        return;
    }
    let template = Template::new(Beginning::Loaded);
    let (folder, store) = template.store();
    let (trace, output) = fault::trace(
        &mut Work::new(Verb::Apply, &store).command(),
        folder.path(),
        operations,
    );
    assert!(output.status.success(), "{output:?}");
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let (mut struck, mut failed) = (0, 0);
    for (turn, at) in fault::points(&trace).into_iter().enumerate() {
        let turn = turn % faults.len();
        let chosen = if all_wanted() {
            faults
        } else {
            &faults[turn..=turn]
        };
        for fault in chosen {
            let fault = fault(at).among(operations);
            let (folder, store) = template.store();
            let work = Work::new(Verb::Apply, &store);
            let output = fault.run(&mut work.command(), folder.path());
            let place = &trace[usize::try_from(at - 1).expect("a trace fits into memory")];
            let what = format!(
                "{fault:?} of {}, {} {}",
                trace.len(),
                place.kind,
                place.path.display()
            );
            assert_fails_cleanly(&output, place, &what);
            let interrupted = Interrupted {
                again: &|| work.again(),
                uninterrupted: &uninterrupted,
                compared: Compared::LessRuns,
            };
            assert_invariants(&store, &output, &interrupted, &what);
            struck += 1;
            failed += usize::from(!output.status.success());
        }
    }
    println!(
        "{operations}: {struck} faults at {} operations, {failed} of them stopped the apply",
        trace.len()
    );
}

/// It stops with an error of its own that says so; only what cannot harm the store may be passed over.
fn assert_fails_cleanly(output: &Output, place: &Operation, what: &str) {
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(FAILED) {
        assert!(
            said.contains("error store.") || said.contains("error io"),
            "{what}: {said}"
        );
        return;
    }
    assert!(output.status.success(), "{what}: {output:?}");
    // After a failed sync nobody knows what the disk holds: the process must not go on.
    let ending = place.path.extension().unwrap_or_default();
    let is_synced = place.kind == "fsync" && (ending == "db" || ending == "db-journal");
    assert!(!is_synced, "{what}: went on after a failed sync: {said}");
}

#[test]
fn an_apply_whose_disk_fails_to_change_a_file_stops_and_resumes() {
    fail_everywhere(CHANGES, &[Fault::eio_at, Fault::eio_from]);
}

#[test]
fn an_apply_whose_disk_fails_to_open_or_read_a_file_stops_and_resumes() {
    fail_everywhere("open,read", &[Fault::eio_at, Fault::eio_from]);
}

#[test]
fn an_apply_on_a_full_disk_stops_and_resumes_once_there_is_room() {
    fail_everywhere(GROWTH, &[Fault::enospc_at, Fault::enospc_from]);
}

/// The command with the largest file it may write, in blocks of a kilobyte; what goes beyond is an error for it, or
/// the signal XFSZ, which ends it.
fn limited(command: &Command, blocks: u64, signal: bool) -> Command {
    let trap = if signal { "" } else { "trap '' XFSZ; " };
    let mut shell = Command::new("bash");
    shell
        .arg("-c")
        .arg(format!(
            "{trap}ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\""
        ))
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

fn kilobytes(store: &Path) -> u64 {
    std::fs::metadata(store).expect("a store").len() / 1_024
}

#[test]
fn an_apply_that_may_write_no_larger_file_stops_and_resumes() {
    let template = Template::new(Beginning::Loaded);
    let (_folder, store) = template.store();
    let before = kilobytes(&store);
    Work::new(Verb::Apply, &store)
        .here()
        .expect("it runs without a limit");
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let growth = kilobytes(&store) - before;
    for (share, signal) in [
        (0, false),
        (1, false),
        (3, false),
        (7, false),
        (1, true),
        (6, true),
    ] {
        let (_folder, store) = template.store();
        let work = Work::new(Verb::Apply, &store);
        let blocks = before + growth * share / 8;
        let output = limited(&work.command(), blocks, signal)
            .output()
            .expect("bash starts");
        let what = format!("at most {blocks} KiB, signal {signal}");
        assert!(!output.status.success(), "{what}: {output:?}");
        let interrupted = Interrupted {
            again: &|| work.again(),
            uninterrupted: &uninterrupted,
            compared: Compared::LessRuns,
        };
        assert_invariants(&store, &output, &interrupted, &what);
    }
}

/// A small file system in memory, unmounted at the end.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where this user may not mount, or the system cannot.
    fn mounted(kilobytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output();
        mount.ok()?.status.success().then_some(Self { folder })
    }

    fn grow(&self, kilobytes: u64) {
        let size = format!("remount,size={kilobytes}k");
        let mount = Command::new("mount")
            .args(["-o", &size])
            .arg(self.folder.path())
            .status();
        assert!(
            mount.expect("mount starts").success(),
            "a disk that is ours can grow"
        );
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

#[test]
fn an_apply_on_a_small_disk_that_fills_up_stops_and_resumes_once_the_disk_is_larger() {
    let template = Template::new(Beginning::Loaded);
    let (_folder, store) = template.store();
    let before = kilobytes(&store);
    Work::new(Verb::Apply, &store)
        .here()
        .expect("it runs where there is room");
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let growth = kilobytes(&store) - before;
    for share in [0, 1, 2, 4, 6] {
        let size = before + 16 + growth * share / 8;
        let Some(disk) = SmallDisk::mounted(size) else {
            eprintln!("SKIPPED: mounting a small file system needs root on Linux");
            return;
        };
        let (_folder, original) = template.store();
        let store = disk.folder.path().join("store.db");
        std::fs::copy(original, &store).expect("the loaded store fits");
        let work = Work::new(Verb::Apply, &store);
        let output = work.command().output().expect("the child starts");
        let what = format!("a disk of {size} KiB");
        assert!(!output.status.success(), "{what}: {output:?}");
        disk.grow(64 * 1024);
        let interrupted = Interrupted {
            again: &|| work.again(),
            uninterrupted: &uninterrupted,
            compared: Compared::LessRuns,
        };
        assert_invariants(&store, &output, &interrupted, &what);
    }
}

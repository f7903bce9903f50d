//! Fault 4: power loss. Every change that a command makes is recorded with its bytes, and from the record the states are
//! rebuilt that a disk may legally be in when the power fails at any moment: what was not waited for is there, is not, or
//! is there in part, sector by sector. The store that is found then must be sound and hold every acknowledged batch, and
//! must not contradict its checkpoints; the same command again must end as without a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};

use crate::faults::crash::{random, seed};
use crate::support::all_wanted;
use crate::support::child::{Verb, Work};
use crate::support::comparison::{Compared, Contents};
use crate::support::fault::{self, Recorded};
use crate::support::invariants::{Interrupted, assert_invariants, assert_sound};
use crate::support::scenario::{Beginning, Template};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// How a disk treats what nobody waited for.
#[derive(Clone, Copy, Debug)]
enum Unsynced {
    /// All of it is there.
    Kept,
    /// None of it is.
    Lost,
    /// Each write is there, in part or not.
    Torn,
}

/// A way in which a state may come about.
#[derive(Clone, Copy, Debug)]
struct Way {
    unsynced: Unsynced,
    /// Whether a removal that nobody waited for is done.
    removals: bool,
    /// Whether waiting for any file makes removals last, as journalling file systems do; else only for the directory.
    orders_names: bool,
}

const WAYS: [Way; 6] = [
    Way {
        unsynced: Unsynced::Kept,
        removals: true,
        orders_names: true,
    },
    Way {
        unsynced: Unsynced::Lost,
        removals: false,
        orders_names: true,
    },
    Way {
        unsynced: Unsynced::Torn,
        removals: true,
        orders_names: true,
    },
    Way {
        unsynced: Unsynced::Torn,
        removals: false,
        orders_names: true,
    },
    Way {
        unsynced: Unsynced::Torn,
        removals: true,
        orders_names: false,
    },
    Way {
        unsynced: Unsynced::Torn,
        removals: false,
        orders_names: false,
    },
];

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A disk on which some changes last and others wait.
struct Disk {
    files: Files,
    waiting: Vec<Recorded>,
    removed: BTreeSet<PathBuf>,
    /// The last batch that was acknowledged.
    acknowledged: i64,
}

impl Disk {
    fn new(files: Files) -> Self {
        Self {
            files,
            waiting: Vec::new(),
            removed: BTreeSet::new(),
            acknowledged: 0,
        }
    }

    /// Takes the next change.
    fn take(&mut self, change: &Recorded, way: Way) {
        match change {
            Recorded::Say(text) => {
                let output = Output {
                    status: ExitStatus::from_raw(0),
                    stdout: text.clone(),
                    stderr: Vec::new(),
                };
                self.acknowledged = self
                    .acknowledged
                    .max(crate::support::child::acknowledged(&output));
            }
            Recorded::Write(path, ..) | Recorded::Truncate(path, _) => {
                // A file of a removed one's name is a new one.
                if self.removed.remove(path) {
                    self.files.remove(path);
                    self.waiting.retain(|change| path_of(change) != Some(path));
                }
                self.waiting.push(change.clone());
            }
            Recorded::Sync(path) => {
                let is_folder = self
                    .files
                    .keys()
                    .chain(self.waiting.iter().filter_map(path_of))
                    .any(|file| file.parent() == Some(path));
                if is_folder || way.orders_names {
                    for removed in std::mem::take(&mut self.removed) {
                        self.files.remove(&removed);
                    }
                }
                let (lasting, waiting) = std::mem::take(&mut self.waiting)
                    .into_iter()
                    .partition(|change| path_of(change) == Some(path));
                self.waiting = waiting;
                let lasting: Vec<Recorded> = lasting;
                lasting
                    .iter()
                    .for_each(|change| apply(&mut self.files, change, None));
            }
            Recorded::Unlink(path) => {
                self.waiting.retain(|change| path_of(change) != Some(path));
                self.removed.insert(path.clone());
            }
            Recorded::Rename(..) => panic!("no file of a store is renamed"),
        }
    }

    /// What is found when the power comes back.
    fn after_the_failure(&self, way: Way, state: &mut u64) -> Files {
        let mut files = self.files.clone();
        if way.removals {
            files.retain(|path, _| !self.removed.contains(path));
        }
        for change in &self.waiting {
            match (way.unsynced, random(state) % 10) {
                (Unsynced::Lost, _) | (Unsynced::Torn, 7..) => {}
                (Unsynced::Kept, _) | (Unsynced::Torn, 0..=3) => apply(&mut files, change, None),
                (Unsynced::Torn, _) => apply(&mut files, change, Some(state)),
            }
        }
        files
    }
}

fn path_of(change: &Recorded) -> Option<&PathBuf> {
    match change {
        Recorded::Write(path, ..) | Recorded::Truncate(path, _) => Some(path),
        _ => None,
    }
}

/// Makes a change; with chance, of a write every other sector only.
fn apply(files: &mut Files, change: &Recorded, mut chance: Option<&mut u64>) {
    match change {
        Recorded::Write(path, offset, bytes) => {
            let file = files.entry(path.clone()).or_default();
            let offset = offset.unwrap_or(file.len());
            if file.len() < offset + bytes.len() {
                file.resize(offset + bytes.len(), 0);
            }
            for (at, sector) in bytes.chunks(SECTOR).enumerate() {
                if chance
                    .as_mut()
                    .is_none_or(|state| random(state).is_multiple_of(2))
                {
                    let begin = offset + at * SECTOR;
                    file[begin..begin + sector.len()].copy_from_slice(sector);
                }
            }
        }
        Recorded::Truncate(path, length) => files.entry(path.clone()).or_default().resize(*length, 0),
        _ => {}
    }
}

/// The files of a folder.
fn files_of(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
        .collect()
}

/// Fails the power at the chosen moments of some work, in every way, and holds the invariants.
fn power_fails_everywhere(beginning: Beginning, compared: Compared, work: &dyn Fn(&Path) -> Work) {
    if !fault::available("power_fails_everywhere") {
        return;
    }
    let template = Template::new(beginning);
    let (folder, store) = template.store();
    let before = files_of(folder.path());
    let (changes, output) = fault::record(&mut work(&store).command(), folder.path());
    assert!(output.status.success(), "{output:?}");
    let uninterrupted = Contents::of(&store, compared);
    let mut chance = seed("power loss");
    // With every point wanted, the torn states of each moment are drawn several times.
    let (every, draws) = if all_wanted() {
        (1, 2)
    } else {
        (changes.len() / 12, 1)
    };
    let (mut states, mut finished) = (0_u64, 0);
    for way in WAYS {
        let mut disk = Disk::new(before.clone());
        for moment in 0..=changes.len() {
            if let Some(change) = moment.checked_sub(1).and_then(|last| changes.get(last)) {
                disk.take(change, way);
            }
            let is_end = moment + 6 >= changes.len();
            if !moment.is_multiple_of(every.max(1)) && !is_end {
                continue;
            }
            let torn = matches!(way.unsynced, Unsynced::Torn);
            for _ in 0..if torn { draws } else { 1 } {
                let what = format!("{way:?}, after change {moment} of {}", changes.len());
                let found = disk.after_the_failure(way, &mut chance);
                let (_state_folder, path) = laid_out(&found, &store);
                states += 1;
                assert_sound(&path, disk.acknowledged, &what);
                // The same command again costs much more than a look.
                if states.is_multiple_of(if all_wanted() { 23 } else { 7 }) {
                    let work = work(&path);
                    let interrupted = Interrupted {
                        again: &|| work.again(),
                        uninterrupted: &uninterrupted,
                        compared,
                    };
                    let output = Output {
                        status: ExitStatus::from_raw(0),
                        stdout: format!("acknowledged {}\n", disk.acknowledged).into_bytes(),
                        stderr: Vec::new(),
                    };
                    assert_invariants(&path, &output, &interrupted, &what);
                    finished += 1;
                }
            }
        }
    }
    println!(
        "power loss: {states} states of {} changes, {finished} gone on with, beginning with {beginning:?}",
        changes.len()
    );
}

/// The files of a state in a folder of its own.
fn laid_out(files: &Files, store: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, bytes) in files {
        let name = path.file_name().expect("a file");
        // The shared memory of a log is made anew.
        if !name.to_string_lossy().ends_with("-shm") {
            std::fs::write(folder.path().join(name), bytes).expect("the folder is ours");
        }
    }
    let path = folder.path().join(store.file_name().expect("a file"));
    (folder, path)
}

#[test]
fn an_apply_survives_a_power_failure_at_any_moment_and_so_do_its_checkpoints() {
    power_fails_everywhere(Beginning::Loaded, Compared::LessRuns, &|store| {
        Work::new(Verb::Apply, store)
    });
}

#[test]
fn an_apply_on_a_live_store_survives_a_power_failure_at_any_moment() {
    power_fails_everywhere(Beginning::Loaded, Compared::LessRuns, &|store| {
        Work::new(Verb::Apply, store).live()
    });
}

#[test]
fn a_rollback_survives_a_power_failure_at_any_moment_and_so_do_its_checkpoints() {
    power_fails_everywhere(Beginning::Applied, Compared::LessRuns, &|store| {
        Work::new(Verb::Rollback, store)
    });
}

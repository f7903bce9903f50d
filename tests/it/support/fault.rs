//! Faults of the disk: kills or fails a command at a chosen operation on a store's files.
//!
//! A shim (`tests/faults/shim.c`), compiled once with `cc` and put before the C library by `LD_PRELOAD`, counts the
//! operations on every file below a folder. [`trace`] lists them for a command that runs through; a [`Fault`] then
//! strikes at one of them. [`points`] chooses which ones the everyday suite tries; `COUNTERFOIL_FAULTS=all` tries all.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::all_wanted;

/// The operations that change a file: what a crash can interrupt.
pub(crate) const CHANGES: &str = "write,fsync,truncate,unlink,rename";

/// The operations that need room on the disk.
pub(crate) const GROWTH: &str = "write,truncate";

/// The most points that the everyday suite tries for one command.
const EVERYDAY_POINTS: usize = 24;

/// One operation on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// `write`, `fsync`, `truncate`, `unlink`, `rename`, `open` or `read`.
    pub(crate) kind: String,
    /// The file.
    pub(crate) path: PathBuf,
}

/// What strikes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    mode: &'static str,
    at: u64,
    operations: &'static str,
}

impl Fault {
    /// SIGKILL just before the `at`th operation, from 1.
    pub(crate) fn kill_at(at: u64) -> Self {
        Self::new("kill", at, CHANGES)
    }

    /// SIGKILL just after the `at`th operation.
    pub(crate) fn kill_after(at: u64) -> Self {
        Self::new("kill_after", at, CHANGES)
    }

    /// Half of the `at`th operation if it writes, then SIGKILL.
    pub(crate) fn torn_at(at: u64) -> Self {
        Self::new("torn", at, CHANGES)
    }

    /// The `at`th operation fails with an input/output error, the later ones work.
    pub(crate) fn eio_at(at: u64) -> Self {
        Self::new("eio", at, CHANGES)
    }

    /// Every operation from the `at`th fails with an input/output error.
    pub(crate) fn eio_from(at: u64) -> Self {
        Self::new("eio_from", at, CHANGES)
    }

    /// The `at`th operation that needs room finds the disk full, the later ones do not.
    pub(crate) fn enospc_at(at: u64) -> Self {
        Self::new("enospc", at, GROWTH)
    }

    /// The disk is full from the `at`th operation that needs room.
    pub(crate) fn enospc_from(at: u64) -> Self {
        Self::new("enospc_from", at, GROWTH)
    }

    /// Counts these operations instead (see the shim for the names).
    pub(crate) fn among(self, operations: &'static str) -> Self {
        Self { operations, ..self }
    }

    /// Runs the command until it ends, with this fault on the files below the folder.
    ///
    /// # Panics
    /// When the command cannot be started, or the shim is not [available].
    pub(crate) fn run(self, command: &mut Command, folder: &Path) -> Output {
        let command = under_shim(command, folder, self.operations);
        command
            .env("FAULT_MODE", self.mode)
            .env("FAULT_AT", self.at.to_string())
            .env_remove("FAULT_TRACE");
        output(command)
    }

    fn new(mode: &'static str, at: u64, operations: &'static str) -> Self {
        Self { mode, at, operations }
    }
}

/// The operations of these kinds that the command makes on the files below the folder, and how it ended.
///
/// # Panics
/// As [`Fault::run`].
pub(crate) fn trace(
    command: &mut Command,
    folder: &Path,
    operations: &'static str,
) -> (Vec<Operation>, Output) {
    static TRACES: AtomicU32 = AtomicU32::new(0);
    let number = TRACES.fetch_add(1, Ordering::Relaxed);
    let file = scratch().join(format!("trace-{}-{number}", std::process::id()));
    let command = under_shim(command, folder, operations);
    command.env("FAULT_MODE", "none").env("FAULT_TRACE", &file);
    let output = output(command);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        // Nothing was counted, so the shim opened no trace.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("the trace {} can be read: {error}", file.display()),
    };
    let _ = fs::remove_file(&file);
    let operation = |line: &str| {
        let (kind, path) = line
            .split_once(' ')
            .expect("a line of the trace is a kind and a path");
        Operation {
            kind: kind.to_owned(),
            path: path.into(),
        }
    };
    (text.lines().map(operation).collect(), output)
}

/// One change of a file that a command made, or something that it said, in the order in which they happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// Bytes at an offset; `None`: at the end.
    Write(PathBuf, Option<usize>, Vec<u8>),
    /// The file has this length from then on.
    Truncate(PathBuf, usize),
    /// A file, or a directory, was waited for.
    Sync(PathBuf),
    Unlink(PathBuf),
    /// From, to.
    Rename(PathBuf, PathBuf),
    /// On standard output.
    Say(Vec<u8>),
}

/// Runs the command and gives every change that it made below the folder, with its bytes.
///
/// # Panics
/// As [`Fault::run`], and when the record cannot be read.
pub(crate) fn record(command: &mut Command, folder: &Path) -> (Vec<Recorded>, Output) {
    static RECORDS: AtomicU32 = AtomicU32::new(0);
    let number = RECORDS.fetch_add(1, Ordering::Relaxed);
    let file = scratch().join(format!("record-{}-{number}", std::process::id()));
    let command = under_shim(command, folder, CHANGES);
    command.env("FAULT_MODE", "none").env("FAULT_RECORD", &file);
    let output = output(command);
    let bytes = fs::read(&file).expect("the record can be read");
    let _ = fs::remove_file(&file);
    let mut rest = &bytes[..];
    let mut recorded = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .expect("a line for each change");
        let line = std::str::from_utf8(&rest[..end]).expect("paths of the tests are text");
        let mut words = line.splitn(4, ' ');
        let (kind, offset, count, path) = (words.next(), words.next(), words.next(), words.next());
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<i64>().ok()).expect("a number");
        let (offset, count) = (number(offset), usize::try_from(number(count)).expect("a length"));
        let path = PathBuf::from(path.expect("a path"));
        let content = rest[end + 1..end + 1 + count].to_vec();
        rest = &rest[end + 1 + count..];
        recorded.push(match kind.expect("a kind") {
            "write" => Recorded::Write(path, usize::try_from(offset).ok(), content),
            "truncate" => Recorded::Truncate(path, usize::try_from(offset).expect("a length")),
            "fsync" => Recorded::Sync(path),
            "unlink" => Recorded::Unlink(path),
            "rename" => Recorded::Rename(String::from_utf8(content).expect("a path").into(), path),
            "say" => Recorded::Say(content),
            other => panic!("the shim records {other}"),
        });
    }
    (recorded, output)
}

/// How many operations that change files the command makes below the folder.
///
/// # Panics
/// When it does not succeed, and as [`Fault::run`].
pub(crate) fn count(command: &mut Command, folder: &Path) -> u64 {
    let (operations, output) = trace(command, folder, CHANGES);
    assert!(
        output.status.success(),
        "the command runs through without a fault: {output:?}"
    );
    operations.len() as u64
}

/// Which operations to strike, from 1: all of them with `COUNTERFOIL_FAULTS=all`; otherwise the first and the last,
/// every one whose kind or file differs from the one before (there the protocol takes a step), thinned out evenly.
pub(crate) fn points(operations: &[Operation]) -> Vec<u64> {
    let all = 1..=operations.len() as u64;
    if all_wanted() {
        return all.collect();
    }
    let is_step = |at: &u64| {
        let index = usize::try_from(*at - 1).expect("a trace fits into memory");
        index == 0 || index + 1 == operations.len() || operations[index] != operations[index - 1]
    };
    let steps: Vec<u64> = all.filter(is_step).collect();
    if steps.len() <= EVERYDAY_POINTS {
        return steps;
    }
    let spread = |nth| steps[nth * (steps.len() - 1) / (EVERYDAY_POINTS - 1)];
    (0..EVERYDAY_POINTS).map(spread).collect()
}

/// Whether faults can be injected here. Says loudly when not; with `COUNTERFOIL_FAULTS=all` that is a failure.
pub(crate) fn available(test: &str) -> bool {
    let Err(reason) = shim() else { return true };
    assert!(
        !all_wanted(),
        "COUNTERFOIL_FAULTS=all, but no faults can be injected: {reason}"
    );
    // Not `eprintln!`: the test harness would hide it for a test that passes.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED {test}: no faults can be injected: {reason}"
    );
    false
}

fn under_shim<'c>(command: &'c mut Command, folder: &Path, operations: &str) -> &'c mut Command {
    let shim = shim()
        .as_ref()
        .expect("the test asked whether faults are available");
    // The shim compares the paths that the kernel knows.
    let folder = folder.canonicalize().expect("the folder of the store exists");
    command
        .env("LD_PRELOAD", shim)
        .env("FAULT_PATH", folder)
        .env("FAULT_OPS", operations)
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the command can be started")
}

fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The compiled shim, or why there is none.
fn shim() -> &'static Result<PathBuf, String> {
    static SHIM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    SHIM.get_or_init(|| {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Err("the shim is written for Linux with glibc".to_owned());
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let shim = scratch().join("fault-shim.so");
        // Several test processes may compile at once; each replaces the file as a whole.
        let made = scratch().join(format!("fault-shim-{}.so", std::process::id()));
        let arguments = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"].map(OsStr::new);
        let compiled = Command::new("cc")
            .args(arguments)
            .args([made.as_os_str(), source.as_os_str(), OsStr::new("-ldl")])
            .output()
            .map_err(|error| format!("`cc` cannot be started: {error}"))?;
        if !compiled.status.success() {
            return Err(format!(
                "`cc` fails: {}",
                String::from_utf8_lossy(&compiled.stderr)
            ));
        }
        fs::rename(&made, &shim).map_err(|error| format!("{}: {error}", shim.display()))?;
        Ok(shim)
    })
}

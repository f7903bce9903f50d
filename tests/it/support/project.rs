//! A project in a folder of its own, and the real command in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::scenario::{COPY, IN_PLACE, PROJECT, Template, signing_key};

/// A folder with `counterfoil.toml` and stage files.
pub(crate) struct ProjectFolder {
    folder: TempDir,
}

impl ProjectFolder {
    /// A project with these stage files.
    pub(crate) fn new(stages: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let settings = format!("name = \"{PROJECT}\"\nstore = \"store.db\"\nbatch_size = 20\n");
        project.write("counterfoil.toml", settings);
        for (name, text) in stages {
            project.write(name, text);
        }
        project
    }

    /// The project of the scenario, with a copy of its store.
    pub(crate) fn of_scenario(template: &Template) -> Self {
        let project = Self::new(&[("0001_copy.toml", COPY), ("0002_note.toml", IN_PLACE)]);
        let (_folder, store) = template.store();
        if store.exists() {
            std::fs::copy(store, project.store()).expect("a store that nobody has open");
        }
        project.write_secret("counterfoil.key", signing_key().to_text());
        project
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("store.db")
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("the folder is writable");
    }

    /// Writes a file that only its owner may read.
    fn write_secret(&self, name: &str, contents: impl AsRef<[u8]>) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(name, contents);
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path(name), owner_only).expect("it is ours");
    }

    /// The command with these arguments, without settings from outside.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERFOIL_") {
                command.env_remove(name);
            }
        }
        command
            .arg("-C")
            .arg(self.folder.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().expect("the command starts"))
    }

    /// Starts the command, with what it says piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the command starts")
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code; a signal has none.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    /// What an output says; it must not be a panic.
    pub(crate) fn of(output: Output) -> Self {
        super::invariants::assert_said(&output, "the command");
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("the command says text"),
            err: String::from_utf8(output.stderr).expect("the command says text"),
        }
    }

    /// Of a started command that ends within so long.
    ///
    /// # Panics
    /// When it does not; then it is killed.
    pub(crate) fn within(mut child: Child, limit: Duration) -> Self {
        let deadline = Instant::now() + limit;
        while child.try_wait().expect("a child can be asked").is_none() {
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("still running after {limit:?}: {:?}", child.wait_with_output());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Self::of(child.wait_with_output().expect("a child ends"))
    }
}

/// Waits until a store has so many batches; a reader's glance, which lets go of its lock at once.
///
/// # Panics
/// When that takes longer than half a minute.
pub(crate) fn wait_for_batches(store: &Path, batches: i64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while batches_of(store) < batches {
        assert!(Instant::now() < deadline, "batch {batches} never comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How many batches a store has, as far as it can be read just now.
pub(crate) fn batches_of(store: &Path) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let count = rusqlite::Connection::open_with_flags(store, flags).and_then(|connection| {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.query_row("SELECT count(*) FROM ledger_batch", [], |row| row.get(0))
    });
    count.unwrap_or(0)
}

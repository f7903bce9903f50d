//! The command's face of the world: a folder with a project, and the command in it, as a person or a script would run it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value as Json;
use tempfile::TempDir;

use super::clinic::{EXACT, READINGS, WARDS};
use crate::support::invariants::assert_said;
use crate::support::scenario::{FILES, PROJECT, Template, signing_key};

/// A project's folder, and the transcript of what was typed in it.
pub(crate) struct Scene {
    root: TempDir,
    folder: PathBuf,
    store: &'static str,
    /// Called from elsewhere, with `-C`, instead of within the folder.
    from_elsewhere: bool,
    transcript: Mutex<String>,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        Self {
            folder: root.path().to_owned(),
            root,
            store: "counterfoil.db",
            from_elsewhere: false,
            transcript: Mutex::default(),
        }
    }

    /// An empty folder of this name, in one of its own.
    pub(crate) fn in_folder(name: &str) -> Self {
        let scene = Self::new();
        let folder = scene.root.path().join(name);
        std::fs::create_dir(&folder).expect("a new folder");
        Self { folder, ..scene }
    }

    /// A project of this name, with these files.
    pub(crate) fn named(name: &str, files: &[(&str, &str)]) -> Self {
        let scene = Self::new();
        scene.write("counterfoil.toml", format!("name = \"{name}\"\n"));
        for (name, text) in files {
            scene.write(name, text);
        }
        scene
    }

    /// The project of the scenario with these stage files, called from elsewhere.
    pub(crate) fn project(stages: &[(&str, &str)]) -> Self {
        let scene = Self {
            store: "store.db",
            from_elsewhere: true,
            ..Self::named(PROJECT, stages)
        };
        let settings = format!("name = \"{PROJECT}\"\nstore = \"store.db\"\nbatch_size = 20\n");
        scene.write("counterfoil.toml", settings);
        scene
    }

    /// The same project, with the command called within its folder.
    pub(crate) fn inside(self) -> Self {
        Self {
            from_elsewhere: false,
            ..self
        }
    }

    /// The project of the scenario, with a copy of its store.
    pub(crate) fn of_scenario(template: &Template) -> Self {
        let scene = Self::project(&FILES);
        let (_folder, store) = template.store();
        if store.exists() {
            std::fs::copy(store, scene.store()).expect("a store that nobody has open");
        }
        scene.write_secret("counterfoil.key", signing_key().to_text());
        scene
    }

    /// The readings of a ward: one stage that copies, one in place that redacts; the third record of five is refused.
    pub(crate) fn clinic() -> Self {
        Self::named(
            "clinic",
            &[
                ("0001_exact.toml", EXACT),
                ("0002_wards.toml", WARDS),
                ("readings.ndjson", READINGS),
            ],
        )
    }

    /// The folder that the project's is in.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.path(self.store)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("the folder is writable");
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write_secret(&self, name: &str, contents: impl AsRef<[u8]>) {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(name, contents);
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(self.path(name), owner_only).expect("it is ours");
    }

    /// The whole folder gets another name.
    pub(crate) fn moves(&mut self, name: &str) {
        let folder = self.root.path().join(name);
        std::fs::rename(&self.folder, &folder).expect("a folder can be renamed");
        self.folder = folder;
    }

    /// The command, with nothing of this machine in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = without_settings(env!("CARGO_BIN_EXE_counterfoil"));
        if self.from_elsewhere {
            command.arg("-C").arg(&self.folder);
        } else {
            command.current_dir(&self.folder);
        }
        command.args(arguments);
        command
    }

    /// Starts the command, with what it says piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the command starts")
    }

    /// Starts the command, with what it reads and says piped.
    pub(crate) fn piped(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts")
    }

    /// Runs the command to its end, unwritten.
    pub(crate) fn quietly(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().expect("the command starts"))
    }

    /// Runs the command to its end, and writes down what it told.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let said = self.quietly(arguments);
        let words = arguments.iter().map(|word| {
            let plain = !word.is_empty() && !word.contains([' ', '\'', '"', '>', '*']);
            if plain {
                (*word).to_owned()
            } else {
                format!("'{word}'")
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        let mut transcript = self.transcript.lock().expect("nobody panics with it");
        let _ = writeln!(transcript, "$ counterfoil {line}");
        *transcript += &said.out;
        for line in said.err.lines() {
            let _ = writeln!(transcript, "! {line}");
        }
        if said.code != 0 {
            let _ = writeln!(transcript, "[exit {}]", said.code);
        }
        transcript.push('\n');
        said
    }

    /// Runs the command, which has to end with this code.
    #[track_caller]
    pub(crate) fn exits(&self, arguments: &[&str], code: i32) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {said:?}");
        said
    }

    /// The same, and the store is sound then.
    #[track_caller]
    pub(crate) fn exits_sound(&self, arguments: &[&str], code: i32) -> Said {
        let said = self.exits(arguments, code);
        if self.store().exists() {
            let verified = self.run(&["verify"]);
            assert_eq!(verified.code, 0, "after {arguments:?}: {verified:?}");
        }
        said
    }

    /// Loads these lines, all of them well-formed, from `in.ndjson`.
    #[track_caller]
    pub(crate) fn load(&self, database: &str, lines: &[impl AsRef<str>], more: &[&str]) -> Said {
        self.load_file(database, "in.ndjson", lines, more)
    }

    /// The same, from a file of this name.
    #[track_caller]
    pub(crate) fn load_file(
        &self,
        database: &str,
        name: &str,
        lines: &[impl AsRef<str>],
        more: &[&str],
    ) -> Said {
        let lines: String = lines.iter().map(|line| line.as_ref().to_owned() + "\n").collect();
        self.write(name, lines);
        let file = if self.from_elsewhere {
            self.path(name).display().to_string()
        } else {
            name.to_owned()
        };
        self.exits(&[&["load", database, &file], more].concat(), 0)
    }

    /// The lines of an export.
    #[track_caller]
    pub(crate) fn rows(&self, database: &str) -> Vec<String> {
        let said = self.exits(&["export", database], 0);
        said.out.lines().map(str::to_owned).collect()
    }

    /// The one envelope that a command prints with `--json`.
    #[track_caller]
    pub(crate) fn envelope(&self, arguments: &[&str]) -> Json {
        let said = self.quietly(&[&["--json"], arguments].concat());
        let envelope = said.envelope();
        assert_eq!(envelope["code"], said.code, "{arguments:?}");
        envelope
    }

    /// What was told, less times, hashes and speeds.
    pub(crate) fn transcript(&self) -> String {
        let folder = self.folder.to_string_lossy();
        let transcript = self.transcript.lock().expect("nobody panics with it");
        let mut text = transcript.replace(folder.as_ref(), "[FOLDER]");
        for (pattern, shown) in REDACTIONS.iter() {
            text = pattern.replace_all(&text, *shown).into_owned();
        }
        let lines = text.lines().map(str::trim_end);
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// A program, with no settings of ours in its environment but who is at work.
pub(crate) fn without_settings(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("COUNTERFOIL_") {
            command.env_remove(name);
        }
    }
    command
        .env("COUNTERFOIL_ACTOR", "ada")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The exit code; -1 where a signal has ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    /// What an output says; it must be text, and no panic.
    pub(crate) fn of(output: Output) -> Self {
        assert_said(&output, "the command");
        for bytes in [&output.stdout, &output.stderr] {
            assert!(
                std::str::from_utf8(bytes).is_ok(),
                "the command says text: {output:?}"
            );
        }
        Self::from(output)
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

    /// The envelope that stands on standard output.
    #[track_caller]
    pub(crate) fn envelope(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not one envelope ({error}): {self:?}"))
    }

    /// What is in the envelope.
    #[track_caller]
    pub(crate) fn data(&self) -> Json {
        self.envelope()["data"].clone()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
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

static REDACTIONS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", "[TIME]"),
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[UUID]",
        ),
        (r"\b(root|from|before|after) [0-9a-f]{12}\b", "$1 [HASH]"),
        (r"(?m)^(( +[\d,]+)+ +)[0-9a-f]{12}$", "$1[HASH]"),
        (r" on \S+, batches", " on [HOST], batches"),
        // The speed stands last in its row, and may be left out where a pass was too short to tell.
        (r"(?m)^(.*  (?:done|stopped|retried) .*?\d)( +[\d,]+)?$", "$1"),
        (r"\broot [0-9a-f]{64}\b", "root [HASH]"),
        (r"(?m)(^|— \w+ )[A-Za-z0-9+/]{43,}=*$", "$1[BASE64]"),
        (r"pid \d+ on \S+ since \S+", "pid [PID] on [HOST] since [TIME]"),
    ]
    .into_iter()
    .map(|(pattern, shown)| (Regex::new(pattern).expect("a pattern"), shown))
    .collect()
});

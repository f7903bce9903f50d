//! The command, run as a person or a script would run it, and what it told written down.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;
use tempfile::TempDir;

/// A folder, and the transcript of what was typed in it.
pub(crate) struct Scene {
    folder: TempDir,
    transcript: String,
}

/// One command that was run.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            transcript: String::new(),
        }
    }

    /// The readings of a ward: one stage that copies, one in place that redacts; the third record of five is refused.
    pub(crate) fn clinic() -> Self {
        let scene = Self::new();
        scene.write("counterfoil.toml", "name = \"clinic\"\n");
        scene.write("0001_exact.toml", EXACT);
        scene.write("0002_wards.toml", WARDS);
        scene.write("readings.ndjson", READINGS);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file in a temporary folder");
    }

    /// The command, with nothing of this machine in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERFOIL_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("COUNTERFOIL_ACTOR", "ada")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command, unwritten.
    pub(crate) fn quietly(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("the command runs");
        Ran::from(output)
    }

    /// Runs the command and writes down what it told.
    pub(crate) fn run(&mut self, arguments: &[&str]) -> Ran {
        let ran = self.quietly(arguments);
        let words = arguments.iter().map(|word| {
            let plain = !word.is_empty() && !word.contains([' ', '\'', '"', '>', '*']);
            if plain {
                (*word).to_owned()
            } else {
                format!("'{word}'")
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        let _ = writeln!(self.transcript, "$ counterfoil {line}");
        self.transcript += &ran.out;
        for line in ran.err.lines() {
            let _ = writeln!(self.transcript, "! {line}");
        }
        if ran.code != 0 {
            let _ = writeln!(self.transcript, "[exit {}]", ran.code);
        }
        self.transcript.push('\n');
        ran
    }

    /// The one envelope that a command prints with `--json`.
    pub(crate) fn envelope(&self, arguments: &[&str]) -> Json {
        let ran = self.quietly(&[&["--json"], arguments].concat());
        let envelope: Json = serde_json::from_str(&ran.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: not one envelope ({error}): {}", ran.out));
        assert_eq!(envelope["code"], ran.code, "{arguments:?}");
        envelope
    }

    /// What was told, less times, hashes and speeds.
    pub(crate) fn transcript(&self) -> String {
        let folder = self.folder.path().to_string_lossy();
        let mut text = self.transcript.replace(folder.as_ref(), "[FOLDER]");
        for (pattern, shown) in REDACTIONS.iter() {
            text = pattern.replace_all(&text, *shown).into_owned();
        }
        let lines = text.lines().map(str::trim_end);
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
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
        (r"(?m)^(.*  (?:done|stopped|tried again) .*?\d)( +[\d,]+)?$", "$1"),
        (r"\broot [0-9a-f]{64}\b", "root [HASH]"),
        (r"(?m)(^|— \w+ )[A-Za-z0-9+/]{43,}=*$", "$1[BASE64]"),
        (r"pid \d+ on \S+ since \S+", "pid [PID] on [HOST] since [TIME]"),
    ]
    .into_iter()
    .map(|(pattern, shown)| (Regex::new(pattern).expect("a pattern"), shown))
    .collect()
});

const EXACT: &str = r#"
[stage]
description = "Exact temperatures"
source = "records_v1"
target = "records_v2"
rounding = "half-even"
max_errors = "50%"
redact = ["patient"]

[[op]]
op = "decimal"
path = "temp"
strip = " C"
places = 1
emit = "number"

[[op]]
op = "rename"
from = "temp"
to = "celsius"

[[contract.rule]]
name = "alive"
expect = "= doc.celsius > 25 && doc.celsius < 45"

[[example]]
name = "half a tenth goes to the even neighbour"
input = '{"id": "r2", "temp": "38.95 C"}'
output = '{"id": "r2", "celsius": 39.0}'
"#;

const WARDS: &str = r#"
[stage]
description = "Wards by their new names"
source = "records_v2"

[[op]]
op = "map"
path = "ward"
values = { B2 = "north", C1 = "south" }

[[example]]
name = "the old ward B2 is north"
input = '{"id": "r1", "ward": "B2"}'
output = '{"id": "r1", "ward": "north"}'
"#;

const READINGS: &str = r#"{"id": "r1", "patient": "Lovelace", "ward": "B2", "temp": "37.1 C", "weight": 6.00}
{"id": "r2", "patient": "Hopper", "ward": "B2", "temp": "38.95 C", "weight": 71.5}
{"id": "r3", "patient": "Hamilton", "ward": "C1", "temp": "n/a", "weight": 64}
{"id": "r4", "patient": "Lamarr", "ward": "C1", "temp": "36.6 C", "weight": 58}
{"id": "r5", "ward": "C1", "temp":
"#;

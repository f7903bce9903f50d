//! Narrates a demo whose every step runs this program again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::{Value as Json, json};

use super::shipped::View;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::{bold, dim, shown, word, yellow};
use crate::cli::screen::Screen;

/// Number of committed batches after which the process is killed.
const BATCHES_BEFORE_THE_KILL: usize = 3;

/// Narrates a demo, step by step; for programs it collects the envelopes of the steps instead.
pub(super) struct Teller {
    screen: Screen,
    folder: PathBuf,
    steps: Vec<Json>,
}

impl Teller {
    pub(super) fn new(screen: Screen, folder: PathBuf) -> Self {
        Self {
            screen,
            folder,
            steps: Vec::new(),
        }
    }

    /// Writes a paragraph.
    pub(super) fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.screen.json {
            return Ok(());
        }
        let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
        write!(out, "\n{text}\n")
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }

    /// Runs commands that must succeed, each after its paragraph.
    pub(super) fn show(&mut self, views: &[View]) -> Result<(), Failure> {
        for view in views {
            self.tell(view.text)?;
            self.step(view.arguments)?;
        }
        Ok(())
    }

    /// Runs a command, which must succeed.
    pub(super) fn step(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        self.expect(Exit::Done, arguments)
    }

    /// Runs a command that must end with the expected exit code; the demo does not continue after any other.
    pub(super) fn expect(&mut self, expected: Exit, arguments: &[&str]) -> Result<(), Failure> {
        self.prompt(arguments)?;
        let mut command = self.command(arguments)?;
        let status = if self.screen.json {
            let output = command
                .args(["--json", "--quiet"])
                .stderr(Stdio::inherit())
                .output()
                .map_err(|error| not_started(&error))?;
            let envelope: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
            self.steps
                .push(json!({ "arguments": arguments, "answer": envelope }));
            output.status
        } else {
            command.status().map_err(|error| not_started(&error))?
        };
        if status.code() == Some(i32::from(expected.code())) {
            return Ok(());
        }
        Err(ended(arguments, status))
    }

    /// Runs a command that reports its batches, and kills it after a few, without any chance to clean up.
    pub(super) fn killed(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        self.prompt(arguments)?;
        let mut child = self
            .command(arguments)?
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(&error))?;
        let lines = child
            .stderr
            .take()
            .map(|stderr| BufReader::new(stderr).lines())
            .into_iter()
            .flatten();
        let mut batches = 0;
        for line in lines.map_while(Result::ok) {
            if !line.starts_with("batch ") {
                continue;
            }
            if !self.screen.json {
                self.screen.say(&dim(&shown(&line)));
            }
            batches += 1;
            if batches == BATCHES_BEFORE_THE_KILL {
                child.kill().map_err(|error| not_started(&error))?;
                break;
            }
        }
        let status = child.wait().map_err(|error| not_started(&error))?;
        let finished = [Exit::Done, Exit::Refused].map(|exit| i32::from(exit.code()));
        if status.code().is_some_and(|code| !finished.contains(&code)) {
            return Err(ended(arguments, status));
        }
        self.tell(&format!("{} {}", yellow("killed:"), how(status)))?;
        self.steps
            .push(json!({ "arguments": arguments, "killed_after_batches": batches }));
        Ok(())
    }

    pub(super) fn into_steps(self) -> Vec<Json> {
        self.steps
    }

    fn prompt(&self, arguments: &[&str]) -> Result<(), Failure> {
        let line = format!("$ counterfoil -C {} {}", self.folder.display(), typed(arguments));
        self.tell(&bold(&shown(&line)))
    }

    /// Returns this program as a command on the copied project, ignoring other stores in the environment.
    fn command(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let program = std::env::current_exe().map_err(|error| not_started(&error))?;
        let mut command = Command::new(program);
        let settings = std::env::vars_os().map(|(name, _)| name);
        for name in settings.filter(|name| name.to_string_lossy().starts_with("COUNTERFOIL_")) {
            command.env_remove(name);
        }
        command.arg("-C").arg(&self.folder).args(arguments);
        Ok(command)
    }
}

fn how(status: ExitStatus) -> String {
    if status.code().is_some() {
        "it finished before it could be killed".to_owned()
    } else {
        format!("{status}; no cleanup ran")
    }
}

/// Failure for a step with an unexpected end. The demo ends with the step's exit code; if the step succeeded, the demo
/// fails.
fn ended(arguments: &[&str], status: ExitStatus) -> Failure {
    let exit = status
        .code()
        .and_then(Exit::from_code)
        .filter(|exit| *exit != Exit::Done);
    let message = format!(
        "`{}` ended with {status}, which the demo did not expect",
        typed(arguments)
    );
    Failure::new(exit.unwrap_or(Exit::Failed), "demo.step", message)
        .hint("see its message above; the project is kept as it is")
}

/// Formats arguments as a person would type them.
fn typed(arguments: &[&str]) -> String {
    let words = arguments.iter().map(|argument| word(argument));
    words.collect::<Vec<_>>().join(" ")
}

fn not_started(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "demo.step",
        format!("a step of the demo could not be run: {error}"),
    )
}

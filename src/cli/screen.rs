//! Telling: results to stdout, everything else to stderr; or, for programs, one envelope to stdout.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use counterfoil::shown::styled;
use serde_json::json;

use super::answer::{Answer, Exit};
use super::arguments::Global;
use super::failure::Failure;
use super::render::{bold, cyan, dim, shown_json, shown_lines, yellow};
use super::signals::first_to_answer;

/// Where and how a command tells what it has to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// One envelope instead of words.
    pub(crate) json: bool,
    /// Errors only.
    pub(crate) quiet: bool,
    /// Every batch too.
    pub(crate) verbose: bool,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    pub(crate) fn plain(json: bool) -> Self {
        Self {
            json,
            quiet: false,
            verbose: false,
        }
    }

    /// A line for people, on stderr. Nobody listening is no error.
    pub(crate) fn say(self, line: &str) {
        if !self.quiet {
            to_stderr(line);
        }
    }

    /// Whether a person can be asked something.
    pub(crate) fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Tells the answer and gives the exit code.
    pub(crate) fn deliver(self, command: &str, answer: Answer) -> Exit {
        if !first_to_answer() {
            // The time after a signal is over, and the process about to end.
            std::thread::sleep(Duration::from_secs(5));
        }
        self.write(command, answer)
    }

    /// As [`deliver`](Self::deliver), for whoever has the turn.
    pub(crate) fn write(self, command: &str, mut answer: Answer) -> Exit {
        if answer.failure.as_ref().is_some_and(Failure::is_closed_output) {
            return Exit::Done;
        }
        let told = if self.json {
            enveloped(command, &mut answer)
        } else {
            self.tell(&answer)
        };
        match told {
            // Whoever reads has seen enough; what was done is done.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => answer.exit,
            Err(error) => {
                let message = format!(
                    "{} the output cannot be written: {error}; what the command did is done",
                    bold("error:")
                );
                to_stderr(&message);
                Exit::Failed
            }
            Ok(()) => answer.exit,
        }
    }

    fn tell(self, answer: &Answer) -> io::Result<()> {
        to_stdout(&answer.text)?;
        for warning in &answer.warnings {
            self.say(&format!("{} {}", yellow("warning:"), shown_lines(warning)));
        }
        if let Some(failure) = &answer.failure {
            to_stderr(&failure.rendered());
        }
        for hint in &answer.hints {
            self.say(&format!("{} {}", cyan("next:"), dim(&shown_lines(hint))));
        }
        Ok(())
    }
}

/// Stands for the list of an answer until it is written.
const LIST: &str = "\u{1}list\u{1}";

/// The envelope to stdout, with the list where there is one.
fn enveloped(command: &str, answer: &mut Answer) -> io::Result<()> {
    let Some((name, mut list)) = answer.list.take() else {
        return to_stdout(&envelope(command, answer));
    };
    let place = name
        .split('/')
        .fold(&mut answer.data, |data, name| &mut data[name]);
    *place = json!(LIST);
    let envelope = envelope(command, answer);
    let stands = json!(LIST).to_string();
    let (before, behind) = envelope.split_once(&stands).unwrap_or((&envelope, ""));
    let mut out = io::BufWriter::new(io::stdout().lock());
    out.write_all(before.as_bytes())?;
    list.write(&mut out)?;
    out.write_all(behind.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

fn envelope(command: &str, answer: &Answer) -> String {
    let hints = (!answer.hints.is_empty()).then_some(&answer.hints);
    let mut envelope = json!({
        "ok": answer.exit.is_ok(),
        "command": command,
        "code": answer.exit.code(),
        "data": answer.data,
        "error": answer.failure.as_ref().map(Failure::json),
        "warnings": answer.warnings,
    });
    if let (Some(hints), Some(fields)) = (hints, envelope.as_object_mut()) {
        fields.insert("next".to_owned(), json!(hints));
    }
    shown_json(&envelope.to_string()).into_owned()
}

/// A text to stdout, its colours kept only where a terminal shows them; it ends with a line end.
pub(crate) fn to_stdout(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = anstream::AutoStream::auto(io::stdout().lock());
    // Whatever a command forgot to make safe.
    out.write_all(styled(text).as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// A line to stderr. That nobody reads it changes nothing about what was done.
pub(crate) fn to_stderr(line: &str) {
    let mut out = anstream::AutoStream::auto(io::stderr().lock());
    let end = if line.ends_with('\n') { "" } else { "\n" };
    let _ = write!(out, "{}{end}", styled(line)).and_then(|()| out.flush());
}

//! Delivers an answer: results to stdout, everything else to stderr; or, for programs, one envelope to stdout.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, NamedList};
use super::exit::Exit;
use super::failure::Failure;
use super::render::{bold, cyan, dim, shown_json, shown_lines, yellow};
use super::screen::{Screen, to_stderr, to_stdout};

/// Whether the command has been answered: it is answered once, by itself or by the time limit, whichever comes first.
static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Claims the right to answer; returns `false` if it is already claimed.
pub(crate) fn first_to_answer() -> bool {
    !ANSWERED.swap(true, Ordering::SeqCst)
}

/// Writes the answer and returns the exit code.
pub(crate) fn deliver(screen: Screen, command: &str, answer: Answer) -> Exit {
    if !first_to_answer() {
        // The time after a signal is over, and the process about to end.
        std::thread::sleep(Duration::from_secs(5));
    }
    write(screen, command, answer)
}

/// As [`deliver`], for the caller that has claimed the right to answer.
pub(crate) fn write(screen: Screen, command: &str, mut answer: Answer) -> Exit {
    if answer.failure.as_ref().is_some_and(Failure::is_closed_output) {
        return Exit::Done;
    }
    let told = if screen.json {
        enveloped(command, &mut answer)
    } else {
        tell(screen, &answer)
    };
    match told {
        // The reader has closed the output; the work itself is done.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => answer.exit,
        Err(error) => {
            let message = format!(
                "{} the output cannot be written: {error}; the command itself has completed",
                bold("error:")
            );
            to_stderr(&message);
            Exit::Failed
        }
        Ok(()) => answer.exit,
    }
}

fn tell(screen: Screen, answer: &Answer) -> io::Result<()> {
    to_stdout(&answer.text)?;
    for warning in &answer.warnings {
        screen.say(&format!("{} {}", yellow("warning:"), shown_lines(warning)));
    }
    if let Some(failure) = &answer.failure {
        to_stderr(&failure.rendered());
    }
    for hint in &answer.hints {
        screen.say(&format!("{} {}", cyan("next:"), dim(&shown_lines(hint))));
    }
    Ok(())
}

/// Placeholder for the list of an answer until it is written.
const LIST: &str = "\u{1}list\u{1}";

/// The envelope to stdout, with the list where there is one.
fn enveloped(command: &str, answer: &mut Answer) -> io::Result<()> {
    let Some(NamedList { name, mut list }) = answer.list.take() else {
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

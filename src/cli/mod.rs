//! The command: its arguments, its execution, its output. Only this layer prints, and only it reads the environment.

#![expect(
    clippy::format_push_string,
    reason = "texts for people are short; `write!` would add results that cannot fail"
)]

mod absent;
mod advice;
mod aggregated;
mod alike;
mod answer;
mod arguments;
mod command;
mod compared;
mod completing;
mod delivery;
mod environment;
mod exit;
mod failure;
mod files;
mod global;
mod how_to_apply;
mod limits;
mod listed;
#[cfg(test)]
mod manual;
mod masking;
mod matching;
mod merged;
mod missing;
mod outcome;
mod places;
mod progress;
mod reconciled;
mod refusals;
mod render;
mod screen;
mod session;
mod shown_ids;
mod signals;
mod store_file;
mod unfinished;
mod validation;
mod values;
mod words;

use std::cell::RefCell;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use answer::Answer;
use arguments::Cli;
use exit::Exit;
use failure::Failure;
use screen::Screen;
use session::Session;

/// Parses and executes the command, writes the answer, and returns the exit code.
pub(crate) fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(&cli, &arguments),
        Err(error) => usage_error(&error, &arguments),
    };
    ExitCode::from(exit.code())
}

fn run(cli: &Cli, arguments: &[OsString]) -> Exit {
    let screen = Screen::new(&cli.global);
    let warnings = RefCell::default();
    let session = Session::new(&cli.global, screen, arguments, &warnings);
    let listening = if cli.command.ends_at_once() {
        signals::end_on_signal(screen, cli.command.name())
    } else {
        Ok(())
    };
    let answer = listening.and_then(|()| cli.command.run(&session));
    let mut answer = answer.unwrap_or_else(Answer::from);
    answer.warnings.splice(0..0, warnings.take());
    for text in answer.advice() {
        *text = session.completed(text);
    }
    delivery::deliver(screen, cli.command.name(), answer)
}

/// Help and the version are answers too; everything else is a mistake of usage.
fn usage_error(error: &clap::Error, arguments: &[OsString]) -> Exit {
    use clap::error::ErrorKind;
    let options = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    let screen = Screen::plain(options.into_iter().any(|argument| argument == "--json"));
    let rendered = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let data = serde_json::json!({ "text": rendered.to_string() });
        return delivery::deliver(screen, "help", Answer::new(data, rendered.ansi().to_string()));
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !screen.json {
        screen::to_stderr(&rendered.ansi().to_string());
        return Exit::Usage;
    }
    let failure = Failure::usage_of_clap(error);
    delivery::deliver(screen, "", Answer::from(failure))
}

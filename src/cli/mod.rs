//! The command: what is asked for, who does it, how it is told. Only this layer prints, and only it reads the
//! environment.

#![expect(
    clippy::format_push_string,
    reason = "texts for people are short; `write!` would add results that cannot fail"
)]

mod alike;
mod answer;
mod apply;
mod arguments;
mod backup;
mod check;
mod checkpoint;
mod delete;
mod demo;
mod export;
mod failure;
mod history;
mod init;
mod load;
#[cfg(test)]
mod manual;
mod masking;
mod mending;
mod missing;
mod new;
mod outcome;
mod page_file;
mod places;
mod plan;
mod profile;
mod progress;
mod prove;
mod quarantine;
mod query;
mod reconcile;
mod render;
mod report;
mod rollback;
mod schema;
mod screen;
mod session;
mod shown_ids;
mod signals;
mod status;
mod store_file;
mod test;
mod trace;
mod unfinished;
mod validate;
mod values;
mod verify;
mod verify_proof;

use std::cell::RefCell;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use answer::{Answer, Exit};
use arguments::{Cli, Command};
use failure::Failure;
use screen::Screen;
use session::Session;

/// The commands that only read, and of which nothing is left wherever they end.
const ENDING_AT_ONCE: [&str; 7] = [
    "status",
    "history",
    "trace",
    "query",
    "prove",
    "quarantine list",
    "quarantine show",
];

/// Parses, carries out, tells, and gives the exit code.
pub(crate) fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let exit = match Cli::try_parse_from(&arguments) {
        Ok(cli) => carry_out(&cli, &arguments),
        Err(error) => not_carried_out(&error, &arguments),
    };
    ExitCode::from(exit.code())
}

fn carry_out(cli: &Cli, arguments: &[OsString]) -> Exit {
    let screen = Screen::new(&cli.global);
    let warnings = RefCell::default();
    let session = Session::new(&cli.global, &screen, arguments, &warnings);
    let listening = match cli.command.name() {
        name if ENDING_AT_ONCE.contains(&name) => signals::end_on_signal(screen, name),
        _ => Ok(()),
    };
    let answer = listening.and_then(|()| dispatch(&cli.command, &session));
    let mut answer = answer.unwrap_or_else(Answer::from);
    answer.warnings.splice(0..0, warnings.take());
    answer.complete(&session);
    screen.deliver(cli.command.name(), answer)
}

fn dispatch(command: &Command, session: &Session<'_>) -> Result<Answer, Failure> {
    match command {
        Command::Init(init) => init.run(session),
        Command::New(new) => new.run(session),
        Command::Check(check) => check.run(session),
        Command::Test(test) => test.run(session),
        Command::Load(load) => load.run(session),
        Command::Profile(profile) => profile.run(session),
        Command::Validate(validate) => validate.run(session),
        Command::Status(status) => status.run(session),
        Command::Plan(plan) => plan.run(session),
        Command::Apply(apply) => apply.run(session),
        Command::Quarantine(quarantine) => quarantine.run(session),
        Command::Query(query) => query.run(session),
        Command::Export(export) => export.run(session),
        Command::Delete(delete) => delete.run(session),
        Command::History(history) => history.run(session),
        Command::Trace(trace) => trace.run(session),
        Command::Verify(verify) => verify.run(session),
        Command::Reconcile(reconcile) => reconcile.run(session),
        Command::Report(report) => report.run(session),
        Command::Checkpoint(checkpoint) => checkpoint.run(session),
        Command::Backup(backup) => backup.run(session),
        Command::Restore(restore) => restore.run(session),
        Command::Prove(prove) => prove.run(session),
        Command::VerifyProof(verify) => verify.run(session),
        Command::Rollback(rollback) => rollback.run(session),
        Command::Schema(schema) => schema.run(),
        Command::Demo(demo) => demo.run(session),
    }
}

/// Help and the version are answers too; everything else is a mistake of usage.
fn not_carried_out(error: &clap::Error, arguments: &[OsString]) -> Exit {
    use clap::error::ErrorKind;
    let options = arguments.iter().skip(1).take_while(|argument| *argument != "--");
    let screen = Screen::plain(options.into_iter().any(|argument| argument == "--json"));
    let rendered = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let data = serde_json::json!({ "text": rendered.to_string() });
        return screen.deliver("help", Answer::new(data, rendered.ansi().to_string()));
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !screen.json {
        screen::to_stderr(&rendered.ansi().to_string());
        return Exit::Usage;
    }
    let failure = Failure::usage_of_clap(error);
    screen.deliver("", Answer::from(failure))
}

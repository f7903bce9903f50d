//! `review`: the pairs of a merge that wait for a person.

mod calibrate;
mod choice;
mod decide;
mod handed_out;
mod import;
mod list;
mod note;
mod sample;
mod show;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use calibrate::Calibrate;
use decide::{Accept, Reject};
use import::Import;
use list::List;
use note::Note;
use sample::Sample;
use show::Show;

/// List, compare and decide the pairs of a merge that wait for a person.
///
/// A decision is an entry of the ledger. The next `apply` merges what was accepted and keeps apart what was rejected, and
/// so does every later one; `rollback --run N` takes a decision back.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct Review {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Show(Show),
    Accept(Accept),
    Reject(Reject),
    Note(Note),
    Import(Import),
    Sample(Sample),
    Calibrate(Calibrate),
}

impl Review {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::List(_) => "review list",
            Action::Show(_) => "review show",
            Action::Accept(_) => "review accept",
            Action::Reject(_) => "review reject",
            Action::Note(_) => "review note",
            Action::Import(_) => "review import",
            Action::Sample(_) => "review sample",
            Action::Calibrate(_) => "review calibrate",
        }
    }

    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        match &self.action {
            Action::List(list) => list.run(session),
            Action::Show(show) => show.run(session),
            Action::Accept(accept) => accept.run(session),
            Action::Reject(reject) => reject.run(session),
            Action::Note(note) => note.run(session),
            Action::Import(import) => import.run(session),
            Action::Sample(sample) => sample.run(session),
            Action::Calibrate(calibrate) => calibrate.run(session),
        }
    }
}

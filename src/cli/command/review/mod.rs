//! `review`: the pairs of a merge that wait for a person.

mod choice;
mod decide;
mod handed_out;
mod import;
mod list;
mod note;
mod show;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use decide::{Accept, Reject};
use import::Import;
use list::List;
use note::Note;
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
        }
    }
}

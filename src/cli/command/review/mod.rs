//! `review`: the pairs of a merge that wait for a person.

mod choice;
mod decide;
mod list;
mod note;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use decide::{Accept, Reject};
use list::List;
use note::Note;

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
    Accept(Accept),
    Reject(Reject),
    Note(Note),
}

impl Review {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::List(_) => "review list",
            Action::Accept(_) => "review accept",
            Action::Reject(_) => "review reject",
            Action::Note(_) => "review note",
        }
    }

    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        match &self.action {
            Action::List(list) => list.run(session),
            Action::Accept(accept) => accept.run(session),
            Action::Reject(reject) => reject.run(session),
            Action::Note(note) => note.run(session),
        }
    }
}

//! `quarantine`: the refused records.

mod choice;
mod list;
mod lookup;
mod mending;
mod render;
mod retry;
mod show;
mod waive;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use list::List;
use retry::Retry;
use show::Show;
use waive::Waive;

/// List, show, retry or waive refused records.
///
/// No refused record is lost: the ledger keeps the reason and the input until the record passes or is waived.
#[derive(clap::Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(List),
    Show(Show),
    Retry(Retry),
    Waive(Waive),
}

impl Quarantine {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::List(_) => "quarantine list",
            Action::Show(_) => "quarantine show",
            Action::Retry(_) => "quarantine retry",
            Action::Waive(_) => "quarantine waive",
        }
    }

    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        match &self.action {
            Action::List(list) => list.run(session),
            Action::Show(show) => show.run(session),
            Action::Retry(retry) => retry.run(session),
            Action::Waive(waive) => waive.run(session),
        }
    }
}

//! `quarantine waive`: waives refused records.

use counterfoil::quarantine::waive;
use serde_json::json;

use super::choice::Choice;
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::render::counted;
use crate::cli::session::Session;

/// Waive refused records: they leave quarantine, and the ledger records who waived them and why.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  counterfoil quarantine waive --code json.syntax --reason \"trailer lines\""
)]
pub(super) struct Waive {
    #[command(flatten)]
    choice: Choice,
    /// Waive everything in quarantine.
    #[arg(long)]
    all: bool,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Waive {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.choice.is_everything() && !self.all {
            return Err(Failure::usage(
                "quarantine.all",
                "this would waive everything in quarantine",
                "select records with --stage, --code, --id or --record, or give --all",
            ));
        }
        let project = session.settings()?.name;
        let mut store = session.open()?;
        self.choice.exists(session, &store, &project)?;
        let run_info = session.run_info("quarantine waive", Some(&self.reason), &self.choice.ids());
        let selected = self.choice.found(&store, &project)?;
        let waived = waive(&mut store, &project, &selected, &run_info)?;
        let text = format!("Waived {}.\n", counted(waived, "record"));
        Ok(Answer::new(json!({ "waived": waived }), text))
    }
}

//! `review note`: a remark about a pair.

use counterfoil::review::{Decision, PairName};

use super::choice::pair;
use super::decide::{DecidingArguments, decision, named, run};
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::values::stage_number;

/// Note something about a pair, for example whom you have asked; the pair still waits.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review note 4+9 \"asked ward 3\"")]
pub(super) struct Note {
    /// The pair, as `review list` names it.
    #[arg(value_name = "PAIR", value_parser = pair)]
    pair: PairName,
    /// What to note. It is kept in the ledger as it is.
    #[arg(value_name = "TEXT")]
    text: String,
    /// Stage that merges; needed only if several do.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
}

impl Note {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let decisions = [decision(&self.pair, Decision::Note, Some(self.text.clone()))];
        let arguments = DecidingArguments {
            stage: self.stage,
            reason: None,
        };
        run(session, "review note", &arguments, &decisions, &named)
    }
}

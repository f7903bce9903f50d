//! `checkpoint`: signs the current state of the ledger.

use counterfoil::checkpoint::{SignedCheckpoint, accept_renamed, accept_restored, checkpoint};
use counterfoil::environment::SystemRandomness;
use counterfoil::project::Project;

use crate::cli::answer::{Answer, json};
use crate::cli::failure::Failure;
use crate::cli::render::{bold, count, shown};
use crate::cli::session::Session;
use crate::cli::values::stage_number;
use crate::cli::words::hashed_under;

/// Sign the ledger's size and root, and keep the signed checkpoint in the store and beside it.
///
/// If there is a key, every run does this at its end. When Counterfoil opens a store, it compares the store
/// with its checkpoints, and so detects one that was truncated, rewritten, or replaced by an older copy. Keep
/// `<store>.checkpoints`, or the output of this command, where nobody can change it.
#[derive(clap::Args, Debug)]
#[command(
    name = "checkpoint",
    after_help = "Examples:\n  counterfoil checkpoint\n  counterfoil checkpoint --accept-restore --reason \"restored from last night's copy\"\n  counterfoil checkpoint --accept-renamed --reason \"the file of stage 1 was renamed in May\""
)]
pub(crate) struct CheckpointCommand {
    /// Create the project's key pair first: counterfoil.key, which signs, and counterfoil.pub, which
    /// verifies.
    #[arg(long)]
    new_key: bool,
    /// Accept a store that was restored from a copy, or a new key; checkpoints that contradict it are set
    /// aside.
    #[arg(long, requires = "reason")]
    accept_restore: bool,
    /// Accept batches that were hashed under a stage name other than the ledger's, as `verify` reports them
    /// (`chain.renamed`); existing entries are left unchanged.
    #[arg(long, requires = "reason", conflicts_with_all = ["accept_restore", "new_key"])]
    accept_renamed: bool,
    /// An earlier name of a stage's file, for --accept-renamed; may be repeated.
    #[arg(long, num_args = 2, value_names = ["STAGE", "NAME"], requires = "accept_renamed")]
    name: Vec<String>,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl CheckpointCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.new_key {
            let name = session.settings()?.name;
            let made = Project::make_keys(session.folder(), &name, &SystemRandomness)?;
            let made: Vec<String> = made.iter().map(|path| path.display().to_string()).collect();
            let text = format!("Created {}.\n", shown(&made.join(" and ")));
            if !session.has_store()? {
                return Ok(Answer::new(serde_json::json!({ "made": made }), text));
            }
            session.screen.say(&text);
        }
        if self.accept_renamed {
            return self.accept_renamed(session);
        }
        let signed = if self.accept_restore {
            let mut store = session.open_unchecked()?;
            let run_info = session.run_info("checkpoint", self.reason.as_deref(), &[]);
            accept_restored(&mut store, &run_info)?
        } else {
            checkpoint(&mut session.open()?)?
        };
        Ok(Answer::new(json(&signed), render(&signed)))
    }

    fn accept_renamed(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let mut names = session.stage_names();
        for pair in self.name.chunks_exact(2) {
            let number = stage_number(&pair[0]).map_err(|error| {
                let hint = "give a stage's number and a name, as in `--name 1 first`";
                Failure::usage(
                    "usage.invalid_value",
                    format!("--name {}: {error}", pair[0]),
                    hint,
                )
            })?;
            names.push(counterfoil::name::StageName::new(number, pair[1].as_str()));
        }
        let mut store = session.open()?;
        let run_info = session.run_info("checkpoint", self.reason.as_deref(), &[]);
        let accepted = accept_renamed(&mut store, &names, &run_info)?;
        let mut text = String::new();
        for renamed in &accepted {
            text += &format!("Accepted: {}.\n", hashed_under(renamed));
        }
        let data = serde_json::json!({ "accepted": json(&accepted) });
        Ok(Answer::new(data, text).hint(format!("{} lists what is accepted", session.command("verify"))))
    }
}

fn render(signed: &SignedCheckpoint) -> String {
    format!(
        "Signed {} leaves of the ledger, root {}.\n\n{}",
        bold(&count(signed.size)),
        signed.root,
        signed.note
    )
}

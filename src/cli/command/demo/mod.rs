//! `demo`: a shipped project and its whole story, with a real kill in the middle.

mod shipped;
mod steps;

use std::path::{Path, PathBuf};

use counterfoil::environment::SystemRandomness;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::{bold, dim, shown, word};
use crate::cli::session::Session;
use shipped::Shipped;
use steps::Teller;

/// Copies a shipped project, loads its sample records and runs the whole story.
///
/// It applies, shows what was refused and why, rolls back, is killed in the middle of a second apply, goes on where it
/// was, corrects or waives what was refused, verifies and reconciles. Every step is a command that you can type yourself.
/// The project stays for you to play with. Where a step ends otherwise than the story has it, the demo ends with its
/// exit code.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  counterfoil demo shop\n  counterfoil demo bank --folder /tmp/bank")]
pub(crate) struct Demo {
    /// Which project.
    #[arg(value_enum)]
    name: Shipped,
    /// Where to copy it: a folder that does not exist yet; NAME beside you unless given.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = self.name.project();
        let folder = self
            .folder
            .clone()
            .unwrap_or_else(|| session.inside(project.name.as_ref()));
        project.copy_to(&folder)?;
        counterfoil::project::Project::make_keys(&folder, project.name, &SystemRandomness)?;
        let mut teller = Teller::new(session.screen, folder.clone());
        let shown_folder = folder.display().to_string();
        let shown_folder = shown(&shown_folder);
        teller.tell(&format!(
            "{}\nThe project is in {}. {}",
            bold(project.title),
            bold(&shown_folder),
            project.about
        ))?;

        teller.tell("First the records as they are today. Loading is a ledgered write like any other.")?;
        let records = folder.join(project.records).display().to_string();
        teller.step(&["load", project.database, &records])?;
        teller.step(&["status"])?;

        teller.tell(
            "Now every stage runs. Records and their entries in the ledger commit together, batch by batch.",
        )?;
        teller.expect(Exit::Refused, &["apply", "--reason", "demo"])?;
        teller.tell("What was refused stays in quarantine, with the reason and the record as it was.")?;
        teller.step(&["quarantine", "list", "--limit", "5"])?;
        teller.step(&["quarantine", "show", project.refused])?;
        teller.step(&["trace", project.database, project.refused])?;

        teller.tell(&audit(&folder.join("counterfoil.db").display().to_string()))?;

        teller.tell("Everything can be taken back, exactly: the reverse is appended to the ledger.")?;
        teller.step(&["rollback", "--all", "--yes", "--reason", "demo"])?;

        teller.tell(
            "Once more, in small batches and slowly, and this time the process is killed (SIGKILL) in the middle.",
        )?;
        teller.killed(&["apply", "--batch-size", "40", "--pause", "100ms", "--verbose"])?;
        teller.step(&["status"])?;
        teller.tell("The same command again goes on from the last committed batch.")?;
        teller.expect(Exit::Refused, &["apply"])?;
        teller.step(&["history", "--limit", "3"])?;
        settle(&mut teller, project, &folder)?;
        prove(&mut teller, project, &folder)?;
        teller.tell("Every record is what its entry in the ledger says, and so is every difference between both sides.")?;
        teller.step(&["verify"])?;
        teller.step(&["reconcile"])?;

        let data = json!({
            "project": project.name,
            "folder": folder.display().to_string(),
            "steps": teller.into_steps(),
        });
        let answer = Answer::new(data, dim("The end of the story; the project stays."));
        Ok(answer.hint(format!(
            "look around: `counterfoil -C {} query {} --limit 1 --pretty`",
            word(&folder.display().to_string()),
            project.result
        )))
    }
}

/// What was refused is corrected where it can be, and waived where it cannot.
fn settle(teller: &mut Teller, project: &shipped::DemoProject, folder: &Path) -> Result<(), Failure> {
    teller.tell(
        "Refused records wait until somebody decides. Some are corrected in their source, and the next apply carries them.",
    )?;
    let corrections = folder.join(project.corrections).display().to_string();
    teller.step(&["load", project.database, &corrections, "--replace"])?;
    teller.step(&["apply"])?;
    teller.tell(
        "Of the others nobody knows what is right; they are let go, and the ledger says who did it and why.",
    )?;
    teller.step(&[
        "quarantine",
        "waive",
        "--all",
        "--reason",
        "nobody knows what is right",
    ])
}

/// One record for somebody who has neither the store nor this program.
fn prove(teller: &mut Teller, project: &shipped::DemoProject, folder: &Path) -> Result<(), Failure> {
    teller.tell(
        "Every run has signed the ledger in the end. So one record can be proved to somebody who has nothing but the \
         public key.",
    )?;
    let proof = folder.join("proof.txt").display().to_string();
    teller.step(&[
        "prove",
        project.result,
        project.proved,
        "--disclose",
        "--output",
        &proof,
    ])?;
    teller.step(&["verify-proof", &proof])
}

/// What an auditor can do without this program.
fn audit(store: &str) -> String {
    format!(
        "{}\n  sqlite3 {store} \"SELECT database, outcome, count(*) FROM audit_record GROUP BY 1, 2\"\n  \
         sqlite3 {store} \"SELECT leaf_text FROM ledger_leaf WHERE batch=2\" | sha256sum\n  \
         sqlite3 {store} \"SELECT lower(hex(entries_sha256)) FROM ledger_batch WHERE batch=2\"\n{}",
        "An auditor needs nothing but sqlite3 and sha256sum. Paste this in another window:",
        "The last two print the same hash."
    )
}

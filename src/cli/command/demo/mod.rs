//! `demo`: a guided tour of a shipped project, with a real kill in the middle.

mod clerk;
mod shipped;
mod steps;

use std::fmt::Write as _;
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

/// Run a guided tour on a copy of a shipped project.
///
/// The tour loads sample records, applies the stages, shows what was refused and why, rolls back, kills a
/// second apply midway, resumes it, corrects or waives the refused records, verifies and reconciles. In
/// `hospital`, a clerk also decides which doubtful pairs are one person, and a wrong merge is undone. In
/// `sensors`, late readings reopen their windows. Every step is a command that you can type yourself. The
/// project is kept for you to explore. If a step does not end as expected, the demo exits with that step's
/// exit code.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil demo shop\n  counterfoil demo bank --folder /tmp/bank\n  counterfoil demo hospital\n  counterfoil demo sensors"
)]
pub(crate) struct Demo {
    /// Project to copy.
    #[arg(value_enum)]
    name: Shipped,
    /// Folder to create for the copy [default: NAME in the current folder].
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

        teller.tell(
            "Load the records as they are today. Like every write, a load is recorded in the ledger.",
        )?;
        for (database, records) in project.loads {
            let records = folder.join(records).display().to_string();
            teller.step(&["load", database, &records])?;
        }
        teller.step(&["status"])?;

        teller.tell(
            "Apply every stage. Records and their ledger entries are committed together, batch by batch.",
        )?;
        teller.expect(Exit::Refused, &["apply", "--reason", "demo"])?;
        teller.tell("Refused records are in quarantine, each with its reason and its input.")?;
        teller.step(&["quarantine", "list", "--limit", "5"])?;
        teller.step(&["quarantine", "show", project.refused])?;
        teller.step(&["trace", project.corrected(), project.refused])?;

        teller.show(project.applied)?;
        teller.tell(&audit(&folder.join("counterfoil.db"), project.questions))?;

        kill(&mut teller, project)?;
        settle(&mut teller, project, &folder)?;
        if let Some(clerk) = &project.clerk {
            clerk::decide(&mut teller, clerk, &folder)?;
        }
        prove(&mut teller, project, &folder)?;
        teller.tell("Verify every record against its ledger entry, and reconcile source and target.")?;
        teller.step(&["verify"])?;
        teller.step(&["reconcile"])?;

        let data = json!({
            "project": project.name,
            "folder": folder.display().to_string(),
            "steps": teller.into_steps(),
        });
        let typed = |arguments: &str| {
            let folder = folder.display().to_string();
            format!("`counterfoil -C {} {arguments}`", word(&folder))
        };
        let explore = typed(&format!("query {} --limit 1 --pretty", project.result));
        let mut answer = Answer::new(data, dim("End of the demo. The project is kept."))
            .hint(format!("explore it: {explore}"));
        for (arguments, what) in project.clerk.iter().flat_map(|clerk| clerk.afterwards) {
            answer = answer.hint(format!("{} {what}", typed(arguments)));
        }
        Ok(answer)
    }
}

/// Rolls everything back, and applies it again with a kill midway.
fn kill(teller: &mut Teller, project: &shipped::DemoProject) -> Result<(), Failure> {
    teller.tell("Roll everything back, exactly: the reverse is appended to the ledger.")?;
    teller.step(&["rollback", "--all", "--yes", "--reason", "demo"])?;

    teller.tell(
        "Apply again, in small batches and slowly. This time, the process is killed (SIGKILL) midway.",
    )?;
    let small = ["apply", "--batch-size", project.batch_size];
    teller.killed(&[&small[..], &["--pause", "100ms", "--verbose"]].concat())?;
    teller.step(&["status"])?;
    teller.tell("Run the same command again: it continues from the last committed batch.")?;
    teller.expect(Exit::Refused, &["apply"])?;
    teller.step(&["history", "--limit", "3"])
}

/// Corrects refused records where possible, and waives the others.
fn settle(teller: &mut Teller, project: &shipped::DemoProject, folder: &Path) -> Result<(), Failure> {
    teller.tell(project.correcting)?;
    let corrections = folder.join(project.corrections).display().to_string();
    teller.step(&["load", project.corrected(), &corrections, "--replace"])?;
    teller.show(project.forecast)?;
    teller.step(&["apply"])?;
    teller.show(project.settled)?;
    teller.tell("The others cannot be corrected. Waive them; the ledger records who did it and why.")?;
    teller.step(&[
        "quarantine",
        "waive",
        "--all",
        "--reason",
        "correct values unknown",
    ])
}

/// Proves one record to someone who has neither the store nor this program.
fn prove(teller: &mut Teller, project: &shipped::DemoProject, folder: &Path) -> Result<(), Failure> {
    teller.tell(
        "Every run signs the ledger at its end, so one record can be proved to someone who has only the public key.",
    )?;
    let proof = folder.join("proof.txt").display().to_string();
    let prove = ["prove", project.result, project.proved, "--output", &proof];
    let disclose: &[&str] = if project.discloses { &["--disclose"] } else { &[] };
    teller.step(&[&prove, disclose].concat())?;
    teller.step(&["verify-proof", &proof])
}

/// Returns what an auditor can do without this program.
fn audit(store: &Path, questions: &[&str]) -> String {
    let store = store.display();
    let mut own = String::new();
    for question in questions {
        let _ = writeln!(own, "  sqlite3 {store} \"{question}\"");
    }
    format!(
        "{}\n{own}  sqlite3 {store} \"SELECT database, outcome, count(*) FROM audit_record GROUP BY 1, 2\"\n  \
         sqlite3 {store} \"SELECT leaf_text FROM ledger_leaf WHERE batch=2\" | sha256sum\n  \
         sqlite3 {store} \"SELECT lower(hex(entries_sha256)) FROM ledger_batch WHERE batch=2\"\n{}",
        "An auditor needs only sqlite3 and sha256sum. Paste this into another terminal:",
        "The last two print the same hash."
    )
}

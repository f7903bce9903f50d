//! `verify`: the ledger and the data against each other.

use counterfoil::ledger::AcceptedName;
use counterfoil::record::{BatchId, RecordNumber};
use counterfoil::verify::{InputsVerified, Remade, VerifyOptions, VerifyReport};

use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, stopped_reading};
use crate::cli::render::{bold, count, counted, green, short, shown, table};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::words::hashed_under;

/// Verify the ledger against its own hashes, and every record against the ledger.
///
/// The command only reads. The exit code is 8 if anything does not match.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil verify")]
pub(crate) struct Verify {
    /// Verify the ledger alone, without the records.
    #[arg(long)]
    ledger_only: bool,

    /// Make each golden record again from its members as well, by the rules that were applied.
    ///
    /// Golden records of which a member has changed since are counted, but not compared.
    #[arg(long, conflicts_with = "ledger_only")]
    remake: bool,

    /// Read the readings of all windows again as well, and compare them with what each window was made of.
    ///
    /// Windows whose readings were written since they were made are counted, but not compared.
    #[arg(long, conflicts_with = "ledger_only")]
    inputs: bool,
}

impl Verify {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let options = VerifyOptions::default()
            .ledger_only(self.ledger_only)
            .remake(self.remake)
            .inputs(self.inputs)
            .names(session.stage_names())
            .stop(stop_signal(session.screen, "verify")?);
        let report = counterfoil::verify::verify(&store, &options)?;
        let answer = Answer::new(json(&report), render(session, &report));
        if report.problems > 0 {
            let message = match report.problems {
                1 => "the store does not match the ledger: 1 finding".to_owned(),
                problems => format!(
                    "the store does not match the ledger: {} findings",
                    count(problems)
                ),
            };
            let failure = Failure::new(Exit::Unsound, "verify.failed", message);
            return Ok(answer.failed(failure.hint(hint(&report, session))));
        }
        if !report.complete {
            return Ok(answer.failed(stopped_reading()));
        }
        Ok(answer)
    }
}

/// What to do about what was found.
fn hint(report: &VerifyReport, session: &Session<'_>) -> String {
    if report.unaccepted < report.problems {
        return "keep the file as evidence, and continue with a copy that verifies; `counterfoil history` \
                shows which run wrote a batch"
            .to_owned();
    }
    format!(
        "everything else matches: an earlier version of Counterfoil hashed these batches under the new name \
         of a renamed stage file, whose text is unchanged; {} records this in the ledger, and changes no \
         existing entry",
        session.command("checkpoint --accept-renamed --reason TEXT")
    )
}

/// Returns what was accepted: it is not a problem, but is mentioned.
fn remarks(report: &VerifyReport) -> String {
    let remark = |name: &AcceptedName| {
        let reason = name.reason.as_deref().unwrap_or_default();
        format!(
            "note: {} (accepted in batch {} by {}: {})\n",
            hashed_under(&name.renamed),
            name.accepted_in,
            shown(&name.actor),
            shown(reason)
        )
    };
    report.renamed.iter().map(remark).collect()
}

/// Returns which golden records were made again, and which were not.
fn made_again(remade: &Remade) -> String {
    let made = counted(remade.golden, "golden record");
    let mut text = format!("{made} made again from the members");
    if remade.waiting > 0 {
        text += &format!(
            "; {} left out, because members have changed since",
            count(remade.waiting)
        );
    }
    if remade.unknown > 0 {
        text += &format!(
            "; {} left out, because a program has built the stage",
            count(remade.unknown)
        );
    }
    text + "\n"
}

/// Returns which windows were compared with their readings, and which were not.
fn with_readings(inputs: &InputsVerified) -> String {
    let windows = counted(inputs.windows, "window");
    let has = if inputs.windows == 1 { "has" } else { "have" };
    let readings = counted(inputs.readings, "reading");
    let mut text = format!("{windows} {has} exactly the {readings} that the ledger says");
    if inputs.waiting > 0 {
        text += &format!(
            "; {} left out, because readings were written since",
            count(inputs.waiting)
        );
    }
    if inputs.unknown > 0 {
        let stages = counted(inputs.unknown, "stage");
        text += &format!("; {stages} left out, because a program has built it");
    }
    text + "\n"
}

fn render(session: &Session<'_>, report: &VerifyReport) -> String {
    let mut text = totals(report);
    text += &remarks(report);
    if let Some(remade) = &report.remade {
        text += &made_again(remade);
    }
    if let Some(inputs) = &report.inputs {
        text += &with_readings(inputs);
    }
    if report.keyless {
        text += &format!(
            "note: the signatures of the checkpoints were not checked, because there is no key: name the \
             public key with {}\n",
            session.command("verify --key FILE")
        );
    }
    if let Some(signed) = report.signed.filter(|signed| signed.unsigned > 0) {
        text += &format!(
            "note: the batches after {} are not signed; {} signs them if there is a key\n",
            count(signed.batch.get().unsigned_abs()),
            session.command("checkpoint")
        );
    }
    if report.is_sound() {
        let unchecked = if report.keyless {
            "; signatures were not checked"
        } else {
            ""
        };
        return text + &format!("{} everything matches the ledger{unchecked}\n", green("sound:"));
    }
    text + &findings(report)
}

/// Returns what was verified.
fn totals(report: &VerifyReport) -> String {
    table(
        &[
            ">batches",
            ">entries",
            ">records",
            ">images",
            ">checkpoints",
            ">tree size",
            "root",
        ],
        [vec![
            count(report.batches),
            count(report.entries),
            count(report.rows),
            count(report.images),
            count(report.checkpoints),
            count(report.tree_size),
            short(&report.tree_root).to_owned(),
        ]],
    )
}

/// Returns what was found.
fn findings(report: &VerifyReport) -> String {
    let mut text = String::new();
    let rows = report.findings.iter().map(|finding| {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![
            finding.code.to_owned(),
            number(finding.batch.map(BatchId::get)),
            finding.database.clone().unwrap_or_default(),
            number(finding.record.map(RecordNumber::get)),
            finding.message.clone(),
        ]
    });
    if !report.findings.is_empty() {
        text += &format!("\n{}\n", bold("Findings"));
        text += &table(&["code", ">batch", "database", ">record", "what"], rows);
    }
    if report.problems > report.findings.len() as u64 {
        text += &format!(
            "and {} more\n",
            count(report.problems - report.findings.len() as u64)
        );
    }
    text
}

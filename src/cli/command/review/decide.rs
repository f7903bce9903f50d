//! `review accept` and `review reject`, and what every command that decides ends with.

use std::collections::BTreeMap;

use counterfoil::review::{Decision, DecisionReport, PairDecision, PairName, ReplacedDecision, decide};
use serde_json::json;

use super::choice::{pair, stage_of};
use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::{count, counted, shown};
use crate::cli::session::Session;
use crate::cli::values::stage_number;

/// Accept pairs: the next `apply` merges the two records of each.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review accept 4+9 12+31 --reason \"same insurance card\"")]
pub(super) struct Accept {
    /// Pairs, as `review list` names them.
    #[arg(required = true, value_name = "PAIR", value_parser = pair)]
    pairs: Vec<PairName>,
    #[command(flatten)]
    deciding: DecidingArguments,
}

/// Reject pairs: no later `apply` merges the two records of one.
///
/// A rejected pair is shown again if one of its records changes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil review reject 4+9 --never --reason \"twins\"")]
pub(super) struct Reject {
    /// Pairs, as `review list` names them.
    #[arg(required = true, value_name = "PAIR", value_parser = pair)]
    pairs: Vec<PairName>,
    /// Do not show the pairs again, whatever becomes of their records.
    #[arg(long)]
    never: bool,
    #[command(flatten)]
    deciding: DecidingArguments,
}

/// Arguments of every command that decides.
#[derive(clap::Args, Debug)]
pub(super) struct DecidingArguments {
    /// Stage that merges; needed only if several do.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    pub(super) stage: Option<u32>,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

impl Accept {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let decide = |pair: &PairName| decision(pair, Decision::Accept, None);
        let decisions: Vec<PairDecision> = self.pairs.iter().map(decide).collect();
        run(session, "review accept", &self.deciding, &decisions, &named)
    }
}

impl Reject {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let what = if self.never {
            Decision::Never
        } else {
            Decision::Reject
        };
        let decide = |pair: &PairName| decision(pair, what, None);
        let decisions: Vec<PairDecision> = self.pairs.iter().map(decide).collect();
        run(session, "review reject", &self.deciding, &decisions, &named)
    }
}

/// Makes a decision about a pair that was named.
pub(super) fn decision(pair: &PairName, decision: Decision, note: Option<String>) -> PairDecision {
    PairDecision::new(pair.a, pair.b, decision)
        .note(note)
        .version(pair.version.clone())
}

/// Names the decision at a place by its pair.
pub(super) fn named(decisions: &[PairDecision], at: usize) -> String {
    decisions
        .get(at)
        .map_or_else(String::new, |decision| format!("{}+{}", decision.a, decision.b))
}

/// Records decisions. `place` says where one stands, for those that are refused.
pub(super) fn run(
    session: &Session<'_>,
    command: &'static str,
    arguments: &DecidingArguments,
    decisions: &[PairDecision],
    place: &dyn Fn(&[PairDecision], usize) -> String,
) -> Result<Answer, Failure> {
    let project = session.project()?;
    let mut store = session.open()?;
    let pairs: Vec<_> = decisions
        .iter()
        .map(|decision| (decision.a, decision.b))
        .collect();
    let stage = stage_of(project.stages(), &store, arguments.stage, &pairs)?;
    let run_info = session.run_info(command, arguments.reason.as_deref(), &[]);
    let report = decide(&mut store, project.stages(), stage, decisions, &run_info)?;
    let mut data = json(&report);
    data["stage"] = json!(stage);
    if !report.refused.is_empty() {
        return Ok(Answer::new(data, "").failed(refused(session, &report, decisions, place)));
    }
    let text = summary(&report) + &replaced(&report);
    let mut answer = Answer::new(data, text).warnings(report.consequences.iter().cloned());
    if let Some(run) = report
        .replaced
        .iter()
        .find(|replaced| replaced.by_unmerge)
        .map(|replaced| replaced.run)
    {
        answer = answer.hint(format!(
            "the other pairs that were taken apart with it stay so; {} takes all of that `unmerge` back instead",
            session.command(&format!("rollback --run {run}"))
        ));
    }
    if let Some(number) = report.run {
        let decides =
            |decision: &Decision| matches!(decision, Decision::Accept | Decision::Reject | Decision::Never);
        if report.decided.keys().any(decides) {
            answer = answer.hint(format!(
                "{} shows what they change, {} does it",
                session.command("plan"),
                session.command("apply")
            ));
        }
        answer = answer.hint(format!(
            "{} takes them back",
            session.command(&format!("rollback --run {number}"))
        ));
    }
    Ok(answer)
}

/// `Accepted 2 pairs, rejected 1 (run 7).`
fn summary(report: &DecisionReport) -> String {
    let decided: &BTreeMap<Decision, u64> = &report.decided;
    let mut parts: Vec<String> = decided
        .iter()
        .map(|(decision, pairs)| format!("{} {}", counted(*pairs, "pair"), word(*decision)))
        .collect();
    if report.unchanged > 0 {
        parts.push(format!("{} decided so already", count(report.unchanged)));
    }
    if parts.is_empty() {
        parts.push("nothing to decide".to_owned());
    }
    let run = report.run.map(|run| format!(" (run {run})")).unwrap_or_default();
    format!("{}{run}.\n", shown(&parts.join(", ")))
}

/// A decision in words.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Accept => "accepted",
        Decision::Reject => "rejected",
        Decision::Never => "rejected for good",
        Decision::Note => "noted",
        Decision::Same => "labelled the same",
        Decision::Different => "labelled different",
    }
}

/// The decisions that no longer count.
fn replaced(report: &DecisionReport) -> String {
    let line = |replaced: &ReplacedDecision| {
        let was = word(replaced.was);
        let (a, b, run) = (replaced.a, replaced.b, replaced.run);
        format!("{a}+{b} was {was} by {} in run {run}\n", shown(&replaced.actor))
    };
    let mut text: String = report.replaced.iter().take(LISTED).map(line).collect();
    if report.replaced.len() > LISTED {
        let more = report.replaced.len() - LISTED;
        text += &format!("and {} more were decided otherwise\n", count(more as u64));
    }
    text
}

/// Number of refused decisions that are listed.
const LISTED: usize = 20;

/// Why nothing was decided.
fn refused(
    session: &Session<'_>,
    report: &DecisionReport,
    decisions: &[PairDecision],
    place: &dyn Fn(&[PairDecision], usize) -> String,
) -> Failure {
    let refused = &report.refused;
    let mut lines = String::new();
    for one in refused.iter().take(LISTED) {
        let place = place(decisions, one.at);
        let hint = session.completed(&one.hint);
        lines += &format!("{}: {}; {}\n", shown(&place), shown(&one.message), shown(&hint));
    }
    if refused.len() > LISTED {
        lines += &format!("and {} more\n", count((refused.len() - LISTED) as u64));
    }
    let (number, of) = (
        counted(refused.len() as u64, "decision"),
        count(decisions.len() as u64),
    );
    let mut failure = Failure::new(
        Exit::Usage,
        "review.refused",
        format!("{number} of {of} cannot be made, so nothing was decided"),
    )
    .hint("correct or leave out these, and decide again");
    failure.detail = Some(lines.into());
    failure
}

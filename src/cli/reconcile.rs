//! `reconcile`: both sides of the stages against each other.

use std::collections::BTreeSet;

use counterfoil::path::Path;
use counterfoil::project::Project;
use counterfoil::quarantine::quarantine_totals;
use counterfoil::reconcile::{
    Attribution, Cause, ReconcileOptions, Reconciliation, StageReconciled, reconcile,
};
use counterfoil::record::{REDACTED, Standing};
use counterfoil::stage::{Stage, Stages};

use super::answer::{Answer, Exit, json};
use super::check::route;
use super::failure::Failure;
use super::masking::redactions_with;
use super::outcome::stopped_early;
use super::render::{bold, count, counted, green, indented, red, shown, table};
use super::session::Session;
use super::signals::stop_signal;
use super::test::no_stage;

/// Measures both sides of every stage that says how, and explains each difference from the ledger.
///
/// The exit code is 3 where anything is left unexplained. The result is kept in the ledger (view
/// `audit_reconciliation`); `apply` does this too, for what it has carried.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  counterfoil reconcile\n  counterfoil reconcile --stage 1 --limit 1000")]
pub(crate) struct ReconcileCommand {
    /// This stage alone.
    #[arg(long, value_name = "N", value_parser = super::values::stage_number)]
    stage: Option<u32>,
    /// The most records and keys that are named for each cause.
    #[arg(long, value_name = "N", default_value = "10")]
    limit: usize,
    /// Why, for the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl ReconcileCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        if let Some(number) = self
            .stage
            .filter(|number| project.stages().get(*number).is_none())
        {
            return Err(no_stage(project.stages().iter().map(Stage::number), number));
        }
        let mut store = session.open()?;
        let options = ReconcileOptions {
            stage: self.stage,
            examples: self.limit,
            purpose: session.purpose("reconcile", self.reason.as_deref(), &[]),
            stop: stop_signal(*session.screen, "reconcile")?,
        };
        let mut report = reconcile(&mut store, project.stages(), &options)?;
        let redact = redactions_with(&store, project.stages().iter())?;
        mask(&mut report.stages, project.stages(), &redact);
        let mut text = if report.stages.is_empty() {
            "No applied stage has anything to reconcile.\n".to_owned()
        } else {
            report.stages.iter().map(told).collect::<Vec<_>>().join("\n")
        };
        if report.stopped.is_none() && report.is_reconciled() && !report.stages.is_empty() {
            let totals = quarantine_totals(&store, project.name())?;
            let quarantined = totals.iter().map(|(_, _, records)| records).sum();
            text += &format!("\n{}\n", self.end(&report.stages, quarantined));
        }
        let answer = Answer::new(json(&report), text);
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(stopped_early(stopped)),
            None => left_open(session, answer, &report.stages),
        })
    }

    /// What is to be said where nothing is left unexplained: somebody may have something to do all the same.
    fn end(&self, stages: &[StageReconciled], quarantined: u64) -> String {
        let results = stages.iter().flat_map(|stage| &stage.reconciliations);
        let causes = results.flat_map(|result| &result.causes);
        let found: BTreeSet<Cause> = causes.map(|cause| cause.cause).collect();
        let mut open = Vec::new();
        if quarantined > 0 {
            open.push(format!("{} in quarantine", counted(quarantined, "record")));
        }
        if found.contains(&Cause::NotCarried) {
            open.push("records that wait for `apply`".to_owned());
        }
        if !open.is_empty() {
            return format!("every difference is explained; still open: {}", open.join(", "));
        }
        let mut end = match self.stage {
            None => green("all balances reconciled"),
            Some(stage) => green(&format!("all balances of stage {stage} reconciled")),
        };
        if !found.is_empty() {
            let names = found.into_iter().map(|cause| match cause {
                Cause::Unexplained => "the tolerance",
                cause => cause.name(),
            });
            let names: Vec<&str> = names.collect();
            end += &format!("; explained: {}", names.join(", "));
        }
        end
    }
}

/// Keys that are made of what a stage redacts are shown nowhere.
pub(crate) fn mask(reconciled: &mut [StageReconciled], stages: &Stages, redact: &[Path]) {
    for reconciled in reconciled {
        let Some(stage) = stages.get(reconciled.stage) else {
            continue;
        };
        for (result, rule) in reconciled.reconciliations.iter_mut().zip(stage.reconciles()) {
            let reads = rule
                .by
                .iter()
                .flat_map(|by| [by.source.reads(), by.target.reads()])
                .flatten();
            let is_redacted = |read: Path| {
                let hides = |path| Standing::of(path, read.segments()).may_hide();
                redact.iter().any(hides)
            };
            if reads.into_iter().any(is_redacted) {
                let keys = result.keys.iter_mut().filter_map(|key| key.key.as_mut());
                keys.for_each(|key| REDACTED.clone_into(key));
            }
        }
    }
}

/// Exit 3 where something is left unexplained.
pub(crate) fn left_open(session: &Session<'_>, answer: Answer, stages: &[StageReconciled]) -> Answer {
    let open: Vec<&StageReconciled> = stages.iter().filter(|stage| !stage.is_reconciled()).collect();
    let Some(first) = open.first() else { return answer };
    let message = match open.len() {
        1 => format!(
            "stage {} {} is not reconciled: something is left unexplained",
            first.stage, first.slug
        ),
        stages => format!("{stages} stages are not reconciled: something is left unexplained"),
    };
    answer.failed(unexplained(session, first.stage, message))
}

/// The same, of a stage that was reconciled earlier: nothing has changed since.
pub(crate) fn still_open(session: &Session<'_>, project: &Project, answer: Answer, stages: &[u32]) -> Answer {
    let Some(first) = stages.first() else {
        return answer;
    };
    let slug = project.stages().get(*first).map_or("", Stage::slug);
    let message = match stages.len() {
        1 => format!("stage {first} {slug} is still not reconciled: something is left unexplained"),
        stages => format!("{stages} stages are still not reconciled: something is left unexplained"),
    };
    answer.failed(unexplained(session, *first, message))
}

fn unexplained(session: &Session<'_>, stage: u32, message: String) -> Failure {
    Failure::new(Exit::Refused, "reconcile.unexplained", message).hint(format!(
        "{} names the records; {} finds rows that were changed behind the ledger; else correct the stage after {}",
        session.command(&format!("reconcile --stage {stage} --limit 1000")),
        session.command("verify"),
        session.command("rollback")
    ))
}

/// A stage's reconciliations, each with its table.
pub(crate) fn told(stage: &StageReconciled) -> String {
    let mut text = format!(
        "{} {}\n",
        bold(&format!("Stage {} {}", stage.stage, stage.slug)),
        route(&stage.source, &stage.target)
    );
    for reconciliation in &stage.reconciliations {
        text += indented(&one(reconciliation), 2).trim_end();
        text.push('\n');
    }
    text
}

fn one(result: &Reconciliation) -> String {
    let state = if result.holds {
        green("reconciled")
    } else {
        red("NOT RECONCILED")
    };
    let mut text = format!("{}: {state}\n", bold(&shown(&result.name)));
    let mut rows = vec![
        vec![
            "source".to_owned(),
            count(result.source.records),
            result.source.amount.to_string(),
            String::new(),
        ],
        vec![
            "target".to_owned(),
            count(result.target.records),
            result.target.amount.to_string(),
            String::new(),
        ],
        vec![
            "difference".to_owned(),
            String::new(),
            result.difference.to_string(),
            String::new(),
        ],
    ];
    for cause in &result.causes {
        let more = cause.records.saturating_sub(cause.ids.len() as u64);
        let mut ids = named(cause).join(", ");
        if more > 0 {
            ids += &format!(" and {} more", count(more));
        }
        let mut name = format!("  {}", cause.cause.name());
        if cause.unmeasured > 0 {
            name += &format!(" ({} without an amount)", count(cause.unmeasured));
        }
        rows.push(vec![name, count(cause.records), cause.amount.to_string(), ids]);
    }
    text += &table(&["", ">records", ">amount", "ids"], rows);
    if result.behind > 0 {
        text += &format!("{} changed behind the ledger\n", counted(result.behind, "record"));
    }
    if result.discrepancies > 0 {
        text += &format!(
            "{} with more than {}:\n",
            counted(result.discrepancies, "key"),
            result.tolerance
        );
        let rows = result.keys.iter().map(|key| {
            let name = key
                .key
                .as_deref()
                .map_or_else(|| "null".to_owned(), |key| shown(key).into_owned());
            vec![name, key.difference.to_string(), key.unexplained.to_string()]
        });
        text += &table(&["key", ">difference", ">unexplained"], rows);
    }
    text
}

/// The records of a cause; of replaced ones, also which records have their places.
fn named(cause: &Attribution) -> Vec<String> {
    let by = cause.by.iter().map(Some).chain(std::iter::repeat(None));
    let ids = cause.ids.iter().zip(by);
    let named = ids.map(|(id, by)| match by {
        Some(by) => format!("{} -> {}", shown(id), shown(by)),
        None => shown(id).into_owned(),
    });
    named.collect()
}

/// The causes of what differs all the same, in a line.
fn causes(result: &Reconciliation) -> Option<String> {
    let told = result.causes.iter().map(|cause| {
        let mut told = format!("{} {}", cause.cause.name(), count(cause.records));
        if cause.unmeasured < cause.records || !cause.amount.is_zero() {
            told += &format!(" ({})", cause.amount);
        }
        let by = cause.by.first().map(|_| named(cause).join(", "));
        told + &by.map_or_else(String::new, |by| format!(": {by}"))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then(|| format!("  {}: {told}\n", shown(&result.name)))
}

/// One line for what `apply` has reconciled and one for its causes, and the tables of what it has not.
pub(crate) fn in_short(stages: &[StageReconciled]) -> String {
    let mut text = String::new();
    for stage in stages {
        if stage.is_reconciled() {
            let names: Vec<&str> = stage
                .reconciliations
                .iter()
                .map(|result| result.name.as_str())
                .collect();
            text += &format!(
                "Stage {} reconciled: {}.\n",
                stage.stage,
                shown(&names.join(", "))
            );
            text.extend(stage.reconciliations.iter().filter_map(causes));
        } else {
            text += &told(stage);
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\n{text}")
    }
}

//! `rollback`: undoes what stages did.

use std::io::Write as _;
use std::time::Duration;

use counterfoil::Error;
use counterfoil::ledger::PassKind;
use counterfoil::name::StageName;
use counterfoil::project::Project;
use counterfoil::record::{REDACTED, RunId};
use counterfoil::rollback::{Reversal, RollbackOptions, RollbackReport, RollbackScope, rollback};
use counterfoil::stage::{Stage, Stages};
use counterfoil::store::Store;
use serde_json::json;

use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, no_stage, stopped_early};
use crate::cli::progress::ProgressDisplay;
use crate::cli::render::{bold, count, counted, table, word};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;
use crate::cli::signals::stop_signal;
use crate::cli::values::{OnConflictChoice, duration, stage_number};

/// Roll back the last stage, or what the options select, restoring every record exactly.
///
/// Shows what it will do and asks for confirmation. Nothing is erased: the reverse is appended to the ledger.
/// After an interruption, run the same command again to continue. If records were changed since, nothing is
/// done (exit code 9) unless --on-conflict says what to do with them.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil rollback\n  counterfoil rollback --to 1 --yes --reason \"wrong tax table\"\n  counterfoil rollback --stage 3"
)]
pub(crate) struct Rollback {
    /// Roll back every stage after this one; 0 rolls back all stages.
    #[arg(long, value_name = "N", group = "scope", value_parser = stage_number)]
    to: Option<u32>,
    /// Roll back this stage alone; possible if no later stage has read what it wrote.
    #[arg(long, value_name = "N", group = "scope", value_parser = stage_number)]
    stage: Option<u32>,
    /// Roll back what this run did; `counterfoil history` lists the runs.
    #[arg(long, value_name = "RUN", group = "scope")]
    run: Option<RunId>,
    /// Roll back what the newest stage did to one record.
    #[arg(long, num_args = 2, value_names = ["DATABASE", "ID"], group = "scope")]
    record: Option<Vec<String>>,
    /// Roll back every stage.
    #[arg(long, group = "scope")]
    all: bool,
    /// What to do with records that were changed since.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "abort")]
    on_conflict: OnConflictChoice,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    /// Maximum number of records per batch.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_size: Option<u32>,
    /// Stop after the current batch when this much time has passed: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Rollback {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.settings()?.name;
        let mut store = session.open()?;
        let scope = self.scope();
        if let Some(number) = self.to.filter(|number| *number > 0).or(self.stage) {
            known_stage(session, &store, &project, number, self.to.is_some())?;
        }
        let plan = store
            .plan_rollback(&project, &scope)
            .map_err(|error| processed_since(session, &store, error))?;
        if plan.is_empty() {
            let data = json!({ "plan": [], "report": null });
            let text = match self.stage {
                Some(number) => {
                    format!("Nothing to roll back: nothing that stage {number} did remains.\n")
                }
                None => "Nothing to roll back.\n".to_owned(),
            };
            return Ok(Answer::new(data, text));
        }
        session.screen.say(&render(&plan));
        let conflicts: u64 = plan.iter().map(|reversal| reversal.conflicts).sum();
        let will_abort = conflicts > 0 && matches!(self.on_conflict, OnConflictChoice::Abort);
        if !self.yes && !will_abort {
            ask(session)?;
        }
        let ids: Vec<&str> = match &scope {
            RollbackScope::Record { id, .. } => vec![id],
            _ => Vec::new(),
        };
        let options = RollbackOptions::default()
            .scope(scope.clone())
            .on_conflict(self.on_conflict.into())
            .batch_size(self.batch_size.map(|size| size as usize))
            .max_time(self.max_time)
            .run_info(session.run_info("rollback", self.reason.as_deref(), &ids))
            .stop(stop_signal(session.screen, "rollback")?);
        let mut progress = ProgressDisplay::new(session.screen);
        let report = rollback(&mut store, &project, &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| processed_since(session, &store, error))?;
        let data = json!({ "plan": json(&plan), "report": json(&report) });
        let answer = Answer::new(data, done(session, &report))
            .warnings(progress.warnings.iter().cloned())
            .refused_if(report.counts.refused > 0);
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(stopped_early(stopped)),
            None => answer,
        })
    }

    fn scope(&self) -> RollbackScope {
        if let Some(record) = &self.record {
            return RollbackScope::Record {
                database: record.first().cloned().unwrap_or_default(),
                id: record.get(1).cloned().unwrap_or_default(),
            };
        }
        // clap lets one of them through.
        let scope = self
            .to
            .map(RollbackScope::To)
            .or(self.stage.map(RollbackScope::Stage));
        scope.or(self.run.map(RollbackScope::Run)).unwrap_or(if self.all {
            RollbackScope::All
        } else {
            RollbackScope::Last
        })
    }
}

/// Returns what went wrong; if a later stage processed a record, names what must be rolled back first by its id, if
/// that may be shown.
fn processed_since(session: &Session<'_>, store: &Store, error: Error) -> Failure {
    let Error::ProcessedSince { target, copy, .. } = &error else {
        return error.into();
    };
    let (target, copy) = (target.clone(), *copy);
    let failure = Failure::from(error);
    // If this cannot be read, the record's number is shown.
    let (Ok(ids), Ok(Some(row))) = (ShownIds::new(session, store), store.record(&target, copy)) else {
        return failure;
    };
    let id = ids.shown(Some(&target), row.id);
    if id == REDACTED {
        return failure;
    }
    let rollback = session.command(&format!("rollback --record {} {}", word(&target), word(&id)));
    failure.hint(format!("first roll back the record made from it: {rollback}"))
}

/// Refuses a number that no stage has, of those that are applied and of those in the project's files. The stages after
/// a number are clear even if it is between two stages.
fn known_stage(
    session: &Session<'_>,
    store: &Store,
    project: &str,
    number: u32,
    is_bound: bool,
) -> Result<(), Failure> {
    let in_files = session.stages().ok().flatten();
    let is_known = |project: &Project| project.stages().get(number).is_some();
    if in_files.as_ref().is_some_and(is_known) {
        return Ok(());
    }
    let status = store.status(&Stages::new(project, Vec::new())?)?;
    let mut known: Vec<u32> = status.stages.iter().map(|stage| stage.number).collect();
    if known.contains(&number) {
        return Ok(());
    }
    known.extend(
        in_files
            .iter()
            .flat_map(|project| project.stages().iter().map(Stage::number)),
    );
    known.sort_unstable();
    known.dedup();
    if is_bound && known.last().is_some_and(|last| *last > number) {
        return Ok(());
    }
    Err(no_stage(known.into_iter(), number))
}

/// What will be done, before it is.
fn render(plan: &[Reversal]) -> String {
    let rows = plan.iter().map(|reversal| {
        vec![
            reversal.pass.to_string(),
            what(reversal),
            reversal.database.clone(),
            count(reversal.records.saturating_sub(reversal.restored)),
            count(reversal.conflicts),
        ]
    });
    let table = table(&[">pass", "what", "database", ">records", ">changed since"], rows);
    let mut text = format!("{}\n{table}", bold("To roll back, newest first:"));
    for reversal in plan.iter().filter(|reversal| reversal.runs.len() > 1) {
        let runs: Vec<String> = reversal.runs.iter().map(RunId::to_string).collect();
        text += &format!(
            "Pass {} spans runs {}; all of it is rolled back.\n",
            reversal.pass,
            runs.join(", ")
        );
    }
    text
}

fn what(reversal: &Reversal) -> String {
    let kind = reversal.kind.name();
    match &reversal.stage {
        Some(StageName { number, slug }) => format!("{kind} stage {number} {slug}"),
        None => kind.to_owned(),
    }
}

fn ask(session: &Session<'_>) -> Result<(), Failure> {
    if !session.screen.can_ask() {
        return Err(Failure::usage(
            "rollback.unconfirmed",
            "cannot ask for confirmation without a terminal; nothing was done",
            "add --yes to roll back without confirmation",
        ));
    }
    let mut answer = String::new();
    let asked = write!(std::io::stderr(), "Continue? [y/N] ")
        .and_then(|()| std::io::stderr().flush())
        .and_then(|()| std::io::stdin().read_line(&mut answer));
    let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if asked.is_ok() && yes {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        "rollback.declined",
        "nothing was done",
    ))
}

fn done(session: &Session<'_>, report: &RollbackReport) -> String {
    let undone = report.records;
    let takes_decisions = |reversal: &Reversal| reversal.kind == PassKind::Merge;
    let decides = report.undone.iter().any(takes_decisions);
    if decides && report.undone.iter().all(takes_decisions) && report.stopped.is_none() {
        return "Took the decisions back: the next `counterfoil apply` judges their pairs as if they had not been made.\n"
            .to_owned();
    }
    let mut text = if report.stopped.is_some() {
        format!("Rolled back {} so far.\n", counted(undone, "record"))
    } else {
        format!(
            "Rolled back {} in {}.\n",
            counted(undone, "record"),
            plural(report.undone.len())
        )
    };
    if report.counts.unchanged > 0 {
        text += &format!(
            "{} had nothing to restore: refused, left out, or unchanged.\n",
            counted(report.counts.unchanged, "more record")
        );
    }
    if report.counts.refused > 0 {
        text += &format!("Left unchanged: {}.\n", counted(report.counts.refused, "record"));
        for conflict in &report.left {
            text += &format!("  {conflict}\n");
        }
        let more = report.counts.refused.saturating_sub(report.left.len() as u64);
        if more > 0 {
            let trace = session.command("trace DATABASE ID");
            text += &format!("  and {more} more; {trace} shows each\n");
        }
    }
    text
}

fn plural(passes: usize) -> String {
    if passes == 1 {
        "1 pass".to_owned()
    } else {
        format!("{passes} passes")
    }
}

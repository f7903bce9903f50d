//! `reconcile`: both sides of the stages against each other.

use std::collections::BTreeSet;

use counterfoil::Silent;
use counterfoil::reconcile::{DifferenceCause, ReconcileOptions, StageReconciled, reconcile};

use crate::cli::answer::{Answer, json};
use crate::cli::failure::{Failure, check_stage, stopped_early};
use crate::cli::masking::redactions_with;
use crate::cli::reconciled::{left_open, mask, render};
use crate::cli::refusals::{records, totals};
use crate::cli::render::{counted, green};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;

/// Compare source and target of every stage that has a `[[reconcile]]` or aggregates, and explain each difference from
/// the ledger.
///
/// A stage that aggregates compares its readings with its windows, and each `sum` with the readings, group by group.
///
/// The exit code is 3 if a difference is unexplained. The result is kept in the ledger (view
/// `audit_reconciliation`). `apply` also reconciles what it has processed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  counterfoil reconcile\n  counterfoil reconcile --stage 1 --limit 1000")]
pub(crate) struct ReconcileCommand {
    /// Only this stage.
    #[arg(long, value_name = "N", value_parser = crate::cli::values::stage_number)]
    stage: Option<u32>,
    /// Maximum number of records and keys to name per cause.
    #[arg(long, value_name = "N", default_value = "10")]
    limit: usize,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl ReconcileCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        check_stage(project.stages(), self.stage)?;
        let mut store = session.open()?;
        let options = ReconcileOptions::default()
            .stage(self.stage)
            .examples(self.limit)
            .run_info(session.run_info("reconcile", self.reason.as_deref(), &[]))
            .stop(stop_signal(session.screen, "reconcile")?);
        let mut report = reconcile(&mut store, project.stages(), &options, &mut Silent)?;
        let redact = redactions_with(&store, project.stages().iter())?;
        mask(&mut report.stages, project.stages(), &redact);
        let mut text = if report.stages.is_empty() {
            "No applied stage has a reconciliation.\n".to_owned()
        } else {
            report.stages.iter().map(render).collect::<Vec<_>>().join("\n")
        };
        if report.stopped.is_none() && report.is_reconciled() && !report.stages.is_empty() {
            let quarantined = records(&totals(&store, project.name())?);
            text += &format!("\n{}\n", self.end(&report.stages, quarantined));
        }
        let answer = Answer::new(json(&report), text);
        Ok(match &report.stopped {
            Some(stopped) => answer.failed(stopped_early(stopped)),
            None => left_open(session, answer, &report.stages),
        })
    }

    /// Returns the message when nothing is left unexplained: there may still be something to do.
    fn end(&self, stages: &[StageReconciled], quarantined: u64) -> String {
        let results = stages.iter().flat_map(|stage| &stage.reconciliations);
        let causes = results.flat_map(|result| &result.causes);
        let found: BTreeSet<DifferenceCause> = causes.map(|cause| cause.cause).collect();
        let mut open = Vec::new();
        if quarantined > 0 {
            open.push(format!("{} in quarantine", counted(quarantined, "record")));
        }
        if found.contains(&DifferenceCause::NotProcessed) {
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
                DifferenceCause::Unexplained => "the tolerance",
                cause => cause.name(),
            });
            let names: Vec<&str> = names.collect();
            end += &format!("; explained: {}", names.join(", "));
        }
        end
    }
}

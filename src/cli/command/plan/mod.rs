//! `plan`: what `apply` would do.

mod merging;
mod next;
mod render;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use counterfoil::history::UnfinishedPass;
use counterfoil::ledger::PassKind;
use counterfoil::plan::{Pin, PlanOptions, PlanReport, plan};
use serde_json::{Value as Json, json};

use crate::cli::absent::Aggregated;
use crate::cli::alike;
use crate::cli::answer::{Answer, json};
use crate::cli::failure::{Failure, stopped_reading};
use crate::cli::files::beside;
use crate::cli::how_to_apply::HowToApply;
use crate::cli::outcome::of_the_library;
use crate::cli::progress::ProgressDisplay;
use crate::cli::render::bytes;
use crate::cli::session::Session;
use crate::cli::unfinished;
use next::PlanOutput;
use render::PlanSummary;

/// Show what `apply` would do, without writing to the store.
///
/// Runs the same pipeline as `apply`, but only reads the store, without locking it. Results go to a private
/// temporary file, where later stages read them, and are discarded. The exit code is 3 if records would be
/// refused.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil plan\n  counterfoil plan --sample 1000\n  counterfoil plan --out plan.json && \
                  counterfoil apply --plan plan.json"
)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    how: HowToApply,
    /// Try only this many records of each stage, spread evenly over its source.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Maximum number of records to show per stage and per reason for refusal.
    #[arg(long, value_name = "N", default_value = "3")]
    examples: usize,
    /// Show all fields and values of these records in full.
    #[arg(long)]
    full: bool,
    /// Let applied stages continue with their changed meaning, as `apply --revise` does.
    #[arg(long)]
    revise: bool,
    /// Learn the models of merge stages anew, as `apply --relearn` does: shows by how much the result would
    /// differ from what stands.
    #[arg(long)]
    relearn: bool,
    /// Write the plan to a file for `apply --plan FILE`; not available with --sample, which does not show
    /// everything that `apply` would do.
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    out: Option<PathBuf>,
}

impl PlanCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = PlanOptions::default()
            .apply(
                self.how
                    .options(session, &project)?
                    .revise(self.revise)
                    .relearn(self.relearn),
            )
            .sample(self.sample)
            .examples(self.examples)
            .full(self.full);
        let mut progress = ProgressDisplay::new(session.screen).doing("plan");
        let store = session.open_to_read()?;
        session.warn_of_absent_sources(&store, &project)?;
        let report = plan(&store, project.stages(), &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| of_the_library(session, &project, error))?;
        let free = free_bytes(store.path());
        let mut data = json(&report);
        data["growth"] = json!(report.growth());
        data["estimated_us"] = json!(report.estimated_us());
        data["free_bytes"] = json!(free);
        let telling = PlanSummary {
            session,
            project: &project,
            report: &report,
            free,
            full: self.full,
        };
        let text = telling.text();
        if report.stopped.is_some() {
            return Ok(Answer::new(data, text).failed(stopped_reading()));
        }
        let mut answer = Answer::new(data.clone(), text)
            .refused_if(report.refuses() || report.stages.iter().any(|stage| stage.halted > 0));
        answer = answer.warnings(warnings(&report, free));
        for stage in &report.stages {
            let absent = stage
                .aggregate
                .as_ref()
                .map_or(&[][..], |outcome| &outcome.absent);
            let aggregated = Aggregated {
                stage: stage.stage,
                slug: &stage.slug,
                source: &stage.source,
                absent,
            };
            answer = answer.warnings(aggregated.warnings(&store, &project)?);
        }
        if let Some(path) = &self.out {
            write(path, data)?;
        }
        // A pass that `apply` continues is part of the plan.
        let is_planned = |open: &UnfinishedPass| {
            open.kind == PassKind::Apply && open.project.as_deref() == Some(project.name())
        };
        answer = unfinished::warn(session, &store, answer, is_planned)?;
        if report.stages.is_empty() {
            return Ok(answer);
        }
        let planned = PlanOutput {
            report: &report,
            out: self.out.as_deref(),
            revise: self.revise,
        };
        Ok(answer.hint(planned.next(session)))
    }
}

fn warnings(report: &PlanReport, free: Option<u64>) -> Vec<String> {
    let mut warnings: Vec<String> = report
        .cosmetic
        .iter()
        .map(|stage| {
            format!("the text of stage {stage} has changed since it was applied, but not its meaning")
        })
        .collect();
    if report.moved {
        warnings.push("the store changed while the plan was made; `apply --plan` will refuse it".to_owned());
    }
    warnings.extend(report.stages.iter().filter_map(alike::planned));
    let growth = report.growth();
    if let Some(free) = free.filter(|free| growth > *free) {
        let (growth, free) = (bytes(growth), bytes(free));
        warnings.push(format!(
            "the store would grow by about {growth}, but only {free} are free on the disk"
        ));
    }
    warnings
}

/// Writes the plan, replacing an earlier one; no other file is overwritten.
fn write(path: &Path, mut data: Json) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(
            "plan.unwritable",
            format!("{}: {error}", path.display()),
            "the store is unchanged; name another file",
        )
    };
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        let message = format!("{} is not a regular file", path.display());
        return Err(Failure::usage("plan.exists", message, "name a new file"));
    }
    match std::fs::read_to_string(path) {
        Ok(text) if Pin::parse(&text).is_err() => {
            let message = format!("{} already exists and is not a plan", path.display());
            return Err(Failure::usage("plan.exists", message, "name a new file"));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let pin = data["pin"].take();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("pin");
    }
    let pin: Pin = serde_json::from_value(pin).expect("a plan has its pin");
    // Under another name first, so that the file always holds a whole plan, the new or the earlier one.
    let finished = beside(path).and_then(|mut part| {
        part.write_all(pin.to_file(&data).as_bytes())?;
        part.as_file().sync_all()?;
        part.persist(path).map_err(|error| error.error)
    });
    finished.map(drop).map_err(failed)
}

/// Returns the free bytes on the disk of a file for this user; `None` if unknown.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(path).ok()?;
    room.f_bavail.checked_mul(room.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

//! `apply`: brings every stage up to date.

mod rehearsal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use counterfoil::history::UnfinishedPass;
use counterfoil::plan::Pin;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::how_to_apply::HowToApply;
use crate::cli::limits::LimitArguments;
use crate::cli::outcome::{CommandOutcome, QuarantineSummary, of_the_library};
use crate::cli::progress::ProgressDisplay;
use crate::cli::session::Session;
use crate::cli::unfinished;
use crate::cli::values::duration;
use rehearsal::rehearsed;

/// Run pending stages, and process new and changed records through the stages already applied.
///
/// After any interruption, run the same command again: it continues from the last committed batch. Refused
/// records go to quarantine; if more are refused than allowed, the command stops with exit code 6. The first
/// Ctrl-C finishes the current batch, the second undoes it.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil apply\n  counterfoil apply --to 2 --max-time 30m --reason \"nightly window\""
)]
pub(crate) struct Apply {
    #[command(flatten)]
    how: HowToApply,
    /// Run only if stages and data still match this plan, written by `plan --out FILE`; otherwise exit with
    /// 5.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Rehearse on a private copy of the store: apply, verify, roll back, and compare the copy with the
    /// store. The store is left unchanged, and nothing is signed.
    #[arg(long)]
    rehearse: bool,
    /// Stop after the current batch when this much time has passed: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Pause this long after every batch, to leave the machine to other programs: 50ms, 1s.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pause: Option<Duration>,
    /// Let applied stages continue with their changed meaning, for records not yet processed; a stage that aggregates makes
    /// all its windows again.
    #[arg(long, requires = "reason")]
    revise: bool,
    /// Learn the models of merge stages anew, and judge all of their records by them.
    #[arg(long)]
    relearn: bool,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Apply {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let plan = self.plan.as_deref().map(read_plan).transpose()?;
        let options = self
            .how
            .options(session, &project)?
            .max_time(self.max_time)
            .revise(self.revise)
            .relearn(self.relearn)
            .plan(plan)
            .run_info(session.run_info("apply", self.reason.as_deref(), &[]));
        let pause = self.pause.unwrap_or_default();
        let mut progress = ProgressDisplay::new(session.screen).pausing(pause, &options.stop);
        let limits = LimitArguments {
            max_errors: options.max_errors,
            on_error: options.on_error,
        };
        if self.rehearse {
            return rehearsed(session, &project, &options, limits, progress);
        }
        let mut store = session.open_or_create()?;
        session.warn_of_absent_sources(&store, &project)?;
        let report = counterfoil::apply::apply(&mut store, project.stages(), &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| of_the_library(session, &project, error))?;
        let outcome = CommandOutcome {
            session,
            store: &store,
            project: &project,
            report: &report,
            left: QuarantineSummary::new(&store, &project, &report)?,
            limits,
            progress: &progress,
        };
        let answer = outcome.answer()?;
        let is_own = |open: &UnfinishedPass| report.passes.iter().any(|pass| pass.pass == open.pass);
        unfinished::warn(session, &store, answer, is_own)
    }
}

/// Reads the pin of a plan's file.
fn read_plan(path: &Path) -> Result<Pin, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::usage(
            "plan.unreadable",
            message,
            "create it with `counterfoil plan --out FILE`",
        )
    })?;
    Ok(Pin::parse(&text)?)
}

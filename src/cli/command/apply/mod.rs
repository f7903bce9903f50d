//! `apply`: bring every stage up to date.

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

/// Runs every stage that is pending, and carries what came since through those that ran before.
///
/// After an interruption of any kind the same command goes on from the last committed batch. Refused records go to
/// quarantine; where more are refused than allowed, it stops with exit code 6. The first Ctrl-C finishes the batch at
/// hand, the second undoes it.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil apply\n  counterfoil apply --to 2 --max-time 30m --reason \"nightly window\""
)]
pub(crate) struct Apply {
    #[command(flatten)]
    how: HowToApply,
    /// Refuses (exit code 5) unless stages and data are still those of this plan, made by `plan --out FILE`.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Does it all on a private copy of the store, verifies, rolls back and compares the copy with the store, which stays
    /// as it is. Nothing is signed.
    #[arg(long)]
    rehearse: bool,
    /// Stops after the batch at hand when so much time is over: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Rests so long after every batch, for other programs on the machine: 50ms, 1s.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pause: Option<Duration>,
    /// Lets applied stages go on with their changed meaning: it applies to records that are not carried through yet.
    #[arg(long, requires = "reason")]
    revise: bool,
    /// Why, for the ledger.
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
            .plan(plan)
            .purpose(session.purpose("apply", self.reason.as_deref(), &[]));
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

/// What a plan's file pins.
fn read_plan(path: &Path) -> Result<Pin, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::usage(
            "plan.unreadable",
            message,
            "make it with `counterfoil plan --out FILE`",
        )
    })?;
    Ok(Pin::parse(&text)?)
}

//! `apply`: bring every stage up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use counterfoil::apply::ApplyOptions;
use counterfoil::plan::Pin;
use counterfoil::project::Project;
use counterfoil::stage::{MaxErrors, Stage};

use super::answer::Answer;
use super::failure::Failure;
use super::outcome::{Limits, of_stages, of_the_library};
use super::progress::Progress;
use super::session::Session;
use super::signals::stop_signal;
use super::test::no_stage;
use super::values::{OnErrorChoice, duration, max_errors, stage_number};

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

/// What `apply` and `plan` have in common.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct HowToApply {
    /// The last stage to bring up to date; all unless given.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    to: Option<u32>,
    /// The most records in a batch; 5,000 unless the settings say otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_size: Option<u32>,
    /// What happens when a record is refused, whatever the stages say.
    #[arg(long, value_enum, value_name = "WHAT")]
    on_error: Option<OnErrorChoice>,
    /// How many records may be refused, whatever the stages say: a count, or a share such as 0.5%.
    #[arg(long, value_name = "N|N%", value_parser = max_errors)]
    max_errors: Option<MaxErrors>,
}

impl HowToApply {
    /// The options so far.
    pub(crate) fn options(&self, session: &Session<'_>, project: &Project) -> Result<ApplyOptions, Failure> {
        if let Some(number) = self.to.filter(|number| project.stages().get(*number).is_none()) {
            return Err(no_stage(project.stages().iter().map(Stage::number), number));
        }
        Ok(ApplyOptions {
            to: self.to,
            batch_size: self.batch_size.map(|size| size as usize),
            on_error: self.on_error.map(Into::into),
            max_errors: self.max_errors,
            stop: stop_signal(*session.screen)?,
            ..ApplyOptions::default()
        })
    }
}

impl Apply {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = ApplyOptions {
            max_time: self.max_time,
            revise: self.revise,
            plan: self.plan.as_deref().map(read_plan).transpose()?,
            purpose: session.purpose("apply", self.reason.as_deref(), &[]),
            ..self.how.options(session, &project)?
        };
        let pause = self.pause.unwrap_or_default();
        let mut progress = Progress::new(*session.screen).pausing(pause, &options.stop);
        let mut store = session.open_or_create()?;
        let report = counterfoil::apply::apply(&mut store, project.stages(), &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| of_the_library(session, &project, error))?;
        let limits = Limits {
            max_errors: options.max_errors,
            on_error: options.on_error,
        };
        of_stages(session, &store, &project, &report, limits, &progress)
    }
}

/// What a plan's file pins.
fn read_plan(path: &Path) -> Result<Pin, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::usage("plan.unreadable", message, "make it with `counterfoil plan --out FILE`")
    })?;
    Ok(Pin::parse(&text)?)
}

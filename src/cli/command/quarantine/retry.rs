//! `quarantine retry`: processes refused records with their stages again.

use std::time::Duration;

use counterfoil::apply::ApplyOptions;
use counterfoil::quarantine::{QuarantineCount, Quarantined, Selected, retry};
use counterfoil::store::Store;

use super::choice::Choice;
use super::mending::mend;
use crate::cli::answer::Answer;
use crate::cli::failure::{Failure, check_stage};
use crate::cli::limits::LimitArguments;
use crate::cli::outcome::{CommandOutcome, QuarantineSummary, of_the_library};
use crate::cli::progress::ProgressDisplay;
use crate::cli::render::counted;
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;
use crate::cli::values::duration;

/// Run refused records through their stage again, and through every later applied stage.
///
/// Records are read from their source as it is now: first correct them with a new load, or revise the stage.
/// Afterwards, other records that wait for a stage are processed too, as by `apply`; --stage, --code, --id
/// and --record select only the records to retry.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil quarantine retry --stage 1")]
pub(super) struct Retry {
    #[command(flatten)]
    choice: Choice,
    /// Let the stage continue with its changed meaning.
    #[arg(long, requires = "reason")]
    revise: bool,
    /// Stop after the current batch when this much time has passed: 30s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_time: Option<Duration>,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Retry {
    pub(super) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = ApplyOptions::default()
            .max_time(self.max_time)
            .revise(self.revise)
            .run_info(session.run_info("quarantine retry", self.reason.as_deref(), &self.choice.ids()))
            .stop(stop_signal(session.screen, "quarantine")?);
        let mut store = session.open()?;
        let mut progress = ProgressDisplay::new(session.screen);
        let selected = self.choice.found(&store, project.name())?;
        check_stage(project.stages(), self.choice.stage)?;
        self.choice.exists(session, &store, project.name())?;
        let QuarantineCount {
            records: of_stages_before,
            lines,
        } = store.quarantined_count(project.name(), &selected)?;
        let line = first_line(&store, project.name(), &selected)?.filter(|_| lines > 0);
        let report = retry(&mut store, project.stages(), &selected, &options, &mut progress);
        progress.finish();
        let mended = line
            .as_ref()
            .map(|line| mend(session, &store, line))
            .transpose()?;
        let report = report.map_err(|error| {
            let failure = of_the_library(session, &project, error);
            match (&mended, &line) {
                (Some(mended), Some(line)) if of_stages_before == 0 => {
                    let waive = format!("quarantine waive --record {} --reason TEXT", line.record);
                    let waive = session.command(&waive);
                    failure.hint(format!(
                        "{mended}; it leaves quarantine when it passes, or {waive} waives it"
                    ))
                }
                _ => failure,
            }
        })?;
        let outcome = CommandOutcome {
            session,
            store: &store,
            project: &project,
            report: &report,
            left: QuarantineSummary::new(&store, &project, &report)?,
            limits: LimitArguments::default(),
            progress: &progress,
        };
        let mut answer = outcome.answer()?;
        if let Some(mended) = mended {
            let many = counted(lines, "input line");
            answer = answer.warnings([format!("{many} rejected by `load` cannot be retried: {mended}")]);
        }
        Ok(answer)
    }
}

/// The first line of the selected ones that a load has refused.
fn first_line(store: &Store, project: &str, selected: &Selected) -> Result<Option<Quarantined>, Failure> {
    let mut first = None;
    store.each_quarantined(project, selected, usize::MAX, |refused| {
        first = Some(refused).filter(|refused| refused.stage.is_none());
        Ok(first.is_none())
    })?;
    Ok(first)
}

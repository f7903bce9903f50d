//! `apply`: bring every stage up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use counterfoil::Stopped;
use counterfoil::apply::ApplyOptions;
use counterfoil::history::UnfinishedPass;
use counterfoil::plan::Pin;
use counterfoil::project::Project;
use counterfoil::rehearse::{Difference, Rehearsal, rehearse};
use counterfoil::stage::{MaxErrors, Stage};

use super::answer::{Answer, Exit, json};
use super::failure::Failure;
use super::outcome::{Left, Limits, of_stages, of_the_library, stopped_reading};
use super::progress::Progress;
use super::render::{counted, green};
use super::session::Session;
use super::signals::{commits_nothing, stop_signal};
use super::test::no_stage;
use super::unfinished;
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
            stop: stop_signal(*session.screen, "apply")?,
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
        let limits = Limits {
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
        let left = Left::of(&store, &project, &report)?;
        let answer = of_stages(session, &store, &project, &report, left, limits, &progress)?;
        let is_own = |open: &UnfinishedPass| report.passes.iter().any(|pass| pass.pass == open.pass);
        unfinished::warn(session, &store, answer, is_own)
    }
}

/// Applies on a copy in the system's folder for temporary files, and tells what came of it.
fn rehearsed(
    session: &Session<'_>,
    project: &Project,
    options: &ApplyOptions,
    limits: Limits,
    progress: Progress,
) -> Result<Answer, Failure> {
    let mut progress = progress.doing("rehearse");
    commits_nothing();
    let store = session.open_to_read()?;
    let folder = tempfile::Builder::new()
        .prefix("counterfoil-rehearsal-")
        .tempdir()
        .map_err(|error| {
            let message = format!("there is no place for a copy of the store: {error}");
            Failure::new(Exit::Failed, "rehearsal.folder", message)
                .hint("name a folder that has room for it with the variable TMPDIR")
        })?;
    super::signals::remove_in_any_case(folder.path());
    session.warn_of_absent_sources(&store, project)?;
    let rehearsal = rehearse(&store, project.stages(), options, folder.path(), &mut progress);
    progress.finish();
    let was_stopped = match &rehearsal {
        Ok(done) => matches!(done.applied.stopped, Some(Stopped::Asked)) || !done.is_sound(),
        Err(_) => true,
    };
    if was_stopped && options.stop.is_asked() {
        return Err(stopped_reading());
    }
    let rehearsal = rehearsal.map_err(|error| of_the_library(session, project, error))?;
    let left = Left {
        totals: rehearsal.quarantine.clone(),
        passes: rehearsal.refusing.clone(),
    };
    let mut answer = of_stages(
        session,
        &store,
        project,
        &rehearsal.applied,
        left,
        limits,
        &progress,
    )?;
    answer.hints.clear();
    if let (Some(Stopped::Time), Some(failure)) = (&rehearsal.applied.stopped, &mut answer.failure) {
        "the time is up; nothing was changed".clone_into(&mut failure.message);
        failure.hint = Some("the same command begins again; give it more time".to_owned());
    }
    answer.text += &format!("\n{}", told(&rehearsal));
    answer.data["rehearsal"] = serde_json::json!({
        "verified": json(&rehearsal.verified),
        "rolled_back": json(&rehearsal.rolled_back),
        "compared": json(&rehearsal.compared),
    });
    if rehearsal.is_sound() {
        return Ok(answer);
    }
    let message = "the rehearsal failed: its copy was not sound, or not as the store after the rollback";
    Ok(answer.failed(
        Failure::new(Exit::Unsound, "rehearsal.failed", message)
            .hint("do not apply; `counterfoil verify` tells whether the store itself is sound"),
    ))
}

fn told(rehearsal: &Rehearsal) -> String {
    let compared = &rehearsal.compared;
    let mut text = format!("{} on a copy; the store is as it was\n", green("rehearsed:"));
    let verified = &rehearsal.verified;
    if verified.is_sound() {
        text += &format!(
            "  verified: {} and {} are as the ledger says\n",
            counted(verified.rows, "record"),
            counted(verified.entries, "stub")
        );
    } else {
        text += &format!("  verified: {} wrong\n", counted(verified.problems, "thing"));
        text.extend(
            verified
                .findings
                .iter()
                .map(|finding| format!("    {}\n", finding.message)),
        );
    }
    let stubs = rehearsal.rolled_back.as_ref().map_or(0, |back| back.counts.read);
    text += &format!("  rolled back: {}\n", counted(stubs, "stub"));
    let equal = |difference: &Difference| {
        format!(
            "    {} from record {} on\n",
            difference.database, difference.record
        )
    };
    text += &match compared.differences.as_slice() {
        [] => format!(
            "  compared: {} in {} as before\n",
            counted(compared.records, "record"),
            counted(compared.databases, "database")
        ),
        differences => format!(
            "  compared: {} not as before\n{}",
            counted(differences.len() as u64, "database"),
            differences.iter().map(equal).collect::<String>()
        ),
    };
    if !compared.resumed.is_empty() {
        text += "  not compared: what a run before this one had begun to write, and the rollback takes back as a whole\n";
    }
    text
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

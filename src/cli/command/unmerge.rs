//! `unmerge`: takes members out of their golden record.

use counterfoil::review::{Unmerge, UnmergeConflict, UnmergeOptions, UnmergeReport, unmerge};
use counterfoil::rollback::{Conflict, RollbackOptions, RollbackScope, rollback};
use serde_json::json;

use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::missing::missing_record;
use crate::cli::progress::ProgressDisplay;
use crate::cli::render::{counted, shown, yellow};
use crate::cli::session::Session;
use crate::cli::shown_ids::ShownIds;
use crate::cli::signals::stop_signal;
use crate::cli::values::stage_number;

/// Take members out of a golden record, for good.
///
/// Each becomes the golden record that it was before it was merged, and no later `apply` merges it with the others again
/// until a person accepts the pair. In the target of a merge, ID is a golden record, and all its members part unless
/// --member names those that leave. In the source, ID is the member that leaves.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil unmerge people 5e0c2b7a-... --reason \"two patients\"\n  counterfoil unmerge people 5e0c2b7a-... --member A:4711 --reason \"not his file\"\n  counterfoil unmerge register A:4711 --reason \"not his file\"\n  counterfoil unmerge people --all --yes --reason \"wrong thresholds\""
)]
pub(crate) struct UnmergeCommand {
    /// The target of a merge stage, or its source.
    #[arg(value_name = "DATABASE")]
    database: String,
    /// Golden records in the target, or members in the source.
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// Only this member leaves; can be given several times.
    #[arg(long = "member", value_name = "ID", conflicts_with = "all")]
    members: Vec<String>,
    /// Roll the whole merge stage back: nothing is decided, and the next `apply` merges again. Needs --yes.
    #[arg(long, conflicts_with = "ids", requires = "yes")]
    all: bool,
    /// Take everything apart without confirmation.
    #[arg(long, requires = "all")]
    yes: bool,
    /// Stage that merges; needed only if several merge into or from the database.
    #[arg(long, value_name = "N", value_parser = stage_number)]
    stage: Option<u32>,
    /// What to do about golden records that were changed by hand, or whose members were changed, since.
    #[arg(long, value_enum, default_value = "abort", value_name = "POLICY")]
    on_conflict: ConflictChoice,
    /// Reason to record in the ledger.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What happens to golden records that have changed since.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ConflictChoice {
    /// Change nothing.
    Abort,
    /// Leave those golden records unchanged.
    Skip,
    /// Take them apart anyway; the ledger keeps their current data.
    Force,
}

impl From<ConflictChoice> for UnmergeConflict {
    fn from(choice: ConflictChoice) -> Self {
        match choice {
            ConflictChoice::Abort => Self::Abort,
            ConflictChoice::Skip => Self::Skip,
            ConflictChoice::Force => Self::Force,
        }
    }
}

impl UnmergeCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        if self.all {
            return self.roll_back(session);
        }
        let project = session.project()?;
        let mut store = session.open()?;
        let what = Unmerge::new(self.database.clone(), self.ids.iter().cloned())
            .members(self.members.iter().cloned())
            .stage(self.stage);
        let ids: Vec<&str> = self.ids.iter().chain(&self.members).map(String::as_str).collect();
        let options = UnmergeOptions::default()
            .on_conflict(self.on_conflict.into())
            .run_info(session.run_info("unmerge", Some(&self.reason), &ids))
            .stop(stop_signal(session.screen, "unmerge")?);
        let ids_shown = ShownIds::new(session, &store)?;
        let mut progress = ProgressDisplay::new(session.screen);
        let report = unmerge(&mut store, project.stages(), &what, &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| match error {
            counterfoil::Error::RollbackConflict { count, first, .. } => {
                has_changed(&ids_shown, count, *first)
            }
            other => missing_record(session, &store, other),
        });
        let mut report = report?;
        let mut text = summary(&report);
        for left in &mut report.left {
            *left = shown_conflict(&ids_shown, left.clone());
            text += &format!("{} {}\n", yellow("left:"), shown(&left.to_string()));
        }
        let mut data = json(&report);
        data["database"] = json!(self.database);
        let refused = report.pass.as_ref().is_some_and(|pass| pass.counts.refused > 0);
        let mut answer = Answer::new(data, text).refused_if(refused);
        if report.stopped.is_some() {
            let message = "stopped before all of them were taken apart";
            let failure = Failure::new(Exit::Stopped, "unmerge.stopped", message);
            return Ok(answer.failed(failure.hint("`counterfoil apply` takes the rest apart")));
        }
        if report.run.is_some() {
            answer = answer.hint(format!(
                "{} brings later stages up to date",
                session.command("apply")
            ));
        }
        if !report.left.is_empty() {
            answer = answer.hint("--on-conflict force takes apart what was left");
        }
        Ok(answer)
    }

    /// Rolls the stage back.
    fn roll_back(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let what = Unmerge::new(self.database.clone(), []).stage(self.stage);
        let number = what.stage_of(project.stages())?.number();
        if matches!(self.on_conflict, ConflictChoice::Skip) {
            return Err(Failure::usage(
                "unmerge.skip",
                "with --all, golden records that are skipped would be left without their members",
                "restore them first, or let --on-conflict force take them apart; the ledger keeps what they are now",
            ));
        }
        let mut store = session.open()?;
        let options = RollbackOptions::default()
            .scope(RollbackScope::Stage(number))
            .on_conflict(match self.on_conflict {
                ConflictChoice::Abort | ConflictChoice::Skip => counterfoil::rollback::ConflictPolicy::Abort,
                ConflictChoice::Force => counterfoil::rollback::ConflictPolicy::Force,
            })
            .run_info(session.run_info("unmerge", Some(&self.reason), &[]))
            .stop(stop_signal(session.screen, "unmerge")?);
        let ids_shown = ShownIds::new(session, &store)?;
        let mut progress = ProgressDisplay::new(session.screen);
        let report = rollback(&mut store, project.name(), &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| match error {
            counterfoil::Error::RollbackConflict { count, first, .. } => {
                has_changed(&ids_shown, count, *first)
            }
            other => other.into(),
        })?;
        let text = if report.undone.is_empty() {
            format!("Stage {number} has merged nothing.\n")
        } else {
            format!("Took every golden record of stage {number} apart. Decisions about pairs stand.\n")
        };
        let answer = Answer::new(json(&report), text).refused_if(report.counts.refused > 0);
        Ok(answer.hint(format!(
            "{} merges again, by the decisions that stand",
            session.command("apply")
        )))
    }
}

/// A conflict with an id that may be shown.
fn shown_conflict(ids: &ShownIds, conflict: Conflict) -> Conflict {
    let id = conflict.id.map(|id| ids.shown(Some(&conflict.database), id));
    Conflict { id, ..conflict }
}

/// Why nothing was taken apart.
fn has_changed(ids: &ShownIds, count: u64, first: Conflict) -> Failure {
    let first = shown_conflict(ids, first);
    let verb = if count == 1 { "has" } else { "have" };
    let message = format!(
        "{} {verb} changed since they were merged; the first is {first}",
        counted(count, "record")
    );
    Failure::new(Exit::Conflict, "unmerge.conflict", message).hint(
        "bring the golden records up to date first, with `counterfoil apply`, or restore what was changed by hand; with \
         --on-conflict skip they are left, with --on-conflict force they are taken apart as they are now",
    )
}

/// `Took 1 golden record apart: 1 member left it, never to be merged with the others again (run 7).`
fn summary(report: &UnmergeReport) -> String {
    let Some(run) = report.run else {
        return "Nothing was taken apart.\n".to_owned();
    };
    let goldens = counted(report.golden.len() as u64, "golden record");
    let members = counted(report.members.len() as u64, "member");
    let pairs = counted(report.never, "pair");
    let refused = report.pass.as_ref().map_or(0, |pass| pass.counts.refused);
    if report.stopped.is_some() {
        return format!("Decided {pairs} never to be merged again (run {run}).\n");
    }
    if refused > 0 {
        return format!(
            "Decided {pairs} never to be merged again (run {run}), but {} of {goldens} {} refused: these golden records stay \
             as they are until that is corrected. `counterfoil quarantine list` shows why.\n",
            counted(refused, "record"),
            if refused == 1 { "is" } else { "are" }
        );
    }
    format!("Took {goldens} apart: {members} parted, {pairs} never to be merged again (run {run}).\n")
}

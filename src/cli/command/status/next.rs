//! What to do next.

use counterfoil::history::{self, FileState, StageStatus};
use counterfoil::ledger::{PassKind, StageState};
use counterfoil::stage::{OnError, Stage, Stages};

use crate::cli::limits::{after_the_contract, after_the_limit};
use crate::cli::render::{count, counted};
use crate::cli::session::Session;
use crate::cli::unfinished;

/// What to do next, the most pressing first.
pub(super) fn next(
    session: &Session<'_>,
    files: &Stages,
    status: &history::Status,
    obstacle: Option<String>,
) -> Option<String> {
    let any = |wanted: fn(&StageStatus) -> bool| status.stages.iter().find(|stage| wanted(stage));
    if let Some(stage) = any(|stage| stage.file == FileState::Missing) {
        return Some(format!(
            "the file of stage {} is missing: {} shows how to restore it",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(stage) = any(|stage| stage.file == FileState::Drifted) {
        return Some(format!(
            "stage {} has changed since it was applied: {} shows the difference",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(stage) = any(|stage| stage.file == FileState::OtherLanguage) {
        return Some(format!(
            "stage {} was applied in an earlier version of the stage language, which reads parts of it \
             differently (docs/language.md): {} shows how to continue",
            stage.number,
            session.command("apply")
        ));
    }
    if let Some(running) = status.unfinished.iter().find_map(|pass| pass.running.as_ref()) {
        return Some(format!("wait for the running command ({running})"));
    }
    let open = |kind: PassKind| status.unfinished.iter().find(|pass| pass.kind == kind);
    if let Some(rollback) = open(PassKind::Rollback) {
        return Some(format!(
            "a rollback was interrupted: {} continues it",
            session.command_line(&rollback.go_on)
        ));
    }
    if let Some(load) = open(PassKind::Load) {
        return Some(unfinished::render(session, load));
    }
    if obstacle.is_some() {
        return obstacle;
    }
    if let Some(stage) = any(|stage| stage.state == StageState::Unreconciled) {
        let reconcile = session.command(&format!("reconcile --stage {}", stage.number));
        return Some(format!(
            "stage {} has unexplained differences: {reconcile} lists them",
            stage.number
        ));
    }
    if let Some(stage) = any(|stage| stage.state == StageState::Applying) {
        return Some(of_open_stage(session, files, status, stage));
    }
    if status.databases.is_empty() {
        return Some(session.command("load DATABASE FILE"));
    }
    if any(|stage| stage.waiting > 0 || stage.state == StageState::Pending).is_some() {
        return Some(session.command("apply"));
    }
    if any(|stage| stage.quarantined > 0).is_some() || status.rejected_lines > 0 {
        return Some(session.command("quarantine list"));
    }
    None
}

/// Returns how to continue a stage that has begun and not ended.
fn of_open_stage(
    session: &Session<'_>,
    files: &Stages,
    status: &history::Status,
    stage: &StageStatus,
) -> String {
    let file = files.get(stage.number);
    let stops_at_once = file.is_some_and(|file| file.on_error() == OnError::Stop);
    let allowed = file.map(|file| allowed(file, stage, status));
    let counting = stage.quarantined.saturating_sub(stage.excused);
    if let Some(allowed) = allowed.filter(|allowed| counting > *allowed) {
        return format!(
            "stage {} refused {}, but its limit allows {}: {}",
            stage.number,
            counted(counting, "record"),
            count(allowed),
            after_the_limit(
                session,
                stops_at_once,
                file.is_some_and(|file| file.merge().is_some())
            )
        );
    }
    if stage.halted > 0 {
        return format!(
            "the contract of stage {} allows no refused records, but refused {}: {}",
            stage.number,
            counted(stage.halted, "record"),
            after_the_contract(session)
        );
    }
    format!(
        "stage {} was interrupted: {} continues it",
        stage.number,
        session.command("apply")
    )
}

/// Returns how many refusals a stage's own limit allows, by the source count of the apply that began it.
fn allowed(file: &Stage, stage: &StageStatus, status: &history::Status) -> u64 {
    if file.on_error() == OnError::Stop {
        return 0;
    }
    let databases = status.databases.iter();
    let in_source = databases
        .filter(|database| database.name == stage.source)
        .map(|database| database.records)
        .sum::<u64>();
    let taken_out = if file.in_place() { stage.quarantined } else { 0 };
    file.max_errors().of(in_source + taken_out)
}

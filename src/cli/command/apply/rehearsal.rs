//! `apply --rehearse`: all of it on a copy of the store.

use counterfoil::Stopped;
use counterfoil::apply::ApplyOptions;
use counterfoil::project::Project;
use counterfoil::rehearse::{Difference, Rehearsal, rehearse};

use crate::cli::answer::{Answer, json};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, stopped_reading};
use crate::cli::limits::LimitArguments;
use crate::cli::outcome::{CommandOutcome, QuarantineSummary, of_the_library};
use crate::cli::progress::ProgressDisplay;
use crate::cli::render::{counted, green};
use crate::cli::session::Session;
use crate::cli::signals::{commits_nothing, remove_in_any_case};

/// Applies on a copy in the system's folder for temporary files, and reports the result.
pub(super) fn rehearsed(
    session: &Session<'_>,
    project: &Project,
    options: &ApplyOptions,
    limits: LimitArguments,
    progress: ProgressDisplay,
) -> Result<Answer, Failure> {
    let mut progress = progress.doing("rehearse");
    commits_nothing();
    let store = session.open_to_read()?;
    let folder = tempfile::Builder::new()
        .prefix("counterfoil-rehearsal-")
        .tempdir()
        .map_err(|error| {
            let message = format!("cannot create a copy of the store: {error}");
            Failure::new(Exit::Failed, "rehearsal.folder", message)
                .hint("set TMPDIR to a folder with enough space")
        })?;
    remove_in_any_case(folder.path());
    session.warn_of_absent_sources(&store, project)?;
    let rehearsal = rehearse(&store, project.stages(), folder.path(), options, &mut progress);
    progress.finish();
    let was_stopped = match &rehearsal {
        Ok(done) => matches!(done.applied.stopped, Some(Stopped::Asked)) || !done.is_sound(),
        Err(_) => true,
    };
    if was_stopped && options.stop.is_asked() {
        return Err(stopped_reading());
    }
    let rehearsal = rehearsal.map_err(|error| of_the_library(session, project, error))?;
    let outcome = CommandOutcome {
        session,
        store: &store,
        project,
        report: &rehearsal.applied,
        left: QuarantineSummary {
            totals: rehearsal.quarantine.clone(),
            passes: rehearsal.refusing.clone(),
        },
        limits,
        progress: &progress,
    };
    let mut answer = outcome.answer()?;
    answer.hints.clear();
    if let (Some(Stopped::Time), Some(failure)) = (&rehearsal.applied.stopped, &mut answer.failure) {
        "stopped at the time limit; nothing was changed".clone_into(&mut failure.message);
        failure.hint = Some("run the same command again with more time".to_owned());
    }
    answer.text += &format!("\n{}", render(&rehearsal));
    answer.data["rehearsal"] = serde_json::json!({
        "verified": json(&rehearsal.verified),
        "rolled_back": json(&rehearsal.rolled_back),
        "compared": json(&rehearsal.compared),
    });
    if rehearsal.is_sound() {
        return Ok(answer);
    }
    let message =
        "the rehearsal failed: the copy does not verify, or differs from the store after the rollback";
    Ok(answer.failed(
        Failure::new(Exit::Unsound, "rehearsal.failed", message)
            .hint("do not apply; `counterfoil verify` checks the store itself"),
    ))
}

fn render(rehearsal: &Rehearsal) -> String {
    let compared = &rehearsal.compared;
    let mut text = format!("{} on a copy; the store is unchanged\n", green("rehearsed:"));
    let verified = &rehearsal.verified;
    if verified.is_sound() {
        text += &format!(
            "  verified: {} and {} match the ledger\n",
            counted(verified.rows, "record"),
            counted(verified.entries, "entry")
        );
    } else {
        text += &format!("  verified: {}\n", counted(verified.problems, "finding"));
        text.extend(
            verified
                .findings
                .iter()
                .map(|finding| format!("    {}\n", finding.message)),
        );
    }
    let entries = rehearsal.rolled_back.as_ref().map_or(0, |back| back.counts.read);
    text += &format!("  rolled back: {}\n", counted(entries, "entry"));
    let equal =
        |difference: &Difference| format!("    {} from record {}\n", difference.database, difference.record);
    text += &match compared.differences.as_slice() {
        [] => format!(
            "  compared: {} in {} identical\n",
            counted(compared.records, "record"),
            counted(compared.databases, "database")
        ),
        differences => format!(
            "  compared: {} different\n{}",
            counted(differences.len() as u64, "database"),
            differences.iter().map(equal).collect::<String>()
        ),
    };
    if !compared.resumed.is_empty() {
        text += "  not compared: passes that an earlier run began, which the rollback undoes as a whole\n";
    }
    text
}

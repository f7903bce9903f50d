//! `backup` and `restore`: everything of a project, together.

use std::path::PathBuf;

use counterfoil::Error;
use counterfoil::backup::{Manifest, backup, check};
use counterfoil::observe::StopSignal;
use counterfoil::project::{PROJECT_FILE, Project};
use serde_json::json;

use super::answer::{Answer, Exit};
use super::failure::Failure;
use super::render::{bytes, count, counted, short, shown};
use super::session::Session;
use super::signals::stop_signal;

/// Copies the store, its checkpoints, the stage files and the settings to a folder, as they are together.
///
/// Others may write meanwhile: the store is as it was after one commit. Where the files change meanwhile it is begun anew,
/// a few times. The signing key is not copied; keep it elsewhere.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil backup ../backups/2024-06-30")]
pub(crate) struct Backup {
    /// A folder that is not there yet, or is empty.
    folder: PathBuf,
}

/// Checks a backup, and puts it into the project's folder.
///
/// Every file is compared with its hash and the whole store is verified before anything is written. Nothing that is there
/// is written over, except empty files. After a kill the same command again goes on.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil -C orders restore ../backups/2024-06-30\n  counterfoil restore ../backups/2024-06-30 --check"
)]
pub(crate) struct Restore {
    /// The folder that `backup` has made.
    folder: PathBuf,
    /// Checks the backup and writes nothing.
    #[arg(long)]
    check: bool,
}

impl Backup {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let is_project = !session.project_files()?.is_empty();
        let project = is_project.then(|| session.folder());
        let made = backup(&store, project, &self.folder).map_err(|error| match &error {
            Error::Stage { problems } if problems.iter().all(|problem| problem.code == "backup.changed") => {
                changed(error)
            }
            _ => error.into(),
        })?;
        let text = format!(
            "Backed up {} to {}: {}.\n",
            told(&made),
            shown(&self.folder.display().to_string()),
            counted(made.files.len() as u64, "file")
        );
        let data = json!({ "folder": self.folder.display().to_string(), "backup": made });
        Ok(Answer::new(data, text))
    }
}

impl Restore {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let stop = stop_signal(*session.screen, "restore")?;
        let failed = |error| stopped_or(error, &stop);
        let checked = check(&self.folder, &stop).map_err(failed)?;
        let told = told(&checked.manifest);
        let data = json!({ "restored": !self.check, "backup": checked.manifest });
        if self.check {
            return Ok(Answer::new(data, format!("Sound: {told}.\n")));
        }
        let has_settings = checked
            .manifest
            .files
            .iter()
            .any(|file| file.name == PROJECT_FILE);
        let name = if has_settings {
            Project::settings_of(&self.folder)?.store
        } else {
            PathBuf::from(&checked.manifest.store)
        };
        let store = session.store_or(&name).ok_or_else(|| {
            let message = format!(
                "the settings of the backup name a store outside of its project, `{}`",
                name.display()
            );
            Failure::usage(
                "restore.store",
                message,
                "say where it shall be with --store FILE",
            )
        })?;
        checked.restore(session.folder(), &store, &stop).map_err(failed)?;
        let text = format!("Restored {told} to {}.\n", shown(&store.display().to_string()));
        let next = format!("{} shows where it stands", session.command("status"));
        Ok(Answer::new(data, text).hint(next))
    }
}

/// The files of the project do not come to rest.
fn changed(error: Error) -> Failure {
    let mut failure = Failure::from(error);
    failure.exit = Exit::Failed;
    failure.code = "backup.changed";
    let hint = "there is no backup, and nothing is left of it: the same command again, when nobody changes the files";
    failure.hint(hint)
}

/// What ends because it was asked to has not failed.
fn stopped_or(error: Error, stop: &StopSignal) -> Failure {
    let mut failure = Failure::from(error);
    if stop.is_asked() && failure.message.starts_with("stopped as you asked") {
        failure.exit = Exit::Stopped;
        failure.code = "stopped.asked";
    }
    failure
}

/// A backup in words.
fn told(backup: &Manifest) -> String {
    let size: u64 = backup.files.iter().map(|file| file.bytes).sum();
    format!(
        "{} batches (tree size {}, root {}, {})",
        count(backup.batches.unsigned_abs()),
        count(backup.tree_size),
        short(&backup.tree_root),
        bytes(size)
    )
}

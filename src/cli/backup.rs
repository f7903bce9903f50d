//! `backup` and `restore`: everything of a project, together.

use std::path::PathBuf;

use counterfoil::backup::{Manifest, ProjectFile, backup, check};
use counterfoil::project::{PROJECT_FILE, Project};
use counterfoil::stage::read_file;
use serde_json::json;

use super::answer::{Answer, Exit};
use super::failure::Failure;
use super::render::{bytes, count, counted, short, shown};
use super::session::Session;
use super::signals::stop_signal;

/// Copies the store, its checkpoints, the stage files and the settings to a folder, as they are together.
///
/// Others may write meanwhile: the store is as it was after one commit. The signing key is not copied; keep it elsewhere.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil backup ../backups/2024-06-30")]
pub(crate) struct Backup {
    /// A folder that is not there yet, or is empty.
    folder: PathBuf,
}

/// Checks a backup, and puts it into the project's folder.
///
/// Every file is compared with its hash and the whole store is verified before anything is written. Nothing that is there
/// is written over.
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
        let files = || -> Result<Vec<ProjectFile>, Failure> {
            let read = |name: String| {
                let text =
                    read_file(&session.folder().join(&name), &name).map_err(|problem| vec![problem])?;
                Ok(ProjectFile { name, text })
            };
            session.project_files()?.into_iter().map(read).collect()
        };
        let made = backup(&store, &files()?, &self.folder)?;
        if made.has_changed(&files()?) {
            let message = "files of the project have changed while the backup was made";
            let hint =
                "make it once more, in another folder: this one has the older files with the store as it is";
            return Err(Failure::new(Exit::Failed, "backup.changed", message).hint(hint));
        }
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
        let checked = check(&self.folder, &stop)?;
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
        checked.restore(session.folder(), &store, &stop)?;
        let text = format!("Restored {told} to {}.\n", shown(&store.display().to_string()));
        let next = format!("{} shows where it stands", session.command("status"));
        Ok(Answer::new(data, text).hint(next))
    }
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

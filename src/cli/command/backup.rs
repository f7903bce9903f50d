//! `backup` and `restore`: everything of a project, together.

use std::path::PathBuf;

use counterfoil::Error;
use counterfoil::backup::{BackupOptions, CheckedBackup, KeyOf, KeysToCheck, Manifest, backup, check};
use counterfoil::observe::StopSignal;
use counterfoil::project::{PROJECT_FILE, Project};
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::{bytes, count, counted, short, shown};
use crate::cli::session::Session;
use crate::cli::signals::stop_signal;

/// Copy the store, its checkpoints, the stage files and the settings to a folder.
///
/// The copy is consistent even while other commands write: it holds the store as of one commit. If the
/// files change during the copy, it is retried a few times. The signing key is not copied; keep it elsewhere.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil backup ../backups/2024-06-30")]
pub(crate) struct Backup {
    /// A folder that does not exist yet, or is empty.
    folder: PathBuf,
}

/// Check a backup and copy it into the project's folder.
///
/// Before anything is written, every file is compared with its hash and the whole store is verified. Existing
/// files are not overwritten, except empty ones. After an interruption, run the same command again to
/// continue. Signatures are checked with the key that --key names, or else the project's, or else the one in
/// the backup.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil -C orders restore ../backups/2024-06-30\n  counterfoil restore ../backups/2024-06-30 --check"
)]
pub(crate) struct Restore {
    /// A folder that `backup` wrote.
    folder: PathBuf,
    /// Check the backup without writing anything.
    #[arg(long)]
    check: bool,
}

impl Backup {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let store = session.open_to_read()?;
        let is_project = !session.project_files()?.is_empty();
        let stop = stop_signal(session.screen, "backup")?;
        let options = BackupOptions::default()
            .project(is_project.then(|| session.folder().to_owned()))
            .stop(stop.clone());
        let made = backup(&store, &self.folder, &options).map_err(|error| match &error {
            Error::Stage { problems } if problems.iter().all(|problem| problem.code == "backup.changed") => {
                changed(error)
            }
            _ => failed(error, &stop),
        })?;
        let text = format!(
            "Backed up {} to {}: {}.\n",
            render(&made),
            shown(&self.folder.display().to_string()),
            counted(made.files.len() as u64, "file")
        );
        let data = json!({ "folder": self.folder.display().to_string(), "backup": made });
        Ok(Answer::new(data, text))
    }
}

impl Restore {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let stop = stop_signal(session.screen, "restore")?;
        let keys = session.keys_of_backups()?;
        let keys = KeysToCheck::default()
            .given(keys.given.trusted())
            .known(keys.known.trusted());
        let checked = check(&self.folder, keys, &stop).map_err(|error| failed(error, &stop))?;
        let summary = render(&checked.manifest);
        let data = json!({ "restored": !self.check, "backup": checked.manifest, "signed": checked.signed });
        let store = self.place_of_store(session, &checked);
        if let Ok(store) = &store {
            checked.check_names(store).map_err(|error| failed(error, &stop))?;
        }
        let signature = Signature::from_checked(&checked);
        if self.check {
            let text = format!("Sound: {summary}{}.\n", signature.told);
            return Ok(Answer::new(data, text).warnings(signature.note));
        }
        let store = store?;
        let restored = checked.restore(session.folder(), &store, &stop);
        let restored = restored.map_err(|error| failed(error, &stop))?;
        let place = shown(&store.display().to_string()).into_owned();
        let text = format!("Restored {summary}{} to {place}.\n", signature.told);
        let answer = Answer::new(data, text).warnings(signature.note);
        let status = session.command("status");
        if !restored.has_other_checkpoints {
            return Ok(answer.hint(format!("{status} shows its state")));
        }
        let accept = session.command("checkpoint --accept-restore --reason TEXT");
        let next = format!(
            "the checkpoints beside the store belong to another state of it and were left unchanged: nothing \
             is written to the store until {accept} accepts the restore; {status} shows its state"
        );
        Ok(answer.hint(next))
    }

    /// Returns where the store will be restored.
    fn place_of_store(&self, session: &Session<'_>, checked: &CheckedBackup) -> Result<PathBuf, Failure> {
        let files = &checked.manifest.files;
        let name = if session.names_store() || !files.iter().any(|file| file.name == PROJECT_FILE) {
            PathBuf::from(&checked.manifest.store)
        } else {
            Project::settings_of(&self.folder)?.store
        };
        session.store_or(&name).ok_or_else(|| {
            let message = format!(
                "the settings in the backup name a store outside the project or in a hidden folder: `{}`",
                name.display()
            );
            let hint = "set its path with --store FILE";
            Failure::usage("restore.store", message, hint)
        })
    }
}

/// Failure for files of the project that keep changing.
fn changed(error: Error) -> Failure {
    let mut failure = Failure::from(error);
    failure.exit = Exit::Failed;
    failure.code = "backup.changed";
    let hint = "no backup was made, and nothing was left behind; run the same command again when nobody \
                changes the files";
    failure.hint(hint)
}

/// Turns an error into a failure: stopping on request is not an error, and a damaged backup says nothing about the
/// store.
fn failed(error: Error, stop: &StopSignal) -> Failure {
    let mut failure = Failure::from(error);
    if stop.is_asked() && failure.message.starts_with("stopped as you asked") {
        failure.exit = Exit::Stopped;
        failure.code = "stopped.asked";
    }
    if failure.code == "backup.damaged" {
        failure.exit = Exit::Unsound;
        if let Some(problem) = failure.problems.pop() {
            failure.message = problem.message;
            failure.hint = problem.help;
        }
    }
    failure
}

/// The signature of a backup, for the screen.
struct Signature {
    /// In words; empty if unknown.
    told: String,
    /// A remark about it.
    note: Option<String>,
}

impl Signature {
    fn from_checked(checked: &CheckedBackup) -> Self {
        let Some(signed) = &checked.signed else {
            let note = if checked.has_signatures {
                "the signatures were not checked: no key was found; name one with `--key FILE`"
            } else {
                "the backup is not signed: anyone who can change the backup can rewrite its history"
            };
            return Self {
                told: String::new(),
                note: Some(note.to_owned()),
            };
        };
        let unsigned = match signed.unsigned {
            0 => String::new(),
            1 => ", except its last batch".to_owned(),
            batches => format!(", except its last {} batches", count(batches.unsigned_abs())),
        };
        let note = (signed.key == KeyOf::Backup).then(|| {
            "the signatures were checked with the key in the backup: anyone who can change the backup can \
             change that key \
             too; name a key that you keep elsewhere with `--key FILE`"
                .to_owned()
        });
        Self {
            told: format!(", signed by `{}`{unsigned}", shown(&signed.by)),
            note,
        }
    }
}

/// A backup in words.
fn render(backup: &Manifest) -> String {
    let size: u64 = backup.files.iter().map(|file| file.bytes).sum();
    format!(
        "{} batches (tree size {}, root {}, {})",
        count(backup.batches.get().unsigned_abs()),
        count(backup.tree_size),
        short(&backup.tree_root),
        bytes(size)
    )
}

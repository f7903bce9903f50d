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
/// is written over, except empty files. After a kill the same command again goes on. The signatures are checked with the
/// key that `--key` names, else with the project's, else with the one that stands in the backup.
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
        let stop = stop_signal(session.screen, "backup")?;
        let options = BackupOptions {
            project: is_project.then(|| session.folder().to_owned()),
            stop: stop.clone(),
        };
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
            return Ok(answer.hint(format!("{status} shows where it stands")));
        }
        let accept = session.command("checkpoint --accept-restore --reason TEXT");
        let next = format!(
            "the checkpoints beside the store are of another state of it, and were left there: {accept} says that it was \
             restored on purpose, and until then nothing is written to it; {status} shows where it stands"
        );
        Ok(answer.hint(next))
    }

    /// Where the store is to be.
    fn place_of_store(&self, session: &Session<'_>, checked: &CheckedBackup) -> Result<PathBuf, Failure> {
        let files = &checked.manifest.files;
        let name = if session.names_store() || !files.iter().any(|file| file.name == PROJECT_FILE) {
            PathBuf::from(&checked.manifest.store)
        } else {
            Project::settings_of(&self.folder)?.store
        };
        session.store_or(&name).ok_or_else(|| {
            let message = format!(
                "the settings of the backup name a store outside of its project, or in a hidden folder, `{}`",
                name.display()
            );
            let hint = "say where it shall be with --store FILE";
            Failure::usage("restore.store", message, hint)
        })
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

/// What ends because it was asked to has not failed; a backup that is damaged says nothing of the store.
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

/// By whom a backup is signed.
struct Signature {
    /// In words; empty where it is not known.
    told: String,
    /// What there is to note about it.
    note: Option<String>,
}

impl Signature {
    fn from_checked(checked: &CheckedBackup) -> Self {
        let Some(signed) = &checked.signed else {
            let note = if checked.has_signatures {
                "its signatures were not checked, because no key of theirs is here: name the key with `--key FILE`"
            } else {
                "it is not signed: who can change the backup can write another history into it"
            };
            return Self {
                told: String::new(),
                note: Some(note.to_owned()),
            };
        };
        let unsigned = match signed.unsigned {
            0 => String::new(),
            1 => ", less its last batch".to_owned(),
            batches => format!(", less its last {} batches", count(batches.unsigned_abs())),
        };
        let note = (signed.key == KeyOf::Backup).then(|| {
            "the key stands in the backup itself: who can change the backup can change it too; name one that you keep \
             elsewhere with `--key FILE`"
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

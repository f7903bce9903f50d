//! The verbs `backup` and `restore`: the store, its checkpoints, the stage files and the settings, as they were
//! together at one moment, in a separate folder.
//!
//! The folder holds the store, `STORE.checkpoints` beside it, the project's files under their names, and `backup.json`,
//! which is written last: it lists the files with their SHA-256. The signing key is never in it.

mod check;
mod files;
mod manifest;
mod names;
mod restore;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::digest::hex;
use crate::environment::CheckpointKeys;
use crate::error::{Error, Result};
use crate::ledger::Head;
use crate::ledger::checkpoint::notes_after;
use crate::ledger::read::origin;
use crate::observe::StopSignal;
use crate::problem::Problem;
use crate::project::Project;
use crate::stage::read_file;
use crate::store::{Store, checkpoints};
use crate::toml::Problems;

pub use check::{BackupSignature, CheckedBackup, KeyOf, KeysToCheck, check};
pub use manifest::{BackedUp, MANIFEST, Manifest};
pub use restore::Restored;

use check::known_as;
use files::{io, looked_at, new_file, stopped, sync};
use manifest::FORMAT;

/// How often a backup is attempted when files change while it is made.
const TIMES: u32 = 3;

/// Options of [`backup`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BackupOptions {
    /// Folder of the project whose files the backup includes; `None` backs up the store alone.
    pub project: Option<PathBuf>,
    /// Signal that asks the verb to stop; an unfinished backup is removed.
    pub stop: StopSignal,
}

impl BackupOptions {
    /// Sets the folder of the project whose files the backup takes along. Default: `None`, the store alone.
    #[must_use]
    pub fn project(mut self, project: impl Into<Option<PathBuf>>) -> Self {
        self.project = project.into();
        self
    }

    /// Sets the signal that asks the verb to stop. Default: a signal that nobody sends.
    #[must_use]
    pub fn stop(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }
}

/// A small file of the project: its name, relative to the project's folder, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProjectFile {
    name: String,
    text: String,
}

/// Copies a store and the files of its project to a folder that does not exist yet, or is empty. SQLite's backup copies
/// the store as it was after one commit, even if others write meanwhile. The files are read before and after the copy;
/// if they differ, the backup starts again. A finished backup therefore holds the files that belonged to the store at
/// that moment.
///
/// # Errors
/// [`Error::Invalid`] when the folder is not empty, or a file's name leads out of it; [`Error::Damaged`] when the store
/// contradicts its checkpoints or its schema is not this program's; [`Error::Stage`] with `backup.changed` when files
/// change each time; an error when something cannot be read or written, or when the verb was stopped. The unfinished
/// backup is removed.
pub fn backup(store: &Store, folder: &Path, options: &BackupOptions) -> Result<Manifest> {
    let files = || options.project.as_deref().map_or(Ok(Vec::new()), read_files);
    backup_of(store, &files, folder, &options.stop)
}

fn backup_of(
    store: &Store,
    files: &dyn Fn() -> Result<Vec<ProjectFile>>,
    folder: &Path,
    stop: &StopSignal,
) -> Result<Manifest> {
    if let Some(objection) = store.objection() {
        // A backup of a damaged store would suggest that it is sound.
        let what = objection.to_string();
        return Err(Error::Damaged { what });
    }
    let mut begun = PendingBackup::in_folder(folder)?;
    let mut before = files()?;
    let mut times_left = TIMES;
    loop {
        let manifest = begun.copy(store, &before, stop)?;
        let after = files()?;
        let Some(changed) = Problems::new(differing(&before, &after)) else {
            begun.complete(&manifest)?;
            return Ok(manifest);
        };
        begun.clear();
        times_left -= 1;
        if times_left == 0 {
            return Err(changed.into());
        }
        before = after;
    }
}

/// Reads the files of a project, in the order of their names. A file that is gone by the time it is read does not
/// count.
fn read_files(folder: &Path) -> Result<Vec<ProjectFile>> {
    let mut names = Project::files(folder)?;
    names.sort_unstable();
    let mut files = Vec::new();
    for name in names {
        match read_file(&folder.join(&name), &name) {
            Ok(text) => files.push(ProjectFile { name, text }),
            Err(problem) if problem.code == "stage.no_file" => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(files)
}

/// Returns a problem for each file that is missing on one side or differs.
fn differing(before: &[ProjectFile], after: &[ProjectFile]) -> Vec<Problem> {
    let gone = before.iter().filter(|file| !after.contains(file));
    let come = after.iter().filter(|file| !before.contains(file));
    let mut names: Vec<&str> = gone.chain(come).map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let problem = |name: &&str| {
        let message = format!("`{name}` changed while the backup was being made");
        Problem::error("backup.changed", None, message)
    };
    names.iter().map(problem).collect()
}

/// A backup in progress. It is removed unless it is completed.
struct PendingBackup<'f> {
    folder: &'f Path,
    /// Whether this backup created the folder.
    is_new: bool,
    /// Names of the files that it may have written so far.
    names: Vec<String>,
    is_complete: bool,
}

impl<'f> PendingBackup<'f> {
    fn in_folder(folder: &'f Path) -> Result<Self> {
        let is_new = !folder.exists();
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let mut there = std::fs::read_dir(folder).map_err(io(folder))?;
        if there.next().is_some() {
            return Err(Error::invalid(
                format!("`{}` is not empty", folder.display()),
                "name a folder that does not exist yet: each backup needs its own; a folder without `backup.json` is \
                 an unfinished backup and can be removed",
            ));
        }
        Ok(Self {
            folder,
            is_new,
            names: Vec::new(),
            is_complete: false,
        })
    }

    /// Copies the store, then writes the files beside it.
    fn copy(&mut self, store: &Store, files: &[ProjectFile], stop: &StopSignal) -> Result<Manifest> {
        let name = store.file_name();
        let path = self.folder.join(&name);
        new_file(&path)?;
        self.names = vec![name.clone(), format!("{name}-journal")];
        if !store.back_up_to(&path, stop)? {
            return Err(stopped());
        }
        let (head, origin, notes) = {
            let copy = looked_at(&path, CheckpointKeys::default())?;
            let connection = copy.connection();
            (
                Head::read(connection)?,
                origin(connection)?,
                notes_after(connection, 0)?,
            )
        };
        let mut backed_up = vec![known(&path, &name, stop)?];
        let mut listed = files.iter().map(|file| file.name.as_str());
        if let Some(file) = listed.find(|file| names::belongs_to_store(file, &name)) {
            return Err(Error::invalid(
                format!("the name `{file}` is reserved for the store `{name}`"),
                "give one of them another name",
            ));
        }
        if !notes.is_empty() {
            let beside = checkpoints::path_of(Path::new(&name));
            backed_up.push(self.write(&beside.to_string_lossy(), &notes.concat())?);
        }
        for file in files {
            backed_up.push(self.write(&file.name, &file.text)?);
        }
        Ok(Manifest {
            format: FORMAT.to_owned(),
            origin,
            batches: head.batch,
            tree_size: head.frontier.size(),
            tree_root: hex(&head.frontier.root()),
            at_us: store.environment().clock.now_us(),
            store: name,
            files: backed_up,
        })
    }

    fn write(&mut self, name: &str, text: &str) -> Result<BackedUp> {
        let path = inside(self.folder, name)?;
        self.put(&path, name, text)
    }

    fn put(&mut self, path: &Path, name: &str, text: &str) -> Result<BackedUp> {
        let mut file = new_file(path)?;
        self.names.push(name.to_owned());
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io(path))?;
        known(path, name, &StopSignal::default())
    }

    fn complete(&mut self, manifest: &Manifest) -> Result<()> {
        let text = serde_json::to_string_pretty(manifest).unwrap_or_default() + "\n";
        self.put(&self.folder.join(MANIFEST), MANIFEST, &text)?;
        sync(self.folder)?;
        self.is_complete = true;
        Ok(())
    }

    /// Removes the files, and then the empty folders.
    fn clear(&mut self) {
        for name in self.names.drain(..) {
            // What cannot be removed blocks the next attempt, which reports it.
            let _ = std::fs::remove_file(self.folder.join(&name));
            let folders = Path::new(&name).ancestors().skip(1);
            for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
                let _ = std::fs::remove_dir(self.folder.join(folder));
            }
        }
    }
}

impl Drop for PendingBackup<'_> {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        self.clear();
        if self.is_new {
            let _ = std::fs::remove_dir(self.folder);
        }
    }
}

/// Returns a path inside a folder, for a name that `restore` would accept.
fn inside(folder: &Path, name: &str) -> Result<PathBuf> {
    match names::problem_of(name) {
        None => Ok(folder.join(name)),
        Some(problem) => Err(Error::invalid(
            problem,
            "a backup contains only files that can be restored: give this file another name or place",
        )),
    }
}

/// Returns the manifest's entry for a file that was just written.
fn known(path: &Path, name: &str, stop: &StopSignal) -> Result<BackedUp> {
    let file = BackedUp {
        name: name.to_owned(),
        bytes: u64::MAX,
        sha256: String::new(),
    };
    known_as(path, &file, stop)
}

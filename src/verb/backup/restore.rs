//! Restores a backup: each file has a temporary name until it is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::check::{CheckedBackup, damaged, known_as, plain};
use super::files::{io, new_file, pour, sync, unfinished};
use super::manifest::{BackedUp, MANIFEST};
use super::names;
use crate::digest::hex;
use crate::environment::{Randomness as _, SystemRandomness};
use crate::error::{Error, Result};
use crate::observe::StopSignal;
use crate::store::{StoreLock, checkpoints};

/// Extension of a file that is not complete yet.
const ENDING: &str = "restoring";

/// Result of `CheckedBackup::restore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// Whether the file of checkpoints beside the store describes another state of it, which a person must accept.
    pub has_other_checkpoints: bool,
}

/// A file to restore: its source, its destination and its manifest entry.
type Wanted<'c> = (PathBuf, PathBuf, &'c BackedUp);

impl CheckedBackup {
    /// Refuses a backup with files whose names belong to a store, given the name that the restored store will have.
    ///
    /// # Errors
    /// [`Error::Stage`] with `backup.damaged`.
    pub fn check_names(&self, store: &Path) -> Result<()> {
        let name = store.file_name().unwrap_or_default().to_string_lossy();
        let listed = self.manifest.files.iter().map(|file| file.name.as_str());
        let beside = checkpoints::path_of(Path::new(&self.manifest.store));
        let mut others = listed.filter(|name| *name != self.manifest.store && Path::new(name) != beside);
        match others.find(|other| names::belongs_to_store(other, &name)) {
            None => Ok(()),
            Some(other) => {
                let what = format!("lists `{other}`, a name reserved for the store `{name}`");
                Err(damaged(&self.folder.join(MANIFEST), &what))
            }
        }
    }

    /// Restores the files of the backup into a project's folder, and its store to a path. Existing files are never
    /// overwritten: equal files stay; if any file differs, the error names it and nothing is written. An existing file
    /// of checkpoints stays too, because it records what came after the backup. A file without content counts as
    /// absent: a killed restore may have left it. Files that it left under names ending in `.restoring` are removed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for files that are in the way; an error when a file cannot be written.
    pub fn restore(&self, folder: &Path, store: &Path, stop: &StopSignal) -> Result<Restored> {
        self.check_names(store)?;
        // Check once before anything is written, and again under the lock, when no one else can write.
        self.wanted(folder, store, stop)?;
        if let Some(folder) = store.parent() {
            std::fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let _lock = StoreLock::take(store, Duration::ZERO, "restoring a backup\n")?;
        let (mut wanted, restored) = self.wanted(folder, store, stop)?;
        // Only the holder of the lock restores this store, so leftovers of other restores are in no one's use.
        remove_left_overs(wanted.iter().map(|(_, to, _)| to.as_path()))?;
        // The store comes last: its presence marks the restore as complete.
        wanted.reverse();
        for (from, to, file) in wanted {
            plain(&self.folder, &file.name)?;
            copy(&from, &to, file, stop)?;
        }
        Ok(restored)
    }

    /// Returns the files that do not exist yet, the store first.
    fn wanted(&self, folder: &Path, store: &Path, stop: &StopSignal) -> Result<(Vec<Wanted<'_>>, Restored)> {
        if store.symlink_metadata().is_ok_and(|there| !is_nothing(&there)) {
            return Err(Error::invalid(
                format!("there is already a store at `{}`", store.display()),
                "move it away first, together with the files beside it; nothing was written",
            ));
        }
        if let Some(path) = unfinished(store) {
            return Err(Error::invalid(
                format!(
                    "`{}` exists and belongs to another state of the store",
                    path.display()
                ),
                "move it away first, together with the store it belongs to; nothing was written",
            ));
        }
        let beside = checkpoints::path_of(Path::new(&self.manifest.store));
        let (mut wanted, mut has_other_checkpoints) = (Vec::new(), false);
        for file in &self.manifest.files {
            let from = self.folder.join(&file.name);
            let is_checkpoints = Path::new(&file.name) == beside;
            let to = match () {
                () if file.name == self.manifest.store => store.to_owned(),
                () if is_checkpoints => checkpoints::path_of(store),
                () => folder.join(&file.name),
            };
            match to.symlink_metadata() {
                Ok(there) if is_nothing(&there) && file.bytes > 0 => wanted.push((from, to, file)),
                Ok(_) if is_same(&to, file, stop)? => {}
                Ok(there) if is_checkpoints && there.is_file() => has_other_checkpoints = true,
                Ok(_) => return Err(in_the_way(&to)),
                Err(_) => wanted.push((from, to, file)),
            }
        }
        Ok((
            wanted,
            Restored {
                has_other_checkpoints,
            },
        ))
    }
}

/// Returns whether a file has the content of a file of the backup.
fn is_same(path: &Path, file: &BackedUp, stop: &StopSignal) -> Result<bool> {
    // A pipe would never end; a link that leads nowhere is another file.
    let is_as_long = std::fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() == file.bytes);
    Ok(is_as_long && known_as(path, file, stop)? == *file)
}

fn in_the_way(path: &Path) -> Error {
    Error::invalid(
        format!(
            "`{}` exists and differs from the one in the backup",
            path.display()
        ),
        "move it away first, or restore into an empty folder",
    )
}

/// Returns whether a file is empty.
fn is_nothing(there: &Metadata) -> bool {
    there.is_file() && there.len() == 0
}

/// Copies a file of a backup, which must still be as it was checked; never overwrites a file.
fn copy(from: &Path, to: &Path, file: &BackedUp, stop: &StopSignal) -> Result<()> {
    let part = part_of(to);
    let mut out = new_file(&part)?;
    let poured = (|| {
        let opened = File::open(from).map_err(io(from))?;
        let copied = pour(
            opened.take(file.bytes.saturating_add(1)),
            &mut out,
            (from, to),
            stop,
        )?;
        out.sync_all().map_err(io(to))?;
        if (copied.bytes, &copied.sha256) != (file.bytes, &file.sha256) {
            return Err(damaged(from, "has changed since it was checked"));
        }
        drop(out);
        place(&part, to)
    })();
    if poured.is_err() {
        // No one uses the unfinished file.
        let _ = std::fs::remove_file(&part);
    }
    poured
}

/// Gives a file its final name in one step, unless a file of that name exists by now. An empty file of that name is
/// created first, which succeeds only where there is none. A hard link would show as much, but not every file system
/// has links, and a store with two names, as a kill would leave it, cannot be opened.
fn place(part: &Path, to: &Path) -> Result<()> {
    let reserved = new_file(to);
    if reserved.is_err() && !to.symlink_metadata().is_ok_and(|there| is_nothing(&there)) {
        return reserved.map(drop).map_err(|error| match &error {
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => in_the_way(to),
            _ => error,
        });
    }
    std::fs::rename(part, to).map_err(|error| {
        if reserved.is_ok() {
            let _ = std::fs::remove_file(to);
        }
        io(to)(error)
    })?;
    to.parent().map_or(Ok(()), sync)
}

/// Returns the temporary name of a file; no one else uses it.
fn part_of(to: &Path) -> PathBuf {
    let mut random = [0; 8];
    SystemRandomness.fill(&mut random);
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.{ENDING}", hex(&random)));
    PathBuf::from(name)
}

/// Returns the file that a temporary name, as [`part_of`] returns it, belongs to.
fn file_of_part(name: &str) -> Option<&str> {
    let (file, random) = name.strip_suffix(ENDING)?.strip_suffix('.')?.rsplit_once('.')?;
    let is_ours = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then_some(file)
}

/// Removes unfinished files of a restore that was killed.
fn remove_left_overs<'p>(files: impl Iterator<Item = &'p Path>) -> Result<()> {
    let mut folders: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
    for to in files {
        let (Some(folder), Some(file)) = (to.parent(), to.file_name()) else {
            continue;
        };
        let names = folders.entry(folder).or_default();
        names.insert(file.to_string_lossy().into_owned());
    }
    for (folder, names) in folders {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(io(folder))?,
        };
        for entry in entries {
            let entry = entry.map_err(io(folder))?;
            if file_of_part(&entry.file_name().to_string_lossy()).is_some_and(|file| names.contains(file)) {
                std::fs::remove_file(entry.path()).map_err(io(&entry.path()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_its_name_only_where_nothing_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let (part, to) = (folder.path().join("part"), folder.path().join("to"));
        let content = |path: &Path| std::fs::read_to_string(path).expect("a file");
        for is_there in [false, true] {
            std::fs::write(&part, "new").expect("it is ours");
            if is_there {
                std::fs::write(&to, "").expect("it is ours");
            }
            place(&part, &to).expect("nothing is there");
            assert_eq!(content(&to), "new");
            assert!(!part.exists());
            std::fs::remove_file(&to).expect("it is there");
        }
        std::fs::write(&part, "new").expect("it is ours");
        std::fs::write(&to, "mine").expect("it is ours");
        let error = place(&part, &to).expect_err("something is there");
        assert!(error.to_string().contains("exists and differs"), "{error}");
        assert_eq!(
            (content(&part), content(&to)),
            ("new".to_owned(), "mine".to_owned())
        );
        std::fs::remove_file(&to).expect("it is there");
        std::fs::remove_file(&part).expect("it is there");
        place(&part, &to).expect_err("there is nothing to place");
        assert!(!to.exists(), "what was reserved is given up");
    }

    #[test]
    fn only_left_overs_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("store.db");
        let part = part_of(&to);
        let others = [
            "store.db.part",
            "store.db.restoring",
            "store.db.0123456789abcdeg.restoring",
            "other.db.0123456789abcdef.restoring",
        ];
        for name in others {
            std::fs::write(folder.path().join(name), "mine").expect("it is ours");
        }
        std::fs::write(&part, "ours").expect("it is ours");
        remove_left_overs([to.as_path()].into_iter()).expect("they can be removed");
        assert!(!part.exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        let nowhere = folder.path().join("no/folder/store.db");
        remove_left_overs([nowhere.as_path()].into_iter()).expect("there are none");
    }
}

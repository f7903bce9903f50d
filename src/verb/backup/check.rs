//! Checks a backup from an untrusted source: every name and file in its manifest is checked before anything is read
//! whole, and only plain files are opened.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::files::{io, looked_at, pour, stopped, unfinished};
use super::manifest::{BackedUp, FORMAT, LONGEST, MANIFEST, Manifest};
use super::names;
use crate::environment::CheckpointKeys;
use crate::error::{Error, Result};
use crate::ledger::checkpoint::{newest_note, notes_after};
use crate::note::VerifyingKey;
use crate::observe::StopSignal;
use crate::problem::Problem;
use crate::project::{PUBLIC_KEY_FILE, Project};
use crate::record::BatchId;
use crate::store::{Store, checkpoints};
use crate::verify::{VerifyOptions, VerifyReport, verify};

/// A backup that was checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckedBackup {
    /// Manifest of the backup.
    pub manifest: Manifest,
    /// Who signed it; `None` when it is not signed, or when no key was found to check the signature.
    pub signed: Option<BackupSignature>,
    /// Whether it has any signature.
    pub has_signatures: bool,
    pub(super) folder: PathBuf,
}

/// Who signed a backup, and up to which batch.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BackupSignature {
    /// Name of the key.
    pub by: String,
    /// Where the key comes from.
    pub key: KeyOf,
    /// Newest batch that is signed.
    pub batch: BatchId,
    /// Number of batches after it.
    pub unsigned: i64,
}

/// Where the key that verifies a backup's signature comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyOf {
    /// The caller gave it: [`KeysToCheck::given`].
    Given,
    /// The key is [`KeysToCheck::known`].
    Project,
    /// The backup itself holds it: someone who can change the backup can change the key too.
    Backup,
}

/// Keys to check a backup with.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct KeysToCheck<'k> {
    /// Key that must have signed the backup.
    pub given: Option<&'k VerifyingKey>,
    /// Key that may have signed the backup. When neither it nor the backup's own key signed it, the signatures are not
    /// checked.
    pub known: Option<&'k VerifyingKey>,
}

impl<'k> KeysToCheck<'k> {
    /// Sets the key that must have signed the backup. Default: `None`.
    #[must_use]
    pub fn given(mut self, given: impl Into<Option<&'k VerifyingKey>>) -> Self {
        self.given = given.into();
        self
    }

    /// Sets a key that may have signed the backup. Default: `None`.
    #[must_use]
    pub fn known(mut self, known: impl Into<Option<&'k VerifyingKey>>) -> Self {
        self.known = known.into();
        self
    }
}

/// Checks a backup: that it is whole, that every file is as it was written, and that its store is sound (the whole ledger
/// and all data).
///
/// # Errors
/// [`Error::Invalid`] when there is no such folder; [`Error::Stage`] with `backup.damaged` when the folder is not a
/// backup, or has changed since it was written.
pub fn check(folder: &Path, keys: KeysToCheck<'_>, stop: &StopSignal) -> Result<CheckedBackup> {
    let manifest = manifest(folder)?;
    let listed = manifest.files.iter().map(|file| file.name.as_str());
    if !listed.clone().any(|name| name == manifest.store) {
        return Err(damaged(&folder.join(MANIFEST), "does not list the store"));
    }
    if let Some(problem) = names::problem(listed, &manifest.store) {
        return Err(damaged(&folder.join(MANIFEST), &problem));
    }
    let path = folder.join(&manifest.store);
    if let Some(path) = unfinished(&path) {
        return Err(damaged(&path, "exists and belongs to another state of the store"));
    }
    for file in &manifest.files {
        let length = plain(folder, &file.name)?.len();
        if length != file.bytes {
            let what = format!("has {length} bytes, but was written with {}", file.bytes);
            return Err(damaged(&folder.join(&file.name), &what));
        }
    }
    for file in &manifest.files {
        let path = folder.join(&file.name);
        if known_as(&path, file, stop)? != *file {
            return Err(damaged(&path, "has changed since it was written"));
        }
    }
    let (signed, has_signatures) = check_store(folder, &manifest, keys, stop)?;
    Ok(CheckedBackup {
        manifest,
        signed,
        has_signatures,
        folder: folder.to_owned(),
    })
}

/// Checks the store: that it verifies, is the one that the manifest names, and is signed with the expected key.
fn check_store(
    folder: &Path,
    manifest: &Manifest,
    keys: KeysToCheck<'_>,
    stop: &StopSignal,
) -> Result<(Option<BackupSignature>, bool)> {
    let path = folder.join(&manifest.store);
    let spoiled = |error| of_store(&path, error);
    let (note, notes) = {
        let store = looked_at(&path, CheckpointKeys::default()).map_err(spoiled)?;
        let note = newest_note(store.connection()).map_err(spoiled)?;
        (note, notes_after(store.connection(), 0).map_err(spoiled)?)
    };
    check_checkpoints(folder, manifest, &notes.concat())?;
    let key = key_of(folder, manifest, keys, note.as_deref())?;
    let trusted = key
        .clone()
        .map_or_else(CheckpointKeys::default, |(key, _)| CheckpointKeys::verifying(key));
    let store = looked_at(&path, trusted).map_err(spoiled)?;
    let report = verified(&store, &path, stop)?;
    if (report.tree_size, &report.tree_root) != (manifest.tree_size, &manifest.tree_root) {
        return Err(damaged(
            &path,
            "holds a ledger other than the one in `backup.json`",
        ));
    }
    let signed = key.zip(report.signed).map(|((key, of), up_to)| BackupSignature {
        by: key.name().to_owned(),
        key: of,
        batch: up_to.batch,
        unsigned: up_to.unsigned,
    });
    Ok((signed, note.is_some()))
}

fn verified(store: &Store, path: &Path, stop: &StopSignal) -> Result<VerifyReport> {
    let options = VerifyOptions {
        stop: stop.clone(),
        ..VerifyOptions::default()
    };
    let report = match verify(store, &options) {
        Err(_) if stop.is_asked() => return Err(stopped()),
        report => report.map_err(|error| of_store(path, error))?,
    };
    if let Some(first) = report.findings.first() {
        return Err(damaged(path, &format!("does not verify: {}", first.message)));
    }
    if !report.is_sound() {
        return Err(stopped());
    }
    Ok(report)
}

/// Checks that the checkpoints beside the store are those that it keeps, because a restored store is compared with
/// them.
fn check_checkpoints(folder: &Path, manifest: &Manifest, notes: &str) -> Result<()> {
    let beside = checkpoints::path_of(Path::new(&manifest.store));
    let listed = manifest.files.iter().find(|file| Path::new(&file.name) == beside);
    let path = folder.join(&beside);
    let Some(file) = listed else {
        if path.symlink_metadata().is_ok() {
            return Err(damaged(&path, "exists but is not listed"));
        }
        if notes.is_empty() {
            return Ok(());
        }
        return Err(damaged(&path, "is missing"));
    };
    let is_same =
        file.bytes == notes.len() as u64 && std::fs::read(&path).map_err(io(&path))? == notes.as_bytes();
    if !is_same {
        return Err(damaged(&path, "does not have the same checkpoints as the store"));
    }
    Ok(())
}

/// Returns the key that signed the newest checkpoint.
fn key_of(
    folder: &Path,
    manifest: &Manifest,
    keys: KeysToCheck<'_>,
    note: Option<&str>,
) -> Result<Option<(VerifyingKey, KeyOf)>> {
    let store = folder.join(&manifest.store);
    if let Some(key) = keys.given {
        let problem = match note.map(|note| key.open(note)) {
            Some(Ok(_)) => return Ok(Some((key.clone(), KeyOf::Given))),
            Some(Err(problem)) => problem.to_string(),
            None => "it has no checkpoint".to_owned(),
        };
        let what = format!(
            "is not signed by the key `{}` that was named: {problem}",
            key.name()
        );
        return Err(damaged(&store, &what));
    }
    let Some(note) = note else { return Ok(None) };
    let has_signed = |key: &VerifyingKey| key.open(note).is_ok();
    if let Some(key) = keys.known.filter(|key| has_signed(key)) {
        return Ok(Some((key.clone(), KeyOf::Project)));
    }
    let is_listed = manifest.files.iter().any(|file| file.name == PUBLIC_KEY_FILE);
    let own = is_listed.then(|| Project::public_key(&folder.join(PUBLIC_KEY_FILE)).ok());
    Ok(own.flatten().filter(has_signed).map(|key| (key, KeyOf::Backup)))
}

/// Reports an error in a backup's store as damage, except that another program holds the store.
fn of_store(path: &Path, error: Error) -> Error {
    match error.code() {
        "store.busy" | "store.locked" | "store.full" | "io" => error,
        _ => damaged(path, &format!("is not a sound store: {error}")),
    }
}

fn manifest(folder: &Path) -> Result<Manifest> {
    if !folder.is_dir() {
        let message = format!("there is no folder `{}`", folder.display());
        return Err(Error::invalid(
            message,
            "name a folder that `counterfoil backup` has created",
        ));
    }
    let path = folder.join(MANIFEST);
    let bad = |why: &str| damaged(&path, &format!("is not the list of a backup: {why}"));
    if path.symlink_metadata().is_err() {
        let what = "is missing: this is not a backup, or an unfinished one";
        return Err(damaged(&path, what));
    }
    if plain(folder, MANIFEST)?.len() > LONGEST {
        return Err(bad("it is too long"));
    }
    let mut text = Vec::new();
    let file = File::open(&path).map_err(io(&path))?;
    file.take(LONGEST).read_to_end(&mut text).map_err(io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| bad(&error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(bad(&format!("its format is `{}`", manifest.format)));
    }
    Ok(manifest)
}

/// Returns the metadata of a backup's file, which must be a plain file and not a link.
pub(super) fn plain(folder: &Path, name: &str) -> Result<Metadata> {
    let mut path = folder.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let there = match path.symlink_metadata() {
            Ok(there) => there,
            Err(source) if source.kind() == ErrorKind::PermissionDenied => return Err(io(&path)(source)),
            Err(source) if source.kind() == ErrorKind::NotFound => {
                return Err(damaged(&path, "is missing"));
            }
            Err(source) => return Err(damaged(&path, &source.to_string())),
        };
        let is_last = parts.peek().is_none();
        if !is_last && !there.is_dir() {
            return Err(damaged(&path, "is not a folder"));
        }
        if is_last && !there.is_file() {
            return Err(damaged(&path, "is not a regular file"));
        }
        if is_last {
            return Ok(there);
        }
    }
    Err(damaged(&path, "has no name"))
}

/// Returns what a file holds; reads no more than its expected length.
pub(super) fn known_as(path: &Path, file: &BackedUp, stop: &StopSignal) -> Result<BackedUp> {
    let from = File::open(path).map_err(io(path))?;
    let from = from.take(file.bytes.saturating_add(1));
    let known = pour(from, &mut std::io::sink(), (path, path), stop)?;
    Ok(BackedUp {
        name: file.name.clone(),
        ..known
    })
}

/// Error for a backup that has changed since it was written; it says nothing about the original store.
pub(super) fn damaged(path: &Path, what: &str) -> Error {
    let message = format!("the backup is damaged: `{}` {what}", path.display());
    let problem = Problem::error("backup.damaged", None, message);
    let problem = problem.help("the store that it was made from may still be sound; nothing was written");
    problem.into()
}

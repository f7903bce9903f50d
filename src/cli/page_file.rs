//! A page in a file: whole or not at all, and never in the place of something else.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::answer::Exit;
use super::failure::Failure;

/// What every page begins with, so that --force writes over pages only: never over a store, a key or a stage.
const BEGINNING: &[u8] = b"<!doctype html>";

/// Writes a page to stdout, as it is.
pub(crate) fn write_out(page: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(page.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}

/// Writes a page to a new file, or over an older page where that is wanted.
pub(crate) fn write(path: &Path, page: &str, force: bool) -> Result<(), Failure> {
    check(path, force)?;
    let beside = beside(path)?;
    let made = fill(&beside, page).and_then(|()| put(&beside, path, force));
    if made.is_err() {
        // What was begun is of no use to anybody; the error that matters is the first.
        let _ = std::fs::remove_file(&beside);
    }
    made.map_err(|error| unwritable(path, &error))
}

fn fill(path: &Path, page: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(page.as_bytes())?;
    file.sync_all()
}

/// Gives the finished file its name. Without --force a link is made, which fails where the name was taken meanwhile.
fn put(beside: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return std::fs::rename(beside, path);
    }
    match std::fs::hard_link(beside, path) {
        Ok(()) => std::fs::remove_file(beside),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no links.
        Err(_) if path.symlink_metadata().is_err() => std::fs::rename(beside, path),
        Err(error) => Err(error),
    }
}

/// Refuses what stands at the place already, unless it is a page and may be replaced.
fn check(path: &Path, force: bool) -> Result<(), Failure> {
    let there = match path.symlink_metadata() {
        Ok(there) => there.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unwritable(path, &error)),
    };
    let refused = |why: &str, hint: &str| {
        let message = format!("{} {why}", path.display());
        Err(Failure::new(Exit::Failed, "report.exists", message).hint(hint))
    };
    if let Some(kind) = no_file(there) {
        return refused(kind, "name a file with --html, or `-` for stdout");
    }
    if !force {
        return refused(
            "exists already",
            "name another file, or add --force to write over it",
        );
    }
    if !is_page(path).map_err(|error| unwritable(path, &error))? {
        return refused(
            "is no page, so that --force does not write over it",
            "name another file, or remove this one first",
        );
    }
    Ok(())
}

fn no_file(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("is a symbolic link"),
        kind if kind.is_dir() => Some("is a folder"),
        _ => Some("is no file"),
    }
}

/// Whether a file is a page, or empty.
fn is_page(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?
        .take(BEGINNING.len() as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == BEGINNING)
}

/// A name in the same folder, so that the finished file only has to be renamed.
fn beside(path: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = path.file_name() else {
        return Err(Failure::usage(
            "report.file",
            format!("`{}` names no file", path.display()),
            "name a file with --html, or `-` for stdout",
        ));
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", path.display());
    Failure::new(Exit::Failed, "output.failed", message)
        .hint("name a new file in a folder that is there, and where you may write")
}

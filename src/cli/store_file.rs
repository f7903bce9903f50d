//! What stands where the store should be, looked at before SQLite opens it.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::failure::Failure;

/// Refuses anything but a plain file, and a place where a signed store is gone. `restore` is the command that restores
/// a backup.
pub(crate) fn check(store: &Path, restore: &str) -> Result<(), Failure> {
    let is_nothing = match std::fs::metadata(store) {
        Ok(there) if there.is_file() => there.len() == 0,
        // SQLite would wait for a pipe, and has no words for the others.
        Ok(there) => return Err(no_file(store, &there)),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    let Some(checkpoints) = is_nothing.then(|| signed_beside(store)).flatten() else {
        return Ok(());
    };
    let message = format!(
        "the signed store `{}` is missing: its checkpoints are in `{}`",
        store.display(),
        checkpoints.display()
    );
    let hint = format!(
        "restore the store, or its backup with {restore}; `--store FILE` names another; to start over, move \
         the checkpoints file away"
    );
    Err(Failure::new(Exit::Unsound, "checkpoint.missing_store", message).hint(hint))
}

fn no_file(store: &Path, there: &Metadata) -> Failure {
    let what = if there.is_dir() {
        "it is a folder"
    } else {
        "it is not a regular file"
    };
    let message = format!("`{}` is not a store: {what}", store.display());
    Failure::new(Exit::Failed, "store.foreign", message).hint("name the right file with `--store FILE`")
}

/// The file of checkpoints beside a store, where anything was signed.
fn signed_beside(store: &Path) -> Option<PathBuf> {
    let mut name = store.as_os_str().to_owned();
    name.push(".checkpoints");
    let path = PathBuf::from(name);
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    // One note is much shorter.
    let file = File::open(&path).ok()?;
    file.take(8 << 10).read_to_end(&mut text).ok()?;
    // A signature begins with this, on a separate line.
    let is_signed = String::from_utf8_lossy(&text).contains("\n\u{2014} ");
    is_signed.then_some(path)
}

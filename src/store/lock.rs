//! The store's lock: a file beside it, locked by the writer. The file is never deleted, because deleting it would let
//! two processes hold two locks of the same name.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::make_side_file;
use crate::error::{Error, Result};

fn has_other_names(store: &Path) -> bool {
    std::fs::metadata(store).is_ok_and(|metadata| names(&metadata) > 1)
}

/// Opens the file of a lock, which is overwritten: only a plain file, never one that a link leads to.
fn open_plain(path: &Path) -> std::io::Result<File> {
    let named = std::fs::symlink_metadata(path)?;
    check_plain(&named)?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    // A file that was put there between the two checks differs.
    let opened = file.metadata()?;
    check_plain(&opened)?;
    if !is_same(&named, &opened) {
        return Err(refused("another file has taken its name; run the command again"));
    }
    Ok(file)
}

fn check_plain(file: &Metadata) -> std::io::Result<()> {
    if file.is_symlink() {
        return Err(refused("it is a symbolic link; remove the link"));
    }
    if !file.is_file() {
        return Err(refused("it is not a regular file; remove it"));
    }
    if names(file) > 1 {
        return Err(refused(
            "it is a file with several names (hard links); remove this name",
        ));
    }
    Ok(())
}

fn refused(why: &str) -> std::io::Error {
    std::io::Error::new(ErrorKind::InvalidInput, why)
}

#[cfg(unix)]
fn names(file: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// The held lock; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock of a store, waiting at most this long.
    ///
    /// # Errors
    /// [`Error::Locked`], with the holder's note about itself.
    pub(crate) fn take(store: &Path, wait: Duration, holder: &str) -> Result<Self> {
        if has_other_names(store) {
            return Err(Error::invalid(
                format!(
                    "`{}` is a file with several names (hard links), each with its own lock",
                    store.display()
                ),
                "write to a store that has only one name: make a copy with `VACUUM INTO`",
            ));
        }
        let path = lock_path(store);
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        make_side_file(store, &path).map_err(io)?;
        let mut file = open_plain(&path).map_err(io)?;
        // A time beyond the clock's range is not a bound.
        let deadline = Instant::now().checked_add(wait);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(io(source)),
                Err(TryLockError::WouldBlock)
                    if deadline.is_none_or(|deadline| Instant::now() < deadline) =>
                {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let known = file.read_to_string(&mut text).is_ok() && !text.trim().is_empty();
                    let holder = known.then(|| text.trim().to_owned());
                    return Err(Error::Locked {
                        store: store.to_owned(),
                        holder,
                    });
                }
            }
        }
        // The content of the file only helps people; a full disk must not prevent taking the lock.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()));
        Ok(Self { _file: file })
    }
}

impl StoreLock {
    /// Returns the note of the process that holds the lock of a store; `None` if no process does. Does not wait for the
    /// lock, and releases it at once.
    pub(crate) fn holder(store: &Path) -> Option<String> {
        let path = lock_path(store);
        // Opening a pipe would wait.
        check_plain(&path.symlink_metadata().ok()?).ok()?;
        let mut file = File::open(path).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else {
            return None;
        };
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        Some(text.trim().to_owned())
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

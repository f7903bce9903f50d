//! Reads and writes the files of a backup and of the place it is restored to, and finds files that must not exist
//! there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::BackedUp;
use crate::digest::hex;
use crate::environment::{CheckpointKeys, Environment};
use crate::error::{Error, Result};
use crate::observe::StopSignal;
use crate::store::{Store, StoreOptions};

/// Returns a journal that SQLite would apply when it opens the store: the journal of another store would be replayed
/// into this one.
pub(super) fn unfinished(store: &Path) -> Option<PathBuf> {
    let beside = ["-journal", "-wal", "-shm"].into_iter().map(|kind| {
        let mut name = store.as_os_str().to_owned();
        name.push(kind);
        PathBuf::from(name)
    });
    beside.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// Opens the store of a backup for checking.
pub(super) fn looked_at(path: &Path, keys: CheckpointKeys) -> Result<Store> {
    let options = StoreOptions {
        read_only: true,
        unchecked: true,
        ..StoreOptions::default()
    };
    let environment = Environment {
        keys,
        ..Environment::default()
    };
    Store::open(path, options, environment)
}

/// Creates a file that only its owner can access, and the folders above it.
pub(super) fn new_file(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).map_err(io(path))
}

/// Reads a file to its end, and writes what it reads.
pub(super) fn pour(
    mut from: impl Read,
    to: &mut impl Write,
    (from_path, to_path): (&Path, &Path),
    stop: &StopSignal,
) -> Result<BackedUp> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        if stop.is_asked() {
            return Err(stopped());
        }
        let read = from.read(&mut buffer).map_err(io(from_path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read]).map_err(io(to_path))?;
        bytes += read as u64;
    }
    Ok(BackedUp {
        name: String::new(),
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Waits until the folder's directory entries are on disk.
pub(super) fn sync(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder))
}

pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}
pub(super) fn stopped() -> Error {
    Error::invalid(
        "stopped as you asked, before everything was written",
        "run the same command again to start over",
    )
}

//! Files that a command writes, a page or what it gives: whole or not at all, and never in the place of something else.

use std::fs::{File, FileType};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::exit::Exit;
use super::failure::Failure;

/// What every page begins with, so that --force writes over pages only: never over a store, a key or a stage.
const DOCTYPE: &[u8] = b"<!doctype html>";

/// A new file for what a command gives. It has its name only when it is whole; nothing that exists is overwritten, and
/// what was begun is gone.
pub(crate) struct NewFile<'p> {
    path: &'p Path,
    part: BufWriter<NamedTempFile>,
}

impl<'p> NewFile<'p> {
    pub(crate) fn begin(path: &'p Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            let there = io::Error::new(io::ErrorKind::AlreadyExists, "it already exists");
            return Err(unwritable(path, &there));
        }
        let part = beside(path).map_err(|error| unwritable(path, &error))?;
        let part = BufWriter::new(part);
        Ok(Self { path, part })
    }

    /// As [`begin`](Self::begin), of a file that only its owner can read.
    pub(crate) fn begin_private(path: &'p Path) -> Result<Self, Failure> {
        let file = Self::begin(path)?;
        #[cfg(unix)]
        {
            let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            let part = file.part.get_ref().as_file();
            part.set_permissions(owner_only)
                .map_err(|error| unwritable(path, &error))?;
        }
        Ok(file)
    }

    /// That it cannot be written.
    pub(crate) fn unwritable(&self, error: &io::Error) -> Failure {
        unwritable(self.path, error)
    }

    /// Waits until all of it is on the disk, and gives it its name.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let part = self.part.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = part.and_then(|part| part.as_file().sync_all().map(|()| part));
        let named = synced.and_then(|part| part.persist_noclobber(self.path).map_err(|error| error.error));
        named.map(drop).map_err(|error| unwritable(self.path, &error))
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}

/// Writes a page to stdout, as it is.
pub(crate) fn print_page(page: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(page.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}

/// Writes a page to a new file, or over an older page where that is wanted.
pub(crate) fn write_page(path: &Path, page: &str, force: bool) -> Result<(), Failure> {
    check(path, force)?;
    let finished = beside(path).and_then(|mut part| {
        part.write_all(page.as_bytes())?;
        part.as_file().sync_all()?;
        Ok(part)
    });
    // Only the finished file gets the name; what was begun goes with `part`.
    let named = finished.and_then(|part| {
        let named = if force {
            part.persist(path)
        } else {
            part.persist_noclobber(path)
        };
        named.map_err(|error| error.error)
    });
    match named {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(page_unwritable(path, &error)),
    }
}

/// A file in the same folder, so that it only has to be renamed when it is finished.
pub(super) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut part = tempfile::Builder::new();
    part.prefix(".counterfoil-").suffix(".part");
    // As any other file that a program makes: less what the user's mask takes away.
    #[cfg(unix)]
    part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    part.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// Refuses what stands at the place already, unless it is a page and may be replaced.
fn check(path: &Path, force: bool) -> Result<(), Failure> {
    let there = match path.symlink_metadata() {
        Ok(there) => there.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(page_unwritable(path, &error)),
    };
    if let Some(kind) = no_file(there) {
        return Err(taken(path, kind, "name a file with --html, or `-` for stdout"));
    }
    if !force {
        return Err(exists(path));
    }
    if !is_page(path).map_err(|error| page_unwritable(path, &error))? {
        let why = "is not a report page, so --force does not overwrite it";
        return Err(taken(path, why, "name another file with --html"));
    }
    Ok(())
}

/// As [`unwritable`]; a page may be asked for in a folder that is not there.
fn page_unwritable(path: &Path, error: &io::Error) -> Failure {
    unwritable(path, error).hint("name a new file in an existing folder that you can write to")
}

fn exists(path: &Path) -> Failure {
    taken(
        path,
        "already exists",
        "name another file, or add --force to overwrite an older page",
    )
}

fn taken(path: &Path, why: &str, hint: &str) -> Failure {
    let message = format!("{} {why}", path.display());
    Failure::new(Exit::Failed, "report.exists", message).hint(hint)
}

fn no_file(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("is a symbolic link"),
        kind if kind.is_dir() => Some("is a folder"),
        _ => Some("is not a file"),
    }
}

/// Whether a file is a page, or empty.
fn is_page(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?
        .take(DOCTYPE.len() as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == DOCTYPE)
}

/// What cannot be written, and what to do about it.
fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", path.display());
    Failure::new(Exit::Failed, "output.failed", message)
        .hint("name a new file in a folder that you can write to")
}

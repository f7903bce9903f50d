//! The verbs `backup` and `restore`: the store, its checkpoints, the stage files and the settings, as they were together at
//! one moment, in a folder of their own.
//!
//! The folder has the store, `STORE.checkpoints` beside it, the project's files under their names, and `backup.json`, which
//! is written last: it lists the files with their SHA-256. The key that signs is never in it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::error::{Error, Result};
use crate::ledger::Head;
use crate::ledger::checkpoint::notes_after;
use crate::ledger::read::origin;
use crate::observe::StopSignal;
use crate::store::{Store, StoreLock, StoreOptions, checkpoints};
use crate::surroundings::{Keys, Surroundings};
use crate::verify::{VerifyOptions, verify};

/// The file that lists the others.
pub const MANIFEST: &str = "backup.json";
/// What the manifest begins with; another text is another format.
const FORMAT: &str = "counterfoil-backup-1";
/// A list of files is never longer than this.
const LONGEST: u64 = 16 << 20;

/// A small file of the project: its name, relative to the project's folder, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    format: String,
    /// The ledger: the uuid of its first run.
    pub origin: String,
    /// Its newest batch.
    pub batches: i64,
    /// The size of its tree.
    pub tree_size: u64,
    /// The root of its tree, in hexadecimal.
    pub tree_root: String,
    /// When the backup was made, in microseconds since 1970.
    pub at_us: i64,
    /// The store's file.
    pub store: String,
    /// Every file, the store's first.
    pub files: Vec<BackedUp>,
}

impl Manifest {
    /// Whether files of the project are others by now.
    #[must_use]
    pub fn has_changed(&self, files: &[ProjectFile]) -> bool {
        let is_same = |file: &ProjectFile| {
            let kept = self.files.iter().find(|kept| kept.name == file.name);
            kept.is_some_and(|kept| kept.sha256 == hex(&Sha256::digest(&file.text)))
        };
        !files.iter().all(is_same)
    }
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackedUp {
    /// Its name, relative to the backup's folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Copies a store and the files of its project to a folder that is not there yet, or is empty. The store is copied by
/// SQLite's own backup, so that it is as it was after one commit, whoever writes meanwhile.
///
/// # Errors
/// [`Error::Invalid`] where the folder has something in it, or a file's name leads out of it; [`Error::Damaged`] where the
/// store contradicts its checkpoints or is not as this program makes it; what cannot be read or written.
pub fn backup(store: &Store, files: &[ProjectFile], folder: &Path) -> Result<Manifest> {
    if let Some(objection) = store.objection() {
        // A backup of it would say that it is sound.
        let what = objection.to_string();
        return Err(Error::Damaged { what });
    }
    make_empty(folder)?;
    let name = store
        .path()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let path = folder.join(&name);
    new_file(&path)?;
    store.back_up_to(&path)?;
    let (head, origin, notes) = {
        let copy = looked_at(&path)?;
        let connection = copy.connection();
        (
            Head::read(connection)?,
            origin(connection)?,
            notes_after(connection, 0)?,
        )
    };
    let mut backed_up = vec![known(folder, &name)?];
    if !notes.is_empty() {
        let beside = checkpoints::path_of(Path::new(&name));
        backed_up.push(write(folder, &beside.to_string_lossy(), &notes.concat())?);
    }
    for file in files {
        backed_up.push(write(folder, &file.name, &file.text)?);
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        origin,
        batches: head.batch,
        tree_size: head.frontier.size(),
        tree_root: hex(&head.frontier.root()),
        at_us: store.surroundings().clock.now_us(),
        store: name,
        files: backed_up,
    };
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
    write(folder, MANIFEST, &text)?;
    sync(folder)?;
    Ok(manifest)
}

/// What a backup has been found to be.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it says of itself.
    pub manifest: Manifest,
    folder: PathBuf,
}

/// Checks a backup: that it is whole, that every file is as it was written, and that its store is sound (the whole ledger
/// and all data).
///
/// # Errors
/// [`Error::Invalid`] where the folder is no backup, or one that did not come to its end; [`Error::Damaged`] where a file
/// or the store is not as it was.
pub fn check(folder: &Path, stop: &StopSignal) -> Result<Checked> {
    let manifest = manifest(folder)?;
    let path = inside(folder, &manifest.store)?;
    if !manifest.files.iter().any(|file| file.name == manifest.store) {
        return Err(damaged(&folder.join(MANIFEST), "does not list the store"));
    }
    refuse_unfinished(&path)?;
    for file in &manifest.files {
        if stop.is_asked() {
            return Err(stopped());
        }
        let path = inside(folder, &file.name)?;
        if known_at(&path, &file.name)? != *file {
            return Err(damaged(&path, "is not as it was written"));
        }
    }
    let store = looked_at(&path)?;
    let options = VerifyOptions {
        stop: stop.clone(),
        ..VerifyOptions::default()
    };
    let report = verify(&store, &options)?;
    if let Some(first) = report.findings.first() {
        return Err(damaged(&path, &format!("does not verify: {}", first.message)));
    }
    if !report.is_sound() {
        return Err(stopped());
    }
    if (report.tree_size, &report.tree_root) != (manifest.tree_size, &manifest.tree_root) {
        return Err(damaged(&path, "holds another ledger than `backup.json` says"));
    }
    Ok(Checked {
        manifest,
        folder: folder.to_owned(),
    })
}

impl Checked {
    /// Puts the files of the backup into a project's folder, and its store to a path. Nothing that is there is written
    /// over: files that are equal stay, others are named, and then nothing is written. A file of checkpoints that is there
    /// stays too: it tells what came after the backup.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is in the way; what cannot be written.
    pub fn restore(&self, folder: &Path, store: &Path, stop: &StopSignal) -> Result<()> {
        if let Some(folder) = store.parent() {
            std::fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let _lock = StoreLock::take(store, Duration::ZERO, "restoring a backup\n")?;
        if store.symlink_metadata().is_ok() {
            return Err(Error::invalid(
                format!("there is a store at `{}`", store.display()),
                "move it away first, with what stands beside it; nothing was written",
            ));
        }
        refuse_unfinished(store)?;
        let beside = checkpoints::path_of(Path::new(&self.manifest.store));
        let mut wanted = Vec::new();
        for file in &self.manifest.files {
            let from = inside(&self.folder, &file.name)?;
            let to = if file.name == self.manifest.store {
                store.to_owned()
            } else if Path::new(&file.name) == beside {
                checkpoints::path_of(store)
            } else {
                inside(folder, &file.name)?
            };
            match to.symlink_metadata() {
                Ok(_) if Path::new(&file.name) == beside || known_at(&to, &file.name)? == *file => {}
                Ok(_) => {
                    return Err(Error::invalid(
                        format!(
                            "`{}` is there, and is another one than in the backup",
                            to.display()
                        ),
                        "move it away first, or restore into an empty folder; nothing was written",
                    ));
                }
                Err(_) => wanted.push((from, to, file)),
            }
        }
        // The store last: with it the project is there.
        wanted.reverse();
        for (from, to, file) in wanted {
            copy(&from, &to, file, stop)?;
        }
        Ok(())
    }
}

/// Refuses what SQLite would still carry out on a store when it is opened: the journal of another one would be played into
/// it.
fn refuse_unfinished(store: &Path) -> Result<()> {
    for kind in ["-journal", "-wal", "-shm"] {
        let mut name = store.as_os_str().to_owned();
        name.push(kind);
        let path = PathBuf::from(name);
        if path.symlink_metadata().is_ok() {
            return Err(Error::invalid(
                format!(
                    "`{}` is there, and belongs to another state of the store",
                    path.display()
                ),
                "move it away first, with the store that it belongs to; nothing was written",
            ));
        }
    }
    Ok(())
}

fn stopped() -> Error {
    Error::invalid(
        "stopped as you asked, before everything was there",
        "the same command again begins anew",
    )
}

/// The store of a backup, to be looked at.
fn looked_at(path: &Path) -> Result<Store> {
    let options = StoreOptions {
        read_only: true,
        unchecked: true,
        ..StoreOptions::default()
    };
    let surroundings = Surroundings {
        keys: Keys::default(),
        ..Surroundings::default()
    };
    Store::open(path, options, surroundings)
}

fn manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let none = |why: &str| {
        Error::invalid(
            format!("`{}` is no backup: {why}", folder.display()),
            "name the folder that `counterfoil backup` has made; one without a `backup.json` did not come to its end",
        )
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(none("it has no `backup.json`"));
        }
        Err(source) => return Err(io(&path)(source)),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(io(&path))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| none(&format!("its list: {error}")))?;
    if manifest.format != FORMAT {
        return Err(none(&format!("its format is `{}`", manifest.format)));
    }
    Ok(manifest)
}

fn make_empty(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    let mut there = std::fs::read_dir(folder).map_err(io(folder))?;
    if there.next().is_some() {
        return Err(Error::invalid(
            format!("`{}` is not empty", folder.display()),
            "name a folder that is not there yet: every backup has one of its own",
        ));
    }
    Ok(())
}

/// A path inside a folder, for a name that leads nowhere else.
fn inside(folder: &Path, name: &str) -> Result<PathBuf> {
    let name = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.as_os_str().is_empty() || !name.components().all(is_plain) {
        return Err(Error::invalid(
            format!("`{}` leads out of the folder", name.display()),
            "a backup has only files of its own folder",
        ));
    }
    Ok(folder.join(name))
}

/// A new file for its owner alone, with the folders above it.
fn new_file(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).map_err(io(path))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<BackedUp> {
    let path = inside(folder, name)?;
    let mut file = new_file(&path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(io(&path))?;
    known(folder, name)
}

/// Copies a file of a backup, which has to be what was checked, and never over anything.
fn copy(from: &Path, to: &Path, file: &BackedUp, stop: &StopSignal) -> Result<()> {
    // Under another name until it is whole.
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut out = new_file(&part)?;
    let placed = (|| {
        let copied = pour(File::open(from).map_err(io(from))?, &mut out, (from, to), stop)?;
        out.sync_all().map_err(io(to))?;
        if (copied.bytes, &copied.sha256) != (file.bytes, &file.sha256) {
            return Err(damaged(from, "has changed since it was checked"));
        }
        // A link is not made where something is there by now.
        std::fs::hard_link(&part, to).map_err(io(to))?;
        to.parent().map_or(Ok(()), sync)
    })();
    // What was begun is nobody's, and what is placed has its own name.
    let _ = std::fs::remove_file(&part);
    placed
}

/// Reads a file to its end, and writes what it reads.
fn pour(
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

fn known(folder: &Path, name: &str) -> Result<BackedUp> {
    known_at(&inside(folder, name)?, name)
}

fn known_at(path: &Path, name: &str) -> Result<BackedUp> {
    let file = File::open(path).map_err(io(path))?;
    let known = pour(file, &mut std::io::sink(), (path, path), &StopSignal::default())?;
    Ok(BackedUp {
        name: name.to_owned(),
        ..known
    })
}

/// Waits until the names in a folder are on the disk.
fn sync(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder))
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::Damaged {
        what: format!("`{}` {what}", path.display()),
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}

//! The file `<store>.checkpoints`: a second copy of the signed notes, beside the store. To restore an older store
//! unnoticed, or to write another history into it, one has to change this file too, which is impossible for copies kept
//! elsewhere.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Store, make_side_file};
use crate::error::{Contradiction, Error, Result};
use crate::ledger::checkpoint::{Checkpoint, batch_of_size, newest_note, notes_after};
use crate::note::{BadNote, VerifyingKey};
use crate::record::BatchId;

/// Longer than two notes: the newest one is at the end of the file.
const TAIL: u64 = 8 << 10;

/// Returns the path of a store's checkpoint file.
pub(crate) fn path_of(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".checkpoints");
    name.into()
}

/// Returns the notes in a text, in order. Skips truncated ones: a write may have been torn, and the next note follows
/// what is left of it.
fn notes(text: &str) -> Vec<&str> {
    let (mut found, mut from, mut at, mut in_signatures) = (Vec::new(), 0, 0, false);
    for line in text.split_inclusive('\n').chain([""]) {
        let is_signature = line.starts_with('\u{2014}') && line.ends_with('\n');
        if in_signatures && !is_signature {
            found.extend(last_note(&text[from..at]));
            from = at;
        }
        in_signatures = is_signature;
        at += line.len();
    }
    found
}

/// Returns the last note in a text.
fn last_note(text: &str) -> Option<&str> {
    let lines = text.match_indices('\n').map(|(at, _)| at + 1).rev();
    let mut begins = lines.chain([0]).map(|begin| &text[begin..]);
    begins.find(|note| Checkpoint::from_note(note).is_some())
}

/// Reads the file, or its end.
fn read(store: &Store, tail: Option<u64>) -> Result<Option<String>> {
    // A store in memory has no file beside it.
    if store.is_in_memory() {
        return Ok(None);
    }
    let path = path_of(store.path());
    let read = || -> std::io::Result<String> {
        // A pipe or a device would never end, and a link would direct the signed notes to a place of somebody else's
        // choice.
        let metadata = std::fs::symlink_metadata(&path)?;
        if !metadata.is_file() {
            let what = if metadata.is_symlink() {
                "it is a symbolic link; replace it with the checkpoint file itself, or remove the link"
            } else {
                "it is not a regular file"
            };
            return Err(std::io::Error::new(ErrorKind::InvalidInput, what));
        }
        let length = metadata.len();
        let mut file = std::fs::File::open(&path)?;
        if let Some(tail) = tail.filter(|tail| *tail < length) {
            file.seek(SeekFrom::Start(length - tail))?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path, source }),
    }
}

/// Appends the notes that the store keeps and the file lacks, and waits until they are on disk. Only the holder of the
/// store's lock calls this.
pub(crate) fn complete(store: &Store) -> Result<()> {
    if store.is_in_memory() {
        return Ok(());
    }
    let known = read(store, Some(TAIL))?.unwrap_or_default();
    let size = notes(&known)
        .last()
        .and_then(|note| Checkpoint::from_note(note))
        .map_or(0, |newest| newest.size);
    let missing = notes_after(store.connection(), size)?;
    if missing.is_empty() {
        return Ok(());
    }
    // A torn end is terminated, so that it does not become a part of the next note.
    let end = if known.is_empty() || known.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let path = path_of(store.path());
    let is_new = !path.exists();
    let append = || -> std::io::Result<()> {
        make_side_file(store.path(), &path)?;
        let mut file = OpenOptions::new().append(true).open(&path)?;
        file.write_all(format!("{end}{}", missing.concat()).as_bytes())?;
        file.sync_all()?;
        // The file's name has to be on disk too.
        if is_new && let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    append().map_err(|source| Error::Io {
        path: path.clone(),
        source,
    })
}

/// Renames the file: its notes no longer belong to a store.
pub(crate) fn put_aside(store: &Store) -> Result<()> {
    if store.is_in_memory() {
        return Ok(());
    }
    let path = path_of(store.path());
    let mut number = 1;
    let aside = loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let aside = PathBuf::from(name);
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    match std::fs::rename(&path, aside) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Io { path, source }),
        _ => Ok(()),
    }
}

/// Checks the newest known checkpoints, of the file and of the store, against the store with a few look-ups. Returns
/// warnings if the check succeeds.
///
/// # Errors
/// [`Error::Contradicted`].
pub(crate) fn check(store: &Store) -> Result<Vec<String>> {
    let path = path_of(store.path());
    let mut warnings = Vec::new();
    // The file first, because a writer commits to the store before.
    let in_file = match read(store, Some(TAIL)) {
        Err(error @ Error::Io { .. }) if store.options().read_only => {
            warnings.push(format!("{error}: the store was not compared with it"));
            None
        }
        read => read?,
    };
    let in_store = newest_note(store.connection())?;
    let from_file = in_file.as_deref().and_then(|text| notes(text).pop());
    let trusted = store.environment().keys.trusted();
    for (note, place) in [(from_file, path.as_path()), (in_store.as_deref(), store.path())] {
        let Some(note) = note else { continue };
        if let Some(contradiction) = contradiction(store.connection(), note, trusted)? {
            return Err(contradicted(store, place, note, contradiction)?);
        }
    }
    if in_store.is_some() && from_file.is_none() && warnings.is_empty() {
        let is = match in_file.as_deref() {
            None => "is missing",
            Some("") => "is empty",
            Some(_) => "contains no checkpoint",
        };
        warnings.push(format!(
            "`{}` {is}: whether the store was truncated since its newest checkpoint cannot be determined",
            path.display()
        ));
    }
    if in_store.is_some() && !store.options().read_only && store.environment().keys.signer().is_none() {
        warnings.push(format!(
            "earlier runs were signed, but this one will not be: there is no signing key; {KEY_LOST}"
        ));
    }
    Ok(warnings)
}

/// Returns all checkpoints of the file.
pub(crate) fn in_file(store: &Store) -> Result<Vec<String>> {
    let text = read(store, None)?.unwrap_or_default();
    Ok(notes(&text).into_iter().map(str::to_owned).collect())
}

/// How far a store is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SignedUpTo {
    /// Newest batch that a checkpoint signs.
    pub batch: BatchId,
    /// Number of batches after it.
    pub unsigned: i64,
}

/// Advice for a store whose signing key is lost. A new key has to be accepted explicitly, because it could be
/// anybody's.
pub(crate) const KEY_LOST: &str = "restore `counterfoil.key`, name it with `--key FILE`, or create a new one: move \
     `counterfoil.pub` away, then run `counterfoil checkpoint --new-key --accept-restore --reason TEXT`";

/// Returns how far a store is signed; `None` if no part of it is.
pub(crate) fn signed(connection: &Connection) -> Result<Option<SignedUpTo>> {
    let newest = newest_note(connection)?.and_then(|note| Checkpoint::from_note(&note));
    let Some(closed) = newest.map_or(Ok(None), |newest| batch_of_size(connection, newest.size))? else {
        return Ok(None);
    };
    let last: BatchId = connection.query_row("SELECT max(batch) FROM ledger_batch", [], |row| row.get(0))?;
    Ok(Some(SignedUpTo {
        batch: closed.batch,
        unsigned: last.get() - closed.batch.get(),
    }))
}

/// Rejects the creation of a store where one was signed: the old one was lost or removed.
///
/// # Errors
/// [`Error::Contradicted`].
pub(crate) fn check_new(store: &Store) -> Result<()> {
    let text = read(store, Some(TAIL))?.unwrap_or_default();
    let Some(newest) = notes(&text).pop().and_then(Checkpoint::from_note) else {
        return Ok(());
    };
    Err(Error::Contradicted {
        checkpoints: path_of(store.path()),
        store: store.path().to_owned(),
        signed: newest.size,
        found: 0,
        since: None,
        contradiction: Contradiction::Missing,
    })
}

fn contradiction(
    connection: &Connection,
    note: &str,
    trusted: Option<&VerifyingKey>,
) -> Result<Option<Contradiction>> {
    if let Some(Err(problem)) = trusted.map(|key| key.open(note)) {
        return Ok(Some(Contradiction::Forged(problem)));
    }
    let Some(checkpoint) = Checkpoint::from_note(note) else {
        return Ok(Some(Contradiction::Forged(BadNote::Form(
            "it is not a checkpoint",
        ))));
    };
    let Some(now) = Checkpoint::from_ledger(connection)? else {
        return Ok(Some(Contradiction::Truncated));
    };
    Ok(if now.origin != checkpoint.origin {
        Some(Contradiction::Replaced)
    } else if now.size < checkpoint.size {
        Some(Contradiction::Truncated)
    } else {
        let closed = batch_of_size(connection, checkpoint.size)?;
        let holds = closed.is_some_and(|closed| closed.root == checkpoint.root);
        (!holds).then_some(Contradiction::Rewritten)
    })
}

/// Makes the error, with the newest checkpoint of the file that still holds.
fn contradicted(store: &Store, place: &Path, note: &str, contradiction: Contradiction) -> Result<Error> {
    let connection = store.connection();
    let text = read(store, None)?.unwrap_or_default();
    let trusted = store.environment().keys.trusted();
    let mut holds = None;
    for note in notes(&text).into_iter().rev() {
        if self::contradiction(connection, note, trusted)?.is_none() {
            holds = Checkpoint::from_note(note);
            break;
        }
    }
    let since = match &holds {
        Some(checkpoint) => batch_of_size(connection, checkpoint.size)?.map(|closed| closed.batch),
        None => None,
    };
    Ok(Error::Contradicted {
        checkpoints: place.to_owned(),
        store: store.path().to_owned(),
        signed: Checkpoint::from_note(note).map_or(0, |checkpoint| checkpoint.size),
        found: Checkpoint::from_ledger(connection)?.map_or(0, |now| now.size),
        since,
        contradiction,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_of_a_file_are_distinguished_and_a_torn_one_is_left_out() {
        let key = crate::note::SigningKey::generate("shop", &[7; 32]);
        let key = key.expect("a key");
        let note = |size| {
            key.sign(&format!(
                "origin\n{size}\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
            ))
        };
        let file = [note(1), note(2), note(30)].concat();
        assert_eq!(notes(&file), [note(1), note(2), note(30)]);
        for cut in 0..note(30).len() {
            let Some(torn) = file.get(..file.len() - cut) else {
                continue;
            };
            let whole = if cut == 0 { 3 } else { 2 };
            assert_eq!(notes(torn).len(), whole, "cut by {cut}");
            let ended = format!(
                "{torn}{}{}",
                if torn.ends_with('\n') { "" } else { "\n" },
                note(40)
            );
            assert_eq!(notes(&ended).last(), Some(&note(40).as_str()), "cut by {cut}");
        }
    }
}

//! The first page of a store's file, read before SQLite opens it: SQLite would roll back the journal of whatever file
//! it is given.

use std::io::Read as _;
use std::path::Path;

use super::objects::{APPLICATION_ID, VERSION};
use crate::error::{Error, Result};

/// Length of the file's header and that of the first page's tree.
const LENGTH: u64 = 105;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Rejects a file that is not a store. SQLite, which opens the file next, reports what cannot be read.
///
/// # Errors
/// [`Error::NotAStore`], and SQLite's own error for a file that is not a database.
pub(super) fn check(path: &Path) -> Result<()> {
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    let Ok(file) = std::fs::File::open(path) else {
        return Ok(());
    };
    let mut header = Vec::new();
    if file.take(LENGTH).read_to_end(&mut header).is_err() {
        return Ok(());
    }
    // A new store is empty, and after a kill in its first commit its first page may still be missing.
    if header.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    if !header.starts_with(MAGIC) {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
        return Err(Error::sqlite("opened")(rusqlite::Error::SqliteFailure(
            code, None,
        )));
    }
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i32::from_be_bytes)
    };
    let (version, application) = (number(60), number(68));
    // The whole content of a new store may be in its write-ahead log: then the first page has no entry.
    let is_new = (version, application) == (0, 0) && header.get(103..105) == Some(&[0, 0]);
    if is_new || (application == APPLICATION_ID && (1..=VERSION).contains(&version)) {
        return Ok(());
    }
    Err(not_ours(path, application, version))
}

/// Returns the error for a file that is not a store, or is of a version that this program does not know.
pub(super) fn not_ours(path: &Path, application: i32, version: i32) -> Error {
    let found = if application == APPLICATION_ID {
        format!("schema version {version}; this program supports {VERSION}")
    } else {
        format!("another application's file (application_id {application:#x})")
    };
    Error::NotAStore {
        path: path.to_owned(),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_or_new_may_be_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let made = |sql: &str| {
            let _ = std::fs::remove_file(&path);
            let connection = rusqlite::Connection::open(&path).expect("a file");
            connection.execute_batch(sql).expect(sql);
            drop(connection);
            check(&path).map_err(|error| error.code())
        };
        assert_eq!(made(""), Ok(()));
        assert_eq!(made("PRAGMA journal_mode=WAL"), Ok(()));
        assert_eq!(
            made(&format!(
                "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}"
            )),
            Ok(())
        );
        assert_eq!(made("CREATE TABLE t(x)"), Err("store.foreign"));
        assert_eq!(made("PRAGMA application_id=7"), Err("store.foreign"));
        assert_eq!(
            made(&format!(
                "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version=99"
            )),
            Err("store.foreign")
        );
        std::fs::write(&path, [0; 4096]).expect("it is ours");
        assert!(check(&path).is_ok());
        std::fs::write(&path, "no database").expect("it is ours");
        assert_eq!(check(&path).map_err(|error| error.code()), Err("store.damaged"));
        assert!(check(&folder.path().join("none")).is_ok() && check(folder.path()).is_ok());
    }
}

//! Copies of a store: page by page, or packed.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::Store;
use super::opened::LONGEST_WAIT;
use crate::error::{Error, Result};
use crate::observe::StopSignal;

/// Number of pages per step, of eight kilobytes each.
const PAGES: i32 = 2_048;
/// Number of times that a copy starts again before writers have to wait for it.
const TIMES: u32 = 3;

impl Store {
    /// Writes a copy of the store's current state, in one read, to a file that must not exist yet.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<()> {
        // A database in memory would be copied into memory: SQLite uses the file system of the one for the other too.
        if self.is_in_memory() {
            return self.back_up_to(path, &StopSignal::default()).map(drop);
        }
        let name = path.to_str().ok_or_else(|| Error::Io {
            path: path.to_owned(),
            source: std::io::ErrorKind::InvalidFilename.into(),
        })?;
        let copied = self.connection().execute("VACUUM INTO ?1", [name]);
        copied.map(drop).map_err(Error::sqlite("copied"))
    }

    /// Releases the memory that SQLite keeps for the store's pages, for code that works on two stores at once.
    pub(crate) fn shrink_memory(&self) -> Result<()> {
        let shrunk = self.connection().execute_batch("PRAGMA shrink_memory");
        shrunk.map_err(Error::sqlite("read"))
    }

    /// Copies the store to an empty file by SQLite's backup, so that the copy is as the store was after one commit.
    /// Writers may commit between two steps, and the copy then starts again; only after a few such restarts do they
    /// have to wait. Returns `false` if it was stopped.
    pub(crate) fn back_up_to(&self, path: &Path, stop: &StopSignal) -> Result<bool> {
        let wait = self.options().wait;
        let back_up = || {
            let mut copy = Connection::open(path)?;
            copy.busy_timeout(wait.min(LONGEST_WAIT))?;
            if !copy_pages(self.connection(), &mut copy, PAGES, wait, || !stop.is_asked())? {
                return Ok(false);
            }
            // One file, whatever the store's journal mode is.
            copy.query_row("PRAGMA journal_mode=DELETE", [], |_| Ok(true))
        };
        back_up().map_err(Error::sqlite("backed up"))
    }
}

/// Copies this many pages at a time, and all of them at once after a few restarts; calls `goes_on` after each step.
fn copy_pages(
    store: &Connection,
    copy: &mut Connection,
    pages: i32,
    wait: Duration,
    mut goes_on: impl FnMut() -> bool,
) -> rusqlite::Result<bool> {
    let backup = Backup::new(store, copy)?;
    let (mut remaining, mut begun_anew) = (i32::MAX, 0);
    let mut busy_since = None;
    loop {
        match backup.step(if begun_anew < TIMES { pages } else { -1 })? {
            StepResult::Done => return Ok(true),
            StepResult::More => {
                busy_since = None;
                let now = backup.progress().remaining;
                // If a writer commits in every step, as much is left after each.
                begun_anew += u32::from(now >= remaining);
                remaining = now;
            }
            // Another connection commits at this moment.
            _ if busy_since.get_or_insert_with(Instant::now).elapsed() < wait => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
        }
        if !goes_on() {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_ends_although_somebody_commits_after_every_step() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let writer = Connection::open(&path).expect("a file");
        let fill = "CREATE TABLE t(x BLOB); CREATE TABLE n(n INTEGER); INSERT INTO n VALUES(0);
         WITH r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r WHERE i<100) INSERT INTO t SELECT zeroblob(4000) FROM r;";
        writer.execute_batch(fill).expect("rows");
        let store = Connection::open(&path).expect("the file");
        let mut copy = Connection::open(folder.path().join("copy.db")).expect("a file");
        let mut steps = 0;
        let commit = || {
            steps += 1;
            assert!(steps < 50, "it never ends");
            writer.execute("UPDATE n SET n=n+1", []).expect("nobody reads");
            true
        };
        copy_pages(&store, &mut copy, 10, Duration::from_secs(5), commit).expect("a copy");
        let sound: String = copy
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("a look");
        assert_eq!(sound, "ok");
        // As of the moment when the last step began.
        let commits: i64 = copy
            .query_row("SELECT n FROM n", [], |row| row.get(0))
            .expect("n");
        assert_eq!(commits, 4);
    }
}

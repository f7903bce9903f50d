//! A store that stands in no file. Its connections share a database of SQLite's in this process's memory, which locks as a
//! file does, so that everything that needs a second connection has one.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};

/// How many there have been in this process: each has a database of another name.
static MADE: AtomicU64 = AtomicU64::new(0);

/// The name of a database in memory, for every connection to it. It is there as long as one of them is.
#[derive(Clone, Debug)]
pub(super) struct MemoryName(String);

impl MemoryName {
    pub(super) fn new() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("file:/counterfoil-{number}?vfs=memdb"))
    }

    /// Another connection; `mode` says whether it may write.
    pub(super) fn connect(&self, mode: OpenFlags) -> Result<Connection> {
        let flags = mode | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.0, flags).map_err(Error::sqlite("opened"))
    }
}

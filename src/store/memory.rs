//! Stores without a file. Their connections share an SQLite database in this process's memory, which locks as a file
//! does, so code that needs a second connection can open one.

use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, Result};

/// Number of such stores made in this process: each has a database of another name.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Name of a database in memory, for every connection to it. The database exists as long as one of them does.
#[derive(Clone, Debug)]
pub(super) struct MemoryName(String);

impl MemoryName {
    pub(super) fn new() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("file:/counterfoil-{number}?vfs=memdb"))
    }

    /// Opens another connection; `mode` determines whether it may write.
    pub(super) fn connect(&self, mode: OpenFlags) -> Result<Connection> {
        let flags = mode | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.0, flags).map_err(Error::sqlite("opened"))
    }
}

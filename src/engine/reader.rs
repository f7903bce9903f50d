//! The connection of the thread that makes batches.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::Result;
use crate::store::Store;

/// A connection that reads while another one writes.
#[derive(Clone)]
pub(crate) struct ReadConnection {
    connection: Arc<Mutex<Connection>>,
    gate: Arc<Mutex<()>>,
}

impl ReadConnection {
    /// Opens a separate connection, which the gate excludes from commits.
    pub(crate) fn beside(store: &Store, gate: Arc<Mutex<()>>) -> Result<Self> {
        Ok(Self {
            connection: Arc::new(Mutex::new(store.reader()?)),
            gate,
        })
    }

    /// Opens a separate connection, if nothing commits.
    pub(crate) fn alone(store: &Store) -> Result<Self> {
        Self::beside(store, Arc::default())
    }

    /// Reads in one transaction: otherwise each statement would take the file's lock and look for a journal again. Must
    /// end with everything in memory: no statement may stay open, because a reader holds up the commit.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _closed = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.unchecked_transaction()?;
        let found = work(&transaction)?;
        transaction.commit()?;
        Ok(found)
    }
}

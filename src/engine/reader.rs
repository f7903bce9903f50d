//! The connection of the thread that makes batches.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, DropBehavior};

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

    /// Opens a separate connection that reads one state of the store, even while others write.
    pub(crate) fn of_one_state(store: &Store) -> Result<Self> {
        let connection = store.reader()?;
        let mut moment = connection.unchecked_transaction()?;
        // It stays open as long as the connection.
        moment.set_drop_behavior(DropBehavior::Ignore);
        drop(moment);
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            gate: Arc::default(),
        })
    }

    /// Reads in one transaction: otherwise each statement would take the file's lock and look for a journal again. Must
    /// end with everything in memory: no statement may stay open, because a reader holds up the commit.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _closed = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.is_autocommit() {
            return work(&connection);
        }
        let transaction = connection.unchecked_transaction()?;
        let found = work(&transaction)?;
        transaction.commit()?;
        Ok(found)
    }
}

//! Which records an input has brought: when one of them comes again with other data, it is unknown which of the two is
//! right.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::past::each_brought_by;
use crate::record::{PassId, RecordNumber, RecordSet};

/// Numbers of the records, one bit for each, because an input may bring millions.
#[derive(Debug, Default)]
pub(super) struct Brought(RecordSet);

impl Brought {
    /// Returns the records that a pass has brought so far.
    pub(super) fn by(connection: &Connection, pass: PassId) -> Result<Self> {
        let mut brought = Self::default();
        each_brought_by(connection, pass, |record| brought.note(record))?;
        Ok(brought)
    }

    pub(super) fn note(&mut self, record: RecordNumber) {
        self.0.insert(record);
    }

    pub(super) fn has(&self, record: RecordNumber) -> bool {
        self.0.contains(record)
    }
}

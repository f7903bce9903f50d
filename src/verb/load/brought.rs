//! Which records an input has brought: where one of them comes again with other data, nobody knows which of the two is right.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::past::each_brought_by;
use crate::record::{PassId, RecordNumber};

/// The numbers of the records, a bit for each, because an input may bring millions.
#[derive(Debug, Default)]
pub(super) struct Brought(HashMap<i64, u64>);

impl Brought {
    /// What a pass has brought so far.
    pub(super) fn by(connection: &Connection, pass: PassId) -> Result<Self> {
        let mut brought = Self::default();
        each_brought_by(connection, pass, |record| brought.note(record))?;
        Ok(brought)
    }

    pub(super) fn note(&mut self, record: RecordNumber) {
        let (at, bit) = place(record);
        *self.0.entry(at).or_default() |= bit;
    }

    pub(super) fn has(&self, record: RecordNumber) -> bool {
        let (at, bit) = place(record);
        self.0.get(&at).is_some_and(|bits| bits & bit != 0)
    }
}

/// The word of a number, and its bit there.
fn place(record: RecordNumber) -> (i64, u64) {
    (record.get().div_euclid(64), 1 << record.get().rem_euclid(64))
}

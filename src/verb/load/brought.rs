//! Which records an input has brought: where one of them comes again with other data, nobody knows which of the two is right.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::past::each_brought_by;

/// The numbers of the records, a bit for each, because an input may bring millions.
#[derive(Debug, Default)]
pub(super) struct Brought(HashMap<i64, u64>);

impl Brought {
    /// What a pass has brought so far.
    pub(super) fn by(connection: &Connection, pass: i64) -> Result<Self> {
        let mut brought = Self::default();
        each_brought_by(connection, pass, |record| brought.note(record))?;
        Ok(brought)
    }

    pub(super) fn note(&mut self, record: i64) {
        let (at, bit) = place(record);
        *self.0.entry(at).or_default() |= bit;
    }

    pub(super) fn has(&self, record: i64) -> bool {
        let (at, bit) = place(record);
        self.0.get(&at).is_some_and(|bits| bits & bit != 0)
    }
}

/// The word of a number, and its bit there.
fn place(record: i64) -> (i64, u64) {
    (record.div_euclid(64), 1 << record.rem_euclid(64))
}

//! The future owners of ids, once the batches in progress are committed. The reading thread runs ahead of the commits,
//! so an answer from the database alone would depend on timing.

use std::collections::{HashMap, VecDeque};

use rusqlite::Connection;

use super::item::TargetRow;
use super::pipeline::AHEAD_BYTES;
use crate::digest::Salt;
use crate::error::Result;
use crate::record::{Record, RecordNumber};
use crate::store::Table;

/// Maximum number of batches in progress: one being made, one waiting, one being committed.
const ON_THEIR_WAY: usize = 4;

/// The ids that recent batches took or released, and the rows that they wrote.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Newest last.
    recent: VecDeque<OnTheWay>,
}

#[derive(Debug, Default)]
struct OnTheWay {
    /// `None` if no record owns the id any more.
    owners: HashMap<String, Option<(RecordNumber, Salt)>>,
    rows: HashMap<RecordNumber, TargetRow>,
    /// Approximate size of the rows in bytes.
    bytes: usize,
}

impl Claims {
    /// Forgets what is now committed. Call it before anything is read for the next batch: that is begun only when less
    /// than [`AHEAD_BYTES`] wait for their commit, so everything older than that is in the store.
    pub(crate) fn forget_committed(&mut self) {
        let mut bytes = 0;
        let is_on_the_way = |batch: &&OnTheWay| {
            bytes += batch.bytes;
            bytes < AHEAD_BYTES
        };
        let on_the_way = self.recent.iter().rev().take_while(is_on_the_way).count();
        self.recent.drain(..self.recent.len() - on_the_way);
    }

    /// Begins a new batch.
    pub(crate) fn begin_batch(&mut self) {
        self.recent.push_back(OnTheWay::default());
        if self.recent.len() > ON_THEIR_WAY {
            self.recent.pop_front();
        }
    }

    /// Returns the number that owns an id; `lookup` is `None` while the table does not exist.
    pub(crate) fn owner(
        &self,
        lookup: Option<&Connection>,
        table: &Table,
        id: &str,
    ) -> Result<Option<RecordNumber>> {
        let on_the_way = self.recent.iter().rev().find_map(|batch| batch.owners.get(id));
        match (on_the_way, lookup) {
            (Some(owner), _) => Ok(owner.map(|(number, _)| number)),
            (None, Some(connection)) => table.number_of(connection, id),
            (None, None) => Ok(None),
        }
    }

    /// Returns the number and salt of the row that a recent batch gave an id to, if it still has it.
    pub(crate) fn taker(&self, id: &str) -> Option<(RecordNumber, Salt)> {
        let on_the_way = self.recent.iter().rev().find_map(|batch| batch.owners.get(id));
        on_the_way.copied().flatten()
    }

    /// Returns the row of a number, if a recent batch wrote it.
    pub(crate) fn row(&self, record: RecordNumber) -> Option<&TargetRow> {
        self.recent.iter().rev().find_map(|batch| batch.rows.get(&record))
    }

    /// Returns whether any row is waiting for its commit.
    pub(crate) fn has_rows(&self) -> bool {
        self.recent.iter().any(|batch| !batch.rows.is_empty())
    }

    /// Notes that an id is taken.
    pub(crate) fn take(&mut self, id: &str, record: RecordNumber, salt: Salt) {
        if let Some(batch) = self.recent.back_mut() {
            batch.owners.insert(id.to_owned(), Some((record, salt)));
        }
    }

    /// Notes that an id is released.
    pub(crate) fn release(&mut self, id: &str) {
        if let Some(batch) = self.recent.back_mut() {
            batch.owners.insert(id.to_owned(), None);
        }
    }

    /// Notes that a row is written, as part 0.
    pub(crate) fn wrote_row(&mut self, row: Record, salt: Salt) {
        self.wrote(TargetRow {
            part: 0,
            target: row.number,
            salt,
            row: Some(row),
            edited: false,
        });
    }

    /// Notes that a row is written.
    pub(crate) fn wrote(&mut self, standing: TargetRow) {
        if let Some(batch) = self.recent.back_mut() {
            batch.bytes += standing.row.as_ref().map_or(0, |row| row.data.len());
            batch.rows.insert(standing.target, standing);
        }
    }
}

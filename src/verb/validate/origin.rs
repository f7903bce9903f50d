//! Since when a record is as it is, by its earlier versions from the ledger's images.

use std::collections::HashMap;

use rusqlite::Connection;

use super::outcome::ViolationOrigin;
use crate::error::{Error, Result};
use crate::ledger::past::{Past, origin_of_batch};
use crate::ledger::read::RecordedEntry;
use crate::ledger::row_before;
use crate::record::{BatchId, Record, RecordNumber};

/// A row as one batch left it.
pub(super) struct RowVersion {
    pub(super) batch: BatchId,
    pub(super) record: Record,
}

/// Finds the origins of violations in one database's rows.
pub(super) struct ViolationOrigins {
    past: Past,
    known: HashMap<BatchId, ViolationOrigin>,
}

impl ViolationOrigins {
    pub(super) fn new(connection: &Connection, database: &str) -> Result<Self> {
        Ok(Self {
            past: Past::new(connection, database)?,
            known: HashMap::new(),
        })
    }

    /// Returns the versions of a row, newest first, down to where it came into the database. A change that was rolled
    /// back, and its rollback, are left out: since then the row has been what it was before. So are images that the
    /// ledger does not keep: a rollback needs none, because what it leaves existed before.
    pub(super) fn versions(&self, connection: &Connection, now: &Record) -> Result<Vec<RowVersion>> {
        let changes = self.past.changes(connection, now.number)?;
        let (mut versions, mut record, mut at) = (Vec::new(), now.clone(), 0);
        while let Some(newest) = changes.get(at) {
            // The first time since which the row is so, without gaps that were not rolled back.
            let same = |recorded: &RecordedEntry| {
                recorded.entry.after.is_some() && recorded.entry.after == newest.entry.after
            };
            let known = newest.image.is_some() && newest.entry.before.is_some();
            let first = if known {
                at
            } else {
                changes.iter().rposition(same).unwrap_or(at)
            };
            let recorded = &changes[first];
            versions.push(RowVersion {
                batch: recorded.batch,
                record: record.clone(),
            });
            let Some(image) = recorded
                .image
                .as_ref()
                .filter(|_| recorded.entry.before.is_some())
            else {
                break;
            };
            let old = row_before(Some(image), Some((&record.id, &record.data)));
            (record.id, record.data) = old.ok_or_else(|| misfit(now.number))?;
            at = first + 1;
        }
        Ok(versions)
    }

    /// Returns the run and the pass of a version's batch.
    pub(super) fn origin(
        &mut self,
        connection: &Connection,
        version: Option<&RowVersion>,
    ) -> Result<Option<ViolationOrigin>> {
        version
            .map(|version| self.of_batch(connection, version.batch))
            .transpose()
    }

    pub(super) fn of_batch(&mut self, connection: &Connection, batch: BatchId) -> Result<ViolationOrigin> {
        if let Some(origin) = self.known.get(&batch) {
            return Ok(origin.clone());
        }
        let (run, kind, stage) = origin_of_batch(connection, batch)?;
        let origin = ViolationOrigin {
            batch,
            run,
            kind,
            stage,
        };
        self.known.insert(batch, origin.clone());
        Ok(origin)
    }
}

/// Error for a ledger that contradicts its own images.
fn misfit(record: RecordNumber) -> Error {
    Error::Damaged {
        what: format!("the images of record {record} do not reproduce its earlier versions"),
    }
}

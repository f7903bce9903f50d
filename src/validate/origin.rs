//! Since when a record is as it is: its earlier versions, from the ledger's images.

use std::collections::HashMap;

use rusqlite::Connection;

use super::{Origin, misfit};
use crate::error::Result;
use crate::ledger::past::{changes_of_row, origin_of_batch};
use crate::ledger::{ImageKind, apply_patch, split_whole};
use crate::record::Record;

/// A row as one batch has left it.
pub(super) struct Version {
    pub(super) batch: i64,
    pub(super) record: Record,
}

/// Looks into the past of one database's rows.
pub(super) struct Origins {
    database: String,
    known: HashMap<i64, Origin>,
}

impl Origins {
    pub(super) fn of(database: &str) -> Self {
        Self {
            database: database.to_owned(),
            known: HashMap::new(),
        }
    }

    /// What a row was, newest first, down to where it came into the database.
    pub(super) fn versions(&self, connection: &Connection, now: &Record) -> Result<Vec<Version>> {
        let mut versions = Vec::new();
        let mut record = now.clone();
        for stub in changes_of_row(connection, &self.database, now.record)? {
            versions.push(Version {
                batch: stub.batch,
                record: record.clone(),
            });
            if stub.entry.before.is_none() {
                break;
            }
            let (kind, body) = stub.image.as_ref().ok_or_else(|| misfit(now.record))?;
            if *kind == ImageKind::Patch {
                let patch = std::str::from_utf8(body).ok();
                let old = patch.and_then(|patch| apply_patch(&record.data, patch));
                record.data = old.ok_or_else(|| misfit(now.record))?;
            } else {
                let (id, data) = split_whole(body).ok_or_else(|| misfit(now.record))?;
                (record.id, record.data) = (id.to_owned(), data.to_owned());
            }
        }
        Ok(versions)
    }

    /// What the batch of a version belongs to.
    pub(super) fn origin(
        &mut self,
        connection: &Connection,
        version: Option<&Version>,
    ) -> Result<Option<Origin>> {
        version
            .map(|version| self.of_batch(connection, version.batch))
            .transpose()
    }

    pub(super) fn of_batch(&mut self, connection: &Connection, batch: i64) -> Result<Origin> {
        if let Some(origin) = self.known.get(&batch) {
            return Ok(origin.clone());
        }
        let (run, kind, stage) = origin_of_batch(connection, batch)?;
        let origin = Origin {
            batch,
            run,
            kind,
            stage,
        };
        self.known.insert(batch, origin.clone());
        Ok(origin)
    }
}

//! The reading thread of a rollback: the stubs of a pass in order, each turned into what restores its row.

use rusqlite::Connection;

use super::restore::{OnConflict, Restored, Row, hash, restore};
use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::ledger::read::{Stub, salt, stubs_after};
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, Shape, Step, whole};
use crate::pipeline::{BATCH_BYTES, Producer, Reader};
use crate::record::Record;
use crate::store::{Salted, Table};

/// The place of a stub in its pass: (batch, record, part).
pub(crate) type Place = (i64, i64, i64);

/// Makes the batches that undo one pass.
pub(crate) struct Undoing {
    pub(crate) pass: i64,
    /// `None`: every stub of the pass. Otherwise those of one record only.
    pub(crate) only: Option<i64>,
    pub(crate) target: Table,
    pub(crate) after: Place,
    pub(crate) batch_size: usize,
    pub(crate) on_conflict: OnConflict,
    /// What the first batch does to the target's table.
    pub(crate) shape: Vec<Shape>,
    /// The target holds nothing but what the pass wrote: ids need no look.
    pub(crate) alone: bool,
}

impl Producer for Undoing {
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>> {
        let stubs = reader.read(|connection| self.stubs(connection))?;
        let Some(last) = stubs.last() else { return Ok(None) };
        self.after = (last.batch, last.entry.record, last.entry.part);
        let mut batch = Batch::new(Step::Data);
        batch.shape = std::mem::take(&mut self.shape);
        batch.cursor = Some(cursor_text(self.after));
        let rows = reader.read(|connection| self.rows(connection, &stubs))?;
        let mut taken = Vec::new();
        let mut undone: Vec<(Entry, Stub)> = Vec::with_capacity(stubs.len());
        for (stub, (salt, row)) in stubs.into_iter().zip(rows) {
            let now = hash(&salt, row.as_ref());
            let restored = restore(&stub, &salt, now, row.as_ref(), self.on_conflict)?;
            let restored = if self.alone {
                restored
            } else {
                self.with_free_id(reader, restored, &stub, row.as_ref(), &mut taken)?
            };
            let entry = undo(&mut batch, &stub, &salt, (now, row), restored, self.on_conflict)?;
            undone.push((entry, stub));
        }
        count(&mut batch, undone);
        Ok(Some(batch))
    }
}

impl Undoing {
    /// The next stubs, cut after the last part of a record, so that a record is counted once.
    fn stubs(&self, connection: &Connection) -> Result<Vec<Stub>> {
        let mut stubs = stubs_after(
            connection,
            self.pass,
            self.after,
            self.batch_size + 1,
            BATCH_BYTES,
        )?;
        if stubs.len() > self.batch_size {
            let key = |stub: &Stub| (stub.batch, stub.entry.record);
            let last = stubs.last().map(key);
            let whole = stubs
                .iter()
                .rposition(|stub| Some(key(stub)) != last)
                .map_or(0, |at| at + 1);
            if whole > 0 {
                stubs.truncate(whole);
            } else {
                // One record with more parts than a batch holds: take them all.
                stubs = stubs_after(connection, self.pass, self.after, usize::MAX, usize::MAX)?;
                stubs.retain(|stub| Some(key(stub)) == last);
            }
        }
        if let Some(only) = self.only {
            stubs.retain(|stub| stub.entry.record == only);
        }
        Ok(stubs)
    }

    /// A row gets its old id back only where no other record has it by now.
    fn with_free_id(
        &self,
        reader: &Reader,
        restored: Restored,
        stub: &Stub,
        row: Option<&Record>,
        taken: &mut Vec<String>,
    ) -> Result<Restored> {
        let (Restored::To(Some((id, _))) | Restored::Over(Some((id, _)))) = &restored else {
            return Ok(restored);
        };
        if row.is_some_and(|row| row.id == *id) {
            return Ok(restored);
        }
        let number = stub.entry.target.unwrap_or(stub.entry.record);
        let owner = reader.read(|connection| self.target.number_of(connection, id))?;
        if owner.is_some_and(|owner| owner != number) || taken.contains(id) {
            return Ok(Restored::Conflict);
        }
        taken.push(id.clone());
        Ok(restored)
    }

    /// The rows of the stubs as they are now, each with its salt.
    fn rows(&self, connection: &Connection, stubs: &[Stub]) -> Result<Vec<(Salt, Option<Record>)>> {
        let number = |stub: &Stub| stub.entry.target.unwrap_or(stub.entry.record);
        let numbers: Vec<i64> = stubs.iter().map(number).collect();
        let found = self.target.by_numbers(connection, &numbers)?;
        let salted = |(stub, found): (&Stub, Option<Salted>)| match found {
            Some(found) => {
                let missing = || Error::Damaged {
                    what: format!("record {} has a row but no salt", number(stub)),
                };
                Ok((found.salt.ok_or_else(missing)?, Some(found.record)))
            }
            // Of an erased record nothing can be restored; its stub is undone without a row.
            None => Ok((salt(connection, number(stub))?.unwrap_or_default(), None)),
        };
        stubs.iter().zip(found).map(salted).collect()
    }
}

/// Adds one stub's undoing to the batch, and gives its own stub.
fn undo(
    batch: &mut Batch,
    stub: &Stub,
    salt: &Salt,
    (now, row): (Option<Hash>, Option<Record>),
    restored: Restored,
    on_conflict: OnConflict,
) -> Result<Entry> {
    let (record, part) = (stub.entry.record, stub.entry.part);
    batch.covers(record);
    let mut entry = Entry::new(record, part, EntryOutcome::Unchanged);
    entry.target = stub.entry.target;
    entry.before = now;
    entry.after = now;
    let wanted = match restored {
        Restored::Same => return Ok(entry),
        Restored::Conflict if on_conflict == OnConflict::Abort => {
            let what =
                format!("record {record} is not what the ledger says, so that it cannot be rolled back");
            return Err(Error::Damaged { what });
        }
        Restored::Conflict => {
            entry.outcome = EntryOutcome::Refused;
            entry.reason = Some(r#"{"code":"rollback.conflict","violations":[]}"#.to_owned());
            return Ok(entry);
        }
        Restored::To(wanted) => wanted,
        Restored::Over(wanted) => {
            if let Some(row) = &row {
                let body = whole(&row.id, &row.data);
                batch.images.push(Image {
                    record,
                    part,
                    kind: ImageKind::Whole,
                    body,
                });
            }
            wanted
        }
    };
    entry.outcome = EntryOutcome::Written;
    entry.after = wanted.as_ref().map(|(id, data)| commitment(salt, id, data));
    let number = stub.entry.target.unwrap_or(record);
    batch.changes.extend(change(number, row, wanted));
    Ok(entry)
}

fn change(record: i64, row: Option<Record>, wanted: Option<Row>) -> Option<Change> {
    match (row, wanted) {
        (None, None) => None,
        (Some(_), None) => Some(Change::Delete { record }),
        (Some(_), Some((id, data))) => Some(Change::Update { record, id, data }),
        (None, Some((id, data))) => Some(Change::Insert { record, id, data }),
    }
}

/// Counts each source record once: all its parts get the outcome of the weightiest.
fn count(batch: &mut Batch, undone: Vec<(Entry, Stub)>) {
    let weight = |entry: &Entry| match entry.outcome {
        EntryOutcome::Refused => 2,
        EntryOutcome::Written => 1,
        _ => 0,
    };
    for group in
        undone.chunk_by(|left, right| left.0.record == right.0.record && left.1.batch == right.1.batch)
    {
        let Some((heaviest, _)) = group.iter().max_by_key(|(entry, _)| weight(entry)) else {
            continue;
        };
        batch.counts.count(heaviest.outcome);
        let outcome = heaviest.outcome;
        batch.entries.extend(group.iter().map(|(entry, _)| Entry {
            outcome,
            ..entry.clone()
        }));
    }
}

fn cursor_text((batch, record, part): Place) -> String {
    serde_json::json!({ "batch": batch, "record": record, "part": part }).to_string()
}

/// The place that a cursor names.
pub(crate) fn cursor_place(cursor: &str) -> Option<Place> {
    let value: serde_json::Value = serde_json::from_str(cursor).ok()?;
    Some((
        value["batch"].as_i64()?,
        value["record"].as_i64()?,
        value["part"].as_i64()?,
    ))
}

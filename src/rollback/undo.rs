//! The reading thread of a rollback: the stubs of a pass, newest first, each turned into what restores its row. The
//! reverse of changes that were made one after the other is possible in exactly this order: an id that moved from
//! record to record moves back.

use std::collections::HashSet;

use rusqlite::Connection;

use super::plan::Overwritten;
use super::restore::{OnConflict, Restored, Row, hash, restore};
use crate::apply::{Claims, Standing};
use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::ledger::read::{Place, Stub, salt, stubs_before, stubs_of_record};
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, Shape, Step, whole};
use crate::pipeline::{BATCH_BYTES, Producer, Reader};
use crate::record::Record;
use crate::store::{Salted, Table};

/// Makes the batches that undo one pass.
pub(crate) struct Undoing {
    pub(crate) pass: i64,
    pub(crate) target: Table,
    pub(crate) before: Place,
    /// The last of its batches to undo.
    pub(crate) down_to: i64,
    pub(crate) batch_size: usize,
    pub(crate) on_conflict: OnConflict,
    /// What the first batch does to the target's table.
    pub(crate) shape: Vec<Shape>,
    /// The target holds nothing but what the pass wrote: ids need no look.
    pub(crate) alone: bool,
    /// The stubs that were undone one by one before.
    pub(crate) done: HashSet<(i64, i64)>,
    pub(crate) overwritten: Overwritten,
    pub(crate) claims: Claims,
}

impl Producer for Undoing {
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>> {
        let stubs = reader.read(|connection| self.stubs(connection))?;
        let Some(last) = stubs.last() else { return Ok(None) };
        self.before = (last.batch, last.entry.record);
        self.undo(reader, stubs).map(Some)
    }
}

fn key(stub: &Stub) -> Place {
    (stub.batch, stub.entry.record)
}

/// The number of the row that a stub is about.
fn number(stub: &Stub) -> i64 {
    stub.entry.target.unwrap_or(stub.entry.record)
}

impl Undoing {
    /// The batch that undoes these stubs, in this order.
    pub(crate) fn undo(&mut self, reader: &Reader, mut stubs: Vec<Stub>) -> Result<Batch> {
        // What was taken out before the other parts were placed comes back after they are gone.
        for group in stubs.chunk_by_mut(|left, right| key(left) == key(right)) {
            group.sort_by_key(|stub| stub.entry.after.is_none());
        }
        let mut batch = Batch::new(Step::Data);
        batch.shape = std::mem::take(&mut self.shape);
        batch.cursor = Some(cursor_text(self.before));
        let rows = reader.read(|connection| self.rows(connection, &stubs))?;
        self.claims.begin_batch();
        let mut undone: Vec<(Entry, Stub)> = Vec::with_capacity(stubs.len());
        for (stub, (salt, row)) in stubs.into_iter().zip(rows) {
            let row = match self.claims.row(number(&stub)) {
                Some(on_the_way) => on_the_way.row.clone(),
                None => row,
            };
            let now = hash(&salt, row.as_ref());
            let restored = self.restored(reader, &stub, &salt, now, row.as_ref())?;
            if !self.alone {
                self.claim(&stub, &salt, row.as_ref(), &restored);
            }
            let entry = undo(&mut batch, &stub, &salt, (now, row), restored, self.on_conflict)?;
            undone.push((entry, stub));
        }
        count(&mut batch, &undone);
        Ok(batch)
    }

    /// The next stubs, cut so that every record has all its parts in one batch, and every row one stub.
    fn stubs(&self, connection: &Connection) -> Result<Vec<Stub>> {
        let count = self.batch_size + 1;
        let mut stubs = stubs_before(
            connection,
            self.pass,
            (self.before, self.down_to),
            count,
            BATCH_BYTES,
        )?;
        let Some(last) = stubs.last().map(key) else {
            return Ok(stubs);
        };
        if stubs.len() == count || bytes(&stubs) >= BATCH_BYTES {
            if stubs.first().map(key) == Some(last) {
                // One record with more parts than a batch holds: take them all.
                stubs = stubs_of_record(connection, self.pass, last.1)?;
                stubs.retain(|stub| key(stub) == last);
            } else {
                stubs.retain(|stub| key(stub) != last);
            }
        }
        // A load may have touched a record twice, and one record may have replaced what another has written.
        let mut seen = HashSet::with_capacity(stubs.len());
        let again = stubs.iter().position(|stub| !seen.insert(number(stub)));
        if let Some(again) = again {
            let cut = key(&stubs[again]);
            stubs.truncate(stubs.iter().position(|stub| key(stub) == cut).unwrap_or(again));
        }
        Ok(stubs)
    }

    /// The rows of the stubs as they are now, each with its salt.
    fn rows(&self, connection: &Connection, stubs: &[Stub]) -> Result<Vec<(Salt, Option<Record>)>> {
        // Numbers that lie close together are looked up in one go, in their own order.
        let numbers: Vec<i64> = stubs.iter().rev().map(number).collect();
        let mut found = self.target.by_numbers(connection, &numbers)?;
        found.reverse();
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

    fn restored(
        &self,
        reader: &Reader,
        stub: &Stub,
        salt: &Salt,
        now: Option<Hash>,
        row: Option<&Record>,
    ) -> Result<Restored> {
        let is_over = |batch: &i64| *batch > stub.batch;
        if self.done.contains(&(stub.entry.record, stub.entry.part))
            || self.overwritten.get(&number(stub)).is_some_and(is_over)
        {
            return Ok(Restored::Same);
        }
        let restored = restore(stub, salt, now, row, self.on_conflict)?;
        let (Restored::To(Some((id, _))) | Restored::Over(Some((id, _)))) = &restored else {
            return Ok(restored);
        };
        if self.alone || row.is_some_and(|row| row.id == *id) {
            return Ok(restored);
        }
        // A row gets its old id back only where no other record has it by now.
        let owner = reader.read(|connection| self.claims.owner(Some(connection), &self.target, id))?;
        if owner.is_some_and(|owner| owner != number(stub)) {
            return Ok(Restored::Conflict);
        }
        Ok(restored)
    }

    /// Notes what will be so once the batch is committed.
    fn claim(&mut self, stub: &Stub, salt: &Salt, row: Option<&Record>, restored: &Restored) {
        let (Restored::To(wanted) | Restored::Over(wanted)) = restored else {
            return;
        };
        let record = number(stub);
        if let Some(row) = row {
            self.claims.release(&row.id);
        }
        if let Some((id, _)) = wanted {
            self.claims.take(id, record);
        }
        let row = wanted.as_ref().map(|(id, data)| Record {
            record,
            id: id.clone(),
            data: data.clone(),
        });
        self.claims.wrote(Standing {
            part: stub.entry.part,
            target: record,
            salt: *salt,
            row,
        });
    }
}

fn bytes(stubs: &[Stub]) -> usize {
    stubs
        .iter()
        .map(|stub| stub.image.as_ref().map_or(0, |(_, body)| body.len()))
        .sum()
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
    batch.changes.extend(change(number(stub), row, wanted));
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
fn count(batch: &mut Batch, undone: &[(Entry, Stub)]) {
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

fn cursor_text((batch, record): Place) -> String {
    serde_json::json!({ "batch": batch, "record": record }).to_string()
}

/// The place that a cursor names.
pub(crate) fn cursor_place(cursor: &str) -> Option<Place> {
    let value: serde_json::Value = serde_json::from_str(cursor).ok()?;
    Some((value["batch"].as_i64()?, value["record"].as_i64()?))
}

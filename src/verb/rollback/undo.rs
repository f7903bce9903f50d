//! The reading thread of a rollback: turns the entries of a pass, newest first, into what restores their rows. Changes
//! that were made one after the other can be reversed only in this order: an id that moved from record to record moves
//! back.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::restore::{self, ConflictPolicy, Row, RowRestore, hash, restore};
use super::since::{Deferred, Overwritten};
use crate::digest::{Hash, Salt, commitment};
use crate::engine::Pass;
use crate::engine::{BATCH_BYTES, Producer, ReadConnection};
use crate::engine::{Claims, TargetRow};
use crate::error::{Error, Result};
use crate::ledger::Counts;
use crate::ledger::read::{PassSummary, Place, RecordedEntry, entries_before, entry_at, salt};
use crate::ledger::{
    Batch, BatchKind, Change, Entry, EntryOutcome, Image, ImageKind, PassKind, TableChange, whole,
};
use crate::observe::{Event, Observer};
use crate::record::{BatchId, PassId, Record, RecordNumber};
use crate::store::{Salted, Table};

/// Code of a record that was left as it is because it has changed since.
const CHANGED: &str = "rollback.conflict";
/// Code of a record that was left as it is because another record has its old id.
pub(crate) const ID_TAKEN: &str = "rollback.id_taken";

/// Makes the batches that undo one pass.
pub(crate) struct Undoing {
    pub(crate) pass: PassId,
    /// `None` for decisions about pairs, which change no row.
    pub(crate) target: Option<Table>,
    pub(crate) before: Place,
    /// Last of its batches to undo.
    pub(crate) down_to: BatchId,
    pub(crate) batch_size: usize,
    pub(crate) on_conflict: ConflictPolicy,
    /// Changes of the first batch to the target's table.
    pub(crate) shape: Vec<TableChange>,
    /// Whether the target holds nothing but what the pass wrote: ids then need no check.
    pub(crate) alone: bool,
    /// Entries that were undone individually before.
    pub(crate) done: HashSet<(RecordNumber, i64)>,
    pub(crate) overwritten: Overwritten,
    /// Entries to undo together with its changes.
    pub(crate) deferred: Deferred,
    pub(crate) claims: Claims,
}

impl Producer for Undoing {
    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        let (entries, rows) = reader.read(|connection| {
            let mut entries = self.entries(connection)?;
            put_in_order(&mut entries);
            let rows = self.rows(connection, &entries, BATCH_BYTES)?;
            entries.truncate(rows.len());
            Ok((entries, rows))
        })?;
        let Some(last) = entries.last() else {
            return Ok(None);
        };
        self.before = last.place();
        self.batch(reader, entries, rows).map(Some)
    }
}

/// Returns whether an entry records that its record was merged into a row that another record's entry changed.
fn follows(recorded: &RecordedEntry) -> bool {
    recorded.entry.outcome == EntryOutcome::Merged && recorded.entry.before == recorded.entry.after
}

/// Puts the entries of one record in the order in which they are undone.
pub(crate) fn in_order(entries: &mut [RecordedEntry]) {
    // A part that was removed before the others were placed is restored after they are gone.
    entries.sort_by_key(|recorded| recorded.entry.after.is_none());
}

/// Puts the records that only followed another one into a row behind it: the ledger has the entries of a batch in the
/// order of the records, and the one that changed the row comes first there.
fn put_followers_last<R>(entries: &mut [(RecordedEntry, R)]) {
    let changing = entries.iter().filter(|(recorded, _)| !follows(recorded));
    let changing: HashSet<Place> = changing.map(|(recorded, _)| recorded.place()).collect();
    if entries.iter().any(|(recorded, _)| follows(recorded)) {
        entries.sort_by_key(|(recorded, _)| !changing.contains(&recorded.place()));
    }
}

fn put_in_order(entries: &mut [RecordedEntry]) {
    for group in entries.chunk_by_mut(|left, right| left.place() == right.place()) {
        in_order(group);
    }
}

impl Undoing {
    /// Returns the single batch that undoes these entries, in this order.
    pub(crate) fn undo(&mut self, reader: &ReadConnection, mut entries: Vec<RecordedEntry>) -> Result<Batch> {
        put_in_order(&mut entries);
        let rows = reader.read(|connection| self.rows(connection, &entries, usize::MAX))?;
        self.batch(reader, entries, rows)
    }

    fn batch(
        &mut self,
        reader: &ReadConnection,
        entries: Vec<RecordedEntry>,
        rows: Vec<(Salt, Option<Record>)>,
    ) -> Result<Batch> {
        let mut batch = Batch::new(BatchKind::Data);
        batch.shape = std::mem::take(&mut self.shape);
        batch.cursor = Some(cursor_text(self.before));
        self.claims.begin_batch();
        let mut undone: Vec<(Entry, RecordedEntry)> = Vec::with_capacity(entries.len());
        let mut entries: Vec<_> = entries.into_iter().zip(rows).collect();
        put_followers_last(&mut entries);
        for (recorded, (salt, row)) in entries {
            let row = match self.claims.row(recorded.number()) {
                Some(on_the_way) => on_the_way.row.clone(),
                None => row,
            };
            let now = hash(&salt, row.as_ref());
            let restored = self.restored(reader, &recorded, &salt, now, row.as_ref())?;
            if !self.alone {
                self.claim(&recorded, &salt, row.as_ref(), &restored);
            }
            let entry = undo(
                &mut batch,
                &recorded,
                &salt,
                (now, row),
                restored,
                self.on_conflict,
            )?;
            undone.push((entry, recorded));
        }
        count(&mut batch, &undone);
        Ok(batch)
    }

    /// Returns the next entries, cut so that every row has one of them.
    fn entries(&self, connection: &Connection) -> Result<Vec<RecordedEntry>> {
        let place = (self.before, self.down_to);
        let mut entries = entries_before(connection, self.pass, place, self.batch_size, BATCH_BYTES)?;
        // A load may have touched a record twice, and one record may have replaced what another wrote. A batch's
        // entries are in the order of the records, which is not the order in which they are undone. Only members that
        // followed another into a golden record may go with it.
        let (mut keys, mut seen) = (HashSet::with_capacity(entries.len()), HashMap::new());
        let is_again = |recorded: &RecordedEntry| {
            let record = recorded.entry.record;
            let (other, batch) = *seen
                .entry(recorded.number())
                .or_insert((record, follows(recorded).then_some(recorded.batch)));
            !keys.insert((record, recorded.entry.part)) || (other != record && batch != Some(recorded.batch))
        };
        let again = entries.iter().position(is_again);
        if let Some(again) = again {
            let cut = entries[again].place();
            entries.truncate(
                entries
                    .iter()
                    .position(|recorded| recorded.place() == cut)
                    .unwrap_or(again),
            );
        }
        Ok(entries)
    }

    /// Returns the current rows of the entries, each with its salt: of the first record, and of those after it until
    /// they reach about a given number of bytes.
    fn rows(
        &self,
        connection: &Connection,
        entries: &[RecordedEntry],
        bytes: usize,
    ) -> Result<Vec<(Salt, Option<Record>)>> {
        let numbers: Vec<RecordNumber> = entries.iter().map(RecordedEntry::number).collect();
        let Some(target) = &self.target else {
            let salts = numbers
                .iter()
                .map(|number| Ok((salt(connection, *number)?.unwrap_or_default(), None)));
            return salts.collect();
        };
        let mut found = target.by_numbers(connection, &numbers, bytes)?;
        // All parts of a record go together; for the first record even if they exceed the limit.
        let is_whole = |at: usize| at == entries.len() || entries[at - 1].place() != entries[at].place();
        let last = (1..=found.len()).rev().find(|at| is_whole(*at));
        found.truncate(last.unwrap_or(usize::MAX));
        while !found.is_empty() && !is_whole(found.len()) {
            found.push(target.by_number(connection, numbers[found.len()])?);
        }
        let salted = |(recorded, found): (&RecordedEntry, Option<Salted>)| match found {
            Some(found) => {
                let missing = || Error::Damaged {
                    what: format!("record {} has a row but no salt", recorded.number()),
                };
                Ok((found.salt.ok_or_else(missing)?, Some(found.record)))
            }
            // An erased record cannot be restored; its entry is undone without a row.
            None => Ok((salt(connection, recorded.number())?.unwrap_or_default(), None)),
        };
        entries.iter().zip(found).map(salted).collect()
    }

    fn restored(
        &self,
        reader: &ReadConnection,
        recorded: &RecordedEntry,
        salt: &Salt,
        now: Option<Hash>,
        row: Option<&Record>,
    ) -> Result<RowRestore> {
        if self.done.contains(&(recorded.entry.record, recorded.entry.part))
            || self.overwritten.is_over(recorded)
        {
            return Ok(RowRestore::Same);
        }
        let restored = self.beneath(
            reader,
            recorded,
            salt,
            now,
            restore(recorded, salt, now, row, self.on_conflict)?,
        )?;
        let (RowRestore::To(Some((id, _))) | RowRestore::Over(Some((id, _)))) = &restored else {
            return Ok(restored);
        };
        let Some(target) = self
            .target
            .as_ref()
            .filter(|_| !self.alone && row.is_none_or(|row| row.id != *id))
        else {
            return Ok(restored);
        };
        // A row gets its old id back only if no other record has it by now.
        let owner = reader.read(|connection| self.claims.owner(Some(connection), target, id))?;
        if owner.is_some_and(|owner| owner != recorded.number()) {
            return Ok(RowRestore::Taken);
        }
        Ok(restored)
    }

    /// Returns the row beneath a restored one, if its undoing was deferred.
    fn beneath(
        &self,
        reader: &ReadConnection,
        recorded: &RecordedEntry,
        salt: &Salt,
        now: Option<Hash>,
        restored: RowRestore,
    ) -> Result<RowRestore> {
        let Some(put_off) = self.deferred.get(&recorded.key()) else {
            return Ok(restored);
        };
        let put_off = put_off
            .iter()
            .map(|key| reader.read(|connection| entry_at(connection, *key)));
        let put_off: Vec<RecordedEntry> = put_off.collect::<Result<_>>()?;
        let (wanted, over) = match restored {
            RowRestore::To(wanted) => (wanted, false),
            RowRestore::Over(wanted) => (wanted, true),
            restored => return Ok(restored),
        };
        let wanted = restore::beneath(wanted, &put_off, salt)?;
        let as_now = wanted.as_ref().map(|(id, data)| commitment(salt, id, data)) == now;
        Ok(match (as_now, over) {
            (true, _) => RowRestore::Same,
            (false, true) => RowRestore::Over(wanted),
            (false, false) => RowRestore::To(wanted),
        })
    }

    /// Registers what will hold once the batch is committed.
    fn claim(&mut self, recorded: &RecordedEntry, salt: &Salt, row: Option<&Record>, restored: &RowRestore) {
        let (RowRestore::To(wanted) | RowRestore::Over(wanted)) = restored else {
            return;
        };
        let record = recorded.number();
        if let Some(row) = row {
            self.claims.release(&row.id);
        }
        if let Some((id, _)) = wanted {
            self.claims.take(id, record, *salt);
        }
        let row = wanted.as_ref().map(|(id, data)| Record {
            number: record,
            id: id.clone(),
            data: data.clone(),
        });
        self.claims.wrote(TargetRow {
            part: recorded.entry.part,
            target: record,
            salt: *salt,
            row,
            edited: false,
        });
    }
}

/// Adds the undoing of one entry to the batch, and returns the new entry.
fn undo(
    batch: &mut Batch,
    recorded: &RecordedEntry,
    salt: &Salt,
    (now, row): (Option<Hash>, Option<Record>),
    restored: RowRestore,
    on_conflict: ConflictPolicy,
) -> Result<Entry> {
    let (record, part) = (recorded.entry.record, recorded.entry.part);
    batch.covers(record);
    let mut entry = Entry::new(record, part, EntryOutcome::Unchanged);
    entry.target = recorded.entry.target;
    entry.before = now;
    entry.after = now;
    let wanted = match restored {
        RowRestore::Same => return Ok(entry),
        RowRestore::Conflict | RowRestore::Taken if on_conflict == ConflictPolicy::Abort => {
            let what = format!("record {record} is not what the ledger says, so it cannot be rolled back");
            return Err(Error::Damaged { what });
        }
        RowRestore::Conflict => return Ok(left(entry, CHANGED)),
        RowRestore::Taken => return Ok(left(entry, ID_TAKEN)),
        RowRestore::To(wanted) => wanted,
        RowRestore::Over(wanted) => {
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
    batch.changes.extend(change(recorded.number(), row, wanted));
    Ok(entry)
}

/// Returns the entry of a record that is left as it is.
fn left(mut entry: Entry, code: &str) -> Entry {
    entry.outcome = EntryOutcome::Refused;
    entry.reason = Some(serde_json::json!({ "code": code, "violations": [] }).to_string());
    entry
}

fn change(record: RecordNumber, row: Option<Record>, wanted: Option<Row>) -> Option<Change> {
    match (row, wanted) {
        (None, None) => None,
        (Some(_), None) => Some(Change::Delete { record }),
        (Some(_), Some((id, data))) => Some(Change::Update { record, id, data }),
        (None, Some((id, data))) => Some(Change::Insert { record, id, data }),
    }
}

/// Counts each source record once: all its parts get the most significant outcome.
fn count(batch: &mut Batch, undone: &[(Entry, RecordedEntry)]) {
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

/// Returns the place that a cursor names.
pub(crate) fn cursor_place(cursor: &str) -> Option<Place> {
    let value: serde_json::Value = serde_json::from_str(cursor).ok()?;
    Some((
        BatchId::new(value["batch"].as_i64()?),
        RecordNumber::new(value["record"].as_i64()?),
    ))
}

/// Reports that a pass begins to undo another one.
pub(super) fn begins(
    pass: &Pass,
    undone: &PassSummary,
    total: u64,
    before: &Counts,
    observer: &mut dyn Observer,
) {
    let stage = undone.row.stage.as_ref();
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: PassKind::Rollback,
        stage: stage.map(|stage| crate::name::StageName::new(stage.number, &*stage.slug)),
        source: None,
        target: pass.row.target.clone(),
        total: Some(total),
        done: before.read,
        refused: before.refused,
    });
}

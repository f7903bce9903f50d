//! Entries whose undoing was deferred, because something newer was built on what they left.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::ChangesSince;
use crate::error::Result;
use crate::ledger::read::{EntryKey, PassSummary, entries_of_record};
use crate::ledger::since::{ChangeBy, each_change_between, each_changed_row, each_entry, taken_out_for};
use crate::ledger::undone::{self, WholeRollback};
use crate::record::{BatchId, PassId, RecordNumber};

/// Entries whose undoing was deferred: at their turn something newer was built on what they left ([`overwritten`]), so
/// no row was touched. Undoing the newer change undoes them too; otherwise the row would return to what a rolled-back
/// stage left. Keyed by the entry of the newer change; the newest first.
pub(crate) type Deferred = HashMap<EntryKey, Vec<EntryKey>>;

impl ChangesSince {
    /// Returns what must be undone together with the changes of a pass.
    pub(crate) fn deferred(&self, connection: &Connection, pass: &PassSummary) -> Result<Deferred> {
        let (mut put_off, mut rows) = (HashMap::new(), None);
        let lies_beneath = |rollback: &&WholeRollback| {
            rollback.last_batch > pass.first_batch
                && rollback.undone_since < pass.last_batch
                && Some(&rollback.database) == pass.row.target.as_ref()
        };
        for rollback in self.rollbacks.iter().filter(lies_beneath) {
            let rows = match &mut rows {
                Some(rows) => rows,
                none => {
                    let mut changed = HashSet::new();
                    each_changed_row(connection, pass.row.pass, BatchId::BEFORE_FIRST, |row| {
                        changed.insert(row);
                    })?;
                    none.insert(changed)
                }
            };
            put_off_by(connection, (rollback.undone, rollback.pass), rows, &mut put_off)?;
        }
        if put_off.is_empty() {
            return Ok(Deferred::new());
        }
        let cancelled = if let Some(known) = self.cancelled.get() {
            known
        } else {
            let found = undone::cancelled(connection)?;
            self.cancelled.get_or_init(|| found)
        };
        above(connection, pass, &put_off, cancelled)
    }
}

/// Returns what a pass in place moved out of the way of another record before it wrote a record's row again: undoing
/// the write alone would leave no row. Keyed by the entry of the write; undone like deferred entries.
pub(crate) fn set_aside(connection: &Connection, pass: PassId, record: RecordNumber) -> Result<Deferred> {
    let mut aside = Deferred::new();
    let entries = entries_of_record(connection, pass, record)?;
    for recorded in entries
        .iter()
        .filter(|recorded| recorded.entry.before.is_none() && recorded.entry.after.is_some())
    {
        if let Some(taken_out) = taken_out_for(connection, pass, recorded.number(), recorded.place())? {
            aside.insert(recorded.key(), vec![taken_out]);
        }
    }
    Ok(aside)
}

/// Adds the entries of a pass, for some rows, that a rollback of it reached without touching the row, each with the
/// batch of the rollback.
fn put_off_by(
    connection: &Connection,
    (undone, rollback): (PassId, PassId),
    rows: &HashSet<RecordNumber>,
    put_off: &mut HashMap<EntryKey, BatchId>,
) -> Result<()> {
    let singly = undone::singly(connection, undone)?;
    let mut untouched: HashMap<(RecordNumber, i64), BatchId> = HashMap::new();
    each_entry(connection, rollback, |entry| {
        let (batch, record, part) = entry.key;
        let is_untouched = entry.is_same && !entry.is_refused && rows.contains(&entry.row);
        if is_untouched && !singly.contains(&(record, part)) {
            untouched.insert((record, part), batch);
        }
    })?;
    each_entry(connection, undone, |entry| {
        let (_, record, part) = entry.key;
        if let Some(rollback) = untouched.get(&(record, part)).filter(|_| !entry.is_same) {
            put_off.insert(entry.key, *rollback);
        }
    })
}

/// Returns the changes of a pass that are directly above entries that were deferred after them. Changes that had
/// cancelled out by then do not come between.
fn above(
    connection: &Connection,
    pass: &PassSummary,
    put_off: &HashMap<EntryKey, BatchId>,
    cancelled: &HashMap<PassId, BatchId>,
) -> Result<Deferred> {
    let oldest = put_off.keys().map(|(batch, ..)| *batch).min();
    let (mut found, mut beneath) = (Deferred::new(), HashMap::<RecordNumber, Vec<EntryKey>>::new());
    let target = pass.row.target.as_deref();
    each_change_between(connection, target, oldest, pass.last_batch, |change| {
        let ChangeBy { key, row, pass: by } = change;
        let is_over_before =
            |recorded: &EntryKey| cancelled.get(&by).is_some_and(|batch| *batch < put_off[recorded]);
        if put_off.contains_key(&key) {
            beneath.entry(row).or_default().insert(0, key);
        } else if beneath
            .get(&row)
            .is_some_and(|entries| entries.iter().all(is_over_before))
        {
            // Nothing of the change was left when the entries were deferred.
        } else if let Some(mut entries) = beneath.remove(&row) {
            entries.retain(|recorded| put_off[recorded] > key.0);
            if by == pass.row.pass && !entries.is_empty() {
                found.insert(key, entries);
            }
        }
    })?;
    Ok(found)
}

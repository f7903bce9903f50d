//! Stubs whose undoing was put off, because something newer stood on what they had left.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Since, WholeRollback, undone_singly};
use crate::error::Result;
use crate::ledger::read::{PassSummary, StubKey, stubs_of_record};
use crate::ledger::sql::of_row;

/// Stubs whose undoing was put off: at their turn something newer stood on what they had left ([`overwritten`]), so that
/// no row was touched. Whoever undoes the newer change undoes them with it, or the row would come back as a stage that
/// is rolled back had left it. By the stub of the newer change; the newest first.
pub(crate) type Deferred = HashMap<StubKey, Vec<StubKey>>;

impl Since {
    /// What has to be undone together with the changes of a pass.
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
                none => none.insert(rows_of(connection, pass.row.pass)?),
            };
            put_off_by(connection, (rollback.undone, rollback.pass), rows, &mut put_off)?;
        }
        if put_off.is_empty() {
            return Ok(Deferred::new());
        }
        let cancelled = if let Some(known) = self.cancelled.get() {
            known
        } else {
            let found = cancelled(connection)?;
            self.cancelled.get_or_init(|| found)
        };
        above(connection, pass, &put_off, cancelled)
    }
}

/// What a pass in place had taken out of the way of another record before it wrote a record's row again: undoing the write
/// alone would leave no row. By the stub of the write; undone as what was put off.
pub(crate) fn set_aside(connection: &Connection, pass: i64, record: i64) -> Result<Deferred> {
    let sql = concat!(
        "SELECT e.batch, e.record, e.part FROM ledger_row_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_row!("e", "?2"),
        " AND b.pass=?1 AND e.record<>?3 AND e.batch<=?4 AND e.before IS NOT NULL AND e.after IS NULL
         ORDER BY e.batch DESC, e.record DESC, e.part DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut aside = Deferred::new();
    let stubs = stubs_of_record(connection, pass, record)?;
    for stub in stubs
        .iter()
        .filter(|stub| stub.entry.before.is_none() && stub.entry.after.is_some())
    {
        let key = params![pass, stub.number(), record, stub.batch];
        let found = statement.query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        if let Some(taken_out) = found.optional()? {
            aside.insert(stub.key(), vec![taken_out]);
        }
    }
    Ok(aside)
}

/// The passes that were taken back as a whole, and those that took them back, each with the batch since which they cancel
/// each other out.
fn cancelled(connection: &Connection) -> Result<HashMap<i64, i64>> {
    let sql = "SELECT p.reverses, p.pass, b.batch FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass AND b.step='end'
     WHERE p.reverses IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut cancelled = HashMap::new();
    while let Some(row) = rows.next()? {
        let batch = row.get(2)?;
        cancelled.insert(row.get(0)?, batch);
        cancelled.insert(row.get(1)?, batch);
    }
    Ok(cancelled)
}

/// The numbers of the rows that a pass has changed.
fn rows_of(connection: &Connection, pass: i64) -> Result<HashSet<i64>> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND e.before IS NOT e.after";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Adds the stubs of a pass for some rows that a rollback of it came to without touching the row, each with the batch of
/// the rollback.
fn put_off_by(
    connection: &Connection,
    (undone, rollback): (i64, i64),
    rows: &HashSet<i64>,
    put_off: &mut HashMap<StubKey, i64>,
) -> Result<()> {
    let sql =
        "SELECT e.batch, e.record, e.part, coalesce(e.target,e.record), e.before IS e.after, e.outcome=4
     FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.pass=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let singly = undone_singly(connection, undone)?;
    let mut untouched: HashMap<(i64, i64), i64> = HashMap::new();
    let mut entries = statement.query([rollback])?;
    while let Some(row) = entries.next()? {
        let (batch, key) = (row.get(0)?, (row.get(1)?, row.get(2)?));
        let (is_same, was_left): (bool, bool) = (row.get(4)?, row.get(5)?);
        if is_same && !was_left && rows.contains(&row.get(3)?) && !singly.contains(&key) {
            untouched.insert(key, batch);
        }
    }
    drop(entries);
    let mut entries = statement.query([undone])?;
    while let Some(row) = entries.next()? {
        let (batch, record, part) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_same: bool = row.get(4)?;
        if let Some(rollback) = untouched.get(&(record, part)).filter(|_| !is_same) {
            put_off.insert((batch, record, part), *rollback);
        }
    }
    Ok(())
}

/// The changes of a pass that stand directly on stubs that were put off after them. What had cancelled itself out by then
/// does not stand between.
fn above(
    connection: &Connection,
    pass: &PassSummary,
    put_off: &HashMap<StubKey, i64>,
    cancelled: &HashMap<i64, i64>,
) -> Result<Deferred> {
    let sql = "SELECT e.batch, e.record, e.part, coalesce(e.target,e.record), b.pass
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.batch>=?2 AND b.batch<=?3 AND p.target=?1 AND e.before IS NOT e.after
     ORDER BY e.batch, e.record, e.part";
    let mut statement = connection.prepare_cached(sql)?;
    let oldest = put_off.keys().map(|(batch, ..)| *batch).min();
    let mut changes = statement.query(params![pass.row.target, oldest, pass.last_batch])?;
    let (mut found, mut beneath) = (Deferred::new(), HashMap::<i64, Vec<StubKey>>::new());
    while let Some(row) = changes.next()? {
        let key = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (number, by): (i64, i64) = (row.get(3)?, row.get(4)?);
        let is_over_before = |stub: &StubKey| cancelled.get(&by).is_some_and(|batch| *batch < put_off[stub]);
        if put_off.contains_key(&key) {
            beneath.entry(number).or_default().insert(0, key);
        } else if beneath
            .get(&number)
            .is_some_and(|stubs| stubs.iter().all(is_over_before))
        {
            // Nothing of it was left when the stubs were put off.
        } else if let Some(mut stubs) = beneath.remove(&number) {
            stubs.retain(|stub| put_off[stub] > key.0);
            if by == pass.row.pass && !stubs.is_empty() {
                found.insert(key, stubs);
            }
        }
    }
    Ok(found)
}

//! What has happened to the rows of a pass since, by the ledger.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use crate::error::Result;
use crate::ledger::PassState;
use crate::ledger::read::{PassSummary, StubKey, passes};

/// The passes that stay and have written to a pass's target since: not those that the rollback undoes too, nor those
/// that are undone already, nor the rollbacks of either. A pass that began after this one and its rollback cancel each
/// other out; what the rollback of an older one has brought back was not there when this pass wrote.
fn staying_writers(connection: &Connection, pass: &PassSummary, undone: &[i64]) -> Result<Vec<i64>> {
    let all = passes(connection)?;
    let gone = |number: i64| {
        undone.contains(&number) || all.iter().any(|pass| pass.row.pass == number && pass.undone)
    };
    // What a single record's rollback has undone of an older pass is not undone again with the rest of it.
    let cancels = |later: &PassSummary| match (later.row.reverses, later.undoes) {
        (Some(number), _) => undone.contains(&number) || (number > pass.row.pass && gone(number)),
        (None, Some(number)) => number >= pass.row.pass && gone(number),
        (None, None) => false,
    };
    let stays = |later: &&PassSummary| {
        later.last_batch > pass.first_batch
            && later.row.pass != pass.row.pass
            && later.row.target == pass.row.target
            && later.counts.read > 0
            && !gone(later.row.pass)
            && !cancels(later)
    };
    Ok(all.iter().filter(stays).map(|pass| pass.row.pass).collect())
}

/// Whether something that stays has written to the pass's target since: only then records need to be looked at one
/// by one before the rollback.
pub(crate) fn may_conflict(connection: &Connection, pass: &PassSummary, undone: &[i64]) -> Result<bool> {
    Ok(!staying_writers(connection, pass, undone)?.is_empty())
}

/// Whether nothing that stands has written to a pass's target before it.
pub(crate) fn is_first_writer(connection: &Connection, pass: &PassSummary) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_pass p JOIN ledger_batch b USING(pass)
     WHERE p.target=?1 AND p.kind<>'rollback' AND b.batch<?2 AND b.read>0
       AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x USING(pass) WHERE u.reverses=p.pass AND x.step='end')
     LIMIT 1";
    let key = params![pass.row.target, pass.first_batch];
    Ok(!connection.prepare_cached(sql)?.exists(key)?)
}

/// The numbers of the rows that something that stays has changed since the pass began; those that a rollback had to
/// leave as they were are among them. No other row can be in the way of undoing it.
pub(crate) fn changed_since(
    connection: &Connection,
    pass: &PassSummary,
    undone: &[i64],
) -> Result<HashSet<i64>> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after";
    let mut statement = connection.prepare(sql)?;
    let mut changed = HashSet::new();
    for writer in staying_writers(connection, pass, undone)? {
        for row in statement.query_map(params![writer, pass.first_batch], |row| row.get(0))? {
            changed.insert(row?);
        }
    }
    let left = "SELECT coalesce(e.target,e.record) FROM ledger_pass p JOIN ledger_batch b USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.kind='rollback' AND p.target=?1 AND b.batch>?2 AND b.refused>0 AND e.outcome=4";
    let mut statement = connection.prepare(left)?;
    for row in statement.query_map(params![pass.row.target, pass.first_batch], |row| row.get(0))? {
        changed.insert(row?);
    }
    Ok(changed)
}

/// Rows that a stage in place had changed and that were written again since, with the batch that did: by a load, or by
/// an earlier stage from its own source. They have the shape from before the stage, so that there is nothing to undo.
pub(crate) type Overwritten = HashMap<i64, i64>;

/// What has overwritten the work of a pass, as far as it stays.
pub(crate) fn overwritten(
    connection: &Connection,
    pass: &PassSummary,
    undone: &[i64],
) -> Result<Overwritten> {
    let in_place = pass.row.source == pass.row.target;
    let Some(stage) = pass.row.stage.as_ref().filter(|_| in_place) else {
        return Ok(Overwritten::new());
    };
    let sql =
        "SELECT coalesce(e.target,e.record), max(b.batch) FROM ledger_pass q LEFT JOIN ledger_stage s USING(stage)
     JOIN ledger_batch b USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE q.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after
       AND ((q.kind IN('load','edit') AND (e.before IS NULL OR b.cursor->>'$.reprocess')) OR (q.kind IN('apply','retry') AND s.project=?3 AND s.number<?4))
       AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x USING(pass)
         CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=e.record AND g.part=e.part
         WHERE u.kind='rollback' AND u.reverses IS NULL AND x.body->>'$.undoes'=q.pass
           AND NOT (g.outcome=4 AND g.before IS g.after))
     GROUP BY 1";
    let mut statement = connection.prepare(sql)?;
    let mut overwritten = Overwritten::new();
    for writer in staying_writers(connection, pass, undone)? {
        let key = params![writer, pass.first_batch, stage.project, stage.number];
        for row in statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (number, batch): (i64, i64) = row?;
            let newest = overwritten.entry(number).or_insert(batch);
            *newest = batch.max(*newest);
        }
    }
    Ok(overwritten)
}

/// The stubs of a pass, by record and part, that a rollback of single records has undone already.
pub(crate) fn undone_singly(connection: &Connection, pass: i64) -> Result<HashSet<(i64, i64)>> {
    let sql = "SELECT e.record, e.part FROM ledger_pass p JOIN ledger_batch b USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.kind='rollback' AND p.reverses IS NULL AND b.body->>'$.undoes'=?1
       AND NOT (e.outcome=4 AND e.before IS e.after)";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Stubs whose undoing was put off: at their turn something newer stood on what they had left ([`overwritten`]), so that
/// no row was touched. Whoever undoes the newer change undoes them with it, or the row would come back as a stage that
/// is rolled back had left it. By the stub of the newer change; the newest first.
pub(crate) type Deferred = HashMap<StubKey, Vec<StubKey>>;

/// What has to be undone together with the changes of a pass.
pub(crate) fn deferred(connection: &Connection, pass: &PassSummary) -> Result<Deferred> {
    let all = passes(connection)?;
    let (mut put_off, mut rows) = (HashMap::new(), None);
    for rollback in all
        .iter()
        .filter(|rollback| rollback.last_batch > pass.first_batch)
    {
        let reverses = |undone: &&PassSummary| Some(undone.row.pass) == rollback.row.reverses;
        let lies_beneath = |undone: &&PassSummary| {
            let row = &undone.row;
            row.stage.is_some()
                && row.source == row.target
                && row.target == pass.row.target
                && undone.first_batch < pass.last_batch
        };
        if let Some(undone) = all.iter().find(reverses).filter(lies_beneath) {
            let rows = match &mut rows {
                Some(rows) => rows,
                none => none.insert(rows_of(connection, pass.row.pass)?),
            };
            put_off_by(
                connection,
                (undone.row.pass, rollback.row.pass),
                rows,
                &mut put_off,
            )?;
        }
    }
    if put_off.is_empty() {
        return Ok(Deferred::new());
    }
    above(connection, pass, &put_off, &cancelled(&all))
}

/// The passes that were taken back as a whole, and those that took them back, each with the batch since which they cancel
/// each other out.
fn cancelled(all: &[PassSummary]) -> HashMap<i64, i64> {
    let done = all.iter().filter(|rollback| rollback.state == PassState::Ended);
    let pairs = done.filter_map(|rollback| Some((rollback.row.reverses?, rollback)));
    pairs
        .flat_map(|(undone, rollback)| [undone, rollback.row.pass].map(|pass| (pass, rollback.last_batch)))
        .collect()
}

/// The numbers of the rows that a pass has changed.
fn rows_of(connection: &Connection, pass: i64) -> Result<HashSet<i64>> {
    let sql =
        "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND e.before IS NOT e.after";
    let mut statement = connection.prepare(sql)?;
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
    let mut statement = connection.prepare(sql)?;
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
    let mut statement = connection.prepare(sql)?;
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

/// A stub that a rollback has left as it is.
pub(crate) struct Left {
    pub(crate) database: String,
    /// The pass that was undone.
    pub(crate) pass: i64,
    pub(crate) record: i64,
    pub(crate) part: i64,
    /// The row's number.
    pub(crate) number: i64,
    pub(crate) code: String,
}

/// The first stubs that the rollbacks of a run have left as they are.
pub(crate) fn left(connection: &Connection, run: i64, count: usize) -> Result<Vec<Left>> {
    let sql = "SELECT p.target, coalesce(p.reverses, b.body->>'$.undoes'), e.record, e.part,
       coalesce(e.target,e.record), e.reason->>'$.code'
     FROM ledger_batch b JOIN ledger_pass p USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.run=?1 AND p.kind='rollback' AND b.refused>0 AND e.outcome=4 AND e.reason IS NOT NULL
     ORDER BY e.batch, e.record, e.part LIMIT ?2";
    let mut statement = connection.prepare(sql)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let left = statement.query_map([run, count], |row| {
        Ok(Left {
            database: row.get(0)?,
            pass: row.get(1)?,
            record: row.get(2)?,
            part: row.get(3)?,
            number: row.get(4)?,
            code: row.get(5)?,
        })
    })?;
    Ok(left.collect::<rusqlite::Result<_>>()?)
}

//! What has happened to the rows of the passes that are undone since, by the ledger.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Result;
use crate::ledger::read::{PassSummary, Stub};
use crate::ledger::sql::of_record;
use crate::record::RecordSet;

mod deferred;

pub(crate) use deferred::{Deferred, set_aside};

/// What has happened since the oldest of the passes that a rollback undoes: looked for once for all of them, so that the
/// cost does not grow with every pair of passes.
pub(crate) struct Since {
    undone: HashSet<i64>,
    databases: HashMap<String, Database>,
    /// What has overwritten the work of stages in place, by database and project.
    overwritten: HashMap<(String, String), Arc<OverwrittenRows>>,
    rollbacks: Vec<WholeRollback>,
    cancelled: OnceCell<HashMap<i64, i64>>,
}

/// A database that a rollback takes back.
struct Database {
    /// The first batch of the passes that are undone there.
    first_batch: i64,
    /// The newest of them that has changed anything: nothing can be in the way of undoing the others.
    newest: i64,
    writers: Vec<Writer>,
    /// The last batch in which a rollback has restored something over what it did not expect: of that it keeps an image,
    /// and it cancels nothing out.
    last_forced: Option<i64>,
}

/// A pass that has written to a database since.
struct Writer {
    pass: i64,
    last_batch: i64,
    /// Whether it is undone, now or already.
    is_gone: bool,
    /// Of a rollback: whether it was of a whole pass, the pass, and whether that is gone.
    of: Option<(bool, i64, bool)>,
}

impl Writer {
    /// Whether it is a rollback that cancels out what it undoes, as a pass sees it. A pass that began after this one and
    /// its rollback cancel each other out; what the rollback of an older one has brought back was not there when this
    /// pass wrote. What a single record's rollback has undone of an older pass is not undone again with the rest of it.
    fn cancels(&self, pass: i64, undone: &HashSet<i64>) -> bool {
        match self.of {
            Some((true, number, is_gone)) => undone.contains(&number) || (number > pass && is_gone),
            Some((false, number, is_gone)) => number >= pass && is_gone,
            None => false,
        }
    }
}

/// The rollback of a pass that had worked in place.
struct WholeRollback {
    pass: i64,
    last_batch: i64,
    undone: i64,
    /// The first batch of what it undid.
    undone_since: i64,
    database: String,
}

impl Since {
    /// Looks.
    pub(crate) fn of(connection: &Connection, passes: &[&PassSummary]) -> Result<Self> {
        let undone: HashSet<i64> = passes.iter().map(|pass| pass.row.pass).collect();
        let mut databases: HashMap<String, Database> = HashMap::new();
        for pass in passes {
            let name = pass.row.target.clone().unwrap_or_default();
            let database = databases.entry(name).or_insert(Database {
                first_batch: pass.first_batch,
                newest: 0,
                writers: Vec::new(),
                last_forced: None,
            });
            database.first_batch = database.first_batch.min(pass.first_batch);
            if pass.row.pass > database.newest && has_changed(connection, pass.row.pass)? {
                database.newest = pass.row.pass;
            }
        }
        for (name, database) in &mut databases {
            database.writers = writers(connection, name, database.first_batch, &undone)?;
            database.last_forced = last_forced(connection, name, database.first_batch)?;
        }
        let mut since = Self {
            undone,
            databases,
            overwritten: HashMap::new(),
            rollbacks: Vec::new(),
            cancelled: OnceCell::new(),
        };
        for pass in passes {
            if let Some(key) = in_place(pass).filter(|key| !since.overwritten.contains_key(key)) {
                let rows = since.overwritten_rows(connection, &key)?;
                since.overwritten.insert(key, Arc::new(rows));
            }
        }
        if let Some(first_batch) = since
            .databases
            .values()
            .map(|database| database.first_batch)
            .min()
        {
            since.rollbacks = rollbacks(connection, first_batch)?;
        }
        Ok(since)
    }

    /// Whether something that stays has written to a pass's target since: only then records need to be looked at one by
    /// one before the rollback.
    pub(crate) fn may_conflict(&self, pass: &PassSummary) -> bool {
        let database = self.databases.get(pass.row.target.as_deref().unwrap_or_default());
        let stays = |writer: &Writer| {
            writer.last_batch > pass.first_batch
                && !writer.is_gone
                && !writer.cancels(pass.row.pass, &self.undone)
        };
        database.is_some_and(|database| {
            database.last_forced > Some(pass.first_batch) || database.writers.iter().any(stays)
        })
    }

    /// The numbers of the rows of a database that something that stays has changed; those that a rollback had to leave as
    /// they were are among them. No other row can be in the way of undoing.
    pub(crate) fn changed(&self, connection: &Connection, database: &str) -> Result<RecordSet> {
        let mut changed = RecordSet::new();
        let Some(of) = self.databases.get(database) else {
            return Ok(changed);
        };
        let sql =
            "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE b.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after";
        let mut statement = connection.prepare_cached(sql)?;
        let stays = |writer: &&Writer| !writer.is_gone && !writer.cancels(of.newest, &self.undone);
        for writer in of.writers.iter().filter(stays) {
            for row in statement.query_map(params![writer.pass, of.first_batch], |row| row.get(0))? {
                changed.insert(row?);
            }
        }
        let left =
            "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
         CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1 AND b.refused>0 AND e.outcome=4";
        let forced =
            "SELECT coalesce(e.target,e.record) FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
         CROSS JOIN ledger_image i ON i.batch=b.batch
         CROSS JOIN ledger_entry e ON e.batch=i.batch AND e.record=i.record AND e.part=i.part
         WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1";
        let sql = if of.last_forced.is_some() {
            vec![left, forced]
        } else {
            vec![left]
        };
        for sql in sql {
            let mut statement = connection.prepare_cached(sql)?;
            for row in statement.query_map(params![database, of.first_batch], |row| row.get(0))? {
                changed.insert(row?);
            }
        }
        Ok(changed)
    }

    /// What has overwritten the work of a pass, as far as it stays.
    pub(crate) fn overwritten(&self, pass: &PassSummary) -> Overwritten {
        let rows = in_place(pass).and_then(|key| self.overwritten.get(&key).cloned());
        Overwritten {
            rows: rows.unwrap_or_default(),
            stage: pass.row.stage.as_ref().map_or(0, |stage| stage.number),
        }
    }

    fn overwritten_rows(
        &self,
        connection: &Connection,
        (database, project): &(String, String),
    ) -> Result<OverwrittenRows> {
        let sql = "SELECT coalesce(e.target,e.record), max(b.batch), coalesce(s.number,-1)
         FROM ledger_pass q LEFT JOIN ledger_stage s ON s.stage=q.stage CROSS JOIN ledger_batch b ON b.pass=q.pass
         CROSS JOIN ledger_entry e ON e.batch=b.batch
         WHERE q.pass=?1 AND b.batch>?2 AND e.before IS NOT e.after
           AND ((q.kind IN('load','edit') AND (e.before IS NULL OR b.cursor->>'$.reprocess')) OR (q.kind IN('apply','retry') AND s.project=?3))
           AND NOT EXISTS(SELECT 1 FROM ledger_batch x CROSS JOIN ledger_pass u ON u.pass=x.pass
             CROSS JOIN ledger_entry g ON g.batch=x.batch AND g.record=e.record AND g.part=e.part
             WHERE json_extract(x.body,'$.undoes')=+q.pass AND u.kind='rollback' AND u.reverses IS NULL
               AND NOT (g.outcome=4 AND g.before IS g.after))
         GROUP BY 1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut overwritten = Vec::new();
        let Some(of) = self.databases.get(database) else {
            return Ok(OverwrittenRows::default());
        };
        for writer in of
            .writers
            .iter()
            .filter(|writer| !writer.is_gone && writer.of.is_none())
        {
            let mut rows = statement.query(params![writer.pass, of.first_batch, project])?;
            while let Some(row) = rows.next()? {
                overwritten.push((row.get(0)?, row.get(2)?, row.get(1)?));
            }
        }
        overwritten.sort_unstable();
        Ok(OverwrittenRows(overwritten))
    }
}

/// The database and the project of a pass that has worked in place.
fn in_place(pass: &PassSummary) -> Option<(String, String)> {
    let stage = pass
        .row
        .stage
        .as_ref()
        .filter(|_| pass.row.source == pass.row.target)?;
    Some((pass.row.target.clone()?, stage.project.clone()))
}

/// The passes that have read something and written to a database after a batch.
fn writers(
    connection: &Connection,
    database: &str,
    after: i64,
    undone: &HashSet<i64>,
) -> Result<Vec<Writer>> {
    let sql = "SELECT w.pass, w.last_batch, NOT EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=w.pass), w.is_whole, w.of,
       NOT EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=w.of)
     FROM (SELECT p.pass AS pass, max(b.batch) AS last_batch, p.reverses IS NOT NULL AS is_whole,
         coalesce(p.reverses, max(json_extract(b.body,'$.undoes'))) AS of
       FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
       WHERE b.batch>?2 AND p.target=?1 GROUP BY p.pass HAVING sum(b.read)>0) w ORDER BY w.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let writers = statement.query_map(params![database, after], |row| {
        let pass: i64 = row.get(0)?;
        let of: Option<i64> = row.get(4)?;
        let (is_whole, is_gone): (bool, bool) = (row.get(3)?, row.get(5)?);
        Ok(Writer {
            pass,
            last_batch: row.get(1)?,
            is_gone: undone.contains(&pass) || row.get(2)?,
            of: of.map(|of| (is_whole, of, is_gone || undone.contains(&of))),
        })
    })?;
    Ok(writers.collect::<rusqlite::Result<_>>()?)
}

/// The last batch after another in which a rollback has kept an image of what it has written over.
fn last_forced(connection: &Connection, database: &str, after: i64) -> Result<Option<i64>> {
    let sql = "SELECT b.batch FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     WHERE b.batch>?2 AND p.kind='rollback' AND p.target=?1 AND EXISTS(SELECT 1 FROM ledger_image i WHERE i.batch=b.batch)
     ORDER BY b.batch DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![database, after], |row| row.get(0))
        .optional()?)
}

/// The rollbacks of passes in place that have worked after a batch.
fn rollbacks(connection: &Connection, after: i64) -> Result<Vec<WholeRollback>> {
    let sql = "SELECT p.pass, max(b.batch), u.pass, (SELECT min(c.batch) FROM ledger_batch c WHERE c.pass=u.pass), u.target
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass CROSS JOIN ledger_pass u ON u.pass=p.reverses
     WHERE b.batch>?1 AND p.kind='rollback' AND u.stage IS NOT NULL AND u.source=u.target GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let rollbacks = statement.query_map([after], |row| {
        Ok(WholeRollback {
            pass: row.get(0)?,
            last_batch: row.get(1)?,
            undone: row.get(2)?,
            undone_since: row.get(3)?,
            database: row.get(4)?,
        })
    })?;
    Ok(rollbacks.collect::<rusqlite::Result<_>>()?)
}

/// Whether nothing that stands has written to a pass's target before it.
pub(crate) fn is_first_writer(connection: &Connection, pass: &PassSummary) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_standing p CROSS JOIN ledger_batch b ON b.pass=p.pass
     WHERE p.target=?1 AND p.pass<?3 AND p.kind<>'rollback' AND b.batch<?2 AND b.read>0 LIMIT 1";
    let key = params![pass.row.target, pass.first_batch, pass.row.pass];
    Ok(!connection.prepare_cached(sql)?.exists(key)?)
}

/// Rows with the stages that have written them again, `-1` for a load or an edit, and the newest batch of each pass, in this
/// order.
#[derive(Debug, Default)]
struct OverwrittenRows(Vec<(i64, i64, i64)>);

/// Rows that a stage in place had changed and that were written again since: by a load, or by an earlier stage from its own
/// source. They have the shape from before the stage, so that there is nothing to undo.
#[derive(Clone, Debug)]
pub(crate) struct Overwritten {
    rows: Arc<OverwrittenRows>,
    stage: u32,
}

impl Overwritten {
    /// Whether a row was overwritten after a stub of it.
    pub(crate) fn is_over(&self, stub: &Stub) -> bool {
        let (number, rows) = (stub.number(), &self.rows.0);
        let first = rows.partition_point(|(row, ..)| *row < number);
        let mut newest = rows[first..].iter().take_while(|(row, ..)| *row == number);
        newest.any(|(_, stage, batch)| *stage < i64::from(self.stage) && *batch > stub.batch)
    }
}

/// Whether a pass has changed any row: read as far as the first that it has.
fn has_changed(connection: &Connection, pass: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.pass=?1 AND e.before IS NOT e.after LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([pass])?)
}

/// Whether one of the changes of a record is such a one: by its pass and part, read only as far as that.
pub(crate) fn has_change(
    connection: &Connection,
    record: i64,
    mut is_such: impl FnMut(i64, i64) -> Result<bool>,
) -> Result<bool> {
    let sql = concat!(
        "SELECT c.pass, f.part FROM ledger_life f CROSS JOIN ledger_batch c ON c.batch=f.batch WHERE ",
        of_record!("f", "?1"),
        " AND f.before IS NOT f.after"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([record])?;
    while let Some(row) = rows.next()? {
        if is_such(row.get(0)?, row.get(1)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The stubs of a pass, by record and part, that a rollback of single records has undone already.
pub(crate) fn undone_singly(connection: &Connection, pass: i64) -> Result<HashSet<(i64, i64)>> {
    let sql = "SELECT e.record, e.part FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE json_extract(b.body,'$.undoes')=?1 AND p.kind='rollback' AND p.reverses IS NULL AND NOT (e.outcome=4 AND e.before IS e.after)";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([pass], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
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
    let sql = "SELECT p.target, coalesce(p.reverses, json_extract(b.body,'$.undoes')), e.record, e.part,
       coalesce(e.target,e.record), e.reason->>'$.code'
     FROM ledger_batch b JOIN ledger_pass p USING(pass) CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.run=?1 AND p.kind='rollback' AND b.refused>0 AND e.outcome=4 AND e.reason IS NOT NULL
     ORDER BY e.batch, e.record, e.part LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
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

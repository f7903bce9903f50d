//! What has happened since to the rows of the undone passes, by the ledger.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::read::{PassSummary, RecordedEntry};
use crate::ledger::undone::WholeRollback;
use crate::ledger::{since, undone};
use crate::record::{BatchId, PassId, RecordSet};

mod deferred;

pub(crate) use deferred::{Deferred, set_aside};

/// Changes since the oldest pass that a rollback undoes: collected once for all passes, so that the cost does not grow
/// with every pair of passes.
pub(crate) struct ChangesSince {
    undone: HashSet<PassId>,
    databases: HashMap<String, AffectedDatabase>,
    /// Rows that overwrote the work of stages in place, by database and project.
    overwritten: HashMap<(String, String), Arc<OverwrittenRows>>,
    rollbacks: Vec<WholeRollback>,
    cancelled: OnceCell<HashMap<PassId, BatchId>>,
}

/// A database that a rollback restores.
struct AffectedDatabase {
    /// First batch of the passes that are undone there.
    first_batch: BatchId,
    /// Newest of them that changed anything: nothing can block the undoing of the others.
    newest: PassId,
    writers: Vec<WritingPass>,
    /// Last batch in which a rollback restored something over an unexpected row: it keeps an image of that row, and
    /// cancels nothing out.
    last_forced: Option<BatchId>,
}

/// A pass that wrote to a database since.
struct WritingPass {
    pass: PassId,
    last_batch: BatchId,
    /// Whether the pass is undone, now or already.
    is_gone: bool,
    /// For a rollback, what it undoes.
    of: Option<Undoes>,
}

/// What a rollback undoes.
struct Undoes {
    pass: PassId,
    /// Whether it undoes the whole pass, or a single record.
    is_whole: bool,
    /// Whether the pass is undone, now or already.
    is_gone: bool,
}

impl WritingPass {
    /// Returns whether it is a rollback that cancels out what it undoes, from the view of a pass. A pass that began
    /// after this one and its rollback cancel each other out; what the rollback of an older pass restored did not exist
    /// when this pass wrote. What a single record's rollback undid of an older pass is not undone again with the rest
    /// of it.
    fn cancels(&self, pass: PassId, undone: &HashSet<PassId>) -> bool {
        self.of.as_ref().is_some_and(|of| {
            if of.is_whole {
                undone.contains(&of.pass) || (of.pass > pass && of.is_gone)
            } else {
                of.pass >= pass && of.is_gone
            }
        })
    }
}

impl ChangesSince {
    /// Collects the changes.
    pub(crate) fn new(connection: &Connection, passes: &[&PassSummary]) -> Result<Self> {
        let undone: HashSet<PassId> = passes.iter().map(|pass| pass.row.pass).collect();
        let mut databases: HashMap<String, AffectedDatabase> = HashMap::new();
        for pass in passes {
            let name = pass.row.target.clone().unwrap_or_default();
            let database = databases.entry(name).or_insert(AffectedDatabase {
                first_batch: pass.first_batch,
                newest: PassId::BEFORE_FIRST,
                writers: Vec::new(),
                last_forced: None,
            });
            database.first_batch = database.first_batch.min(pass.first_batch);
            if pass.row.pass > database.newest && since::has_changed(connection, pass.row.pass)? {
                database.newest = pass.row.pass;
            }
        }
        for (name, database) in &mut databases {
            database.writers = writers(connection, name, database.first_batch, &undone)?;
            database.last_forced = undone::last_forced(connection, name, database.first_batch)?;
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
            since.rollbacks = undone::rollbacks_in_place(connection, first_batch)?;
        }
        Ok(since)
    }

    /// Returns whether something that stays has written to a pass's target since: only then must the records be
    /// inspected one by one before the rollback.
    pub(crate) fn may_conflict(&self, pass: &PassSummary) -> bool {
        let database = self.databases.get(pass.row.target.as_deref().unwrap_or_default());
        let stays = |writer: &WritingPass| {
            writer.last_batch > pass.first_batch
                && !writer.is_gone
                && !writer.cancels(pass.row.pass, &self.undone)
        };
        database.is_some_and(|database| {
            database.last_forced > Some(pass.first_batch) || database.writers.iter().any(stays)
        })
    }

    /// Returns the numbers of the rows of a database that something that stays has changed, including those that a
    /// rollback had to leave as they were. No other row can block the undoing.
    pub(crate) fn changed(&self, connection: &Connection, database: &str) -> Result<RecordSet> {
        let mut changed = RecordSet::new();
        let Some(of) = self.databases.get(database) else {
            return Ok(changed);
        };
        let stays = |writer: &&WritingPass| !writer.is_gone && !writer.cancels(of.newest, &self.undone);
        for writer in of.writers.iter().filter(stays) {
            since::each_changed_row(connection, writer.pass, of.first_batch, |row| changed.insert(row))?;
        }
        undone::each_row_left(connection, database, of.first_batch, |row| changed.insert(row))?;
        if of.last_forced.is_some() {
            undone::each_row_forced(connection, database, of.first_batch, |row| changed.insert(row))?;
        }
        Ok(changed)
    }

    /// Returns what has overwritten the work of a pass, as far as it stays.
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
        let mut overwritten = Vec::new();
        let Some(of) = self.databases.get(database) else {
            return Ok(OverwrittenRows::default());
        };
        for writer in of
            .writers
            .iter()
            .filter(|writer| !writer.is_gone && writer.of.is_none())
        {
            overwritten.extend(since::overwritten_rows(
                connection,
                writer.pass,
                of.first_batch,
                project,
            )?);
        }
        overwritten.sort_unstable();
        Ok(OverwrittenRows(overwritten))
    }
}

/// Returns the database and the project of a pass that worked in place.
fn in_place(pass: &PassSummary) -> Option<(String, String)> {
    let stage = pass
        .row
        .stage
        .as_ref()
        .filter(|_| pass.row.source == pass.row.target)?;
    Some((pass.row.target.clone()?, stage.project.clone()))
}

/// Returns the passes that read something and wrote to a database after a batch.
fn writers(
    connection: &Connection,
    database: &str,
    after: BatchId,
    undone: &HashSet<PassId>,
) -> Result<Vec<WritingPass>> {
    let writers = since::writers_since(connection, database, after)?.into_iter();
    let writers = writers.map(|writer| WritingPass {
        pass: writer.pass,
        last_batch: writer.last_batch,
        is_gone: undone.contains(&writer.pass) || writer.was_undone,
        of: writer.undoes.map(|of| Undoes {
            pass: of.pass,
            is_whole: of.is_whole,
            is_gone: of.was_undone || undone.contains(&of.pass),
        }),
    });
    Ok(writers.collect())
}

/// Overwritten rows, in the order of the rows.
#[derive(Debug, Default)]
struct OverwrittenRows(Vec<since::OverwrittenRow>);

/// Rows that a stage in place changed and that were written again since: by a load, or by an earlier stage from its own
/// source. They have the shape from before the stage, so there is nothing to undo.
#[derive(Clone, Debug)]
pub(crate) struct Overwritten {
    rows: Arc<OverwrittenRows>,
    stage: u32,
}

impl Overwritten {
    /// Returns whether a row was overwritten after an entry of it.
    pub(crate) fn is_over(&self, recorded: &RecordedEntry) -> bool {
        let (number, rows) = (recorded.number(), &self.rows.0);
        let first = rows.partition_point(|over| over.row < number);
        let mut newest = rows[first..].iter().take_while(|over| over.row == number);
        newest.any(|over| over.stage < i64::from(self.stage) && over.batch > recorded.batch)
    }
}

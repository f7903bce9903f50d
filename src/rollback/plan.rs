//! What a rollback will undo, decided and shown before anything is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::since::undone_singly;
use crate::error::{Error, Result};
use crate::ledger::PassKind;
use crate::ledger::open::last_writer;
use crate::ledger::read::{PassSummary, pass};
use crate::ledger::sql::{of_record, of_row};
use crate::ledger::stage_history::standing_passes;

/// What to roll back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The newest stage of the project that stands.
    Last,
    /// Every stage after this number.
    To(u32),
    /// This stage alone, where no later one has read what it wrote.
    Stage(u32),
    /// What one run did.
    Run(i64),
    /// What the newest pass did to one record of a database.
    Record {
        /// The database.
        database: String,
        /// The record's id there.
        id: String,
    },
    /// Every stage of the project.
    All,
}

/// One pass that a rollback will undo.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Reversal {
    /// The pass.
    pub pass: i64,
    /// Its kind.
    pub kind: PassKind,
    /// The stage's number and slug; `None` for a load or an edit.
    pub stage: Option<(u32, String)>,
    /// The runs that worked on it: all of their work on it is taken back together.
    pub runs: Vec<i64>,
    /// The database that is taken back.
    pub database: String,
    /// The stubs that will be undone.
    pub entries: u64,
    /// The stubs that an earlier run of the rollback has already undone.
    pub done: u64,
    /// The rows that the pass has changed, and that are to be restored: records that were refused, left out or found as they
    /// are have none.
    pub records: u64,
    /// Those of them that an earlier run of the rollback has already restored.
    pub restored: u64,
    /// How many records were changed by something that stays, so that they cannot be restored as they were.
    pub conflicts: u64,
}

/// The passes to undo, newest first; those whose rollback was interrupted come with it.
pub(crate) fn passes_of(connection: &Connection, project: &str, scope: &Scope) -> Result<Vec<PassSummary>> {
    let stages = stages(connection, project)?;
    let of_stages = |fits: &dyn Fn(u32) -> bool| -> Result<Vec<i64>> {
        let mut passes = Vec::new();
        for number in stages.iter().filter(|number| fits(**number)) {
            passes.extend(standing_passes(connection, project, *number)?);
        }
        Ok(passes)
    };
    let numbers = match scope {
        Scope::Last => {
            let mut newest = Vec::new();
            for number in stages.iter().rev() {
                newest = standing_passes(connection, project, *number)?;
                if !newest.is_empty() {
                    break;
                }
            }
            newest
        }
        Scope::To(last) => of_stages(&|number| number > *last)?,
        Scope::Stage(only) => of_stages(&|number| number == *only)?,
        Scope::All => of_stages(&|_| true)?,
        Scope::Run(run) => passes_of_run(connection, *run)?,
        Scope::Record { .. } => Vec::new(),
    };
    let mut chosen = Vec::with_capacity(numbers.len());
    for number in numbers {
        chosen.extend(pass(connection, number)?);
    }
    chosen.sort_by_key(|pass| pass.row.pass);
    refuse_dependents(connection, &chosen, scope)?;
    chosen.sort_by_key(|pass| std::cmp::Reverse(pass.last_batch));
    Ok(chosen)
}

/// The numbers of a project's stages that were ever applied, ascending.
fn stages(connection: &Connection, project: &str) -> Result<Vec<u32>> {
    let sql = "SELECT DISTINCT number FROM ledger_stage WHERE project=?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map([project], |row| row.get(0))?;
    Ok(numbers.collect::<rusqlite::Result<_>>()?)
}

/// The standing passes in which a run has written stubs; to have ended what another run did is not to have done it.
fn passes_of_run(connection: &Connection, run: i64) -> Result<Vec<i64>> {
    let sql = "SELECT p.pass, sum(b.entries)>0 AND p.kind IN('apply','retry','waive','load','edit')
       AND EXISTS(SELECT 1 FROM ledger_standing q WHERE q.pass=p.pass)
     FROM ledger_batch b CROSS JOIN ledger_pass p ON p.pass=b.pass WHERE b.run=?1 GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let found: Vec<(i64, bool)> = statement
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if found.is_empty() {
        return Err(Error::NoSuch {
            what: format!("run {run}"),
        });
    }
    let to_undo = found.into_iter().filter(|(_, is_to_undo)| *is_to_undo);
    Ok(to_undo.map(|(pass, _)| pass).collect())
}

/// A pass must not be undone while another stands that has read since what it wrote. Stages that work in place on one
/// database are fed by those before them only, whichever ran last.
fn refuse_dependents(connection: &Connection, chosen: &[PassSummary], scope: &Scope) -> Result<()> {
    let is_chosen: HashSet<i64> = chosen.iter().map(|pass| pass.row.pass).collect();
    let mut first_batches: BTreeMap<&str, i64> = BTreeMap::new();
    for pass in chosen {
        let database = pass.row.target.as_deref().unwrap_or_default();
        let first = first_batches.entry(database).or_insert(pass.first_batch);
        *first = pass.first_batch.min(*first);
    }
    let mut readers: BTreeMap<&str, Vec<Reader>> = BTreeMap::new();
    for (database, first_batch) in first_batches {
        let mut found = readers_since(connection, database, first_batch)?;
        found.retain(|reader| !is_chosen.contains(&reader.pass));
        readers.insert(database, found);
    }
    let (mut first, mut stages): (Option<&PassSummary>, BTreeSet<(&str, u32, &str)>) = Default::default();
    let mut newest: Option<(i64, i64)> = None;
    for pass in chosen {
        let database = pass.row.target.as_deref().unwrap_or_default();
        for reader in readers.get(database).into_iter().flatten() {
            if reader.last_batch > pass.first_batch && reader.is_fed_by(pass) {
                first.get_or_insert(pass);
                newest = newest.max(Some((reader.last_batch, reader.pass)));
                stages.insert((&reader.project, reader.number, &reader.slug));
            }
        }
    }
    let Some(pass) = first else { return Ok(()) };
    let newest = newest.map(|(_, pass)| pass);
    let own = pass.row.stage.as_ref();
    let is_ours = stages
        .iter()
        .all(|(project, ..)| own.is_some_and(|own| own.project == *project));
    let named: Vec<String> = stages
        .iter()
        .map(|(_, number, slug)| format!("stage {number} ({slug})"))
        .collect();
    let have = if named.len() == 1 { "has" } else { "have" };
    let named = named.join(" and ");
    let database = pass.row.target.as_deref().unwrap_or_default();
    Err(match scope {
        Scope::Stage(number) if is_ours => Error::invalid(
            format!("stage {number} wrote to `{database}`, which {named} {have} read since"),
            format!(
                "`counterfoil rollback --to {}` takes back stage {number} and all after it",
                number.saturating_sub(1)
            ),
        ),
        _ => Error::invalid(
            format!(
                "pass {} wrote to `{database}`, which {named} {have} read since",
                pass.row.pass
            ),
            match newest.map_or(Ok(None), |newest| last_writer(connection, newest))? {
                Some(run) => format!(
                    "take back what {named} {have} done since, the newest first: `counterfoil rollback --run {run}`; \
                     `counterfoil history` names the runs"
                ),
                None => "`counterfoil history` names the runs".to_owned(),
            },
        ),
    })
}

/// A pass of a stage that has read a database.
struct Reader {
    pass: i64,
    last_batch: i64,
    project: String,
    number: u32,
    slug: String,
}

impl Reader {
    /// Whether what a pass writes may feed this one: a stage of the same project feeds only stages after it.
    fn is_fed_by(&self, pass: &PassSummary) -> bool {
        match &pass.row.stage {
            Some(stage) if stage.project == self.project => self.number > stage.number,
            _ => true,
        }
    }
}

/// The standing passes of stages that have read a database after a batch.
fn readers_since(connection: &Connection, database: &str, after: i64) -> Result<Vec<Reader>> {
    let sql = "SELECT p.pass, max(b.batch), s.project, s.number, s.slug
     FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.batch>?2 AND b.read>0 AND p.source=?1 AND p.kind IN('apply','retry','waive') GROUP BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let readers = statement.query_map(params![database, after], |row| {
        Ok(Reader {
            pass: row.get(0)?,
            last_batch: row.get(1)?,
            project: row.get(2)?,
            number: row.get(3)?,
            slug: row.get(4)?,
        })
    })?;
    Ok(readers.collect::<rusqlite::Result<_>>()?)
}

/// Of a copying stage, an older pass must not be undone alone where a newer one has changed the same rows: whatever is
/// done about the conflict, undoing the newer pass later would bring back what the older had written. (In place, a newer
/// pass has changed a row again only after it was written anew, so that the older has nothing left to undo there.)
pub(crate) fn refuse_beneath(connection: &Connection, chosen: &[&PassSummary]) -> Result<()> {
    let undone: HashSet<i64> = chosen.iter().map(|pass| pass.row.pass).collect();
    let mut above: HashMap<(&str, u32), Vec<i64>> = HashMap::new();
    for pass in chosen {
        let Some(stage) = pass
            .row
            .stage
            .as_ref()
            .filter(|_| pass.row.source != pass.row.target)
        else {
            continue;
        };
        let key = (stage.project.as_str(), stage.number);
        let newer = match above.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let of_stage = |other: &&&PassSummary| {
                    let row = other.row.stage.as_ref();
                    row.is_some_and(|row| (row.project.as_str(), row.number) == key)
                };
                let first = chosen.iter().filter(of_stage).map(|pass| pass.first_batch).min();
                let mut newer = carried_since(connection, key, first.unwrap_or(0))?;
                newer.retain(|pass| !undone.contains(pass));
                unknown.insert(newer)
            }
        };
        // The newest first: it is the one that can be rolled back as things are.
        for newer in newer.iter().rev() {
            if stands_on(connection, *newer, pass)? {
                return Err(Error::RollbackBeneath {
                    pass: pass.row.pass,
                    newer: *newer,
                    // A run that only ended the pass has nothing of it to be rolled back.
                    run: last_writer(connection, *newer)?.unwrap_or_default(),
                });
            }
        }
    }
    Ok(())
}

/// The standing passes that have carried records of a stage after a batch, ascending.
fn carried_since(connection: &Connection, (project, number): (&str, u32), after: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT p.pass FROM ledger_batch b CROSS JOIN ledger_standing p ON p.pass=b.pass
     CROSS JOIN ledger_stage s ON s.stage=p.stage
     WHERE b.batch>?3 AND p.kind IN('apply','retry') AND s.project=?1 AND s.number=?2 ORDER BY p.pass";
    let mut statement = connection.prepare_cached(sql)?;
    let passes = statement.query_map(params![project, number, after], |row| row.get(0))?;
    Ok(passes.collect::<rusqlite::Result<_>>()?)
}

/// Whether a pass has changed a row after another one had, less what was undone by itself since.
fn stands_on(connection: &Connection, newer: i64, pass: &PassSummary) -> Result<bool> {
    let (singly, singly_beneath) = (
        undone_singly(connection, newer)?,
        undone_singly(connection, pass.row.pass)?,
    );
    let sql = "SELECT e.record, e.part, coalesce(e.target,e.record), b.batch FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.pass=?1 AND p.kind IN('apply','retry') AND b.batch>?2 AND e.before IS NOT e.after";
    let beneath = concat!(
        "SELECT f.record, f.part FROM ledger_row_life f CROSS JOIN ledger_batch c ON c.batch=f.batch WHERE ",
        of_row!("f", "?1"),
        " AND c.pass=?2 AND f.batch<?3 AND f.before IS NOT f.after"
    );
    let (mut statement, mut beneath) = (
        connection.prepare_cached(sql)?,
        connection.prepare_cached(beneath)?,
    );
    let mut rows = statement.query(params![newer, pass.first_batch])?;
    while let Some(row) = rows.next()? {
        if singly.contains(&(row.get(0)?, row.get(1)?)) {
            continue;
        }
        let (number, batch): (i64, i64) = (row.get(2)?, row.get(3)?);
        let mut found = beneath.query(params![number, pass.row.pass, batch])?;
        while let Some(row) = found.next()? {
            if !singly_beneath.contains(&(row.get(0)?, row.get(1)?)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A stretch of one pass that is undone without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The place of the pass among those that are undone.
    pub(crate) pass: usize,
    /// Its first batch.
    pub(crate) down_to: i64,
    /// Whether nothing of the pass is left after it.
    pub(crate) last: bool,
}

/// The passes in stretches, newest first. Passes that took turns (one was interrupted, another ran, the first went on)
/// are undone in turns, so that every change is undone before the one that it was made upon.
pub(crate) fn stretches(connection: &Connection, passes: &[&PassSummary]) -> Result<Vec<Stretch>> {
    let places: HashMap<i64, usize> = (0..passes.len()).map(|at| (passes[at].row.pass, at)).collect();
    let oldest = passes.iter().map(|pass| pass.first_batch).min();
    let mut stretches: Vec<Stretch> = Vec::new();
    let sql = "SELECT pass, batch FROM ledger_batch WHERE batch>=?1 ORDER BY batch DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([oldest])?;
    while let Some(row) = rows.next()? {
        let Some(pass) = places.get(&row.get(0)?).copied() else {
            continue;
        };
        let down_to: i64 = row.get(1)?;
        let last = passes[pass].first_batch == down_to;
        match stretches.last_mut() {
            Some(stretch) if stretch.pass == pass => *stretch = Stretch { pass, down_to, last },
            _ => stretches.push(Stretch { pass, down_to, last }),
        }
    }
    Ok(stretches)
}

/// The runs that wrote stubs of a pass.
pub(crate) fn runs(connection: &Connection, pass: i64) -> Result<Vec<i64>> {
    let sql = "SELECT DISTINCT run FROM ledger_batch WHERE pass=?1 AND entries>0 ORDER BY run";
    let mut statement = connection.prepare_cached(sql)?;
    let runs = statement.query_map([pass], |row| row.get(0))?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// The number of a pass's stubs.
pub(crate) fn entries(connection: &Connection, pass: i64) -> Result<u64> {
    let sql = "SELECT coalesce(sum(entries),0) FROM ledger_batch WHERE pass=?1";
    let count: i64 = connection
        .prepare_cached(sql)?
        .query_row([pass], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The number of a pass's stubs for one source record.
pub(crate) fn entries_of_record(connection: &Connection, pass: i64, record: i64) -> Result<u64> {
    of_one_record(connection, pass, record).map(|(entries, _)| entries)
}

/// The number of rows that a pass has changed for one source record.
pub(crate) fn changed_of_record(connection: &Connection, pass: i64, record: i64) -> Result<u64> {
    of_one_record(connection, pass, record).map(|(_, changed)| changed)
}

fn of_one_record(connection: &Connection, pass: i64, record: i64) -> Result<(u64, u64)> {
    let sql = concat!(
        "SELECT count(*), count(*) FILTER (WHERE e.before IS NOT e.after) FROM ledger_life e CROSS JOIN ledger_batch b ON b.batch=e.batch WHERE ",
        of_record!("e", "?2"),
        " AND b.pass=?1 AND e.batch>=(SELECT min(batch) FROM ledger_batch WHERE pass=?1)
           AND e.batch<=(SELECT max(batch) FROM ledger_batch WHERE pass=?1)"
    );
    let counts = connection.prepare_cached(sql)?.query_row([pass, record], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok((counts.0.unsigned_abs(), counts.1.unsigned_abs()))
}

/// A rollback pass that was begun and not ended.
pub(crate) fn open_rollback(connection: &Connection, reverses: i64) -> Result<Option<PassSummary>> {
    let sql = "SELECT p.pass FROM ledger_pass p JOIN ledger_open o ON o.pass=p.pass WHERE p.reverses=?1";
    let mut statement = connection.prepare_cached(sql)?;
    let open: Option<i64> = statement.query_row([reverses], |row| row.get(0)).optional()?;
    open.map_or(Ok(None), |open| pass(connection, open))
}

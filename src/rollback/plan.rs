//! What a rollback will undo, decided and shown before anything is written.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;

use super::since::undone_singly;
use crate::error::{Error, Result};
use crate::ledger::read::{PassSummary, passes};
use crate::ledger::{PassKind, PassState};

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
    /// How many records were changed by something that stays, so that they cannot be restored as they were.
    pub conflicts: u64,
}

/// The passes to undo, newest first; those whose rollback was interrupted come with it.
pub(crate) fn passes_of(connection: &Connection, project: &str, scope: &Scope) -> Result<Vec<PassSummary>> {
    let all = passes(connection)?;
    let number = |pass: &PassSummary| {
        pass.row
            .stage
            .as_ref()
            .filter(|stage| stage.project == project)
            .map(|stage| stage.number)
    };
    let stands = |pass: &&PassSummary| {
        !pass.undone
            && matches!(
                pass.row.kind,
                PassKind::Apply | PassKind::Retry | PassKind::Waive | PassKind::Load | PassKind::Edit
            )
    };
    let standing: Vec<&PassSummary> = all.iter().filter(stands).collect();
    let newest = standing.iter().filter_map(|pass| number(pass)).max();
    let chosen: Vec<&PassSummary> = match scope {
        Scope::Last => standing
            .iter()
            .copied()
            .filter(|pass| number(pass).is_some() && number(pass) == newest)
            .collect(),
        Scope::To(last) => standing
            .iter()
            .copied()
            .filter(|pass| number(pass) > Some(*last))
            .collect(),
        Scope::Stage(only) => standing
            .iter()
            .copied()
            .filter(|pass| number(pass) == Some(*only))
            .collect(),
        Scope::All => standing
            .iter()
            .copied()
            .filter(|pass| number(pass).is_some())
            .collect(),
        Scope::Run(run) => {
            let of_run = passes_of_run(connection, *run)?;
            standing
                .iter()
                .copied()
                .filter(|pass| of_run.contains(&pass.row.pass))
                .collect()
        }
        Scope::Record { .. } => Vec::new(),
    };
    refuse_dependents(&standing, &chosen, scope)?;
    let mut chosen: Vec<PassSummary> = chosen.into_iter().cloned().collect();
    chosen.sort_by_key(|pass| std::cmp::Reverse(pass.last_batch));
    Ok(chosen)
}

/// The passes in which a run has written stubs; to have ended what another run did is not to have done it.
fn passes_of_run(connection: &Connection, run: i64) -> Result<Vec<i64>> {
    let mut statement =
        connection.prepare("SELECT pass, sum(entries) FROM ledger_batch WHERE run=?1 GROUP BY pass")?;
    let found: Vec<(i64, i64)> = statement
        .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if found.is_empty() {
        return Err(Error::NoSuch {
            what: format!("run {run}"),
        });
    }
    let wrote = found.into_iter().filter(|(_, entries)| *entries > 0);
    Ok(wrote.map(|(pass, _)| pass).collect())
}

/// A pass must not be undone while another stands that has read since what it wrote. Stages that work in place on one
/// database are fed by those before them only, whichever ran last.
fn refuse_dependents(standing: &[&PassSummary], chosen: &[&PassSummary], scope: &Scope) -> Result<()> {
    let (mut first, mut stages): (Option<&PassSummary>, BTreeSet<(&str, u32, &str)>) = Default::default();
    for pass in chosen {
        let reads = |later: &&&PassSummary| {
            later.last_batch > pass.first_batch
                && later.row.source.is_some()
                && later.row.source == pass.row.target
                && later.counts.read > 0
                && is_fed(later, pass)
                && !chosen.iter().any(|chosen| chosen.row.pass == later.row.pass)
        };
        for later in standing.iter().filter(reads) {
            if let Some(stage) = &later.row.stage {
                first.get_or_insert(pass);
                stages.insert((&stage.project, stage.number, &stage.slug));
            }
        }
    }
    let Some(pass) = first else { return Ok(()) };
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
            format!(
                "take back what {named} {have} done since, the newest first: `counterfoil history` names the runs, and \
                 `counterfoil rollback --run N` takes one back"
            ),
        ),
    })
}

/// Whether what a pass writes may feed another: a stage of the same project feeds only stages after it.
fn is_fed(later: &PassSummary, pass: &PassSummary) -> bool {
    match (&later.row.stage, &pass.row.stage) {
        (Some(later), Some(stage)) if later.project == stage.project => later.number > stage.number,
        _ => true,
    }
}

/// Of a copying stage, an older pass must not be undone alone where a newer one has changed the same rows: whatever is
/// done about the conflict, undoing the newer pass later would bring back what the older had written. (In place, a newer
/// pass has changed a row again only after it was written anew, so that the older has nothing left to undo there.)
pub(crate) fn refuse_beneath(connection: &Connection, pass: &PassSummary, undone: &[i64]) -> Result<()> {
    let Some(stage) = &pass.row.stage else {
        return Ok(());
    };
    if pass.row.source == pass.row.target {
        return Ok(());
    }
    let same_stage = |later: &&PassSummary| {
        let row = later.row.stage.as_ref();
        row.is_some_and(|row| (&row.project, row.number) == (&stage.project, stage.number))
            && matches!(later.row.kind, PassKind::Apply | PassKind::Retry)
            && later.row.pass != pass.row.pass
            && later.last_batch > pass.first_batch
            && !later.undone
            && !undone.contains(&later.row.pass)
    };
    // The newest first: it is the one that can be rolled back as things are.
    for later in passes(connection)?.iter().rev().filter(same_stage) {
        let mut stands_on: HashMap<i64, i64> = HashMap::new();
        changes(connection, later.row.pass, |number, batch| {
            let newest = stands_on.entry(number).or_insert(batch);
            *newest = batch.max(*newest);
        })?;
        let mut beneath = false;
        changes(connection, pass.row.pass, |number, batch| {
            beneath |= stands_on.get(&number).is_some_and(|above| *above > batch);
        })?;
        if beneath {
            // A run that only ended the pass has nothing of it to be rolled back.
            let sql = "SELECT max(run) FROM ledger_batch WHERE pass=?1 AND entries>0";
            return Err(Error::RollbackBeneath {
                pass: pass.row.pass,
                newer: later.row.pass,
                run: connection.query_row(sql, [later.row.pass], |row| row.get(0))?,
            });
        }
    }
    Ok(())
}

/// Tells the number and the batch of every row that a pass has changed, less what was undone by itself since.
fn changes(connection: &Connection, pass: i64, mut tell: impl FnMut(i64, i64)) -> Result<()> {
    let singly = undone_singly(connection, pass)?;
    let sql = "SELECT e.record, e.part, coalesce(e.target,e.record), b.batch FROM ledger_batch b
     CROSS JOIN ledger_entry e ON e.batch=b.batch WHERE b.pass=?1 AND e.before IS NOT e.after";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([pass])?;
    while let Some(row) = rows.next()? {
        if !singly.contains(&(row.get(0)?, row.get(1)?)) {
            tell(row.get(2)?, row.get(3)?);
        }
    }
    Ok(())
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
pub(crate) fn stretches(connection: &Connection, passes: &[PassSummary]) -> Result<Vec<Stretch>> {
    let place = |number: i64| passes.iter().position(|pass| pass.row.pass == number);
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut statement = connection.prepare("SELECT pass, batch FROM ledger_batch ORDER BY batch DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(pass) = place(row.get(0)?) else { continue };
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
    let mut statement = connection.prepare(sql)?;
    let runs = statement.query_map([pass], |row| row.get(0))?;
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// The number of a pass's stubs.
pub(crate) fn entries(connection: &Connection, pass: i64) -> Result<u64> {
    let sql = "SELECT coalesce(sum(entries),0) FROM ledger_batch WHERE pass=?1";
    let count: i64 = connection.query_row(sql, [pass], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The number of a pass's stubs for one source record.
pub(crate) fn entries_of_record(connection: &Connection, pass: i64, record: i64) -> Result<u64> {
    let sql =
        "SELECT count(*) FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch AND e.record=?2
     WHERE b.pass=?1 AND b.first_record<=?2 AND b.last_record>=?2";
    let count: i64 = connection.query_row(sql, [pass, record], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// A rollback pass that was begun and not ended.
pub(crate) fn open_rollback(connection: &Connection, reverses: i64) -> Result<Option<PassSummary>> {
    let open = |pass: &PassSummary| pass.row.reverses == Some(reverses) && pass.state != PassState::Ended;
    Ok(passes(connection)?.into_iter().find(open))
}

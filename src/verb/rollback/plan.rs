//! Decides what a rollback will undo, before anything is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::ledger::open::last_writer;
use crate::ledger::read::{PassSummary, pass};
use crate::ledger::since::{ReadingPass, each_batch_down_to, processed_since, readers_since, stands_on};
use crate::ledger::stage_history::{applied_numbers, standing_passes};
use crate::ledger::{PassKind, runs};
use crate::name::StageName;
use crate::record::{BatchId, PassId, RecordNumber, RunId};

/// What to roll back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackScope {
    /// The newest applied stage of the project.
    Last,
    /// Every stage after this number.
    To(u32),
    /// This stage alone, if no later one has read what it wrote.
    Stage(u32),
    /// Everything that one run did.
    Run(RunId),
    /// The work of the newest pass on one record of a database.
    Record {
        /// Name of the database.
        database: String,
        /// Id of the record there.
        id: String,
    },
    /// Every stage of the project.
    All,
}

/// One pass that a rollback will undo.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Reversal {
    /// Number of the pass.
    pub pass: PassId,
    /// Kind of the pass.
    pub kind: PassKind,
    /// Stage of the pass; `None` for a load or an edit.
    pub stage: Option<StageName>,
    /// Runs that worked on the pass: all of their work on it is rolled back together.
    pub runs: Vec<RunId>,
    /// Database that is rolled back.
    pub database: String,
    /// Number of entries that will be undone.
    pub entries: u64,
    /// Number of entries that an earlier run of the rollback has already undone.
    pub done: u64,
    /// Number of rows that the pass changed and that will be restored: records that were refused, left out or unchanged
    /// have none.
    pub records: u64,
    /// Number of them that an earlier run of the rollback has already restored.
    pub restored: u64,
    /// Number of records that something that stays has changed, so that they cannot be restored as they were.
    pub conflicts: u64,
}

/// A pass that was chosen to be undone.
pub(crate) struct Chosen {
    pub(crate) pass: PassSummary,
    /// For a single record, the source's number in the pass's entries.
    pub(crate) only: Option<RecordNumber>,
}

/// Returns the passes to undo, newest first, including those whose rollback was interrupted.
pub(crate) fn passes_of(
    connection: &Connection,
    project: &str,
    scope: &RollbackScope,
) -> Result<Vec<PassSummary>> {
    let stages = applied_numbers(connection, project)?;
    let of_stages = |fits: &dyn Fn(u32) -> bool| -> Result<Vec<PassId>> {
        let mut passes = Vec::new();
        for number in stages.iter().filter(|number| fits(**number)) {
            passes.extend(standing_passes(connection, project, *number)?);
        }
        Ok(passes)
    };
    let numbers = match scope {
        RollbackScope::Last => {
            let mut newest = Vec::new();
            for number in stages.iter().rev() {
                newest = standing_passes(connection, project, *number)?;
                if !newest.is_empty() {
                    break;
                }
            }
            newest
        }
        RollbackScope::To(last) => of_stages(&|number| number > *last)?,
        RollbackScope::Stage(only) => of_stages(&|number| number == *only)?,
        RollbackScope::All => of_stages(&|_| true)?,
        RollbackScope::Run(run) => passes_of_run(connection, *run)?,
        RollbackScope::Record { .. } => Vec::new(),
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

/// Returns the passes, not rolled back, in which a run wrote entries; a run that only ended another run's pass does not
/// count.
fn passes_of_run(connection: &Connection, run: RunId) -> Result<Vec<PassId>> {
    let found = runs::worked_on(connection, run)?;
    if found.is_empty() {
        return Err(Error::NoSuch {
            what: format!("run {run}"),
        });
    }
    let to_undo = found.into_iter().filter(|pass| pass.has_entries_that_stand);
    Ok(to_undo.map(|pass| pass.pass).collect())
}

/// Refuses to undo a pass while another, not rolled back, has read what it wrote. Stages that work in place on one
/// database are fed only by those before them, whichever ran last.
fn refuse_dependents(connection: &Connection, chosen: &[PassSummary], scope: &RollbackScope) -> Result<()> {
    let is_chosen: HashSet<PassId> = chosen.iter().map(|pass| pass.row.pass).collect();
    let mut first_batches: BTreeMap<&str, BatchId> = BTreeMap::new();
    for pass in chosen {
        let database = pass.row.target.as_deref().unwrap_or_default();
        let first = first_batches.entry(database).or_insert(pass.first_batch);
        *first = pass.first_batch.min(*first);
    }
    let mut readers: BTreeMap<&str, Vec<ReadingPass>> = BTreeMap::new();
    for (database, first_batch) in first_batches {
        let mut found = readers_since(connection, database, first_batch)?;
        found.retain(|reader| !is_chosen.contains(&reader.pass));
        readers.insert(database, found);
    }
    let (mut first, mut stages): (Option<&PassSummary>, BTreeSet<(&str, u32, &str)>) = Default::default();
    let mut newest: Option<(BatchId, PassId)> = None;
    for pass in chosen {
        let database = pass.row.target.as_deref().unwrap_or_default();
        for reader in readers.get(database).into_iter().flatten() {
            if reader.last_batch > pass.first_batch && is_fed_by(reader, pass) {
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
        RollbackScope::Stage(number) if is_ours => Error::invalid(
            format!("stage {number} wrote to `{database}`, which {named} {have} since read"),
            {
                let later: BTreeSet<u32> = stages.iter().map(|(_, number, _)| *number).collect();
                let later = later
                    .iter()
                    .rev()
                    .map(|later| format!("`counterfoil rollback --stage {later}`"));
                format!(
                    "first {}; or `counterfoil rollback --to {}` rolls back stage {number} and all later stages",
                    later.collect::<Vec<_>>().join(", then "),
                    number.saturating_sub(1)
                )
            },
        ),
        _ => Error::invalid(
            format!(
                "pass {} wrote to `{database}`, which {named} {have} since read",
                pass.row.pass
            ),
            match newest.map_or(Ok(None), |newest| last_writer(connection, newest))? {
                Some(run) => format!(
                    "roll back what {named} {have} done since, newest first: `counterfoil rollback --run {run}`; \
                     `counterfoil history` names the runs"
                ),
                None => "`counterfoil history` names the runs".to_owned(),
            },
        ),
    })
}

/// Returns whether what a pass writes may feed one that reads: a stage of the same project feeds only stages after it.
fn is_fed_by(reader: &ReadingPass, pass: &PassSummary) -> bool {
    match &pass.row.stage {
        Some(stage) if stage.project == reader.project => reader.number > stage.number,
        _ => true,
    }
}

/// Refuses to undo an older pass of a copying stage alone when a newer one has changed the same rows, or has found them as
/// the older one left them. Whatever is done about the conflict, undoing the newer pass later would restore what the older
/// one wrote; and what the newer one has found there, no later pass would write. (In place, a newer pass processes a row
/// again only after it was written again, so the older pass has nothing left to undo there.)
pub(crate) fn refuse_beneath(connection: &Connection, chosen: &[&PassSummary]) -> Result<()> {
    let undone: HashSet<PassId> = chosen.iter().map(|pass| pass.row.pass).collect();
    let mut above: HashMap<(&str, u32), Vec<PassId>> = HashMap::new();
    for pass in chosen {
        let Some(stage) = pass
            .row
            .stage
            .as_ref()
            // A decision has written no row: the next pass of the stage processes again what was decided.
            .filter(|_| pass.row.source != pass.row.target && pass.row.kind != PassKind::Merge)
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
                let mut newer = processed_since(connection, key, first.unwrap_or_default())?;
                newer.retain(|pass| !undone.contains(pass));
                unknown.insert(newer)
            }
        };
        // The newest first: it can be rolled back in the current state.
        for newer in newer.iter().rev() {
            if judges_all(pass) || stands_on(connection, *newer, pass)? {
                return Err(Error::RollbackBeneath {
                    pass: pass.row.pass,
                    newer: *newer,
                    // A run that only ended the pass has nothing in it to roll back.
                    run: last_writer(connection, *newer)?.unwrap_or_default(),
                });
            }
        }
    }
    Ok(())
}

/// Returns whether a pass is that of a merge or an aggregate, each of which goes by all that stands: what an older pass has written,
/// a newer one may have left as it was, and no later pass would write it again.
fn judges_all(pass: &PassSummary) -> bool {
    let stage = pass.row.stage.as_ref();
    stage.is_some_and(|stage| stage.merges() || stage.aggregates())
}

/// A range of one pass's batches that is undone without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchRange {
    /// Index of the pass among those that are undone.
    pub(crate) pass: usize,
    /// First batch of the range.
    pub(crate) down_to: BatchId,
    /// Whether nothing of the pass is left after this range.
    pub(crate) last: bool,
}

/// Splits the passes into ranges, newest first. Passes that alternated (one was interrupted, another ran, the first
/// continued) are undone alternately, so that every change is undone before the one that it was based on.
pub(crate) fn stretches(connection: &Connection, passes: &[&PassSummary]) -> Result<Vec<BatchRange>> {
    let places: HashMap<PassId, usize> = (0..passes.len()).map(|at| (passes[at].row.pass, at)).collect();
    let oldest = passes.iter().map(|pass| pass.first_batch).min();
    let mut stretches: Vec<BatchRange> = Vec::new();
    each_batch_down_to(connection, oldest, |number, down_to| {
        let Some(pass) = places.get(&number).copied() else {
            return;
        };
        let last = passes[pass].first_batch == down_to;
        match stretches.last_mut() {
            Some(stretch) if stretch.pass == pass => *stretch = BatchRange { pass, down_to, last },
            _ => stretches.push(BatchRange { pass, down_to, last }),
        }
    })?;
    Ok(stretches)
}

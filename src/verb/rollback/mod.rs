//! The verb `rollback`: appends the reverse of passes, newest first. The ledger itself is never rewritten.

mod conflict;
mod options;
mod plan;
mod restore;
mod since;
mod single;
mod undo;

pub use crate::error::Conflict;
pub use options::RollbackOptions;
pub use plan::{Reversal, RollbackScope};
pub use restore::ConflictPolicy;

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::engine::{Bounds, Claims, Pass, Run, Stopped, drive, drive_to_end};
use crate::error::{Error, Result};
use crate::ledger::members::entries_together;
use crate::ledger::read::{BEHIND_ALL, PassSummary, RecordedEntry, keeps_images};
use crate::ledger::runs::writing_runs;
use crate::ledger::since::is_first_writer;
use crate::ledger::{
    Batch, BatchKind, Counts, PassKind, PassState, StageEvent, StageHistory, TableChange, next_stage, out,
    undone,
};
use crate::observe::Observer;
use crate::record::RunId;
use crate::store::{Store, Table};
use conflict::Conflicts;
use plan::{BatchRange, Chosen};
use since::ChangesSince;
use undo::{Undoing, begins, cursor_place};

/// Maximum number of conflicts that a report lists; the ledger has all of them.
pub const MAX_CONFLICTS_LISTED: usize = 10;

/// Report of a rollback.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct RollbackReport {
    /// Number of the run; `None` when there was nothing to do.
    pub run: Option<RunId>,
    /// Passes that were undone, in this order.
    pub undone: Vec<Reversal>,
    /// Outcomes over all passes: `refused` are the conflicts that were left as they are.
    pub counts: Counts,
    /// Number of rows that it restored: all rows of a record that had become several, none of a record that was only
    /// refused.
    pub records: u64,
    /// First of those conflicts, at most [`MAX_CONFLICTS_LISTED`].
    pub left: Vec<Conflict>,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
}

impl Store {
    /// Returns what a rollback would undo, newest first, with the conflicts that it would meet. Writes nothing.
    pub fn plan_rollback(&self, project: &str, scope: &RollbackScope) -> Result<Vec<Reversal>> {
        let planned = planned(self, &chosen(self, project, scope)?)?;
        Ok(planned.into_iter().map(|(reversal, _)| reversal).collect())
    }
}

fn planned(store: &Store, chosen: &[Chosen]) -> Result<Vec<(Reversal, Conflicts)>> {
    let connection = store.connection();
    let conflicts = conflict::find(store, chosen)?;
    let reversal = |(chosen, conflicts): (&Chosen, Conflicts)| {
        let Chosen { pass, only } = chosen;
        let open = match only {
            Some(_) => None,
            None => undone::open_rollback(connection, pass.row.pass)?,
        };
        let alone = match only {
            Some(record) => Some(entries_together(connection, pass.row.pass, *record)?),
            None => None,
        };
        let changes = |recorded: &&RecordedEntry| recorded.entry.before != recorded.entry.after;
        let stage = pass.row.stage.as_ref();
        let reversal = Reversal {
            pass: pass.row.pass,
            kind: pass.row.kind,
            stage: stage.map(|stage| crate::name::StageName::new(stage.number, &*stage.slug)),
            runs: writing_runs(connection, pass.row.pass)?,
            database: pass.row.target.clone().unwrap_or_default(),
            entries: match &alone {
                Some(entries) => entries.len() as u64,
                None => out::entries_of_pass(connection, pass.row.pass)?,
            },
            done: open
                .as_ref()
                .map(|open| out::entries_of_pass(connection, open.row.pass))
                .transpose()?
                .unwrap_or(0),
            records: match &alone {
                Some(entries) => entries.iter().filter(changes).count() as u64,
                None => out::changed_by_pass(connection, pass.row.pass)?,
            },
            restored: open
                .map(|open| out::changed_by_pass(connection, open.row.pass))
                .transpose()?
                .unwrap_or(0),
            conflicts: conflicts.count,
        };
        Ok((reversal, conflicts))
    };
    chosen.iter().zip(conflicts).map(reversal).collect()
}

/// Appends the reverse of every pass in the scope, newest first. An interrupted rollback continues where it stopped.
///
/// # Errors
/// [`Error::RollbackConflict`] when records cannot be restored as they were and `on_conflict` is `abort`;
/// [`Error::RollbackBeneath`] when a newer pass of the same stage builds on one of them. In both cases nothing is
/// written.
pub fn rollback(
    store: &mut Store,
    project: &str,
    options: &RollbackOptions,
    observer: &mut dyn Observer,
) -> Result<RollbackReport> {
    let mut run = Run::begin(store, &options.run_info)?;
    let chosen = chosen(run.store(), project, &options.scope)?;
    let plan = planned(run.store(), &chosen)?;
    refuse_beneath(run.connection(), &chosen)?;
    if options.on_conflict == ConflictPolicy::Abort {
        abort_on_conflict(&plan)?;
    }
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = RollbackReport::default();
    // A decision can be taken back whether the stage is applied or not.
    let decides = |chosen: &&Chosen| chosen.pass.row.kind == PassKind::Merge;
    let stages = chosen.iter().filter(|chosen| !decides(chosen));
    let stages = stages.filter_map(|chosen| chosen.pass.row.stage.as_ref());
    let stages: BTreeSet<(&str, u32)> = stages
        .map(|stage| (stage.project.as_str(), stage.number))
        .collect();
    for (project, number) in stages {
        let state = StageHistory::read(run.connection(), project, number)?.state;
        next_stage(number, state, StageEvent::Rollback)?;
    }
    if let [
        Chosen {
            pass,
            only: Some(record),
        },
    ] = chosen.as_slice()
    {
        report.counts = single::undo(&mut run, pass, *record, options, observer)?;
        report.undone = plan.into_iter().map(|(reversal, _)| reversal).collect();
        report.run = Some(run.number());
        report.records = out::restored_by_run(run.connection(), run.number())?;
        report.left = conflict::left(run.store(), run.number(), MAX_CONFLICTS_LISTED)?;
        run.finish()?;
        return Ok(report);
    }
    let passes: Vec<&PassSummary> = chosen.iter().map(|chosen| &chosen.pass).collect();
    let since = ChangesSince::new(run.connection(), &passes)?;
    for stretch in plan::stretches(run.connection(), &passes)? {
        let of = (passes[stretch.pass], &since);
        let (counts, stopped) = undo_pass(&mut run, of, stretch, options, &bounds, observer)?;
        if stretch.last || stopped.is_some() {
            report.counts.add(&counts);
            report.undone.push(plan[stretch.pass].0.clone());
        }
        if stopped.is_some() {
            report.stopped = stopped;
            break;
        }
    }
    report.run = run.has_written().then_some(run.number());
    // The report of a continued rollback includes what an earlier run restored.
    let earlier: u64 = report.undone.iter().map(|reversal| reversal.restored).sum();
    report.records = earlier + out::restored_by_run(run.connection(), run.number())?;
    report.left = conflict::left(run.store(), run.number(), MAX_CONFLICTS_LISTED)?;
    run.finish()?;
    Ok(report)
}

/// Only a scope of one run can leave a newer pass of the same stage in place. Whether there are conflicts does not
/// matter: newer passes may by chance have made a row what the older one left.
fn refuse_beneath(connection: &Connection, chosen: &[Chosen]) -> Result<()> {
    let whole = chosen.iter().filter(|chosen| chosen.only.is_none());
    let whole: Vec<&PassSummary> = whole.map(|chosen| &chosen.pass).collect();
    plan::refuse_beneath(connection, &whole)
}

fn abort_on_conflict(plan: &[(Reversal, Conflicts)]) -> Result<()> {
    let first = plan
        .iter()
        .find_map(|(reversal, conflicts)| Some((reversal, conflicts.first.clone()?)));
    match first {
        None => Ok(()),
        // A record can be in several passes, so their counts are not added up.
        Some((reversal, first)) => Err(Error::RollbackConflict {
            count: reversal.conflicts,
            pass: reversal.pass,
            first: Box::new(first),
        }),
    }
}

/// Returns the passes in the scope, newest first.
fn chosen(store: &Store, project: &str, scope: &RollbackScope) -> Result<Vec<Chosen>> {
    if let RollbackScope::Record { database, id } = scope {
        return Ok(vec![single::newest(store, database, id)?]);
    }
    let passes = plan::passes_of(store.connection(), project, scope)?;
    Ok(passes
        .into_iter()
        .map(|pass| Chosen { pass, only: None })
        .collect())
}

/// Undoes a range of batches of a pass, or what is left of it; the last range ends the pass.
fn undo_pass(
    run: &mut Run<'_>,
    (of, since): (&PassSummary, &ChangesSince),
    stretch: BatchRange,
    options: &RollbackOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<(Counts, Option<Stopped>)> {
    let target = of.row.target.as_deref().map(Table::from_name).transpose()?;
    let open = undone::open_rollback(run.connection(), of.row.pass)?;
    let (mut pass, before, mut counts) = if let Some(open) = &open {
        let place = open.cursor.as_deref().and_then(cursor_place);
        (Pass::resumed(open), place.unwrap_or(BEHIND_ALL), open.counts)
    } else {
        let mut pass = run.new_pass(PassKind::Rollback, of.row.stage.clone())?;
        pass.row.target.clone_from(&of.row.target);
        pass.row.reverses = Some(of.row.pass);
        (pass, BEHIND_ALL, Counts::default())
    };
    begins(&pass, of, of.counts.read, &counts, observer);
    let (alone, shape) = match &target {
        Some(target) => preparation(run, (of, since), target, open.is_some())?,
        None => (true, Vec::new()),
    };
    let batch_size = options.batch_size.unwrap_or(run.store().options().batch_size);
    let mut producer = Undoing {
        pass: of.row.pass,
        target,
        before,
        down_to: stretch.down_to,
        batch_size: batch_size.max(1),
        on_conflict: options.on_conflict,
        shape,
        alone,
        done: undone::singly(run.connection(), of.row.pass)?,
        overwritten: since.overwritten(of),
        deferred: since.deferred(run.connection(), of)?,
        claims: Claims::default(),
    };
    let stopped = if stretch.last {
        let end = || Batch::new(BatchKind::End);
        drive_to_end(run, &mut pass, &mut producer, &mut counts, bounds, observer, end)?
    } else {
        drive(run, &mut pass, &mut producer, &mut counts, bounds, observer)?
    };
    Ok((counts, stopped))
}

/// Prepares the undoing of a pass. A pass that filled an empty database is undone without its index, which costs more
/// to maintain than to rebuild. A pass that keeps an image found something there; for one that is partly undone
/// already, the counts do not show it.
fn preparation(
    run: &Run<'_>,
    (of, since): (&PassSummary, &ChangesSince),
    target: &Table,
    resumed: bool,
) -> Result<(bool, Vec<TableChange>)> {
    // A waiver changed no row; the index may still be missing, if the pass that fills the database was stopped.
    if of.row.kind == PassKind::Waive {
        return Ok((true, vec![]));
    }
    let connection = run.connection();
    let carries_all =
        of.row.kind == PassKind::Apply && of.row.source != of.row.target && of.row.after_batch.is_none();
    let is_first = carries_all && is_first_writer(connection, of)? && !keeps_images(connection, of.row.pass)?;
    if !target.has_index(connection)? {
        // The pass has not built the index yet, or this rollback has dropped it.
        let is_owed = (carries_all && of.state != PassState::Ended) || (is_first && resumed);
        if is_owed || !target.exists(connection)? {
            return Ok((true, vec![]));
        }
        if target.is_empty(connection)? {
            return Ok((false, vec![TableChange::CreateIndex]));
        }
        let what = format!("the index `{}.id` is missing", target.name());
        return Err(Error::Damaged { what });
    }
    let filled = is_first
        && target.count(connection)? == of.counts.written
        && undone::singly(connection, of.row.pass)?.is_empty();
    let alone = filled && !resumed && !since.may_conflict(of);
    Ok((
        alone,
        if alone {
            vec![TableChange::DropIndex]
        } else {
            vec![]
        },
    ))
}

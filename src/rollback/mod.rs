//! The verb `rollback`: append the reverse of passes, newest first. The ledger itself is never rewritten.

mod plan;
mod restore;
mod undo;

pub use plan::{Reversal, Scope};
pub use restore::OnConflict;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::ledger::read::{PassSummary, StageHistory, number_by_origin, passes, salt, stubs_after};
use crate::ledger::{Counts, PassKind, Shape, StageEvent, next_stage};
use crate::observe::{Event, Observer, StopSignal};
use crate::pipeline::{BATCH_BYTES, Bounds, Stopped, drive};
use crate::run::{Pass, Purpose, Run};
use crate::store::{Store, Table};
use undo::{Undoing, cursor_place};

/// How to roll back.
#[derive(Clone, Debug)]
pub struct RollbackOptions {
    /// What.
    pub scope: Scope,
    /// What to do with records that were changed since.
    pub on_conflict: OnConflict,
    /// The most stubs in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// Stop after the batch at hand when so much time is over.
    pub max_time: Option<Duration>,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            scope: Scope::Last,
            on_conflict: OnConflict::Abort,
            batch_size: None,
            max_time: None,
            purpose: Purpose::new("rollback"),
            stop: StopSignal::default(),
        }
    }
}

/// What a rollback did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RollbackReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<i64>,
    /// What was undone, in this order.
    pub undone: Vec<Reversal>,
    /// The outcomes over all passes: `refused` are the conflicts that were left as they are.
    pub counts: Counts,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// What a rollback would undo, newest first, with the conflicts it would meet. Writes nothing.
pub fn plan_rollback(store: &Store, project: &str, scope: &Scope) -> Result<Vec<Reversal>> {
    let connection = store.connection();
    let chosen = chosen(store, project, scope)?;
    let undone: Vec<i64> = chosen.iter().map(|(pass, _)| pass.row.pass).collect();
    chosen
        .iter()
        .map(|(pass, only)| {
            let open = plan::open_rollback(connection, pass.row.pass)?;
            let conflicts = if plan::may_conflict(connection, pass, &undone)? {
                let after = open
                    .as_ref()
                    .and_then(|open| open.cursor.as_deref())
                    .and_then(cursor_place);
                conflicts(store, pass, *only, after.unwrap_or((0, 0, 0)), &undone)?
            } else {
                0
            };
            let sql = "SELECT coalesce(sum(entries),0) FROM ledger_batch WHERE pass=?1";
            let entries = |pass: i64| {
                connection
                    .query_row(sql, [pass], |row| row.get::<_, i64>(0))
                    .map(i64::unsigned_abs)
            };
            Ok(Reversal {
                pass: pass.row.pass,
                kind: pass.row.kind,
                stage: pass
                    .row
                    .stage
                    .as_ref()
                    .map(|stage| (stage.number, stage.slug.clone())),
                database: pass.row.target.clone().unwrap_or_default(),
                entries: if only.is_some() {
                    1
                } else {
                    entries(pass.row.pass)?
                },
                done: open.map(|open| entries(open.row.pass)).transpose()?.unwrap_or(0),
                conflicts,
            })
        })
        .collect()
}

/// Appends the reverse of every pass in the scope, newest first. An interrupted rollback goes on where it stopped.
///
/// # Errors
/// [`Error::RollbackConflict`] when records were changed since and `on_conflict` is `abort`: then nothing is written.
pub fn rollback(
    store: &mut Store,
    project: &str,
    options: &RollbackOptions,
    observer: &mut dyn Observer,
) -> Result<RollbackReport> {
    let mut run = Run::begin(store, &options.purpose)?;
    let plan = plan_rollback(run.store(), project, &options.scope)?;
    let conflict = plan.iter().find(|reversal| reversal.conflicts > 0);
    if let (Some(conflict), OnConflict::Abort) = (conflict, options.on_conflict) {
        let (count, pass) = (
            plan.iter().map(|reversal| reversal.conflicts).sum(),
            conflict.pass,
        );
        return Err(Error::RollbackConflict {
            count,
            first: first_conflict(run.store(), project, options)?,
            pass,
        });
    }
    let bounds = Bounds::new(&options.stop, options.max_time);
    let mut report = RollbackReport::default();
    let chosen = chosen(run.store(), project, &options.scope)?;
    for ((pass, only), reversal) in chosen.iter().zip(plan) {
        if let Some(stage) = &pass.row.stage {
            let state = StageHistory::read(run.connection(), &stage.project, stage.number)?.state;
            next_stage(stage.number, state, StageEvent::Rollback)?;
        }
        let (counts, stopped) = undo_pass(&mut run, pass, *only, options, &bounds, observer)?;
        report.counts.add(&counts);
        report.undone.push(reversal);
        if stopped.is_some() {
            report.stopped = stopped;
            break;
        }
    }
    report.run = run.has_written().then_some(run.number());
    Ok(report)
}

/// The passes in the scope, newest first; for a single record also its number.
fn chosen(store: &Store, project: &str, scope: &Scope) -> Result<Vec<(PassSummary, Option<i64>)>> {
    let connection = store.connection();
    if let Scope::Record { database, id } = scope {
        return Ok(vec![newest_of_record(store, database, id)?]);
    }
    Ok(plan::passes_of(connection, project, scope)?
        .into_iter()
        .map(|pass| (pass, None))
        .collect())
}

/// The newest pass that changed a record of a database and was not undone, with the record's number in its stub.
fn newest_of_record(store: &Store, database: &str, id: &str) -> Result<(PassSummary, Option<i64>)> {
    let connection = store.connection();
    let missing = || Error::NoSuchRecord {
        database: database.to_owned(),
        id: id.to_owned(),
    };
    let number = match store.table(database)?.number_of(connection, id)? {
        Some(number) => number,
        None => number_by_origin(connection, database, id)?
            .pop()
            .ok_or_else(missing)?,
    };
    let sql = "SELECT p.pass, e.record, p.kind='rollback' FROM ledger_batch b JOIN ledger_pass p USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE p.target=?1 AND coalesce(e.target,e.record)=?2 AND e.before IS NOT e.after AND p.kind<>'load'
       AND (e.target IS NOT NULL OR (b.first_record<=?2 AND b.last_record>=?2)) ORDER BY b.batch";
    let mut statement = connection.prepare(sql)?;
    let mut standing: Vec<(i64, i64)> = Vec::new();
    let mut rows = statement.query(rusqlite::params![database, number])?;
    while let Some(row) = rows.next()? {
        if row.get(2)? {
            standing.pop();
        } else {
            standing.push((row.get(0)?, row.get(1)?));
        }
    }
    let (pass, record) = standing.pop().ok_or_else(|| {
        Error::invalid(
            format!("no stage has changed `{id}` in `{database}`"),
            "see `counterfoil trace` for its life",
        )
    })?;
    let found = passes(connection)?
        .into_iter()
        .find(|summary| summary.row.pass == pass)
        .ok_or_else(missing)?;
    Ok((found, Some(record)))
}

/// Undoes one pass, or what is left of it.
fn undo_pass(
    run: &mut Run<'_>,
    undone: &PassSummary,
    only: Option<i64>,
    options: &RollbackOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<(Counts, Option<Stopped>)> {
    let database = undone.row.target.clone().unwrap_or_default();
    let target = run.store().table(&database)?;
    let open = if only.is_none() {
        plan::open_rollback(run.connection(), undone.row.pass)?
    } else {
        None
    };
    let (mut pass, after, mut counts) = match &open {
        Some(open) => {
            let place = open.cursor.as_deref().and_then(cursor_place);
            (Pass::resumed(open), place.unwrap_or((0, 0, 0)), open.counts)
        }
        None => {
            let mut pass = run.new_pass(PassKind::Rollback, undone.row.stage.clone())?;
            pass.row.target = Some(database.clone());
            pass.row.reverses = only.is_none().then_some(undone.row.pass);
            (pass, only.map_or((0, 0, 0), |_| (0, 0, 0)), Counts::default())
        }
    };
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: PassKind::Rollback,
        stage: undone
            .row
            .stage
            .as_ref()
            .map(|stage| (stage.number, stage.slug.clone())),
        source: None,
        target: Some(database),
        total: Some(undone.counts.read),
        done: counts.read,
    });
    let (alone, shape) = preparation(run, undone, &target, open.is_some())?;
    let batch_size = options
        .batch_size
        .unwrap_or(run.store().options().batch_size)
        .max(1);
    let (on_conflict, pass_number) = (options.on_conflict, undone.row.pass);
    let producer = Undoing {
        pass: pass_number,
        only,
        target,
        after,
        batch_size,
        on_conflict,
        shape,
        alone,
    };
    let stopped = drive(run, &mut pass, producer, &mut counts, bounds, observer)?;
    Ok((counts, stopped))
}

/// A pass that filled an empty database is undone without its index, which would be dearer to keep than to build.
fn preparation(
    run: &Run<'_>,
    undone: &PassSummary,
    target: &Table,
    resumed: bool,
) -> Result<(bool, Vec<Shape>)> {
    let connection = run.connection();
    let indexed = target.has_index(connection)?;
    if !indexed {
        return Ok((true, vec![]));
    }
    let filled = undone.row.kind == PassKind::Apply
        && undone.row.source != undone.row.target
        && undone.row.after_batch.is_none()
        && target.count(connection)? == undone.counts.written;
    let alone = filled && !resumed && !plan::may_conflict(connection, undone, &[undone.row.pass])?;
    Ok((alone, if alone { vec![Shape::DropIndex] } else { vec![] }))
}

/// How many records something that stays has changed since the pass.
fn conflicts(
    store: &Store,
    pass: &PassSummary,
    only: Option<i64>,
    after: undo::Place,
    undone: &[i64],
) -> Result<u64> {
    let mut count = 0;
    scan(store, pass, only, after, undone, |_| {
        count += 1;
        true
    })?;
    Ok(count)
}

fn first_conflict(store: &Store, project: &str, options: &RollbackOptions) -> Result<i64> {
    let chosen = chosen(store, project, &options.scope)?;
    let undone: Vec<i64> = chosen.iter().map(|(pass, _)| pass.row.pass).collect();
    let mut first = None;
    for (pass, only) in &chosen {
        scan(store, pass, *only, (0, 0, 0), &undone, |record| {
            first.get_or_insert(record);
            false
        })?;
    }
    Ok(first.unwrap_or_default())
}

/// Visits the records of a pass that something that stays has changed since, so that undoing the pass would not find
/// what it left.
fn scan(
    store: &Store,
    pass: &PassSummary,
    only: Option<i64>,
    mut after: undo::Place,
    undone: &[i64],
    mut visit: impl FnMut(i64) -> bool,
) -> Result<()> {
    let connection = store.connection();
    let target = store.table(pass.row.target.as_deref().unwrap_or_default())?;
    let changed = plan::changed_since(connection, pass, undone)?;
    loop {
        let stubs = stubs_after(connection, pass.row.pass, after, 5_000, BATCH_BYTES)?;
        let Some(last) = stubs.last() else { return Ok(()) };
        after = (last.batch, last.entry.record, last.entry.part);
        for stub in stubs
            .iter()
            .filter(|stub| only.is_none_or(|only| stub.entry.record == only))
        {
            let number = stub.entry.target.unwrap_or(stub.entry.record);
            if stub.entry.before == stub.entry.after || !changed.contains(&number) {
                continue;
            }
            let row = target.by_number(connection, number)?.map(|found| found.record);
            let now = restore::hash(&salt(connection, number)?.unwrap_or_default(), row.as_ref());
            if now != stub.entry.after && now != stub.entry.before && !visit(stub.entry.record) {
                return Ok(());
            }
        }
    }
}

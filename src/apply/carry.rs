//! One pass of a stage, from where it stands to its end.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{ApplyOptions, Claims, Cross, Found, Numbers, PassReport, PlannedRows, Transforming};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::feed::Fed;
use crate::ledger::places::KeptPlaces;
use crate::ledger::read::{LedgerTable, PassSummary, largest, warnings};
use crate::ledger::selection::{Selection, halting, settled_since, waiting};
use crate::ledger::{Counts, PassKind, PassState, Shape, feed, out, places, rows, whole_record};
use crate::observe::{Event, Observer};
use crate::pipeline::{Bounds, Stopped, drive};
use crate::record::RecordSet;
use crate::run::{Pass, Run};
use crate::stage::{OnError, Stage};
use crate::store::{Salted, Table};

/// One pass that is to be worked on.
pub(crate) struct Work {
    pub(crate) pass: Pass,
    pub(crate) selection: Selection,
    /// The outcomes of earlier runs.
    pub(crate) counts: Counts,
    /// Of a pass that goes on: the batch before its first one.
    pub(crate) resumed: Option<i64>,
}

/// Works on a pass until it ends or has to stop.
pub(crate) fn carry_out(
    run: &mut Run<'_>,
    project: &str,
    stage: &Stage,
    work: Work,
    options: &ApplyOptions,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<(PassReport, Option<Stopped>)> {
    let Work {
        mut pass,
        selection,
        mut counts,
        resumed,
    } = work;
    let source = Table::of(stage.source())?;
    let target = Table::of(stage.target())?;
    let in_source = source.count(run.connection())?;
    let total = selection.remaining().map_or(in_source, |left| left + counts.read);
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: pass.row.kind,
        stage: Some((stage.number(), stage.slug().to_owned())),
        source: pass.row.source.clone(),
        target: pass.row.target.clone(),
        total: Some(total.max(counts.read)),
        done: counts.read,
    });
    let began_with = in_source + if stage.in_place() { counts.refused } else { 0 };
    let stage_fed = Fed::of(project, stage);
    let of = resumed.map(|before| (pass.row.pass, before));
    let settled = settled_since(run.connection(), stage_fed, of, &counts)?;
    let bounds = bounds.allowing(allowed_refusals(stage, options, began_with), settled);
    let halting = match of {
        Some(of) => halting(run.connection(), stage_fed, of)?,
        None => 0,
    };
    let halted = (halting > 0).then_some(Stopped::Contract { refused: halting });
    let mut stopped = halted.or_else(|| bounds.reached(&counts));
    if stopped.is_none() {
        let surroundings = run.store().surroundings().clone();
        let context = Context {
            project,
            stage: stage.number(),
            id: "",
            salt: None,
            now_us: pass.row.now_us,
            secrets: &surroundings.secrets,
            limits: run.store().options().limits,
            roundings: None,
            tally: None,
        };
        let producer = producer(run, &pass, (stage, context), (source, target), selection, options)?;
        stopped = drive(run, &mut pass, producer, &mut counts, &bounds, observer)?;
    }
    let report = PassReport {
        pass: pass.row.pass,
        kind: pass.row.kind,
        stage: stage.number(),
        slug: stage.slug().to_owned(),
        source: stage.source().to_owned(),
        target: stage.target().to_owned(),
        resumed: resumed.is_some(),
        counts,
        out: came_out(run, stage, &pass, &counts)?,
        warnings: warnings(run.connection(), pass.row.pass)?,
        ended: pass.state == PassState::Ended,
    };
    Ok((report, stopped))
}

/// How many records came out of those that a pass has written.
fn came_out(run: &Run<'_>, stage: &Stage, pass: &Pass, counts: &Counts) -> Result<u64> {
    if stage.derives() {
        out::of_pass(run.connection(), pass.row.pass)
    } else {
        Ok(counts.written)
    }
}

/// What makes the batches of a pass.
fn producer<'s>(
    run: &Run<'_>,
    pass: &Pass,
    (stage, context): (&'s Stage, Context<'s>),
    (source, target): (Table, Table),
    selection: Selection,
    options: &ApplyOptions,
) -> Result<Transforming<'s>> {
    let begins = pass.state == PassState::New;
    let shares_numbers = rows::shares_numbers(run.connection(), Fed::of(context.project, stage))?;
    let (alone, shape) = preparation(
        run.connection(),
        (stage, shares_numbers),
        begins,
        &selection,
        &target,
    )?;
    let of_store = run.store().options();
    let comes_last = comes_last(run.connection(), stage, context.project, &selection)?;
    let is_repeated = pass.row.after_batch.is_some() || pass.row.kind != PassKind::Apply;
    Ok(Transforming {
        stage,
        context,
        source,
        kept: kept_places(run.connection(), stage, &target, alone)?,
        found: Found::of(is_repeated, !target.is_empty(run.connection())?),
        target,
        alone,
        numbers: Numbers::shared(shares_numbers),
        selection,
        batch_size: options.batch_size.unwrap_or(of_store.batch_size).max(1),
        shape,
        newest: largest(run.connection(), LedgerTable::Record)?,
        claims: Claims::default(),
        cross: Cross::of(stage, context),
        planned: RecordSet::new(),
        set_aside: set_aside(run.connection(), stage, (!begins).then_some(pass.row.pass))?,
        planned_rows: PlannedRows::default(),
        comes_last,
        bytes: 0,
    })
}

/// Whether the pass has the target to itself, and what its first batch does to the target's table. A target that is
/// empty and takes over ids that are already unique gets its index after the rows: random ids would make a kept index
/// twice as dear. While the index is missing only the pass that left it out may write there.
pub(crate) fn preparation(
    connection: &Connection,
    (stage, shares_numbers): (&Stage, bool),
    begins: bool,
    selection: &Selection,
    target: &Table,
) -> Result<(bool, Vec<Shape>)> {
    let fills = matches!(selection, Selection::Table { .. })
        && !stage.in_place()
        && stage.takes_over_ids()
        && !shares_numbers
        && places::kept(connection, target)?.is_empty();
    if stage.in_place() && !target.exists(connection)? {
        // Nothing was loaded there yet, and a stage does not make its own source.
        return Ok((false, vec![]));
    }
    if !target.exists(connection)? {
        let index = if fills { None } else { Some(Shape::CreateIndex) };
        return Ok((
            fills,
            [Some(Shape::CreateTable), index].into_iter().flatten().collect(),
        ));
    }
    let indexed = target.has_index(connection)?;
    if target.is_empty(connection)? && (begins || !indexed) {
        return Ok(match (fills, indexed) {
            (true, true) => (true, vec![Shape::DropIndex]),
            (true, false) => (true, vec![]),
            (false, true) => (false, vec![]),
            (false, false) => (false, vec![Shape::CreateIndex]),
        });
    }
    match (indexed, begins) {
        (true, _) => Ok((false, vec![])),
        (false, false) => Ok((fills, vec![])),
        // Another pass was interrupted while it filled the target. It may have to wait for this one, so that the index
        // is built now; that pass will find it and look up its ids from then on.
        (false, true) => Ok((false, vec![Shape::CreateIndex])),
    }
}

/// A target whose index another pass still owes.
pub(crate) fn unfinished(target: &str) -> Error {
    let message = format!("`{target}` is being filled by a pass that has not ended");
    Error::invalid(
        message,
        "run `counterfoil apply` (or `rollback`) again until it is done",
    )
}

/// Whether no row in the target can belong to a record that the pass comes to later, nor to a later stage: then nothing
/// needs a look before a row is replaced.
pub(crate) fn comes_last(
    connection: &Connection,
    stage: &Stage,
    project: &str,
    selection: &Selection,
) -> Result<bool> {
    let reads_all = matches!(selection, Selection::Table { .. }) && !stage.in_place();
    Ok(reads_all && !feed::is_written_by_later(connection, Fed::of(project, stage))?)
}

/// The places in a copying stage's target that are kept for records which a stage in place has refused.
pub(crate) fn kept_places(
    connection: &Connection,
    stage: &Stage,
    target: &Table,
    alone: bool,
) -> Result<KeptPlaces> {
    if alone || stage.in_place() {
        return Ok(KeptPlaces::default());
    }
    places::kept(connection, target)
}

/// The rows that an interrupted pass in place has set aside; none of one that only begins.
pub(crate) fn set_aside(
    connection: &Connection,
    stage: &Stage,
    interrupted: Option<i64>,
) -> Result<BTreeMap<i64, Salted>> {
    let Some(pass) = interrupted.filter(|_| stage.in_place()) else {
        return Ok(BTreeMap::new());
    };
    let mut aside = BTreeMap::new();
    for (number, salt, body) in places::set_aside(connection, pass)? {
        let record = whole_record(number, &body)?;
        let salt = Some(salt);
        aside.insert(number, Salted { record, salt });
    }
    Ok(aside)
}

/// Whether the source has changed behind the reader of a pass that reads the whole table: what the pass has written for
/// those records is no longer right, and may stand in the way of what is still to come. While the pass is held by what
/// it has refused, that comes first.
pub(crate) fn is_overtaken(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    options: &ApplyOptions,
    open: &PassSummary,
) -> Result<bool> {
    let Some(reached) = open.last_record.filter(|_| open.row.after_batch.is_none()) else {
        return Ok(false);
    };
    if open.state != PassState::Open || cfg!(counterfoil_fault = "overtaken") {
        return Ok(false);
    }
    let waiting = waiting(
        connection,
        Fed::of(project, stage),
        open.first_batch - 1,
        i64::MAX,
    )?;
    if waiting.first().is_none_or(|first| *first > reached) {
        return Ok(false);
    }
    let of = Some((open.row.pass, open.first_batch - 1));
    let settled = settled_since(connection, Fed::of(project, stage), of, &open.counts)?;
    let table = Table::of(stage.source())?;
    let in_source = if table.exists(connection)? {
        table.count(connection)?
    } else {
        0
    };
    let began_with = in_source + if stage.in_place() { open.counts.refused } else { 0 };
    let standing = open.counts.refused.saturating_sub(settled);
    let allowed = allowed_refusals(stage, options, began_with);
    let halting = halting(
        connection,
        Fed::of(project, stage),
        (open.row.pass, open.first_batch - 1),
    )?;
    Ok(standing <= allowed && halting == 0)
}

pub(crate) fn allowed_refusals(stage: &Stage, options: &ApplyOptions, in_source: u64) -> u64 {
    if options.on_error.unwrap_or(stage.on_error()) == OnError::Stop {
        return 0;
    }
    options.max_errors.unwrap_or(stage.max_errors()).of(in_source)
}

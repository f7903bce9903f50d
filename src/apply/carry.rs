//! One pass of a stage, from where it stands to its end.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{ApplyOptions, Claims, Cross, PassReport, Selection, Transforming};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::feed;
use crate::ledger::read::{LedgerTable, largest, warnings};
use crate::ledger::{Counts, PassKind, PassState, Shape};
use crate::observe::{Event, Observer};
use crate::pipeline::{Bounds, Stopped, drive};
use crate::run::{Pass, Run};
use crate::stage::{OnError, Stage};
use crate::store::Table;

/// One pass that is to be worked on.
pub(crate) struct Work {
    pub(crate) pass: Pass,
    pub(crate) selection: Selection,
    /// The outcomes of earlier runs.
    pub(crate) counts: Counts,
    pub(crate) resumed: bool,
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
    let settled = settled_since(run.connection(), project, stage, &counts, run.next_batch())?;
    let bounds = bounds.allowing(allowed_refusals(stage, options, began_with).saturating_add(settled));
    let halting = feed::halting(run.connection(), pass.row.pass)?;
    let halted = (halting > 0).then_some(Stopped::Contract { refused: halting });
    let mut stopped = halted.or_else(|| bounds.reached(&counts));
    if stopped.is_none() {
        let surroundings = run.store().surroundings().clone();
        let context = Context {
            project,
            stage: stage.number(),
            id: "",
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
        resumed,
        counts,
        warnings: warnings(run.connection(), pass.row.pass)?,
        ended: pass.state == PassState::Ended,
    };
    Ok((report, stopped))
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
    let (alone, shape) = preparation(run.connection(), stage, begins, &selection, &target)?;
    let of_store = run.store().options();
    Ok(Transforming {
        stage,
        context,
        source,
        target,
        alone,
        repeated: pass.row.after_batch.is_some() || pass.row.kind != PassKind::Apply,
        selection,
        batch_size: options.batch_size.unwrap_or(of_store.batch_size).max(1),
        shape,
        newest: largest(run.connection(), LedgerTable::Record)?,
        claims: Claims::default(),
        cross: Cross::of(stage, context),
        planned: BTreeSet::new(),
        bytes: 0,
    })
}

/// Whether the pass has the target to itself, and what its first batch does to the target's table. A target that is
/// empty and takes over ids that are already unique gets its index after the rows: random ids would make a kept index
/// twice as dear. While the index is missing only the pass that left it out may write there.
pub(crate) fn preparation(
    connection: &Connection,
    stage: &Stage,
    begins: bool,
    selection: &Selection,
    target: &Table,
) -> Result<(bool, Vec<Shape>)> {
    let fills = matches!(selection, Selection::Table { .. }) && !stage.in_place() && stage.takes_over_ids();
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

/// How many refusals of a pass are settled by now, retried or waived, so that they no longer count against its limit.
pub(crate) fn settled_since(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    counts: &Counts,
    before: i64,
) -> Result<u64> {
    if counts.refused == 0 {
        return Ok(0);
    }
    let standing = feed::refused(connection, project, stage.number(), before)?;
    Ok(counts.refused.saturating_sub(standing.len() as u64))
}

pub(crate) fn allowed_refusals(stage: &Stage, options: &ApplyOptions, in_source: u64) -> u64 {
    if options.on_error.unwrap_or(stage.on_error()) == OnError::Stop {
        return 0;
    }
    options.max_errors.unwrap_or(stage.max_errors()).of(in_source)
}

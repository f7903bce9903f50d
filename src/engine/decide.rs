//! What a stage has to do next. `apply`, `plan` and a retry ask here, each with what it knows of how things stand: the
//! answer follows from that alone, so that a second run after a kill decides the same.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::limits::PassLimits;
use crate::error::Result;
use crate::ledger::read::PassSummary;
use crate::ledger::selection::{
    RecordSelection, halting, of_first_pass, of_later_pass, of_open_pass, settled_since, waiting,
};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{PassState, StageEvent, StageHistory, StageRow, next_stage};
use crate::record::{BatchId, PassId, RecordNumber};
use crate::stage::Stage;
use crate::store::Table;

/// What a stage has to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// To end a pass where it stands, because it is one of an earlier revision, or its source has changed behind its reader.
    /// What it has not read is left to the next one.
    Supersede(Box<PassSummary>),
    /// To carry records.
    Pass(Work),
}

/// A pass that a stage has to make, or to go on with.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) due: Due,
    /// What it still has to read.
    pub(crate) selection: RecordSelection,
}

/// Which pass it is.
#[derive(Debug)]
pub(crate) enum Due {
    /// One that was interrupted.
    Open(Box<PassSummary>),
    /// The first one, which reads the whole source.
    First,
    /// One that reads what was written to the source after a batch; where the stage was `revised`, also what the revision
    /// before has refused.
    Later { after: BatchId, revised: bool },
    /// One that tries again what was refused.
    Retry,
}

/// What a later pass of a stage reads.
#[derive(Debug)]
pub(crate) struct Increment {
    /// The batch after which it has looked.
    pub(crate) after: BatchId,
    pub(crate) selection: RecordSelection,
}

/// How things stand, as far as a stage is concerned.
pub(crate) trait Facts {
    /// Whether a pass of it has been made of which the history does not tell.
    fn is_begun(&self) -> bool;

    /// Whether the source has changed behind the reader of an open pass.
    fn is_overtaken(&self, open: &PassSummary) -> Result<bool>;

    /// What an open pass has still to read.
    fn rest(&self, open: &PassSummary) -> Result<RecordSelection>;

    /// What a first pass reads.
    fn source(&self) -> Result<RecordSelection>;

    /// What a later pass reads; where the stage was `revised`, with what the revision before has refused.
    fn increment(&self, history: &StageHistory, revised: bool) -> Result<Increment>;
}

/// What a stage has to do next; `None` when it is up to date.
pub(crate) fn next(stage: &Stage, history: &StageHistory, facts: &dyn Facts) -> Result<Option<Next>> {
    next_stage(stage.number(), history.state, StageEvent::Apply)?;
    let is_begun = facts.is_begun();
    let is_other = |row: &StageRow| !stage.does_as(&row.meaning);
    let revised = !is_begun && history.revision().is_some_and(is_other);
    if let Some(open) = history.open_apply() {
        if revised || facts.is_overtaken(open)? {
            return Ok(Some(Next::Supersede(Box::new(open.clone()))));
        }
        return Ok(Some(Next::Pass(Work {
            selection: facts.rest(open)?,
            due: Due::Open(Box::new(open.clone())),
        })));
    }
    if history.begins_anew() && !is_begun {
        return Ok(Some(Next::Pass(Work {
            due: Due::First,
            selection: facts.source()?,
        })));
    }
    let Increment { after, selection } = facts.increment(history, revised)?;
    if selection.remaining() == Some(0) && !revised {
        return Ok(None);
    }
    let due = Due::Later { after, revised };
    Ok(Some(Next::Pass(Work { due, selection })))
}

/// How things stand by the ledger and the databases, for a run that is about to write.
pub(crate) struct LedgerFacts<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) project: &'a str,
    pub(crate) stage: &'a Stage,
    pub(crate) limits: &'a PassLimits,
    /// The number that the next batch will have.
    pub(crate) next_batch: BatchId,
}

impl LedgerFacts<'_> {
    fn fed(&self) -> StageInput<'_> {
        StageInput::new(self.project, self.stage)
    }
}

impl Facts for LedgerFacts<'_> {
    fn is_begun(&self) -> bool {
        false
    }

    fn is_overtaken(&self, open: &PassSummary) -> Result<bool> {
        is_overtaken(self.connection, self.project, self.stage, self.limits, open)
    }

    fn rest(&self, open: &PassSummary) -> Result<RecordSelection> {
        of_open_pass(self.connection, self.fed(), open)
    }

    fn source(&self) -> Result<RecordSelection> {
        of_first_pass(self.connection, self.fed(), None)
    }

    fn increment(&self, history: &StageHistory, revised: bool) -> Result<Increment> {
        let after = history.frontier(self.connection)?;
        let selection = of_later_pass(self.connection, self.fed(), revised, after, self.next_batch)?;
        Ok(Increment { after, selection })
    }
}

/// Whether the source has changed behind the reader of a pass that reads the whole table: what the pass has written for
/// those records is no longer right, and may stand in the way of what is still to come. While the pass is held by what
/// it has refused, that comes first.
pub(crate) fn is_overtaken(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    limits: &PassLimits,
    open: &PassSummary,
) -> Result<bool> {
    let Some(reached) = open.last_record.filter(|_| open.row.after_batch.is_none()) else {
        return Ok(false);
    };
    if open.state != PassState::Open || cfg!(counterfoil_fault = "overtaken") {
        return Ok(false);
    }
    let fed = StageInput::new(project, stage);
    let before = open.first_batch.previous();
    let waiting = waiting(connection, fed, before, BatchId::MAX)?;
    if waiting.first().is_none_or(|first| *first > reached) {
        return Ok(false);
    }
    let settled = settled_since(connection, fed, Some((open.row.pass, before)), &open.counts)?;
    let source = Table::from_name(stage.source())?;
    let in_source = if source.exists(connection)? {
        source.count(connection)?
    } else {
        0
    };
    let standing = open.counts.refused.saturating_sub(settled);
    let allowed = limits.refusals(stage, in_source, &open.counts);
    Ok(standing <= allowed && halting(connection, fed, (open.row.pass, before))? == 0)
}

/// A record that is to be tried again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryItem {
    pub(crate) record: RecordNumber,
    /// The batch that has refused it.
    pub(crate) batch: BatchId,
}

/// The retries that a stage has to make: first what is left of one that was interrupted, then what that one had not come
/// to. `batches` tells those of a pass.
pub(crate) fn retries(
    stage: &Stage,
    history: &StageHistory,
    refused: &[RetryItem],
    batches: impl FnOnce(PassId) -> Result<BTreeSet<BatchId>>,
) -> Result<Vec<Work>> {
    let open = history.open_retries().next_back().filter(|pass| {
        let row = pass.row.stage.as_ref();
        row.is_some_and(|row| stage.does_as(&row.meaning))
    });
    if refused.is_empty() && open.is_none() {
        return Ok(Vec::new());
    }
    next_stage(stage.number(), history.state, StageEvent::Apply)?;
    let work = |due, fits: &dyn Fn(&RetryItem) -> bool| {
        let fitting = refused.iter().filter(|refused| fits(refused));
        let selection = RecordSelection::list(fitting.map(|refused| refused.record).collect());
        Work { due, selection }
    };
    let Some(open) = open else {
        return Ok(vec![work(Due::Retry, &|_| true)]);
    };
    let reached = open.last_record.unwrap_or_default();
    let own = batches(open.row.pass)?;
    let rest = work(Due::Open(Box::new(open.clone())), &|refused| {
        refused.record > reached
    });
    let untried = work(Due::Retry, &|refused| {
        refused.record <= reached && !own.contains(&refused.batch)
    });
    let mut works = vec![rest];
    if untried.selection.remaining() != Some(0) {
        works.push(untried);
    }
    Ok(works)
}

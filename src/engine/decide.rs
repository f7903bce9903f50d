//! The decision of what a stage has to do next. `apply`, `plan` and a retry ask here, each with its facts: the answer
//! follows from these alone, so a second run after a kill decides the same.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::limits::PassLimits;
use crate::error::Result;
use crate::ledger::read::PassSummary;
use crate::ledger::selection::{
    RecordSelection, Touched, halting, of_first_pass, of_later_pass, of_open_pass, settled_since, touched,
    waiting,
};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{PassState, StageEvent, StageHistory, StageRow, next_stage};
use crate::record::{BatchId, PassId, RecordNumber};
use crate::stage::Stage;
use crate::store::Table;

/// The next work of a stage.
#[derive(Debug)]
pub(crate) enum Next {
    /// End a pass where it is, because it belongs to an earlier revision or its source has changed after its reader had
    /// passed. What it has not read is left to the next pass.
    Supersede(Box<PassSummary>),
    /// Process records.
    Pass(Work),
}

/// A pass that a stage has to begin or continue.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) due: Due,
    /// Records that it still has to read.
    pub(crate) selection: RecordSelection,
}

/// The kind of a pass that is due.
#[derive(Debug)]
pub(crate) enum Due {
    /// An interrupted pass.
    Open(Box<PassSummary>),
    /// The first pass, which reads the whole source.
    First,
    /// A pass of a merge that reads the whole source again, to learn its model anew.
    Relearned,
    /// A pass that reads what was written to the source after a batch and, if the stage was `revised`, what the
    /// previous revision refused.
    Later { after: BatchId, revised: bool },
    /// A pass that processes refused records again.
    Retry,
    /// A pass of a merge that takes members apart, though a person has changed their golden record, if it `overwrites` that.
    Unmerged { overwrites: bool },
}

/// The input of a later pass of a stage.
#[derive(Debug)]
pub(crate) struct Increment {
    /// The batch after which it reads.
    pub(crate) after: BatchId,
    pub(crate) selection: RecordSelection,
}

/// The facts that decide what a stage has to do.
pub(crate) trait Facts {
    /// Returns whether a pass of the stage was made that the history does not contain.
    fn is_begun(&self) -> bool;

    /// Returns whether the stage, a merge, has to learn its model anew.
    fn relearns(&self) -> bool;

    /// Returns whether the source has changed after the reader of an open pass had passed.
    fn is_overtaken(&self, open: &PassSummary) -> Result<bool>;

    /// Returns what an open pass has still to read.
    fn rest(&self, open: &PassSummary) -> Result<RecordSelection>;

    /// Returns what a first pass reads.
    fn source(&self) -> Result<RecordSelection>;

    /// Returns what a later pass reads; if the stage was `revised`, including what the previous revision refused.
    fn increment(&self, history: &StageHistory, revised: bool) -> Result<Increment>;
}

/// Returns what a stage has to do next; `None` if it is up to date.
pub(crate) fn next(stage: &Stage, history: &StageHistory, facts: &dyn Facts) -> Result<Option<Next>> {
    next_stage(stage.number(), history.state, StageEvent::Apply)?;
    let is_begun = facts.is_begun();
    let is_other = |row: &StageRow| !stage.does_as(&row.meaning);
    let revised = !is_begun && history.revision().is_some_and(is_other);
    if let Some(open) = history.open_apply() {
        // A pass that was interrupted goes by the model that it began with.
        if revised || facts.relearns() || facts.is_overtaken(open)? {
            return Ok(Some(Next::Supersede(Box::new(open.clone()))));
        }
        return Ok(Some(Next::Pass(Work {
            selection: facts.rest(open)?,
            due: Due::Open(Box::new(open.clone())),
        })));
    }
    let is_first = history.begins_anew() && !is_begun;
    if is_first || facts.relearns() {
        return Ok(Some(Next::Pass(Work {
            due: if is_first { Due::First } else { Due::Relearned },
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

/// The facts from the ledger and the databases, for a run that is about to write.
pub(crate) struct LedgerFacts<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) project: &'a str,
    pub(crate) stage: &'a Stage,
    pub(crate) limits: &'a PassLimits,
    /// Number of the next batch.
    pub(crate) next_batch: BatchId,
    /// Whether the stage, a merge, has to learn its model anew.
    pub(crate) relearns: bool,
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

    fn relearns(&self) -> bool {
        self.relearns
    }

    fn is_overtaken(&self, open: &PassSummary) -> Result<bool> {
        is_overtaken(
            self.connection,
            (self.project, self.stage),
            self.limits,
            open,
            None,
        )
    }

    fn rest(&self, open: &PassSummary) -> Result<RecordSelection> {
        of_open_pass(self.connection, self.fed(), open)
    }

    fn source(&self) -> Result<RecordSelection> {
        of_first_pass(self.connection, self.fed(), None)
    }

    fn increment(&self, history: &StageHistory, revised: bool) -> Result<Increment> {
        let after = history.frontier(self.connection)?;
        if self.stage.aggregate().is_some() {
            let touched = touched(self.connection, self.fed(), revised, after, self.next_batch)?;
            let is_left = history.newest().is_some_and(|newest| newest.superseded);
            let whole = touched.whole || is_left;
            let selection = RecordSelection::Touched(Touched { whole, ..touched });
            return Ok(Increment { after, selection });
        }
        let selection = of_later_pass(self.connection, self.fed(), revised, after, self.next_batch)?;
        Ok(Increment { after, selection })
    }
}

/// Returns whether the source has changed after the reader of a whole-table pass had passed: what the pass wrote for
/// those records is then outdated, and may block what is still to come. As long as refusals halt the pass, those come
/// first. `planned`: the first record that earlier stages would change.
pub(crate) fn is_overtaken(
    connection: &Connection,
    (project, stage): (&str, &Stage),
    limits: &PassLimits,
    open: &PassSummary,
    planned: Option<RecordNumber>,
) -> Result<bool> {
    // Whatever changes, a merge has judged by it, and an aggregate has measured it.
    let merges = stage.merge().is_some() || stage.aggregate().is_some();
    let reached = match open.last_record.filter(|_| open.row.after_batch.is_none()) {
        _ if merges => RecordNumber::MAX,
        Some(reached) => reached,
        None => return Ok(false),
    };
    if open.state != PassState::Open || cfg!(counterfoil_fault = "overtaken") {
        return Ok(false);
    }
    let fed = StageInput::new(project, stage);
    let before = open.first_batch.previous();
    let waiting = waiting(connection, fed, before, BatchId::MAX)?;
    let first = waiting.first().copied().into_iter().chain(planned).min();
    if first.is_none_or(|first| first > reached) {
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

/// A record to retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryItem {
    pub(crate) record: RecordNumber,
    /// The batch that refused it.
    pub(crate) batch: BatchId,
}

/// Returns the retries that a stage has to make: first the rest of an interrupted one, then what that one had not
/// reached. `batches` returns the batches of a pass.
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

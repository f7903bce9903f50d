//! What the parts of a pass of an aggregate have in common.

use super::resumed::Resumed;
use crate::context::Context;
use crate::engine::bounds::Bounds;
use crate::ledger::PassKind;
use crate::ledger::selection::{RecordSelection, Touched};
use crate::record::{BatchId, PassId, RecordSet};
use crate::stage::{Aggregate, Stage};
use crate::store::Table;

/// What a pass works with.
pub(super) struct Course<'a> {
    pub(super) stage: &'a Stage,
    pub(super) aggregate: &'a Aggregate,
    /// The facts of the pass, without a record.
    pub(super) context: Context<'a>,
    pub(super) source: Table,
    pub(super) target: Table,
    pub(super) selection: RecordSelection,
    pub(super) pass: PassId,
    /// The batch after which the records were written that an increment reads.
    pub(super) after: BatchId,
    pub(super) resumed: Resumed,
    /// What stops the pass.
    pub(super) bounds: Bounds,
}

impl<'a> Course<'a> {
    /// Returns the project, and the number of the stage.
    pub(super) fn of(&self) -> (&'a str, u32) {
        (self.context.project, self.stage.number())
    }

    /// Returns whether it is the first pass, which reads all of its source.
    pub(super) fn is_first(&self) -> bool {
        matches!(self.selection, RecordSelection::Table { .. })
    }

    /// Returns what was written since.
    pub(super) fn touched(&self) -> Touched {
        match &self.selection {
            RecordSelection::Touched(touched) => touched.clone(),
            list => {
                let records: RecordSet = list.listed().iter().copied().collect();
                Touched {
                    changed: records.clone(),
                    freed: records.clone(),
                    records,
                    ..Touched::default()
                }
            }
        }
    }

    /// Returns whether another revision of the stage makes the windows, so that it says anew what stands refused.
    pub(super) fn is_revised(&self) -> bool {
        matches!(&self.selection, RecordSelection::Touched(touched) if touched.revised)
    }

    /// Returns how many bytes the windows may occupy while they are gathered, and again when they are made: the rest is for the
    /// rows that are read meanwhile, and for parts of the temporary file.
    pub(super) fn memory(&self) -> usize {
        usize::try_from(self.aggregate.memory() / 4).unwrap_or(usize::MAX)
    }
}

/// Returns the batch after which the records were written that a pass reads. A retry reads them as they are, whatever they
/// were.
pub(super) fn after(kind: PassKind, after: Option<BatchId>) -> BatchId {
    match kind {
        PassKind::Apply => after.unwrap_or(BatchId::BEFORE_FIRST),
        _ => BatchId::MAX,
    }
}

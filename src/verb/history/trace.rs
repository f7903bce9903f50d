//! The history of a record: what happened to it, to its ancestors, and to its descendants.

use super::life::Life;

use crate::error::Result;
use crate::ledger::golden::with_won_cut;
use crate::ledger::life::{TraceStep, step_at};
use crate::ledger::lookups::with_lookup_of;
use crate::record::RecordNumber;
use crate::refusal::{Refusal, cut_pointer};
use crate::store::Store;

impl Store {
    /// Returns the history of a record across stages, oldest first: what happened to it, to the records that it came
    /// from, and to those that came from it. Other descendants of its ancestors are left out: [`Store::trace_family`]
    /// has it. [`Store::each_trace_step`] does not collect the steps.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
    /// from there or went there.
    pub fn trace(&self, database: &str, id: &str) -> Result<Vec<TraceStep>> {
        collected(self, database, id, false)
    }

    /// As [`Store::trace`], with all descendants of the record's ancestors: its siblings and their histories.
    ///
    /// # Errors
    /// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
    /// from there or went there.
    pub fn trace_family(&self, database: &str, id: &str) -> Result<Vec<TraceStep>> {
        collected(self, database, id, true)
    }

    /// Passes each step of [`Store::trace`] (with the family: of [`Store::trace_family`]) for the records that
    /// [`Store::find`] found to `take`, until it returns `false`.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn each_trace_step(
        &self,
        records: Vec<RecordNumber>,
        family: bool,
        take: impl FnMut(TraceStep) -> bool,
    ) -> Result<()> {
        let life = if family {
            Life::of_family(self.connection(), records)?
        } else {
            Life::new(self.connection(), records)?
        };
        describe(life, self, take)
    }
}

fn collected(store: &Store, database: &str, id: &str, family: bool) -> Result<Vec<TraceStep>> {
    let mut steps = Vec::new();
    store.each_trace_step(store.find(database, id)?.records, family, |step| {
        steps.push(step);
        true
    })?;
    Ok(steps)
}

/// Describes the steps of a history, oldest first, with redacted values cut from the reasons. Every format gets its
/// steps from this function.
fn describe(life: Life, store: &Store, mut tell: impl FnMut(TraceStep) -> bool) -> Result<()> {
    // A stage that redacts a path may have come after the one that refused.
    let redact = store.redacted_paths()?;
    let cut = |reason: String| match serde_json::from_str::<Refusal>(&reason) {
        Ok(refusal) if !redact.is_empty() => with_lookup_of(&reason, refusal.cut_at(&redact).to_json()),
        _ if redact.is_empty() => reason,
        _ => with_won_cut(reason, |pointer| cut_pointer(pointer, &redact)),
    };
    for key in life.into_places() {
        let mut step = step_at(store.connection(), key)?;
        step.reason = step.reason.take().map(cut);
        if let Some(merge) = &mut step.merge {
            merge.cut(|pointer| cut_pointer(pointer, &redact));
        }
        if !tell(step) {
            break;
        }
    }
    Ok(())
}

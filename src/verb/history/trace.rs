//! The life of a record: what happened to it, to those that it came from, and to those that came of it.

use super::found::Found;
use super::life::Life;
use super::redacted::redacted;
use crate::error::Result;
use crate::ledger::life::{TraceStep, step_at};
use crate::refusal::Refusal;
use crate::store::Store;

/// The life of a record across stages, oldest first: what happened to it, to those that it came from, and to those that
/// came of it. Of what it came from, what else came of that is left out: [`trace_family`] has it. [`TraceStep::each`] keeps
/// none of it.
///
/// # Errors
/// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
/// from there or went there.
pub fn trace(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    collected(store, database, id, false)
}

/// As [`trace`], with all that came of what the record came from: its siblings and their lives.
///
/// # Errors
/// [`Error::NoSuchRecord`](crate::Error::NoSuchRecord) when no record ever had this id there, or had it elsewhere and came
/// from there or went there.
pub fn trace_family(store: &Store, database: &str, id: &str) -> Result<Vec<TraceStep>> {
    collected(store, database, id, true)
}

fn collected(store: &Store, database: &str, id: &str, family: bool) -> Result<Vec<TraceStep>> {
    let mut steps = Vec::new();
    TraceStep::each(store, database, id, family, |step| {
        steps.push(step);
        true
    })?;
    Ok(steps)
}

impl TraceStep {
    /// Tells the steps that [`trace`], or with its family [`trace_family`], gives, one by one, until `tell` wants no more.
    ///
    /// # Errors
    /// As of [`trace`]; nothing is told then.
    pub fn each(
        store: &Store,
        database: &str,
        id: &str,
        family: bool,
        tell: impl FnMut(Self) -> bool,
    ) -> Result<()> {
        let numbers = Found::new(store, database, id)?.records;
        Self::each_of(store, numbers, family, tell)
    }

    /// As [`each`](Self::each), of the records that were [found](Found).
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn each_of(
        store: &Store,
        numbers: Vec<i64>,
        family: bool,
        tell: impl FnMut(Self) -> bool,
    ) -> Result<()> {
        let life = if family {
            Life::of_family(store.connection(), numbers)?
        } else {
            Life::new(store.connection(), numbers)?
        };
        describe(life, store, tell)
    }
}

/// Tells the steps of a life, oldest first, their reasons cut at what is redacted: the one door by which a step is told,
/// whatever the format.
fn describe(life: Life, store: &Store, mut tell: impl FnMut(TraceStep) -> bool) -> Result<()> {
    // A stage that redacts a path may have come after the one that refused.
    let redact = redacted(store)?;
    let cut = |reason: String| match serde_json::from_str::<Refusal>(&reason) {
        Ok(refusal) if !redact.is_empty() => refusal.cut_at(&redact).to_json(),
        _ => reason,
    };
    for key in life.into_places() {
        let mut step = step_at(store.connection(), key)?;
        step.reason = step.reason.take().map(cut);
        if !tell(step) {
            break;
        }
    }
    Ok(())
}

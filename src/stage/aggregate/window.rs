//! How a window is written, and read again.

use super::compiled::Aggregate;
use crate::aggregate::{Measured, Partial, Shown, TooMany};
use crate::expression::Scope;
use crate::refusal::Refusal;
use crate::stage::{Output, Stage};

/// A window's row, read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowRow {
    /// As in a reading.
    pub(crate) group: String,
    /// As measured: what was filled is null.
    pub(crate) measured: Measured,
}

/// A window that breaks the contract, or of which something cannot be measured.
#[derive(Clone, Debug)]
pub(crate) struct RefusedWindow {
    pub(crate) output: Output,
    pub(crate) refusal: Refusal,
}

impl Aggregate {
    /// Measures a window: the results of all takes, in the order of its fields. What was too many is null, and why a
    /// window is refused: `aggregate.too_many`.
    pub(crate) fn measured(&self, _start: i64, _rows: u64, _partials: &[Partial]) -> (Measured, Option<TooMany>) {
        todo!()
    }

    /// Returns the id of a window: the values of its group and its beginning, joined by `/`.
    pub(crate) fn window_id(&self, _group: &str, _start: i64) -> String {
        todo!()
    }

    /// Returns what the ids of a group's windows begin with.
    pub(crate) fn group_prefix(&self, _group: &str) -> String {
        todo!()
    }

    /// Reads the row of a window; `None` if it is none.
    pub(crate) fn window_in(&self, _data: &str) -> Option<WindowRow> {
        todo!()
    }
}

impl Stage {
    /// Writes a window, with its fields and under its contract.
    ///
    /// # Errors
    /// What would be written, and why it is refused.
    pub(crate) fn window_of(
        &self,
        _aggregate: &Aggregate,
        _group: &str,
        _shown: &Shown,
        _scope: &mut Scope<'_>,
    ) -> Result<Output, Box<RefusedWindow>> {
        todo!()
    }
}

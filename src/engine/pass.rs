//! A pass in progress.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::read::PassSummary;
use crate::ledger::{PassKind, PassRow, PassState};
use crate::store::Table;

/// A pass in progress.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) row: PassRow,
    pub(crate) state: PassState,
}

impl Pass {
    /// Makes a pass that has no batch yet.
    pub(crate) fn new(row: PassRow) -> Self {
        Self {
            row,
            state: PassState::New,
        }
    }

    /// Resumes a pass that other runs began.
    pub(crate) fn resumed(summary: &PassSummary) -> Self {
        Self {
            row: summary.row.clone(),
            state: summary.state,
        }
    }

    /// Returns whether no run has begun it.
    pub(crate) fn begins(&self) -> bool {
        self.state == PassState::New
    }

    /// Returns whether the pass fills a target whose index is left for the end.
    pub(crate) fn owes_index(&self, connection: &Connection) -> Result<bool> {
        let Some(target) = &self.row.target else {
            return Ok(false);
        };
        let table = Table::from_name(target)?;
        let fills = matches!(
            self.row.kind,
            PassKind::Apply | PassKind::Retry | PassKind::Load | PassKind::Edit
        );
        Ok(fills && table.exists(connection)? && !table.has_index(connection)?)
    }
}

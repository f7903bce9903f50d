//! The records that a pass has still to process. A row whose record comes later in the same pass and then moves
//! elsewhere need not block another record. So two records can exchange their ids, and a chain of them can move up by
//! one.

use rusqlite::Connection;

use super::item::TargetRow;
use super::items::Items;
use super::lookups::Answers;
use super::transformed::{Transformed, transform_reading};
use crate::context::Context;
use crate::error::Result;
use crate::ledger::members::source_of_row;
use crate::ledger::rows;
use crate::ledger::selection::RecordSelection;
use crate::ledger::stage_input::StageInput;
use crate::record::RecordNumber;
use crate::stage::{Outcome, Stage};
use crate::store::Table;

/// The records that come after the one that is being placed.
pub(super) struct Ahead<'a> {
    pub(super) stage: &'a Stage,
    pub(super) context: Context<'a>,
    /// What the stage looks up.
    pub(super) answers: Option<&'a Answers>,
    /// Records that later batches will read.
    pub(super) items: &'a Items<'a>,
    /// The numbers of the batch, ascending, and the outcomes of those that are not placed yet.
    pub(super) numbers: &'a [RecordNumber],
    pub(super) results: &'a [Option<Transformed>],
    /// Whether no row in the target can belong to a later record or a later stage.
    pub(super) comes_last: bool,
}

impl Ahead<'_> {
    /// Returns whether a row's record is still to come in this pass and will release an id.
    pub(super) fn moves_on(
        &self,
        connection: &Connection,
        target: &Table,
        row: &TargetRow,
        id: &str,
    ) -> Result<bool> {
        let record = self.record_of(connection, row.target)?;
        let Some(at) = self.place(connection, record)? else {
            return Ok(false);
        };
        if !self.stage.in_place() {
            // A stage must not move a row that was changed by hand.
            let fed = StageInput::new(self.context.project, self.stage);
            let changes = rows::changes_of_row(connection, target.name(), row.target)?;
            let own = (self.context.project, self.stage.number(), record);
            if rows::owner(&changes) != Some(own) || rows::is_edited(&changes, fed) {
                return Ok(false);
            }
        }
        let later;
        let transformed = match at {
            Upcoming::Batch(at) => self.results[at].as_ref(),
            Upcoming::Later => {
                let item = self.items.listed(connection, record)?;
                later = transform_reading(connection, self.stage, self.context, self.answers, &item)?;
                Some(&later)
            }
        };
        Ok(transformed.is_some_and(|transformed| self.lets_go(transformed, id)))
    }

    fn lets_go(&self, transformed: &Transformed, id: &str) -> bool {
        match &transformed.result {
            Ok(Outcome::Write(output)) => output.id != id,
            Ok(Outcome::Derive(outputs)) => outputs.iter().all(|output| output.id != id),
            Ok(Outcome::Filter(_)) => !self.stage.in_place(),
            // A refused record keeps its place as far as this pass is concerned.
            Err(_) => false,
        }
    }

    /// Returns the source record of a row of the target, by the stage's rule.
    fn record_of(&self, connection: &Connection, row: RecordNumber) -> Result<RecordNumber> {
        if self.stage.in_place() {
            return Ok(row);
        }
        source_of_row(connection, row)
    }

    fn place(&self, connection: &Connection, record: RecordNumber) -> Result<Option<Upcoming>> {
        if let Ok(at) = self.numbers.binary_search(&record) {
            return Ok(self.results[at].is_some().then_some(Upcoming::Batch(at)));
        }
        let is_later = match &self.items.selection {
            list @ (RecordSelection::List { .. } | RecordSelection::Touched(_)) => list.has(record),
            // A table that is read from the start is the target itself only in place.
            RecordSelection::Table { after } => {
                self.stage.in_place()
                    && record > *after
                    && self.items.source.by_number(connection, record)?.is_some()
            }
        };
        Ok(is_later.then_some(Upcoming::Later))
    }
}

/// Where a record is still to come.
enum Upcoming {
    /// In this batch.
    Batch(usize),
    /// In a later batch.
    Later,
}

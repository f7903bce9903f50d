//! A source record on its way through a stage, and what the target holds for it.

use rusqlite::Connection;

use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::ledger::rows;
use crate::record::{Record, RecordNumber};
use crate::store::{Salted, Table};

/// A source record on its way through a stage.
#[derive(Debug)]
pub(crate) struct Item {
    /// Record number.
    pub(crate) number: RecordNumber,
    /// The record; `None` if the source no longer has it.
    pub(crate) source: Option<Salted>,
    /// Whether the source contains it; a refused record in place comes from quarantine.
    pub(crate) present: bool,
    /// What the target already holds for it.
    pub(crate) standing: Vec<TargetRow>,
    /// Whether another record's row has the number of a copied record in the target.
    pub(crate) number_taken: bool,
}

/// What the target holds for one part of a source record.
#[derive(Clone, Debug)]
pub(crate) struct TargetRow {
    pub(crate) part: i64,
    /// Number in the target.
    pub(crate) target: RecordNumber,
    /// Salt of that number.
    pub(crate) salt: Salt,
    /// The row; `None` if there is none at the moment.
    pub(crate) row: Option<Record>,
    /// Whether the row was changed by hand since the stage wrote it.
    pub(crate) edited: bool,
}

impl TargetRow {
    /// Returns a row that a stage writes under a number of its own; `None` if the target does not have it.
    pub(super) fn of_stage(
        connection: &Connection,
        target: &Table,
        stage: (&str, u32),
        number: RecordNumber,
    ) -> Result<Option<Self>> {
        let Some(found) = target.by_number(connection, number)? else {
            return Ok(None);
        };
        let salt = found.known_salt()?;
        let record = found.record;
        let changes = rows::changes_of_row(connection, target.name(), number)?;
        let hash = commitment(&salt, &record.id, &record.data);
        // A row without any change is only planned.
        let is_known = changes.first().is_none_or(|newest| newest.after == Some(hash));
        let edited = !is_known || rows::is_still_edited(&changes, stage, Some(hash));
        Ok(Some(Self {
            part: 0,
            target: number,
            salt,
            row: Some(record),
            edited,
        }))
    }

    pub(crate) fn hash(&self) -> Option<Hash> {
        self.row
            .as_ref()
            .map(|row| commitment(&self.salt, &row.id, &row.data))
    }

    /// Returns the row with its number and its salt.
    pub(crate) fn into_salted(self) -> Option<(RecordNumber, Salted)> {
        let record = self.row?;
        let salt = Some(self.salt);
        Some((record.number, Salted { record, salt }))
    }
}

impl Item {
    /// Makes an item of a record in the source.
    pub(crate) fn present(source: Salted) -> Self {
        Self {
            present: true,
            ..Self::absent(source.record.number, Some(source))
        }
    }

    /// Makes an item of a record that is not in the source, with what is known of it.
    pub(crate) fn absent(number: RecordNumber, source: Option<Salted>) -> Self {
        Self {
            number,
            source,
            present: false,
            standing: Vec::new(),
            number_taken: false,
        }
    }

    /// Marks the record as removed from its database in place by the pass, to make room for another record.
    pub(crate) fn is_set_aside(&mut self, source: Salted) {
        self.source = Some(source);
        self.present = false;
        for standing in &mut self.standing {
            standing.row = None;
        }
    }

    /// Marks the record as in place: what the target holds for it is the record itself.
    pub(super) fn stands_in_place(&mut self) {
        let Some(Salted {
            record,
            salt: Some(salt),
        }) = self.source.clone()
        else {
            return;
        };
        self.standing.push(TargetRow {
            part: 0,
            target: self.number,
            salt,
            row: self.present.then_some(record),
            edited: false,
        });
    }

    /// Returns the number of bytes of its data.
    pub(crate) fn len(&self) -> usize {
        self.source.as_ref().map_or(0, |source| source.record.data.len())
    }

    /// Returns the number of bytes of the rows that the target holds for it.
    pub(super) fn standing_bytes(&self) -> usize {
        let rows = self.standing.iter().filter_map(|standing| standing.row.as_ref());
        rows.map(|row| row.data.len()).sum()
    }

    /// Returns the record and its salt.
    pub(crate) fn salted(&self) -> Result<(&Record, &Salt)> {
        let found = self
            .source
            .as_ref()
            .and_then(|source| Some((&source.record, source.salt.as_ref()?)));
        found.ok_or_else(|| Error::Damaged {
            what: format!("record {} has a row but no salt", self.number),
        })
    }
}

/// A row of the target that has, or may have, a part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// 0, or the part of a derived record, from 1.
    pub(crate) part: i64,
    /// Number of the row.
    pub(crate) row: RecordNumber,
}

/// The owner of the numbers that a stage's records have in its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// These records alone.
    Own,
    /// Shared, because another stage copies from the same source, so its records have the same numbers.
    Shared,
}

impl Numbering {
    pub(crate) fn shared(is_shared: bool) -> Self {
        if is_shared { Self::Shared } else { Self::Own }
    }
}

/// What the target of a pass may hold for its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    /// Nothing: it is empty, and no pass of the stage has written there.
    Nothing,
    /// Rows, although no pass of the stage stands: rows of others, and those that a rollback had to leave.
    Rows,
    /// Rows that earlier passes of the stage wrote.
    Passes,
}

impl TargetState {
    pub(crate) fn new(is_repeated: bool, is_filled: bool) -> Self {
        match (is_repeated, is_filled) {
            (true, _) => Self::Passes,
            (false, true) => Self::Rows,
            (false, false) => Self::Nothing,
        }
    }
}

//! One source record on its way through a stage, and what the target holds for it.

use crate::digest::{Hash, Salt, commitment};
use crate::error::{Error, Result};
use crate::record::{Record, RecordNumber};
use crate::store::Salted;

/// One source record on its way through a stage.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its number.
    pub(crate) number: RecordNumber,
    /// The record; `None` when the source no longer has it.
    pub(crate) source: Option<Salted>,
    /// Whether it stands in the source; a refused record in place comes from quarantine.
    pub(crate) present: bool,
    /// What the target holds for it from earlier.
    pub(crate) standing: Vec<TargetRow>,
    /// Whether the number of a copied record is taken in the target by a row that is not its own.
    pub(crate) number_taken: bool,
}

/// What the target holds for one part of a source record.
#[derive(Clone, Debug)]
pub(crate) struct TargetRow {
    pub(crate) part: i64,
    /// The number in the target.
    pub(crate) target: RecordNumber,
    /// That number's salt.
    pub(crate) salt: Salt,
    /// The row; `None` when there is none at the moment.
    pub(crate) row: Option<Record>,
    /// Whether somebody has changed the row by hand since the stage wrote it.
    pub(crate) edited: bool,
}

impl TargetRow {
    pub(crate) fn hash(&self) -> Option<Hash> {
        self.row
            .as_ref()
            .map(|row| commitment(&self.salt, &row.id, &row.data))
    }

    /// The row with its number and its salt.
    pub(crate) fn into_salted(self) -> Option<(RecordNumber, Salted)> {
        let record = self.row?;
        let salt = Some(self.salt);
        Some((record.number, Salted { record, salt }))
    }
}

impl Item {
    /// A record that stands in the source.
    pub(crate) fn present(source: Salted) -> Self {
        Self {
            present: true,
            ..Self::absent(source.record.number, Some(source))
        }
    }

    /// A record that does not stand in the source, with what is known of it.
    pub(crate) fn absent(number: RecordNumber, source: Option<Salted>) -> Self {
        Self {
            number,
            source,
            present: false,
            standing: Vec::new(),
            number_taken: false,
        }
    }

    /// The pass has taken it out of its database in place, to make room for another record.
    pub(crate) fn is_set_aside(&mut self, source: Salted) {
        self.source = Some(source);
        self.present = false;
        for standing in &mut self.standing {
            standing.row = None;
        }
    }

    /// It stands where it is read: what the target holds for it is the record itself.
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

    /// The bytes of its data.
    pub(crate) fn len(&self) -> usize {
        self.source.as_ref().map_or(0, |source| source.record.data.len())
    }

    /// The bytes of the rows that the target holds for it.
    pub(super) fn standing_bytes(&self) -> usize {
        let rows = self.standing.iter().filter_map(|standing| standing.row.as_ref());
        rows.map(|row| row.data.len()).sum()
    }

    /// The record and its salt.
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

/// A row of the target in which a part of a record stands, or may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// 0, or the part of a derived record, from 1.
    pub(crate) part: i64,
    /// The row's number.
    pub(crate) row: RecordNumber,
}

/// Whose numbers the records of a stage have in its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Theirs alone.
    Own,
    /// Another stage copies from the same source, so that its records have the same.
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
    /// Rows, though no pass of the stage stands: those of others, and those that a rollback had to leave.
    Rows,
    /// What earlier passes of the stage have written.
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

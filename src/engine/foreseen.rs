//! What is only planned: a pass that is tried before it is applied has to see what those before it would leave.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;

use super::item::Home;
use crate::error::Result;
use crate::ledger::places::KeptPlaces;
use crate::ledger::read::salt;
use crate::record::{RecordNumber, RecordSet};

/// Rows that no ledger tells of, because they are only planned: whose they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlannedRows {
    /// By the row: the stage, and the source record.
    owners: HashMap<RecordNumber, (u32, RecordNumber)>,
    /// By those: the rows.
    homes: HashMap<(u32, RecordNumber), Vec<Home>>,
}

impl PlannedRows {
    pub(crate) fn add(&mut self, owner: (u32, RecordNumber), home: Home) {
        if self.owners.insert(home.row, owner) != Some(owner) {
            self.homes.entry(owner).or_default().push(home);
        }
    }

    /// Whose a row is.
    pub(crate) fn owner(&self, row: RecordNumber) -> Option<(u32, RecordNumber)> {
        self.owners.get(&row).copied()
    }

    /// The rows of a stage's record.
    pub(crate) fn of(&self, owner: (u32, RecordNumber)) -> &[Home] {
        self.homes.get(&owner).map_or(&[], Vec::as_slice)
    }
}

/// What a plan has come to so far, of which the ledger tells nothing. Where a stage is applied, there is nothing of the kind.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    /// Rows of later stages would stand in the target.
    pub(crate) is_beyond: bool,
    /// Of a stage in place: the records that others would have settled.
    pub(crate) settled: RecordSet,
    /// Whose the rows would be.
    pub(crate) rows: PlannedRows,
    /// Of a target that stages fill and change in place: whose places there would be kept.
    pub(crate) places: ForeseenPlaces,
    /// The newest number that would be given out.
    pub(crate) newest: Option<RecordNumber>,
}

/// Whose places in a target would be kept.
#[derive(Debug, Default)]
pub(crate) struct ForeseenPlaces {
    /// The records that would take their places anew.
    pub(crate) settled: RecordSet,
    /// Those that a stage in place would refuse, with their ids: their places are kept.
    pub(crate) refused: BTreeMap<RecordNumber, String>,
}

impl Foreseen {
    /// Adds to the places that are kept by the ledger.
    pub(super) fn keep(&self, connection: &Connection, kept: &mut KeptPlaces) -> Result<()> {
        let ForeseenPlaces { settled, refused } = &self.places;
        for number in settled.iter() {
            kept.free(number);
        }
        for (number, id) in refused {
            // Only a holder needs the salt, and that of a plan is written nowhere.
            let salt = salt(connection, *number)?.unwrap_or_default();
            kept.keep(id.clone(), (*number, salt));
        }
        Ok(())
    }
}

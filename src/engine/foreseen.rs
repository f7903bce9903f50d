//! The results of a plan so far: a pass that is tried before it is applied has to see what the passes before it would
//! leave.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::Connection;

use super::item::Home;
use crate::error::Result;
use crate::ledger::cross_reference::PlannedMembers;
use crate::ledger::places::KeptPlaces;
use crate::ledger::read::salt;
use crate::record::{RecordNumber, RecordSet};

/// Owners of rows that are only planned and therefore not in the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlannedRows {
    /// The stage and the source record, by row.
    owners: HashMap<RecordNumber, (u32, RecordNumber)>,
    /// The rows, by stage and source record.
    homes: HashMap<(u32, RecordNumber), Vec<Home>>,
}

impl PlannedRows {
    pub(crate) fn add(&mut self, owner: (u32, RecordNumber), home: Home) {
        if self.owners.insert(home.row, owner) != Some(owner) {
            self.homes.entry(owner).or_default().push(home);
        }
    }

    /// Returns the owner of a row.
    pub(crate) fn owner(&self, row: RecordNumber) -> Option<(u32, RecordNumber)> {
        self.owners.get(&row).copied()
    }

    /// Returns the rows of a stage's record.
    pub(crate) fn of(&self, owner: (u32, RecordNumber)) -> &[Home] {
        self.homes.get(&owner).map_or(&[], Vec::as_slice)
    }
}

/// The results of a plan so far, which the ledger does not contain. Empty when a stage is applied.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    /// Whether the target would contain rows of later stages.
    pub(crate) is_beyond: bool,
    /// For a stage in place: the records that others would have settled.
    pub(crate) settled: RecordSet,
    /// Owners of the planned rows.
    pub(crate) rows: PlannedRows,
    /// For a target that stages fill and change in place: the places that would be kept there.
    pub(crate) places: ForeseenPlaces,
    /// Newest number that would be given out.
    pub(crate) newest: Option<RecordNumber>,
    /// What would be made of source records in the databases that the stage looks into.
    pub(crate) members: BTreeMap<String, Arc<PlannedMembers>>,
}

/// The places in a target that would be kept.
#[derive(Debug, Default)]
pub(crate) struct ForeseenPlaces {
    /// The records that would take their places again.
    pub(crate) settled: RecordSet,
    /// The records that a stage in place would refuse, with their ids: their places are kept.
    pub(crate) refused: BTreeMap<RecordNumber, String>,
}

impl Foreseen {
    /// Adds these places to those that the ledger keeps.
    pub(super) fn keep(&self, connection: &Connection, kept: &mut KeptPlaces) -> Result<()> {
        let ForeseenPlaces { settled, refused } = &self.places;
        for number in settled.iter() {
            kept.free(number);
        }
        for (number, id) in refused {
            // Only a holder needs the salt, and a plan writes its holders nowhere.
            let salt = salt(connection, *number)?.unwrap_or_default();
            kept.keep(id.clone(), (*number, salt));
        }
        Ok(())
    }
}

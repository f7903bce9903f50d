//! The row in the place of a record that was refused because its place is taken.

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::places;
use crate::ledger::quarantine::Quarantined;
use crate::ledger::{StageRow, read};
use crate::record::RecordNumber;
use crate::store::{Store, Table};

/// The row in the place of a refused record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct InPlace {
    /// Number of the row.
    pub record: RecordNumber,
    /// Id of the row, if it is in the target.
    pub id: Option<String>,
    /// Whether it is the record's own row, which someone changed by hand.
    pub edited: bool,
    /// Current state of the place.
    pub state: PlaceState,
}

/// State of the place of a refused record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlaceState {
    /// The row exists, with the same id.
    Taken,
    /// A stage in place refused the row, and its place is kept for it.
    Kept,
    /// The row is gone, or has another id, or is a golden record that is again as it was before someone changed it: the
    /// next `apply` processes the record again.
    Free,
}

impl Store {
    /// Returns the row in the place of a record that was refused as `target.exists` or `target.edited`; `None` for any
    /// other.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn in_its_place(&self, refused: &Quarantined) -> Result<Option<InPlace>> {
        let edited = match refused.reason.code.as_ref() {
            places::EXISTS => false,
            places::EDITED => true,
            _ => return Ok(None),
        };
        let (Some(holder), Some(database)) = (&refused.reason.holder, &refused.database) else {
            return Ok(None);
        };
        let (connection, table) = (self.connection(), Table::from_name(database)?);
        let holds = table.exists(connection)?
            && holder.still_holds(connection, &table)?
            && !(edited && is_restored_golden(connection, refused, &table, holder.record)?);
        let row = if holds {
            table.by_number(connection, holder.record)?
        } else {
            None
        };
        Ok(Some(InPlace {
            record: holder.record,
            state: match (holds, &row) {
                (false, _) => PlaceState::Free,
                (true, Some(_)) => PlaceState::Taken,
                (true, None) => PlaceState::Kept,
            },
            id: row.map(|row| row.record.id),
            edited,
        }))
    }
}

/// Returns whether the row in the place of a refused member is its golden record, and is again as the merge left it.
fn is_restored_golden(
    connection: &Connection,
    refused: &Quarantined,
    target: &Table,
    row: RecordNumber,
) -> Result<bool> {
    let pass = read::pass_of(connection, refused.batch)?;
    let pass = pass
        .map(|pass| read::pass(connection, pass))
        .transpose()?
        .flatten();
    let Some(stage) = pass.and_then(|pass| pass.row.stage).filter(StageRow::merges) else {
        return Ok(false);
    };
    places::is_restored(connection, target, (&stage.project, stage.number), row)
}

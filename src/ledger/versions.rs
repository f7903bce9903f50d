//! The versions of a record.

use rusqlite::Connection;

use super::image::row_before;
use super::read::{batches_into, entries_of_row};
use crate::error::Result;
use crate::record::RecordNumber;
use crate::store::Store;

/// Returns what a record is in any database, and what it was in this one, as far back as the images lead.
pub(crate) fn versions(
    store: &Store,
    connection: &Connection,
    database: &str,
    number: RecordNumber,
) -> Result<Vec<(String, String)>> {
    let mut versions = Vec::new();
    let mut version: Option<(String, String)> = None;
    for name in store.databases()? {
        let row = store.table(&name)?.by_number(connection, number)?;
        let row = row.map(|row| (row.record.id, row.record.data));
        if name == database {
            version.clone_from(&row);
        }
        versions.extend(row);
    }
    let written = batches_into(connection, database)?;
    for recorded in entries_of_row(connection, database, number)?.into_iter().rev() {
        if recorded.entry.before == recorded.entry.after || written.binary_search(&recorded.batch).is_err() {
            continue;
        }
        let after = version.as_ref().map(|(id, data)| (id.as_str(), data.as_str()));
        version = row_before(recorded.image.as_ref(), after);
        versions.extend(version.clone());
    }
    Ok(versions)
}

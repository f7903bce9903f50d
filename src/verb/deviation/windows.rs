//! Windows that deviate: a person changed one by hand, or what it would be now is refused.

use rusqlite::Connection;

use super::cause::{Deviation, DeviationCause};
use crate::digest::Hash;
use crate::error::Result;
use crate::ledger::places::EXISTS;
use crate::ledger::processed::first_id;
use crate::ledger::rows::{changes_of_row, is_still_edited, rows_touched_by_hand};
use crate::ledger::windows::{refused_windows, standing};
use crate::record::RecordNumber;
use crate::stage::Stage;
use crate::store::{Salted, Table};

/// Returns the windows of a stage that deviate.
pub(super) fn find(
    connection: &Connection,
    project: &str,
    stage: &Stage,
    target: &Table,
) -> Result<Vec<Deviation>> {
    let of = (project, stage.number());
    let mut found = Vec::new();
    let mut add = |id: String, cause, record: RecordNumber| {
        found.push(Deviation {
            database: target.name().to_owned(),
            id,
            cause,
            stage: stage.number(),
            record,
        });
    };
    for refused in refused_windows(connection, of.0, of.1)? {
        let record = refused.record;
        if target.by_number(connection, record.number)?.is_some() {
            add(record.id, DeviationCause::Stale, record.number);
        } else if refused.code == EXISTS {
            add(record.id, DeviationCause::Refused, record.number);
        }
    }
    for number in rows_touched_by_hand(connection, target.name())? {
        if standing(connection, of.0, of.1, number)?.is_none() {
            continue;
        }
        let row = target.by_number(connection, number)?;
        let now: Option<Hash> = row.as_ref().and_then(Salted::hash);
        let changes = changes_of_row(connection, target.name(), number)?;
        if is_still_edited(&changes, of, now) {
            let id = match row {
                Some(row) => Some(row.record.id),
                None => first_id(connection, number)?,
            };
            add(id.unwrap_or_default(), DeviationCause::Edited, number);
        }
    }
    Ok(found)
}

//! The signed checkpoints against the ledger: every note that the store keeps, and the newest one of the file beside it.

use rusqlite::Connection;

use super::{Finding, VerifyReport};
use crate::error::{Error, Result};
use crate::ledger::Checkpoint;
use crate::ledger::checkpoint::{accepted, batch_of_size, notes_with_sizes};
use crate::store::Store;
use crate::store::checkpoints::{check as beside, signed};

pub(super) fn verify(connection: &Connection, store: &Store, report: &mut VerifyReport) -> Result<()> {
    let trusted = store.surroundings().keys.trusted();
    if let Err(error) = beside(store) {
        match error {
            Error::Contradicted { .. } => report.found(Finding {
                code: error.code(),
                batch: None,
                database: None,
                record: None,
                message: error.to_string(),
            }),
            error => return Err(error),
        }
    }
    let origin = Checkpoint::of_ledger(connection)?.map(|now| now.origin);
    let accepted = accepted(connection)?;
    for (size, note) in notes_with_sizes(connection)? {
        report.checkpoints += 1;
        let closed = batch_of_size(connection, size)?;
        let batch = closed.map(|closed| closed.batch);
        let checkpoint = Checkpoint::of_note(&note);
        let problem = match (&checkpoint, closed) {
            (None, _) => Some("it is no checkpoint"),
            (Some(checkpoint), _) if checkpoint.size != size => Some("it is of another size than is said"),
            (Some(checkpoint), _) if Some(&checkpoint.origin) != origin.as_ref() => {
                Some("it is of another ledger")
            }
            (_, None) => Some("no batch ends there"),
            (Some(checkpoint), Some(closed)) if checkpoint.root != closed.root => {
                Some("the ledger has another root there")
            }
            _ => None,
        };
        // What was signed before a restored store, or another key, was accepted may be by the key of that time.
        let is_forged = size >= accepted && trusted.is_some_and(|key| key.open(&note).is_err());
        if let Some(problem) = problem.or(is_forged.then_some("its signature does not hold")) {
            let message = format!("the checkpoint of {size} leaves: {problem}");
            report.found(Finding {
                code: "checkpoint.differs",
                batch,
                database: None,
                record: None,
                message,
            });
        }
    }
    report.signed = signed(connection)?;
    report.keyless = report.checkpoints > 0 && trusted.is_none();
    Ok(())
}

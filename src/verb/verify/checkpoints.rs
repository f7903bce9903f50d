//! Verifies the signed checkpoints against the ledger: every note that the store keeps, and the newest one of the file
//! beside it. The file has all of them, so it shows what the store has lost.

use std::collections::HashSet;

use rusqlite::Connection;

use super::outcome::{Finding, VerifyReport};
use crate::error::{Error, Result};
use crate::ledger::Checkpoint;
use crate::ledger::checkpoint::{accepted, batch_of_size, notes_with_sizes, sizes};
use crate::record::BatchId;
use crate::store::Store;
use crate::store::checkpoints::{check as beside, in_file, signed};

/// Reads the notes of the file beside the store. They are read before the store, because a writer commits to the store
/// first.
pub(super) fn of_file(store: &Store, report: &mut VerifyReport) -> Result<Vec<String>> {
    match in_file(store) {
        Err(error @ Error::Io { .. }) => {
            report.found(finding("checkpoint.unreadable", None, error.to_string()));
            Ok(Vec::new())
        }
        read => read,
    }
}

pub(super) fn verify(
    connection: &Connection,
    store: &Store,
    of_file: &[String],
    report: &mut VerifyReport,
) -> Result<()> {
    let trusted = store.environment().keys.trusted();
    if let Err(error) = beside(store) {
        match error {
            Error::Contradicted { .. } => report.found(finding(error.code(), None, error.to_string())),
            // This was reported when the whole file was read.
            Error::Io { .. } => {}
            error => return Err(error),
        }
    }
    let origin = Checkpoint::from_ledger(connection)?.map(|now| now.origin);
    let accepted = accepted(connection)?;
    for (size, note) in notes_with_sizes(connection)? {
        report.checkpoints += 1;
        let closed = batch_of_size(connection, size)?;
        let batch = closed.map(|closed| closed.batch);
        let checkpoint = Checkpoint::from_note(&note);
        let problem = match (&checkpoint, closed) {
            (None, _) => Some("it is not a checkpoint"),
            (Some(checkpoint), _) if checkpoint.size != size => Some("its size is not the recorded one"),
            (Some(checkpoint), _) if Some(&checkpoint.origin) != origin.as_ref() => {
                Some("it belongs to another ledger")
            }
            (_, None) => Some("no batch ends there"),
            (Some(checkpoint), Some(closed)) if checkpoint.root != closed.root => {
                Some("the ledger has a different root there")
            }
            _ => None,
        };
        // Notes from before a restored store, or another key, was accepted may be signed with the key of that time.
        let is_forged = size >= accepted && trusted.is_some_and(|key| key.open(&note).is_err());
        if let Some(problem) = problem.or(is_forged.then_some("its signature is not valid")) {
            let message = format!("the checkpoint of {size} leaves: {problem}");
            report.found(finding("checkpoint.differs", batch, message));
        }
    }
    let kept: HashSet<u64> = sizes(connection)?.into_iter().collect();
    for note in of_file {
        let checkpoint = Checkpoint::from_note(note).filter(|of| Some(&of.origin) == origin.as_ref());
        let Some(checkpoint) = checkpoint.filter(|of| !kept.contains(&of.size)) else {
            continue;
        };
        // Notes that others wrote into the file prove nothing.
        if trusted.is_none_or(|key| key.open(note).is_ok()) {
            let batch = batch_of_size(connection, checkpoint.size)?.map(|closed| closed.batch);
            let message = format!(
                "the checkpoint of {} leaves is in the file beside the store, but no longer in the store",
                checkpoint.size
            );
            report.found(finding("checkpoint.missing", batch, message));
        }
    }
    report.signed = signed(connection)?;
    report.keyless = report.checkpoints > 0 && trusted.is_none();
    Ok(())
}

fn finding(code: &'static str, batch: Option<BatchId>, message: String) -> Finding {
    Finding {
        code,
        batch,
        database: None,
        record: None,
        message,
    }
}

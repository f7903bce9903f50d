//! Verifies the images against the commitments of their entries.

use rusqlite::Connection;

use super::outcome::{Finding, VerifyReport};
use crate::digest::sha256;
use crate::error::Result;
use crate::ledger::image::{each_committed, each_lost_input, idle_patches};
use crate::observe::StopSignal;

/// Verifies whole images and refused inputs against the commitments of their entries. A reverse patch has no
/// commitment: it is verified with the rows.
pub(super) fn verify(connection: &Connection, stop: &StopSignal, report: &mut VerifyReport) -> Result<()> {
    each_lost_input(connection, |lost| {
        let message = "the refused input is no longer kept";
        let database = lost.database.unwrap_or_default();
        report.found(Finding::of_record(
            "image.missing",
            &database,
            lost.record,
            Some(lost.batch),
            message,
        ));
    })?;
    for patch in idle_patches(connection)? {
        let message = "there is a reverse patch of a change that the entry did not make";
        let database = patch.database.unwrap_or_default();
        report.found(Finding::of_record(
            "image.differs",
            &database,
            patch.record,
            Some(patch.batch),
            message,
        ));
    }
    each_committed(connection, |image| {
        if stop.is_asked() {
            report.complete = false;
            return false;
        }
        let hash = image.salt.map(|salt| sha256(&[&salt, image.body]));
        let holds = match (image.kind, hash) {
            // Without its salt an image cannot be compared.
            (Some(_), None) => return true,
            (None, None) => false,
            (_, Some(hash)) => image.holds(&hash),
        };
        report.images += 1;
        if !holds {
            let message = "the image does not match what the entry commits to";
            report.found(Finding::of_record(
                "image.differs",
                &image.database.unwrap_or_default(),
                image.record,
                Some(image.batch),
                message,
            ));
        }
        true
    })
}

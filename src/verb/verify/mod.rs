//! The verb `verify`: checks the ledger against its own hashes, and the data against the ledger. It only reads.

mod chain;
mod checkpoints;
mod data;
mod images;
mod inputs;
mod outcome;
mod remake;
mod row_history;
mod schema;

pub use outcome::{Finding, InputsVerified, Remade, VerifyOptions, VerifyReport};

use crate::error::{Error, Result};
use crate::store::Store;

/// Verifies the ledger alone (chain, tree, counts, states), batch by batch on every core, and then the data against the
/// ledger, database by database: every row must be what its newest entry says, and its images must lead back to its
/// first version. If it is requested, golden records are made again from their members, and windows are compared with
/// their readings.
pub fn verify(store: &Store, options: &VerifyOptions) -> Result<VerifyReport> {
    if options.ledger_only {
        return chain::verify(store, options);
    }
    let stop = &options.stop;
    // Threads share only the connections that the store opens for them.
    let readers = data::Readers::open(store)?;
    std::thread::scope(|scope| {
        let beside = scope.spawn(move || data::verify(readers, stop));
        let mut report = chain::verify(store, options)?;
        let found = beside.join().map_err(|_| Error::Damaged {
            what: "the verification of the data ended unexpectedly".to_owned(),
        })?;
        report.add(found?);
        if options.remake && report.complete {
            report.add(remake::verify(store, stop)?);
        }
        if options.inputs && report.complete {
            report.add(inputs::verify(store, stop)?);
        }
        Ok(report)
    })
}

//! The verb `rehearse`: applies on a copy of the store, verifies the result, rolls it back, and compares the copy with
//! the original. It signs nothing, and leaves the store as it is.

use std::path::Path;

use crate::apply::{ApplyOptions, ApplyReport, apply};
use crate::engine::RunInfo;
use crate::environment::{CheckpointKeys, Environment};
use crate::error::Result;
use crate::observe::Observer;
use crate::quarantine::QuarantineTotal;
use crate::record::{PassId, RecordNumber};
use crate::rollback::{RollbackOptions, RollbackReport, RollbackScope, rollback};
use crate::stage::Stages;
use crate::store::{Store, StoreOptions};
use crate::verify::{VerifyOptions, VerifyReport, verify};

/// Result of a rehearsal.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// Report of what was applied and reconciled.
    pub applied: ApplyReport,
    /// Quarantine after that.
    pub quarantine: Vec<QuarantineTotal>,
    /// Passes that refused something that was then still in quarantine.
    pub refusing: Vec<PassId>,
    /// Verification of the copy after that.
    pub verified: VerifyReport,
    /// Report of the rollback; `None` when nothing was applied.
    pub rolled_back: Option<RollbackReport>,
    /// Comparison of the copy with the store after that.
    pub compared: Compared,
}

/// Comparison of a rehearsal's copy with the store.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Compared {
    /// Number of databases that were compared.
    pub databases: u64,
    /// Number of records in them.
    pub records: u64,
    /// Databases that differ.
    pub differences: Vec<Difference>,
    /// Interrupted passes that the rehearsal ended and rolled back as a whole: what they wrote before is gone in the
    /// copy, so the databases that they write to are not compared.
    pub resumed: Vec<PassId>,
}

/// A database that differs after the rollback.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Name of the database.
    pub database: String,
    /// Number of the first record that differs.
    pub record: RecordNumber,
}

impl Rehearsal {
    /// Returns whether the copy was sound, and equals the store after the rollback.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.verified.is_sound() && self.compared.differences.is_empty()
    }
}

/// Applies, verifies, reconciles, rolls back and compares on a copy in an empty folder, which the caller removes.
///
/// # Errors
/// The errors of `apply`, `rollback` and `verify`; an error when the folder has no room for the copy.
pub fn rehearse(
    store: &Store,
    stages: &Stages,
    folder: &Path,
    options: &ApplyOptions,
    observer: &mut dyn Observer,
) -> Result<Rehearsal> {
    let path = folder.join("rehearsal.db");
    store.copy_to(&path)?;
    store.shrink_memory()?;
    let copy_options = StoreOptions {
        // The file of checkpoints stays with the store.
        unchecked: true,
        read_only: false,
        ..store.options().clone()
    };
    let environment = Environment {
        keys: CheckpointKeys::default(),
        ..store.environment().clone()
    };
    let mut copy = Store::open(&path, copy_options, environment)?;
    let applied = apply(&mut copy, stages, options, observer)?;
    let quarantine = copy.quarantine_totals(stages.project())?;
    let passes: Vec<PassId> = applied.passes.iter().map(|pass| pass.pass).collect();
    let refusing = copy.still_refusing(&passes)?;
    let stop = options.stop.clone();
    let verify_options = VerifyOptions {
        stop,
        ..VerifyOptions::default()
    };
    copy.shrink_memory()?;
    let verified = verify(&copy, &verify_options)?;
    copy.shrink_memory()?;
    let rolled_back = applied.run.map(|run| {
        let back = RollbackOptions {
            scope: RollbackScope::Run(run),
            batch_size: options.batch_size,
            run_info: RunInfo::new("rollback"),
            stop: options.stop.clone(),
            ..RollbackOptions::default()
        };
        rollback(&mut copy, stages.project(), &back, observer)
    });
    Ok(Rehearsal {
        compared: compared(store, &copy, &applied)?,
        applied,
        quarantine,
        refusing,
        verified,
        rolled_back: rolled_back.transpose()?,
    })
}

fn compared(store: &Store, copy: &Store, applied: &ApplyReport) -> Result<Compared> {
    let resumed = || applied.passes.iter().filter(|pass| pass.resumed);
    let mut compared = Compared {
        resumed: resumed().map(|pass| pass.pass).collect(),
        ..Compared::default()
    };
    let mut names = store.databases()?;
    names.extend(copy.databases()?);
    names.sort_unstable();
    names.dedup();
    for name in names {
        if resumed().any(|pass| pass.target == name) {
            continue;
        }
        compared.databases += 1;
        let record = first_difference(store, copy, &name, &mut compared.records)?;
        let difference = record.map(|record| Difference {
            database: name.clone(),
            record,
        });
        compared.differences.extend(difference);
    }
    Ok(compared)
}

/// Returns the first record of a database that differs between the stores; a missing database counts as empty.
fn first_difference(
    store: &Store,
    copy: &Store,
    name: &str,
    records: &mut u64,
) -> Result<Option<RecordNumber>> {
    const SLICE: usize = 1_000;
    let slice = |store: &Store, after: RecordNumber| store.records_after(name, after, SLICE);
    let mut after = RecordNumber::BEFORE_FIRST;
    loop {
        let (left, right) = (slice(store, after)?, slice(copy, after)?);
        let same = left
            .iter()
            .zip(&right)
            .take_while(|(left, right)| left == right)
            .count();
        *records += same as u64;
        if same < left.len().max(right.len()) {
            // A slice also ends at a number of bytes, which is the same when the records are the same.
            let numbers = [left.get(same), right.get(same)];
            return Ok(numbers.into_iter().flatten().map(|record| record.number).min());
        }
        match left.last() {
            Some(last) => after = last.number,
            None => return Ok(None),
        }
    }
}

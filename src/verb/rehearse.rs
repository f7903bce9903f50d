//! The verb `rehearse`: everything that `apply` would do, done on a copy of the store, verified, rolled back, and
//! compared with the original. Signs nothing, and leaves the store as it is.

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

/// What a rehearsal came to.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What was applied, and reconciled.
    pub applied: ApplyReport,
    /// What stood in quarantine after that.
    pub quarantine: Vec<QuarantineTotal>,
    /// Those of its passes that had refused something which stood so.
    pub refusing: Vec<PassId>,
    /// Whether the copy was sound after that.
    pub verified: VerifyReport,
    /// What was rolled back; `None` when nothing was applied.
    pub rolled_back: Option<RollbackReport>,
    /// How the copy was compared with the store after that.
    pub compared: Compared,
}

/// How the copy of a rehearsal compares with the store.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Compared {
    /// The databases that were laid side by side.
    pub databases: u64,
    /// The records in them.
    pub records: u64,
    /// Where they are not the same.
    pub differences: Vec<Difference>,
    /// The interrupted passes that the rehearsal has ended, and rolled back as a whole: what was there of them before is
    /// gone in the copy, so that the databases that they write to are not compared.
    pub resumed: Vec<PassId>,
}

/// A database that is not as it was after the rollback.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The database.
    pub database: String,
    /// The number of the first record that differs.
    pub record: RecordNumber,
}

impl Rehearsal {
    /// Whether the copy was sound, and is as the store after the rollback.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.verified.is_sound() && self.compared.differences.is_empty()
    }
}

/// Applies, verifies, reconciles, rolls back and compares on a copy in an empty folder, which the caller removes.
///
/// # Errors
/// As of `apply`, `rollback` and `verify`; and where the folder has no room for the copy.
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

/// The first record of a database that is not the same in both stores; a database that is not there is an empty one.
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
            // A slice also ends at a number of bytes, which are the same where the records are.
            let numbers = [left.get(same), right.get(same)];
            return Ok(numbers.into_iter().flatten().map(|record| record.number).min());
        }
        match left.last() {
            Some(last) => after = last.number,
            None => return Ok(None),
        }
    }
}

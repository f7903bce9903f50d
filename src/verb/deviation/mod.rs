//! Where a target differs from what its stages would produce from their sources if they ran from scratch, and why: the
//! earlier version of a record whose correction is refused stays, someone changed a row by hand, or of two records with
//! one id the first to arrive has it. Everything else is the same; the tests check that with random histories.

mod cause;
mod claims;
mod clusters;
mod special;
mod windows;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::stage::{Stage, Stages};
use crate::store::{Store, Table};
use claims::TargetClaims;
use clusters::MergedClusters;

pub use cause::{Deviation, DeviationCause};

impl Store {
    /// Returns every row of the stages' targets that deviates, by database and id. Call it for stages that are up to
    /// date: it does not report what waits for the next `apply`.
    ///
    /// It inspects only the records that are refused, left out or changed by hand, and those that they collide with,
    /// and runs their stages again; it reads no others.
    ///
    /// # Errors
    /// [`Damaged`](crate::Error::Damaged) when the ledger and the data contradict each other.
    pub fn deviations(&self, stages: &Stages) -> Result<Vec<Deviation>> {
        let mut targets: BTreeMap<&str, Vec<&Stage>> = BTreeMap::new();
        for stage in stages.iter() {
            targets.entry(stage.target()).or_default().push(stage);
        }
        let mut found = Vec::new();
        for (target, stages_of_target) in targets {
            let table = Table::from_name(target)?;
            if !table.exists(self.connection())? {
                continue;
            }
            for stage in &stages_of_target {
                if stage.aggregate().is_some() {
                    found.extend(windows::find(self.connection(), stages.project(), stage, &table)?);
                }
            }
            let stages_of_target: Vec<&Stage> = (stages_of_target.into_iter())
                .filter(|stage| stage.aggregate().is_none())
                .collect();
            let merged = MergedClusters::new(self.connection(), stages.project(), &stages_of_target);
            let place = (&table, &merged);
            let special = special::find(self.connection(), stages.project(), place, &stages_of_target)?;
            if special.is_empty() {
                continue;
            }
            let claims = TargetClaims::new(self, stages.project(), (table, &merged), stages_of_target)?;
            found.extend(claims.compare(&special)?);
        }
        found.sort();
        Ok(found)
    }
}

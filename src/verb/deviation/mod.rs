//! Where a target is not what its stages would make of their sources if they ran from scratch, and why: the earlier version
//! of a record whose correction is refused stays, somebody has changed a row by hand, or of two records with one id the
//! first to come has it. Everything else is the same; the random histories of the tests hold it to that.

mod cause;
mod claims;
mod special;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::stage::{Stage, Stages};
use crate::store::{Store, Table};
use claims::TargetClaims;

pub use cause::{Deviation, DeviationCause};

impl Store {
    /// Every row of the stages' targets that deviates, by database and id. To be asked of stages that are up to date: what
    /// waits for the next `apply` is not told.
    ///
    /// It costs a look at the records that are refused, left out or changed by hand, and at those that they meet, and runs
    /// their stages once more; all others are not read.
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
            let special = special::find(self.connection(), stages.project(), &table, &stages_of_target)?;
            if special.is_empty() {
                continue;
            }
            let claims = TargetClaims::new(self, stages.project(), table, stages_of_target)?;
            found.extend(claims.compare(&special)?);
        }
        found.sort();
        Ok(found)
    }
}

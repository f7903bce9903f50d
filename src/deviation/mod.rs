//! Where a target is not what its stages would make of their sources if they ran from scratch, and why: the earlier version
//! of a record whose correction is refused stays, somebody has changed a row by hand, or of two records with one id the
//! first to come has it. Everything else is the same; the random histories of the tests hold it to that.

mod claims;
mod special;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::stage::{Stage, Stages};
use crate::store::{Store, Table};
use claims::Claims;

/// Why a row is not what the stages would make of their sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub enum Cause {
    /// A correction of the record was refused, or its refusal waived, and the earlier version stays in the target.
    #[serde(rename = "stale")]
    Stale,
    /// Somebody has changed the row by hand, or taken it out.
    #[serde(rename = "edited")]
    Edited,
    /// The record was left out, because another one had its id first.
    #[serde(rename = "conflict.skipped")]
    Skipped,
    /// The record was refused, because another one had its id first.
    #[serde(rename = "refused")]
    Refused,
}

impl Cause {
    /// The word on screens and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Edited => "edited",
            Self::Skipped => "conflict.skipped",
            Self::Refused => "refused",
        }
    }
}

/// A row of a target that is not what the stages would make of their sources: it stands there and would not, or the other
/// way round, or it is another record's, or has other data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Deviation {
    /// The target.
    pub database: String,
    /// The row's id there.
    pub id: String,
    /// Why.
    pub cause: Cause,
    /// The stage that the cause lies with.
    pub stage: u32,
    /// The number of the source record that the cause lies with.
    pub record: i64,
}

/// Every row of the stages' targets that deviates, by database and id. To be asked of stages that are up to date: what
/// waits for the next `apply` is not told.
///
/// It costs a look at the records that are refused, left out or changed by hand, and at those that they meet, and runs
/// their stages once more; all others are not read.
///
/// # Errors
/// [`Damaged`](crate::Error::Damaged) when the ledger and the data contradict each other.
pub fn deviations(store: &Store, stages: &Stages) -> Result<Vec<Deviation>> {
    let mut targets: BTreeMap<&str, Vec<&Stage>> = BTreeMap::new();
    for stage in stages.iter() {
        targets.entry(stage.target()).or_default().push(stage);
    }
    let mut found = Vec::new();
    for (target, stages_of_target) in targets {
        let table = Table::of(target)?;
        if !table.exists(store.connection())? {
            continue;
        }
        let special = special::find(store.connection(), stages.project(), &table, &stages_of_target)?;
        if special.is_empty() {
            continue;
        }
        let claims = Claims::new(store, stages.project(), table, stages_of_target)?;
        found.extend(claims.compare(&special)?);
    }
    found.sort();
    Ok(found)
}

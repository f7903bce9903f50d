//! A row that deviates, and why.

use crate::record::RecordNumber;

/// Why a row is not what the stages would make of their sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub enum DeviationCause {
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

impl DeviationCause {
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
#[non_exhaustive]
pub struct Deviation {
    /// The target.
    pub database: String,
    /// The row's id there.
    pub id: String,
    /// Why.
    pub cause: DeviationCause,
    /// The stage that the cause lies with.
    pub stage: u32,
    /// The number of the source record that the cause lies with.
    pub record: RecordNumber,
}

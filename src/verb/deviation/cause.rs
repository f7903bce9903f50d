//! Rows that deviate, and the causes.

use crate::record::RecordNumber;

/// Why a row differs from what the stages would produce from their sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub enum DeviationCause {
    /// A correction of the record was refused, or its refusal waived, and the earlier version stays in the target.
    #[serde(rename = "stale")]
    Stale,
    /// Someone changed or deleted the row by hand.
    #[serde(rename = "edited")]
    Edited,
    /// The record was left out because another record had its id first.
    #[serde(rename = "conflict.skipped")]
    Skipped,
    /// The record was refused because another record had its id first.
    #[serde(rename = "refused")]
    Refused,
}

impl DeviationCause {
    /// Returns the cause's name on screens and in JSON.
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

/// A row of a target that differs from what the stages would produce from their sources: it exists and should not, or
/// the reverse, or it belongs to another record, or has other data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[non_exhaustive]
pub struct Deviation {
    /// Name of the target.
    pub database: String,
    /// Id of the row in the target.
    pub id: String,
    /// Why the row deviates.
    pub cause: DeviationCause,
    /// Stage that causes the deviation.
    pub stage: u32,
    /// Number of the source record that causes the deviation.
    pub record: RecordNumber,
}

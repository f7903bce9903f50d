//! The progress of a pass at one moment.

use std::time::Duration;

use crate::ledger::PassKind;
use crate::name::StageName;
use crate::record::PassId;

/// The phase that a pass is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressPhase {
    /// No pass has begun yet.
    #[default]
    Waiting,
    /// The pass processes records.
    Records,
    /// The pass builds the index of the target's ids.
    Index,
    /// The pass has ended.
    Ended,
}

/// The figures of the newest pass at one moment. The counts include the records of earlier runs of the same pass; the
/// rates and times cover this run only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgressSnapshot {
    /// The phase of the pass.
    pub phase: ProgressPhase,
    /// The pass's number; 0 in a plan, which does not number its passes.
    pub pass: Option<PassId>,
    /// The kind of the pass.
    pub kind: Option<PassKind>,
    /// The stage's number and slug.
    pub stage: Option<StageName>,
    /// The source: a database, or for `load` the input's name.
    pub source: Option<String>,
    /// The target database.
    pub target: Option<String>,
    /// Number of records processed, whatever their outcome.
    pub processed: u64,
    /// Number of records that the pass will process, where known.
    pub total: Option<u64>,
    /// Whether `total` is an estimate from the bytes that were read.
    pub total_is_estimated: bool,
    /// Percentage of the total that is processed, from 0 to 100, rounded down.
    pub percent: Option<u8>,
    /// Number of records refused.
    pub failed: u64,
    /// Records per second over the last ten seconds, or over the last batch where one takes longer. `None` until there
    /// is enough to measure.
    pub recent_records_per_second: Option<u64>,
    /// Records per second since the pass began, without the building of its index. `None` until there is enough to
    /// measure.
    pub overall_records_per_second: Option<u64>,
    /// Time that the pass has taken in this run.
    pub elapsed: Duration,
    /// Estimated time for the remaining records at the recent rate.
    pub time_left: Option<Duration>,
    /// Number of passes that have ended before this moment.
    pub passes_ended: u64,
}

//! The figures of a pass at one moment.

use std::time::Duration;

use crate::ledger::PassKind;
use crate::name::StageName;
use crate::record::PassId;

/// What a pass is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgressPhase {
    /// No pass has begun yet.
    #[default]
    Waiting,
    /// It processes records.
    Records,
    /// It builds the index of the target's ids.
    Index,
    /// It has ended.
    Ended,
}

/// The figures of the newest pass at one moment. A pass that an earlier run has begun counts the records of that run as
/// well; its rates, its time and what is left are those of this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgressSnapshot {
    /// What the pass is doing.
    pub phase: ProgressPhase,
    /// The pass's number; 0 in a plan, which numbers none.
    pub pass: Option<PassId>,
    /// Its kind.
    pub kind: Option<PassKind>,
    /// The stage's number and slug.
    pub stage: Option<StageName>,
    /// Where it reads: a database, or for `load` the input's name.
    pub source: Option<String>,
    /// Where it writes.
    pub target: Option<String>,
    /// Records that are processed, whatever became of them.
    pub processed: u64,
    /// All records that the pass will process, where that is known.
    pub total: Option<u64>,
    /// Whether `total` is estimated from the bytes that were read.
    pub total_is_estimated: bool,
    /// How much of the total is processed, in whole percent from 0 to 100, rounded down.
    pub percent: Option<u8>,
    /// Records that are refused.
    pub failed: u64,
    /// Records per second over the last ten seconds, or over the last batch where one takes longer. `None` until there is
    /// something to measure.
    pub recent_records_per_second: Option<u64>,
    /// Records per second since the pass began, the building of its index aside. `None` until there is something to measure.
    pub overall_records_per_second: Option<u64>,
    /// How long the pass has taken.
    pub elapsed: Duration,
    /// How long the records that are left take at the recent rate.
    pub time_left: Option<Duration>,
    /// How many passes have ended before this moment.
    pub passes_ended: u64,
}

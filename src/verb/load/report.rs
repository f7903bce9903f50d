//! Report of a load.

use chrono::DateTime;

use crate::engine::Stopped;
use crate::engine::{Pass, Run};
use crate::error::Result;
use crate::history::UnfinishedPass;
use crate::ledger::Counts;
use crate::ledger::open::WholeLoad;
use crate::ledger::stage_input::fixed_by_hand;
use crate::record::{PassId, RunId};

/// Report of a load.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct LoadReport {
    /// Number of the run; `None` when there was nothing to do.
    pub run: Option<RunId>,
    /// Number of the pass.
    pub pass: PassId,
    /// Whether the input was loaded into the database; `false` when there was nothing to do.
    pub processed: bool,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// Whether others wrote to the database between the interruption and the continuation: with
    /// [`replace`](super::LoadOptions::replace), the rest of the input overwrote what they wrote to the same records.
    pub overtaken: bool,
    /// Name of the input when the pass began, if it was another name.
    pub begun_as: Option<String>,
    /// Records that the load replaced after a stage in place had changed them, and that stay as loaded, with the
    /// numbers of those stages.
    pub fixed_by_hand: Option<FixedByHand>,
    /// Fields that rows left out of the records that they replaced, in this run.
    pub narrowed: Narrowed,
    /// Outcomes over all runs of the load. A filtered record is not a record of the input but a line that an earlier
    /// load refused, and that left quarantine because it passes now.
    pub counts: Counts,
    /// Why it stopped early.
    pub stopped: Option<Stopped>,
    /// Load that finished the same bytes before. A file was then not loaded; a stream, which is recognized only once it
    /// is read, was loaded again.
    pub known: Option<KnownLoad>,
    /// Unfinished loads that were given up.
    pub given_up: Vec<UnfinishedPass>,
    /// Other unfinished loads into the database.
    pub open: Vec<UnfinishedPass>,
}

/// Records that a CSV replaced with rows that lack a column for some of their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Narrowed {
    /// Number of records.
    pub records: u64,
    /// First field that one of them lost.
    pub field: Option<String>,
}

impl LoadReport {
    /// Reports what a pass that loaded its input did.
    pub(super) fn tell(&mut self, pass: &Pass, name: &str, resumed: bool, counts: Counts) {
        self.pass = pass.row.pass;
        let source = pass.row.source.clone().unwrap_or_default();
        self.begun_as = (source != name).then_some(source);
        self.processed = true;
        self.resumed = resumed;
        self.counts = counts;
    }
}

/// Records that were replaced after stages in place had changed them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FixedByHand {
    /// Number of records.
    pub records: u64,
    /// Stages in place that changed the database.
    pub stages: Vec<u32>,
}

impl FixedByHand {
    pub(super) fn new(run: &Run<'_>, database: &str, pass: PassId) -> Result<Option<Self>> {
        let found = fixed_by_hand(run.connection(), database, pass)?;
        Ok(found.map(|(records, stages)| Self { records, stages }))
    }
}

/// A load that reached the end of its input.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct KnownLoad {
    /// Pass of the load.
    pub pass: PassId,
    /// Run that reached the end.
    pub run: RunId,
    /// Time of that, ISO 8601 in UTC.
    pub at: String,
    /// Name of the input.
    pub source: Option<String>,
    /// SHA-256 of the whole input, in hexadecimal.
    pub sha256: String,
    /// Length of the input in bytes.
    pub bytes: u64,
}

impl KnownLoad {
    pub(super) fn new(load: &WholeLoad) -> Self {
        let at = DateTime::from_timestamp_micros(load.committed_us).unwrap_or_default();
        Self {
            pass: load.pass,
            run: load.run,
            at: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            source: load.source.clone(),
            sha256: load.body["sha256"].as_str().unwrap_or_default().to_owned(),
            bytes: load.body["bytes"].as_u64().unwrap_or_default(),
        }
    }
}

//! What a load did.

use chrono::DateTime;

use crate::engine::Stopped;
use crate::engine::{Pass, Run};
use crate::error::Result;
use crate::history::UnfinishedPass;
use crate::ledger::Counts;
use crate::ledger::open::WholeLoad;
use crate::ledger::stage_input::fixed_by_hand;
use crate::record::{PassId, RunId};

/// What a load did.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct LoadReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<RunId>,
    /// The pass's number.
    pub pass: PassId,
    /// Whether the input was carried into the database; false where there was nothing to do.
    pub processed: bool,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// Whether others have written to the database between the interruption and going on: with
    /// [`replace`](super::LoadOptions::replace), what they wrote was written over where the rest of the input has it too.
    pub overtaken: bool,
    /// What the input was called when the pass was begun, where that is another name.
    pub begun_as: Option<String>,
    /// How many records it has written over that a stage in place had changed, and that stand as they are now; with the
    /// numbers of those stages.
    pub fixed_by_hand: Option<FixedByHand>,
    /// What rows have left out of the records that they replace, in this run.
    pub narrowed: Narrowed,
    /// The outcomes over all its runs. What is filtered is no record of the input: a line that an earlier load had
    /// refused, and that has left quarantine because it passes now.
    pub counts: Counts,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
    /// The load that has brought the same bytes to their end before. Of a file nothing was loaded then; a stream, which
    /// is known only once it is read, was loaded once more.
    pub known: Option<KnownLoad>,
    /// The unfinished loads that were given up.
    pub given_up: Vec<UnfinishedPass>,
    /// The other loads into the database that stand open.
    pub open: Vec<UnfinishedPass>,
}

/// Records that a CSV has replaced by rows without a column for some of their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Narrowed {
    /// How many.
    pub records: u64,
    /// The first field that one of them has lost.
    pub field: Option<String>,
}

impl LoadReport {
    /// What a pass that has carried its input did.
    pub(super) fn tell(&mut self, pass: &Pass, name: &str, resumed: bool, counts: Counts) {
        self.pass = pass.row.pass;
        let source = pass.row.source.clone().unwrap_or_default();
        self.begun_as = (source != name).then_some(source);
        self.processed = true;
        self.resumed = resumed;
        self.counts = counts;
    }
}

/// Records that were written over in the shape that stages in place have given them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct FixedByHand {
    /// How many.
    pub records: u64,
    /// The stages in place that have changed the database.
    pub stages: Vec<u32>,
}

impl FixedByHand {
    pub(super) fn new(run: &Run<'_>, database: &str, pass: PassId) -> Result<Option<Self>> {
        let found = fixed_by_hand(run.connection(), database, pass)?;
        Ok(found.map(|(records, stages)| Self { records, stages }))
    }
}

/// A load that has come to the end of its input.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct KnownLoad {
    /// Its pass.
    pub pass: PassId,
    /// The run that came to the end.
    pub run: RunId,
    /// When, ISO 8601 in UTC.
    pub at: String,
    /// What the input was called.
    pub source: Option<String>,
    /// The SHA-256 of all of it, in hexadecimal.
    pub sha256: String,
    /// How long it is.
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

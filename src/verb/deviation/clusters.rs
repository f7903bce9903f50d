//! The clusters of a stage that merges, as its standing entries say: which members make which golden record.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::EntryOutcome;
use crate::ledger::merged::{members, refused_together};
use crate::record::{BatchId, RecordNumber};
use crate::stage::Stage;

/// The members of one golden record, or of one that was refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    /// Ascending.
    pub(super) members: Vec<RecordNumber>,
    /// The golden records in which they stand. That of a refused cluster is an earlier version.
    pub(super) goldens: Vec<RecordNumber>,
    /// Whether it was refused.
    pub(super) is_refused: bool,
}

/// All clusters of a stage, each by its smallest member.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    all: BTreeMap<RecordNumber, Cluster>,
    of_member: BTreeMap<RecordNumber, RecordNumber>,
    of_golden: BTreeMap<RecordNumber, RecordNumber>,
}

impl Clusters {
    fn read(connection: &Connection, project: &str, number: u32) -> Result<Self> {
        let together = refused_together(connection, project, number, BatchId::MAX)?;
        let mut clusters = Self::default();
        // In order of the records: the first of a cluster is its smallest.
        for member in members(connection, project, number, BatchId::MAX)? {
            let record = member.record;
            let first = match (member.outcome, member.golden) {
                (EntryOutcome::Refused, _) => together.get(&record).copied().unwrap_or(record),
                // What was changed by hand stays though its member has left.
                (EntryOutcome::Filtered, Some(_)) => record,
                (_, Some(golden)) => clusters.of_golden.get(&golden).copied().unwrap_or(record),
                (_, None) => continue,
            };
            let cluster = clusters.all.entry(first).or_default();
            cluster.members.push(record);
            cluster.is_refused |= member.outcome == EntryOutcome::Refused;
            if let Some(golden) = member.golden.filter(|golden| !cluster.goldens.contains(golden)) {
                cluster.goldens.push(golden);
                clusters.of_golden.insert(golden, first);
            }
            clusters.of_member.insert(record, first);
        }
        Ok(clusters)
    }

    /// Returns the smallest member of a member's cluster; for any other record its own number.
    pub(super) fn first_of(&self, member: RecordNumber) -> RecordNumber {
        self.of_member.get(&member).copied().unwrap_or(member)
    }

    /// Returns the smallest member of the cluster of a golden record.
    pub(super) fn first_in(&self, golden: RecordNumber) -> Option<RecordNumber> {
        self.of_golden.get(&golden).copied()
    }

    /// Returns the cluster with this smallest member.
    pub(super) fn by_first(&self, first: RecordNumber) -> Option<&Cluster> {
        self.all.get(&first)
    }

    /// Returns the cluster of a member.
    pub(super) fn by_member(&self, member: RecordNumber) -> Option<&Cluster> {
        self.by_first(self.first_of(member))
    }
}

/// The clusters of the stages of a target that merge. Read once, and only if a record of the stage is special: there may be
/// millions.
pub(super) struct MergedClusters<'a> {
    connection: &'a Connection,
    project: &'a str,
    stages: BTreeMap<u32, OnceCell<Clusters>>,
}

impl<'a> MergedClusters<'a> {
    pub(super) fn new(connection: &'a Connection, project: &'a str, stages: &[&Stage]) -> Self {
        let merging = stages.iter().filter(|stage| stage.merge().is_some());
        Self {
            connection,
            project,
            stages: merging.map(|stage| (stage.number(), OnceCell::new())).collect(),
        }
    }

    /// Returns the clusters of a stage; `None` if it does not merge.
    pub(super) fn of(&self, number: u32) -> Result<Option<&Clusters>> {
        let Some(cell) = self.stages.get(&number) else {
            return Ok(None);
        };
        if let Some(known) = cell.get() {
            return Ok(Some(known));
        }
        let read = Clusters::read(self.connection, self.project, number)?;
        Ok(Some(cell.get_or_init(|| read)))
    }
}

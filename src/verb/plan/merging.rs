//! What a plan says of a merge stage: what would be merged, and what becomes of the golden records that stand.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::sample::Sample;
use crate::error::Result;
use crate::ledger::merged::{Noted, is_deleted, members};
use crate::ledger::{
    Batch, BatchKind, Change, Counts, Entry, EntryOutcome, Matching, MergeOutcome, ScoredPair,
};
use crate::record::{BatchId, REDACTED, RecordNumber};
use crate::store::Table;

/// What a merge stage would do.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct MergePlan {
    /// What would come of its records; ids of pairs are masked if they derive from redacted values.
    #[serde(flatten)]
    pub outcome: MergeOutcome,
    /// What would become of golden records.
    pub changes: GoldenChanges,
}

/// What would become of golden records, and of the records that are in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct GoldenChanges {
    /// Number of golden records before.
    pub before: u64,
    /// Number of new golden records.
    pub new: u64,
    /// Number of golden records whose data would change.
    pub changed: u64,
    /// Number of golden records that would become part of another one.
    pub absorbed: u64,
    /// Number of golden records that would be removed, because no record is left in them.
    pub removed: u64,
    /// Number of records that would join a golden record that stands.
    pub joined: u64,
    /// Number of records that would leave theirs.
    pub left: u64,
}

/// Collects it from the batches of a merge stage.
pub(super) struct Merging<'p> {
    project: &'p str,
    stage: u32,
    /// Whether ids of the source, and of the target, must not be shown.
    hides: [bool; 2],
    /// The golden record that each record is in; `None` before the first batch.
    was_in: Option<HashMap<RecordNumber, RecordNumber>>,
    into: u64,
    deleted: u64,
    changes: GoldenChanges,
    matching: Option<Matching>,
}

impl<'p> Merging<'p> {
    pub(super) fn new(project: &'p str, stage: u32, hides: [bool; 2]) -> Self {
        Self {
            project,
            stage,
            hides,
            was_in: None,
            into: 0,
            deleted: 0,
            changes: GoldenChanges::default(),
            matching: None,
        }
    }

    /// Adds a batch before its changes are made.
    pub(super) fn add(&mut self, connection: &Connection, source: &Table, batch: &Batch) -> Result<()> {
        if self.was_in.is_none() {
            let standing = members(connection, self.project, self.stage, BatchId::MAX)?;
            let was_in: HashMap<RecordNumber, RecordNumber> = standing
                .into_iter()
                .filter_map(|member| Some((member.record, member.golden?)))
                .collect();
            let golden: HashSet<RecordNumber> = was_in.values().copied().collect();
            self.changes.before = golden.len() as u64;
            self.was_in = Some(was_in);
        }
        if let (BatchKind::Note, Some(note)) = (batch.step, &batch.body)
            && let Some(noted) = Noted::from_note(note)
        {
            let mut matching = Matching::from_noted(noted);
            self.name(connection, source, &mut matching)?;
            self.matching = Some(matching);
        }
        self.count(batch);
        Ok(())
    }

    /// Gives the pairs of a note their ids.
    fn name(&self, connection: &Connection, source: &Table, matching: &mut Matching) -> Result<()> {
        let figures = &mut matching.figures;
        let pairs = [
            &mut figures.strongest,
            &mut figures.weakest,
            &mut figures.below,
            &mut figures.held,
        ];
        for ScoredPair { a, a_id, b, b_id, .. } in pairs.into_iter().flatten() {
            for (record, id) in [(a, a_id), (b, b_id)] {
                *id = if self.hides[0] {
                    Some(REDACTED.to_owned())
                } else {
                    source.by_number(connection, *record)?.map(|row| row.record.id)
                };
            }
        }
        Ok(())
    }

    /// Hides the ids of a sample that must not be shown, and counts the records that are merged with it.
    pub(super) fn complete(&self, sample: &mut Sample, carrier: &Entry, batch: &Batch) {
        let is_other = |other: &&Entry| {
            other.part == 0 && other.target == carrier.target && other.record != carrier.record
        };
        sample.others = batch.entries.iter().filter(is_other).count() as u64;
        for (id, hides) in [&mut sample.id, &mut sample.target_id]
            .into_iter()
            .zip(self.hides)
        {
            if hides {
                REDACTED.clone_into(id);
            }
        }
    }

    fn count(&mut self, batch: &Batch) {
        let was_in = self.was_in.get_or_insert_default();
        let inserted = |change: &&Change| matches!(change, Change::Insert { .. });
        let updated = |change: &&Change| matches!(change, Change::Update { .. });
        self.changes.new += batch.changes.iter().filter(inserted).count() as u64;
        self.changes.changed += batch.changes.iter().filter(updated).count() as u64;
        let new: HashSet<RecordNumber> = batch.records.iter().map(|record| record.record).collect();
        let removed = |entry: &&Entry| entry.after.is_none() && entry.before.is_some();
        let absorbed: HashSet<RecordNumber> = (batch.entries.iter().filter(removed))
            .filter(|entry| entry.part > 0)
            .filter_map(|entry| entry.target)
            .collect();
        self.changes.absorbed += absorbed.len() as u64;
        let mut into = HashSet::new();
        for entry in batch.entries.iter().filter(|entry| entry.part == 0) {
            if entry.outcome == EntryOutcome::Refused {
                // It stays where it is, unless the rest of its golden record goes on without it.
                if entry.target.is_none() && was_in.remove(&entry.record).is_some() {
                    self.changes.left += 1;
                }
                continue;
            }
            self.deleted += u64::from(is_deleted(entry));
            let is_in = entry.target.filter(|_| entry.after.is_some());
            let before = match is_in {
                Some(golden) => was_in.insert(entry.record, golden),
                None => was_in.remove(&entry.record),
            };
            match (before, is_in) {
                (None, Some(golden)) if !new.contains(&golden) => self.changes.joined += 1,
                (Some(before), now) if now != Some(before) && !absorbed.contains(&before) => {
                    self.changes.left += 1;
                }
                _ => {}
            }
            self.changes.removed += u64::from(removed(&entry));
            if entry.outcome == EntryOutcome::Merged {
                into.extend(is_in);
            }
        }
        self.into += into.len() as u64;
    }

    /// Returns what the stage would do.
    pub(super) fn finish(self, counts: &Counts) -> MergePlan {
        MergePlan {
            outcome: MergeOutcome {
                merged: counts.merged,
                golden: self.into,
                alone: counts.written,
                deleted: self.deleted,
                matching: self.matching,
            },
            changes: self.changes,
        }
    }
}

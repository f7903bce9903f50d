//! What a plan has come to so far: which records of which stage it has tried, and what it would leave in each database. Of
//! this the ledger knows nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::Connection;

use crate::error::Result;
use crate::ledger::{Batch, EntryOutcome, places};
use crate::pipeline::Reader;
use crate::refusal::Holder;
use crate::stage::Stage;
use crate::store::Table;

/// What the stages have come to so far.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    /// By their numbers.
    stages: BTreeMap<u32, StageForecast>,
    /// What they would leave in each database.
    databases: BTreeMap<String, DatabaseForecast>,
}

/// What a stage has come to so far.
#[derive(Debug, Default)]
pub(super) struct StageForecast {
    /// The records that were tried.
    pub(super) records: HashSet<i64>,
    /// How many of the changes of its source it has seen.
    changes: usize,
    /// The records that would wait for a place in the target, and which row they would wait for.
    waiting: Vec<(i64, Option<Holder>)>,
}

/// What would be left in a database.
#[derive(Debug, Default)]
pub(super) struct DatabaseForecast {
    /// The rows that would be written, changed or taken out, each with the stage that does it and whether that stage works
    /// in place.
    changed: Vec<(i64, u32, bool)>,
    /// The rows that a stage would leave out without changing anything: what a later one has refused in place may be
    /// among them.
    pub(super) filtered: Vec<i64>,
    /// Of those that were tried: the rows that would stand there.
    pub(super) standing: BTreeSet<i64>,
    /// The records that a stage would leave out, or write.
    pub(super) settled: BTreeSet<i64>,
    /// The rows that a stage in place would refuse.
    refused: BTreeSet<i64>,
    /// How many rows there would be, about, where only a sample was tried.
    pub(super) rows: u64,
}

impl Forecast {
    pub(super) fn stage(&self, number: u32) -> Option<&StageForecast> {
        self.stages.get(&number)
    }

    pub(super) fn database(&self, name: &str) -> Option<&DatabaseForecast> {
        self.databases.get(name)
    }

    pub(super) fn database_mut(&mut self, name: &str) -> Option<&mut DatabaseForecast> {
        self.databases.get_mut(name)
    }

    /// Whether a later stage has been tried.
    pub(super) fn is_beyond(&self, number: u32) -> bool {
        self.stages.keys().any(|tried| *tried > number)
    }

    /// A stage begins with what its source would be now.
    pub(super) fn begin(&mut self, stage: &Stage) {
        let source = self.databases.get(stage.source());
        let changes = source.map_or(0, |source| source.changed.len());
        self.stages.entry(stage.number()).or_default().changes = changes;
    }

    /// A batch that a stage would commit.
    pub(super) fn add(&mut self, stage: &Stage, batch: &Batch) {
        self.stages.entry(stage.number()).or_default().add(batch);
        self.take_away(stage, batch);
        let target = self.databases.entry(stage.target().to_owned()).or_default();
        target.add(stage, batch);
    }

    /// The records of a stage's source that would be changed, and that it has not seen since.
    pub(super) fn changes(&self, stage: &Stage) -> Vec<i64> {
        let Some(source) = self.databases.get(stage.source()) else {
            return Vec::new();
        };
        let number = stage.number();
        // As in the ledger: a stage in place feeds only those after it, and is fed only by those before it.
        let feeds = |(_, by, in_place): &&(i64, u32, bool)| {
            *by < number || (*by != number && !in_place && !stage.in_place())
        };
        let seen = self.stages.get(&number).map_or(0, |tried| tried.changes);
        let changes = source.changed.iter().skip(seen).filter(feeds);
        changes.map(|(record, ..)| *record).collect()
    }

    /// Of the records that a stage would have to let wait, those whose place would be free by now.
    pub(super) fn freed(&self, stage: &Stage, reader: &Reader) -> Result<Vec<i64>> {
        let (target, left) = (Table::of(stage.target())?, self.databases.get(stage.target()));
        let mut freed = Vec::new();
        let tried = self.stages.get(&stage.number());
        for (record, holder) in tried.into_iter().flat_map(|tried| &tried.waiting) {
            let is_refused_in_place =
                |holder: &Holder| left.is_some_and(|left| left.refused.contains(&holder.record));
            let still_holds = |connection: &Connection| match holder {
                // What a stage in place would refuse keeps its place.
                Some(holder) if is_refused_in_place(holder) => Ok(true),
                Some(holder) => holder.still_holds(connection, &target),
                None => Ok(false),
            };
            if !reader.read(still_holds)? {
                freed.push(*record);
            }
        }
        Ok(freed)
    }

    /// Notes the records whose rows a batch would take away: they would wait for their places.
    fn take_away(&mut self, stage: &Stage, batch: &Batch) {
        for entry in &batch.entries {
            let (Some(row), Some(reason)) = (entry.target, entry.reason.as_deref()) else {
                continue;
            };
            let Some((places::REPLACED, holder)) = places::reason(reason) else {
                continue;
            };
            // Of the stages that were tried, the one that has come to the record; of derived rows none is known.
            let later = entry.record < row;
            let owners = self.stages.iter_mut().filter(|(number, tried)| {
                **number <= stage.number()
                    && tried.records.contains(&row)
                    && !(later && **number == stage.number())
            });
            for (_, tried) in owners {
                tried.waiting.push((row, holder.clone()));
            }
        }
    }
}

impl StageForecast {
    fn add(&mut self, batch: &Batch) {
        let records = batch.entries.iter().map(|entry| entry.record);
        let records: HashSet<i64> = records.collect();
        self.waiting.retain(|(record, _)| !records.contains(record));
        self.records.extend(records);
        for entry in &batch.entries {
            let reason = entry.reason.as_deref().and_then(places::reason);
            if let Some((places::EXISTS | places::EDITED, holder)) = reason {
                self.waiting.push((entry.record, holder));
            }
        }
    }
}

impl DatabaseForecast {
    fn add(&mut self, stage: &Stage, batch: &Batch) {
        for entry in &batch.entries {
            let number = entry.target.unwrap_or(entry.record);
            if entry.before != entry.after {
                self.changed.push((number, stage.number(), stage.in_place()));
            } else if entry.outcome == EntryOutcome::Filtered {
                self.filtered.push(number);
            }
            if entry.after.is_some() || entry.outcome == EntryOutcome::Filtered {
                self.settled.extend([entry.record, number]);
            }
            if stage.in_place() && entry.outcome == EntryOutcome::Refused {
                self.refused.insert(number);
            } else {
                self.refused.remove(&number);
            }
            if entry.after.is_some() {
                self.standing.insert(number);
            } else {
                self.standing.remove(&number);
            }
        }
    }
}

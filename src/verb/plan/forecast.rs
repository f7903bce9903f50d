//! The results of a plan so far: which records of which stage it tried, and what it would leave in each database. The
//! ledger knows nothing of this.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;

use crate::engine::{Foreseen, ForeseenPlaces, Home, PlannedRows, ReadConnection};
use crate::error::Result;
use crate::ledger::absences::PlannedChanges;
use crate::ledger::cross_reference::PlannedMembers;
use crate::ledger::stage_input::StageInput;
use crate::ledger::{Batch, Entry, EntryOutcome, ImageKind, id_in, places, rows};
use crate::lookup::LookupBy;
use crate::record::{RecordNumber, RecordSet};
use crate::refusal::Holder;
use crate::stage::{OnConflict, Stage, Stages};
use crate::store::Table;

/// Results of the stages so far.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    /// Stages by their numbers.
    stages: BTreeMap<u32, StageForecast>,
    /// What the stages would leave in each database.
    databases: BTreeMap<String, DatabaseForecast>,
    /// Stages with the same source and target as another one: their records have the same numbers.
    sharing: BTreeSet<u32>,
    /// Databases whose rows' owners are needed.
    asked: BTreeSet<String>,
    project: String,
    /// What would be made of source records, in the databases in which a stage looks for it.
    members: BTreeMap<String, Arc<PlannedMembers>>,
    rows: PlannedRows,
}

/// Results of a stage so far.
#[derive(Debug, Default)]
pub(super) struct StageForecast {
    /// Records that were tried.
    pub(super) records: RecordSet,
    /// Number of changes of its source that it has registered.
    changes: usize,
    /// Those of them that it has not processed since.
    pending: RecordSet,
    /// Records that would wait for a place in the target, and the rows that they would wait for.
    waiting: Vec<(RecordNumber, Option<Holder>)>,
}

/// What would be left in a database.
#[derive(Debug, Default)]
pub(super) struct DatabaseForecast {
    /// Rows that would be written, changed or removed, each with the stage that does it and whether that stage works in
    /// place.
    changed: Changes,
    /// Rows that a stage would leave out without changing anything, each with the stage: records that a later stage
    /// refused in place may be among them.
    filtered: Vec<(RecordNumber, u32)>,
    /// Tried records whose rows would exist.
    pub(super) standing: RecordSet,
    /// Records that a stage would leave out, or write.
    settled: RecordSet,
    /// Rows that a stage in place would refuse, with their ids.
    refused: BTreeMap<RecordNumber, String>,
    /// Approximate number of rows, if only a sample was tried.
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

    /// Returns whether a later stage has been tried.
    fn is_beyond(&self, number: u32) -> bool {
        self.stages.keys().any(|tried| *tried > number)
    }

    /// Creates the forecast of a plan for these stages.
    pub(super) fn new(stages: &Stages) -> Self {
        let shares_numbers = |stage: &&Stage| {
            let ends = |stage: &Stage| (stage.source().to_owned(), stage.target().to_owned());
            let shares = |other: &Stage| other.number() != stage.number() && ends(other) == ends(stage);
            !stage.in_place() && stages.iter().any(shares)
        };
        let sharing: BTreeSet<u32> = stages.iter().filter(shares_numbers).map(Stage::number).collect();
        let is_asked =
            |stage: &&Stage| stage.on_conflict() == OnConflict::Replace || sharing.contains(&stage.number());
        let asked = stages.iter().filter(is_asked);
        Self {
            asked: asked.map(|stage| stage.target().to_owned()).collect(),
            sharing,
            project: stages.project().to_owned(),
            members: looked_into(stages)
                .map(|through| (through, Arc::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Returns whether another stage of the plan copies from a stage's source to its target.
    pub(super) fn shares_numbers(&self, stage: &Stage) -> bool {
        self.sharing.contains(&stage.number())
    }

    /// Begins a pass of a stage: a first pass reads its source as it would be now, any other what it is given.
    pub(super) fn begin(&mut self, stage: &Stage, is_first: bool) {
        let pending = if is_first {
            Vec::new()
        } else {
            self.changes(stage).collect()
        };
        let source = self.databases.get_mut(stage.source());
        let changes = source.map_or(0, |source| source.changed.close());
        let tried = self.stages.entry(stage.number()).or_default();
        tried.changes = changes;
        tried.pending = pending.into_iter().collect();
    }

    /// Returns what a pass of a stage would find that the ledger does not know; `newest` is the newest assigned number.
    pub(super) fn foreseen(&self, stage: &Stage, newest: RecordNumber) -> Foreseen {
        let mut foreseen = Foreseen {
            is_beyond: self.is_beyond(stage.number()),
            rows: self.rows.clone(),
            newest: Some(newest),
            members: self.members.clone(),
            ..Foreseen::default()
        };
        let target = self.databases.get(stage.target());
        if let Some(target) = target.filter(|_| stage.in_place()) {
            foreseen.settled.clone_from(&target.settled);
        } else if let Some(target) = target {
            foreseen.places = ForeseenPlaces {
                settled: target.settled.clone(),
                refused: target.refused.clone(),
            };
        }
        foreseen
    }

    /// Adds a batch that a stage would commit.
    pub(super) fn add(&mut self, reader: &ReadConnection, stage: &Stage, batch: &Batch) -> Result<()> {
        self.stages.entry(stage.number()).or_default().add(batch);
        if let Some(members) = self.members.get_mut(stage.target()).filter(|_| !stage.in_place()) {
            let feeder = (stage.number(), stage.source());
            Arc::make_mut(members).add(&self.project, feeder, &batch.entries);
        }
        if self.asked.contains(stage.target()) && !stage.in_place() {
            for entry in batch.entries.iter().filter(|entry| entry.after.is_some()) {
                let row = entry.target.unwrap_or(entry.record);
                self.rows.add(
                    (stage.number(), entry.record),
                    Home {
                        part: entry.part,
                        row,
                    },
                );
            }
        }
        self.take_away(reader, stage, batch)?;
        let target = self.databases.entry(stage.target().to_owned()).or_default();
        target.add(stage, batch);
        Ok(())
    }

    /// Returns the records of a stage's source that would be changed, and that the stage has not seen since.
    pub(super) fn changes(&self, stage: &Stage) -> impl Iterator<Item = RecordNumber> {
        let (number, in_place) = (stage.number(), stage.in_place());
        let source = self.databases.get(stage.source());
        // As in the ledger: a stage in place feeds only those after it, and is fed only by those before it.
        let feeds = move |run: &&ChangedRun| {
            run.stage < number || (run.stage != number && !run.in_place && !in_place)
        };
        // Without a source there is nothing pending of it either.
        let tried = self.stages.get(&number).filter(|_| source.is_some());
        let seen = tried.map_or(0, |tried| tried.changes);
        let runs = source.into_iter().flat_map(|source| &source.changed.runs);
        let pending = tried.into_iter().flat_map(|tried| tried.pending.iter());
        runs.skip(seen)
            .filter(feeds)
            .flat_map(|run| (run.first.get()..=run.last.get()).map(RecordNumber::new))
            .chain(pending)
    }

    /// Returns the rows that an earlier stage would leave out, in the database in which a stage works in place.
    pub(super) fn left_out_before(&self, stage: &Stage) -> Vec<RecordNumber> {
        let source = self.databases.get(stage.source()).filter(|_| stage.in_place());
        let filtered = source.into_iter().flat_map(|source| &source.filtered);
        filtered
            .filter(|(_, by)| *by < stage.number())
            .map(|(row, _)| *row)
            .collect()
    }

    /// Returns the records that, by the ledger, wait for a place whose row a stage in place would refuse: that row
    /// keeps the place.
    pub(super) fn kept_waiting(
        &self,
        connection: &Connection,
        stage: StageInput<'_>,
    ) -> Result<BTreeSet<RecordNumber>> {
        let mut kept = BTreeSet::new();
        let Some(target) = self
            .databases
            .get(stage.target)
            .filter(|target| !target.refused.is_empty())
        else {
            return Ok(kept);
        };
        for waiting in places::waiting(connection, stage, false)? {
            let holder = waiting
                .holder
                .filter(|holder| target.refused.contains_key(&holder.record));
            kept.extend(holder.map(|_| waiting.record));
        }
        Ok(kept)
    }

    /// Returns those waiting records of a stage whose place would be free by now.
    pub(super) fn freed(&self, stage: &Stage, reader: &ReadConnection) -> Result<Vec<RecordNumber>> {
        let (target, left) = (
            Table::from_name(stage.target())?,
            self.databases.get(stage.target()),
        );
        let mut freed = Vec::new();
        let tried = self.stages.get(&stage.number());
        for (record, holder) in tried.into_iter().flat_map(|tried| &tried.waiting) {
            let is_refused_in_place =
                |holder: &Holder| left.is_some_and(|left| left.refused.contains_key(&holder.record));
            let still_holds = |connection: &Connection| match holder {
                // A row that a stage in place would refuse keeps its place.
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

    /// Registers the records whose rows a batch would remove: they would wait for their places.
    fn take_away(&mut self, reader: &ReadConnection, stage: &Stage, batch: &Batch) -> Result<()> {
        let records: HashSet<RecordNumber> = batch.entries.iter().map(|entry| entry.record).collect();
        for entry in &batch.entries {
            let row = entry.target.unwrap_or(entry.record);
            let Some(reason) = entry.reason.as_deref() else {
                continue;
            };
            let Some((places::REPLACED, holder)) = places::reason(reason) else {
                continue;
            };
            // A record that comes later in the batch is processed already.
            let is_later = |number: u32, record: RecordNumber| {
                number == stage.number() && record > entry.record && records.contains(&record)
            };
            let Some((number, record)) = self.owner(reader, stage, row)? else {
                continue;
            };
            if !is_later(number, record) {
                let tried = self.stages.entry(number).or_default();
                tried.waiting.push((record, holder));
            }
        }
        Ok(())
    }

    /// Returns the stage and the source record of a row, by this plan or by the ledger; `None` when no stage brought it
    /// there.
    fn owner(
        &self,
        reader: &ReadConnection,
        stage: &Stage,
        row: RecordNumber,
    ) -> Result<Option<(u32, RecordNumber)>> {
        if stage.in_place() {
            return Ok(Some((stage.number(), row)));
        }
        if let Some(owner) = self.rows.owner(row) {
            return Ok(Some(owner));
        }
        let changes = |connection: &Connection| rows::changes_of_row(connection, stage.target(), row);
        let changes = reader.read(changes)?;
        let mut copied = changes.iter().filter(|change| change.copies);
        Ok(copied.find_map(|change| Some((change.stage.as_ref()?.1, change.record))))
    }
}

impl PlannedChanges for Forecast {
    fn rows(&self, through: &str) -> Vec<RecordNumber> {
        let changed = self.databases.get(through).map(|left| &left.changed.runs);
        let runs = changed.into_iter().flatten();
        let mut rows: Vec<RecordNumber> = runs
            .flat_map(|run| (run.first.get()..=run.last.get()).map(RecordNumber::new))
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn members(&self, through: &str) -> Option<Arc<PlannedMembers>> {
        self.members.get(through).cloned()
    }
}

/// Returns the databases in which stages look for what source records have become.
fn looked_into(stages: &Stages) -> impl Iterator<Item = String> {
    let queries = stages.iter().flat_map(Stage::lookups);
    queries
        .filter(|query| query.by == LookupBy::Member)
        .map(|query| query.through.clone())
}

impl StageForecast {
    fn add(&mut self, batch: &Batch) {
        let records = batch.entries.iter().map(|entry| entry.record);
        let records: HashSet<RecordNumber> = records.collect();
        self.waiting.retain(|(record, _)| !records.contains(record));
        for record in &records {
            self.pending.remove(*record);
        }
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
        let refused = batch
            .images
            .iter()
            .filter(|image| image.kind == ImageKind::Refused);
        let ids = refused.filter_map(|image| Some((image.record, id_in(&image.body)?)));
        let ids: HashMap<RecordNumber, &str> = ids.collect();
        for entry in &batch.entries {
            let number = entry.target.unwrap_or(entry.record);
            if entry.before != entry.after {
                self.changed.push(number, stage.number(), stage.in_place());
            } else if is_taken_back(entry) {
                self.filtered.push((number, stage.number()));
            }
            if entry.after.is_some() || is_taken_back(entry) {
                self.settled.extend([entry.record, number]);
            }
            if stage.in_place() && entry.outcome == EntryOutcome::Refused {
                let id = ids.get(&number).copied().unwrap_or_default();
                self.refused.insert(number, id.to_owned());
            } else {
                self.refused.remove(&number);
            }
            if entry.after.is_some() {
                self.standing.insert(number);
            } else {
                self.standing.remove(number);
            }
        }
    }
}

/// Rows that would be changed, in that order: in runs of consecutive numbers.
#[derive(Debug, Default)]
struct Changes {
    runs: Vec<ChangedRun>,
    /// Whether the last run may continue.
    is_open: bool,
}

/// Rows that one stage would change one after the other.
#[derive(Clone, Copy, Debug)]
struct ChangedRun {
    first: RecordNumber,
    last: RecordNumber,
    stage: u32,
    in_place: bool,
}

impl Changes {
    fn push(&mut self, number: RecordNumber, stage: u32, in_place: bool) {
        let last = self.runs.last_mut().filter(|_| self.is_open);
        match last {
            Some(run) if (run.stage, run.in_place, run.last.next()) == (stage, in_place, number) => {
                run.last = number;
            }
            _ => self.runs.push(ChangedRun {
                first: number,
                last: number,
                stage,
                in_place,
            }),
        }
        self.is_open = true;
    }

    /// Ends the last run, and returns the number of runs: later changes are in others.
    fn close(&mut self) -> usize {
        self.is_open = false;
        self.runs.len()
    }
}

/// Returns whether an entry says that nothing is brought to a row any more, though the row may not exist.
fn is_taken_back(entry: &Entry) -> bool {
    let is_part = entry.target.is_some() && entry.after.is_none() && entry.outcome != EntryOutcome::Refused;
    entry.outcome == EntryOutcome::Filtered || is_part
}

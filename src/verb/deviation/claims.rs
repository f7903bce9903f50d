//! The same records from scratch: which record would have which id, had all of them come at once, in the order of the
//! stages and of the records' numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::cause::{Deviation, DeviationCause};
use super::clusters::{Cluster, MergedClusters};
use super::special::Special;
use crate::context::Context;
use crate::digest::{Hash, Salt, derived_salt};
use crate::engine::{Answers, golden, is_member, looking_up, source_as_read};
use crate::error::Result;
use crate::expression::Scope;
use crate::ledger::places::{self, KeptPlaces};
use crate::ledger::processed::first_id;
use crate::ledger::read::salt;
use crate::ledger::rows;
use crate::ledger::stage_input::StageInput;
use crate::lookup::Lookups;
use crate::record::{Record, RecordNumber};
use crate::stage::{Merge, OnConflict, Outcome, Stage};
use crate::store::{Salted, Store, Table};

/// Owner of a row: the stage that brings it to the target, 0 when none does, and its source record.
type Owner = (u32, RecordNumber);

/// Id and data.
type Row = (String, String);

/// A row that a record would have.
#[derive(Clone, Debug)]
struct ExpectedRow {
    /// Id that it takes.
    id: String,
    /// Whether a stage in place leaves the row as it is, so that it has its id before the others get theirs.
    stays: bool,
    /// The row; `None` when a stage in place refused it. Its place is kept.
    row: Option<Row>,
}

/// Records of one target, and the ids that they would have.
pub(super) struct TargetClaims<'a> {
    store: &'a Store,
    project: &'a str,
    target: Table,
    stages: Vec<&'a Stage>,
    /// What the stages that merge have made of which records.
    merged: &'a MergedClusters<'a>,
    /// Rows that the inspected records would have.
    wanted: BTreeMap<Owner, Vec<ExpectedRow>>,
    /// Inspected ids.
    ids: BTreeSet<String>,
    /// Places of the records that stages in place refused.
    kept: KeptPlaces,
}

impl<'a> TargetClaims<'a> {
    pub(super) fn new(
        store: &'a Store,
        project: &'a str,
        (target, merged): (Table, &'a MergedClusters<'a>),
        stages: Vec<&'a Stage>,
    ) -> Result<Self> {
        Ok(Self {
            kept: places::kept(store.connection(), &target)?,
            store,
            project,
            target,
            stages,
            merged,
            wanted: BTreeMap::new(),
            ids: BTreeSet::new(),
        })
    }

    /// Compares the actual with the expected rows of these records and of those that they collide with.
    pub(super) fn compare(mut self, special: &BTreeSet<Special>) -> Result<Vec<Deviation>> {
        let mut left: Vec<Owner> = Vec::new();
        let mut of_owner: BTreeMap<Owner, Vec<&Special>> = BTreeMap::new();
        for special in special {
            let owner = self.owner_of_source(special)?;
            of_owner.entry(owner).or_default().push(special);
            left.push(owner);
            left.extend(self.look_at(special.gone.as_deref())?);
            if let Some(holder) = special.holder {
                left.push(self.owner_of_row(holder)?);
            }
        }
        while let Some(owner) = left.pop() {
            if self.wanted.contains_key(&owner) {
                continue;
            }
            let wanted = self.wants(owner)?;
            for row in self.rows_of(owner)? {
                left.extend(self.look_at(Some(&row.id))?);
            }
            for ExpectedRow { id, row, .. } in &wanted {
                left.extend(self.look_at(Some(id))?);
                left.extend(self.look_at(row.as_ref().map(|(id, _)| id.as_str()))?);
            }
            self.wanted.insert(owner, wanted);
        }
        let from_scratch = self.scratch();
        let mut wanting: BTreeMap<&str, Vec<&Owner>> = BTreeMap::new();
        for owner in of_owner.keys() {
            for wanted in self.wanted.get(owner).into_iter().flatten() {
                wanting.entry(&wanted.id).or_default().push(owner);
            }
        }
        let mut found = Vec::new();
        for id in &self.ids {
            let is = self.holder(id)?;
            let would_be = from_scratch.get(id);
            let same = match (&is, would_be) {
                (None, None) => true,
                (Some((owner, data)), Some((wanted, wanted_data))) => {
                    // A record that is not special is as its stage wrote it.
                    data == wanted_data || (owner == wanted && !of_owner.contains_key(owner))
                }
                _ => false,
            };
            if !same {
                let owners = is
                    .iter()
                    .map(|(owner, _)| owner)
                    .chain(would_be.map(|(owner, _)| owner));
                let owners = owners.chain(wanting.get(id.as_str()).into_iter().flatten().copied());
                found.push(self.blame(id, owners.copied(), &of_owner, special));
            }
        }
        Ok(found)
    }

    /// Inspects an id, and returns the owner of its row or of its kept place.
    fn look_at(&mut self, id: Option<&str>) -> Result<Option<Owner>> {
        let Some(id) = id else { return Ok(None) };
        self.ids.insert(id.to_owned());
        match (self.holder(id)?, self.kept.holder(id)) {
            (Some((owner, _)), _) => Ok(Some(owner)),
            (None, Some((row, _))) => Ok(Some(self.owner_of_row(row)?)),
            (None, None) => Ok(None),
        }
    }

    /// Returns the record that causes a deviation: the owner of the actual or expected row, or a record that claims its
    /// id.
    fn blame(
        &self,
        id: &str,
        owners: impl Iterator<Item = Owner>,
        of_owner: &BTreeMap<Owner, Vec<&Special>>,
        all: &BTreeSet<Special>,
    ) -> Deviation {
        let special = owners
            .filter_map(|owner| of_owner.get(&owner))
            .flatten()
            .copied()
            .min();
        let by = special.or_else(|| all.first());
        Deviation {
            database: self.target.name().to_owned(),
            id: id.to_owned(),
            cause: by.map_or(DeviationCause::Refused, |special| special.cause),
            stage: by.map_or(0, |special| special.stage),
            record: by.map(|special| special.record).unwrap_or_default(),
        }
    }

    /// Returns the owner of the row that a special record would have.
    fn owner_of_source(&self, special: &Special) -> Result<Owner> {
        let copies = |stage: &&&Stage| stage.number() == special.stage && !stage.in_place();
        if self.stages.iter().any(|stage| copies(&stage)) {
            let clusters = self.merged.of(special.stage)?;
            let first = clusters.map_or(special.record, |clusters| clusters.first_of(special.record));
            return Ok((special.stage, first));
        }
        self.owner_of_row(special.record)
    }

    fn owner_of_row(&self, row: RecordNumber) -> Result<Owner> {
        let changes = rows::changes_of_row(self.store.connection(), self.target.name(), row)?;
        // For this project, rows brought by a stage of another project exist already.
        let writer = rows::owner(&changes).filter(|(project, ..)| *project == self.project);
        let Some((_, number, record)) = writer else {
            return Ok((0, row));
        };
        let clusters = self.merged.of(number)?;
        let first = clusters.and_then(|clusters| clusters.first_in(row));
        Ok((number, first.unwrap_or(record)))
    }

    /// Returns the current owner of an id, and the row's data.
    fn holder(&self, id: &str) -> Result<Option<(Owner, String)>> {
        let connection = self.store.connection();
        let Some(Salted { record, .. }) = self.target.by_id(connection, id)? else {
            return Ok(None);
        };
        Ok(Some((self.owner_of_row(record.number)?, record.data)))
    }

    /// Returns the rows of the target that belong to a record.
    fn rows_of(&self, (stage, record): Owner) -> Result<Vec<Record>> {
        let connection = self.store.connection();
        let numbers = match self.merged.of(stage)? {
            Some(clusters) => clusters
                .by_first(record)
                .map_or_else(Vec::new, |cluster| cluster.goldens.clone()),
            None => rows::rows_of_record(connection, (self.project, stage), record)?,
        };
        let rows = self.target.by_numbers(connection, &numbers, usize::MAX)?;
        let mut own = Vec::new();
        for row in rows.into_iter().flatten() {
            if self.owner_of_row(row.record.number)? == (stage, record) {
                own.push(row.record);
            }
        }
        Ok(own)
    }

    /// Returns what the stages would produce from a record.
    fn wants(&self, (number, record): Owner) -> Result<Vec<ExpectedRow>> {
        let connection = self.store.connection();
        let Some(stage) = self.stages.iter().find(|stage| stage.number() == number) else {
            return self.wants_in_place(record);
        };
        if let (Some(merge), Some(clusters)) = (stage.merge(), self.merged.of(number)?) {
            let cluster = clusters.by_first(record).cloned().unwrap_or_default();
            let golden = self.golden((stage, merge), &cluster)?;
            return Ok(golden.into_iter().collect());
        }
        let source = source_as_read(connection, self.project, stage, record)?;
        let drawn = salt(connection, record)?;
        let made = match source {
            Some(source) => self.made(stage, &source, drawn)?,
            None => Vec::new(),
        };
        let mut wanted = Vec::with_capacity(made.len());
        for (part, row) in (1..).zip(made) {
            let id = row.0.clone();
            let of_part = |parent: Salt| derived_salt(&parent, number, part);
            let own = if stage.derives() {
                drawn.map(of_part)
            } else {
                drawn
            };
            let row = self.changed_in_place(number, (record, own), row)?;
            wanted.extend(self.expected(id, row));
        }
        Ok(wanted)
    }

    /// Returns the golden record that a cluster would have.
    fn golden(&self, (stage, merge): (&Stage, &Merge), cluster: &Cluster) -> Result<Option<ExpectedRow>> {
        let connection = self.store.connection();
        let source = Table::from_name(stage.source())?;
        let (now_us, secrets) = (
            self.store.environment().clock.now_us(),
            &self.store.environment().secrets,
        );
        let context = Context::new(self.project, stage.number(), secrets).now_us(now_us);
        let context = context.limits(self.store.options().limits);
        let mut members = Vec::with_capacity(cluster.members.len());
        for member in &cluster.members {
            let Some(found) = source.by_number(connection, *member)? else {
                continue;
            };
            if is_member(stage, context, &found) {
                members.push(found);
            }
        }
        let Some(carrier) = members.first() else {
            return Ok(None);
        };
        let (number, own, id) = if let Some(golden) = cluster.goldens.first() {
            let row = self.target.by_number(connection, *golden)?;
            let id = match row {
                Some(row) => Some(row.record.id),
                None => first_id(connection, *golden)?,
            };
            (*golden, salt(connection, *golden)?, id)
        } else {
            let own = carrier.salt.map(|salt| derived_salt(&salt, stage.number(), 0));
            (carrier.record.number, own, None)
        };
        let members: Vec<&Salted> = members.iter().collect();
        let Ok(made) = golden((stage, merge), context, &members, id.as_deref()) else {
            return Ok(None);
        };
        let id = made.output.id.clone();
        let row = (made.output.id, made.output.data);
        let row = self.changed_in_place(stage.number(), (number, own), row)?;
        Ok(self.expected(id, row))
    }

    /// Returns the row that a record would have under an id, and what the stages in place would make of it.
    fn expected(&self, id: String, row: Option<Row>) -> Option<ExpectedRow> {
        match (self.rekeys(), row) {
            (None, row) => Some(ExpectedRow {
                id,
                stays: false,
                row,
            }),
            (Some(_), row) => row.map(|row| ExpectedRow {
                stays: row.0 == id,
                id: row.0.clone(),
                row: Some(row),
            }),
        }
    }

    /// Returns what the stages in place after a given stage make of a row; `None` when one of them refuses it.
    fn changed_in_place(
        &self,
        after: u32,
        (number, drawn): (RecordNumber, Option<Salt>),
        row: Row,
    ) -> Result<Option<Row>> {
        let stages = self
            .stages
            .iter()
            .filter(|later| later.in_place() && later.number() > after);
        let mut row = Some(row);
        for stage in stages {
            let Some((id, data)) = row.take() else { break };
            let record = Record { number, id, data };
            row = self.made(stage, &record, drawn)?.pop();
        }
        Ok(row)
    }

    /// Returns the stage in place that gives ids: records from all stages collide there.
    fn rekeys(&self) -> Option<&&Stage> {
        self.stages
            .iter()
            .find(|stage| stage.in_place() && !stage.takes_over_ids())
    }

    /// Returns what the stages in place would make of a record that no stage brings there: its current state, unless
    /// the stages have more to do.
    fn wants_in_place(&self, record: RecordNumber) -> Result<Vec<ExpectedRow>> {
        let connection = self.store.connection();
        let Some(found) = self.target.by_number(connection, record)? else {
            return self.wants_out_of_place(record);
        };
        let stays = rows::is_left_in_place(connection, self.target.name(), record)?;
        // A row that was changed by hand is not compared with its earlier version, which differed.
        let is_edited = self.is_edited_in_place(record, found.hash())?;
        let data = if is_edited {
            String::new()
        } else {
            found.record.data
        };
        let mut rows: Vec<Row> = vec![(found.record.id, data)];
        for stage in &self.stages {
            let aside = places::waiting(connection, StageInput::new(self.project, stage), true)?;
            if aside
                .iter()
                .any(|waiting| waiting.record == record && !waiting.edited)
                && let Some(source) = source_as_read(connection, self.project, stage, record)?
            {
                rows = self.made(stage, &source, salt(connection, record)?)?;
            }
        }
        let wanted = |row: Row| ExpectedRow {
            id: row.0.clone(),
            stays,
            row: Some(row),
        };
        Ok(rows.into_iter().map(wanted).collect())
    }

    /// Returns what would become of a record that a stage in place removed from the target.
    fn wants_out_of_place(&self, record: RecordNumber) -> Result<Vec<ExpectedRow>> {
        for stage in self.stages.iter().filter(|stage| stage.in_place()) {
            let Some(source) = source_as_read(self.store.connection(), self.project, stage, record)? else {
                continue;
            };
            let row = if self.is_edited_in_place(record, None)? {
                Some((source.id.clone(), String::new()))
            } else {
                self.made(stage, &source, salt(self.store.connection(), record)?)?
                    .pop()
            };
            let id = match (&row, self.rekeys()) {
                (Some((id, _)), Some(_)) => id.clone(),
                (None, Some(_)) => continue,
                (_, None) => source.id,
            };
            let stays = false;
            return Ok(vec![ExpectedRow { id, stays, row }]);
        }
        Ok(Vec::new())
    }

    fn is_edited_in_place(&self, record: RecordNumber, now: Option<Hash>) -> Result<bool> {
        let changes = rows::changes_of_row(self.store.connection(), self.target.name(), record)?;
        Ok(rows::edited_in_place(&changes, now).is_some())
    }

    fn made(&self, stage: &Stage, source: &Record, drawn: Option<Salt>) -> Result<Vec<Row>> {
        let environment = self.store.environment();
        let transformed = |lookups: Option<&dyn Lookups>| {
            let mut scope = Scope::new(Context {
                project: self.project,
                stage: stage.number(),
                id: &source.id,
                salt: drawn,
                now_us: environment.clock.now_us(),
                secrets: &environment.secrets,
                limits: self.store.options().limits,
                probe: None,
                lookups,
            });
            stage.transform_in(source, &mut scope)
        };
        let answers = Answers::of(stage);
        let made = looking_up(self.store.connection(), answers.as_ref(), transformed)?;
        Ok(match made {
            Ok(Outcome::Write(output)) => vec![(output.id, output.data)],
            Ok(Outcome::Derive(outputs)) => outputs
                .into_iter()
                .map(|output| (output.id, output.data))
                .collect(),
            Ok(Outcome::Filter(_)) if stage.in_place() => vec![(source.id.clone(), source.data.clone())],
            Ok(Outcome::Filter(_)) | Err(_) => Vec::new(),
        })
    }

    /// Assigns every id to its owner, in the order of the stages and of the records' numbers; rows that no stage
    /// brought exist already.
    fn scratch(&self) -> BTreeMap<String, (Owner, String)> {
        let mut held: BTreeMap<&str, (Owner, &Option<Row>)> = BTreeMap::new();
        let rekeys = self.rekeys();
        let mut owners: Vec<&Owner> = self.wanted.keys().collect();
        if rekeys.is_some() {
            // A stage in place gives the ids, no matter which stage brought the records.
            let stays = |owner: &Owner| self.wanted[owner].iter().any(|wanted| wanted.stays);
            owners.sort_by_key(|owner| (!stays(owner), owner.1));
        }
        for owner in owners {
            let copies = self.stages.iter().find(|stage| stage.number() == owner.0);
            let policy = rekeys
                .or(copies)
                .map_or(OnConflict::Refuse, |stage| stage.on_conflict());
            let rows = &self.wanted[owner];
            let is_taken = |wanted: &ExpectedRow| held.contains_key(wanted.id.as_str());
            if policy == OnConflict::Refuse && rows.iter().any(is_taken) {
                continue;
            }
            for ExpectedRow { id, row, .. } in rows {
                if policy == OnConflict::Replace || !held.contains_key(id.as_str()) {
                    held.insert(id, (*owner, row));
                }
            }
        }
        let standing = held.into_values().filter_map(|(owner, row)| {
            let (id, data) = row.clone()?;
            Some((id, (owner, data)))
        });
        standing.collect()
    }
}

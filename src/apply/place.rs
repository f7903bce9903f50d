//! Placing a stage's results: what each result means for the target's rows, the stubs and the images. Pure but for
//! the look-up of ids.

use std::collections::HashSet;

use rusqlite::Connection;

use super::claims::Claims;
use crate::digest::{Hash, Salt, commitment, derived_salt};
use crate::error::{Error, Result};
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, before_image, whole};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::stage::{OnConflict, Outcome, Output, Stage};
use crate::store::{Salted, Table};

/// The reason in the stub of a row that another record has replaced.
const TARGET_REPLACED: &str = r#"{"code":"target.replaced"}"#;

/// One source record on its way through a stage.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its number.
    pub(crate) number: i64,
    /// The record; `None` when the source no longer has it.
    pub(crate) source: Option<Salted>,
    /// Whether it stands in the source; a refused record in place comes from quarantine.
    pub(crate) present: bool,
    /// What the target holds for it from earlier.
    pub(crate) standing: Vec<Standing>,
}

/// What the target holds for one part of a source record.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) part: i64,
    /// The number in the target.
    pub(crate) target: i64,
    /// That number's salt.
    pub(crate) salt: Salt,
    /// The row; `None` when there is none at the moment.
    pub(crate) row: Option<Record>,
}

impl Standing {
    /// Whether a stub is about a row that was another record's, and not about a part of its own record.
    pub(crate) fn is_replaced(stub: &Entry) -> bool {
        stub.reason.as_deref() == Some(TARGET_REPLACED)
    }

    fn hash(&self) -> Option<Hash> {
        self.row
            .as_ref()
            .map(|row| commitment(&self.salt, &row.id, &row.data))
    }
}

/// Places the results of one batch.
pub(crate) struct Placer<'p> {
    pub(crate) stage: &'p Stage,
    pub(crate) table: &'p Table,
    /// `None` while only this pass may write to the target and ids are taken over: then nothing needs a look.
    pub(crate) lookup: Option<&'p Connection>,
    pub(crate) claims: &'p mut Claims,
    /// The newest record number given out.
    pub(crate) newest: &'p mut i64,
    pub(crate) batch: &'p mut Batch,
    /// What stands in the stub of the record at hand, where it is written with a warning.
    pub(crate) warned: Option<String>,
}

impl Placer<'_> {
    /// Places one result: changes, stubs and images go to the batch, and the record is counted once.
    pub(crate) fn place(&mut self, mut item: Item, result: Result<Outcome, Refusal>) -> Result<()> {
        self.batch.covers(item.number);
        if self.stage.on_conflict() == OnConflict::Replace {
            self.refresh(&mut item);
        }
        let outcome = match result {
            Ok(Outcome::Write(output)) => self.write(&item, vec![(0, output)])?,
            Ok(Outcome::Derive(_)) if self.stage.in_place() => {
                // The parts would be read, and derived from, in their turn.
                self.refuse(&item, &Refusal::new("derive.in_place", ""))?
            }
            Ok(Outcome::Derive(outputs)) => self.write(&item, (1..).zip(outputs).collect())?,
            Ok(Outcome::Filter(code)) => self.filter(&item, &code)?,
            Err(refusal) => self.refuse(&item, &refusal)?,
        };
        self.batch.counts.count(outcome);
        Ok(())
    }

    /// What stood in the target may have been replaced by a record before this one in the same batch.
    fn refresh(&self, item: &mut Item) {
        for standing in &mut item.standing {
            if let Some(on_the_way) = self.claims.row(standing.target) {
                standing.row.clone_from(&on_the_way.row);
            }
        }
    }

    fn write(&mut self, item: &Item, outputs: Vec<(i64, Output)>) -> Result<EntryOutcome> {
        let (source, salt) = item.salted()?;
        let mut ids = HashSet::with_capacity(outputs.len());
        if outputs.len() > 1 && !outputs.iter().all(|(_, output)| ids.insert(output.id.as_str())) {
            return self.refuse(item, &Refusal::new("derive.same_id", ""));
        }
        let given_out = (*self.newest, self.batch.records.len());
        let (homes, gone) = self.homes(item, salt, &outputs);
        let mut replaced = Vec::new();
        for (home, (_, output)) in homes.iter().zip(&outputs) {
            let Some(owner) = self.other_owner(&output.id, item, home.target)? else {
                continue;
            };
            if self.stage.on_conflict() == OnConflict::Replace {
                replaced.push(self.owned(owner)?);
                continue;
            }
            // Numbers that were given out for parts are taken back: nothing of the record is written.
            *self.newest = given_out.0;
            self.batch.records.truncate(given_out.1);
            return match self.stage.on_conflict() {
                OnConflict::Refuse => self.refuse(item, &Refusal::new("target.exists", "")),
                _ => self.filter(item, "target.exists"),
            };
        }
        let same = |(home, (_, output)): (&Standing, &(i64, Output))| {
            let row = home.row.as_ref();
            row.is_some_and(|row| row.id == output.id && row.data == output.data)
        };
        let unchanged = gone.is_empty() && homes.iter().zip(&outputs).all(same);
        let outcome = if unchanged {
            EntryOutcome::Unchanged
        } else {
            EntryOutcome::Written
        };
        let input = (!self.stage.in_place()).then(|| commitment(salt, &source.id, &source.data));
        for old in &gone {
            self.remove(item.number, old, outcome, input, None);
        }
        let parts = homes.iter().chain(&gone).chain(&item.standing);
        let behind = parts.map(|standing| standing.part).max().unwrap_or(0);
        for (part, standing) in (behind + 1..).zip(replaced) {
            let standing = Standing { part, ..standing };
            self.remove(item.number, &standing, outcome, input, Some(TARGET_REPLACED));
        }
        for (home, (part, output)) in homes.iter().zip(outputs) {
            self.settle(item.number, part, home, output, outcome, input);
        }
        Ok(outcome)
    }

    /// Where the parts go, and what goes. A part goes where its id stands already, otherwise where its part stood;
    /// otherwise a 1:1 result goes under the source's own number, and a derived one under a new number.
    fn homes(
        &mut self,
        item: &Item,
        salt: &Salt,
        outputs: &[(i64, Output)],
    ) -> (Vec<Standing>, Vec<Standing>) {
        let mut left = item.standing.clone();
        let mut take =
            |fits: &dyn Fn(&Standing) -> bool| left.iter().position(fits).map(|at| left.swap_remove(at));
        let by_id: Vec<Option<Standing>> = outputs
            .iter()
            .map(|(_, output)| take(&|standing| standing.row.as_ref().is_some_and(|row| row.id == output.id)))
            .collect();
        let found: Vec<Option<Standing>> = outputs
            .iter()
            .zip(by_id)
            .map(|((part, _), found)| found.or_else(|| take(&|standing| standing.part == *part)))
            .collect();
        let homes = outputs
            .iter()
            .zip(found)
            .map(|((part, output), found)| match found {
                Some(standing) => Standing {
                    part: *part,
                    ..standing
                },
                None if *part == 0 => Standing {
                    part: 0,
                    target: item.number,
                    salt: *salt,
                    row: None,
                },
                None => self.new_home(salt, *part, &output.id),
            });
        let homes = homes.collect();
        left.retain(|standing| standing.row.is_some());
        left.sort_by_key(|standing| standing.part);
        // What goes needs stubs of its own, behind those of the parts that stay.
        let behind = item
            .standing
            .iter()
            .map(|standing| standing.part)
            .chain(outputs.iter().map(|(part, _)| *part));
        let mut behind = behind.max().unwrap_or(0);
        for standing in &mut left {
            if outputs.iter().any(|(part, _)| *part == standing.part) {
                behind += 1;
                standing.part = behind;
            }
        }
        (homes, left)
    }

    fn new_home(&mut self, salt: &Salt, part: i64, id: &str) -> Standing {
        *self.newest += 1;
        let (record, salt) = (*self.newest, derived_salt(salt, self.stage.number(), part));
        let (database, id) = (self.stage.target().to_owned(), Some(id.to_owned()));
        self.batch.records.push(NewRecord {
            record,
            database,
            id,
            salt,
        });
        Standing {
            part,
            target: record,
            salt,
            row: None,
        }
    }

    /// The number of another source's row that has an id.
    fn other_owner(&self, id: &str, item: &Item, home: i64) -> Result<Option<i64>> {
        let Some(connection) = self.lookup else {
            return Ok(None);
        };
        let owner = self.claims.owner(Some(connection), self.table, id)?;
        let own =
            |owner: &i64| *owner == home || item.standing.iter().any(|standing| standing.target == *owner);
        Ok(owner.filter(|owner| !own(owner)))
    }

    /// The rows that a record would take the place of.
    pub(crate) fn replaced(&self, item: &Item, result: &Result<Outcome, Refusal>) -> Result<Vec<i64>> {
        let outputs = match result {
            Ok(Outcome::Write(output)) => std::slice::from_ref(output),
            Ok(Outcome::Derive(outputs)) => outputs,
            _ => &[],
        };
        if self.stage.on_conflict() != OnConflict::Replace {
            return Ok(Vec::new());
        }
        let owners = outputs
            .iter()
            .map(|output| self.other_owner(&output.id, item, item.number));
        owners.filter_map(Result::transpose).collect()
    }

    /// The row that `on_conflict = "replace"` takes out of the way.
    fn owned(&self, owner: i64) -> Result<Standing> {
        if let Some(standing) = self.claims.row(owner) {
            return Ok(standing.clone());
        }
        let found = match self.lookup {
            Some(connection) => self.table.by_number(connection, owner)?,
            None => None,
        };
        let unknown = || Error::Damaged {
            what: format!("record {owner} owns an id but has no row"),
        };
        let Salted { record, salt } = found.ok_or_else(unknown)?;
        Ok(Standing {
            part: 0,
            target: owner,
            salt: salt.ok_or_else(unknown)?,
            row: Some(record),
        })
    }

    fn settle(
        &mut self,
        number: i64,
        part: i64,
        home: &Standing,
        output: Output,
        outcome: EntryOutcome,
        input: Option<Hash>,
    ) {
        let mut entry = Entry::new(number, part, outcome);
        entry.target = (home.target != number).then_some(home.target);
        entry.input = input;
        entry.before = home.hash();
        entry.after = Some(commitment(&home.salt, &output.id, &output.data));
        entry.reason = self.warned.take();
        let Output { id, data } = output;
        let record = home.target;
        if self.stage.on_conflict() == OnConflict::Replace {
            let (id, data) = (id.clone(), data.clone());
            self.claims.wrote_row(Record { record, id, data }, home.salt);
        }
        match &home.row {
            Some(row) if entry.before == entry.after => debug_assert_eq!((&row.id, &row.data), (&id, &data)),
            Some(row) => {
                self.keep_before(number, part, row, (&id, &data));
                self.moved(&row.id, &id, record);
                self.batch.changes.push(Change::Update { record, id, data });
            }
            None => {
                self.taken(&id, record);
                self.batch.changes.push(Change::Insert { record, id, data });
            }
        }
        self.batch.entries.push(entry);
    }

    fn keep_before(&mut self, record: i64, part: i64, old: &Record, new: (&str, &str)) {
        let (kind, body) = before_image((&old.id, &old.data), new);
        self.batch.images.push(Image {
            record,
            part,
            kind,
            body,
        });
    }

    fn taken(&mut self, id: &str, record: i64) {
        if self.lookup.is_some() {
            self.claims.take(id, record);
        }
    }

    fn moved(&mut self, old: &str, new: &str, record: i64) {
        if self.lookup.is_some() && old != new {
            self.claims.release(old);
            self.claims.take(new, record);
        }
    }

    /// Takes a row out of the target, with its before image.
    fn remove(
        &mut self,
        number: i64,
        old: &Standing,
        outcome: EntryOutcome,
        input: Option<Hash>,
        reason: Option<&str>,
    ) {
        let mut entry = Entry::new(number, old.part, outcome);
        entry.reason = reason.map(str::to_owned);
        entry.target = (old.target != number).then_some(old.target);
        entry.input = input;
        entry.before = old.hash();
        if let Some(row) = &old.row {
            let body = whole(&row.id, &row.data);
            self.batch.images.push(Image {
                record: number,
                part: old.part,
                kind: ImageKind::Whole,
                body,
            });
            self.batch.changes.push(Change::Delete { record: old.target });
            if self.lookup.is_some() {
                self.claims.release(&row.id);
            }
            if self.stage.on_conflict() == OnConflict::Replace {
                self.claims.wrote(Standing {
                    row: None,
                    ..old.clone()
                });
            }
        }
        self.batch.entries.push(entry);
    }

    /// Leaves the record out. In place it stays as it is, and comes back from quarantine as it was; a copy that an
    /// earlier pass made goes.
    fn filter(&mut self, item: &Item, code: &str) -> Result<EntryOutcome> {
        let input = item.source.as_ref().and_then(Salted::hash);
        let reason = serde_json::json!({ "code": code }).to_string();
        if self.stage.in_place() {
            return self.filter_in_place(item, input, reason);
        }
        let (own, parts): (Vec<_>, Vec<_>) = item.standing.iter().partition(|standing| standing.part == 0);
        if let Some(old) = own.first() {
            self.remove(item.number, old, EntryOutcome::Filtered, input, Some(&reason));
        } else {
            let mut entry = Entry::new(item.number, 0, EntryOutcome::Filtered);
            (entry.input, entry.reason) = (input, Some(reason));
            self.batch.entries.push(entry);
        }
        for old in parts {
            self.remove(item.number, old, EntryOutcome::Filtered, input, None);
        }
        Ok(EntryOutcome::Filtered)
    }

    fn filter_in_place(&mut self, item: &Item, hash: Option<Hash>, reason: String) -> Result<EntryOutcome> {
        let mut entry = Entry::new(item.number, 0, EntryOutcome::Filtered);
        (entry.after, entry.reason) = (hash, Some(reason));
        if item.present {
            entry.before = hash;
        } else if let Some(source) = &item.source {
            let Record { id, data, .. } = source.record.clone();
            if self.other_owner(&id, item, item.number)?.is_some() {
                return self.refuse(item, &Refusal::new("target.exists", ""));
            }
            self.taken(&id, item.number);
            let record = item.number;
            self.batch.changes.push(Change::Insert { record, id, data });
        }
        self.batch.entries.push(entry);
        Ok(EntryOutcome::Filtered)
    }

    /// Refuses the record. A copied record's source and whatever stands in the target stay; in place it leaves the
    /// database for quarantine, so that no old shape stands among new ones.
    fn refuse(&mut self, item: &Item, refusal: &Refusal) -> Result<EntryOutcome> {
        let (source, salt) = item.salted()?;
        let hash = commitment(salt, &source.id, &source.data);
        let mut entry = Entry::new(item.number, 0, EntryOutcome::Refused);
        entry.reason = Some(refusal.to_json());
        self.batch.halts |= refusal.halts;
        if self.stage.in_place() {
            if item.present {
                entry.before = Some(hash);
                self.batch.changes.push(Change::Delete { record: item.number });
                self.claims.release(&source.id);
            }
        } else {
            entry.input = Some(hash);
            for standing in &item.standing {
                let hash = standing.hash();
                let target = (standing.target != item.number).then_some(standing.target);
                if standing.part == 0 {
                    (entry.target, entry.before, entry.after) = (target, hash, hash);
                } else {
                    let mut part = Entry::new(item.number, standing.part, EntryOutcome::Refused);
                    (part.target, part.input, part.before, part.after) = (target, entry.input, hash, hash);
                    self.batch.entries.push(part);
                }
            }
        }
        self.batch.entries.push(entry);
        let body = whole(&source.id, &source.data);
        self.batch.images.push(Image {
            record: item.number,
            part: 0,
            kind: ImageKind::Refused,
            body,
        });
        Ok(EntryOutcome::Refused)
    }
}

impl Item {
    /// The record and its salt.
    fn salted(&self) -> Result<(&Record, &Salt)> {
        let found = self
            .source
            .as_ref()
            .and_then(|source| Some((&source.record, source.salt.as_ref()?)));
        found.ok_or_else(|| Error::Damaged {
            what: format!("record {} has a row but no salt", self.number),
        })
    }
}

//! Placing a stage's results: the effect of each decision on the target's rows, the entries and the images.

use rusqlite::Connection;

use super::claims::Claims;
use super::fate::{Arbiter, Decision, Displaced, Fate, Placement, outcome, reason};
use super::item::{Item, TargetRow};
use crate::digest::{Hash, Salt, commitment, derived_salt};
use crate::error::{Error, Result};
use crate::ledger::lookups::{Uses, with_uses};
use crate::ledger::places::{self, EDITED, EXISTS, KeptPlaces, REPLACED};
use crate::ledger::read;
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, before_image, whole};
use crate::record::{Record, RecordNumber};
use crate::refusal::{Holder, Refusal};
use crate::stage::{OnConflict, Output, Stage, Stale};
use crate::store::{Salted, Table};

/// Places the results of one batch.
pub(super) struct Placer<'p> {
    pub(super) stage: &'p Stage,
    pub(super) table: &'p Table,
    /// `None` while only this pass may write to the target and ids are taken over: then no look-up is needed.
    pub(super) lookup: Option<&'p Connection>,
    pub(super) claims: &'p mut Claims,
    /// Whether another stage copies from the same source to the target.
    pub(super) shares_numbers: bool,
    /// Newest record number given out.
    pub(super) newest: &'p mut RecordNumber,
    pub(super) batch: &'p mut Batch,
    /// Reason for the entry of the current record, if the record is written with a warning.
    pub(super) warned: Option<String>,
    /// Rows that this batch removes from a database in place, to be processed in their turn.
    pub(super) set_aside: Vec<TargetRow>,
    /// The ids whose records a stage in place refused: their places are kept for them.
    pub(super) kept: &'p mut KeptPlaces,
}

impl Placer<'_> {
    /// Returns the arbiter that decides the fate of a result from the current state.
    pub(super) fn arbiter(&self) -> Arbiter<'_> {
        Arbiter {
            stage: self.stage,
            table: self.table,
            lookup: self.lookup,
            claims: self.claims,
            kept: self.kept,
        }
    }

    /// Updates an item: a record before this one may have taken its rows in the target since they were read.
    pub(super) fn refresh(&self, item: &mut Item) {
        if !self.claims.has_rows() {
            return;
        }
        for standing in &mut item.standing {
            if let Some(on_the_way) = self.claims.row(standing.target) {
                standing.row.clone_from(&on_the_way.row);
            }
        }
    }

    /// Places one decision: changes, entries and images go to the batch, and the record is counted once.
    pub(super) fn place(&mut self, item: &Item, decision: Decision) -> Result<()> {
        self.batch.covers(item.number);
        if !matches!(decision, Decision::Refuse(_)) {
            // The record takes its places again.
            for standing in &item.standing {
                self.kept.free(standing.target);
            }
        }
        let outcome = match decision {
            Decision::Place { placements, gone } => self.write(item, placements, &gone)?,
            Decision::Filter(reason) => {
                if let Some((EXISTS, _)) = places::reason(&reason) {
                    *self.batch.warnings.entry(EXISTS.to_owned()).or_default() += 1;
                }
                self.filter(item, reason)?
            }
            Decision::Refuse(refusal) => self.refuse(item, &refusal)?,
        };
        self.batch.counts.count(outcome);
        Ok(())
    }

    /// Adds to the entry of a record's first part, among those since a position, what the record has used of other
    /// databases.
    pub(super) fn used(&mut self, since: usize, item: &Item, uses: &Uses) -> Result<()> {
        if uses.is_empty() {
            return Ok(());
        }
        let own = self.batch.entries[since..].iter_mut();
        if let Some(entry) = own.min_by_key(|entry| entry.part) {
            let (_, salt) = item.salted()?;
            entry.reason = with_uses(entry.reason.take(), uses, salt);
        }
        Ok(())
    }

    fn write(&mut self, item: &Item, placements: Vec<Placement>, gone: &[TargetRow]) -> Result<EntryOutcome> {
        let (source, salt) = item.salted()?;
        let outcome = outcome(&placements, gone);
        let input = (!self.stage.in_place()).then(|| commitment(salt, &source.id, &source.data));
        let of = Of {
            record: item.number,
            outcome,
            input,
        };
        let parts = placements.iter().map(|placement| placement.part);
        let parts = parts.chain(gone.iter().chain(&item.standing).map(|standing| standing.part));
        let mut behind = parts.max().unwrap_or(0);
        for old in gone {
            self.take_out(of, old, None);
        }
        let mut written = Vec::with_capacity(placements.len());
        let mut making_room = Vec::new();
        for placement in placements {
            let Placement {
                part,
                output,
                home,
                fate,
            } = placement;
            if let Some((code, holder)) = fate.in_the_way() {
                self.leave_out(item, of, part, home.as_ref(), &LeftOut { code, holder })?;
                continue;
            }
            let home = home.unwrap_or_else(|| self.new_home(salt, part, Some(output.id.clone())));
            if let Fate::Write(Some(displaced)) = fate {
                let holder = Holder::from_row(home.target, &home.salt, &output.id);
                making_room.push((displaced, holder));
            }
            written.push((home, output));
        }
        for (displaced, holder) in making_room {
            behind += 1;
            self.displace(of, behind, displaced, &holder);
        }
        for (home, output) in written {
            self.settle(of, &home, output);
        }
        Ok(outcome)
    }

    /// Leaves out an output that is not written: its row is removed, because the output now has another id, or keeps
    /// the change made by hand.
    fn leave_out(
        &mut self,
        item: &Item,
        of: Of,
        part: i64,
        home: Option<&TargetRow>,
        LeftOut { code, holder }: &LeftOut<'_>,
    ) -> Result<()> {
        let code = *code;
        let why = reason(code, Some(holder));
        *self.batch.warnings.entry(code.to_owned()).or_default() += 1;
        match home {
            Some(home) if code == EDITED => {
                let mut entry = of.entry(part, home.target);
                (entry.before, entry.after) = (home.hash(), home.hash());
                entry.reason = Some(why);
                self.batch.entries.push(entry);
            }
            Some(home) => self.remove(of, home, Some(&why)),
            None => {
                let number = self.nowhere(item, part)?;
                let mut entry = of.entry(part, number);
                entry.reason = Some(why);
                self.batch.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Returns the number for an entry that is about no row: the record's own or, if another stage uses that in the
    /// target, a new one.
    fn nowhere(&mut self, item: &Item, part: i64) -> Result<RecordNumber> {
        let is_taken = item.number_taken || (self.shares_numbers && self.stage.derives());
        let Some(connection) = self.lookup.filter(|_| is_taken) else {
            return Ok(item.number);
        };
        let of_source = item.source.as_ref().and_then(|source| source.salt);
        let salt = match of_source {
            Some(salt) => Some(salt),
            None => read::salt(connection, item.number)?,
        };
        let salt = salt.ok_or_else(|| Error::Damaged {
            what: format!("record {} has no salt", item.number),
        })?;
        Ok(self.new_home(&salt, part, None).target)
    }

    /// Removes another record's row to make room.
    fn displace(&mut self, of: Of, part: i64, displaced: Displaced, holder: &Holder) {
        let Displaced { row, moves_on } = displaced;
        let why = reason(REPLACED, (!moves_on).then_some(holder));
        if !moves_on {
            *self.batch.warnings.entry(REPLACED.to_owned()).or_default() += 1;
        }
        let row = TargetRow { part, ..row };
        self.remove(of, &row, Some(&why));
        if let Some(entry) = self.batch.entries.last_mut() {
            // Another stage's record may have the same number, so the row is always named.
            entry.target = Some(row.target);
        }
        self.claims.wrote(TargetRow {
            row: None,
            ..row.clone()
        });
        if self.stage.in_place() {
            self.set_aside.push(row);
        }
    }

    /// Gives out a new number for a part; `id` is that of the row that it begins with.
    fn new_home(&mut self, salt: &Salt, part: i64, id: Option<String>) -> TargetRow {
        *self.newest = self.newest.next();
        let (record, salt) = (*self.newest, derived_salt(salt, self.stage.number(), part));
        let database = self.stage.target().to_owned();
        self.batch.records.push(NewRecord {
            record,
            database,
            id,
            salt,
        });
        TargetRow {
            part,
            target: record,
            salt,
            row: None,
            edited: false,
        }
    }

    fn settle(&mut self, of: Of, home: &TargetRow, output: Output) {
        let mut entry = of.entry(home.part, home.target);
        entry.before = home.hash();
        entry.after = Some(commitment(&home.salt, &output.id, &output.data));
        entry.reason = self.warned.take();
        let Output { id, data } = output;
        let record = home.target;
        if self.stage.on_conflict() == OnConflict::Replace {
            let (id, data) = (id.clone(), data.clone());
            self.claims.wrote_row(
                Record {
                    number: record,
                    id,
                    data,
                },
                home.salt,
            );
        }
        match &home.row {
            Some(row) if entry.before == entry.after => debug_assert_eq!((&row.id, &row.data), (&id, &data)),
            Some(row) => {
                if home.edited {
                    *self.batch.warnings.entry(EDITED.to_owned()).or_default() += 1;
                }
                self.keep_before(of.record, home.part, row, &id, &data);
                self.moved(&row.id, &id, record, home.salt);
                self.batch.changes.push(Change::Update { record, id, data });
            }
            None => {
                self.taken(&id, record, home.salt);
                self.batch.changes.push(Change::Insert { record, id, data });
            }
        }
        self.batch.entries.push(entry);
    }

    fn keep_before(&mut self, record: RecordNumber, part: i64, old: &Record, id: &str, data: &str) {
        let (kind, body) = before_image((&old.id, &old.data), (id, data));
        self.batch.images.push(Image {
            record,
            part,
            kind,
            body,
        });
    }

    fn taken(&mut self, id: &str, record: RecordNumber, salt: Salt) {
        if self.lookup.is_some() {
            self.claims.take(id, record, salt);
        }
    }

    fn moved(&mut self, old: &str, new: &str, record: RecordNumber, salt: Salt) {
        if self.lookup.is_some() && old != new {
            self.claims.release(old);
            self.claims.take(new, record, salt);
        }
    }

    /// Removes a row of the record from the target, unless it was changed by hand and must not be overwritten.
    fn take_out(&mut self, of: Of, old: &TargetRow, why: Option<&str>) {
        let kept = old
            .row
            .as_ref()
            .filter(|_| old.edited && self.stage.on_conflict() != OnConflict::Replace);
        let Some(row) = kept else {
            return self.remove(of, old, why);
        };
        let mut entry = of.entry(old.part, old.target);
        (entry.before, entry.after) = (old.hash(), old.hash());
        entry.reason = Some(reason(
            EDITED,
            Some(&Holder::from_row(old.target, &old.salt, &row.id)),
        ));
        *self.batch.warnings.entry(EDITED.to_owned()).or_default() += 1;
        self.batch.entries.push(entry);
    }

    /// Removes a row from the target and keeps its before image.
    fn remove(&mut self, of: Of, old: &TargetRow, why: Option<&str>) {
        let mut entry = of.entry(old.part, old.target);
        entry.reason = why.map(str::to_owned);
        entry.before = old.hash();
        if let Some(row) = &old.row {
            let body = whole(&row.id, &row.data);
            self.batch.images.push(Image {
                record: of.record,
                part: old.part,
                kind: ImageKind::Whole,
                body,
            });
            self.batch.changes.push(Change::Delete { record: old.target });
            if self.lookup.is_some() {
                self.claims.release(&row.id);
            }
            if self.stage.on_conflict() == OnConflict::Replace {
                self.claims.wrote(TargetRow {
                    row: None,
                    ..old.clone()
                });
            }
        }
        self.batch.entries.push(entry);
    }

    /// Leaves the record out. In place it stays as it is, and comes back unchanged from quarantine; a copy that an
    /// earlier pass made is removed.
    fn filter(&mut self, item: &Item, why: String) -> Result<EntryOutcome> {
        let input = item.source.as_ref().and_then(Salted::hash);
        if self.stage.in_place() {
            return self.filter_in_place(item, input, why);
        }
        let outcome = EntryOutcome::Filtered;
        let of = Of {
            record: item.number,
            outcome,
            input,
        };
        let (own, parts): (Vec<_>, Vec<_>) = item.standing.iter().partition(|standing| standing.part == 0);
        if let Some(old) = own.first() {
            self.take_out(of, old, Some(&why));
        } else {
            let number = self.nowhere(item, 0)?;
            let mut entry = of.entry(0, number);
            entry.reason = Some(why);
            self.batch.entries.push(entry);
        }
        for old in parts {
            self.take_out(of, old, None);
        }
        Ok(outcome)
    }

    fn filter_in_place(&mut self, item: &Item, hash: Option<Hash>, why: String) -> Result<EntryOutcome> {
        let mut entry = Entry::new(item.number, 0, EntryOutcome::Filtered);
        (entry.after, entry.reason) = (hash, Some(why));
        if item.present {
            entry.before = hash;
        } else if let Some(source) = &item.source {
            let Record { id, data, .. } = source.record.clone();
            if let Some(connection) = self.lookup
                && let Some(owner) = self.claims.owner(Some(connection), self.table, &id)?
                && owner != item.number
            {
                let mut refusal = Refusal::new(EXISTS, "");
                refusal.holder = Some(Box::new(self.arbiter().holder(connection, owner, &id)?));
                return self.refuse(item, &refusal);
            }
            let (_, salt) = item.salted()?;
            self.taken(&id, item.number, *salt);
            let record = item.number;
            self.batch.changes.push(Change::Insert { record, id, data });
        }
        self.batch.entries.push(entry);
        Ok(EntryOutcome::Filtered)
    }

    /// Refuses the record. A copied record's source stays, and so does its row in the target unless the stage removes
    /// stale rows; in place it leaves the database for quarantine, so that no old shape remains among new ones.
    fn refuse(&mut self, item: &Item, refusal: &Refusal) -> Result<EntryOutcome> {
        let (source, salt) = item.salted()?;
        let hash = commitment(salt, &source.id, &source.data);
        let mut entry = Entry::new(item.number, 0, EntryOutcome::Refused);
        entry.reason = Some(refusal.to_json());
        self.batch.halts |= refusal.halts;
        self.batch.waiting += u64::from(refusal.waits());
        if self.stage.in_place() {
            if item.present {
                entry.before = Some(hash);
                self.batch.changes.push(Change::Delete { record: item.number });
                self.claims.release(&source.id);
            }
        } else {
            entry.input = Some(hash);
            if item.standing.iter().all(|standing| standing.part != 0) {
                let number = self.nowhere(item, 0)?;
                entry.target = (number != item.number).then_some(number);
            }
            self.keep_or_remove_stale(item, &mut entry);
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

    /// Keeps or removes what the target holds of a copied record that is refused; `entry` is that of the refusal.
    fn keep_or_remove_stale(&mut self, item: &Item, entry: &mut Entry) {
        let of = Of {
            record: item.number,
            outcome: EntryOutcome::Refused,
            input: entry.input,
        };
        let mut behind = item
            .standing
            .iter()
            .map(|standing| standing.part)
            .max()
            .unwrap_or(0);
        for standing in &item.standing {
            if self.stage.stale() == Stale::Remove && standing.row.is_some() && !standing.edited {
                // The refusal's own entry has the image of the refused record: what is removed has another entry, after
                // it.
                let mut part = standing.part;
                if part == 0 {
                    behind += 1;
                    part = behind;
                    let hash = standing.hash();
                    entry.target = (standing.target != item.number).then_some(standing.target);
                    (entry.before, entry.after) = (hash, hash);
                }
                let old = TargetRow {
                    part,
                    ..standing.clone()
                };
                self.remove(of, &old, None);
                continue;
            }
            let hash = standing.hash();
            if standing.part == 0 {
                entry.target = (standing.target != item.number).then_some(standing.target);
                (entry.before, entry.after) = (hash, hash);
            } else {
                let mut part = of.entry(standing.part, standing.target);
                (part.before, part.after) = (hash, hash);
                self.batch.entries.push(part);
            }
        }
    }
}

/// The reason why an output is not written.
struct LeftOut<'h> {
    code: &'static str,
    /// The row that blocks it.
    holder: &'h Holder,
}

/// The common parts of one source record's entries.
#[derive(Clone, Copy)]
struct Of {
    record: RecordNumber,
    outcome: EntryOutcome,
    /// Commitment to the source; `None` in place.
    input: Option<Hash>,
}

impl Of {
    /// Makes an entry for a part, about a row of the target.
    fn entry(self, part: i64, target: RecordNumber) -> Entry {
        let mut entry = Entry::new(self.record, part, self.outcome);
        entry.target = (target != self.record).then_some(target);
        entry.input = self.input;
        entry
    }
}

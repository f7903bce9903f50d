//! Placing golden records: their effect on the target's rows, the entries of their members, and the images.

use std::collections::HashMap;

use rusqlite::Connection;

use super::reasons::refused;
use super::units::{Cluster, Loose, Unit};
use crate::digest::{Hash, Salt, commitment, derived_salt, stage_uuid};
use crate::engine::claims::Claims;
use crate::engine::fate::reason;
use crate::engine::item::{Item, TargetRow};
use crate::engine::set_rules::{SetRuleParts, SetRules, enforced};
use crate::error::{Error, Result};
use crate::ledger::places::{EDITED, EXISTS, KeptPlaces};
use crate::ledger::read::salt;
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, before_image, whole};
use crate::record::{Record, RecordNumber};
use crate::refusal::{Holder, Refusal};
use crate::stage::{Output, Stage};
use crate::store::{Salted, Table};

/// Places the units of one batch.
pub(super) struct Placer<'p> {
    pub(super) project: &'p str,
    pub(super) stage: &'p Stage,
    /// Whether it overwrites what a person has changed in a golden record.
    pub(super) overwrites: bool,
    pub(super) target: &'p Table,
    pub(super) connection: &'p Connection,
    pub(super) claims: &'p mut Claims,
    pub(super) kept: &'p KeptPlaces,
    pub(super) cross: Option<&'p SetRules<'p>>,
    /// Newest record number given out.
    pub(super) newest: &'p mut RecordNumber,
    pub(super) batch: &'p mut Batch,
    /// The source's rows of the batch's records.
    pub(super) sources: &'p HashMap<RecordNumber, Salted>,
    /// Where each record was before.
    pub(super) before: &'p dyn Fn(RecordNumber) -> RecordBefore,
    /// Whether a golden record had a member before.
    pub(super) stands: &'p dyn Fn(RecordNumber) -> bool,
}

/// Where a record was before the pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordBefore {
    /// The golden record that it was in.
    pub(super) golden: Option<RecordNumber>,
    /// Whether it has changed since.
    pub(super) is_changed: bool,
}

/// What a cluster becomes, with what its members' entries say.
pub(super) struct Made {
    pub(super) golden: Result<ReadyGolden, Refusal>,
    /// The reasons of the members, in their order; `None` for nothing to say.
    pub(super) reasons: Vec<Option<String>>,
    /// Codes of the stage's warnings.
    pub(super) codes: Vec<String>,
}

impl Made {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            golden: Err(refusal),
            reasons: Vec::new(),
            codes: Vec::new(),
        }
    }
}

/// A golden record that is ready to be placed.
pub(super) struct ReadyGolden {
    /// Its data, and the id for a new one.
    pub(super) output: Output,
    /// Its keys for rules over more than one record.
    pub(super) has: Vec<crate::contract::RuleKeys>,
}

/// Why a record is in no cluster.
pub(super) enum Gone {
    Filtered(&'static str),
    Refused(Refusal),
}

impl Placer<'_> {
    /// Places a unit: changes, entries and images go to the batch, and each record is counted once. If any part of it is
    /// refused, all of it waits, so that no golden record loses what a refused member has brought.
    pub(super) fn place(&mut self, unit: &Unit, made: Vec<Made>, gone: Vec<Gone>) -> Result<()> {
        let mut ready = Vec::with_capacity(made.len());
        for (cluster, mut made) in unit.clusters.iter().zip(made) {
            for code in std::mem::take(&mut made.codes) {
                *self.batch.warnings.entry(code).or_default() += 1;
            }
            ready.push(match made.golden {
                Err(refusal) => Err(refusal),
                Ok(mut golden) => {
                    let taken = if cluster.keeps.is_none() && !self.stage.names_goldens() {
                        self.find_id(cluster, &mut golden.output)?
                    } else {
                        None
                    };
                    match taken.map_or_else(|| self.hindered(cluster, &golden), |taken| Ok(Some(taken)))? {
                        None => Ok((golden, made.reasons)),
                        Some(refusal) => Err(refusal),
                    }
                }
            });
        }
        let keeps = |(loose, gone): (&Loose, &Gone)| {
            matches!(gone, Gone::Refused(_)) && (self.before)(loose.record).golden.is_some()
        };
        let waits = ready.iter().any(Result::is_err) || unit.loose.iter().zip(&gone).any(keeps);
        for (loose, gone) in unit.loose.iter().zip(gone) {
            self.place_loose(loose, gone, waits)?;
        }
        for (cluster, ready) in unit.clusters.iter().zip(ready) {
            match ready {
                Ok((golden, reasons)) if !waits || self.is_new(cluster) => {
                    self.write(cluster, golden, reasons)?;
                }
                Ok(_) => {
                    let expected = "every record of the same golden record to be accepted";
                    let refusal = Refusal::new("merge.waits", "").expected(expected);
                    let before = self.before;
                    let is_new = |member: RecordNumber| {
                        let before = before(member);
                        before.is_changed || before.golden.is_none()
                    };
                    self.refuse_all(cluster, &refusal, is_new)?;
                }
                Err(refusal) => self.refuse_all(cluster, &refusal, |_| true)?,
            }
        }
        Ok(())
    }

    /// Returns whether no member of a cluster is in a golden record: then writing it takes nothing away from another one.
    fn is_new(&self, cluster: &Cluster) -> bool {
        let mut members = cluster.members.iter();
        members.all(|member| (self.before)(*member).golden.is_none())
    }

    /// Refuses the records of a cluster, as far as they are chosen.
    fn refuse_all(
        &mut self,
        cluster: &Cluster,
        refusal: &Refusal,
        is_chosen: impl Fn(RecordNumber) -> bool,
    ) -> Result<()> {
        let together = (cluster.members.first()).filter(|_| cluster.members.len() > 1);
        for member in cluster.members.iter().filter(|member| is_chosen(**member)) {
            self.refuse(*member, refusal, together.copied())?;
        }
        Ok(())
    }

    /// Returns why a golden record cannot be written: its id is taken, its row was changed by hand, or it breaks a rule
    /// over more than one record.
    fn hindered(&self, cluster: &Cluster, golden: &ReadyGolden) -> Result<Option<Refusal>> {
        let standing: Vec<TargetRow> = self.standing(cluster)?;
        let is_own = |row: RecordNumber| cluster.is_in(row);
        let kept = standing.first().filter(|row| Some(row.target) == cluster.keeps);
        for row in &standing {
            if row.edited
                && !self.overwrites
                && kept.is_none_or(|kept| kept.target != row.target || is_other(kept, &golden.output))
            {
                let id = row.row.as_ref().map_or("", |row| row.id.as_str());
                return Ok(Some(held(EDITED, Holder::from_row(row.target, &row.salt, id))));
            }
        }
        let id = golden.output.id.as_str();
        let owner = self.claims.owner(Some(self.connection), self.target, id)?;
        if let Some(owner) = owner.filter(|owner| !is_own(*owner)) {
            return Ok(Some(held(EXISTS, self.holder(owner, id)?)));
        }
        if let Some((owner, salt)) = self.kept.holder(id)
            && !is_own(owner)
        {
            return Ok(Some(held(EXISTS, Holder::from_row(owner, &salt, id))));
        }
        let Some(cross) = self.cross else { return Ok(None) };
        let (carrier, source) = self.carrier(cluster)?;
        let mut item = Item::absent(carrier, Some(source.clone()));
        item.standing = standing;
        let parts = SetRuleParts {
            has: &golden.has,
            is_derived: false,
        };
        let broken = cross.broken(self.connection, &item, parts, &[])?;
        Ok(enforced(broken))
    }

    /// Gives a new golden record the next id of its carrier, if an earlier golden record of the same carrier stands: it was
    /// kept when the carrier left it. A row that is nobody's golden record any more, because a rollback has left it for what a
    /// person changed in it, is in the way: a second golden record of the same members would only hide it.
    fn find_id(&self, cluster: &Cluster, golden: &mut Output) -> Result<Option<Refusal>> {
        let (_, carrier) = self.carrier(cluster)?;
        let mut attempt = 0;
        while let Some(owner) = self
            .claims
            .owner(Some(self.connection), self.target, &golden.id)?
        {
            if !(self.stands)(owner) {
                return Ok(Some(held(EXISTS, self.holder(owner, &golden.id)?)));
            }
            attempt += 1;
            let (id, part) = (&carrier.record.id, attempt.to_string());
            golden.id = stage_uuid(self.project, self.stage.number(), id, &part).to_string();
        }
        Ok(None)
    }

    fn holder(&self, owner: RecordNumber, id: &str) -> Result<Holder> {
        let salt = match self.claims.taker(id) {
            Some((_, salt)) => Some(salt),
            None => self
                .target
                .by_number(self.connection, owner)?
                .and_then(|row| row.salt),
        };
        let salt = salt.ok_or_else(|| Error::Damaged {
            what: format!("record {owner} owns an id but has no row"),
        })?;
        Ok(Holder::from_row(owner, &salt, id))
    }

    /// Returns the rows of the golden record that a cluster keeps, if any, and of those that it absorbs.
    fn standing(&self, cluster: &Cluster) -> Result<Vec<TargetRow>> {
        let goldens = cluster.keeps.iter().chain(&cluster.absorbs);
        let mut standing = Vec::new();
        for golden in goldens {
            standing.extend(self.row(*golden)?);
        }
        Ok(standing)
    }

    /// Returns the row of a golden record, or what it will be once all batches in progress are committed.
    fn row(&self, golden: RecordNumber) -> Result<Option<TargetRow>> {
        TargetRow::of_stage(
            self.connection,
            self.target,
            (self.project, self.stage.number()),
            golden,
        )
    }

    /// Returns the number of a golden record with its salt and its row; no row if something else has removed it since.
    fn home(&self, golden: RecordNumber) -> Result<(RecordNumber, Salt, Option<Record>)> {
        if let Some(row) = self.row(golden)? {
            return Ok((row.target, row.salt, row.row));
        }
        let salt = salt(self.connection, golden)?.ok_or_else(|| Error::Damaged {
            what: format!("record {golden} has no salt"),
        })?;
        Ok((golden, salt, None))
    }

    fn carrier(&self, cluster: &Cluster) -> Result<(RecordNumber, &Salted)> {
        let carrier = cluster.members.first().copied().unwrap_or_default();
        Ok((carrier, self.source(carrier)?))
    }

    fn source(&self, record: RecordNumber) -> Result<&Salted> {
        self.sources.get(&record).ok_or_else(|| Error::Damaged {
            what: format!(
                "record {record} has gone from `{}` while it was merged",
                self.stage.source()
            ),
        })
    }

    fn write(&mut self, cluster: &Cluster, golden: ReadyGolden, reasons: Vec<Option<String>>) -> Result<()> {
        let mut part = 0;
        for absorbed in &cluster.absorbs {
            part += 1;
            self.absorb(cluster, *absorbed, part)?;
        }
        let (carrier, _) = self.carrier(cluster)?;
        let ReadyGolden { output, has } = golden;
        let (number, salt, old) = match cluster.keeps {
            Some(keeps) => self.home(keeps)?,
            None => self.new_golden(cluster, &output.id)?,
        };
        let before = old.as_ref().map(|old| commitment(&salt, &old.id, &old.data));
        let after = commitment(&salt, &output.id, &output.data);
        let is_same = before == Some(after);
        self.change(carrier, number, salt, old.as_ref(), output, is_same);
        let entries = self.batch.entries.len();
        for (member, reason) in cluster.members.iter().zip(reasons) {
            let was_in = (self.before)(*member).golden;
            let outcome = match (is_same && was_in == Some(number), cluster.members.len()) {
                (true, _) => EntryOutcome::Unchanged,
                (false, 1) => EntryOutcome::Written,
                (false, _) => EntryOutcome::Merged,
            };
            let mut entry = self.entry(*member, outcome);
            entry.target = Some(number);
            entry.before = if *member == carrier { before } else { Some(after) };
            entry.after = Some(after);
            entry.reason = reason;
            self.batch.add(entry);
        }
        if let Some(cross) = self.cross {
            cross.placed(
                self.connection,
                &self.batch.entries[entries..=entries],
                &has,
                None,
            )?;
        }
        Ok(())
    }

    fn change(
        &mut self,
        carrier: RecordNumber,
        record: RecordNumber,
        salt: Salt,
        old: Option<&Record>,
        output: Output,
        is_same: bool,
    ) {
        let Output { id, data } = output;
        let Some(old) = old else {
            self.claims.take(&id, record, salt);
            self.batch.changes.push(Change::Insert { record, id, data });
            return;
        };
        if is_same {
            return;
        }
        let (kind, body) = before_image((&old.id, &old.data), (&id, &data));
        self.image(carrier, 0, kind, body);
        self.batch.changes.push(Change::Update { record, id, data });
    }

    fn image(&mut self, record: RecordNumber, part: i64, kind: ImageKind, body: Vec<u8>) {
        self.batch.images.push(Image {
            record,
            part,
            kind,
            body,
        });
    }

    /// Makes the number of a new golden record. Its salt derives from that of its carrier.
    fn new_golden(&mut self, cluster: &Cluster, id: &str) -> Result<(RecordNumber, Salt, Option<Record>)> {
        let (_, carrier) = self.carrier(cluster)?;
        let salt = derived_salt(&carrier.known_salt()?, self.stage.number(), 0);
        *self.newest = self.newest.next();
        self.batch.records.push(NewRecord {
            record: *self.newest,
            database: self.stage.target().to_owned(),
            id: Some(id.to_owned()),
            salt,
        });
        Ok((*self.newest, salt, None))
    }

    /// Removes a golden record that has become part of another one.
    fn absorb(&mut self, cluster: &Cluster, golden: RecordNumber, part: i64) -> Result<()> {
        let (carrier, _) = self.carrier(cluster)?;
        let mut entry = self.entry(carrier, EntryOutcome::Merged);
        (entry.part, entry.target) = (part, Some(golden));
        entry.reason = Some(reason("merge.joined", None));
        entry.before = self.remove(golden, carrier, part)?;
        self.batch.entries.push(entry);
        Ok(())
    }

    /// Removes the row of a golden record, and returns its commitment.
    fn remove(&mut self, golden: RecordNumber, carrier: RecordNumber, part: i64) -> Result<Option<Hash>> {
        let Some(TargetRow {
            salt, row: Some(row), ..
        }) = self.row(golden)?
        else {
            return Ok(None);
        };
        self.image(carrier, part, ImageKind::Whole, whole(&row.id, &row.data));
        self.batch.changes.push(Change::Delete { record: golden });
        self.claims.release(&row.id);
        if self.cross.is_some() {
            crate::store::RuleKeyTable::on(self.connection).release(golden)?;
        }
        Ok(Some(commitment(&salt, &row.id, &row.data)))
    }

    /// Makes the entry of a record, with the commitment to its source.
    fn entry(&self, record: RecordNumber, outcome: EntryOutcome) -> Entry {
        let mut entry = Entry::new(record, 0, outcome);
        entry.input = self.sources.get(&record).and_then(Salted::hash);
        entry
    }

    /// Writes the entry of a record that is in no cluster any more.
    fn place_loose(&mut self, loose: &Loose, gone: Gone, waits: bool) -> Result<()> {
        match gone {
            // It waits in quarantine, where an earlier pass has put it.
            Gone::Refused(_) if !(self.before)(loose.record).is_changed => Ok(()),
            Gone::Refused(refusal) => self.refuse(loose.record, &refusal, None),
            Gone::Filtered(code) => {
                let mut entry = self.entry(loose.record, EntryOutcome::Filtered);
                entry.reason = Some(reason(code, None));
                if let Some(golden) = loose.removes.filter(|_| !waits) {
                    match self.row(golden)? {
                        // What a person has changed by hand is left to that person.
                        Some(row) if row.edited => {
                            entry.target = Some(golden);
                            (entry.before, entry.after) = (row.hash(), row.hash());
                            let id = row.row.as_ref().map_or("", |row| row.id.as_str());
                            let holder = Holder::from_row(golden, &row.salt, id);
                            entry.reason = Some(reason(EDITED, Some(&holder)));
                        }
                        _ => {
                            entry.target = Some(golden);
                            entry.before = self.remove(golden, loose.record, 0)?;
                        }
                    }
                }
                self.batch.add(entry);
                Ok(())
            }
        }
    }

    /// Refuses a record, with the others of the cluster with the smallest member `together`. The golden record that it was
    /// in stays as it is.
    fn refuse(
        &mut self,
        record: RecordNumber,
        refusal: &Refusal,
        together: Option<RecordNumber>,
    ) -> Result<()> {
        let mut entry = self.entry(record, EntryOutcome::Refused);
        entry.reason = Some(refused(refusal, together));
        self.batch.halts |= refusal.halts;
        if let Some(golden) = (self.before)(record).golden
            && let Some(row) = self.row(golden)?
        {
            entry.target = Some(golden);
            (entry.before, entry.after) = (row.hash(), row.hash());
        }
        let source = self.source(record)?;
        let body = whole(&source.record.id, &source.record.data);
        self.image(record, 0, ImageKind::Refused, body);
        self.batch.add(entry);
        Ok(())
    }
}

fn is_other(row: &TargetRow, output: &Output) -> bool {
    row.row
        .as_ref()
        .is_none_or(|row| (row.id.as_str(), row.data.as_str()) != (output.id.as_str(), output.data.as_str()))
}

fn held(code: &'static str, holder: Holder) -> Refusal {
    let mut refusal = Refusal::new(code, "");
    refusal.holder = Some(Box::new(holder));
    refusal
}

//! Writing windows: what is made against what stands, with entries and images.

use rusqlite::Connection;

use super::finished::{Finished, Made, Parent, Readings};
use super::standing::RefusedWindows;
use crate::digest::{Hash, Salt, commitment, hex, window_salt};
use crate::engine::fate::reason;
use crate::engine::item::TargetRow;
use crate::error::{Error, Result};
use crate::ledger::aggregated::WindowChanges;
use crate::ledger::places::{EDITED, EXISTS};
use crate::ledger::read::salt;
use crate::ledger::windows::{StandingWindow, standing};
use crate::ledger::{Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, before_image, whole};
use crate::record::RecordNumber;
use crate::refusal::{Holder, Refusal};
use crate::stage::{OnConflict, Stage};
use crate::store::Table;

/// Code of a reading that was not counted before.
const COUNTED: &str = "aggregate.counted";
/// Code of a window that is removed, because no reading is left in it.
const VANISHED: &str = "aggregate.vanished";

/// Places the windows of one batch.
pub(super) struct Placer<'p> {
    pub(super) project: &'p str,
    pub(super) stage: &'p Stage,
    pub(super) target: &'p Table,
    pub(super) connection: &'p Connection,
    /// Whether only this pass writes to the target: then nothing has to be looked up there.
    pub(super) alone: bool,
    pub(super) refused: &'p RefusedWindows,
    /// Whether what stands refused is refused anew.
    pub(super) anew: bool,
    /// Newest record number given out.
    pub(super) newest: &'p mut RecordNumber,
    pub(super) batch: &'p mut Batch,
    pub(super) changes: WindowChanges,
}

/// What an entry says of the readings of a window.
struct Said {
    input: Option<Hash>,
    inputs: u64,
    spans: String,
}

impl Said {
    /// Renders a reason that begins with them; `more`: the fields of another reason, which follow.
    fn reason(&self, more: Option<&str>) -> String {
        let own = format!("{{\"inputs\":{},\"spans\":{}", self.inputs, self.spans);
        match more.and_then(|more| more.strip_prefix('{')) {
            Some(more) => format!("{own},{more}"),
            None => own + "}",
        }
    }

    /// Renders a refusal that ends with them, because refusals are recognized by how they begin.
    fn after(&self, refusal: &str) -> String {
        let refusal = refusal.strip_suffix('}').unwrap_or(refusal);
        format!("{refusal},\"inputs\":{},\"spans\":{}}}", self.inputs, self.spans)
    }
}

/// The readings of a window, for what its batch says it has placed: those that were gathered must all be found there.
#[derive(Clone, Copy)]
struct PlacedReadings {
    inputs: u64,
    were_gathered: bool,
}

impl PlacedReadings {
    fn of(readings: &Readings, inputs: u64) -> Self {
        Self {
            inputs,
            were_gathered: matches!(readings, Readings::Own { .. }),
        }
    }

    /// The window has an entry.
    fn placed(self, changes: &mut WindowChanges) {
        if self.were_gathered {
            changes.readings += self.inputs;
        } else {
            changes.following += self.inputs;
        }
    }

    /// The window stays as it stands.
    fn kept(self, changes: &mut WindowChanges) {
        if self.were_gathered {
            changes.kept += self.inputs;
        }
    }
}

impl Placer<'_> {
    /// Places one window. `all`: everything that was said of it. Returns its number.
    pub(super) fn place(&mut self, all: Vec<Finished>) -> Result<Option<RecordNumber>> {
        let (mut made, mut number, mut gone) = (None, None, None);
        for finished in all {
            match finished {
                Finished::Made(window) => made = Some(window),
                Finished::Stands(stands) => number = Some(stands),
                Finished::Gone(was) => gone = Some(was),
            }
        }
        let Some(made) = made else {
            let number = gone.or(number);
            number.map_or(Ok(()), |number| self.remove(number))?;
            return Ok(number);
        };
        let number = match number.or(made.number) {
            None => self.own(&made.id)?,
            known => known,
        };
        self.make(*made, number)?;
        Ok(number.or(Some(*self.newest)))
    }

    fn row(&self, number: Option<RecordNumber>) -> Result<Option<TargetRow>> {
        let of = (self.project, self.stage.number());
        number.map_or(Ok(None), |number| {
            TargetRow::of_stage(self.connection, self.target, of, number)
        })
    }

    fn standing(&self, number: Option<RecordNumber>) -> Result<Option<StandingWindow>> {
        number.map_or(Ok(None), |number| {
            standing(self.connection, self.project, self.stage.number(), number)
        })
    }

    fn make(&mut self, made: Made, number: Option<RecordNumber>) -> Result<()> {
        let row = self.row(number)?;
        let refused = self.refused;
        let stands = self.standing(number)?;
        let newest = number
            .and_then(|number| refused.readings_of(number))
            .or(stands.as_ref());
        let said = said(&made.readings, newest);
        let has_same_readings =
            newest.is_some_and(|newest| (newest.input, newest.inputs) == (said.input, said.inputs));
        let readings = PlacedReadings::of(&made.readings, said.inputs);
        let was_refused = number.and_then(|number| refused.data_of(number));
        if let Some((refusal, halts)) = &made.refusal {
            let stands = was_refused == Some(made.data.as_str()) && has_same_readings;
            if stands && made.counted.is_empty() && !self.anew {
                readings.kept(&mut self.changes);
                return Ok(());
            }
            readings.placed(&mut self.changes);
            self.batch.halts |= halts;
            let refusal = refusal.clone();
            return self.refuse(&made, &said, &refusal, number, row.as_ref());
        }
        let Some(row) = row else {
            readings.placed(&mut self.changes);
            if let Some(refusal) = self.taken(&made.id)? {
                let refusal = refusal.to_json();
                return self.refuse(&made, &said, &refusal, number, None);
            }
            return self.insert(made, &said, number);
        };
        let now = row.row.as_ref().map(|row| (row.id.as_str(), row.data.as_str()));
        let is_same = now == Some((made.id.as_str(), made.data.as_str()));
        if is_same && has_same_readings && was_refused.is_none() && made.counted.is_empty() {
            readings.kept(&mut self.changes);
            return Ok(());
        }
        readings.placed(&mut self.changes);
        if row.edited && !is_same && self.stage.on_conflict() != OnConflict::Replace {
            self.leave(&made, &said, &row);
            return Ok(());
        }
        self.update(made, &said, &row, is_same);
        Ok(())
    }

    /// Returns the number of a window that a person has changed so much that its row no longer resembles one.
    fn own(&self, id: &str) -> Result<Option<RecordNumber>> {
        if self.alone {
            return Ok(None);
        }
        let holder = self.target.by_id(self.connection, id)?;
        let Some(number) = holder.map(|holder| holder.record.number) else {
            return Ok(None);
        };
        Ok(self.standing(Some(number))?.map(|_| number))
    }

    /// Returns why a new window cannot be written: its id is taken.
    fn taken(&self, id: &str) -> Result<Option<Refusal>> {
        if self.alone {
            return Ok(None);
        }
        let Some(holder) = self.target.by_id(self.connection, id)? else {
            return Ok(None);
        };
        let mut refusal = Refusal::new(EXISTS, "").expected("an id that no other record of the database has");
        refusal.holder = Some(Box::new(Holder::from_row(
            holder.record.number,
            &holder.known_salt()?,
            id,
        )));
        Ok(Some(refusal))
    }

    fn insert(&mut self, made: Made, said: &Said, number: Option<RecordNumber>) -> Result<()> {
        let (number, salt) = self.home(&made, number)?;
        self.changes.new += 1;
        self.counted(&made, number);
        let mut entry = entry_of(number, EntryOutcome::Written, said);
        entry.after = Some(commitment(&salt, &made.id, &made.data));
        entry.reason = Some(said.reason(made.warned.as_deref()));
        self.batch.add(entry);
        let Made { id, data, .. } = made;
        self.batch.changes.push(Change::Insert {
            record: number,
            id,
            data,
        });
        Ok(())
    }

    fn update(&mut self, made: Made, said: &Said, row: &TargetRow, is_same: bool) {
        let number = row.target;
        self.counted(&made, number);
        let outcome = if is_same {
            EntryOutcome::Unchanged
        } else {
            EntryOutcome::Written
        };
        let mut entry = entry_of(number, outcome, said);
        entry.before = row.hash();
        entry.after = Some(commitment(&row.salt, &made.id, &made.data));
        entry.reason = Some(said.reason(made.warned.as_deref()));
        self.batch.add(entry);
        if is_same {
            return;
        }
        self.changes.changed += 1;
        let Made { id, data, .. } = made;
        if let Some(old) = &row.row {
            let (kind, body) = before_image((&old.id, &old.data), (&id, &data));
            self.image(number, kind, body);
        }
        self.batch.changes.push(Change::Update {
            record: number,
            id,
            data,
        });
    }

    /// Leaves a window as a person has changed it.
    fn leave(&mut self, made: &Made, said: &Said, row: &TargetRow) {
        self.counted(made, row.target);
        self.edited(said, row);
    }

    fn edited(&mut self, said: &Said, row: &TargetRow) {
        let id = row.row.as_ref().map_or("", |row| row.id.as_str());
        let why = reason(EDITED, Some(&Holder::from_row(row.target, &row.salt, id)));
        *self.batch.warnings.entry(EDITED.to_owned()).or_default() += 1;
        let mut entry = entry_of(row.target, EntryOutcome::Filtered, said);
        (entry.before, entry.after) = (row.hash(), row.hash());
        entry.reason = Some(said.after(&why));
        self.batch.add(entry);
    }

    fn refuse(
        &mut self,
        made: &Made,
        said: &Said,
        refusal: &str,
        number: Option<RecordNumber>,
        row: Option<&TargetRow>,
    ) -> Result<()> {
        let (number, salt) = self.home(made, number)?;
        self.changes.refused += 1;
        self.counted(made, number);
        let mut entry = entry_of(number, EntryOutcome::Refused, said);
        let hash = row.and_then(TargetRow::hash);
        (entry.before, entry.after) = (hash, hash);
        // The input commits to the readings, so that only the reason can commit to the image.
        let image = hex(&commitment(&salt, &made.id, &made.data));
        let refusal = refusal.strip_suffix('}').unwrap_or(refusal);
        entry.reason = Some(said.after(&format!("{refusal},\"image\":\"{image}\"}}")));
        self.batch.add(entry);
        self.image(number, ImageKind::Refused, whole(&made.id, &made.data));
        Ok(())
    }

    /// Removes a window without readings.
    fn remove(&mut self, number: RecordNumber) -> Result<()> {
        let said = said(&Readings::None, None);
        let row = self.row(Some(number))?;
        let stands = self.standing(Some(number))?;
        let is_there = row.is_some() || stands.is_some_and(|window| window.after.is_some());
        if !is_there && !self.refused.has(number) {
            return Ok(());
        }
        if let Some(row) = row
            .as_ref()
            .filter(|row| row.edited && self.stage.on_conflict() != OnConflict::Replace)
        {
            self.edited(&said, row);
            return Ok(());
        }
        let mut entry = entry_of(number, EntryOutcome::Filtered, &said);
        entry.reason = Some(said.reason(Some(&reason(VANISHED, None))));
        if let Some(TargetRow { row: Some(old), .. }) = &row {
            self.changes.removed += 1;
            entry.before = row.as_ref().and_then(TargetRow::hash);
            self.image(number, ImageKind::Whole, whole(&old.id, &old.data));
            self.batch.changes.push(Change::Delete { record: number });
        }
        self.batch.add(entry);
        Ok(())
    }

    fn image(&mut self, record: RecordNumber, kind: ImageKind, body: Vec<u8>) {
        self.batch.images.push(Image {
            record,
            part: 0,
            kind,
            body,
        });
    }

    /// Says of readings that were not counted before in which window they are.
    fn counted(&mut self, made: &Made, window: RecordNumber) {
        for (reading, commitment) in &made.counted {
            let mut entry = Entry::new(*reading, 0, EntryOutcome::Merged);
            entry.input = Some(*commitment);
            entry.reason = Some(format!("{{\"code\":\"{COUNTED}\",\"window\":{window}}}"));
            self.batch.add(entry);
        }
    }

    /// Returns the number of a window, and its salt; a new one if it has none.
    fn home(&mut self, made: &Made, number: Option<RecordNumber>) -> Result<(RecordNumber, Salt)> {
        if let Some(number) = number {
            return Ok((number, self.salt(number)?));
        }
        let parent = match made.parent {
            Parent::Salt(salt) => salt,
            Parent::Record(record) => self.salt(record)?,
        };
        *self.newest = self.newest.next();
        let salt = window_salt(&parent, self.stage.number(), &made.id);
        self.batch.records.push(NewRecord {
            record: *self.newest,
            database: self.stage.target().to_owned(),
            id: Some(made.id.clone()),
            salt,
        });
        Ok((*self.newest, salt))
    }

    fn salt(&self, record: RecordNumber) -> Result<Salt> {
        salt(self.connection, record)?.ok_or_else(|| Error::Damaged {
            what: format!("record {record} has no salt"),
        })
    }
}

/// Returns what an entry says of readings.
fn said(readings: &Readings, stands: Option<&StandingWindow>) -> Said {
    match (readings, stands) {
        (Readings::Own { inputs, input, spans }, _) => Said {
            input: Some(*input),
            inputs: *inputs,
            spans: spans.to_json(),
        },
        (Readings::AsBefore, Some(stands)) => Said {
            input: stands.input,
            inputs: stands.inputs,
            spans: serde_json::to_string(&stands.spans).unwrap_or_else(|_| "[]".to_owned()),
        },
        (Readings::AsBefore | Readings::None, _) => Said {
            input: None,
            inputs: 0,
            spans: "[]".to_owned(),
        },
    }
}

/// Makes the entry of a window.
fn entry_of(number: RecordNumber, outcome: EntryOutcome, said: &Said) -> Entry {
    let mut entry = Entry::new(number, 0, outcome);
    entry.input = said.input;
    entry
}

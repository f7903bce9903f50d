//! The reading thread of a load: each record of the input is placed, or refused with its line.

use std::collections::{HashSet, VecDeque};
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::Narrowed;
use super::brought::Brought;
use super::resume::{How, Manner, cursor_text};
use super::types::{self, Columns, left_out, loses_kind};
use super::{masks, unreadable};
use crate::digest::{Salt, commitment, sha256};
use crate::engine::Claims;
use crate::engine::{BATCH_BYTES, Producer, Reader};
use crate::error::{Error, Result};
use crate::input::{Incoming, Position, Reader as Records, Ready, Rejected, Types};
use crate::ledger::feed::{LetIn, RefusedLines, Settled};
use crate::ledger::places::KeptPlaces;
use crate::ledger::{
    Batch, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, Shape, Step, before_image,
};
use crate::record::{Document, Record};
use crate::refusal::Refusal;
use crate::store::{Salted, Table};
use crate::surroundings::Randomness;

/// The reading thread of a load.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, with yes or no"
)]
pub(super) struct Loading<'a, R> {
    pub(super) name: &'a str,
    pub(super) records: Records<R>,
    /// Read, but not placed yet.
    pub(super) waiting: VecDeque<Incoming>,
    /// The numbers that have a stub in the batch at hand.
    pub(super) touched: HashSet<i64>,
    /// What the input has brought so far, where it replaces.
    pub(super) brought: Brought,
    pub(super) database: &'a str,
    pub(super) table: Table,
    pub(super) replace: bool,
    /// Whether stages in place process again what is replaced.
    pub(super) reprocess: bool,
    /// Whether an id may stand in the ledger: no stage redacts it.
    pub(super) names_refused: bool,
    pub(super) batch_size: usize,
    pub(super) shape: Vec<Shape>,
    pub(super) newest: i64,
    /// The places of what stages in place have refused: a record under such an id is its correction, waived or not.
    pub(super) kept: KeptPlaces,
    /// The lines of this input that stand in quarantine already.
    pub(super) refused: RefusedLines,
    /// What becomes of cells.
    pub(super) columns: Columns,
    /// Whether any of it is committed, or on its way.
    pub(super) has_begun: bool,
    /// Whether the input so far is that of an earlier load: the record before stood there already, or was one of the
    /// lines in quarantine.
    pub(super) follows: bool,
    pub(super) claims: Claims,
    pub(super) randomness: &'a dyn Randomness,
    pub(super) how: How,
    /// Where the input ends, once it does.
    pub(super) end: &'a Mutex<Option<Position>>,
    /// What rows have left out of records.
    pub(super) narrowed: &'a Mutex<Narrowed>,
}

/// What became of one record of the input.
enum Placed {
    /// It has its stub.
    Yes,
    /// Its number has a stub in this batch already, so that it has to wait for the next one.
    NextBatch(Box<Incoming>),
}

impl<R: Read + Send> Producer for Loading<'_, R> {
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        self.fill()?;
        if self.waiting.is_empty() {
            let end = self
                .records
                .finish()
                .map_err(|error| unreadable(self.name, &error))?;
            *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
            if let Some(settled) = self.settle_rest() {
                return Ok(Some(settled));
            }
            // An empty input makes an empty database.
            let mut batch = Batch::new(Step::Note);
            batch.shape = std::mem::take(&mut self.shape);
            return Ok((!batch.shape.is_empty()).then_some(batch));
        }
        let mut batch = Batch::new(Step::Data);
        batch.shape = std::mem::take(&mut self.shape);
        self.claims.begin_batch();
        self.touched.clear();
        let end = reader.read(|connection| self.place_all(connection, &mut batch))?;
        batch.cursor = end
            .as_ref()
            .map(|end| cursor_text(end, &self.how, self.manner(), self.columns.told()));
        self.has_begun = true;
        Ok(Some(batch))
    }
}

impl<R: Read> Loading<'_, R> {
    /// Reads on until a batch is full or the input ends.
    fn fill(&mut self) -> Result<()> {
        // What is waiting counts too, so that a resumed load cuts the same batches.
        let mut size: usize = self.waiting.iter().map(size_of_one).sum();
        while self.waiting.len() < self.batch_size && size < BATCH_BYTES {
            let Some(next) = self.records.next() else { break };
            let next = next.map_err(|error| unreadable(self.name, &error))?;
            size += size_of_one(&next);
            self.waiting.push_back(next);
        }
        Ok(())
    }

    /// Places what is waiting, and tells where the input stands after the last record placed.
    fn place_all(&mut self, connection: &Connection, batch: &mut Batch) -> Result<Option<Position>> {
        let mut end = None;
        // Until the batch that makes the table is committed there is nothing to look up in it.
        let lookup = self.table.exists(connection)?.then_some(connection);
        while let Some(incoming) = self.waiting.pop_front() {
            let after = incoming.end.clone();
            if let Placed::NextBatch(incoming) = self.place(lookup, incoming, batch)? {
                self.waiting.push_front(*incoming);
                break;
            }
            end = Some(after);
        }
        Ok(end)
    }

    fn place(
        &mut self,
        lookup: Option<&Connection>,
        incoming: Incoming,
        batch: &mut Batch,
    ) -> Result<Placed> {
        let mut ready = match incoming.body {
            Ok(ready) => ready,
            Err(Rejected { refusal, raw, id }) => {
                self.refuse(batch, &refusal, raw.into_vec(), id.as_deref());
                return Ok(Placed::Yes);
            }
        };
        let owner = self.claims.owner(lookup, &self.table, &ready.id)?;
        match self.meant(lookup, owner, &ready.data)? {
            Ok(None) => {}
            Ok(Some(data)) => ready.data = data,
            Err(mut refusal) => {
                refusal.line = Some(incoming.line);
                self.refuse(batch, &refusal, ready.data.into_bytes(), Some(&ready.id));
                return Ok(Placed::Yes);
            }
        }
        let Some(owner) = owner else {
            let id = ready.id.clone();
            let record = self.insert(batch, ready);
            self.let_in(batch, (incoming.line, &id), record, true);
            return Ok(Placed::Yes);
        };
        let Ready { id, data } = &ready;
        let Salted { record: old, salt } = self.standing(lookup, owner)?;
        if old.data != *data && (!self.replace || self.brought.has(owner)) {
            let mut refusal = Refusal::new("load.exists", "");
            refusal.line = Some(incoming.line);
            self.refuse(batch, &refusal, data.clone().into_bytes(), Some(id));
            return Ok(Placed::Yes);
        }
        if !self.touched.insert(owner) {
            let body = Ok(ready);
            return Ok(Placed::NextBatch(Box::new(Incoming { body, ..incoming })));
        }
        let missing = || Error::Damaged {
            what: format!("record {owner} has a row but no salt"),
        };
        let salt = salt.ok_or_else(missing)?;
        let written = self.replaced(batch, (owner, salt), &old, &ready);
        self.let_in(batch, (incoming.line, id), owner, written);
        Ok(Placed::Yes)
    }

    /// A record that the database has: written over, where it is another one now; whether it is.
    fn replaced(
        &mut self,
        batch: &mut Batch,
        (owner, salt): (i64, Salt),
        old: &Record,
        ready: &Ready,
    ) -> bool {
        let Ready { id, data } = ready;
        self.brings(owner);
        let mut entry = Entry::new(owner, 0, EntryOutcome::Unchanged);
        entry.before = Some(commitment(&salt, &old.id, &old.data));
        entry.after = entry.before;
        if old.data != *data {
            entry.outcome = EntryOutcome::Written;
            entry.after = Some(commitment(&salt, id, data));
            let (kind, body) = before_image((&old.id, &old.data), (id, data));
            batch.images.push(Image {
                record: owner,
                part: 0,
                kind,
                body,
            });
            self.claims.wrote_row(
                Record {
                    record: owner,
                    id: id.clone(),
                    data: data.clone(),
                },
                salt,
            );
            batch.changes.push(Change::Update {
                record: owner,
                id: id.clone(),
                data: data.clone(),
            });
        }
        let written = entry.outcome == EntryOutcome::Written;
        stub(batch, entry);
        written
    }

    /// What is to be stored, where that is not the data as it came: the cells of a row as values of the kinds that the
    /// record has, and what it has in the places of masks. Sees to it that values do not become texts without a word: where
    /// the first batch has such a row, nothing is loaded at all.
    fn meant(
        &self,
        lookup: Option<&Connection>,
        owner: Option<i64>,
        data: &str,
    ) -> Result<Result<Option<String>, Box<Refusal>>> {
        let types = self.columns.types;
        let is_guarded = self.replace && types == Some(Types::Guarded);
        let has_masks = masks::may_be_in(data);
        let old = match owner.filter(|_| has_masks || is_guarded || types == Some(Types::Existing)) {
            Some(owner) => Some(self.standing(lookup, owner)?.record),
            None => None,
        };
        let mut made = None;
        if types == Some(Types::Existing) {
            match self.columns.typed(old.as_ref(), data) {
                Ok(read) => made = Some(read),
                Err(misread) => return Ok(Err(Box::new(misread.refusal()))),
            }
        }
        if has_masks {
            match self.columns.lifted(old.as_ref(), made.as_deref().unwrap_or(data)) {
                Ok(lifted) => made = lifted.or(made),
                Err(misread) => return Ok(Err(Box::new(misread.refusal()))),
            }
        }
        let documents = old.filter(|_| is_guarded).map(|old| {
            let new = Document::parse(made.as_deref().unwrap_or(data));
            (old.document(), new)
        });
        if let Some((Ok(old), Ok(new))) = &documents
            && let Some(lost) = loses_kind(old, new)
        {
            if self.has_begun {
                return Ok(Err(Box::new(lost.refusal())));
            }
            let problem = format!("a record of `{}` has {lost}; nothing was loaded", self.database);
            let options = vec!["--replace".to_owned(), "--types".to_owned()];
            return Err(Error::read_otherwise(types::CODE, self.name, problem, options));
        }
        if let Some((Ok(old), Ok(new))) = &documents
            && let Some(field) = left_out(old, new)
        {
            let mut narrowed = self.narrowed.lock().unwrap_or_else(PoisonError::into_inner);
            narrowed.records += 1;
            narrowed.field.get_or_insert(field);
        }
        Ok(Ok(made))
    }

    /// What a record that is let in means for lines that earlier loads of the input have refused: those that it corrects
    /// leave quarantine with it, in the same batch, so that a kill or a rollback takes both or neither.
    fn let_in(&mut self, batch: &mut Batch, (line, id): (u64, &str), record: i64, written: bool) {
        // The elements of an array may all stand on one line, which then is no place.
        let is_place = !self.how.is_array() || line > 1;
        let was_refused = self.refused.stands_at(line);
        let settled = self.refused.replaced_by(LetIn {
            line,
            id,
            record,
            in_place: self.follows && is_place,
        });
        // Where a line was refused, whatever passes now is new: it speaks neither for nor against.
        self.follows = !written || !settled.is_empty() || (self.follows && was_refused);
        self.refused.note(id, record);
        for settled in settled {
            pass(batch, settled);
        }
    }

    fn brings(&mut self, record: i64) {
        if self.replace {
            self.brought.note(record);
        }
    }

    fn manner(&self) -> Manner {
        Manner {
            replace: self.replace,
            reprocess: self.reprocess,
            follows: self.follows,
        }
    }

    /// Lets the lines go that the input has not brought again, but the records whose ids they have.
    fn settle_rest(&mut self) -> Option<Batch> {
        let settled = self.refused.settled_at_end(self.batch_size);
        if settled.is_empty() {
            return None;
        }
        let mut batch = Batch::new(Step::Data);
        for settled in settled {
            pass(&mut batch, settled);
        }
        let end = self.records.position();
        batch.cursor = Some(cursor_text(end, &self.how, self.manner(), self.columns.told()));
        Some(batch)
    }

    /// A record that the database does not have yet; gives its number.
    fn insert(&mut self, batch: &mut Batch, Ready { id, data }: Ready) -> i64 {
        let corrected = self.kept.holder(&id);
        if let Some((record, _)) = corrected {
            self.kept.free(record);
        }
        let (record, salt) = corrected.unwrap_or_else(|| {
            self.newest += 1;
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Written);
        entry.after = Some(commitment(&salt, &id, &data));
        self.claims.take(&id, record, salt);
        self.claims.wrote_row(
            Record {
                record,
                id: id.clone(),
                data: data.clone(),
            },
            salt,
        );
        self.touched.insert(record);
        self.brings(record);
        if corrected.is_none() {
            let (database, id) = (self.database.to_owned(), Some(id.clone()));
            batch.records.push(NewRecord {
                record,
                database,
                id,
                salt,
            });
        }
        batch.changes.push(Change::Insert { record, id, data });
        stub(batch, entry);
        record
    }

    /// The record that owns an id, as it will be once everything on its way is committed.
    fn standing(&self, lookup: Option<&Connection>, owner: i64) -> Result<Salted> {
        if let Some(standing) = self.claims.row(owner)
            && let Some(record) = standing.row.clone()
        {
            let salt = Some(standing.salt);
            return Ok(Salted { record, salt });
        }
        let missing = || Error::Damaged {
            what: format!("record {owner} owns an id but has no row"),
        };
        let found = match lookup {
            Some(connection) => self.table.by_number(connection, owner)?,
            None => None,
        };
        found.ok_or_else(missing)
    }

    /// A line that is no record, or one too many, gets a number, with its id where that could be read, and its bytes are
    /// kept. Where it stands in quarantine already, because the same input was loaded before, it keeps its number and
    /// stands there once.
    fn refuse(&mut self, batch: &mut Batch, refusal: &Refusal, raw: Vec<u8>, id: Option<&str>) {
        let reason = refusal.to_json();
        let again = self.refused.take(&reason, &raw);
        let (record, salt) = again.unwrap_or_else(|| {
            self.newest += 1;
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Refused);
        entry.input = Some(sha256(&[&salt, &raw]));
        entry.reason = Some(reason);
        self.follows = again.is_some();
        if again.is_none() {
            batch.records.push(NewRecord {
                record,
                database: self.database.to_owned(),
                id: id.filter(|_| self.names_refused).map(str::to_owned),
                salt,
            });
        }
        batch.images.push(Image {
            record,
            part: 0,
            kind: ImageKind::Refused,
            body: raw,
        });
        stub(batch, entry);
    }

    fn salt(&self) -> Salt {
        let mut salt = Salt::default();
        self.randomness.fill(&mut salt);
        salt
    }
}

/// A line that was refused leaves quarantine, because a record passes.
fn pass(batch: &mut Batch, settled: Settled) {
    let mut entry = Entry::new(settled.line, 0, EntryOutcome::Filtered);
    entry.input = Some(settled.input);
    entry.reason = Some(serde_json::json!({ "code": "load.passed", "record": settled.record }).to_string());
    stub(batch, entry);
}

fn size_of_one(incoming: &Incoming) -> usize {
    match &incoming.body {
        Ok(ready) => ready.data.len(),
        Err(rejected) => rejected.raw.len(),
    }
}

fn stub(batch: &mut Batch, entry: Entry) {
    batch.covers(entry.record);
    batch.counts.count(entry.outcome);
    batch.entries.push(entry);
}

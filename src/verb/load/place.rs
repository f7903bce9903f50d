//! The reading thread of a load: each record of the input is placed, or refused with its line.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::brought::Brought;
use super::course::OpenInput;
use super::fault::describe;
use super::masks;
use super::report::Narrowed;
use super::resume::{Manner, cursor_text};
use super::types::{self, Columns, left_out, loses_kind};
use crate::digest::{Salt, commitment, sha256};
use crate::engine::Claims;
use crate::engine::{BATCH_BYTES, Producer, ReadConnection};
use crate::environment::Randomness;
use crate::error::{Error, Result};
use crate::input::source::{Cursor, PageLimit, RecordSource, SourcePlace, SourceRecord};
use crate::input::{Ready, Types};
use crate::ledger::places::KeptPlaces;
use crate::ledger::refused_lines::{LetIn, RefusedLines, Settled};
use crate::ledger::{
    Batch, BatchKind, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, TableChange, before_image,
};
use crate::record::{Document, PassId, Record, RecordNumber};
use crate::refusal::Refusal;
use crate::store::{Salted, Table};

/// The reading thread of a load.
pub(super) struct Loading<'a, S> {
    pub(super) begun: &'a OpenInput<'a>,
    pub(super) pass: PassId,
    pub(super) source: S,
    /// Records that are read but not placed yet.
    pub(super) waiting: VecDeque<SourceRecord>,
    /// Position of the source after the last record that was placed.
    pub(super) position: Cursor,
    /// Where the source ends, once it has ended.
    pub(super) end: Option<Cursor>,
    /// Numbers that have an entry in the current batch.
    pub(super) touched: HashSet<RecordNumber>,
    /// Records that the input has brought so far, if it replaces records.
    pub(super) brought: Brought,
    pub(super) table: Table,
    /// Whether the ledger may hold an id, because no stage redacts it.
    pub(super) names_refused: bool,
    pub(super) batch_size: usize,
    pub(super) shape: Vec<TableChange>,
    pub(super) newest: RecordNumber,
    /// Places of records that stages in place refused: a record with such an id is the correction, waived or not.
    pub(super) kept: KeptPlaces,
    /// Lines of this input that are in quarantine already.
    pub(super) refused: RefusedLines,
    /// How cells become values.
    pub(super) columns: Columns,
    /// Whether any of the load is committed, or about to be.
    pub(super) has_begun: bool,
    /// Whether the input so far is that of an earlier load: the previous record existed already, or was one of the
    /// lines in quarantine.
    pub(super) follows: bool,
    pub(super) claims: Claims,
    pub(super) randomness: &'a dyn Randomness,
    pub(super) found: &'a Mutex<ReadAhead>,
}

/// What the reading thread found.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    /// Where the input ends, once all of it is placed.
    pub(super) end: Option<Cursor>,
    /// Fields that rows left out of records.
    pub(super) narrowed: Narrowed,
}

/// What became of one record of the input.
enum RecordFate {
    /// It has its entry; the position of the source after it.
    Yes(Cursor),
    /// Its number has an entry in this batch already, so it must wait for the next batch.
    NextBatch(Box<SourceRecord>),
}

/// A record of the database, and one of the input with the same id.
struct Met {
    old: Record,
    salt: Salt,
    new: Ready,
}

impl<S: RecordSource> Producer for Loading<'_, S> {
    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>> {
        self.claims.forget_committed();
        self.fill()?;
        if self.waiting.is_empty() {
            self.found().end.clone_from(&self.end);
            if let Some(settled) = self.settle_rest() {
                return Ok(Some(settled));
            }
            // An empty input creates an empty database.
            let mut batch = Batch::new(BatchKind::Note);
            batch.shape = std::mem::take(&mut self.shape);
            return Ok((!batch.shape.is_empty()).then_some(batch));
        }
        let mut batch = Batch::new(BatchKind::Data);
        batch.shape = std::mem::take(&mut self.shape);
        self.claims.begin_batch();
        self.touched.clear();
        reader.read(|connection| self.place_all(connection, &mut batch))?;
        batch.cursor = Some(self.cursor());
        self.has_begun = true;
        Ok(Some(batch))
    }
}

impl<S: RecordSource> Loading<'_, S> {
    /// Continues reading until a batch is full or the input ends.
    fn fill(&mut self) -> Result<()> {
        // Waiting records count too, so that a resumed load cuts the same batches.
        let mut size: usize = self.waiting.iter().map(SourceRecord::bytes).sum();
        while self.end.is_none() && self.waiting.len() < self.batch_size && size < BATCH_BYTES {
            let limit = PageLimit {
                records: self.batch_size - self.waiting.len(),
                bytes: BATCH_BYTES - size,
            };
            let page = self.source.page(limit);
            let page = page.map_err(|error| describe(self.begun.name, self.pass, error))?;
            size += page.incoming.iter().map(SourceRecord::bytes).sum::<usize>();
            self.waiting.extend(page.incoming);
            self.end = page.last.then_some(page.cursor);
        }
        Ok(())
    }

    fn found(&self) -> MutexGuard<'_, ReadAhead> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places waiting records, as far as they fit into the batch.
    fn place_all(&mut self, connection: &Connection, batch: &mut Batch) -> Result<()> {
        // Until the batch that makes the table is committed there is nothing to look up in it.
        let lookup = self.table.exists(connection)?.then_some(connection);
        while let Some(incoming) = self.waiting.pop_front() {
            match self.place(lookup, incoming, batch)? {
                RecordFate::Yes(end) => self.position = end,
                RecordFate::NextBatch(incoming) => {
                    self.waiting.push_front(*incoming);
                    break;
                }
            }
        }
        Ok(())
    }

    fn place(
        &mut self,
        lookup: Option<&Connection>,
        incoming: SourceRecord,
        batch: &mut Batch,
    ) -> Result<RecordFate> {
        let (mut ready, at) = match incoming {
            SourceRecord::Record { raw, id, at } => (Ready { id, data: raw }, at),
            SourceRecord::Rejected { raw, refusal, id, at } => {
                self.refuse(batch, &refusal, raw.into_vec(), id.as_deref());
                return Ok(RecordFate::Yes(at.end));
            }
        };
        let owner = self.claims.owner(lookup, &self.table, &ready.id)?;
        match self.meant(lookup, owner, &ready.data)? {
            Ok(None) => {}
            Ok(Some(data)) => ready.data = data,
            Err(mut refusal) => {
                refusal.line = Some(at.line);
                self.refuse(batch, &refusal, ready.data.into_bytes(), Some(&ready.id));
                return Ok(RecordFate::Yes(at.end));
            }
        }
        let Some(owner) = owner else {
            let id = ready.id.clone();
            let record = self.insert(batch, ready);
            self.let_in(batch, &at, &id, record, true);
            return Ok(RecordFate::Yes(at.end));
        };
        let standing = self.standing(lookup, owner)?;
        if standing.record.data != ready.data && (!self.begun.options.replace || self.brought.has(owner)) {
            let mut refusal = Refusal::new("load.exists", "");
            refusal.line = Some(at.line);
            self.refuse(batch, &refusal, ready.data.into_bytes(), Some(&ready.id));
            return Ok(RecordFate::Yes(at.end));
        }
        if !self.touched.insert(owner) {
            let Ready { id, data: raw } = ready;
            return Ok(RecordFate::NextBatch(Box::new(SourceRecord::Record {
                raw,
                id,
                at,
            })));
        }
        let met = Met {
            salt: standing.known_salt()?,
            old: standing.record,
            new: ready,
        };
        let written = self.replaced(batch, &met);
        self.let_in(batch, &at, &met.new.id, owner, written);
        Ok(RecordFate::Yes(at.end))
    }

    /// Replaces an existing record if its data differs, and returns whether it did.
    fn replaced(&mut self, batch: &mut Batch, met: &Met) -> bool {
        let Met { old, salt, new } = met;
        let (owner, Ready { id, data }) = (old.number, new);
        self.brings(owner);
        let mut entry = Entry::new(owner, 0, EntryOutcome::Unchanged);
        entry.before = Some(commitment(salt, &old.id, &old.data));
        entry.after = entry.before;
        if old.data != *data {
            entry.outcome = EntryOutcome::Written;
            entry.after = Some(commitment(salt, id, data));
            let (kind, body) = before_image((&old.id, &old.data), (id, data));
            batch.images.push(Image {
                record: owner,
                part: 0,
                kind,
                body,
            });
            self.claims.wrote_row(
                Record {
                    number: owner,
                    id: id.clone(),
                    data: data.clone(),
                },
                *salt,
            );
            batch.changes.push(Change::Update {
                record: owner,
                id: id.clone(),
                data: data.clone(),
            });
        }
        let written = entry.outcome == EntryOutcome::Written;
        batch.add(entry);
        written
    }

    /// Returns the data to store, if it is not the data as it came: cells become values of the kinds that the existing
    /// record has, and masks become its values. Values never become texts silently: if the first batch has such a row,
    /// nothing is loaded at all.
    fn meant(
        &self,
        lookup: Option<&Connection>,
        owner: Option<RecordNumber>,
        data: &str,
    ) -> Result<Result<Option<String>, Box<Refusal>>> {
        let types = self.columns.types;
        let is_guarded = self.begun.options.replace && types == Some(Types::Guarded);
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
            let problem = format!(
                "a record of `{}` has {lost}; nothing was loaded",
                self.begun.database
            );
            let options = vec!["--replace".to_owned(), "--types".to_owned()];
            return Err(Error::read_otherwise(
                types::CODE,
                self.begun.name,
                problem,
                options,
            ));
        }
        if let Some((Ok(old), Ok(new))) = &documents
            && let Some(field) = left_out(old, new)
        {
            let mut found = self.found();
            found.narrowed.records += 1;
            found.narrowed.field.get_or_insert(field);
        }
        Ok(Ok(made))
    }

    /// Settles the lines that earlier loads of the input refused and an admitted record corrects: they leave quarantine
    /// in the same batch, so that a kill or a rollback affects both or neither.
    fn let_in(&mut self, batch: &mut Batch, at: &SourcePlace, id: &str, record: RecordNumber, written: bool) {
        let was_refused = self.refused.stands_at(at.line);
        let settled = self.refused.replaced_by(LetIn {
            line: at.line,
            id,
            record,
            // A line with other records on it does not identify a place.
            in_place: self.follows && at.is_alone,
        });
        // After a refused line, what passes now is new: it is evidence neither for nor against an earlier load.
        self.follows = !written || !settled.is_empty() || (self.follows && was_refused);
        self.refused.note(id, record);
        for settled in settled {
            pass(batch, settled);
        }
    }

    fn brings(&mut self, record: RecordNumber) {
        if self.begun.options.replace {
            self.brought.note(record);
        }
    }

    /// Returns where the load continues after the placed records.
    fn cursor(&self) -> String {
        let manner = Manner {
            replace: self.begun.options.replace,
            reprocess: self.begun.options.reprocess,
            follows: self.follows,
        };
        cursor_text(&self.position, &self.begun.how, manner, self.columns.describe())
    }

    /// Settles refused lines that the input did not bring again, when it brought the records with their ids.
    fn settle_rest(&mut self) -> Option<Batch> {
        let settled = self.refused.settled_at_end(self.batch_size);
        if settled.is_empty() {
            return None;
        }
        let mut batch = Batch::new(BatchKind::Data);
        for settled in settled {
            pass(&mut batch, settled);
        }
        batch.cursor = Some(self.cursor());
        Some(batch)
    }

    /// Inserts a record that the database does not have yet, and returns its number.
    fn insert(&mut self, batch: &mut Batch, Ready { id, data }: Ready) -> RecordNumber {
        let corrected = self.kept.holder(&id);
        if let Some((record, _)) = corrected {
            self.kept.free(record);
        }
        let (record, salt) = corrected.unwrap_or_else(|| {
            self.newest = self.newest.next();
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Written);
        entry.after = Some(commitment(&salt, &id, &data));
        self.claims.take(&id, record, salt);
        self.claims.wrote_row(
            Record {
                number: record,
                id: id.clone(),
                data: data.clone(),
            },
            salt,
        );
        self.touched.insert(record);
        self.brings(record);
        if corrected.is_none() {
            let (database, id) = (self.begun.database.to_owned(), Some(id.clone()));
            batch.records.push(NewRecord {
                record,
                database,
                id,
                salt,
            });
        }
        batch.changes.push(Change::Insert { record, id, data });
        batch.add(entry);
        record
    }

    /// Returns the record that owns an id, as it will be once all pending batches are committed.
    fn standing(&self, lookup: Option<&Connection>, owner: RecordNumber) -> Result<Salted> {
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

    /// Refuses a line that is not a record, or whose id is taken: it gets a number, with its id if that could be read,
    /// and its bytes are kept. A line that is in quarantine already, because the same input was loaded before, keeps
    /// its number and is there only once.
    fn refuse(&mut self, batch: &mut Batch, refusal: &Refusal, raw: Vec<u8>, id: Option<&str>) {
        let reason = refusal.to_json();
        let again = self.refused.take(&reason, &raw);
        let (record, salt) = again.unwrap_or_else(|| {
            self.newest = self.newest.next();
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Refused);
        entry.input = Some(sha256(&[&salt, &raw]));
        entry.reason = Some(reason);
        self.follows = again.is_some();
        if again.is_none() {
            batch.records.push(NewRecord {
                record,
                database: self.begun.database.to_owned(),
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
        batch.add(entry);
    }

    fn salt(&self) -> Salt {
        let mut salt = Salt::default();
        self.randomness.fill(&mut salt);
        salt
    }
}

/// Takes a refused line out of quarantine, because a record passes.
fn pass(batch: &mut Batch, settled: Settled) {
    let mut entry = Entry::new(settled.line, 0, EntryOutcome::Filtered);
    entry.input = Some(settled.input);
    entry.reason = Some(serde_json::json!({ "code": "load.passed", "record": settled.record }).to_string());
    batch.add(entry);
}

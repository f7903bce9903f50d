//! The verb `load`: records from outside into a database, each through the door, with its stub. A malformed record
//! goes to quarantine with its line; its neighbours never notice.

mod resume;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read;

use rusqlite::Connection;

use crate::apply::Claims;
use crate::digest::{Salt, commitment, sha256};
use crate::edit::{shape_for_writing, taken_out};
use crate::error::{Error, Result};
use crate::input::{Format, Incoming, OpenError, Options, Position, Reader as Records, Ready, Rejected};
use crate::ledger::feed::RefusedLines;
use crate::ledger::read::{LedgerTable, PassSummary, largest, passes};
use crate::ledger::{
    Batch, Change, Counts, Entry, EntryOutcome, Image, ImageKind, NewRecord, PassKind, PassState, Shape,
    Step, before_image,
};
use crate::observe::{Event, Observer, StopSignal};
use crate::pipeline::{BATCH_BYTES, Bounds, Producer, Reader, Stopped, drive};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::run::{Pass, Purpose, Run};
use crate::store::{Salted, Store, Table};
use crate::surroundings::Randomness;
use resume::{How, cursor_text, resume};

/// How to load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The top-level field that holds the id.
    pub id_field: String,
    /// How the records lie in the bytes; `None`: guessed from the input's name and first bytes.
    pub format: Option<Format>,
    /// Write over a record that exists with other data; its before image is kept. Otherwise it is refused
    /// (`load.exists`).
    pub replace: bool,
    /// Give up an unfinished load of the same input and begin again.
    pub restart: bool,
    /// The most records in a batch; `None`: what the store's options say.
    pub batch_size: Option<usize>,
    /// What stands in the ledger about this run.
    pub purpose: Purpose,
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            id_field: "id".to_owned(),
            format: None,
            replace: false,
            restart: false,
            batch_size: None,
            purpose: Purpose::new("load"),
            stop: StopSignal::default(),
        }
    }
}

/// What a load did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct LoadReport {
    /// The run's number; `None` when there was nothing to do.
    pub run: Option<i64>,
    /// The pass's number.
    pub pass: i64,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// The outcomes over all its runs.
    pub counts: Counts,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// Loads records into a database, which is made where it does not exist. `name` is what the input is called in the
/// ledger; the same name for the same database goes on with a load that was interrupted, from the byte it had come to.
///
/// # Errors
/// [`Error::InputChanged`] when what was read before is not what the input begins with now; [`Error::Input`] when the
/// input as a whole cannot be read. Malformed records are no error: they are refused, one by one.
pub fn load(
    store: &mut Store,
    database: &str,
    name: &str,
    mut input: impl Read + Send,
    options: &LoadOptions,
    observer: &mut dyn Observer,
) -> Result<LoadReport> {
    let mut run = Run::begin(store, &options.purpose)?;
    let open = settle_open(&mut run, database, name, options.restart)?;
    let mut head = Vec::new();
    input
        .by_ref()
        .take(4096)
        .read_to_end(&mut head)
        .map_err(|error| unreadable(name, &error))?;
    let format = options.format.unwrap_or_else(|| Format::guess(Some(name), &head));
    let reading = Options {
        format,
        limits: run.store().options().limits,
        id_field: options.id_field.clone(),
    };
    let (how, input) = (How::of(&reading), std::io::Cursor::new(head).chain(input));
    let (mut pass, records) = match &open {
        Some(open) => (Pass::resumed(open), resume(input, reading, open, name)?),
        None => begin(&run, database, name, input, reading)?,
    };
    let mut counts = open.as_ref().map(|open| open.counts).unwrap_or_default();
    observer.observe(&Event::PassBegins {
        pass: pass.row.pass,
        kind: PassKind::Load,
        stage: None,
        source: Some(name.to_owned()),
        target: Some(database.to_owned()),
        total: None,
        done: counts.read,
    });
    let randomness = std::sync::Arc::clone(&run.store().surroundings().randomness);
    let producer = Loading {
        name,
        records,
        waiting: VecDeque::new(),
        touched: HashSet::new(),
        database,
        table: Table::of(database)?,
        replace: options.replace,
        batch_size: options
            .batch_size
            .unwrap_or(run.store().options().batch_size)
            .max(1),
        shape: shape_for_writing(&run, database)?,
        newest: largest(run.connection(), LedgerTable::Record)?,
        taken_out: taken_out(&run, database)?,
        refused: RefusedLines::of(run.connection(), database, name, pass.row.pass)?,
        claims: Claims::default(),
        randomness: randomness.as_ref(),
        how,
    };
    let bounds = Bounds::new(&options.stop, None);
    let stopped = drive(&mut run, &mut pass, producer, &mut counts, &bounds, observer)?;
    let number = run.has_written().then_some(run.number());
    run.finish()?;
    Ok(LoadReport {
        run: number,
        pass: pass.row.pass,
        resumed: open.is_some(),
        counts,
        stopped,
    })
}

/// The unfinished load of this input, if there is one. With `restart` it is ended where it stands.
fn settle_open(run: &mut Run<'_>, database: &str, name: &str, restart: bool) -> Result<Option<PassSummary>> {
    let unfinished = |pass: &PassSummary| {
        pass.row.kind == PassKind::Load
            && pass.state != PassState::Ended
            && !pass.undone
            && pass.row.target.as_deref() == Some(database)
            && pass.row.source.as_deref() == Some(name)
    };
    let open = passes(run.connection())?.into_iter().find(unfinished);
    let Some(open) = open.filter(|_| restart) else {
        return Ok(passes(run.connection())?.into_iter().find(unfinished));
    };
    let mut end = Batch::new(Step::End);
    end.body = Some(r#"{"given_up":true}"#.to_owned());
    run.commit_now(&mut Pass::resumed(&open), end)?;
    Ok(None)
}

fn begin<R: Read>(
    run: &Run<'_>,
    database: &str,
    name: &str,
    input: R,
    reading: Options,
) -> Result<(Pass, Records<R>)> {
    let mut pass = run.new_pass(PassKind::Load, None)?;
    pass.row.source = Some(name.to_owned());
    pass.row.target = Some(database.to_owned());
    let records = Records::new(input, reading).map_err(|error| cannot_open(name, &error))?;
    Ok((pass, records))
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    Error::Input {
        input: name.to_owned(),
        problem: error.to_string(),
    }
}

fn cannot_open(name: &str, error: &OpenError) -> Error {
    Error::Input {
        input: name.to_owned(),
        problem: error.to_string(),
    }
}

/// The reading thread of a load.
struct Loading<'a, R> {
    name: &'a str,
    records: Records<R>,
    /// Read, but not placed yet.
    waiting: VecDeque<Incoming>,
    /// The numbers that have a stub in the batch at hand.
    touched: HashSet<i64>,
    database: &'a str,
    table: Table,
    replace: bool,
    batch_size: usize,
    shape: Vec<Shape>,
    newest: i64,
    /// What waits in quarantine for a correction under its own id.
    taken_out: HashMap<String, (i64, Salt)>,
    /// The lines of this input that stand in quarantine already.
    refused: RefusedLines,
    claims: Claims,
    randomness: &'a dyn Randomness,
    how: How,
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
        self.fill()?;
        if self.waiting.is_empty() {
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
        batch.cursor = end.as_ref().map(|end| cursor_text(end, &self.how));
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
        let (id, data) = match &incoming.body {
            Ok(Ready { id, data }) => (id, data),
            Err(Rejected { refusal, raw }) => {
                self.refuse(batch, refusal, raw.clone());
                return Ok(Placed::Yes);
            }
        };
        let Some(owner) = self.claims.owner(lookup, &self.table, id)? else {
            self.insert(batch, id, data);
            return Ok(Placed::Yes);
        };
        let Salted { record: old, salt } = self.standing(lookup, owner)?;
        if old.data != *data && !self.replace {
            let mut refusal = Refusal::new("load.exists", "");
            refusal.line = Some(incoming.line);
            self.refuse(batch, &refusal, data.clone().into_bytes());
            return Ok(Placed::Yes);
        }
        if !self.touched.insert(owner) {
            return Ok(Placed::NextBatch(Box::new(incoming)));
        }
        let missing = || Error::Damaged {
            what: format!("record {owner} has a row but no salt"),
        };
        let salt = salt.ok_or_else(missing)?;
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
        stub(batch, entry);
        Ok(Placed::Yes)
    }

    /// A record that the database does not have yet.
    fn insert(&mut self, batch: &mut Batch, id: &str, data: &str) {
        let corrected = self.taken_out.remove(id);
        let (record, salt) = corrected.unwrap_or_else(|| {
            self.newest += 1;
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Written);
        entry.after = Some(commitment(&salt, id, data));
        let (id, data) = (id.to_owned(), data.to_owned());
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

    /// A line that is no record, or one too many, gets a number without an id, and its bytes are kept. Where it stands
    /// in quarantine already, because the same input was loaded before, it keeps its number and stands there once.
    fn refuse(&mut self, batch: &mut Batch, refusal: &Refusal, raw: Vec<u8>) {
        let reason = refusal.to_json();
        let again = self.refused.take(&reason, &raw);
        let (record, salt) = again.unwrap_or_else(|| {
            self.newest += 1;
            (self.newest, self.salt())
        });
        let mut entry = Entry::new(record, 0, EntryOutcome::Refused);
        entry.input = Some(sha256(&[&salt, &raw]));
        entry.reason = Some(reason);
        if again.is_none() {
            batch.records.push(NewRecord {
                record,
                database: self.database.to_owned(),
                id: None,
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

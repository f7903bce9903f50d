//! Readings that are aggregated by hand: what a stage that aggregates writes, without the stage. The tests hold what reads
//! the ledger to it: entries of windows under their own numbers, and of readings only where something was wrong with them.

mod stands;
mod writes;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::digest::{Hash, Salt, commitment, hex, sha256};
use crate::edit::{Edit, edit};
use crate::engine::{Run, RunInfo};
use crate::environment::Environment;
use crate::ledger::read::{LedgerTable, largest, salt};
use crate::ledger::stage_input::StageInput;
use crate::ledger::{
    Batch, BatchKind, Change, Entry, EntryOutcome, Image, ImageKind, NewRecord, PassKind, StageRow,
    TableChange, before_image, whole,
};
use crate::observe::Silent;
use crate::record::{BatchId, PassId, Record, RecordNumber};
use crate::rollback::{RollbackOptions, RollbackScope, rollback};
use crate::store::{Store, StoreOptions, Table};
use crate::verify::{VerifyOptions, verify};

const PROJECT: &str = "p";
const STAGE: u32 = 1;
const SOURCE: &str = "readings";
const TARGET: &str = "windows";
const TEXT: &str = "[stage]\nsource = \"readings\"\ntarget = \"windows\"\n";

/// What an aggregation says in one entry.
#[derive(Clone, Copy, Debug)]
enum Said<'s> {
    /// A new window with its id, data and readings.
    New(&'s str, &'s str, &'s [i64]),
    /// What a window is now.
    Now(i64, &'s str, &'s [i64]),
    /// A window that has lost its readings.
    Vanished(i64),
    /// A window that was refused, with its id and data, and its number if it has one.
    RefusedWindow(Option<i64>, &'s str, &'s str, &'s [i64]),
    /// A reading that was refused.
    Refused(i64),
    /// A reading that came too late.
    Late(i64),
    /// A reading that was wrong and is counted now, with its window.
    Counted(i64, i64),
}

struct Series {
    _folder: TempDir,
    store: Store,
}

impl Series {
    /// So many readings, `r1`, `r2` ...
    fn new(readings: i64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Environment::default());
        let mut series = Self {
            _folder: folder,
            store: store.expect("a store"),
        };
        let puts: Vec<Edit> = (1..=readings).map(|number| put(number, "20.0")).collect();
        series.edit(&puts);
        series
    }

    fn edit(&mut self, edits: &[Edit]) -> PassId {
        edit(&mut self.store, SOURCE, edits, &RunInfo::new("edit")).expect("an edit");
        largest(self.connection(), LedgerTable::Pass).expect("a ledger")
    }

    fn connection(&self) -> &Connection {
        self.store.connection()
    }

    /// Aggregates: one pass with a note, one batch of this, and the end.
    fn aggregate(&mut self, said: &[Said<'_>]) -> PassId {
        let mut run = Run::begin(&mut self.store, &RunInfo::new("apply")).expect("a run");
        let mut pass = run.new_pass(PassKind::Apply, Some(stage())).expect("a pass");
        pass.row.source = Some(SOURCE.to_owned());
        pass.row.target = Some(TARGET.to_owned());
        let mut note = Batch::new(BatchKind::Note);
        note.remark(
            "readings",
            serde_json::json!({"read": 9, "counted": 7, "filtered": 1, "refused": 1}),
        );
        run.commit(&mut pass, note).expect("a note");
        let batch = batch(run.connection(), said);
        run.commit(&mut pass, batch).expect("a batch");
        run.commit(&mut pass, Batch::new(BatchKind::End)).expect("an end");
        run.finish().expect("a finished run");
        pass.row.pass
    }

    /// Rolls a run back that did nothing but this pass.
    fn roll_back(&mut self, pass: PassId) {
        let sql = "SELECT run FROM ledger_batch WHERE pass=?1";
        let run = self.connection().query_row(sql, [pass], |row| row.get(0));
        let options = RollbackOptions::default().scope(RollbackScope::Run(run.expect("a run")));
        rollback(&mut self.store, PROJECT, &options, &mut Silent).expect("a rollback");
    }

    fn assert_sound(&self) {
        let report = verify(&self.store, &VerifyOptions::default()).expect("a verdict");
        assert!(report.is_sound(), "{:#?}", report.findings);
        assert_eq!(self.told("SELECT * FROM audit_chain_problem"), [""; 0]);
    }

    /// The answer to a query of one text.
    fn told(&self, sql: &str) -> Vec<String> {
        let mut statement = self.connection().prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| row.get(0));
        rows.and_then(Iterator::collect).expect(sql)
    }

    /// The last batch of a pass that has entries.
    fn batch_of(&self, pass: PassId) -> BatchId {
        let sql = "SELECT max(batch) FROM ledger_batch WHERE pass=?1 AND entries>0";
        let batch = self.connection().query_row(sql, [pass], |row| row.get(0));
        batch.expect("one batch")
    }
}

/// The stage, as far as its input is concerned.
const INPUT: StageInput<'_> = StageInput {
    project: PROJECT,
    number: STAGE,
    source: SOURCE,
    target: TARGET,
    in_place: false,
    merges: false,
    aggregates: true,
    lookups: &[],
};

fn put(number: i64, value: &str) -> Edit {
    Edit::Put {
        id: format!("r{number}"),
        data: format!(
            "{{\"sensor\":7,\"value\":{value},\"note\":\"as it was read, long enough for a patch\"}}"
        ),
    }
}

fn delete(number: i64) -> Edit {
    Edit::Delete {
        id: format!("r{number}"),
    }
}

/// The revision of the stage, with a meaning that is not that of its text.
fn stage() -> StageRow {
    let meaning =
        "{\"aggregate\":{\"by\":[\"sensor\"]},\"number\":1,\"source\":\"readings\",\"target\":\"windows\"}";
    StageRow {
        stage: 0,
        project: PROJECT.to_owned(),
        number: STAGE,
        slug: "windows".to_owned(),
        source_text: TEXT.to_owned(),
        text_sha256: sha256(&[TEXT.as_bytes()]),
        meaning: meaning.to_owned(),
        meaning_sha256: sha256(&[meaning.as_bytes()]),
    }
}

/// A row with its salt.
fn row(connection: &Connection, database: &str, number: i64) -> (Salt, Option<Record>) {
    let number = RecordNumber::new(number);
    let table = Table::from_name(database).expect("a name");
    let found = table.by_number(connection, number).expect("a table");
    let salt = salt(connection, number).expect("a ledger").expect("a salt");
    (salt, found.map(|found| found.record))
}

fn hash(salt: &Salt, row: Option<&Record>) -> Option<Hash> {
    row.map(|row| commitment(salt, &row.id, &row.data))
}

/// The digest over the commitments of readings: all of them are in one block.
fn digest(connection: &Connection, readings: &[i64]) -> Option<Hash> {
    let lines: String = readings
        .iter()
        .map(|reading| {
            let (salt, row) = row(connection, SOURCE, *reading);
            hex(&hash(&salt, row.as_ref()).expect("a reading")) + "\n"
        })
        .collect();
    let block = hex(&sha256(&[lines.as_bytes()])) + "\n";
    (!readings.is_empty()).then(|| sha256(&[block.as_bytes()]))
}

/// The one batch that says all this.
fn batch(connection: &Connection, said: &[Said<'_>]) -> Batch {
    let mut batch = Batch::new(BatchKind::Data);
    let table = Table::from_name(TARGET).expect("a name");
    if !table.exists(connection).expect("a schema") {
        batch.shape = vec![TableChange::CreateTable, TableChange::CreateIndex];
    }
    for said in said {
        match *said {
            Said::New(id, data, readings) => {
                let (record, salt) = number(connection, &mut batch, id);
                let row = Record {
                    number: record,
                    id: id.to_owned(),
                    data: data.to_owned(),
                };
                let mut entry = window(connection, record, readings);
                entry.after = hash(&salt, Some(&row));
                batch.changes.push(Change::Insert {
                    record,
                    id: row.id,
                    data: row.data,
                });
                batch.add(entry);
            }
            Said::Now(window, data, readings) => {
                change(connection, &mut batch, (window, Some(data)), readings);
            }
            Said::Vanished(window) => change(connection, &mut batch, (window, None), &[]),
            Said::RefusedWindow(known, id, data, readings) => {
                let record = known.map_or_else(|| number(connection, &mut batch, id).0, RecordNumber::new);
                refuse_window(connection, &mut batch, (record, known), (id, data), readings);
            }
            Said::Refused(reading) => {
                let (_, row) = row(connection, SOURCE, reading);
                let row = row.expect("a reading");
                image(
                    &mut batch,
                    row.number,
                    ImageKind::Refused,
                    whole(&row.id, &row.data),
                );
                let reason = "{\"code\":\"aggregate.number\",\"violations\":[]}";
                of_reading(connection, &mut batch, (reading, EntryOutcome::Refused), reason);
            }
            Said::Late(reading) => {
                let reason = "{\"code\":\"aggregate.late\"}";
                of_reading(connection, &mut batch, (reading, EntryOutcome::Filtered), reason);
            }
            Said::Counted(reading, window) => {
                let reason = format!("{{\"code\":\"aggregate.counted\",\"window\":{window}}}");
                of_reading(connection, &mut batch, (reading, EntryOutcome::Merged), &reason);
            }
        }
    }
    batch
}

/// Gives a window its number.
fn number(connection: &Connection, batch: &mut Batch, id: &str) -> (RecordNumber, Salt) {
    let newest = batch.records.last().map(|record| record.record);
    let newest = newest.unwrap_or_else(|| largest(connection, LedgerTable::Record).expect("a ledger"));
    let mut salt = Salt::default();
    let length = salt.len();
    salt.copy_from_slice(&sha256(&[id.as_bytes()])[..length]);
    batch.records.push(NewRecord {
        record: newest.next(),
        database: TARGET.to_owned(),
        id: Some(id.to_owned()),
        salt,
    });
    (newest.next(), salt)
}

fn window(connection: &Connection, record: RecordNumber, readings: &[i64]) -> Entry {
    let mut entry = Entry::new(record, 0, EntryOutcome::Written);
    entry.input = digest(connection, readings);
    entry.reason = Some(format!("{{{}}}", covered(readings)));
    entry
}

/// How many readings a window has, and their numbers.
fn covered(readings: &[i64]) -> String {
    let spans: Vec<[i64; 2]> = match readings {
        [] => Vec::new(),
        [first, .., last] => vec![[*first, *last]],
        [only] => vec![[*only, *only]],
    };
    let spans = serde_json::to_string(&spans).expect("numbers");
    format!("\"inputs\":{},\"spans\":{spans}", readings.len())
}

fn image(batch: &mut Batch, record: RecordNumber, kind: ImageKind, body: Vec<u8>) {
    batch.images.push(Image {
        record,
        part: 0,
        kind,
        body,
    });
}

/// Changes a window, or removes it.
fn change(connection: &Connection, batch: &mut Batch, (number, data): (i64, Option<&str>), readings: &[i64]) {
    let (salt, old) = row(connection, TARGET, number);
    let old = old.expect("a window");
    let mut entry = window(connection, old.number, readings);
    entry.before = hash(&salt, Some(&old));
    let record = old.number;
    if let Some(data) = data {
        let (kind, body) = before_image((&old.id, &old.data), (&old.id, data));
        image(batch, record, kind, body);
        entry.after = Some(commitment(&salt, &old.id, data));
        let (id, data) = (old.id, data.to_owned());
        batch.changes.push(Change::Update { record, id, data });
    } else {
        image(batch, record, ImageKind::Whole, whole(&old.id, &old.data));
        entry.outcome = EntryOutcome::Filtered;
        entry.reason = Some(format!("{{{},\"code\":\"aggregate.vanished\"}}", covered(&[])));
        batch.changes.push(Change::Delete { record });
    }
    batch.add(entry);
}

fn refuse_window(
    connection: &Connection,
    batch: &mut Batch,
    (record, known): (RecordNumber, Option<i64>),
    (id, data): (&str, &str),
    readings: &[i64],
) {
    let mut entry = window(connection, record, readings);
    entry.outcome = EntryOutcome::Refused;
    let salt = if let Some(known) = known {
        let (salt, row) = row(connection, TARGET, known);
        entry.before = hash(&salt, row.as_ref());
        entry.after = entry.before;
        salt
    } else {
        batch.records.last().expect("a new number").salt
    };
    entry.reason = Some(format!(
        "{{\"code\":\"contract.target\",\"violations\":[],\"image\":\"{}\",{}}}",
        hex(&commitment(&salt, id, data)),
        covered(readings)
    ));
    image(batch, record, ImageKind::Refused, whole(id, data));
    batch.add(entry);
}

fn of_reading(
    connection: &Connection,
    batch: &mut Batch,
    (reading, outcome): (i64, EntryOutcome),
    reason: &str,
) {
    let (salt, row) = row(connection, SOURCE, reading);
    let mut entry = Entry::new(RecordNumber::new(reading), 0, outcome);
    entry.input = hash(&salt, row.as_ref());
    entry.reason = Some(reason.to_owned());
    batch.add(entry);
}

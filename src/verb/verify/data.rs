//! Verifies the data against the ledger: for every database, compares its rows and its newest entries, both in the
//! order of the numbers. Memory use is constant: every large pass wrote its entries in that order already, and is read
//! as stored.

use std::collections::{BTreeSet, BinaryHeap};
use std::num::NonZero;

use rusqlite::{Connection, Rows};

use super::images;
use super::outcome::{Finding, VerifyReport};
use super::row_history::{RowHistory, Stories, Version};
use crate::digest::{Hash, commitment};
use crate::error::{Error, Result};
use crate::ledger::ImageKind;
use crate::ledger::origins::{self, Astray, NumberOrigin, NumberOrigins};
use crate::ledger::row_entries::{LaneStatements, RowEvent, targets};
use crate::observe::StopSignal;
use crate::record::{BatchId, PassId, RecordNumber};
use crate::store::{Store, Table};

/// Connections that read the data, one for each thread.
pub(super) struct Readers {
    databases: BTreeSet<String>,
    images: Connection,
    lanes: Vec<Connection>,
}

impl Readers {
    pub(super) fn open(store: &Store) -> Result<Self> {
        let images = store.reader()?;
        let databases = databases(&images)?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let lanes = (0..cores.min(databases.len())).map(|_| store.reader());
        Ok(Self {
            lanes: lanes.collect::<Result<_>>()?,
            databases,
            images,
        })
    }
}

/// Verifies every database, on all cores, and the images.
pub(super) fn verify(readers: Readers, stop: &StopSignal) -> Result<VerifyReport> {
    let (databases, lanes) = (&readers.databases, readers.lanes.len());
    std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(lanes);
        for (lane, connection) in readers.lanes.into_iter().enumerate() {
            let databases = databases.iter().skip(lane).step_by(lanes);
            threads.push(scope.spawn(move || of_databases(&connection, databases, stop)));
        }
        let mut report = whole();
        numbers(&readers.images, databases, &mut report)?;
        images::verify(&readers.images, stop, &mut report)?;
        for thread in threads {
            let found = thread.join().map_err(|_| Error::Damaged {
                what: "the verification of a database ended unexpectedly".to_owned(),
            })?;
            report.add(found?);
        }
        Ok(report)
    })
}

/// Verifies the numbers that no database accounts for, and those that have lost their salts.
fn numbers(connection: &Connection, databases: &BTreeSet<String>, report: &mut VerifyReport) -> Result<()> {
    for (number, database, astray) in origins::astray(connection, databases)? {
        let (code, message) = match astray {
            Astray::Nowhere => (
                "record.unknown",
                "its number was assigned in a database that does not exist",
            ),
            Astray::Unsalted => (
                "record.unsalted",
                "its salt is missing, and no erasure is recorded",
            ),
        };
        report.found(Finding::of_record(code, &database, number, None, message));
    }
    Ok(())
}

fn whole() -> VerifyReport {
    VerifyReport {
        complete: true,
        ..VerifyReport::default()
    }
}

/// Returns the databases that exist, and those that existed.
fn databases(connection: &Connection) -> Result<BTreeSet<String>> {
    let mut databases: BTreeSet<String> = Table::all(connection)?.into_iter().collect();
    databases.extend(targets(connection)?);
    Ok(databases)
}

/// Verifies databases one after the other, each in one state of the store.
fn of_databases<'d>(
    connection: &Connection,
    databases: impl Iterator<Item = &'d String>,
    stop: &StopSignal,
) -> Result<VerifyReport> {
    let transaction = connection.unchecked_transaction()?;
    let mut report = whole();
    for database in databases {
        // A pass that turns out not to be stored in order is sorted, and the database is verified again.
        let mut sorted = BTreeSet::new();
        while let Some(pass) = compare(&transaction, database, &sorted, stop, &mut report)? {
            sorted.insert(pass);
        }
    }
    Ok(report)
}

/// Compares one database; returns the pass that must be sorted first, if there is one.
fn compare(
    connection: &Connection,
    database: &str,
    sorted: &BTreeSet<PassId>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<PassId>> {
    let mut statements = LaneStatements::new(connection, database, sorted)?;
    let mut entries = Stories {
        lanes: statements.lanes()?,
        heap: BinaryHeap::new(),
    };
    let before = report.clone();
    let mut out_of_order = entries.fill()?;
    if out_of_order.is_none() {
        out_of_order = side_by_side(connection, database, &mut entries, stop, report)?;
    }
    if out_of_order.is_some() {
        *report = before;
    }
    Ok(out_of_order)
}

fn side_by_side(
    connection: &Connection,
    database: &str,
    stories: &mut Stories<'_>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<PassId>> {
    let table = Table::from_name(database).map_err(|_| Error::Damaged {
        what: format!("a pass has written to {database:?}, which is not a valid database name"),
    })?;
    let mut statement = table.in_order(connection)?;
    let mut rows = statement.query([])?;
    let mut origins = origins::statement(connection)?;
    let mut origins = NumberOrigins::new(&mut origins)?;
    let mut row = next_row(&mut rows)?;
    let mut side = DatabaseChain {
        connection,
        database,
        report,
    };
    loop {
        if stop.is_asked() {
            side.report.complete = false;
            return Ok(None);
        }
        let story = match stories.next()? {
            Ok(story) => story,
            Err(pass) => return Ok(Some(pass)),
        };
        // Rows before the next entry have no entry.
        let is_before = |row: &StoredRow| {
            story
                .as_ref()
                .is_none_or(|story| row.number < story.newest().number)
        };
        while let Some(stray) = row.take_if(|row| is_before(row)) {
            side.report.rows += 1;
            side.found(
                "data.unexpected",
                stray.number,
                None,
                "there is a row that no entry accounts for",
            );
            row = next_row(&mut rows)?;
        }
        let number = story.as_ref().map(|story| story.newest().number);
        for number in origins.without_history(database, number)? {
            side.found(
                "record.unknown",
                number,
                None,
                "its number was assigned here, but it has no entry",
            );
        }
        let Some(story) = story else {
            return Ok(None);
        };
        let present = row.take_if(|row| Some(row.number) == number);
        if present.is_some() {
            side.report.rows += 1;
            row = next_row(&mut rows)?;
        }
        let origin = origins.of_number(story.newest().number)?;
        side.compare(&story, origin.as_ref(), present)?;
    }
}

/// For a number without a row: one with a row differs from its commitment, as its salt is gone too. Without this check
/// a refused line would lose the proof of its image together with its number's origin.
const WITHOUT_ORIGIN: &str = "nothing says any more where its number was given out";

/// For a row that is not as the earlier entry left it when the next one found it.
const CHANGED_BETWEEN: &str =
    "it found a row other than the one the previous entry left: something else wrote in between";

/// One database with its entries.
struct DatabaseChain<'s> {
    connection: &'s Connection,
    database: &'s str,
    report: &'s mut VerifyReport,
}

impl DatabaseChain<'_> {
    fn found(&mut self, code: &'static str, number: RecordNumber, batch: Option<BatchId>, message: &str) {
        self.report
            .found(Finding::of_record(code, self.database, number, batch, message));
    }

    /// Compares a row, if there is one, and the origin of its number with its entries.
    fn compare(
        &mut self,
        story: &RowHistory,
        origin: Option<&NumberOrigin>,
        row: Option<StoredRow>,
    ) -> Result<()> {
        let RowEvent {
            number, batch, after, ..
        } = *story.newest();
        if let Some(batch) = story.broken {
            self.found("data.changed_between", number, Some(batch), CHANGED_BETWEEN);
        }
        let salt = origin.and_then(|origin| origin.salt);
        let hash = |row: &StoredRow| {
            let (id, data) = row.content.as_ref()?;
            salt.map(|salt| commitment(&salt, id, data))
        };
        if let Some((code, message)) = compared(row.as_ref().map(hash), after) {
            self.found(code, number, Some(batch), message);
            return Ok(());
        }
        if let Some(batch) = story.without_image() {
            self.found(
                "image.missing",
                number,
                Some(batch),
                "what it changed is no longer kept",
            );
        }
        let is_patched = story
            .entries
            .iter()
            .any(|recorded| matches!(recorded.image, Some((ImageKind::Patch, _))));
        self.report.images += u64::from(is_patched);
        let Some(origin) = origin else {
            self.found("record.unknown", number, Some(batch), WITHOUT_ORIGIN);
            return Ok(());
        };
        let Some(salt) = salt else { return Ok(()) };
        let first = story.first_version(&salt, row.and_then(|row| row.content), self.connection)?;
        let first = match first {
            Ok(first) => first,
            Err(batch) => {
                let message = "its reverse patch does not reproduce the row that the entry found";
                self.found("image.differs", number, Some(batch), message);
                return Ok(());
            }
        };
        let born = story.entries.first().map(|recorded| recorded.batch);
        if story.is_birth() != (origin.database == self.database) {
            self.found(
                "record.origin",
                number,
                born,
                "its number was assigned in a database other than the recorded one",
            );
        } else if let (true, Some((id, _))) = (story.is_birth(), first)
            // A number that was assigned for an entry without a row began without one.
            && origin.id.as_deref() != Some(id.as_str()).filter(|_| !story.begins_without_row())
        {
            self.found(
                "record.origin",
                number,
                born,
                "its first id is not the recorded one",
            );
        }
        Ok(())
    }
}

/// Returns what is wrong with a row compared with what its newest entry left. `now` is `None` when there is no row, and
/// has no hash when its salt is gone.
fn compared(now: Option<RowHash>, left: Option<Hash>) -> Option<(&'static str, &'static str)> {
    match (now, left) {
        (None, None) => None,
        (Some(now), Some(_)) if now == left => None,
        (Some(_), Some(_)) => Some(("data.differs", "the row differs from what the ledger says")),
        (Some(_), None) => Some((
            "data.unexpected",
            "the row exists, but the ledger says that it was removed",
        )),
        (None, Some(_)) => Some((
            "data.missing",
            "the row is missing, but the ledger says that it exists",
        )),
    }
}

/// Commitment to a row; `None` when its salt is gone.
type RowHash = Option<Hash>;

/// A row as it is.
struct StoredRow {
    number: RecordNumber,
    /// `None` when it is not text.
    content: Option<Version>,
}

/// Returns the next row.
fn next_row(rows: &mut Rows<'_>) -> Result<Option<StoredRow>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = |at| Some(row.get_ref(at).ok()?.as_str().ok()?.to_owned());
    Ok(Some(StoredRow {
        number: row.get(0)?,
        content: text(1).zip(text(2)),
    }))
}

//! The data against the ledger: for every database its rows and its newest stubs, both in the order of the numbers,
//! laid side by side. Memory is flat: every large pass wrote its stubs in that order already, and is read as it lies.

use std::collections::{BTreeSet, BinaryHeap};
use std::num::NonZero;

use rusqlite::{Connection, Rows, Statement, params};

use super::story::{Lane, Left, Stories, Story, Version};
use super::{Finding, VerifyReport};
use crate::digest::{Hash, Salt, commitment, sha256};
use crate::error::{Error, Result};
use crate::ledger::ImageKind;
use crate::ledger::read::keeps_images;
use crate::observe::StopSignal;
use crate::store::{Store, Table};

/// A pass with at least so many stubs is read as it lies; the smaller ones are sorted together.
const LARGE: i64 = 50_000;

/// What the data is read through: a connection for each thread.
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

/// Every database, on as many cores as there are, and the images.
pub(super) fn verify(readers: Readers, stop: &StopSignal) -> Result<VerifyReport> {
    let (databases, lanes) = (&readers.databases, readers.lanes.len());
    std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(lanes);
        for (lane, connection) in readers.lanes.into_iter().enumerate() {
            let databases = databases.iter().skip(lane).step_by(lanes);
            threads.push(scope.spawn(move || of_databases(&connection, databases, stop)));
        }
        let mut report = whole();
        images(&readers.images, stop, &mut report)?;
        for thread in threads {
            let found = thread.join().map_err(|_| Error::Damaged {
                what: "the verification of a database ended unexpectedly".to_owned(),
            })?;
            report.add(found?);
        }
        Ok(report)
    })
}

fn whole() -> VerifyReport {
    VerifyReport {
        complete: true,
        ..VerifyReport::default()
    }
}

/// The databases that are there, and those that were.
fn databases(connection: &Connection) -> Result<BTreeSet<String>> {
    let mut databases: BTreeSet<String> = Table::all(connection)?.into_iter().collect();
    let sql = "SELECT DISTINCT target FROM ledger_pass WHERE target IS NOT NULL";
    for target in connection
        .prepare(sql)?
        .query_map([], |row| row.get::<_, String>(0))?
    {
        databases.insert(target?);
    }
    Ok(databases)
}

/// One after the other, each at one moment of the store.
fn of_databases<'d>(
    connection: &Connection,
    databases: impl Iterator<Item = &'d String>,
    stop: &StopSignal,
) -> Result<VerifyReport> {
    let transaction = connection.unchecked_transaction()?;
    let mut report = whole();
    for database in databases {
        // A pass that turns out not to lie in order is sorted, and the database is begun again.
        let mut sorted = BTreeSet::new();
        while let Some(pass) = compare(&transaction, database, &sorted, stop, &mut report)? {
            sorted.insert(pass);
        }
    }
    Ok(report)
}

/// What is read of a stub; its image only where there are any, because every look-up costs.
fn columns(images: bool) -> (&'static str, &'static str) {
    if images {
        let join = "LEFT JOIN ledger_image i ON i.batch=e.batch AND i.record=e.record AND i.part=e.part";
        (
            "e.batch, e.before, e.after, i.kind, CASE WHEN length(i.body)<=4096 THEN i.body END",
            join,
        )
    } else {
        ("e.batch, e.before, e.after, NULL, NULL", "")
    }
}

/// Whether a stub of a pass gave out the number of its row, whether it has to keep an image of what it changed, and what
/// names the image.
const OF_PASS: &str =
    "p.kind IN('load','edit','merge') OR e.target IS NOT NULL, p.kind<>'rollback', e.record, e.part";

/// Compares one database; gives the pass that has to be sorted first, if there is one.
fn compare(
    connection: &Connection,
    database: &str,
    sorted: &BTreeSet<i64>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<i64>> {
    let large: Vec<(i64, bool)> = large_passes(connection, database)?
        .into_iter()
        .filter(|(pass, _)| !sorted.contains(pass))
        .collect();
    let mut statements = Vec::new();
    for (pass, backwards) in &large {
        let direction = if *backwards { "DESC" } else { "" };
        let (columns, join) = columns(keeps_images(connection, *pass)?);
        statements.push(connection.prepare(&format!(
            "SELECT coalesce(e.target,e.record), {columns}, {OF_PASS} FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
             CROSS JOIN ledger_entry e ON e.batch=b.batch {join} WHERE p.pass=?1 ORDER BY b.batch {direction}, e.record, e.part",
        ))?);
    }
    let large: Vec<i64> = large.into_iter().map(|(pass, _)| pass).collect();
    let (columns, join) = columns(true);
    let mut rest = connection.prepare(&format!(
        "SELECT coalesce(e.target,e.record) AS number, {columns}, {OF_PASS} FROM ledger_pass p
         CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch {join}
         WHERE p.target=?1 AND p.pass NOT IN (SELECT value FROM json_each(?2)) ORDER BY number, e.batch, e.record, e.part",
    ))?;
    let mut lanes = Vec::new();
    for (statement, pass) in statements.iter_mut().zip(&large) {
        lanes.push(Lane {
            rows: statement.query([pass])?,
            next: None,
            pass: Some(*pass),
            last: i64::MIN,
        });
    }
    let listed = serde_json::to_string(&large).expect("numbers always have a JSON text");
    lanes.push(Lane {
        rows: rest.query(params![database, listed])?,
        next: None,
        pass: None,
        last: i64::MIN,
    });
    let mut stubs = Stories {
        lanes,
        heap: BinaryHeap::new(),
    };
    let before = report.clone();
    let mut out_of_order = stubs.fill()?;
    if out_of_order.is_none() {
        out_of_order = side_by_side(connection, database, &mut stubs, stop, report)?;
    }
    if out_of_order.is_some() {
        *report = before;
    }
    Ok(out_of_order)
}

/// The large passes, and whether their batches go backwards: a rollback begins with the newest.
fn large_passes(connection: &Connection, database: &str) -> Result<Vec<(i64, bool)>> {
    let sql = "SELECT p.pass, p.kind='rollback' FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.target=?1
     GROUP BY p.pass HAVING sum(b.entries)>=?2 ORDER BY p.pass";
    let mut statement: Statement<'_> = connection.prepare(sql)?;
    let rows = statement.query_map(params![database, LARGE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn side_by_side(
    connection: &Connection,
    database: &str,
    stories: &mut Stories<'_>,
    stop: &StopSignal,
    report: &mut VerifyReport,
) -> Result<Option<i64>> {
    let table = Table::of(database)?;
    let sql = if table.exists(connection)? {
        table.in_order_sql()
    } else {
        "SELECT NULL, NULL, NULL WHERE 0".to_owned()
    };
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut origins = connection.prepare(ORIGINS)?;
    let mut origins = Origins::new(origins.query([])?)?;
    let mut row = next_row(&mut rows)?;
    let mut side = Side {
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
        // Rows before the next stub have none.
        let is_before = |row: &Row| {
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
                "there is a row that no stub answers for",
            );
            row = next_row(&mut rows)?;
        }
        let number = story.as_ref().map(|story| story.newest().number);
        for number in origins.without_story(database, number)? {
            side.found(
                "record.unknown",
                number,
                None,
                "its number was given out here, and no stub tells of it",
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
        let origin = origins.of(story.newest().number)?;
        side.compare(&story, origin.as_ref(), present)?;
    }
}

/// One database beside its stubs.
struct Side<'s> {
    connection: &'s Connection,
    database: &'s str,
    report: &'s mut VerifyReport,
}

impl Side<'_> {
    fn found(&mut self, code: &'static str, number: i64, batch: Option<i64>, message: &str) {
        self.report
            .found(Finding::of_record(code, self.database, number, batch, message));
    }

    /// A row, where there is one, and where its number comes from, against its stubs.
    fn compare(&mut self, story: &Story, origin: Option<&Origin>, row: Option<Row>) -> Result<()> {
        let Left {
            number, batch, after, ..
        } = *story.newest();
        if let Some(batch) = story.broken {
            let message =
                "it found another row than the stub before it had left: something else wrote in between";
            self.found("data.changed_between", number, Some(batch), message);
        }
        let salt = origin.and_then(|origin| origin.salt);
        let hash = |row: &Row| {
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
                "what it changed is not kept any more",
            );
        }
        let is_patched = story
            .stubs
            .iter()
            .any(|stub| matches!(stub.image, Some((ImageKind::Patch, _))));
        self.report.images += u64::from(is_patched);
        let (Some(origin), Some(salt)) = (origin, salt) else {
            return Ok(());
        };
        let first = story.first_version(&salt, row.and_then(|row| row.content), self.connection)?;
        let first = match first {
            Ok(first) => first,
            Err(batch) => {
                let message = "its reverse patch does not lead back to the row that the stub found";
                self.found("image.differs", number, Some(batch), message);
                return Ok(());
            }
        };
        let born = story.stubs.first().map(|stub| stub.batch);
        if story.is_birth() != (origin.database == self.database) {
            self.found(
                "record.origin",
                number,
                born,
                "its number was given out in another database than is said",
            );
        } else if let (true, Some((id, _))) = (story.is_birth(), first)
            // A number that was given out for an entry about no row began without one.
            && origin.id.as_deref() != Some(id.as_str()).filter(|_| !story.begins_without_row())
        {
            self.found(
                "record.origin",
                number,
                born,
                "it began with another id than is said",
            );
        }
        Ok(())
    }
}

/// What is wrong with a row beside what its newest stub left. `now` is `None` where there is no row, and has no hash
/// where its salt is gone.
fn compared(now: Option<RowHash>, left: Option<Hash>) -> Option<(&'static str, &'static str)> {
    match (now, left) {
        (None, None) => None,
        (Some(now), Some(_)) if now == left => None,
        (Some(_), Some(_)) => Some(("data.differs", "the row is not what the ledger says")),
        (Some(_), None) => Some(("data.unexpected", "there is a row that the ledger says is gone")),
        (None, Some(_)) => Some(("data.missing", "the row that the ledger says is there is missing")),
    }
}

/// The commitment to a row; `None` where its salt is gone.
type RowHash = Option<Hash>;

/// A row as it is.
struct Row {
    number: i64,
    /// `None` where it is no text.
    content: Option<Version>,
}

/// The next row.
fn next_row(rows: &mut Rows<'_>) -> Result<Option<Row>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let text = |at| Some(row.get_ref(at).ok()?.as_str().ok()?.to_owned());
    Ok(Some(Row {
        number: row.get(0)?,
        content: text(1).zip(text(2)),
    }))
}

/// Where the numbers come from, in their order.
const ORIGINS: &str = "SELECT record, database, id, salt FROM ledger_record ORDER BY record";

struct Origin {
    number: i64,
    database: String,
    id: Option<String>,
    salt: Option<Salt>,
}

struct Origins<'s> {
    rows: Rows<'s>,
    next: Option<Origin>,
}

impl<'s> Origins<'s> {
    fn new(rows: Rows<'s>) -> Result<Self> {
        let mut origins = Self { rows, next: None };
        origins.advance()?;
        Ok(origins)
    }

    fn advance(&mut self) -> Result<()> {
        self.next = match self.rows.next()? {
            None => None,
            Some(row) => Some(Origin {
                number: row.get(0)?,
                database: row.get(1)?,
                id: row.get(2)?,
                salt: row.get(3)?,
            }),
        };
        Ok(())
    }

    /// Goes on to a number; gives those before it (all that are left, for none) that were given out in a database.
    fn without_story(&mut self, database: &str, number: Option<i64>) -> Result<Vec<i64>> {
        let mut without = Vec::new();
        while let Some(origin) = self
            .next
            .take_if(|origin| number.is_none_or(|number| origin.number < number))
        {
            if origin.database == database {
                without.push(origin.number);
            }
            self.advance()?;
        }
        Ok(without)
    }

    /// Where a number comes from that was gone on to.
    fn of(&mut self, number: i64) -> Result<Option<Origin>> {
        let found = self.next.take_if(|origin| origin.number == number);
        if found.is_some() {
            self.advance()?;
        }
        Ok(found)
    }
}

/// Whole images and refused inputs against the commitments of their stubs. A reverse patch has none of its own: it is
/// proved beside the rows.
fn images(connection: &Connection, stop: &StopSignal, report: &mut VerifyReport) -> Result<()> {
    let sql = "SELECT i.batch, i.record, i.kind, i.body, e.input, e.before, r.salt, p.target
     FROM ledger_image i JOIN ledger_entry e USING(batch,record,part) JOIN ledger_batch b USING(batch)
     JOIN ledger_pass p USING(pass) LEFT JOIN ledger_record r ON r.record=coalesce(CASE WHEN i.kind=1 THEN e.target END, e.record)
     WHERE i.kind<>2";
    let lost = "SELECT p.target, e.record, e.batch FROM ledger_batch b JOIN ledger_pass p USING(pass)
     CROSS JOIN ledger_entry e ON e.batch=b.batch
     WHERE b.refused>0 AND p.kind IN('load','apply','retry') AND e.outcome=4 AND e.reason IS NOT NULL
       AND NOT EXISTS(SELECT 1 FROM ledger_image i WHERE i.batch=e.batch AND i.record=e.record AND i.part=e.part AND i.kind IN(3,4))";
    let mut statement = connection.prepare(lost)?;
    let lost = statement.query_map([], |row| {
        Ok((row.get::<_, Option<String>>(0)?, row.get(1)?, row.get(2)?))
    })?;
    for lost in lost {
        let (database, record, batch) = lost?;
        let message = "the refused input is not kept any more";
        let database = database.unwrap_or_default();
        report.found(Finding::of_record(
            "image.missing",
            &database,
            record,
            Some(batch),
            message,
        ));
    }
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if stop.is_asked() {
            report.complete = false;
            return Ok(());
        }
        let (batch, record, kind): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (input, before): (Option<Hash>, Option<Hash>) = (row.get(4)?, row.get(5)?);
        let Some(salt) = row.get::<_, Option<Salt>>(6)? else {
            continue;
        };
        let hash = Some(sha256(&[&salt, row.get_ref(3)?.as_bytes().unwrap_or_default()]));
        let holds = match ImageKind::from_number(kind) {
            Some(ImageKind::Whole) => hash == before,
            // In place the refused input is the row itself, or what was kept of it since an earlier refusal.
            Some(ImageKind::Refused) => match input.or(before) {
                Some(expected) => hash == Some(expected),
                None => true,
            },
            _ => false,
        };
        report.images += 1;
        if !holds {
            let database: String = row.get::<_, Option<String>>(7)?.unwrap_or_default();
            let message = "the image is not what the stub commits to";
            report.found(Finding::of_record(
                "image.differs",
                &database,
                record,
                Some(batch),
                message,
            ));
        }
    }
    Ok(())
}

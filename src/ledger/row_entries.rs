//! What the entries record about the rows of one database, ordered by row number, for comparison with the rows. Every
//! large pass wrote its entries in that order already and is read without sorting.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Rows, Statement, params};

use super::entry::ImageKind;
use super::read::keeps_images;
use super::sql::is_of_window;
use crate::digest::Hash;
use crate::error::Result;
use crate::record::{BatchId, PassId, RecordNumber};

/// A pass with at least this many entries is read in stored order; the smaller ones are sorted together.
const LARGE: i64 = 50_000;

/// Returns the databases that passes have written to.
pub(crate) fn targets(connection: &Connection) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT DISTINCT target FROM ledger_pass WHERE target IS NOT NULL")?;
    let targets = statement.query_map([], |row| row.get(0))?;
    Ok(targets.collect::<rusqlite::Result<_>>()?)
}

/// What an entry records about a row.
pub(crate) struct RowEvent {
    pub(crate) number: RecordNumber,
    pub(crate) batch: BatchId,
    /// Commitment to the row before.
    pub(crate) before: Option<Hash>,
    /// Commitment to the row after.
    pub(crate) after: Option<Hash>,
    /// The kept image of the row before.
    pub(crate) image: Option<(ImageKind, Body)>,
    /// Whether it gave out the number: loads and edits do, and derived records and windows have separate numbers.
    pub(crate) born: bool,
    /// Whether an image of what it changed must exist: for a rollback, the reverse is the pass that it undid.
    pub(crate) keeps: bool,
}

/// The content of an image. A long one is read only when needed; otherwise it would pass through a sorter and occupy
/// memory beside those of other rows.
pub(crate) enum Body {
    Read(Vec<u8>),
    Long { record: RecordNumber, part: i64 },
}

impl RowEvent {
    /// Returns the content of an image.
    pub(crate) fn body<'b>(&self, body: &'b Body, connection: &Connection) -> Result<Cow<'b, [u8]>> {
        let (record, part) = match body {
            Body::Read(body) => return Ok(Cow::Borrowed(body)),
            Body::Long { record, part } => (record, part),
        };
        let sql = "SELECT body FROM ledger_image WHERE batch=?1 AND record=?2 AND part=?3";
        let mut statement = connection.prepare_cached(sql)?;
        let body = statement.query_row(params![self.batch, record, part], |row| row.get(0));
        Ok(Cow::Owned(body.optional()?.unwrap_or_default()))
    }
}

/// A stream of entries ordered by row number.
pub(crate) struct Lane<'s> {
    rows: Rows<'s>,
    /// The next entry.
    pub(crate) next: Option<RowEvent>,
    /// The pass, if the stream is one pass in stored order.
    pass: Option<PassId>,
    last: RecordNumber,
}

impl Lane<'_> {
    /// Reads the next entry; returns the pass if its entries are not in order.
    pub(crate) fn step(&mut self) -> Result<Option<PassId>> {
        let Some(row) = self.rows.next()? else {
            self.next = None;
            return Ok(None);
        };
        let kind: Option<i64> = row.get(4)?;
        let image = match (kind.and_then(ImageKind::from_number), row.get(5)?) {
            (Some(kind), Some(body)) => Some((kind, Body::Read(body))),
            (Some(kind), None) => {
                let (record, part) = (row.get(8)?, row.get(9)?);
                Some((kind, Body::Long { record, part }))
            }
            (None, _) => None,
        };
        let left = RowEvent {
            number: row.get(0)?,
            batch: row.get(1)?,
            before: row.get(2)?,
            after: row.get(3)?,
            image,
            born: row.get(6)?,
            keeps: row.get(7)?,
        };
        if let (true, Some(pass)) = (left.number <= self.last, self.pass) {
            return Ok(Some(pass));
        }
        self.last = left.number;
        self.next = Some(left);
        Ok(None)
    }
}

/// The statements of one database's streams.
pub(crate) struct LaneStatements<'c> {
    database: String,
    large: Vec<(PassId, Statement<'c>)>,
    rest: Statement<'c>,
}

impl<'c> LaneStatements<'c> {
    /// Prepares the statements of a database; `sorted`: large passes whose entries are not in order.
    pub(crate) fn new(connection: &'c Connection, database: &str, sorted: &BTreeSet<PassId>) -> Result<Self> {
        let mut large = Vec::new();
        for of in large_passes(connection, database)? {
            if sorted.contains(&of.pass) {
                continue;
            }
            let direction = if of.goes_backwards { "DESC" } else { "" };
            let (columns, join) = columns(keeps_images(connection, of.pass)?);
            let statement = connection.prepare(&format!(
                "SELECT coalesce(e.target,e.record), {columns}, {OF_PASS} FROM ledger_pass p CROSS JOIN ledger_batch b ON b.pass=p.pass
                 CROSS JOIN ledger_entry e ON e.batch=b.batch {join} WHERE p.pass=?1 ORDER BY b.batch {direction}, e.record, e.part",
            ))?;
            large.push((of.pass, statement));
        }
        let (columns, join) = columns(true);
        let rest = connection.prepare(&format!(
            "SELECT coalesce(e.target,e.record) AS number, {columns}, {OF_PASS} FROM ledger_pass p
             CROSS JOIN ledger_batch b ON b.pass=p.pass CROSS JOIN ledger_entry e ON e.batch=b.batch {join}
             WHERE p.target=?1 AND p.pass NOT IN (SELECT value FROM json_each(?2)) ORDER BY number, e.batch, e.record, e.part",
        ))?;
        Ok(Self {
            database: database.to_owned(),
            large,
            rest,
        })
    }

    /// Opens the streams: one for each large pass, and one for all others.
    pub(crate) fn lanes(&mut self) -> Result<Vec<Lane<'_>>> {
        let large: Vec<PassId> = self.large.iter().map(|(pass, _)| *pass).collect();
        let listed = serde_json::to_string(&large).expect("numbers always have a JSON text");
        let mut lanes = Vec::with_capacity(large.len() + 1);
        for (pass, statement) in &mut self.large {
            lanes.push(Lane {
                rows: statement.query([*pass])?,
                next: None,
                pass: Some(*pass),
                last: RecordNumber::new(i64::MIN),
            });
        }
        lanes.push(Lane {
            rows: self.rest.query(params![self.database, listed])?,
            next: None,
            pass: None,
            last: RecordNumber::new(i64::MIN),
        });
        Ok(lanes)
    }
}

/// Columns that are read of an entry. Images are read only if there are any, because every look-up costs time.
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

/// Whether an entry of a pass gave out the number of its row, whether it must keep an image of what it changed, and the
/// key of the image.
const OF_PASS: &str = concat!(
    "p.kind IN('load','edit','merge') OR e.target IS NOT NULL OR ",
    is_of_window!("e"),
    ", p.kind<>'rollback', e.record, e.part"
);

/// A pass with many entries.
struct LargePass {
    pass: PassId,
    /// Whether its batches are in reverse order: a rollback begins with the newest.
    goes_backwards: bool,
}

fn large_passes(connection: &Connection, database: &str) -> Result<Vec<LargePass>> {
    let sql = "SELECT p.pass, p.kind='rollback' FROM ledger_pass p JOIN ledger_batch b USING(pass) WHERE p.target=?1
     GROUP BY p.pass HAVING sum(b.entries)>=?2 ORDER BY p.pass";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(params![database, LARGE], |row| {
        Ok(LargePass {
            pass: row.get(0)?,
            goes_backwards: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

//! The verb `profile`: what the records of a database look like, before anything is moved.

mod field;

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::engine::{BATCH_BYTES, Reader, Stopped, in_portions};
use crate::error::Result;
use crate::observe::StopSignal;
use crate::path::{Path, Segment};
use crate::record::Standing;
use crate::store::{Store, Table};
use field::Node;

/// So many records are read in one go.
const CHUNK: usize = 4_000;
/// So many are looked at by one core at a time.
const PORTION: usize = 500;
/// So many distinct values are told apart, of all fields together; each takes about 20 bytes.
const MOST_DISTINCT: usize = 4_000_000;

/// How to profile.
#[derive(Clone, Debug, Default)]
pub struct ProfileOptions<'o> {
    /// What is redacted: of these fields no value is told.
    pub redact: &'o [Path],
    /// Asks the verb to stop.
    pub stop: StopSignal,
}

/// What the records of a database look like.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct ProfileReport {
    /// The database.
    pub database: String,
    /// How many records there are.
    pub records: u64,
    /// The bytes of their data.
    pub bytes: u64,
    /// Every field, those of nested objects and of elements of lists as well, in the order in which they were met.
    pub fields: Vec<FieldProfile>,
    /// Why it stopped before its end.
    pub stopped: Option<Stopped>,
}

/// What one field holds.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FieldProfile {
    /// Where: `customer.name`, `items[*].price`. `*` stands for the names of an object that has very many.
    pub path: String,
    /// How many values were met, nulls among them; of elements of lists, all of them.
    pub values: u64,
    /// How many records have none at all.
    pub missing: u64,
    /// How many values are null.
    pub nulls: u64,
    /// How many are empty texts, lists or objects.
    pub empty: u64,
    /// How many are of each kind: `text`, `integer`, `number`, `boolean`, `list`, `object`, `null`.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How many texts have a form that a stage could convert: `date`, `date_time`, `decimal`, `uuid`.
    pub forms: BTreeMap<&'static str, u64>,
    /// How many distinct values there are beside null; objects and lists are not compared.
    pub distinct: u64,
    /// Whether there may be more of them: too many to be told apart.
    pub distinct_is_bound: bool,
    /// The smallest and the largest number, as written.
    pub numbers: Option<[String; 2]>,
    /// The first and the last text by its bytes; long ones are cut.
    pub texts: Option<[String; 2]>,
    /// The shortest and the longest: characters of texts, elements of lists.
    pub lengths: Option<[u64; 2]>,
    /// Every value and how often, as JSON, the most frequent first, where there are few.
    pub frequent: Vec<(String, u64)>,
    /// Whether values are left out because the field is redacted.
    pub redacted: bool,
}

/// Looks at every record of a database, on every core. Reads one state of the store, and only reads.
pub fn profile(store: &Store, database: &str, options: &ProfileOptions<'_>) -> Result<ProfileReport> {
    let table = Table::of(database)?;
    let mut report = ProfileReport {
        database: database.to_owned(),
        ..ProfileReport::default()
    };
    let root = Reader::alone(store)?.read(|connection| look(connection, &table, options, &mut report))?;
    let records = report.records;
    root.each(&mut |path, field| {
        let standings = || options.redact.iter().map(|redact| Standing::of(redact, path));
        // What stands below something that is redacted is not even named: its names are values as well.
        let is_below =
            standings().any(|standing| matches!(standing, Standing::Hidden(at) if at < path.len()));
        if let Some(shown) = shown(path).filter(|_| !is_below) {
            let may_hide = |standing| match standing {
                Standing::Hidden(_) => true,
                Standing::Leads => field.has_scalars(),
                Standing::Apart => false,
            };
            let redacted = standings().any(may_hide);
            report.fields.push(field.profile(shown, records, redacted));
        }
    });
    Ok(report)
}

fn look(
    connection: &Connection,
    table: &Table,
    options: &ProfileOptions<'_>,
    report: &mut ProfileReport,
) -> Result<Node> {
    let (mut root, mut after) = (Node::default(), 0);
    loop {
        if options.stop.is_asked() {
            report.stopped = Some(Stopped::Asked);
            return Ok(root);
        }
        let rows = table.after(connection, after, CHUNK, BATCH_BYTES)?;
        let Some(last) = rows.last() else { return Ok(root) };
        after = last.record.record;
        report.records += rows.len() as u64;
        report.bytes += rows.iter().map(|row| row.record.data.len() as u64).sum::<u64>();
        let parts = in_portions(&rows, PORTION, |rows| {
            let mut part = Node::default();
            for row in rows {
                if let Ok(document) = row.record.document() {
                    part.record(row.record.record, &document);
                }
            }
            part
        })?;
        for part in parts {
            root.merge(part);
        }
        root.bound_distinct(MOST_DISTINCT);
    }
}

/// A path for people, `*` for the names of an object that has very many.
fn shown(path: &[Segment]) -> Option<String> {
    (!path.is_empty()).then(|| Path::of(path.to_vec()).to_string())
}

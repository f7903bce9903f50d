//! The verb `profile`: what the records of a database look like, before anything is moved.

mod field;
mod grouped;
mod report;

use rusqlite::Connection;

use crate::engine::{BATCH_BYTES, ReadConnection, Stopped, in_portions};
use crate::error::{Error, Result};
use crate::path::{Path, Segment};
use crate::problem::nearest;
use crate::record::{MaskRelation, RecordNumber};
use crate::shown::word;
use crate::store::{Store, Table};
use field::FieldTree;
use grouped::Groups;

pub use report::{FieldProfile, FrequentValue, GroupProfile, ProfileOptions, ProfileReport};

/// Number of records read at once.
const CHUNK: usize = 4_000;
/// Number of records that one core inspects at a time.
const PORTION: usize = 500;
/// Maximum number of distinct values that are kept, for all fields together; each takes about 20 bytes.
const MOST_DISTINCT: usize = 4_000_000;

/// Inspects every record of a database, on every core. Reads one state of the store, and only reads.
pub fn profile(store: &Store, database: &str, options: &ProfileOptions<'_>) -> Result<ProfileReport> {
    let table = Table::from_name(database)?;
    let mut report = ProfileReport {
        database: database.to_owned(),
        ..ProfileReport::default()
    };
    let (root, has_field) =
        ReadConnection::alone(store)?.read(|connection| look(connection, &table, options, &mut report))?;
    let records = report.records;
    root.each(&mut |path, field| {
        let standings = || {
            options
                .redact
                .iter()
                .map(|redact| MaskRelation::new(redact, path))
        };
        // Fields below a redacted one are not even named: their names are values too.
        let is_below =
            standings().any(|standing| matches!(standing, MaskRelation::Hidden(at) if at < path.len()));
        if let Some(shown) = shown(path).filter(|_| !is_below) {
            let may_hide = |standing| match standing {
                MaskRelation::Hidden(_) => true,
                MaskRelation::Leads => field.has_scalars(),
                MaskRelation::Apart => false,
            };
            let redacted = standings().any(may_hide);
            report.fields.push(field.profile(shown, records, redacted));
        }
    });
    match &options.by {
        // Of an empty database nobody knows which fields its records have.
        Some(by) if !has_field && records > 0 && report.stopped.is_none() => {
            no_such_field(database, by, options, &report.fields).map_or(Ok(report), Err)
        }
        _ => Ok(report),
    }
}

/// Returns the error for a field that no record has; `None` below a redacted field, where names are values too.
fn no_such_field(
    database: &str,
    by: &Path,
    options: &ProfileOptions<'_>,
    fields: &[FieldProfile],
) -> Option<Error> {
    let is_below = |redact: &Path| {
        let standing = MaskRelation::new(redact, by.segments());
        matches!(standing, MaskRelation::Hidden(at) if at < by.segments().len())
    };
    if options.redact.iter().any(is_below) {
        return None;
    }
    let given = by.to_string();
    let near = nearest(&given, fields.iter().map(|field| field.path.as_str()));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`counterfoil profile {}` lists the fields", word(database)),
    };
    Some(Error::invalid(
        format!("no record of `{database}` has the field `{given}`"),
        hint,
    ))
}

/// Reads the records; the answer is what their fields are, and whether any of them has the field that they are counted by.
fn look(
    connection: &Connection,
    table: &Table,
    options: &ProfileOptions<'_>,
    report: &mut ProfileReport,
) -> Result<(FieldTree, bool)> {
    let (mut root, mut after) = (FieldTree::default(), RecordNumber::BEFORE_FIRST);
    let mut groups = Groups::new(options);
    loop {
        if options.stop.is_asked() {
            report.stopped = Some(Stopped::Asked);
            return Ok((root, true));
        }
        let rows = table.after(connection, after, CHUNK, BATCH_BYTES)?;
        let Some(last) = rows.last() else {
            let has_field = groups.as_ref().is_none_or(Groups::has_field);
            report.groups = groups.map_or_else(Vec::new, Groups::finish);
            return Ok((root, has_field));
        };
        after = last.record.number;
        report.records += rows.len() as u64;
        report.bytes += rows.iter().map(|row| row.record.data.len() as u64).sum::<u64>();
        if let Some(groups) = &mut groups {
            rows.iter().try_for_each(|row| groups.add(&row.record))?;
        }
        let parts = in_portions(&rows, PORTION, |rows| {
            let mut part = FieldTree::default();
            for row in rows {
                if let Ok(document) = row.record.document() {
                    part.record(row.record.number, &document);
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

/// Formats a path for people, with `*` for the names of an object that has very many.
fn shown(path: &[Segment]) -> Option<String> {
    (!path.is_empty()).then(|| Path::from_segments(path.to_vec()).to_string())
}

//! The revisions of stages that were ever applied: their texts, and the databases between which they worked.

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::error::Result;

/// A revision of a stage, with what is needed to read it again.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    /// Number of its row.
    pub(crate) row: i64,
    pub(crate) number: u32,
    pub(crate) slug: String,
    pub(crate) source_text: String,
    pub(crate) meaning: String,
}

fn revision(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        row: row.get(0)?,
        number: row.get(1)?,
        slug: row.get(2)?,
        source_text: row.get(3)?,
        meaning: row.get(4)?,
    })
}

/// Reads all revisions.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Revision>> {
    let sql = "SELECT stage, number, slug, source_text, meaning FROM ledger_stage";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], revision)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Reads the revisions with passes into a database; without one, into any.
pub(crate) fn writing_to(connection: &Connection, database: Option<&str>) -> Result<Vec<Revision>> {
    let sql = "SELECT s.stage, s.number, s.slug, s.source_text, s.meaning FROM ledger_stage s
     WHERE EXISTS(SELECT 1 FROM ledger_pass p WHERE p.stage=s.stage AND (?1 IS NULL OR p.target=?1))";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([database], revision)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The meaning of a revision.
#[derive(Clone, Debug)]
pub(crate) struct Meaning {
    /// Number of its row.
    pub(crate) row: i64,
    pub(crate) meaning: String,
}

/// Returns the meanings of all revisions, in order.
pub(crate) fn meanings(connection: &Connection) -> Result<Vec<Meaning>> {
    let mut statement = connection.prepare("SELECT stage, meaning FROM ledger_stage ORDER BY stage")?;
    let found = statement.query_map([], |row| {
        Ok(Meaning {
            row: row.get(0)?,
            meaning: row.get(1)?,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The source and target of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StageDatabases {
    pub(crate) source: String,
    pub(crate) target: String,
}

/// Returns the databases of a revision, by its row.
pub(crate) fn ends_of(connection: &Connection, row: i64) -> Result<Option<StageDatabases>> {
    let sql = "SELECT source, target FROM ledger_pass WHERE stage=?1 AND source IS NOT NULL LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([row], ends).optional()?)
}

/// Returns the databases of every revision.
pub(crate) fn all_ends(connection: &Connection) -> Result<Vec<StageDatabases>> {
    // All passes of a revision read and write the same two databases.
    let sql = "SELECT p.source, p.target FROM ledger_stage s
     JOIN ledger_pass p ON p.pass=(SELECT pass FROM ledger_pass WHERE stage=s.stage LIMIT 1)
     WHERE p.source IS NOT NULL AND p.target IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([], ends)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn ends(row: &Row<'_>) -> rusqlite::Result<StageDatabases> {
    Ok(StageDatabases {
        source: row.get(0)?,
        target: row.get(1)?,
    })
}

/// Returns the other projects that have applied stages if this one has applied none.
pub(crate) fn other_projects(connection: &Connection, project: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT project FROM ledger_stage
     WHERE NOT EXISTS(SELECT 1 FROM ledger_stage WHERE project=?1) ORDER BY project";
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([project], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Returns the project that last applied a stage of this number and name.
pub(crate) fn project_of(connection: &Connection, number: u32, slug: &str) -> Result<Option<String>> {
    let sql = "SELECT project FROM ledger_stage WHERE number=?1 AND slug=?2 ORDER BY stage DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row((number, slug), |row| row.get(0)).optional()?)
}

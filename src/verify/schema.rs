//! The tables, triggers and views of the ledger against their built-in text, and everything else that stands beside them:
//! a trigger of somebody else's changes data that no stub tells of, and a changed view tells an auditor what is not so.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{Finding, VerifyReport};
use crate::error::Result;
use crate::store::{Store, Table};

/// An object of the schema: its kind, its table and its text; SQLite's own indexes have none.
type Object = (String, String, Option<String>);

fn objects(connection: &Connection) -> Result<BTreeMap<String, Object>> {
    let mut statement = connection.prepare("SELECT name, type, tbl_name, sql FROM sqlite_schema")?;
    let objects = statement.query_map([], |row| {
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
    })?;
    Ok(objects.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn verify(connection: &Connection, report: &mut VerifyReport) -> Result<()> {
    let built_in = Connection::open_in_memory()?;
    Store::write_schema(&built_in)?;
    let (mut expected, mut found) = (objects(&built_in)?, objects(connection)?);
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for added in Store::added_after(version) {
        expected.remove(added);
    }
    for (name, object) in &expected {
        let message = match found.remove(name) {
            Some(there) if there == *object => continue,
            Some(_) => format!("the {} `{name}` is not as it was made", object.0),
            None => format!("the {} `{name}` is missing", object.0),
        };
        report.found(finding("schema.differs", message));
    }
    // What is left must be the tables of logical databases, with their indexes.
    let is_database = |name: &str, (kind, of, sql): &Object| {
        let table = Table::of(name).ok().filter(|_| kind == "table" && of == name);
        table.is_some_and(|table| sql.as_ref() == Some(&table.create_sql()))
    };
    let databases: Vec<String> = found
        .iter()
        .filter(|(name, object)| is_database(name, object))
        .map(|(name, _)| name.clone())
        .collect();
    for name in databases {
        found.remove(&name);
        let (table, index) = (Table::of(&name)?, format!("{name}.id"));
        match found.remove(&index) {
            Some((_, of, Some(sql))) if of == name && sql == table.index_sql() => {}
            Some(_) => report.found(finding(
                "schema.differs",
                format!("the index `{index}` is not as it was made"),
            )),
            // It is built after the rows, and dropped before they are taken back.
            None if table.is_empty(connection)? || is_being_filled(connection, &name)? => {}
            None => report.found(finding(
                "schema.differs",
                format!("the index `{index}` is missing"),
            )),
        }
    }
    found.retain(|name, _| !name.starts_with("sqlite_"));
    for (name, (kind, ..)) in found {
        let message = format!("there is a {kind} `{name}` that no version of this program makes");
        report.found(finding("schema.unexpected", message));
    }
    Ok(())
}

/// The tables of the ledger that are not read row by row otherwise.
const SMALL: [&str; 5] = [
    "ledger_stage",
    "ledger_run",
    "ledger_pass",
    "ledger_checkpoint",
    "ledger_erasure",
];

/// SQLite's own look at the structure of the small tables and their indexes.
pub(super) fn structure(connection: &Connection, report: &mut VerifyReport) {
    for table in SMALL {
        let sql = format!("PRAGMA integrity_check({table})");
        let checked: rusqlite::Result<Vec<String>> = connection
            .prepare(&sql)
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
        let problems = checked.unwrap_or_else(|error| vec![error.to_string()]);
        for problem in problems.into_iter().filter(|problem| problem != "ok") {
            report.found(finding("file.damaged", format!("the table `{table}`: {problem}")));
        }
    }
}

fn is_being_filled(connection: &Connection, database: &str) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_pass p WHERE p.target=?1
     AND NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end'))";
    Ok(connection.query_row(sql, [database], |row| row.get(0))?)
}

fn finding(code: &'static str, message: String) -> Finding {
    Finding {
        code,
        batch: None,
        database: None,
        record: None,
        message,
    }
}

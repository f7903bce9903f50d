//! The tables, indexes, views and triggers of the ledger, as every version of this program makes them, and how a store of
//! an earlier version gets those of this one.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Table;
use crate::error::{Error, Result, SchemaDifference};

/// `CFL1`: marks the file as a store of ours.
pub(super) const APPLICATION_ID: i32 = 0x4346_4C31;
/// The version of the schema.
pub(crate) const VERSION: i32 = 4;

const LEDGER_SQL: &str = include_str!("../../schema/ledger.sql");
/// Version 3, whose objects the earlier versions have in part.
const LEDGER_SQL_3: &str = include_str!("../../schema/ledger_v3.sql");
/// What version 2 has added.
const ADDED_BY_2: [&str; 1] = ["audit_reconciliation"];
/// What version 3 has added.
const ADDED_BY_3: [&str; 4] = [
    "ledger_pass_reverses",
    "ledger_batch_run",
    "ledger_entry_target",
    "ledger_entry_conflict",
];

/// What the tables of version 4 that follow from the ledger hold, as their triggers would have filled them.
const DERIVED: [(&str, &str); 4] = [
    (
        "ledger_sparse",
        "INSERT INTO ledger_sparse SELECT DISTINCT e.record, e.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
  WHERE b.entries>0 AND NOT (b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<131072);",
    ),
    (
        "ledger_open",
        "INSERT INTO ledger_open SELECT pass FROM ledger_pass p
  WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end');",
    ),
    (
        "ledger_total",
        "INSERT INTO ledger_total SELECT p.stage, sum(b.read), sum(b.written), sum(b.unchanged), sum(b.filtered), sum(b.refused), sum(b.merged)
  FROM ledger_pass p JOIN ledger_batch b USING(pass)
  WHERE p.kind IN('apply','retry','waive') AND p.stage IS NOT NULL AND b.read>0
    AND NOT EXISTS(SELECT 1 FROM ledger_pass u JOIN ledger_batch x ON x.pass=u.pass AND x.step='end' WHERE u.reverses=p.pass)
  GROUP BY p.stage;",
    ),
    (
        "ledger_written",
        "INSERT INTO ledger_written SELECT p.target, p.kind='rollback', b.batch FROM ledger_pass p JOIN ledger_batch b USING(pass)
  WHERE b.read>0 AND p.target IS NOT NULL AND (p.kind<>'load' OR b.read>b.unchanged);",
    ),
];

/// An object of the schema; SQLite's own indexes have no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// `table`, `index`, `view` or `trigger`.
    pub(crate) kind: String,
    /// The table or view that it belongs to; its own name where it is one.
    pub(crate) of: String,
    /// The statement that has made it.
    pub(crate) sql: Option<String>,
}

/// The objects of a schema, by name.
pub(crate) type Objects = BTreeMap<String, Object>;

/// What there is in a file.
pub(crate) fn objects(connection: &Connection) -> Result<Objects> {
    let mut statement = connection.prepare("SELECT name, type, tbl_name, sql FROM main.sqlite_schema")?;
    let objects = statement.query_map([], |row| {
        let object = Object {
            kind: row.get(1)?,
            of: row.get(2)?,
            sql: row.get(3)?,
        };
        Ok((row.get(0)?, object))
    })?;
    Ok(objects.collect::<rusqlite::Result<_>>()?)
}

/// What a version of this program makes.
pub(crate) fn objects_of(version: i32) -> Result<Objects> {
    let built_in = Connection::open_in_memory()?;
    built_in.execute_batch(if version >= VERSION {
        LEDGER_SQL
    } else {
        LEDGER_SQL_3
    })?;
    let mut objects = objects(&built_in)?;
    let lacks = |name: &str| {
        (version < 2 && ADDED_BY_2.contains(&name)) || (version < 3 && ADDED_BY_3.contains(&name))
    };
    objects.retain(|name, _| !lacks(name));
    Ok(objects)
}

/// Every difference between the schema of a store and what a version of this program makes, less what the tables of the
/// logical databases hold: their indexes come and go with the work.
pub(crate) fn differences(connection: &Connection, version: i32) -> Result<Vec<SchemaDifference>> {
    let (expected, mut found) = (objects_of(version)?, objects(connection)?);
    let mut differences = Vec::new();
    for (name, object) in &expected {
        let (what, drop) = match found.remove(name) {
            Some(there) if there == *object => continue,
            Some(there) => ("is not as it was made", dropped(name, &there)),
            None => ("is missing", String::new()),
        };
        // A table that follows from the ledger is made anew; of any other nobody knows what it held.
        let filled = DERIVED
            .iter()
            .find(|(table, _)| table == name)
            .map(|(_, sql)| *sql);
        let made = object
            .sql
            .as_ref()
            .filter(|_| object.kind != "table" || filled.is_some());
        differences.push(SchemaDifference {
            code: "schema.differs",
            message: format!("the {} `{name}` {what}", object.kind),
            mended_by: made.map(|sql| match filled {
                Some(filled) => format!("{drop}{sql}; {filled}"),
                None => format!("{drop}{sql};"),
            }),
        });
    }
    found.retain(|name, object| !name.starts_with("sqlite_") && !is_of_database(name, object));
    for (name, object) in found {
        differences.push(SchemaDifference {
            code: "schema.unexpected",
            message: format!(
                "there is a {} `{name}` that no version of this program makes",
                object.kind
            ),
            mended_by: Some(dropped(&name, &object).trim_end().to_owned()),
        });
    }
    Ok(differences)
}

/// Whether an object is the table of a logical database, or its index.
fn is_of_database(name: &str, object: &Object) -> bool {
    let Ok(table) = Table::of(&object.of) else {
        return false;
    };
    let made = match object.kind.as_str() {
        "table" if name == object.of => table.create_sql(),
        "index" if name == format!("{}.id", object.of) => table.index_sql(),
        _ => return false,
    };
    object.sql.as_ref() == Some(&made)
}

fn dropped(name: &str, object: &Object) -> String {
    let name = name.replace('"', "\"\"");
    format!("DROP {} \"{name}\"; ", object.kind.to_uppercase())
}

/// The query of a view, as this version makes it: what stands in a store may have been changed.
pub(crate) fn query_of_view(name: &str) -> &'static str {
    let begin = format!("CREATE VIEW {name} AS\n");
    let query = LEDGER_SQL
        .split(&begin)
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    query.expect("the views of the ledger are in its SQL")
}

/// Writes the tables; inside the transaction of the first batch.
pub(crate) fn write(connection: &Connection) -> Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};\n{LEDGER_SQL}"
    ))?;
    Ok(())
}

/// The order in which objects can be made.
fn rank(object: &Object) -> usize {
    let kinds = ["table", "index", "view", "trigger"];
    kinds
        .iter()
        .position(|kind| *kind == object.kind)
        .unwrap_or(kinds.len())
}

/// What this version makes, and an earlier one does not, or makes otherwise, in the order in which it can be made.
fn added_since(version: i32) -> Result<Vec<(String, Object)>> {
    let earlier = objects_of(version)?;
    let mut added: Vec<(String, Object)> = objects_of(VERSION)?.into_iter().collect();
    added.retain(|(name, object)| earlier.get(name) != Some(object) && object.sql.is_some());
    added.sort_by_key(|(_, object)| rank(object));
    Ok(added)
}

/// Brings a store of an earlier version up to date; inside a transaction. What stands in the ledger stays as it is.
pub(super) fn upgrade(connection: &Connection, version: i32) -> Result<()> {
    let earlier = objects_of(version)?;
    let (mut tables, mut rest) = (Vec::new(), Vec::new());
    for (name, object) in added_since(version)? {
        if let Some(changed) = earlier.get(&name) {
            if changed.kind == "table" {
                let what = format!("no version of this program changes the table `{name}`");
                return Err(Error::Damaged { what });
            }
            connection.execute_batch(&format!("DROP {} IF EXISTS {name}", changed.kind))?;
        }
        let made = if object.kind == "table" {
            &mut tables
        } else {
            &mut rest
        };
        made.extend(object.sql);
    }
    for sql in tables {
        connection.execute_batch(&sql)?;
    }
    if version < 4 {
        for (_, sql) in DERIVED {
            connection.execute_batch(sql)?;
        }
    }
    for sql in rest {
        connection.execute_batch(&sql)?;
    }
    connection.execute_batch(&format!("PRAGMA user_version={VERSION}"))?;
    Ok(())
}

/// Gives a connection that may only read a store of an earlier version the tables and views of this one, for as long as it
/// lasts. Indexes are missed, so that it reads more slowly.
pub(super) fn complete_for_reading(connection: &Connection, version: i32) -> Result<()> {
    let mut script = String::new();
    for (_, object) in added_since(version)? {
        let sql = object.sql.unwrap_or_default();
        match object.kind.as_str() {
            "table" => script.extend([&sql.replacen("CREATE TABLE", "CREATE TEMP TABLE", 1), ";\n"]),
            "view" => {
                let sql = sql.replacen("CREATE VIEW", "CREATE TEMP VIEW", 1);
                script.extend([&without_hints(&sql), ";\n"]);
            }
            _ => {}
        }
    }
    if version < 4 {
        script.extend(DERIVED.map(|(_, sql)| sql));
    }
    // As of one moment, whoever writes meanwhile.
    let moment = connection.unchecked_transaction()?;
    moment.execute_batch(&script)?;
    Ok(moment.commit()?)
}

/// Gives a connection that may only read a store whose views are not as they were made this program's own, for as long as
/// it lasts: a changed one would tell what is not so.
pub(super) fn shadow_views(connection: &Connection) -> Result<()> {
    for (_, object) in objects_of(VERSION)? {
        let sql = object.sql.filter(|_| object.kind == "view").unwrap_or_default();
        let sql = sql.replacen("CREATE VIEW", "CREATE TEMP VIEW IF NOT EXISTS", 1);
        connection.execute_batch(&without_hints(&sql))?;
    }
    Ok(())
}

/// The text of a view without the names of the indexes that it uses.
fn without_hints(sql: &str) -> String {
    let mut parts = sql.split(" INDEXED BY ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.find(char::is_whitespace).map_or("", |end| &part[end..]);
        text + rest
    })
}

/// What is wrong with the tables that follow from the ledger, each with the batch where there is one.
pub(crate) fn derived_problems(connection: &Connection) -> Result<Vec<(&'static str, Option<i64>)>> {
    let checks = [
        (
            "ledger_sparse",
            "`ledger_sparse` does not list the entries of the batch as it has to",
            "SELECT s.batch FROM ledger_sparse s WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b
               JOIN ledger_entry e ON e.batch=b.batch AND e.record=s.record
               WHERE b.batch=s.batch AND NOT (b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<131072))
             UNION SELECT b.batch FROM ledger_batch b CROSS JOIN ledger_entry e ON e.batch=b.batch
             WHERE b.entries>0 AND NOT (b.entries>256 AND b.last_record-b.first_record<4*b.entries AND b.last_record-b.first_record<131072)
               AND NOT EXISTS(SELECT 1 FROM ledger_sparse s WHERE s.record=e.record AND s.batch=b.batch)",
        ),
        (
            "ledger_open",
            "`ledger_open` does not list the pass of the batch as it has to",
            "SELECT (SELECT max(batch) FROM ledger_batch b WHERE b.pass=o.pass) FROM ledger_open o
             WHERE NOT EXISTS(SELECT 1 FROM ledger_pass p WHERE p.pass=o.pass)
               OR EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=o.pass AND b.step='end')
             UNION SELECT (SELECT max(batch) FROM ledger_batch b WHERE b.pass=p.pass) FROM ledger_pass p
             WHERE NOT EXISTS(SELECT 1 FROM ledger_batch b WHERE b.pass=p.pass AND b.step='end')
               AND NOT EXISTS(SELECT 1 FROM ledger_open o WHERE o.pass=p.pass)",
        ),
        (
            "ledger_written",
            "`ledger_written` does not list the batch as it has to",
            "SELECT batch FROM (SELECT p.target, p.kind='rollback', b.batch AS batch FROM ledger_pass p JOIN ledger_batch b USING(pass)
               WHERE b.read>0 AND p.target IS NOT NULL AND (p.kind<>'load' OR b.read>b.unchanged)
               EXCEPT SELECT database, rollback, batch FROM ledger_written)
             UNION SELECT batch FROM (SELECT database, rollback, batch FROM ledger_written
               EXCEPT SELECT p.target, p.kind='rollback', b.batch FROM ledger_pass p JOIN ledger_batch b USING(pass)
               WHERE b.read>0 AND p.target IS NOT NULL AND (p.kind<>'load' OR b.read>b.unchanged))",
        ),
        (
            "ledger_total",
            "`ledger_total` does not say what the standing passes of a revision have done",
            "SELECT NULL FROM (SELECT s.stage, coalesce(sum(b.read),0) AS read, coalesce(sum(b.written),0) AS written,
                 coalesce(sum(b.unchanged),0) AS unchanged, coalesce(sum(b.filtered),0) AS filtered,
                 coalesce(sum(b.refused),0) AS refused, coalesce(sum(b.merged),0) AS merged
               FROM ledger_stage s LEFT JOIN ledger_standing p ON p.stage=s.stage AND p.kind IN('apply','retry','waive')
               LEFT JOIN ledger_batch b ON b.pass=p.pass GROUP BY s.stage) d
             LEFT JOIN ledger_total t ON t.stage=d.stage
             WHERE (coalesce(t.read,0), coalesce(t.written,0), coalesce(t.unchanged,0), coalesce(t.filtered,0), coalesce(t.refused,0),
               coalesce(t.merged,0)) IS NOT (d.read, d.written, d.unchanged, d.filtered, d.refused, d.merged)
             UNION ALL SELECT NULL FROM ledger_total t WHERE NOT EXISTS(SELECT 1 FROM ledger_stage s WHERE s.stage=t.stage)",
        ),
    ];
    let mut problems = Vec::new();
    let mut is_there = connection.prepare("SELECT 1 FROM pragma_table_list WHERE name=?1")?;
    for (table, problem, sql) in checks {
        // That one is missing is told by [`differences`].
        if !is_there.exists([table])? {
            continue;
        }
        let mut statement = connection.prepare(sql)?;
        let batches = statement.query_map([], |row| row.get(0))?;
        for batch in batches {
            problems.push((problem, batch?));
        }
    }
    Ok(problems)
}

//! The tables, indexes, views and triggers of the ledger, as every version of this program makes them; how a store of an
//! earlier version gets those of this one, and what a connection that only reads gets for them.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Table;
use super::derived::{DERIVED, Derived};
use crate::error::{Error, Result, SchemaDifference};

/// `CFL1`: marks the file as a store of ours.
pub(super) const APPLICATION_ID: i32 = 0x4346_4C31;
/// The version of the schema.
pub(crate) const VERSION: i32 = 4;

pub(super) const LEDGER_SQL: &str = include_str!("../../schema/ledger.sql");
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
    let text = match version {
        1..=3 => LEDGER_SQL_3,
        VERSION => LEDGER_SQL,
        _ => {
            let what = format!("this program knows nothing of a schema of version {version}");
            return Err(Error::Damaged { what });
        }
    };
    let built_in = Connection::open_in_memory()?;
    built_in.execute_batch(text)?;
    let mut objects = objects(&built_in)?;
    let lacks = |name: &str| {
        (version < 2 && ADDED_BY_2.contains(&name)) || (version < 3 && ADDED_BY_3.contains(&name))
    };
    objects.retain(|name, _| !lacks(name));
    Ok(objects)
}

/// Every difference between the schema of a store and what a version of this program makes. The statements that are named
/// can be run one after the other, in this order.
pub(crate) fn differences(connection: &Connection, version: i32) -> Result<Vec<SchemaDifference>> {
    let (expected, found) = (objects_of(version)?, objects(connection)?);
    let is_as_made = |name: &str| expected.get(name) == found.get(name);
    let has_passes = is_as_made("ledger_pass") && is_as_made("ledger_batch");
    // What goes with its table, and comes with it.
    let comes_with = |name: &str, object: &Object| {
        let of = object.of.as_str();
        of != name && !is_as_made(of) && (object.sql.is_none() || Derived::of(of).is_some())
    };
    let differ = expected
        .iter()
        .filter(|(name, object)| !is_as_made(name) && !comes_with(name, object));
    let mut differences: Vec<_> = differ
        .map(|(name, object)| {
            let there = found.get(name);
            differs(name, &object.kind, there, made(name, &expected, there))
        })
        .collect();
    let mut others = found
        .iter()
        .filter(|(name, _)| !name.starts_with("sqlite_") && !expected.contains_key(*name))
        .filter(|(name, object)| !is_of_database(name, object));
    others.try_for_each(|(name, object)| {
        let is_data = has_passes && is_written(connection, &object.of)?;
        differences.push(unexpected(name, object, is_data));
        Ok::<_, Error>(())
    })?;
    if has_passes {
        differences.extend(missing_indexes(connection, &found)?);
    }
    Ok(differences)
}

fn differs(name: &str, kind: &str, there: Option<&Object>, mended_by: Option<String>) -> SchemaDifference {
    let what = if there.is_some() {
        "is not as it was made"
    } else {
        "is missing"
    };
    SchemaDifference {
        code: "schema.differs",
        message: format!("the {kind} `{name}` {what}"),
        mended_by,
    }
}

/// The statements that make an object as it was. A table that follows from the ledger is made anew; of any other nobody
/// knows what it held.
fn made(name: &str, expected: &Objects, there: Option<&Object>) -> Option<String> {
    let object = expected.get(name)?;
    if let Some(derived) = Derived::of(name) {
        return Some(derived.make_sql(expected, there));
    }
    let sql = object.sql.as_ref().filter(|_| object.kind != "table")?;
    let drop = there.map_or_else(String::new, |there| dropped(name, there) + " ");
    Some(format!("{drop}{sql};"))
}

/// What no version of this program makes; `is_data`: it is the table of a logical database, or belongs to one.
fn unexpected(name: &str, object: &Object, is_data: bool) -> SchemaDifference {
    let drop = dropped(name, object);
    if is_data && object.kind == "table" {
        return differs(name, &object.kind, Some(object), None);
    }
    // Another one in the place of a database's own.
    let index = Table::of(&object.of).map(|table| format!(" {};", table.index_sql()));
    let index = index
        .ok()
        .filter(|_| is_data && name == format!("{}.id", object.of));
    SchemaDifference {
        code: "schema.unexpected",
        message: format!(
            "there is a {} `{name}` that no version of this program makes",
            object.kind
        ),
        mended_by: Some(drop + &index.unwrap_or_default()),
    }
}

/// The indexes of logical databases that are missing although no pass still owes them. They come and go with the work: one is
/// built after the rows, and dropped before they are taken back.
fn missing_indexes(connection: &Connection, found: &Objects) -> Result<Vec<SchemaDifference>> {
    let mut missing = Vec::new();
    for (name, object) in found {
        let index = format!("{name}.id");
        if object.kind != "table" || !is_of_database(name, object) || found.contains_key(&index) {
            continue;
        }
        let table = Table::of(name)?;
        if !table.is_empty(connection)? && !is_being_filled(connection, name)? {
            let mended_by = format!("{};", table.index_sql());
            missing.push(differs(&index, "index", None, Some(mended_by)));
        }
    }
    Ok(missing)
}

/// Whether the ledger tells of a pass that has written to a database.
fn is_written(connection: &Connection, database: &str) -> Result<bool> {
    let mut statement = connection.prepare("SELECT 1 FROM main.ledger_pass WHERE target=?1")?;
    Ok(statement.exists([database])?)
}

/// Whether a pass that writes to a database has begun and not ended, and was not undone.
fn is_being_filled(connection: &Connection, database: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM main.ledger_pass p WHERE p.target=?1
       AND NOT EXISTS(SELECT 1 FROM main.ledger_batch b WHERE b.pass=p.pass AND b.step='end')
       AND NOT EXISTS(SELECT 1 FROM main.ledger_pass u JOIN main.ledger_batch b ON b.pass=u.pass AND b.step='end' WHERE u.reverses=p.pass)";
    Ok(connection.prepare(sql)?.exists([database])?)
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

/// Without IF EXISTS a trigger could not be dropped whose table was made anew before.
fn dropped(name: &str, object: &Object) -> String {
    let name = name.replace('"', "\"\"");
    format!("DROP {} IF EXISTS \"{name}\";", object.kind.to_uppercase())
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
    let (mut script, mut triggers) = (String::new(), String::new());
    for (name, object) in added_since(version)? {
        if let Some(changed) = earlier.get(&name) {
            if changed.kind == "table" {
                let what = format!("no version of this program changes the table `{name}`");
                return Err(Error::Damaged { what });
            }
            script.extend([&dropped(&name, changed), "\n"]);
        }
        // They would guard what is being filled.
        let made = if object.kind == "trigger" {
            &mut triggers
        } else {
            &mut script
        };
        made.extend([object.sql.as_deref().unwrap_or_default(), ";\n"]);
    }
    if version < 4 {
        script.extend(DERIVED.iter().map(Derived::fill_sql));
    }
    connection.execute_batch(&script)?;
    connection.execute_batch(&triggers)?;
    connection.execute_batch(&format!("PRAGMA user_version={VERSION}"))?;
    Ok(())
}

/// Gives a connection that only reads this program's own views, for as long as it lasts: a store of an earlier version lacks
/// some, and a changed one would tell what is not so. Tables that follow from the ledger become views where there are none
/// or what stands in them cannot be relied on: another process may write to the store, or bring it up to date, meanwhile, and
/// what was filled before would be out of date. Indexes are missed, so that it reads more slowly.
pub(super) fn shadow(connection: &Connection) -> Result<()> {
    let (expected, found) = (objects_of(VERSION)?, objects(connection)?);
    for derived in DERIVED
        .iter()
        .filter(|derived| !derived.is_kept(&expected, &found))
    {
        derived.shadow(connection)?;
    }
    for view in expected.values().filter(|object| object.kind == "view") {
        let sql = view.sql.as_deref().unwrap_or_default();
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

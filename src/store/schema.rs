//! The tables, indexes, views and triggers of the ledger, as every version of this program makes them; the upgrade of a
//! store from an earlier version; and the replacements that a read-only connection gets.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::Table;
use super::derived::{DERIVED, DerivedTable};
use super::foreign::{dropped, is_of_sqlite, virtual_owner};
use super::objects::{
    APPLICATION_ID, LEDGER_SQL, ObjectPlace, Objects, SchemaObject, VERSION, is_of_database, objects,
    objects_of,
};
use super::row_view;
use crate::error::{Error, Result, SchemaDifference};
use crate::ledger::sql::undone;
use crate::shown::line;

/// Returns every difference between the schema of a store and what a version of this program makes. The statements that
/// it names can be run one after the other, in this order.
pub(crate) fn differences(connection: &Connection, version: i32) -> Result<Vec<SchemaDifference>> {
    let found = objects(connection)?;
    let differences = differences_from(connection, &found, version)?;
    // If only the version number differs, or was changed too, what is derived from it is no help.
    let mut nearest = (differences.len(), None);
    for other in (1..=VERSION).filter(|other| *other != version && !differences.is_empty()) {
        let of_other = differences_from(connection, &found, other)?;
        if of_other.len() < nearest.0 {
            nearest = (of_other.len(), Some((other, of_other)));
        }
    }
    let Some((other, mut of_other)) = nearest.1 else {
        return Ok(differences);
    };
    let message =
        format!("the file claims schema version {version}, but its contents are of version {other}");
    let number = SchemaDifference {
        code: "schema.differs",
        message,
        mended_by: Some(format!("PRAGMA user_version={other};")),
    };
    of_other.insert(0, number);
    Ok(of_other)
}

fn differences_from(connection: &Connection, found: &Objects, version: i32) -> Result<Vec<SchemaDifference>> {
    let mut expected = objects_of(version)?;
    let has_passes = ["ledger_pass", "ledger_batch"]
        .iter()
        .all(|name| expected.get(&ObjectPlace::from_name(name)) == found.get(&ObjectPlace::from_name(name)));
    let mut databases = row_view::databases(found);
    if has_passes {
        // A database without its table, or with a changed one, is reported below.
        databases.extend(written(connection, &databases)?);
    }
    row_view::expect(&mut expected, &databases);
    let is_as_made =
        |name: &str| expected.get(&ObjectPlace::from_name(name)) == found.get(&ObjectPlace::from_name(name));
    let is_foreign =
        |place: &ObjectPlace, object: &SchemaObject| !expected.contains_key(place) && !is_of_database(object);
    // Objects that are dropped with their table.
    let goes_with = |object: &SchemaObject| {
        let (name, of) = (&object.name, &object.of);
        let goes = |of: &str| {
            let place = ObjectPlace::from_name(of);
            of != name && found.get(&place).is_some_and(|owner| is_foreign(&place, owner))
        };
        goes(of) || virtual_owner(name).is_some_and(|owner| goes(owner) && is_virtual(found, owner))
    };
    let mut others: Vec<(&ObjectPlace, &SchemaObject)> = found
        .iter()
        .filter(|(place, object)| is_foreign(place, object) && !is_of_sqlite(object) && !goes_with(object))
        .collect();
    // Foreign objects are dropped first, or they would block what is made.
    others.sort_by_key(|(_, object)| std::cmp::Reverse(rank(object)));
    let mut differences = Vec::new();
    for (place, object) in others {
        let is_data = has_passes && is_written(connection, &object.of)?;
        differences.push(unexpected(place, object, is_data));
    }
    // Objects that are made with their table.
    let comes_with = |object: &SchemaObject| {
        let of = object.of.as_str();
        of != object.name
            && !is_as_made(of)
            && (object.sql.is_none() || DerivedTable::from_name(of).is_some())
    };
    let mut ours: Vec<(&ObjectPlace, &SchemaObject)> = expected
        .iter()
        .filter(|(place, object)| found.get(*place) != Some(*object) && !comes_with(object))
        .collect();
    ours.sort_by_key(|(_, object)| rank(object));
    for (place, object) in ours {
        let there = found.get(place);
        differences.push(differs(
            &object.name,
            &object.kind,
            there,
            made(object, &expected, there),
        ));
    }
    if has_passes {
        differences.extend(missing_tables(connection, found)?);
        differences.extend(missing_indexes(connection, found)?);
    }
    Ok(differences)
}

/// Returns the version of the schema that a file states.
pub(crate) fn version(connection: &Connection) -> Result<i32> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Returns whether a file has a ledger.
pub(crate) fn has_ledger(connection: &Connection) -> Result<bool> {
    let mut statement = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name='ledger_run'")?;
    Ok(statement.exists([])?)
}

/// Returns what `SQLite` finds wrong in the structure of a table and its indexes, including the failure to check it.
pub(crate) fn damage(connection: &Connection, table: &str) -> Vec<String> {
    let checked: rusqlite::Result<Vec<String>> = connection
        .prepare(&format!("PRAGMA integrity_check({table})"))
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
    let mut problems = checked.unwrap_or_else(|error| vec![error.to_string()]);
    problems.retain(|problem| problem != "ok");
    problems
}

/// Returns whether a store that differs can be read all the same: it has the tables of the ledger that cannot be
/// derived, and no table or view with the name of an SQLite function.
pub(super) fn is_readable(connection: &Connection) -> Result<bool> {
    let (expected, found) = (objects_of(VERSION)?, objects(connection)?);
    let is_there = |name: &str| {
        let there = found.get(&ObjectPlace::from_name(name));
        there.is_some_and(|there| there.kind == "table")
    };
    let tables = expected.values().filter(|object| object.kind == "table");
    let mut needed = tables.filter(|table| DerivedTable::from_name(&table.name).is_none());
    let hides = |object: &SchemaObject| {
        let functions = ["json_each", "json_tree"];
        ["table", "view"].contains(&object.kind.as_str())
            && functions
                .iter()
                .any(|function| object.name.eq_ignore_ascii_case(function))
    };
    Ok(needed.all(|table| is_there(&table.name)) && !found.values().any(hides))
}

fn differs(
    name: &str,
    kind: &str,
    there: Option<&SchemaObject>,
    mended_by: Option<String>,
) -> SchemaDifference {
    let what = if there.is_some() {
        "is not as this program creates it"
    } else {
        "is missing"
    };
    SchemaDifference {
        code: "schema.differs",
        message: format!("the {kind} `{}` {what}", line(name)),
        mended_by,
    }
}

/// Returns the statements that make an object as it was. A table derived from the ledger is rebuilt; for any other, its
/// contents are unknown.
fn made(object: &SchemaObject, expected: &Objects, there: Option<&SchemaObject>) -> Option<String> {
    if let Some(derived) = DerivedTable::from_name(&object.name).filter(|_| object.kind == "table") {
        return Some(derived.make_sql(expected, there));
    }
    let sql = object.sql.as_ref().filter(|_| object.kind != "table")?;
    let drop = match there {
        Some(there) => dropped(there)? + " ",
        None => String::new(),
    };
    Some(format!("{drop}{sql};"))
}

/// Describes an object that no version of this program makes; `is_data`: it is the table of a logical database, or
/// belongs to one.
fn unexpected(place: &ObjectPlace, object: &SchemaObject, is_data: bool) -> SchemaDifference {
    let (name, kind) = (&object.name, &object.kind);
    if is_data && kind == "table" {
        return differs(name, kind, Some(object), None);
    }
    // A different object in the place of one of the database's own.
    let index = Table::from_name(&object.of).map(|table| format!(" {};", table.index_sql()));
    let index = index
        .ok()
        .filter(|_| is_data && kind == "index" && *name == format!("{}.id", object.of));
    SchemaDifference {
        code: "schema.unexpected",
        message: format!(
            "there is a {} `{}` that no version of this program creates",
            line(kind),
            line(name)
        ),
        // Of two objects with one name, no statement selects one.
        mended_by: dropped(object)
            .filter(|_| place.copy == 0)
            .map(|drop| drop + &index.unwrap_or_default()),
    }
}

/// Returns the missing tables of logical databases that rows were written to: a table is never dropped, and its
/// contents are unknown.
fn missing_tables(connection: &Connection, found: &Objects) -> Result<Vec<SchemaDifference>> {
    let mut missing = Vec::new();
    for name in written(connection, &row_view::databases(found))? {
        let there = found.get(&ObjectPlace::from_name(&name));
        if there.is_none_or(|there| there.kind != "table") {
            missing.push(differs(&name, "table", None, None));
        }
    }
    Ok(missing)
}

/// Returns the databases that rows were written to, except for those that need not be checked.
fn written(connection: &Connection, others: &BTreeSet<String>) -> Result<Vec<String>> {
    // From name to name: one look-up for each, not one for each pass.
    let mut names = connection.prepare(
        "WITH RECURSIVE names(name) AS (SELECT min(target) FROM main.ledger_pass
           UNION ALL SELECT (SELECT min(p.target) FROM main.ledger_pass p WHERE p.target>names.name) FROM names
             WHERE names.name IS NOT NULL)
         SELECT name FROM names WHERE name IS NOT NULL",
    )?;
    let mut written = connection.prepare(
        "SELECT 1 FROM main.ledger_pass p CROSS JOIN main.ledger_batch b ON b.pass=p.pass WHERE p.target=?1 AND b.written+b.merged>0",
    )?;
    let mut found = Vec::new();
    for name in names.query_map([], |row| row.get::<_, String>(0))? {
        let name = name?;
        if !others.contains(&name) && written.exists([&name])? {
            found.push(name);
        }
    }
    Ok(found)
}

/// Returns the missing indexes of logical databases that no pass is still to build. Indexes come and go with the work:
/// one is built after the rows, and dropped before they are rolled back.
fn missing_indexes(connection: &Connection, found: &Objects) -> Result<Vec<SchemaDifference>> {
    let mut missing = Vec::new();
    for object in found.values() {
        let (name, index) = (&object.name, format!("{}.id", object.name));
        if object.kind != "table"
            || !is_of_database(object)
            || found.contains_key(&ObjectPlace::from_name(&index))
        {
            continue;
        }
        let table = Table::from_name(name)?;
        if !table.is_empty(connection)? && !is_being_filled(connection, name)? {
            let mended_by = format!("{};", table.index_sql());
            missing.push(differs(&index, "index", None, Some(mended_by)));
        }
    }
    Ok(missing)
}

/// Returns whether the ledger contains a pass that has written to a database.
fn is_written(connection: &Connection, database: &str) -> Result<bool> {
    let mut statement = connection.prepare("SELECT 1 FROM main.ledger_pass WHERE target=?1")?;
    Ok(statement.exists([database])?)
}

/// Returns whether a pass that writes to a database has begun but not ended, and was not undone.
fn is_being_filled(connection: &Connection, database: &str) -> Result<bool> {
    let sql = concat!(
        "SELECT 1 FROM main.ledger_pass p WHERE p.target=?1
           AND NOT EXISTS(SELECT 1 FROM main.ledger_batch b WHERE b.pass=p.pass AND b.step='end') AND NOT ",
        undone!("main.", "p.pass")
    );
    Ok(connection.prepare(sql)?.exists([database])?)
}

fn is_virtual(found: &Objects, name: &str) -> bool {
    let sql = found
        .get(&ObjectPlace::from_name(name))
        .and_then(|owner| owner.sql.as_deref());
    sql.is_some_and(|sql| sql.starts_with("CREATE VIRTUAL TABLE "))
}

/// Creates the tables; called inside the transaction of the first batch.
pub(crate) fn write(connection: &Connection) -> Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION};\n{LEDGER_SQL}"
    ))?;
    Ok(())
}

/// Returns an object's rank in the order in which objects can be made.
fn rank(object: &SchemaObject) -> usize {
    let kinds = ["table", "index", "view", "trigger"];
    kinds
        .iter()
        .position(|kind| *kind == object.kind)
        .unwrap_or(kinds.len())
}

/// Returns what this version makes and an earlier one does not, or makes differently, in the order in which it can be
/// made.
fn added_since(version: i32) -> Result<Vec<(ObjectPlace, SchemaObject)>> {
    let earlier = objects_of(version)?;
    let mut added: Vec<(ObjectPlace, SchemaObject)> = objects_of(VERSION)?.into_iter().collect();
    added.retain(|(place, object)| earlier.get(place) != Some(object) && object.sql.is_some());
    added.sort_by_key(|(_, object)| rank(object));
    Ok(added)
}

/// Upgrades a store of an earlier version; called inside a transaction. The contents of the ledger do not change.
pub(super) fn upgrade(connection: &Connection, version: i32) -> Result<()> {
    let earlier = objects_of(version)?;
    let (mut script, mut triggers) = (String::new(), String::new());
    for (place, object) in added_since(version)? {
        if let Some(changed) = earlier.get(&place) {
            let Some(drop) = dropped(changed).filter(|_| changed.kind != "table") else {
                let what = format!("no version of this program changes the table `{}`", object.name);
                return Err(Error::Damaged { what });
            };
            script.extend([&drop, "\n"]);
        }
        // Triggers would guard what is being filled.
        let made = if object.kind == "trigger" {
            &mut triggers
        } else {
            &mut script
        };
        made.extend([object.sql.as_deref().unwrap_or_default(), ";\n"]);
    }
    if version < 4 {
        script.extend(DERIVED.iter().map(DerivedTable::fill_sql));
    }
    connection.execute_batch(&script)?;
    connection.execute_batch(&triggers)?;
    row_view::make(connection)?;
    connection.execute_batch(&format!("PRAGMA user_version={VERSION}"))?;
    Ok(())
}

/// Gives a read-only connection this program's own views, for as long as it exists: a store of an earlier version lacks
/// some, and a changed one would show wrong data. Tables derived from the ledger become views if they are missing or
/// their contents are not reliable: another process may write to the store, or upgrade it, meanwhile, and what was
/// filled before would be out of date. Missing indexes are not replaced, so reading is slower.
pub(super) fn shadow(connection: &Connection) -> Result<()> {
    let (mut expected, found) = (objects_of(VERSION)?, objects(connection)?);
    row_view::expect(&mut expected, &row_view::databases(&found));
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

/// Returns the text of a view without the names of the indexes that it uses.
fn without_hints(sql: &str) -> String {
    let mut parts = sql.split(" INDEXED BY ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.find(char::is_whitespace).map_or("", |end| &part[end..]);
        text + rest
    })
}

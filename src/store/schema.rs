//! The tables, indexes, views and triggers of the ledger, as every version of this program makes them; how a store of an
//! earlier version gets those of this one, and what a connection that only reads gets for them.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::Table;
use super::derived::{DERIVED, Derived};
use super::foreign::{dropped, is_of_sqlite, virtual_owner};
use super::row_view;
use crate::error::{Error, Result, SchemaDifference};
use crate::shown::line;

/// `CFL1`: marks the file as a store of ours.
pub(super) const APPLICATION_ID: i32 = 0x4346_4C31;
/// The version of the schema.
pub(crate) const VERSION: i32 = 5;

pub(super) const LEDGER_SQL: &str = include_str!("../../schema/ledger.sql");
const LEDGER_SQL_4: &str = include_str!("../../schema/ledger_v4.sql");
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
    pub(crate) name: String,
    /// `table`, `index`, `view` or `trigger`.
    pub(crate) kind: String,
    /// The table or view that it belongs to; its own name where it is one.
    pub(crate) of: String,
    /// The statement that has made it.
    pub(crate) sql: Option<String>,
}

/// Where an object stands: triggers have names of their own, so that one may have the name of a table. A file whose schema
/// somebody has written into may have several objects in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    is_trigger: bool,
    name: String,
    copy: usize,
}

impl Place {
    /// That of a table, an index or a view.
    pub(crate) fn of(name: &str) -> Self {
        Self {
            is_trigger: false,
            name: name.to_owned(),
            copy: 0,
        }
    }
}

/// The objects of a schema, each in its place.
pub(crate) type Objects = BTreeMap<Place, Object>;

/// What there is in a file.
pub(crate) fn objects(connection: &Connection) -> Result<Objects> {
    let mut statement = connection.prepare("SELECT name, type, tbl_name, sql FROM main.sqlite_schema")?;
    let found = statement.query_map([], |row| {
        Ok(Object {
            name: row.get(0)?,
            kind: row.get(1)?,
            of: row.get(2)?,
            sql: row.get(3)?,
        })
    })?;
    let mut objects = Objects::new();
    for object in found {
        let object = object?;
        let mut place = Place {
            is_trigger: object.kind == "trigger",
            ..Place::of(&object.name)
        };
        while objects.contains_key(&place) {
            place.copy += 1;
        }
        objects.insert(place, object);
    }
    Ok(objects)
}

/// What a version of this program makes in a store without databases.
pub(crate) fn objects_of(version: i32) -> Result<Objects> {
    let text = match version {
        1..=3 => LEDGER_SQL_3,
        4 => LEDGER_SQL_4,
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
    objects.retain(|place, _| !lacks(&place.name));
    Ok(objects)
}

/// Every difference between the schema of a store and what a version of this program makes. The statements that are named
/// can be run one after the other, in this order.
pub(crate) fn differences(connection: &Connection, version: i32) -> Result<Vec<SchemaDifference>> {
    let found = objects(connection)?;
    let differences = differences_from(connection, &found, version)?;
    // Where only the number is another one, or was changed too, what follows from it is no help.
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
    let message = format!(
        "the file says that it is of schema version {version}, but what is in it is of version {other}"
    );
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
        .all(|name| expected.get(&Place::of(name)) == found.get(&Place::of(name)));
    let mut databases = row_view::databases(found);
    if has_passes {
        // One that has no table, or another than it had, is told below.
        databases.extend(written(connection, &databases)?);
    }
    row_view::expect(&mut expected, &databases);
    let is_as_made = |name: &str| expected.get(&Place::of(name)) == found.get(&Place::of(name));
    let is_foreign =
        |place: &Place, object: &Object| !expected.contains_key(place) && !is_of_database(object);
    // What goes with its table.
    let goes_with = |object: &Object| {
        let (name, of) = (&object.name, &object.of);
        let goes = |of: &str| {
            let place = Place::of(of);
            of != name && found.get(&place).is_some_and(|owner| is_foreign(&place, owner))
        };
        goes(of) || virtual_owner(name).is_some_and(|owner| goes(owner) && is_virtual(found, owner))
    };
    let mut others: Vec<(&Place, &Object)> = found
        .iter()
        .filter(|(place, object)| is_foreign(place, object) && !is_of_sqlite(object) && !goes_with(object))
        .collect();
    // What is foreign goes first, or it would be in the way of what is made.
    others.sort_by_key(|(_, object)| std::cmp::Reverse(rank(object)));
    let mut differences = Vec::new();
    for (place, object) in others {
        let is_data = has_passes && is_written(connection, &object.of)?;
        differences.push(unexpected(place, object, is_data));
    }
    // What comes with its table.
    let comes_with = |object: &Object| {
        let of = object.of.as_str();
        of != object.name && !is_as_made(of) && (object.sql.is_none() || Derived::of(of).is_some())
    };
    let mut ours: Vec<(&Place, &Object)> = expected
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

/// Whether a store that differs can be read all the same: it has the tables of the ledger that nothing stands for, and none
/// that has the name of a function of SQLite's.
pub(super) fn is_readable(connection: &Connection) -> Result<bool> {
    let (expected, found) = (objects_of(VERSION)?, objects(connection)?);
    let is_there = |name: &str| {
        let there = found.get(&Place::of(name));
        there.is_some_and(|there| there.kind == "table")
    };
    let tables = expected.values().filter(|object| object.kind == "table");
    let mut needed = tables.filter(|table| Derived::of(&table.name).is_none());
    let hides = |object: &Object| {
        let functions = ["json_each", "json_tree"];
        ["table", "view"].contains(&object.kind.as_str())
            && functions
                .iter()
                .any(|function| object.name.eq_ignore_ascii_case(function))
    };
    Ok(needed.all(|table| is_there(&table.name)) && !found.values().any(hides))
}

fn differs(name: &str, kind: &str, there: Option<&Object>, mended_by: Option<String>) -> SchemaDifference {
    let what = if there.is_some() {
        "is not as it was made"
    } else {
        "is missing"
    };
    SchemaDifference {
        code: "schema.differs",
        message: format!("the {kind} `{}` {what}", line(name)),
        mended_by,
    }
}

/// The statements that make an object as it was. A table that follows from the ledger is made anew; of any other nobody
/// knows what it held.
fn made(object: &Object, expected: &Objects, there: Option<&Object>) -> Option<String> {
    if let Some(derived) = Derived::of(&object.name).filter(|_| object.kind == "table") {
        return Some(derived.make_sql(expected, there));
    }
    let sql = object.sql.as_ref().filter(|_| object.kind != "table")?;
    let drop = match there {
        Some(there) => dropped(there)? + " ",
        None => String::new(),
    };
    Some(format!("{drop}{sql};"))
}

/// What no version of this program makes; `is_data`: it is the table of a logical database, or belongs to one.
fn unexpected(place: &Place, object: &Object, is_data: bool) -> SchemaDifference {
    let (name, kind) = (&object.name, &object.kind);
    if is_data && kind == "table" {
        return differs(name, kind, Some(object), None);
    }
    // Another one in the place of a database's own.
    let index = Table::of(&object.of).map(|table| format!(" {};", table.index_sql()));
    let index = index
        .ok()
        .filter(|_| is_data && kind == "index" && *name == format!("{}.id", object.of));
    SchemaDifference {
        code: "schema.unexpected",
        message: format!(
            "there is a {} `{}` that no version of this program makes",
            line(kind),
            line(name)
        ),
        // Of two with one name no statement tells which.
        mended_by: dropped(object)
            .filter(|_| place.copy == 0)
            .map(|drop| drop + &index.unwrap_or_default()),
    }
}

/// The tables of logical databases that are missing although rows were written to them: a table is never dropped, and
/// nobody knows what it held.
fn missing_tables(connection: &Connection, found: &Objects) -> Result<Vec<SchemaDifference>> {
    let mut missing = Vec::new();
    for name in written(connection, &row_view::databases(found))? {
        let there = found.get(&Place::of(&name));
        if there.is_none_or(|there| there.kind != "table") {
            missing.push(differs(&name, "table", None, None));
        }
    }
    Ok(missing)
}

/// The databases that rows were written to, but for those of which it need not be asked.
fn written(connection: &Connection, others: &BTreeSet<String>) -> Result<Vec<String>> {
    // From name to name: one look-up each, not one per pass.
    let mut names = connection.prepare(
        "WITH RECURSIVE names(name) AS (SELECT min(target) FROM main.ledger_pass
           UNION ALL SELECT (SELECT min(p.target) FROM main.ledger_pass p WHERE p.target>names.name) FROM names
             WHERE names.name IS NOT NULL)
         SELECT name FROM names WHERE name IS NOT NULL",
    )?;
    let mut written = connection.prepare(
        "SELECT 1 FROM main.ledger_pass p CROSS JOIN main.ledger_batch b ON b.pass=p.pass WHERE p.target=?1 AND b.written>0",
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

/// The indexes of logical databases that are missing although no pass still owes them. They come and go with the work: one is
/// built after the rows, and dropped before they are taken back.
fn missing_indexes(connection: &Connection, found: &Objects) -> Result<Vec<SchemaDifference>> {
    let mut missing = Vec::new();
    for object in found.values() {
        let (name, index) = (&object.name, format!("{}.id", object.name));
        if object.kind != "table" || !is_of_database(object) || found.contains_key(&Place::of(&index)) {
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
pub(super) fn is_of_database(object: &Object) -> bool {
    let Ok(table) = Table::of(&object.of) else {
        return false;
    };
    let made = match object.kind.as_str() {
        "table" if object.name == object.of => table.create_sql(),
        "index" if object.name == format!("{}.id", object.of) => table.index_sql(),
        _ => return false,
    };
    object.sql.as_ref() == Some(&made)
}

fn is_virtual(found: &Objects, name: &str) -> bool {
    let sql = found.get(&Place::of(name)).and_then(|owner| owner.sql.as_deref());
    sql.is_some_and(|sql| sql.starts_with("CREATE VIRTUAL TABLE "))
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
fn added_since(version: i32) -> Result<Vec<(Place, Object)>> {
    let earlier = objects_of(version)?;
    let mut added: Vec<(Place, Object)> = objects_of(VERSION)?.into_iter().collect();
    added.retain(|(place, object)| earlier.get(place) != Some(object) && object.sql.is_some());
    added.sort_by_key(|(_, object)| rank(object));
    Ok(added)
}

/// Brings a store of an earlier version up to date; inside a transaction. What stands in the ledger stays as it is.
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
    row_view::make(connection)?;
    connection.execute_batch(&format!("PRAGMA user_version={VERSION}"))?;
    Ok(())
}

/// Gives a connection that only reads this program's own views, for as long as it lasts: a store of an earlier version lacks
/// some, and a changed one would tell what is not so. Tables that follow from the ledger become views where there are none
/// or what stands in them cannot be relied on: another process may write to the store, or bring it up to date, meanwhile, and
/// what was filled before would be out of date. Indexes are missed, so that it reads more slowly.
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

/// The text of a view without the names of the indexes that it uses.
fn without_hints(sql: &str) -> String {
    let mut parts = sql.split(" INDEXED BY ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.find(char::is_whitespace).map_or("", |end| &part[end..]);
        text + rest
    })
}

//! The objects of a schema: those in a file, and those that each version of this program makes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::ddl;
use crate::error::{Error, Result};
use crate::name::is_database_name;

/// `CFL1`: marks the file as a store.
pub(super) const APPLICATION_ID: i32 = 0x4346_4C31;
/// Version of the schema.
pub(crate) const VERSION: i32 = 8;

pub(super) const LEDGER_SQL: &str = include_str!("../../schema/ledger.sql");
const LEDGER_SQL_7: &str = include_str!("../../schema/ledger_v7.sql");
const LEDGER_SQL_6: &str = include_str!("../../schema/ledger_v6.sql");
const LEDGER_SQL_5: &str = include_str!("../../schema/ledger_v5.sql");
const LEDGER_SQL_4: &str = include_str!("../../schema/ledger_v4.sql");
/// Schema of version 3; the earlier versions have some of its objects.
const LEDGER_SQL_3: &str = include_str!("../../schema/ledger_v3.sql");
/// Objects added by version 2.
const ADDED_BY_2: [&str; 1] = ["audit_reconciliation"];
/// Objects added by version 3.
const ADDED_BY_3: [&str; 4] = [
    "ledger_pass_reverses",
    "ledger_batch_run",
    "ledger_entry_target",
    "ledger_entry_conflict",
];

/// An object of the schema; SQLite's own indexes have no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaObject {
    pub(crate) name: String,
    /// `table`, `index`, `view` or `trigger`.
    pub(crate) kind: String,
    /// Table or view that it belongs to; its own name if it is one.
    pub(crate) of: String,
    /// Statement that made it.
    pub(crate) sql: Option<String>,
}

/// Place of an object: triggers have a separate namespace, so one may have the name of a table. A file whose schema was
/// written to directly may have several objects in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectPlace {
    pub(super) is_trigger: bool,
    pub(super) name: String,
    pub(super) copy: usize,
}

impl ObjectPlace {
    /// Returns the place of a table, an index or a view.
    pub(crate) fn from_name(name: &str) -> Self {
        Self {
            is_trigger: false,
            name: name.to_owned(),
            copy: 0,
        }
    }
}

/// The objects of a schema, each in its place.
pub(crate) type Objects = BTreeMap<ObjectPlace, SchemaObject>;

/// Returns the objects in a file.
pub(crate) fn objects(connection: &Connection) -> Result<Objects> {
    let mut statement = connection.prepare("SELECT name, type, tbl_name, sql FROM main.sqlite_schema")?;
    let found = statement.query_map([], |row| {
        Ok(SchemaObject {
            name: row.get(0)?,
            kind: row.get(1)?,
            of: row.get(2)?,
            sql: row.get(3)?,
        })
    })?;
    let mut objects = Objects::new();
    for object in found {
        let object = object?;
        let mut place = ObjectPlace {
            is_trigger: object.kind == "trigger",
            ..ObjectPlace::from_name(&object.name)
        };
        while objects.contains_key(&place) {
            place.copy += 1;
        }
        objects.insert(place, object);
    }
    Ok(objects)
}

/// Returns the objects that a version of this program makes in a store without databases. SQLite reads the schema of each
/// version once in a process, which takes longer than all else that opens a store.
pub(crate) fn objects_of(version: i32) -> Result<Objects> {
    static MADE: Mutex<BTreeMap<i32, Objects>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(objects) = made.get(&version) {
        return Ok(objects.clone());
    }
    let objects = made_by(version)?;
    made.insert(version, objects.clone());
    Ok(objects)
}

fn made_by(version: i32) -> Result<Objects> {
    let text = match version {
        1..=3 => LEDGER_SQL_3,
        4 => LEDGER_SQL_4,
        5 => LEDGER_SQL_5,
        6 => LEDGER_SQL_6,
        7 => LEDGER_SQL_7,
        VERSION => LEDGER_SQL,
        _ => {
            let what = format!("this program does not know schema version {version}");
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

/// Returns whether an object is the table of a logical database, or its index.
pub(super) fn is_of_database(object: &SchemaObject) -> bool {
    if !is_database_name(&object.of) {
        return false;
    }
    let made = match object.kind.as_str() {
        "table" if object.name == object.of => ddl::table(&object.of),
        "index" if object.name == format!("{}.id", object.of) => ddl::index(&object.of),
        _ => return false,
    };
    object.sql.as_ref() == Some(&made)
}

/// Returns the query of a view as this version makes it: the one in a store may have been changed.
pub(crate) fn query_of_view(name: &str) -> &'static str {
    let begin = format!("CREATE VIEW {name} AS\n");
    let query = LEDGER_SQL
        .split(&begin)
        .nth(1)
        .and_then(|rest| rest.split(';').next());
    query.expect("the views of the ledger are in its SQL")
}

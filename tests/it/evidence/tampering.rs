//! Fault 10: whatever of the ledger or the data is changed, left out, added, swapped or played back, by somebody who knows
//! how to go around the triggers, is found when the store is opened or verified, and the right batch is named.

use std::path::Path;

use counterfoil::record::BatchId;
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{Finding, VerifyOptions, verify};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::{load_one, open};
use crate::support::scenario::{self, Beginning, Template};

/// Where the triggers stand in the schema; a tamperer takes them out and puts them back.
const GUARDS: &str = "SELECT name, sql FROM sqlite_schema WHERE type='trigger'";

/// Changes a store behind the ledger's back; `false` where the change cannot be written down at all.
fn tamper(store: &Path, change: &dyn Fn(&Connection) -> rusqlite::Result<usize>) -> bool {
    let connection = Connection::open(store).expect("a store");
    connection
        .execute_batch("PRAGMA ignore_check_constraints=ON; PRAGMA foreign_keys=OFF;")
        .expect("settings");
    let guards: Vec<(String, String)> = connection
        .prepare(GUARDS)
        .and_then(|mut guards| {
            guards
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .expect("a schema");
    for (name, _) in &guards {
        connection
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .expect("it goes");
    }
    let changed = change(&connection);
    for (_, sql) in &guards {
        connection.execute_batch(sql).expect("it comes back");
    }
    changed.is_ok_and(|rows| rows > 0)
}

/// What is found: codes with the batches that they name.
type Found = Vec<(String, Option<i64>)>;

/// What `verify` finds in a store, though it may not be what was signed.
fn found(store: &Path) -> Found {
    let options = StoreOptions::default().unchecked(true).read_only(true);
    let verified = Store::open(store, options, scenario::environment(3))
        .and_then(|store| verify(&store, &VerifyOptions::default()));
    match verified {
        Ok(report) => {
            let named = |finding: &Finding| (finding.code.to_owned(), finding.batch.map(BatchId::get));
            report.findings.iter().map(named).collect()
        }
        Err(error) => vec![(error.code().to_owned(), None)],
    }
}

/// The tables of the ledger.
const TABLES: &str =
    "SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE 'ledger_%' ORDER BY name";

/// The first, the middle and the last row.
fn places(rows: i64) -> Vec<i64> {
    let mut places = vec![0, rows / 2, rows - 1];
    places.retain(|place| (0..rows).contains(place));
    places.dedup();
    places
}

fn count(connection: &Connection, table: &str) -> i64 {
    connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        .expect("a count")
}

/// Tampers with a copy of a store; gives what is found, or `None` where the change cannot be written down.
fn after(path: &Path, change: &dyn Fn(&Connection) -> rusqlite::Result<usize>) -> Option<Found> {
    let (_folder, copy) = copy(path);
    tamper(&copy, change).then(|| found(&copy))
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => Value::Integer(1),
        Value::Integer(number) => Value::Integer(number + 1),
        Value::Real(number) => Value::Real(number + 1.0),
        // Texts that have to be JSON stay JSON.
        Value::Text(text) if text.ends_with(']') || text.ends_with('}') => Value::Text(format!("{text} ")),
        Value::Text(text) => Value::Text(format!("{text}x")),
        Value::Blob(bytes) if bytes.is_empty() => Value::Blob(vec![1; 32]),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Value::Blob(bytes)
        }
    }
}

/// A store with everything in it: refusals, images of every kind, a rollback, an edit, a waiver.
pub(super) fn eventful() -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, path) = Template::new(Beginning::Applied).store();
    let mut store = open(&path).expect("a store");
    let mut edit = |id: &str, n: &str| {
        let data = format!(r#"{{"id":"{id}","amount":"{n}","kind":"plain","note":"by hand"}}"#);
        store
            .database("b")
            .and_then(|mut database| database.put(id, &data))
            .expect("an edit");
    };
    edit("r3", "7.00");
    edit("by hand", "8.00");
    store
        .database("b")
        .and_then(|mut database| database.delete("r11"))
        .expect("an edit");
    load_one(&mut store, "late");
    super::apply_all(&mut store);
    drop(store);
    (folder, path)
}

fn copy(path: &Path) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("store.db");
    std::fs::copy(path, &copy).expect("a copy");
    let checkpoints = |store: &Path| format!("{}.checkpoints", store.display());
    std::fs::copy(checkpoints(path), checkpoints(&copy)).expect("a copy");
    (folder, copy)
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("a query");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("texts")
}

/// The columns of a table, and those of its key.
fn columns_of(connection: &Connection, table: &str) -> (Vec<String>, Vec<String>) {
    let columns = format!("SELECT name FROM pragma_table_info('{table}')");
    let keys = format!("{columns} WHERE pk ORDER BY pk");
    (texts(connection, &columns), texts(connection, &keys))
}

#[test]
fn every_column_of_every_table_of_the_ledger_is_guarded() {
    let (_folder, path) = eventful();
    assert_eq!(found(&path), [], "it is sound");
    let connection = Connection::open(&path).expect("a store");
    let (mut tried, mut silent) = (0, Vec::new());
    for table in texts(&connection, TABLES) {
        let (columns, keys) = columns_of(&connection, &table);
        let order = keys.join(", ");
        let wanted: Vec<String> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| format!("{key}=?{}", at + 2))
            .collect();
        for place in places(count(&connection, &table)) {
            for column in &columns {
                let select = format!(
                    "SELECT \"{column}\", {order} FROM {table} ORDER BY {order} LIMIT 1 OFFSET {place}"
                );
                let sql = format!(
                    "UPDATE {table} SET \"{column}\"=?1 WHERE {}",
                    wanted.join(" AND ")
                );
                let change = |connection: &Connection| {
                    let mut row: Vec<Value> = connection.query_row(&select, [], |row| {
                        (0..=keys.len()).map(|at| row.get(at)).collect::<Result<_, _>>()
                    })?;
                    row[0] = other(&row[0]);
                    connection.execute(&sql, rusqlite::params_from_iter(row))
                };
                let Some(found) = after(&path, &change) else {
                    continue;
                };
                tried += 1;
                let names_batch = columns.iter().any(|column| column == "batch") && column != "batch";
                let batch: Option<i64> = names_batch.then(|| {
                    let select = format!("SELECT batch FROM {table} ORDER BY {order} LIMIT 1 OFFSET {place}");
                    connection
                        .query_row(&select, [], |row| row.get(0))
                        .expect("a row")
                });
                let is_named = batch.is_none() || found.iter().any(|(_, named)| *named == batch);
                if found.is_empty() || !is_named {
                    silent.push(format!(
                        "{table}.{column}, row {place}, batch {batch:?}: {found:?}"
                    ));
                }
            }
        }
    }
    assert!(
        silent.is_empty(),
        "of {tried} changes not found, or without their batch: {silent:#?}"
    );
    assert!(tried > 170, "{tried} changes");
    println!("tampering: {tried} changed columns, all found");
}

#[test]
fn rows_that_are_taken_out_put_in_or_swapped_are_found() {
    let (_folder, path) = eventful();
    let connection = Connection::open(&path).expect("a store");
    let (mut tried, mut silent) = (0, Vec::new());
    let mut check = |what: String, change: &dyn Fn(&Connection) -> rusqlite::Result<usize>| {
        if let Some(found) = after(&path, change) {
            tried += 1;
            if found.is_empty() {
                silent.push(what);
            }
        }
    };
    for table in texts(&connection, TABLES)
        .into_iter()
        .filter(|table| table != "ledger_checkpoint")
    {
        let (columns, keys) = columns_of(&connection, &table);
        let order = keys.join(", ");
        for place in places(count(&connection, &table)) {
            let chosen = format!("SELECT {order} FROM {table} ORDER BY {order} LIMIT 1 OFFSET {place}");
            let delete = format!("DELETE FROM {table} WHERE ({order}) IN ({chosen})");
            check(format!("{table}: row {place} taken out"), &|connection| {
                connection.execute(&delete, [])
            });
            // The same row once more under another last key: an entry, a record, a run that never was.
            let (last, others) = columns
                .split_first()
                .map(|_| (keys.last().expect("a key"), &columns))
                .expect("columns");
            let values: Vec<String> = others
                .iter()
                .map(|column| match column {
                    column if column == last => format!("\"{column}\"+100000"),
                    column if column == "uuid" => "uuid || 'x'".to_owned(),
                    column if column == "number" => "number+1".to_owned(),
                    column => format!("\"{column}\""),
                })
                .collect();
            let insert = format!(
                "INSERT INTO {table} SELECT {} FROM {table} WHERE ({order}) IN ({chosen})",
                values.join(", ")
            );
            check(format!("{table}: row {place} put in again"), &|connection| {
                connection.execute(&insert, [])
            });
        }
    }
    let swap = |table: &str, key: &str, column: &str, one: i64, other: i64| {
        format!(
            "UPDATE {table} SET {column}=(SELECT t.{column} FROM {table} t WHERE t.{key}=CASE {table}.{key} WHEN {one} THEN {other} ELSE {one} END)
             WHERE {key} IN({one},{other})"
        )
    };
    for (table, key, column, one, other) in [
        ("ledger_batch", "batch", "tree_root", 5, 6),
        ("ledger_batch", "batch", "committed_us", 1, 20),
        ("ledger_batch", "batch", "cursor", 14, 15),
        ("ledger_record", "record", "salt", 3, 4),
        ("ledger_run", "run", "actor", 1, 2),
        ("ledger_run", "run", "command", 2, 3),
        ("a", "record", "data", 3, 4),
        ("b", "record", "data", 20, 30),
    ] {
        let sql = swap(table, key, column, one, other);
        check(
            format!("{table}.{column} of {one} and {other} swapped"),
            &|connection| {
                let differs =
                    format!("SELECT count(DISTINCT {column}) FROM {table} WHERE {key} IN({one},{other})");
                let differs: i64 = connection.query_row(&differs, [], |row| row.get(0))?;
                if differs < 2 {
                    Ok(0)
                } else {
                    connection.execute(&sql, [])
                }
            },
        );
    }
    for (what, sql) in [
        (
            "the entries of two records swapped",
            "UPDATE ledger_entry SET record=CASE record WHEN 3 THEN -4 ELSE -3 END WHERE batch=2 AND record IN(3,4); UPDATE ledger_entry SET record=-record WHERE record<0",
        ),
        (
            "an entry moved to another batch",
            "UPDATE ledger_entry SET batch=4 WHERE batch=2 AND record=3",
        ),
        (
            "a refusal made a success",
            "UPDATE ledger_entry SET outcome=1, reason=NULL WHERE record=37 AND outcome=4",
        ),
        (
            "a batch of another time played back",
            "UPDATE ledger_entry SET after=(SELECT f.after FROM ledger_entry f WHERE f.record=ledger_entry.record AND f.batch<ledger_entry.batch AND f.after IS NOT NULL LIMIT 1) WHERE batch=25",
        ),
        ("a row taken out", "DELETE FROM b WHERE record=20"),
        (
            "a row put in",
            "INSERT INTO b SELECT 9999, 'new', data FROM b WHERE record=20",
        ),
        (
            "a row under another number",
            "UPDATE b SET record=9999 WHERE record=20",
        ),
        (
            "a row under another id",
            "UPDATE b SET id='other' WHERE record=20",
        ),
        (
            "a digit of a row",
            "UPDATE a SET data=replace(data, '20.505', '20.506') WHERE record=20",
        ),
        (
            "an erasure that nobody made",
            "INSERT INTO ledger_erasure VALUES(20, 2, 'none')",
        ),
        (
            "white space in a row",
            "UPDATE a SET data=data || ' ' WHERE record=20",
        ),
        ("a database taken out", "DROP TABLE b"),
        (
            "a database put in",
            "CREATE TABLE \"z\"(record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT; INSERT INTO z SELECT * FROM a",
        ),
    ] {
        check(what.to_owned(), &|connection| {
            connection.execute_batch(sql).map(|()| 1)
        });
    }
    assert!(silent.is_empty(), "of {tried} changes not found: {silent:#?}");
    assert!(tried > 50, "{tried} changes");
    println!("tampering: {tried} rows taken out, put in or swapped, all found");
}

#[test]
fn a_changed_or_added_object_of_the_schema_is_named() {
    let (_folder, path) = eventful();
    let mut tried = 0;
    let objects =
        "SELECT type || ' ' || name FROM sqlite_schema WHERE type IN('trigger','view') ORDER BY name";
    for object in texts(&Connection::open(&path).expect("a store"), objects) {
        let (_copy_folder, copy) = copy(&path);
        let connection = Connection::open(&copy).expect("a store");
        connection
            .execute_batch(&format!("DROP {object}"))
            .expect("it goes");
        let codes = found(&copy);
        assert!(
            codes.iter().any(|(code, _)| code == "schema.differs"),
            "{object}: {codes:?}"
        );
        tried += 1;
    }
    for (sql, code) in [
        (
            "DROP VIEW audit_chain_problem; CREATE VIEW audit_chain_problem AS SELECT 1 AS batch, '' AS problem WHERE 0",
            "schema.differs",
        ),
        (
            "DROP TRIGGER ledger_entry_update; CREATE TRIGGER ledger_entry_update BEFORE UPDATE ON ledger_entry BEGIN SELECT 1; END",
            "schema.differs",
        ),
        ("DROP INDEX ledger_batch_pass", "schema.differs"),
        (
            "CREATE INDEX by_outcome ON ledger_entry(outcome)",
            "schema.unexpected",
        ),
        (
            "CREATE TRIGGER b_insert AFTER INSERT ON b BEGIN DELETE FROM a; END",
            "schema.unexpected",
        ),
        ("CREATE VIEW c AS SELECT * FROM b", "schema.unexpected"),
        ("CREATE TABLE notes(text)", "schema.unexpected"),
        ("DROP INDEX \"b.id\"", "schema.differs"),
        (
            "DROP INDEX \"b.id\"; CREATE INDEX \"b.id\" ON b(data)",
            "schema.unexpected",
        ),
        ("ALTER TABLE ledger_run ADD COLUMN extra TEXT", "schema.differs"),
    ] {
        let (_copy_folder, copy) = copy(&path);
        Connection::open(&copy)
            .expect("a store")
            .execute_batch(sql)
            .expect("it is done");
        let codes = found(&copy);
        assert!(codes.iter().any(|(found, _)| found == code), "{sql}: {codes:?}");
        tried += 1;
    }
    println!("tampering: {tried} changes of the schema, all named");
}

//! The store that every case starts from: the orders, in the settings that Counterfoil uses.

use std::error::Error;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::orders::{Ids, orders};

/// The seed of every benchmark, so that runs can be compared.
const SEED: u64 = 1;

/// Opens a file with Counterfoil's settings: 8 KB pages, journal DELETE, `synchronous=EXTRA`, 16 MB cache.
pub(crate) fn open(file: &Path) -> Result<Connection, Box<dyn Error>> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -16384;",
    )?;
    Ok(connection)
}

/// A table as a logical database has it, with its index.
pub(crate) fn create_database(connection: &Connection, name: &str) -> Result<(), Box<dyn Error>> {
    connection.execute_batch(&format!(
        "CREATE TABLE \"{name}\" (record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT;
         CREATE UNIQUE INDEX \"{name}.id\" ON \"{name}\" (id);"
    ))?;
    Ok(())
}

/// Writes `orders_v1` with so many orders into a new file, and the same orders as NDJSON beside it.
pub(crate) fn prepare(file: &Path, lines: &Path, count: usize, ids: Ids) -> Result<(), Box<dyn Error>> {
    let mut connection = open(file)?;
    create_database(&connection, "orders_v1")?;
    let transaction = connection.transaction()?;
    let mut text = String::new();
    {
        let mut insert = transaction.prepare("INSERT INTO orders_v1 (id, data) VALUES (?1, ?2)")?;
        for (id, data) in orders(SEED, ids).take(count) {
            insert.execute(params![id, data])?;
            text.push_str(&data);
            text.push('\n');
        }
    }
    transaction.commit()?;
    fs::write(lines, text)?;
    Ok(())
}

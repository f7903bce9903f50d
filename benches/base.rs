//! The store that every case starts from: the orders, loaded by Counterfoil; and the floor that is measured against.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use counterfoil::environment::Environment;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::store::{Store, StoreOptions};
use rusqlite::Connection;

use crate::orders::{Ids, orders};

/// The seed of every benchmark, so that runs can be compared.
const SEED: u64 = 1;

/// Opens a file with Counterfoil's settings: 8 KB pages, journal DELETE, `synchronous=EXTRA`, 16 MB cache.
fn open_plain(file: &Path) -> Result<Connection, Box<dyn Error>> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -16384;",
    )?;
    Ok(connection)
}

/// Opens a store as the library does for anybody.
pub(crate) fn open(file: &Path) -> Result<Store, Box<dyn Error>> {
    Ok(Store::open_or_create(
        file,
        StoreOptions::default(),
        Environment::default(),
    )?)
}

/// Writes so many orders as NDJSON.
pub(crate) fn write_lines(lines: &Path, count: usize, ids: Ids) -> Result<(), Box<dyn Error>> {
    let mut output = BufWriter::new(File::create(lines)?);
    for (_, data) in orders(SEED, ids).take(count) {
        writeln!(output, "{data}")?;
    }
    Ok(output.flush()?)
}

/// Loads the orders of a file into `orders_v1`; gives how many were written.
pub(crate) fn load_lines(store: &Path, lines: &Path) -> Result<u64, Box<dyn Error>> {
    let options = LoadOptions::default().id_field("order_id");
    let input = File::open(lines)?;
    let report = load(
        &mut open(store)?,
        "orders_v1",
        "orders.ndjson",
        input,
        &options,
        &mut Silent,
    )?;
    Ok(report.counts.written)
}

/// A fresh copy of a closed store, on disk before anything is measured.
pub(crate) fn copy(prepared: &Path, store: &Path) -> Result<(), Box<dyn Error>> {
    fs::copy(prepared, store)?;
    // A copy still in the cache would be written out in the middle of the measurement.
    Ok(File::open(store)?.sync_all()?)
}

/// B0: the least that any copying migration inside one file costs. With `batch` it commits as often as Counterfoil
/// does, and as durably.
pub(crate) fn floor(store: &Path, batch: Option<usize>) -> Result<usize, Box<dyn Error>> {
    let connection = open_plain(store)?;
    connection.execute_batch(
        "CREATE TABLE orders_v2 (record INTEGER PRIMARY KEY, id TEXT NOT NULL, data TEXT NOT NULL) STRICT;
         CREATE UNIQUE INDEX \"orders_v2.id\" ON orders_v2 (id);",
    )?;
    // Nothing but the plain copy: a look at the target in the same statement would make SQLite copy everything twice.
    let sql = "INSERT INTO orders_v2 SELECT record, id, data FROM orders_v1 WHERE record > ?1 ORDER BY record LIMIT ?2";
    let limit = batch.map_or(-1, |batch| i64::try_from(batch).unwrap_or(i64::MAX));
    let (mut written, mut after) = (0, 0);
    loop {
        let copied = connection.execute(sql, [after, limit])?;
        written += copied;
        if copied == 0 || batch.is_none() {
            return Ok(written);
        }
        after = connection.query_row("SELECT max(record) FROM orders_v2", [], |row| row.get(0))?;
    }
}

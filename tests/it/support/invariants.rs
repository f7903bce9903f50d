//! What must hold after every fault; the numbers are those of `tests/faults/README.md`.

use std::path::Path;
use std::process::Output;

use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;

use super::child::acknowledged;
use super::comparison::{Compared, Contents};
use super::scenario::{REDACTED, environment};

/// What was to be done when a fault struck, and what it would have come to without it.
pub(crate) struct Interrupted<'a> {
    /// The same command again.
    pub(crate) again: &'a dyn Fn() -> Result<(), String>,
    /// The store of a run without a fault.
    pub(crate) uninterrupted: &'a Contents,
    /// How much must be the same.
    pub(crate) compared: Compared,
}

/// Holds after a fault: the store is sound as it was left; the same command again finishes; then it equals that of an
/// uninterrupted run.
///
/// # Panics
/// When one of the invariants does not hold.
pub(crate) fn assert_invariants(store: &Path, output: &Output, interrupted: &Interrupted<'_>, fault: &str) {
    assert_said(output, fault);
    assert_sound(store, acknowledged(output), fault);
    // What had come to its end before it was killed is done: the same load again is another load, which finds
    // everything unchanged, or refused already, and adds nothing but its own batches.
    let before = Contents::of(store, interrupted.compared);
    let is_done = interrupted.uninterrupted.difference_unsigned(&before).is_none();
    // I6
    let again = (interrupted.again)();
    assert_eq!(again, Ok(()), "{fault}: the same command again");
    assert_sound(store, acknowledged(output), fault);
    // I7
    let contents = Contents::of(store, interrupted.compared);
    let difference = if is_done && interrupted.compared == Compared::LessSalts {
        interrupted.uninterrupted.difference_of_records(&contents)
    } else {
        interrupted.uninterrupted.difference(&contents)
    };
    assert_eq!(difference, None, "{fault}: not as after an uninterrupted run");
    assert_signed(store, fault);
}

/// What stands is signed, and the file beside the store has the checkpoint too.
fn assert_signed(store: &Path, fault: &str) {
    let connection = Connection::open(store).expect("a store opens");
    let sql = "SELECT tree_size, note FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1";
    let newest = connection.query_row(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    // Making a store signs nothing: there is nothing in it.
    let Ok((size, note)) = newest else { return };
    let stands: i64 = connection
        .query_row("SELECT max(tree_size) FROM ledger_batch", [], |row| row.get(0))
        .expect("a ledger");
    assert_eq!(size, stands, "{fault}: what stands is not signed");
    let file = std::fs::read_to_string(format!("{}.checkpoints", store.display()));
    assert!(
        file.is_ok_and(|text| text.ends_with(&note)),
        "{fault}: the file of checkpoints"
    );
}

/// I1 to I5, on a store in whatever state a fault has left it.
///
/// # Panics
/// As [`assert_invariants`].
pub(crate) fn assert_sound(store: &Path, acknowledged: i64, fault: &str) {
    // A kill before the first commit leaves an empty file, or none: there is nothing that could be wrong.
    if !begun(store) {
        assert_eq!(acknowledged, 0, "{fault}: what was acknowledged is gone");
        return;
    }
    let connection = Connection::open(store).expect("a store opens after any fault");
    let number = |sql: &str| -> i64 {
        connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{fault}: {sql}: {error}"))
    };
    let integrity: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(integrity, "ok", "{fault}"); // I1
    assert_eq!(number("SELECT count(*) FROM audit_chain_problem"), 0, "{fault}"); // I2
    for sql in COUNTS_DIFFER {
        assert_eq!(number(sql), 0, "{fault}: {sql}"); // I4
    }
    let last = number("SELECT coalesce(max(batch),0) FROM ledger_batch");
    assert!(
        last >= acknowledged,
        "{fault}: batch {acknowledged} of {last} is lost"
    ); // I5
    drop(connection);
    let store = Store::open(store, StoreOptions::default(), environment(0)).expect("a store opens");
    let report = verify(&store, &VerifyOptions::default()).expect("a store can be verified");
    assert!(report.is_sound(), "{fault}: {:#?}", report.findings); // I2, I3
}

/// I4, as queries that count what must not be: batches whose counts are not those of their entries' records; records twice in a
/// pass; first passes that ended without having read exactly what the pass before had written to their source, where
/// they do not count windows.
const COUNTS_DIFFER: [&str; 3] = [
    "SELECT count(*) FROM ledger_batch b
     WHERE read<>written+unchanged+filtered+refused+merged
        OR written<>(SELECT count(DISTINCT record) FROM ledger_entry e WHERE e.batch=b.batch AND outcome=1)
        OR unchanged<>(SELECT count(DISTINCT record) FROM ledger_entry e WHERE e.batch=b.batch AND outcome=2)
        OR filtered<>(SELECT count(DISTINCT record) FROM ledger_entry e WHERE e.batch=b.batch AND outcome=3)
        OR refused<>(SELECT count(DISTINCT record) FROM ledger_entry e WHERE e.batch=b.batch AND outcome=4)
        OR merged<>(SELECT count(DISTINCT record) FROM ledger_entry e WHERE e.batch=b.batch AND outcome=5)",
    "SELECT count(*) FROM (SELECT 1 FROM ledger_entry JOIN ledger_batch b USING(batch)
     GROUP BY b.pass, record, part HAVING count(*)>1)",
    "SELECT count(*) FROM audit_pass p WHERE kind='apply' AND after_batch IS NULL AND ended AND read<>(
     SELECT sum(written) FROM audit_pass q WHERE q.target=p.source AND q.pass<p.pass AND q.undone_by IS NULL)
     AND undone_by IS NULL AND NOT EXISTS(
       SELECT 1 FROM ledger_stage s WHERE s.stage=p.stage AND json_type(s.meaning,'$.aggregate') IS NOT NULL)
     AND NOT EXISTS(
       SELECT 1 FROM audit_pass q WHERE q.kind='apply' AND q.source=p.source AND q.target=p.target AND q.pass<p.pass
         AND q.undone_by IS NULL)",
];

/// I8: no panic, and nothing that is redacted.
///
/// # Panics
/// As [`assert_invariants`].
pub(crate) fn assert_said(output: &Output, fault: &str) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("panicked"), "{fault}: {said}");
    assert!(!said.contains(REDACTED), "{fault}: {said}");
}

/// Whether the store has its tables.
fn begun(store: &Path) -> bool {
    if !store.exists() {
        return false;
    }
    let connection = Connection::open(store).expect("a store opens after any fault");
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .expect("the schema is readable");
    tables > 0
}

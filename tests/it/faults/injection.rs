//! The fault injection itself: it sees what the database compiled into us does, and strikes where it says.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::fault::{self, Fault, Operation};

const SIGKILL: i32 = 9;
const BATCHES: i64 = 3;
const ROWS: i64 = 200;

/// Not a test of its own: the program that the tests below run under faults, by starting this binary again.
#[test]
#[ignore = "started by the other tests of this module"]
fn child_that_commits_batches() {
    let Some(store) = std::env::var_os("FAULT_CHILD_STORE") else {
        return;
    };
    let mut store = Connection::open(store).expect("the store opens");
    store
        .pragma_update(None, "synchronous", "EXTRA")
        .expect("a valid pragma");
    store
        .execute_batch("CREATE TABLE IF NOT EXISTS t (batch INTEGER, text TEXT)")
        .expect("a table");
    for batch in 1..=BATCHES {
        let transaction = store.transaction().expect("a transaction");
        for _ in 0..ROWS {
            transaction
                .execute("INSERT INTO t VALUES (?1, hex(randomblob(40)))", [batch])
                .expect("a row");
        }
        transaction.commit().expect("a commit");
    }
}

fn child(store: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test binary has a path"));
    command
        .args([
            "--exact",
            "faults::injection::child_that_commits_batches",
            "--ignored",
            "--test-threads=1",
        ])
        .env("FAULT_CHILD_STORE", store);
    command
}

/// The batches that a store holds, each whole.
fn committed(store: &Path) -> i64 {
    let store = Connection::open(store).expect("a store opens after any fault");
    let healthy: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(healthy, "ok");
    let exists: i64 = store
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 't'", [], |row| {
            row.get(0)
        })
        .expect("the schema is readable");
    if exists == 0 {
        return 0;
    }
    let sql = "SELECT count(DISTINCT batch), count(*) FROM t";
    let (batches, rows): (i64, i64) = store
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("the table is readable");
    assert_eq!(rows, batches * ROWS, "no batch is there in part");
    batches
}

fn counted(operations: &'static str) -> Vec<Operation> {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store.db");
    let (trace, output) = fault::trace(&mut child(&store), folder.path(), operations);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(committed(&store), BATCHES);
    trace
}

#[test]
fn the_shim_sees_every_step_of_a_commit_and_nothing_else() {
    if !fault::available("the_shim_sees_every_step_of_a_commit_and_nothing_else") {
        return;
    }
    let trace = counted(fault::CHANGES);
    let number = |kind: &str, ending: &str| {
        let found = |step: &&Operation| step.kind == kind && step.path.to_string_lossy().ends_with(ending);
        trace.iter().filter(found).count()
    };
    let transactions = usize::try_from(BATCHES).expect("few") + 1;
    assert_eq!(
        number("unlink", "store.db-journal"),
        transactions,
        "each commit deletes its journal: {trace:#?}"
    );
    assert_eq!(
        number("fsync", "store.db"),
        transactions,
        "each commit makes the store durable"
    );
    assert!(
        number("fsync", "store.db-journal") >= transactions,
        "and its journal before"
    );
    assert!(number("write", "store.db") > transactions);
    assert_eq!(number("read", ""), 0, "only what was asked for is counted");
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    assert_eq!(
        fault::count(&mut child(&folder.path().join("store.db")), elsewhere.path()),
        0
    );
}

#[test]
fn a_kill_at_any_step_strikes_and_leaves_whole_batches() {
    if !fault::available("a_kill_at_any_step_strikes_and_leaves_whole_batches") {
        return;
    }
    for at in fault::points(&counted(fault::CHANGES)) {
        let mut last = 0;
        for fault in [Fault::kill_at(at), Fault::torn_at(at), Fault::kill_after(at)] {
            let folder = tempfile::tempdir().expect("a folder");
            let store = folder.path().join("store.db");
            let output = fault.run(&mut child(&store), folder.path());
            assert_eq!(output.status.signal(), Some(SIGKILL), "{fault:?}: {output:?}");
            let batches = committed(&store);
            assert!(batches >= last, "{fault:?}: a later kill leaves no less");
            last = batches;
        }
    }
}

#[test]
fn a_failing_disk_is_an_error_of_the_program_and_leaves_whole_batches() {
    if !fault::available("a_failing_disk_is_an_error_of_the_program_and_leaves_whole_batches") {
        return;
    }
    let middle_write = counted(fault::GROWTH).len() as u64 / 2;
    let middle_sync = counted("fsync").len() as u64 / 2;
    for (fault, message) in [
        (Fault::enospc_from(middle_write), "full"),
        (Fault::enospc_at(middle_write), "full"),
        (Fault::eio_from(middle_write), "I/O error"),
        (Fault::eio_at(middle_sync).among("fsync"), "I/O error"),
        // SQLite takes a page that the disk cannot give back for damage of the file.
        (Fault::eio_at(2).among("read"), "malformed"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store.db");
        let output = fault.run(&mut child(&store), folder.path());
        assert_eq!(output.status.signal(), None, "{fault:?}: {output:?}");
        assert!(!output.status.success(), "{fault:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + String::from_utf8_lossy(&output.stderr).as_ref();
        assert!(said.contains(message), "{fault:?}: {said}");
        assert!(committed(&store) < BATCHES, "{fault:?}");
    }
}

#[test]
fn the_everyday_points_are_few_and_keep_the_ends() {
    let step = |number: usize| Operation {
        kind: if number.is_multiple_of(3) {
            "fsync"
        } else {
            "write"
        }
        .to_owned(),
        path: format!("/store/{}", number / 2).into(),
    };
    let operations: Vec<Operation> = (0..500).map(step).collect();
    let points = fault::points(&operations);
    assert_eq!((points.first(), points.last()), (Some(&1), Some(&500)));
    assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
    if std::env::var_os("COUNTERFOIL_FAULTS").is_none() {
        assert_eq!(points.len(), 24);
    }
    assert!(fault::points(&[]).is_empty());
}

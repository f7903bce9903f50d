//! Stores of earlier versions are brought up to date when they are opened, and go on as if they had always been of this
//! one. `tests/fixtures/stores/vN.db` was made by the program that wrote version N.

use std::path::{Path, PathBuf};

use counterfoil::Purpose;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::observe::Silent;
use counterfoil::stage::{Lookup, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;

/// The stage that `v2.db` was made with: of `a` and `b`, which have one key, `b` was left out; `c` was refused.
const STAGE: &str = "[stage]
source = \"records_v1\"
target = \"records_v2\"
id = \"= doc.k\"
on_conflict = \"skip\"
max_errors = \"100%\"

[[op]]
op = \"convert\"
path = \"n\"
to = \"decimal\"
";

fn copy_of(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let old = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/stores")
        .join(name);
    std::fs::copy(old, &path).expect("a copy");
    (folder, path)
}

fn open(path: &Path, read_only: bool) -> Store {
    let options = StoreOptions {
        read_only,
        ..StoreOptions::default()
    };
    Store::open(path, options, Surroundings::default()).expect("it opens")
}

fn is_sound(store: &Store) {
    let report = verify(store, &VerifyOptions::default()).expect("a verification");
    assert!(report.is_sound(), "{:?}", report.findings);
}

/// The version, and how many of the objects there are that later versions brought.
fn version(path: &Path) -> (i32, i64) {
    let store = Connection::open(path).expect("a store");
    let version = store
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    let sql =
        "SELECT count(*) FROM sqlite_schema WHERE name IN('audit_reconciliation','ledger_pass_reverses',
       'ledger_batch_run','ledger_entry_target','ledger_entry_conflict')";
    (
        version,
        store.query_row(sql, [], |row| row.get(0)).expect("a schema"),
    )
}

#[test]
fn stores_of_every_earlier_version_are_brought_up_to_date_when_they_are_opened() {
    for (name, before) in [("v1.db", (1, 0)), ("v2.db", (2, 1))] {
        let (_folder, path) = copy_of(name);
        assert_eq!(version(&path), before, "{name}");
        is_sound(&open(&path, false));
        assert_eq!(version(&path), (3, 5), "{name}");
    }
    let (_folder, path) = copy_of("v1.db");
    let record = open(&path, false).get("records_v2", "a").expect("a database");
    assert_eq!(record.expect("a record").data, r#"{"id":"a","n":1.50}"#);
}

#[test]
fn who_only_reads_leaves_an_old_store_as_it_is_and_finds_it_sound() {
    for (name, before) in [("v1.db", (1, 0)), ("v2.db", (2, 1))] {
        let (_folder, path) = copy_of(name);
        let bytes = std::fs::read(&path).expect("bytes");
        is_sound(&open(&path, true));
        assert_eq!(version(&path), before, "{name}");
        assert_eq!(std::fs::read(&path).expect("bytes"), bytes, "{name}");
    }
}

#[test]
fn what_an_earlier_version_left_out_comes_when_its_place_is_free() {
    let (_folder, path) = copy_of("v2.db");
    let mut store = open(&path, false);
    let stage = Stage::parse("0001_copy.toml", STAGE, &Lookup::default()).expect("a stage");
    let stages = Stages::new("p", vec![stage]).expect("stages");
    let up_to_date = |store: &mut Store| {
        let report = apply(store, &stages, &ApplyOptions::default(), &mut Silent).expect("an apply");
        report.passes.iter().map(|pass| pass.counts.read).sum::<u64>()
    };
    // The entry does not say yet whose place it was: the record is asked once more, and waits on.
    assert_eq!(up_to_date(&mut store), 1);
    assert_eq!(up_to_date(&mut store), 0);
    let delete = [Edit::Delete { id: "a".to_owned() }];
    edit(&mut store, "records_v1", &delete, &Purpose::new("edit")).expect("an edit");
    assert_eq!(up_to_date(&mut store), 2);
    let record = store
        .get("records_v2", "x")
        .expect("a database")
        .expect("a record");
    assert_eq!(record.data, r#"{"id":"b","k":"x","n":2}"#);
    is_sound(&store);
}

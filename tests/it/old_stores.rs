//! Stores of earlier versions are brought up to date when they are opened, and go on as if they had always been of this
//! one. `tests/fixtures/stores/vN.db` was made by the program that wrote version N.

use std::path::{Path, PathBuf};

use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::environment::Environment;
use counterfoil::observe::Silent;
use counterfoil::store::{Store, StoreOptions};
use rusqlite::Connection;

use crate::support::world::{assert_verified, stages};

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

/// The second stage of `v3.db` to `v7.db`, whose first is [`STAGE`].
const SECOND: &str = "[stage]
source = \"records_v2\"
max_errors = \"100%\"

[[op]]
op = \"set\"
path = \"m\"
value = \"= doc.n * 2\"
";

/// The stores, each with its version and how many of the later objects it has.
const OLD: [(&str, (i32, i64)); 7] = [
    ("v1.db", (1, 0)),
    ("v2.db", (2, 1)),
    ("v3.db", (3, 5)),
    ("v4.db", (4, 9)),
    ("v5.db", (5, 11)),
    ("v6.db", (6, 13)),
    ("v7.db", (7, 15)),
];

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
    let options = StoreOptions::default().read_only(read_only);
    Store::open(path, options, Environment::default()).expect("it opens")
}

/// The version, and how many of the objects there are that later versions brought.
fn version(path: &Path) -> (i32, i64) {
    let store = Connection::open(path).expect("a store");
    let version = store
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    let sql =
        "SELECT count(*) FROM sqlite_schema WHERE name IN('audit_reconciliation','ledger_pass_reverses',
       'ledger_batch_run','ledger_entry_target','ledger_entry_conflict','ledger_sparse','ledger_open','ledger_standing','ledger_life',
       'audit_row','audit_step','audit_cross_reference','audit_review','audit_decision','ledger_decision',
       'audit_window','ledger_window')";
    (
        version,
        store.query_row(sql, [], |row| row.get(0)).expect("a schema"),
    )
}

#[test]
fn stores_of_every_earlier_version_are_brought_up_to_date_when_they_are_opened() {
    for (name, before) in OLD {
        let (_folder, path) = copy_of(name);
        assert_eq!(version(&path), before, "{name}");
        assert_verified(&open(&path, false));
        assert_eq!(version(&path), (8, 17), "{name}");
    }
    let (_folder, path) = copy_of("v1.db");
    let record = open(&path, false).get("records_v2", "a").expect("a database");
    assert_eq!(record.expect("a record").data, r#"{"id":"a","n":1.50}"#);
}

#[test]
fn who_only_reads_leaves_an_old_store_as_it_is_and_finds_it_sound() {
    for (name, before) in OLD {
        let (_folder, path) = copy_of(name);
        let bytes = std::fs::read(&path).expect("bytes");
        assert_verified(&open(&path, true));
        assert_eq!(version(&path), before, "{name}");
        assert_eq!(std::fs::read(&path).expect("bytes"), bytes, "{name}");
    }
}

#[test]
fn what_an_earlier_version_left_out_comes_when_its_place_is_free() {
    let (_folder, path) = copy_of("v2.db");
    let mut store = open(&path, false);
    let stages = stages("p", &[("0001_copy.toml", STAGE)]);
    let up_to_date = |store: &mut Store| {
        let report = apply(store, &stages, &ApplyOptions::default(), &mut Silent).expect("an apply");
        report.passes.iter().map(|pass| pass.counts.read).sum::<u64>()
    };
    // The entry does not say yet whose place it was: the record is asked once more, and waits on.
    assert_eq!(up_to_date(&mut store), 1);
    assert_eq!(up_to_date(&mut store), 0);
    let delete = [Edit::Delete { id: "a".to_owned() }];
    edit(&mut store, "records_v1", &delete, &RunInfo::new("edit")).expect("an edit");
    assert_eq!(up_to_date(&mut store), 2);
    let record = store
        .get("records_v2", "x")
        .expect("a database")
        .expect("a record");
    assert_eq!(record.data, r#"{"id":"b","k":"x","n":2}"#);
    assert_verified(&store);
}

#[test]
fn a_pass_that_an_earlier_version_had_begun_goes_on() {
    let (_folder, path) = copy_of("v3.db");
    let mut store = open(&path, false);
    let stages = stages("p", &[("0001_copy.toml", STAGE), ("0002_double.toml", SECOND)]);
    let status = store.status(&stages).expect("a status");
    // Three corrected records and one whose run was taken back, of which one is done; in place only what came of that.
    let waiting: Vec<u64> = status.stages.iter().map(|stage| stage.waiting).collect();
    assert_eq!((waiting, status.unfinished.len()), (vec![3, 1], 1));
    let report = apply(&mut store, &stages, &ApplyOptions::default(), &mut Silent).expect("an apply");
    let read: Vec<u64> = report.passes.iter().map(|pass| pass.counts.read).collect();
    assert_eq!(read, [4, 4]);
    for (id, n) in [("k004", 904), ("k006", 906), ("z", 5)] {
        let record = store
            .get("records_v2", id)
            .expect("a database")
            .expect("a record");
        assert!(
            record.data.contains(&format!("\"m\":{}", 2 * n)),
            "{}",
            record.data
        );
    }
    let status = store.status(&stages).expect("a status");
    assert!(status.unfinished.is_empty() && status.stages.iter().all(|stage| stage.waiting == 0));
    assert_verified(&store);
}

#[test]
fn pairs_that_wait_in_an_old_store_are_shown_by_the_views_of_this_version() {
    let (_folder, path) = copy_of("v6.db");
    let people = include_str!("../../migrations/febrl/0001_people.toml");
    let stages = stages("m", &[("0001_people.toml", people)]);
    let waiting = |store: &Store| store.status(&stages).expect("a status").stages[0].review;
    // A reader gets the views, a writer brings the store up to date.
    assert_eq!(waiting(&open(&path, true)), 5);
    assert_eq!(waiting(&open(&path, false)), 5);
    let store = Connection::open(&path).expect("a store");
    let sql = "SELECT count(*)||' '||count(DISTINCT since)||' '||count(note)||' '||(SELECT count(*) FROM audit_decision) FROM audit_review";
    let shown: String = store.query_row(sql, [], |row| row.get(0)).expect("the views");
    assert_eq!(shown, "5 1 0 0");
}

#[test]
fn decisions_of_an_old_store_stand_and_it_has_no_windows() {
    let (_folder, path) = copy_of("v7.db");
    let people = include_str!("../../migrations/febrl/0001_people.toml");
    let stages = stages("m", &[("0001_people.toml", people)]);
    let waiting = |store: &Store| store.status(&stages).expect("a status").stages[0].review;
    assert_eq!(waiting(&open(&path, true)), 3);
    assert_eq!(waiting(&open(&path, false)), 3);
    let store = Connection::open(&path).expect("a store");
    let sql = "SELECT group_concat(decision)||' '||(SELECT count(*) FROM audit_window)||' '||(SELECT count(readings_read) FROM audit_pass)
       FROM (SELECT decision FROM audit_decision ORDER BY batch)";
    let shown: String = store.query_row(sql, [], |row| row.get(0)).expect("the views");
    assert_eq!(shown, "accepted,rejected,noted 0 0");
}

#[test]
fn who_reads_an_old_store_while_others_bring_it_up_to_date_and_write_sees_what_is_so() {
    let stages = stages("p", &[("0001_copy.toml", STAGE), ("0002_double.toml", SECOND)]);
    let told = |store: &Store| {
        let status = store.status(&stages).expect("a status");
        format!("{status:?}")
    };
    for (name, _) in OLD {
        let (_folder, path) = copy_of(name);
        let reader = open(&path, true);
        let before = told(&reader);
        let mut writer = open(&path, false);
        assert_eq!(version(&path), (8, 17), "{name}");
        assert_eq!(told(&reader), before, "{name}");
        let put = [Edit::Put {
            id: "new".to_owned(),
            data: r#"{"k":"new","n":"7"}"#.to_owned(),
        }];
        edit(&mut writer, "records_v1", &put, &RunInfo::new("edit")).expect("an edit");
        assert_eq!(told(&reader), told(&open(&path, true)), "{name}");
        apply(&mut writer, &stages, &ApplyOptions::default(), &mut Silent).expect("an apply");
        let after = told(&reader);
        assert_ne!(after, before, "{name}");
        assert_eq!(after, told(&writer), "{name}");
        assert_verified(&reader);
    }
}

//! An aggregation killed at every operation on the store's files, and at random times, while it reads, notes and writes: what
//! comes after equals what nobody killed, whether the same command follows or another, and everything can be taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;

use counterfoil::quarantine::Selected;
use counterfoil::record::RecordNumber;
use counterfoil::store::{Store, StoreOptions};

use crate::faults::crash::{kill_at_most, kill_at_random};
use crate::support::all_wanted;
use crate::support::child::{Verb, Work, acknowledged};
use crate::support::comparison::{Compared, Contents};
use crate::support::fault::{self, Fault};
use crate::support::invariants::{Interrupted, assert_invariants, assert_said, assert_sound};
use crate::support::scenario::{Beginning, PROJECT, Template, environment};
use crate::support::sensors::FILES;
use crate::support::world::World;

/// How many operations are struck on ordinary days.
const EVERYDAY: usize = 3;

/// Windows by their ids, and what is refused, by its id and why.
type Made = (BTreeMap<String, String>, BTreeSet<(Option<String>, String)>);

fn did(verb: Verb, store: &Path, seed: u64) {
    let done = Work::new(verb, store).seeded(seed).here();
    done.unwrap_or_else(|error| panic!("{verb:?}: {error}"));
}

fn opened(store: &Path) -> Store {
    Store::open(store, StoreOptions::default(), environment(5_000)).expect("a store opens")
}

fn rows(store: &Store, database: &str) -> Vec<counterfoil::record::Record> {
    let rows = store.records_after(database, RecordNumber::BEFORE_FIRST, 1_000_000);
    rows.expect("a database")
}

fn made(store: &Store) -> Made {
    let refused = store.quarantine(PROJECT, &Selected::default(), usize::MAX);
    let refused: BTreeSet<_> = refused
        .expect("a quarantine")
        .into_iter()
        .map(|refused| (refused.id, refused.reason.code.to_string()))
        .collect();
    let windows = rows(store, "windows").into_iter().map(|row| (row.id, row.data));
    // The earlier version of a window that is refused stays.
    let windows = windows.filter(|(id, _)| !refused.iter().any(|(other, _)| other.as_ref() == Some(id)));
    (windows.collect(), refused)
}

/// What a first apply makes, in a new store, of the readings that are in this one.
fn made_anew(store: &Store) -> Made {
    let mut fresh = World::new(PROJECT, &FILES);
    let lines: Vec<String> = rows(store, "readings").into_iter().map(|row| row.data).collect();
    fresh.load("readings", &lines);
    fresh.apply();
    made(&fresh.store)
}

#[track_caller]
fn is_as_anew(path: &Path, what: &str) {
    let store = opened(path);
    let (found, expected) = (made(&store), made_anew(&store));
    assert!(!expected.0.is_empty() && !expected.1.is_empty());
    assert_eq!(found, expected, "{what}");
}

/// Everything is taken back: no window is left, no reading is refused, and another apply makes the same.
fn take_all_back(path: &Path, what: &str) {
    let before = rows(&opened(path), "readings");
    did(Verb::Rollback, path, 6_000);
    let store = opened(path);
    assert_eq!(rows(&store, "windows"), [], "{what}");
    assert_eq!(rows(&store, "readings"), before, "{what}");
    assert_eq!(made(&store).1, BTreeSet::new(), "{what}");
    drop(store);
    assert_sound(path, 0, what);
    did(Verb::Aggregate, path, 7_000);
    is_as_anew(path, what);
}

/// Kills an aggregation, and lets the same command follow, or a load and then an aggregation.
fn killed_everywhere(beginning: Beginning) {
    if !fault::available("killed_everywhere") {
        return;
    }
    let (_folder, store) = Template::new(beginning).store();
    did(Verb::Aggregate, &store, 1_000);
    is_as_anew(&store, "uninterrupted");
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let (mut kills, mut superseded, mut steps) = (0, 0, BTreeSet::new());
    let mut otherwise = |store: &Path, output: &Output, what: &str| {
        kills += 1;
        steps.insert(open_step(store));
        if kills % 2 == 0 {
            superseded += 1;
            assert_said(output, what);
            assert_sound(store, acknowledged(output), what);
            did(Verb::AddReadings, store, 2_000);
            did(Verb::Aggregate, store, 3_000);
            is_as_anew(store, what);
        } else {
            let work = Work::new(Verb::Aggregate, store);
            let interrupted = Interrupted {
                again: &|| work.again(),
                uninterrupted: &uninterrupted,
                compared: Compared::LessRuns,
            };
            assert_invariants(store, output, &interrupted, what);
        }
        take_all_back(store, what);
        true
    };
    let work = |store: &Path| Work::new(Verb::Aggregate, store);
    kill_at_most(EVERYDAY, beginning, Compared::LessRuns, &work, &mut otherwise);
    println!("{kills} kills, {superseded} followed by a load; what an open pass had come to: {steps:?}");
    assert!(kills > superseded && superseded > 0);
    if all_wanted() {
        for step in [None, Some("scanned"), Some("note"), Some("window")] {
            assert!(steps.contains(&step), "no kill in {step:?}");
        }
    }
}

/// How far an aggregation had come that is open: nothing, reading, between reading and writing, writing, or all but its end.
fn open_step(store: &Path) -> Option<&'static str> {
    let connection = rusqlite::Connection::open(store).expect("a store opens");
    let sql =
        "SELECT CASE WHEN step IN('note','index') THEN step WHEN cursor LIKE '%window%' THEN 'window' ELSE 'scanned' END
        FROM ledger_batch JOIN ledger_open USING(pass) ORDER BY batch DESC LIMIT 1";
    let step: Option<String> = connection.query_row(sql, [], |row| row.get(0)).ok();
    ["scanned", "note", "window", "index"]
        .into_iter()
        .find(|known| step.as_deref() == Some(known))
}

#[test]
fn a_first_aggregation_killed_at_any_operation_resumes_or_is_superseded() {
    killed_everywhere(Beginning::Readings);
}

#[test]
fn an_increment_killed_at_any_operation_resumes_or_is_superseded() {
    killed_everywhere(Beginning::ReadingsChanged);
}

/// Whether an aggregation has come to the index of its windows, which is made once all of them are written.
fn is_indexed(store: &Path) -> bool {
    let connection = rusqlite::Connection::open(store).expect("a store opens");
    let sql = "SELECT EXISTS(SELECT 1 FROM ledger_batch JOIN ledger_pass USING(pass) WHERE kind='apply' AND step='index')";
    connection
        .query_row(sql, [], |row| row.get(0))
        .expect("an answer")
}

#[test]
fn a_first_aggregation_killed_between_its_index_and_its_end_ends() {
    if !fault::available("a_first_aggregation_killed_between_its_index_and_its_end") {
        return;
    }
    let template = Template::new(Beginning::Readings);
    let (folder, store) = template.store();
    let operations = fault::count(&mut Work::new(Verb::Aggregate, &store).command(), folder.path());
    let uninterrupted = Contents::of(&store, Compared::LessRuns);
    let killed_at = |at: u64| {
        let (folder, store) = template.store();
        let output = Fault::kill_at(at).run(&mut Work::new(Verb::Aggregate, &store).command(), folder.path());
        (folder, store, output)
    };
    let (mut before, mut after) = (0, operations);
    while before + 1 < after {
        let at = before.midpoint(after);
        let (_folder, store, _) = killed_at(at);
        if is_indexed(&store) {
            after = at;
        } else {
            before = at;
        }
    }
    let (_folder, store, output) = killed_at(after);
    let what = format!("killed at {after} of {operations}");
    assert_eq!(open_step(&store), Some("index"), "{what}");
    let work = Work::new(Verb::Aggregate, &store);
    let interrupted = Interrupted {
        again: &|| work.again(),
        uninterrupted: &uninterrupted,
        compared: Compared::LessRuns,
    };
    assert_invariants(&store, &output, &interrupted, &what);
    take_all_back(&store, &what);
}

fn wanted() -> u32 {
    if all_wanted() { 100 } else { 3 }
}

#[test]
fn a_first_aggregation_killed_at_random_times_equals_an_uninterrupted_one() {
    kill_at_random(Beginning::Readings, Verb::Aggregate, wanted());
}

#[test]
fn an_increment_killed_at_random_times_equals_an_uninterrupted_one() {
    kill_at_random(Beginning::ReadingsChanged, Verb::Aggregate, wanted());
}

#[test]
fn a_rollback_of_an_aggregation_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let mut not_otherwise = |_: &Path, _: &Output, _: &str| false;
    let work = |store: &Path| Work::new(Verb::Rollback, store);
    kill_at_most(
        EVERYDAY,
        Beginning::ReadingsChanged,
        Compared::LessRuns,
        &work,
        &mut not_otherwise,
    );
}

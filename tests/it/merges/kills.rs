//! A merge killed at every operation on the store's files, and at random times: what comes after equals a merge that nobody
//! killed, whatever command comes first.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use counterfoil::observe::Silent;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::store::{Store, StoreOptions};
use rusqlite::Connection;

use super::seen::Seen;
use crate::faults::crash::{kill_at_random, kill_everywhere_and};
use crate::support::all_wanted;
use crate::support::child::{Verb, Work, acknowledged};
use crate::support::comparison::Compared;
use crate::support::invariants::{assert_said, assert_sound};
use crate::support::scenario::{BATCH_SIZE, Beginning, Template, environment};
use crate::support::world::assert_verified;
use crate::support::{fault, people};

/// The golden records as (id, data).
type Goldens = BTreeSet<(String, String)>;

fn opened(path: &Path) -> Store {
    let options = StoreOptions::default().batch_size(BATCH_SIZE);
    Store::open(path, options, environment(5_000)).expect("a store opens")
}

fn do_here(verb: Verb, store: &Path, seed: u64) {
    let done = Work::new(verb, store).seeded(seed).here();
    done.unwrap_or_else(|error| panic!("{verb:?}: {error}"));
}

fn asked(store: &Path, sql: &str) -> i64 {
    let connection = Connection::open(store).expect("a store opens");
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

/// What a rollback of everything and another apply make of it.
fn remade(beginning: Beginning) -> Goldens {
    let (_folder, store) = Template::new(beginning).store();
    for (seed, verb) in (1..).zip([Verb::Merge, Verb::TakeBack, Verb::Merge]) {
        do_here(verb, &store, seed * 100);
    }
    Seen::of_file(&store).goldens()
}

/// A plan foretells what is left to do.
fn plan_first(path: &Path, what: &str) {
    let mut store = opened(path);
    let planned = plan(&store, &people::stages(), &PlanOptions::default(), &mut Silent).expect("a plan");
    let mut sums = [0; 5];
    for counts in planned.stages.iter().map(|stage| &stage.counts) {
        let counts = [
            counts.read,
            counts.written,
            counts.unchanged,
            counts.filtered,
            counts.merged,
        ];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let before = asked(path, "SELECT max(batch) FROM ledger_batch");
    people::merge(&mut store, &mut Silent).expect("an apply");
    let done = ["read", "written", "unchanged", "filtered", "merged"].map(|count| {
        let sql = format!("SELECT coalesce(sum({count}),0) FROM ledger_batch WHERE batch>{before}");
        u64::try_from(asked(path, &sql)).expect("a count")
    });
    assert_eq!(sums, done, "{what}: the plan");
}

/// A rollback takes everything back to the start, and another merge begins again.
fn take_back(store: &Path, remade: &Goldens, what: &str) {
    let register = |store: &Path| {
        let sql = "SELECT group_concat(record||id||data) FROM (SELECT * FROM audit_row WHERE database='register' ORDER BY record)";
        let connection = Connection::open(store).expect("a store opens");
        connection
            .query_row(sql, [], |row| row.get::<_, String>(0))
            .expect("rows")
    };
    let before = register(store);
    // There is nothing to take back if nothing was committed.
    if asked(store, "SELECT count(*) FROM ledger_standing WHERE kind='apply'") > 0 {
        do_here(Verb::TakeBack, store, 6_000);
    }
    assert_eq!(register(store), before, "{what}");
    let people = "SELECT count(*) FROM audit_row WHERE database='people'";
    assert_eq!(asked(store, people), 0, "{what}");
    do_here(Verb::Merge, store, 7_000);
    assert_eq!(
        &Seen::of_file(store).goldens(),
        remade,
        "{what}: not as after a rollback"
    );
}

/// What the pass has judged changes before it goes on: it ends, and the next one takes what is left.
fn change_first(path: &Path, what: &str) {
    let mut store = opened(path);
    people::Scenario::new().touch(&mut store).expect("an edit");
    drop(store);
    do_here(Verb::Merge, path, 8_000);
    Seen::of_file(path);
    let passes = || asked(path, "SELECT count(*) FROM ledger_pass");
    let before = passes();
    do_here(Verb::Merge, path, 9_000);
    assert_eq!(passes(), before, "{what}: something was left to do");
}

fn merge_killed_everywhere(beginning: Beginning) {
    if !fault::available("merge_killed_everywhere") {
        return;
    }
    let remade = remade(beginning);
    let mut kills = 0;
    let mut otherwise = |store: &Path, output: &Output, what: &str| {
        kills += 1;
        if kills % 4 == 0 {
            return false;
        }
        assert_said(output, what);
        assert_sound(store, acknowledged(output), what);
        match kills % 4 {
            1 => {
                plan_first(store, what);
                return false;
            }
            2 => take_back(store, &remade, what),
            _ => change_first(store, what),
        }
        assert_verified(&opened(store));
        true
    };
    let work = |store: &Path| Work::new(Verb::Merge, store);
    kill_everywhere_and(beginning, Compared::LessRuns, &work, &mut otherwise);
}

#[test]
fn a_merge_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    merge_killed_everywhere(Beginning::People);
}

#[test]
fn an_increment_of_a_merge_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    merge_killed_everywhere(Beginning::PeopleChanged);
}

/// What was killed is continued by the model that it began with; another one comes to the same.
#[test]
fn a_merge_that_relearns_killed_at_any_operation_comes_to_the_same() {
    if !fault::available("a_merge_that_relearns") {
        return;
    }
    let relearned = {
        let (_folder, store) = Template::new(Beginning::PeopleMerged).store();
        do_here(Verb::Relearn, &store, 100);
        Seen::of_file(&store).clusters()
    };
    let mut otherwise = |store: &Path, output: &Output, what: &str| {
        assert_said(output, what);
        assert_sound(store, acknowledged(output), what);
        let is_open = asked(store, "SELECT count(*) FROM ledger_open") > 0;
        do_here(Verb::Merge, store, 2_000);
        let continued = Seen::of_file(store).clusters();
        assert!(!is_open || continued == relearned, "{what}: continued");
        do_here(Verb::Relearn, store, 3_000);
        assert_eq!(Seen::of_file(store).clusters(), relearned, "{what}: once more");
        assert_verified(&opened(store));
        true
    };
    let work = |store: &Path| Work::new(Verb::Relearn, store);
    kill_everywhere_and(Beginning::PeopleMerged, Compared::LessRuns, &work, &mut otherwise);
}

#[test]
fn a_rollback_of_a_merge_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::TakeBack, store);
    kill_everywhere_and(
        Beginning::PeopleMerged,
        Compared::LessRuns,
        &work,
        &mut |_, _, _| false,
    );
}

#[test]
fn a_merge_killed_at_random_times_equals_an_uninterrupted_one() {
    kill_at_random(Beginning::People, Verb::Merge, if all_wanted() { 100 } else { 8 });
}

#[test]
fn an_increment_killed_at_random_times_equals_an_uninterrupted_one() {
    kill_at_random(
        Beginning::PeopleChanged,
        Verb::Merge,
        if all_wanted() { 100 } else { 8 },
    );
}

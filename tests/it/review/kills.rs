//! A clerk's commands killed at every operation on the store's files, and a whole life of a merge killed at random times:
//! what comes after equals what nobody killed, and everything can be taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;

use crate::faults::crash::{kill_after, kill_at_most, random, seed};
use crate::merges::seen::Seen;
use crate::support::all_wanted;
use crate::support::child::{Verb, Work, acknowledged};
use crate::support::comparison::Compared;
use crate::support::fault;
use crate::support::invariants::{assert_said, assert_sound};
use crate::support::scenario::{BATCH_SIZE, Beginning, Template, environment};

/// How many operations are struck on ordinary days.
const EVERYDAY: usize = 3;

/// The golden records' data, by their members.
type Data = BTreeMap<BTreeSet<String>, String>;

fn did(verb: Verb, store: &Path, seed: u64) {
    let done = Work::new(verb, store).seeded(seed).here();
    done.unwrap_or_else(|error| panic!("{verb:?}: {error}"));
}

fn asked(store: &Path, sql: &str) -> i64 {
    let connection = Connection::open(store).expect("a store opens");
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

/// How many decisions stand, half of them from each side.
fn decisions(store: &Path) -> i64 {
    let sql = "SELECT count(*) FROM ledger_entry e JOIN ledger_batch b USING(batch) JOIN ledger_standing p USING(pass) WHERE p.kind='merge'";
    asked(store, sql)
}

/// The register, as it is stored.
fn register(store: &Path) -> String {
    let sql = "SELECT group_concat(record||id||data) FROM (SELECT * FROM audit_row WHERE database='register' ORDER BY record)";
    let connection = Connection::open(store).expect("a store opens");
    connection.query_row(sql, [], |row| row.get(0)).expect("rows")
}

/// The store is sound, and every golden record is what its members make.
fn assert_remade(path: &Path, what: &str) {
    let options = StoreOptions::default().batch_size(BATCH_SIZE);
    let store = Store::open(path, options, environment(5_000)).expect("a store opens");
    let report = verify(&store, &VerifyOptions::default().remake(true)).expect("a verification");
    assert!(report.is_sound(), "{what}: {:#?}", report.findings);
}

/// What verbs make of a store, if nobody kills them.
fn made(store: &Path, verbs: &[Verb]) -> Data {
    for (seed, verb) in (1..).zip(verbs) {
        did(*verb, store, seed * 100);
    }
    Seen::of_file(store).data()
}

/// Everything is taken back, decisions too: nothing of it is left, and another merge begins as if nobody had decided anything.
fn take_all_back(store: &Path, undecided: &Data, what: &str) {
    let before = register(store);
    did(Verb::TakeAllBack, store, 6_000);
    assert_eq!(register(store), before, "{what}: the register");
    for of in [
        "audit_row WHERE database='people'",
        "audit_cross_reference",
        "audit_review",
        "audit_decision",
        "ledger_standing WHERE kind IN('apply','retry','merge')",
    ] {
        assert_eq!(
            asked(store, &format!("SELECT count(*) FROM {of}")),
            0,
            "{what}: {of}"
        );
    }
    did(Verb::Merge, store, 7_000);
    assert_eq!(&Seen::of_file(store).data(), undecided, "{what}: merged anew");
    assert_remade(store, what);
}

/// Kills a verb that decides; then the next apply completes it, or the verb is done again where it has decided nothing. The
/// decisions stand as a whole or not at all, and what comes of them is what comes of them uninterrupted.
fn killed_everywhere(verb: Verb) {
    if !fault::available("killed_everywhere") {
        return;
    }
    let beginning = Beginning::PeopleMerged;
    let template = Template::new(beginning);
    let (_folder, store) = template.store();
    let twin = made(&store, &[verb, Verb::Merge]);
    let whole = decisions(&store);
    assert!(whole > 0);
    let (_folder, store) = template.store();
    let undecided = made(&store, &[Verb::TakeBack, Verb::Merge]);
    assert_ne!(twin, undecided, "{verb:?} changes something");
    let (mut kills, mut absent) = (0, 0);
    let mut otherwise = |store: &Path, output: &Output, what: &str| {
        kills += 1;
        assert_said(output, what);
        assert_sound(store, acknowledged(output), what);
        let stand = decisions(store);
        assert!(stand == 0 || stand == whole, "{what}: {stand} of {whole} entries");
        if stand == 0 {
            absent += 1;
            did(verb, store, 2_000);
            assert_eq!(decisions(store), whole, "{what}: once more");
        } else if verb == Verb::Decide && kills % 2 == 0 {
            // The same command again equals an uninterrupted one.
            return false;
        }
        did(Verb::Merge, store, 3_000);
        assert_eq!(Seen::of_file(store).data(), twin, "{what}: completed");
        assert_remade(store, what);
        let passes = asked(store, "SELECT count(*) FROM ledger_pass");
        did(Verb::Merge, store, 4_000);
        assert_eq!(
            asked(store, "SELECT count(*) FROM ledger_pass"),
            passes,
            "{what}: something was left"
        );
        if all_wanted() || stand > 0 {
            take_all_back(store, &undecided, what);
        }
        true
    };
    let work = |store: &Path| Work::new(verb, store);
    kill_at_most(EVERYDAY, beginning, Compared::LessRuns, &work, &mut otherwise);
    println!("{verb:?}: {kills} kills, {absent} before it had decided anything");
    assert!(
        absent > 0 && absent < kills,
        "{absent} of {kills} kills came before the decisions"
    );
}

#[test]
fn decisions_killed_at_any_operation_stand_as_a_whole_or_not_at_all() {
    killed_everywhere(Verb::Decide);
}

#[test]
fn an_unmerge_killed_at_any_operation_is_completed_by_the_next_apply() {
    killed_everywhere(Verb::Unmerge);
}

#[test]
fn an_unmerge_of_everybody_killed_at_any_operation_is_completed_by_the_next_apply() {
    killed_everywhere(Verb::UnmergeAll);
}

#[test]
fn a_rollback_of_a_merge_and_of_its_decisions_killed_at_any_operation_resumes_to_an_uninterrupted_one() {
    let work = |store: &Path| Work::new(Verb::TakeAllBack, store);
    let not_otherwise = &mut |_: &Path, _: &Output, _: &str| false;
    kill_at_most(
        EVERYDAY,
        Beginning::PeopleDecided,
        Compared::LessRuns,
        &work,
        not_otherwise,
    );
}

/// From the first merge to the last, as a clerk and an operator work.
const LIFE: [Verb; 9] = [
    Verb::Merge,
    Verb::Decide,
    Verb::Merge,
    Verb::Unmerge,
    Verb::ChangePeople,
    Verb::Merge,
    Verb::UnmergeAll,
    Verb::Merge,
    Verb::TakeAllBack,
];

/// Returns what is done after a kill of a verb: the same once more, unless it has decided already; then an apply completes it.
fn once_more(verb: Verb, decided: i64, store: &Path) -> Verb {
    match verb {
        Verb::Unmerge | Verb::UnmergeAll if decisions(store) > decided => Verb::Merge,
        other => other,
    }
}

#[test]
fn a_life_of_a_merge_killed_at_random_times_equals_an_uninterrupted_one() {
    let wanted = if all_wanted() { 200 } else { 3 };
    let beginning = Template::new(Beginning::People);
    // What an uninterrupted one has come to after each verb, and how long each takes.
    let (_folder, store) = beginning.store();
    let (mut after, mut takes_us) = (Vec::new(), Vec::new());
    let start = register(&store);
    for (seed, verb) in (1..).zip(LIFE) {
        let begun = std::time::Instant::now();
        let output = Work::new(verb, &store)
            .seeded(seed * 100)
            .command()
            .output()
            .expect("a child");
        assert!(output.status.success(), "{verb:?}: {output:?}");
        takes_us.push(u64::try_from(begun.elapsed().as_micros()).expect("a short time"));
        after.push((clusters(&store), decisions(&store)));
    }
    assert_eq!(after.last(), Some(&(Data::new(), 0)));
    let mut state = seed("random kills of a life");
    let (mut kills, mut lives) = (0, 0);
    while kills < wanted {
        let (_folder, store) = beginning.store();
        lives += 1;
        for (at, verb) in LIFE.into_iter().enumerate() {
            let decided = decisions(&store);
            let mut next = verb;
            for attempt in 0.. {
                let seed = 1_000 * (at as u64 + 1) + attempt;
                let work = Work::new(next, &store).seeded(seed);
                let what = format!("life {lives}, {verb:?} by {next:?}, attempt {attempt}");
                // Changes of the register are not what is struck here.
                if kills >= wanted || verb == Verb::ChangePeople {
                    work.here().unwrap_or_else(|error| panic!("{what}: {error}"));
                    break;
                }
                // On a slow machine no child would ever come through.
                let longest = takes_us[at] * (1 + attempt / 3);
                let delay = Duration::from_micros(random(&mut state) % longest);
                let output = kill_after(&mut work.command(), delay);
                let what = format!("{what}, after {delay:?}");
                assert_said(&output, &what);
                assert_sound(&store, acknowledged(&output), &what);
                if output.status.success() {
                    break;
                }
                assert_eq!(output.status.signal(), Some(9), "{what}: {output:?}");
                kills += 1;
                next = once_more(verb, decided, &store);
            }
            let what = format!("life {lives}, after {verb:?}");
            assert_eq!((clusters(&store), decisions(&store)), after[at], "{what}");
        }
        assert_remade(&store, "the end");
        assert_ne!(register(&store), start, "people have changed meanwhile");
    }
    println!("random kills: {kills} kills in {lives} lives");
}

/// The members of each golden record, and its data, wherever the merge stands.
fn clusters(store: &Path) -> Data {
    let connection = Connection::open(store).expect("a store opens");
    let sql = "SELECT (SELECT json_group_array(c.member_id) FROM audit_cross_reference c WHERE c.golden=r.record), r.data
       FROM audit_row r WHERE r.database='people'";
    let mut statement = connection.prepare(sql).expect("views");
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let rows = rows.expect("views").map(|row| {
        let (members, data) = row.expect("a row");
        (serde_json::from_str(&members).expect("members"), data)
    });
    rows.collect()
}

//! Golden records that a person takes apart: everything is as it was before they were merged, and stays so.

use counterfoil::Error;
use counterfoil::apply::ApplyOptions;
use counterfoil::observe::StopSignal;
use counterfoil::review::{Decision, Unmerge, UnmergeConflict};
use counterfoil::rollback::RollbackScope;

use super::desk::{
    by, by_key, decided_by, decides, decision, is_whole, leaves, line, load, row, take_apart, waiting,
};
use crate::merges::register::{BY_KEY, apply, id_of, people, put, rows};
use crate::support::world::{Scene, StopAfter, World};

const BY_HAND: &str = r#"{"id":"a","key":"x","ids":["by","hand"]}"#;

fn member(id: &str) -> Unmerge {
    Unmerge::new("register", [id.to_owned()])
}

fn golden(world: &World, number: i64) -> Unmerge {
    Unmerge::new("people", [id_of(world, number)])
}

#[track_caller]
fn refused(what: &Unmerge, world: &mut World) -> String {
    let batches = "SELECT count(*) FROM ledger_batch";
    let before: i64 = world.asked(batches);
    let error = take_apart(world, what, UnmergeConflict::Abort).expect_err("a refusal");
    assert_eq!(world.asked::<i64>(batches), before, "nothing is written");
    match &error {
        Error::Invalid { hint, .. } => format!("{error}; {}", hint.clone().unwrap_or_default()),
        _ => error.to_string(),
    }
}

#[test]
fn who_leaves_and_who_stays_are_what_they_were_before() {
    let mut world = by_key();
    load(&mut world, "a key=x n=1, b key=x m=2");
    apply(&mut world);
    let before = row(&world, "people", 3);
    load(&mut world, "c key=x tel=t");
    apply(&mut world);
    assert_ne!(row(&world, "people", 3), before);
    let report = leaves(&mut world, "c");
    assert_eq!((report.never, report.members.len()), (2, 1));
    is_whole(&world);
    assert_eq!(row(&world, "people", 3), before, "number, id and data");
    assert_eq!(people(&world), "3=a,b 5=c");
    assert_eq!(row(&world, "people", 5).1, line("c key=x tel=t"));
    assert!(world.apply().passes.is_empty());
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a,b 5=c".to_owned(), String::new())
    );
}

#[test]
fn the_golden_record_stays_with_the_others_though_its_founder_leaves() {
    // What b and c make without a, in a world that never knew it.
    let mut other = by_key();
    load(&mut other, "b key=x m=2, c key=x tel=t");
    other.apply();
    let of_two = row(&other, "people", 3).1;
    let mut world = by_key();
    load(&mut world, "a key=x n=1, b key=x m=2, c key=x tel=t");
    apply(&mut world);
    let before = row(&world, "people", 4);
    leaves(&mut world, "a");
    is_whole(&world);
    assert_eq!(people(&world), "4=b,c 5=a");
    let after = row(&world, "people", 4);
    assert_eq!((after.0, after.1), (before.0, of_two));
    let own = row(&world, "people", 5);
    assert_eq!(own.1, line("a key=x n=1"));
    assert_ne!(own.0, row(&world, "people", 4).0);
    assert!(world.apply().passes.is_empty());
}

#[test]
fn who_has_left_is_merged_with_nobody_until_corrected_or_accepted() {
    let begin = || {
        let mut world = by_key();
        load(&mut world, "a key=x, b key=x");
        apply(&mut world);
        leaves(&mut world, "b");
        world.put("register", "a", &line("a key=y"));
        apply(&mut world);
        load(&mut world, "c key=x");
        apply(&mut world);
        is_whole(&world);
        assert_eq!(people(&world), "3=a 4=b 6=c");
        assert_eq!(waiting(&world), "2+5 conflict", "a person is asked");
        world
    };
    let mut corrected = begin();
    corrected.put("register", "b", &line("b key=x n=2"));
    apply(&mut corrected);
    is_whole(&corrected);
    assert_eq!(
        (people(&corrected), waiting(&corrected)),
        ("3=a 4=b,c".to_owned(), String::new())
    );
    let mut accepted = begin();
    decides(&mut accepted, 2, 5, Decision::Accept);
    apply(&mut accepted);
    is_whole(&accepted);
    assert_eq!(
        (people(&accepted), waiting(&accepted)),
        ("3=a 4=b,c".to_owned(), String::new())
    );
    // Corrected to what the first one is, it still is not that one.
    corrected.put("register", "a", &line("a key=x"));
    apply(&mut corrected);
    is_whole(&corrected);
    let people = people(&corrected);
    assert!(!people.contains("a,b") && !people.contains("a,c"), "{people}");
}

#[test]
fn a_golden_record_that_is_taken_apart_leaves_all_its_members_alone() {
    let mut world = by_key();
    load(
        &mut world,
        "a key=x n=1, b key=x, c key=x tel=t, d key=y, e key=y",
    );
    apply(&mut world);
    let others = row(&world, "people", 7);
    let id = id_of(&world, 6);
    let what = golden(&world, 6);
    let report = take_apart(&mut world, &what, UnmergeConflict::Abort).expect("a report");
    assert_eq!(
        (report.never, report.members.len(), report.golden.len()),
        (3, 3, 1)
    );
    is_whole(&world);
    assert_eq!(people(&world), "6=a 7=d,e 8=b 9=c");
    assert_eq!(row(&world, "people", 6), (id, line("a key=x n=1")));
    assert_eq!(row(&world, "people", 8).1, line("b key=x"));
    assert_eq!(row(&world, "people", 9).1, line("c key=x tel=t"));
    assert_eq!(row(&world, "people", 7), others, "nobody else is concerned");
    assert!(world.apply().passes.is_empty());
}

#[test]
fn several_members_leave_and_part_from_each_other_too() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=x, d key=x");
    apply(&mut world);
    let what = golden(&world, 5).members(["b".to_owned(), "d".to_owned()]);
    let report = take_apart(&mut world, &what, UnmergeConflict::Abort).expect("a report");
    assert_eq!((report.never, report.members.len()), (5, 2));
    is_whole(&world);
    assert_eq!(people(&world), "5=a,c 6=b 7=d");
    assert!(world.apply().passes.is_empty());
}

#[test]
fn an_unmerge_that_was_the_mistake_is_undone_by_accepting_the_pair() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x n=2, c key=x");
    apply(&mut world);
    let before = row(&world, "people", 4);
    leaves(&mut world, "b");
    let these = [decision(1, 2, Decision::Accept), decision(2, 3, Decision::Accept)];
    assert_eq!(decided_by(&mut world, &these).refused, []);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world), row(&world, "people", 4)),
        ("4=a,b,c".to_owned(), before)
    );
    assert_eq!(by(&world), "a:review b:review c:review");
}

#[test]
fn an_unmerge_is_taken_back_by_its_run() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x n=2, c key=x");
    apply(&mut world);
    let before = world.rows("people");
    let run = leaves(&mut world, "a").run.expect("a run");
    world.roll_back(RollbackScope::Run(run));
    world.is_sound();
    assert_eq!(world.rows("people"), before);
    assert_eq!(world.asked::<i64>("SELECT count(*) FROM audit_decision"), 0);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(world.rows("people"), before);
}

#[test]
fn what_cannot_be_taken_apart_is_refused_and_nothing_is_written() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=z, e key=w");
    apply(&mut world);
    assert_eq!(people(&world), "6=a,b 7=c 8=d 9=e");
    for one in [member("c"), golden(&world, 7)] {
        let said = refused(&one, &mut world);
        assert!(said.contains("golden record 7 has one member only"), "{said}");
    }
    for (database, id) in [("register", "nobody"), ("people", "nobody")] {
        let what = Unmerge::new(database, [id.to_owned()]);
        let error = take_apart(&mut world, &what, UnmergeConflict::Abort).expect_err("no such record");
        assert!(
            matches!(&error, Error::NoSuchRecord { database: named, .. } if named == database),
            "{error}"
        );
    }
    let said = refused(&golden(&world, 6).members(["c".to_owned()]), &mut world);
    assert!(
        said.contains("none of these members is in the golden record"),
        "{said}"
    );
    let said = refused(
        &golden(&world, 6).members(["a".to_owned(), "c".to_owned()]),
        &mut world,
    );
    assert!(said.contains("`c` is in another golden record"), "{said}");
    let said = refused(&Unmerge::new("nowhere", ["a".to_owned()]), &mut world);
    assert!(said.contains("`register` -> `people` (stage 1)"), "{said}");
    // A record that no pass has read yet is in none.
    load(&mut world, "f key=x");
    let said = refused(&member("f"), &mut world);
    assert!(
        said.contains("`f` of `register` is in no golden record"),
        "{said}"
    );
    // Accepted pairs hold the two together through a third, with the next apply.
    let these = [decision(1, 3, Decision::Accept), decision(2, 3, Decision::Accept)];
    assert_eq!(decided_by(&mut world, &these).refused, []);
    let said = refused(&member("b"), &mut world);
    assert!(said.contains("records 1 and 2 are decided to be two"), "{said}");
    assert!(
        said.contains("1+3 by ") && said.contains("rollback --run"),
        "{said}"
    );
}

#[test]
fn nothing_is_taken_apart_before_an_interrupted_pass_is_completed() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=y, e key=z, f key=z");
    apply(&mut world);
    for id in ["a", "c", "e"] {
        world.put("register", id, &line(&format!("{id} key=w n=2")));
    }
    let signal = StopSignal::default();
    let options = ApplyOptions::default().batch_size(1).stop(signal.clone());
    let mut observer = StopAfter(2, signal);
    let report = counterfoil::apply::apply(&mut world.store, &world.stages, &options, &mut observer);
    assert!(report.expect("a report").stopped.is_some());
    assert_eq!(world.asked::<i64>("SELECT count(*) FROM ledger_open"), 1);
    let said = refused(&member("f"), &mut world);
    assert!(said.contains("a pass of stage 1 was interrupted"), "{said}");
    assert!(said.contains("`counterfoil apply` completes it"), "{said}");
    apply(&mut world);
    leaves(&mut world, "a");
    is_whole(&world);
}

/// Three golden records of two, the first of which was changed by hand. Its number is 7.
fn edited() -> World {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=y, e key=z, f key=z");
    apply(&mut world);
    let id = id_of(&world, 7);
    put(&mut world, "people", &id, BY_HAND);
    world
}

#[track_caller]
fn is_conflict(error: &Error, database: &str, id: &str) {
    let Error::RollbackConflict { first, count, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (first.database.as_str(), first.id.as_deref(), *count),
        (database, Some(id), 1)
    );
    assert_eq!(error.code(), "rollback.conflict");
}

#[test]
fn a_golden_record_that_was_changed_by_hand_stops_leaves_or_is_overwritten() {
    let world = edited();
    let (first, second) = (id_of(&world, 7), id_of(&world, 8));
    let both = Unmerge::new("people", [first.clone(), second]);
    drop(world);

    let mut world = edited();
    let before = (
        world.rows("people"),
        world.asked::<i64>("SELECT count(*) FROM ledger_batch"),
    );
    let error = take_apart(&mut world, &both, UnmergeConflict::Abort).expect_err("a conflict");
    is_conflict(&error, "people", &first);
    let after = (
        world.rows("people"),
        world.asked::<i64>("SELECT count(*) FROM ledger_batch"),
    );
    assert_eq!(after, before, "nothing is written");

    let report = take_apart(&mut world, &both, UnmergeConflict::Skip).expect("a report");
    let left: Vec<(&str, Option<&str>)> = report
        .left
        .iter()
        .map(|left| (left.database.as_str(), left.id.as_deref()))
        .collect();
    assert_eq!(left, [("people", Some(first.as_str()))]);
    assert_eq!((report.golden.len(), report.never), (1, 1));
    assert_eq!(row(&world, "people", 7), (first.clone(), BY_HAND.to_owned()));
    assert_eq!(people(&world), "7=a,b 8=c 9=e,f 10=d");
    world.is_sound();

    let mut world = edited();
    let report = take_apart(&mut world, &both, UnmergeConflict::Force).expect("a report");
    assert_eq!((report.left.len(), report.golden.len(), report.never), (0, 2, 2));
    is_whole(&world);
    assert_eq!(people(&world), "7=a 8=c 9=e,f 10=b 11=d");
    assert_eq!(row(&world, "people", 7), (first.clone(), line("a key=x")));
    // The ledger keeps what was overwritten: a rollback of the run brings it back byte for byte.
    world.roll_back(RollbackScope::Run(report.run.expect("a run")));
    world.is_sound();
    assert_eq!(row(&world, "people", 7), (first, BY_HAND.to_owned()));
    assert_eq!(rows(&world, "people"), "7=by,hand 8=c,d 9=e,f");
}

#[test]
fn a_member_that_was_changed_since_stops_leaves_or_is_taken_as_it_is() {
    let begin = || {
        let mut world = by_key();
        load(&mut world, "a key=x, b key=x, c key=y, d key=y");
        apply(&mut world);
        world.put("register", "a", &line("a key=x n=2"));
        world
    };
    let mut world = begin();
    let both = Unmerge::new("register", ["b".to_owned(), "d".to_owned()]);
    let before = world.rows("people");
    let error = take_apart(&mut world, &both, UnmergeConflict::Abort).expect_err("a conflict");
    is_conflict(&error, "register", "a");
    assert_eq!(world.rows("people"), before);

    let report = take_apart(&mut world, &both, UnmergeConflict::Skip).expect("a report");
    let left: Vec<(&str, Option<&str>)> = report
        .left
        .iter()
        .map(|left| (left.database.as_str(), left.id.as_deref()))
        .collect();
    assert_eq!(left, [("register", Some("a"))]);
    assert_eq!(people(&world), "5=a,b 6=c 7=d");
    world.is_sound();

    let mut world = begin();
    let report = take_apart(&mut world, &both, UnmergeConflict::Force).expect("a report");
    assert_eq!((report.left.len(), report.golden.len()), (0, 2));
    is_whole(&world);
    assert_eq!(people(&world), "5=a 6=c 7=b 8=d");
    assert_eq!(
        row(&world, "people", 5).1,
        line("a key=x n=2"),
        "of what the member is now"
    );
    assert!(world.apply().passes.is_empty());
}

#[test]
fn the_command_ends_with_9_where_a_golden_record_was_changed_by_hand() {
    let scene = Scene::named("review", &[("0001_people.toml", BY_KEY)]);
    scene.load("register", &["a key=x", "b key=x"].map(line), &[]);
    scene.exits(&["apply"], 0);
    let golden = scene.exits(&["export", "people", "--with-id"], 0).out;
    scene.load(
        "people",
        &[golden.replace(r#"["a","b"]"#, r#"["by","hand"]"#)],
        &["--with-id", "--replace"],
    );
    let unmerge = ["unmerge", "register", "b", "--reason", "two patients"];
    let said = scene.exits_sound(&unmerge, 9);
    assert_eq!(
        scene.exits(&["export", "people"], 0).out.lines().count(),
        1,
        "{said:?}"
    );
    scene.exits_sound(&[&unmerge[..], &["--on-conflict", "force"]].concat(), 0);
    assert_eq!(scene.exits(&["export", "people"], 0).out.lines().count(), 2);
}

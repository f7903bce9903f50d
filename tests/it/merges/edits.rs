//! Golden records that were changed by hand: what a person has changed is never overwritten, and the members wait until it
//! is again what it was.

use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};

use super::register::{apply, deviations, id_of, load, people, put, record, refused, rows, world};

const BY_HAND: &str = r#"{"id":"a","key":"x","ids":["by","hand"]}"#;

#[test]
fn members_wait_until_their_golden_record_is_again_what_it_was() {
    let mut world = world();
    load(&mut world, "a=x");
    apply(&mut world);
    let golden = id_of(&world, 2);
    let was = world.data("people", &golden).expect("a golden record");
    put(&mut world, "people", &golden, BY_HAND);
    assert_eq!(apply(&mut world), [0; 0], "an edit of the target feeds nothing");
    assert_eq!(deviations(&world), "2:edited:1");
    load(&mut world, "b=x");
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(refused(&world), "a:target.edited b:target.edited");
    assert_eq!(rows(&world, "people"), "2=by,hand");
    assert_eq!(deviations(&world), "2:edited:1");
    // What has nothing to do with them leaves them alone.
    load(&mut world, "c=y");
    assert_eq!(apply(&mut world), [1]);
    // By hand back to what it was.
    put(&mut world, "people", &golden, &was);
    assert_eq!(apply(&mut world), [2]);
    assert_eq!((refused(&world), deviations(&world)), Default::default());
    assert_eq!(people(&world), "2=a,b 5=c");
    assert_eq!(id_of(&world, 2), golden);
    world.roll_back(RollbackScope::All);
    world.is_sound();
}

#[test]
fn a_rollback_of_the_edit_brings_the_members_back_too() {
    let mut world = world();
    load(&mut world, "a=x");
    apply(&mut world);
    let golden = id_of(&world, 2);
    let edit = put(&mut world, "people", &golden, BY_HAND);
    load(&mut world, "b=x");
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "2=by,hand");
    world.roll_back(RollbackScope::Run(edit));
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(
        (rows(&world, "people"), refused(&world)),
        ("2=a,b".to_owned(), String::new())
    );
}

#[test]
fn a_golden_record_that_was_deleted_by_hand_comes_back_under_its_number_and_id() {
    let mut world = world();
    load(&mut world, "a=x");
    apply(&mut world);
    let golden = id_of(&world, 2);
    world.delete("people", &golden);
    assert_eq!(apply(&mut world), [0; 0]);
    assert_eq!(deviations(&world), format!("{golden}:edited:1"));
    load(&mut world, "b=x");
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(
        (people(&world), rows(&world, "people")),
        ("2=a,b".to_owned(), "2=a,b".to_owned())
    );
    assert!(world.data("people", &golden).is_some());
    assert_eq!(deviations(&world), "");
    // Somebody else than the stage has removed what the first pass left: that is a conflict, as for any stage.
    let options = RollbackOptions::default().scope(RollbackScope::Last);
    world.try_roll_back(&options).expect_err("a conflict");
    let options = options.on_conflict(ConflictPolicy::Skip);
    world.try_roll_back(&options).expect("a rollback");
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
}

#[test]
fn an_edited_golden_record_outlives_its_last_member_until_it_is_restored() {
    let mut world = world();
    load(&mut world, "a=x c=y");
    apply(&mut world);
    let golden = id_of(&world, 3);
    let was = world.data("people", &golden).expect("a golden record");
    put(&mut world, "people", &golden, BY_HAND);
    world.delete("register", "a");
    assert_eq!(apply(&mut world), [1]);
    assert_eq!(rows(&world, "people"), "3=by,hand 4=c");
    assert_eq!(deviations(&world), "3:edited:1");
    load(&mut world, "d=z");
    assert_eq!(apply(&mut world), [1], "nothing about it has changed");
    put(&mut world, "people", &golden, &was);
    assert_eq!(apply(&mut world), [1]);
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("4=c 6=d".to_owned(), String::new())
    );
}

#[test]
fn an_edited_golden_record_is_not_absorbed() {
    let mut world = world();
    load(&mut world, "a=x b=y");
    apply(&mut world);
    let golden = id_of(&world, 4);
    put(&mut world, "people", &golden, BY_HAND);
    world.put("register", "b", &record("b", "x"));
    apply(&mut world);
    assert_eq!(refused(&world), "a:target.edited b:target.edited");
    assert_eq!(rows(&world, "people"), "3=a 4=by,hand");
    assert_eq!(deviations(&world), "3:edited:1 4:edited:1");
    world.delete("people", &golden);
    assert_eq!(apply(&mut world), [2], "what was in the way has gone");
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("3=a,b".to_owned(), String::new())
    );
}

#[test]
fn a_rollback_meets_what_was_changed_by_hand_as_a_conflict() {
    let mut world = world();
    load(&mut world, "a=x b=x c=y");
    let run = world.apply().run.expect("a run");
    let golden = id_of(&world, 4);
    put(&mut world, "people", &golden, BY_HAND);
    let options = RollbackOptions::default().scope(RollbackScope::Run(run));
    let error = world.try_roll_back(&options).expect_err("a conflict");
    assert!(error.to_string().contains("1 record"), "{error}");
    let report = world
        .try_roll_back(&options.on_conflict(ConflictPolicy::Skip))
        .expect("a rollback");
    assert_eq!((report.records, report.counts.refused), (1, 1));
    assert_eq!(rows(&world, "people"), "4=by,hand");
    world.is_sound();
    // It belongs to nobody now, and is in the way of the members that it came from.
    assert_eq!(apply(&mut world), [3]);
    assert_eq!(refused(&world), "a:target.exists b:target.exists");
    assert_eq!(rows(&world, "people"), "4=by,hand 6=c");
    world.delete("people", &golden);
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(
        (refused(&world), people(&world)),
        (String::new(), "6=c 7=a,b".to_owned())
    );
    assert_eq!(
        world.data("people", &golden).map(|_| id_of(&world, 7)),
        Some(golden)
    );
}

#[test]
fn what_a_rollback_merges_is_not_hidden_by_a_second_golden_record() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    let golden = id_of(&world, 3);
    put(&mut world, "people", &golden, BY_HAND);
    let options = RollbackOptions::default().on_conflict(ConflictPolicy::Merge);
    let options = options.scope(RollbackScope::Stage(1));
    world.try_roll_back(&options).expect("a rollback");
    assert_eq!(rows(&world, "people"), "3=by,hand");
    apply(&mut world);
    assert_eq!(refused(&world), "a:target.exists b:target.exists");
    assert_eq!(rows(&world, "people"), "3=by,hand");
}

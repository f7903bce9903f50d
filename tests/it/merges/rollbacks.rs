//! The rollback of a single record, where several records are one.

use counterfoil::Error;
use counterfoil::apply::ApplyOptions;
use counterfoil::rollback::{RollbackOptions, RollbackScope};

use super::register::{apply, comes_back, id_of, load, people, record, rows, world};
use crate::support::world::World;

fn of(database: &str, id: &str) -> RollbackScope {
    RollbackScope::Record {
        database: database.to_owned(),
        id: id.to_owned(),
    }
}

fn refusal(world: &mut World, scope: RollbackScope) -> Error {
    let options = RollbackOptions::default().scope(scope);
    world.try_roll_back(&options).expect_err("a refusal")
}

#[test]
fn a_golden_record_goes_back_with_all_its_members() {
    let mut world = world();
    load(&mut world, "a=x b=y c=z");
    apply(&mut world);
    world.put("register", "b", &record("b", "x"));
    apply(&mut world);
    assert_eq!(
        (people(&world), rows(&world, "people")),
        ("4=a,b 6=c".to_owned(), "4=a,b 6=c".to_owned())
    );
    let golden = id_of(&world, 4);
    world.roll_back(of("people", &golden));
    world.is_sound();
    assert_eq!(
        (people(&world), rows(&world, "people")),
        ("4=a 5=b 6=c".to_owned(), "4=a 5=b 6=c".to_owned())
    );
    assert_eq!(apply(&mut world), [2], "what was rolled back is done again");
    assert_eq!(rows(&world, "people"), "4=a,b 6=c");
    // By the golden record that the other one has taken the place of.
    let joined = id_of(&world, 5);
    world.roll_back(of("people", &joined));
    world.is_sound();
    assert_eq!(rows(&world, "people"), "4=a 5=b 6=c");
    apply(&mut world);
    comes_back(&mut world);
    assert_eq!(rows(&world, "people").replace(char::is_numeric, ""), "=a,b =c");
}

#[test]
fn twice_it_goes_back_to_nothing() {
    let mut world = world();
    load(&mut world, "a=x c=z");
    apply(&mut world);
    load(&mut world, "b=x");
    apply(&mut world);
    let golden = id_of(&world, 3);
    world.roll_back(of("people", &golden));
    assert_eq!(rows(&world, "people"), "3=a 4=c");
    world.roll_back(of("people", &golden));
    assert_eq!(
        (rows(&world, "people"), people(&world)),
        ("4=c".to_owned(), "4=c".to_owned())
    );
    world.is_sound();
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(rows(&world, "people"), "4=c 6=a,b");
    // It is found by the id that it had.
    let found = world.store.find("people", &golden).expect("a record");
    assert!(found.records.iter().any(|record| record.get() == 3), "{found:?}");
}

#[test]
fn a_split_goes_back_as_one() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    world.put("register", "a", &record("a", "y"));
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "3=a 4=b");
    let split = id_of(&world, 4);
    world.roll_back(of("people", &split));
    world.is_sound();
    assert_eq!(
        (rows(&world, "people"), people(&world)),
        ("3=a,b".to_owned(), "3=a,b".to_owned())
    );
    assert_eq!(apply(&mut world), [2]);
    assert_eq!(rows(&world, "people"), "3=a 5=b");
}

#[test]
fn a_member_of_the_register_is_not_what_a_merge_has_changed() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    let error = refusal(&mut world, of("register", "a"));
    assert!(error.to_string().contains("no stage has changed `a`"), "{error}");
    // A correction that the merge has read stays beneath it.
    world.put("register", "a", &record("a", "y"));
    apply(&mut world);
    let error = refusal(&mut world, of("register", "a"));
    assert!(!error.to_string().is_empty(), "{error}");
    assert_eq!(rows(&world, "people"), "3=a 4=b");
}

#[test]
fn one_stage_goes_back_alone() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    load(&mut world, "c=x d=z");
    apply(&mut world);
    world.roll_back(RollbackScope::Stage(1));
    world.is_sound();
    assert_eq!((rows(&world, "people"), people(&world)), Default::default());
}

#[test]
fn the_newest_pass_of_a_merge_goes_back_first() {
    let mut world = world();
    load(&mut world, "a=x b=x c=y");
    let first = world.apply().run.expect("a run");
    let relearned = world.apply_with(&ApplyOptions::default().relearn(true)).run;
    // It left everything as it was, and would keep a later pass from making it again.
    let refused = refusal(&mut world, RollbackScope::Run(first));
    assert!(
        matches!(refused, Error::RollbackBeneath { run, .. } if Some(run) == relearned),
        "{refused}"
    );
    world.roll_back(RollbackScope::Run(relearned.expect("a run")));
    world.roll_back(RollbackScope::Run(first));
    assert_eq!(rows(&world, "people"), "");
    world.apply();
    assert_eq!(people(&world), rows(&world, "people"));
    world.is_sound();
}

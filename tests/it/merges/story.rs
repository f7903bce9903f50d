//! The worked example: three records, one of which is corrected and joins, and everything taken back.

use counterfoil::rollback::RollbackScope;

use super::register::{BY_KEY, people, record};
use crate::support::world::World;

fn world() -> World {
    World::new("merges", &[("0001_people.toml", BY_KEY)])
}

fn texts(world: &World) -> Vec<String> {
    world.rows("people").into_iter().map(|row| row.data).collect()
}

#[test]
fn the_worked_example() {
    let mut world = world();
    world.load(
        "register",
        &[record("a", "x"), record("b", "x"), record("c", "y")],
    );
    let report = world.apply();
    let counts = &report.passes[0].counts;
    assert_eq!((counts.read, counts.merged, counts.written), (3, 2, 1));
    assert_eq!(people(&world), "4=a,b 5=c");
    assert_eq!(
        texts(&world),
        [
            r#"{"id":"a","key":"x","ids":["a","b"]}"#.to_owned(),
            record("c", "y"),
        ]
    );
    let before = texts(&world);
    world.load("register", &[record("c", "x")]);
    let second = world.apply().run.expect("a run");
    assert_eq!(people(&world), "4=a,b,c");
    assert_eq!(texts(&world), [r#"{"id":"a","key":"x","ids":["a","b","c"]}"#]);
    world.is_sound();
    world.load("register", &[record("b", "z")]);
    let third = world.apply().run.expect("a run");
    assert_eq!(people(&world), "4=a,c 6=b");
    world.is_sound();
    world.roll_back(RollbackScope::Run(third));
    assert_eq!(people(&world), "4=a,b,c");
    world.is_sound();
    world.roll_back(RollbackScope::Run(second));
    assert_eq!((people(&world), texts(&world)), ("4=a,b 5=c".to_owned(), before));
    world.is_sound();
    world.roll_back(RollbackScope::Last);
    assert_eq!((people(&world), texts(&world)), (String::new(), Vec::new()));
    world.is_sound();
}

#[test]
fn a_deleted_member_leaves_and_the_last_one_takes_its_golden_record_along() {
    let mut world = world();
    world.load("register", &[record("a", "x"), record("b", "x")]);
    world.apply();
    world.delete("register", "a");
    world.apply();
    assert_eq!(people(&world), "3=b");
    assert_eq!(texts(&world), [record("b", "x")]);
    world.delete("register", "b");
    world.apply();
    assert_eq!((people(&world), texts(&world)), (String::new(), Vec::new()));
    world.is_sound();
    world.roll_back(RollbackScope::All);
    assert_eq!(texts(&world), Vec::<String>::new());
    world.is_sound();
}

#[test]
fn a_second_apply_finds_nothing_to_do() {
    let mut world = world();
    world.load(
        "register",
        &[record("a", "x"), record("b", "x"), record("c", "y")],
    );
    world.apply();
    assert!(world.apply().passes.is_empty());
    world.load("register", &[record("d", "y")]);
    world.apply();
    assert!(world.apply().passes.is_empty());
    assert_eq!(people(&world), "4=a,b 5=c,d");
}

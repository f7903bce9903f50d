//! Golden records whose id is taken: by a record that another stage copies to the same target, or by one put by hand.

use counterfoil::rollback::RollbackScope;

use super::register::{apply, deviations, id_of, load, people, refused, rows};
use crate::support::world::World;

/// A golden record has the id of its founder.
const NAMED: &str = r#"
[stage]
source = "register"
target = "people"
id = "= doc.id"
max_errors = 100

[merge]
by = { key = "key" }

[merge.survive]
"ids" = "union"
"#;

fn copying(on_conflict: &str) -> String {
    format!(
        "[stage]\nsource = \"others\"\ntarget = \"people\"\non_conflict = \"{on_conflict}\"\nmax_errors = 100\n\n\
         [[op]]\nop = \"set\"\npath = \"ids\"\nvalue = [\"other\"]\n"
    )
}

fn world(first: (&str, &str), second: (&str, &str)) -> World {
    World::new("merges", &[first, second])
}

#[test]
fn a_golden_record_whose_id_another_stage_has_waits_for_its_place() {
    let copy = copying("refuse");
    let mut world = world(("0001_copy.toml", &copy), ("0002_people.toml", NAMED));
    world.load("others", &[r#"{"id":"a"}"#]);
    load(&mut world, "a=x b=x c=y");
    assert_eq!(apply(&mut world), [1, 3]);
    assert_eq!(refused(&world), "a:target.exists b:target.exists");
    assert_eq!(rows(&world, "people"), "1=other 5=c");
    // From scratch the earlier stage would have the id as well.
    assert_eq!(deviations(&world), "");
    world.delete("others", "a");
    assert_eq!(apply(&mut world), [1, 2]);
    assert_eq!(
        (refused(&world), rows(&world, "people")),
        (String::new(), "5=c 6=a,b".to_owned())
    );
    assert_eq!(deviations(&world), "");
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
}

#[test]
fn a_record_that_comes_after_a_golden_record_waits_for_it() {
    let copy = copying("refuse");
    let mut world = world(("0001_people.toml", NAMED), ("0002_copy.toml", &copy));
    load(&mut world, "a=x b=x c=y");
    world.load("others", &[r#"{"id":"a"}"#]);
    assert_eq!(apply(&mut world), [3, 1]);
    assert_eq!(refused(&world), "a:target.exists");
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("5=a,b 6=c".to_owned(), String::new())
    );
    world.delete("register", "a");
    apply(&mut world);
    // The golden record stays with the other member, and so does its id.
    assert_eq!(
        (people(&world), refused(&world)),
        ("5=b 6=c".to_owned(), "a:target.exists".to_owned())
    );
    world.delete("register", "b");
    apply(&mut world);
    assert_eq!(
        (rows(&world, "people"), refused(&world)),
        ("4=other 6=c".to_owned(), String::new())
    );
    assert_eq!(deviations(&world), "");
}

#[test]
fn a_golden_record_that_another_stage_has_replaced_waits_for_its_place() {
    let copy = copying("replace");
    let mut world = world(("0001_people.toml", NAMED), ("0002_copy.toml", &copy));
    load(&mut world, "a=x b=x c=y");
    world.load("others", &[r#"{"id":"a"}"#]);
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "4=other 6=c");
    assert_eq!(deviations(&world), "");
    world.delete("others", "a");
    apply(&mut world);
    assert_eq!(
        (rows(&world, "people"), people(&world)),
        ("5=a,b 6=c".to_owned(), "5=a,b 6=c".to_owned())
    );
    assert_eq!(deviations(&world), "");
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
}

#[test]
fn it_waits_for_the_members_that_it_has_and_not_for_those_that_it_had() {
    let copy = copying("replace");
    let mut world = world(("0001_people.toml", NAMED), ("0002_copy.toml", &copy));
    load(&mut world, "a=x b=x");
    world.load("others", &[r#"{"id":"z"}"#]);
    apply(&mut world);
    world.delete("register", "a");
    apply(&mut world);
    assert_eq!(people(&world), "4=b");
    world.load("others", &[r#"{"id":"a"}"#]);
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "3=other 5=other");
    world.delete("others", "a");
    apply(&mut world);
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("3=other 4=b".to_owned(), String::new())
    );
}

#[test]
fn a_golden_record_whose_id_was_taken_by_hand_is_refused_until_it_is_free() {
    let copy = copying("refuse");
    let mut world = world(("0001_people.toml", NAMED), ("0002_copy.toml", &copy));
    world.load("others", &[r#"{"id":"z"}"#]);
    apply(&mut world);
    world.put("people", "a", r#"{"id":"a","ids":["hand"]}"#);
    load(&mut world, "a=x b=x");
    apply(&mut world);
    assert_eq!(refused(&world), "a:target.exists b:target.exists");
    assert_eq!(rows(&world, "people"), "1=other 2=hand");
    world.delete("people", "a");
    apply(&mut world);
    assert_eq!(
        (rows(&world, "people"), refused(&world)),
        ("1=other 5=a,b".to_owned(), String::new())
    );
    assert_eq!(id_of(&world, 5), "a");
}

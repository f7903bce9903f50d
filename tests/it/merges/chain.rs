//! Stages after a merge: one that changes the golden records in place, one that copies them, and a second merge.

use counterfoil::rollback::RollbackScope;

use super::register::{apply, deviations, id_of, load, people, record, refused, rows, world_with};

const STAMP: &str = r#"
[stage]
source = "people"
max_errors = 100

[contract]
target = { properties = { key = { not = { const = "bad" } } } }

[[op]]
op = "set"
path = "stamped"
value = true
"#;

const FAMILIES: &str = r#"
[stage]
source = "people"
target = "families"

[merge]
by = { stamped = "stamped" }

[merge.survive]
"ids" = "union"
"#;

const COPY: &str = r#"
[stage]
source = "people"
target = "copies"

[[op]]
op = "set"
path = "copied"
value = true
"#;

#[test]
fn a_stage_in_place_follows_the_merge_and_is_nobodys_hand() {
    let mut world = world_with(&[("0002_stamp.toml", STAMP)]);
    load(&mut world, "a=x b=y");
    assert_eq!(apply(&mut world), [2, 2]);
    let stamped = |world: &crate::support::world::World| {
        let rows = world.rows("people");
        rows.iter().all(|row| row.data.contains("stamped"))
    };
    assert!(stamped(&world));
    world.put("register", "b", &record("b", "x"));
    // A golden record changes, and the other one goes.
    assert_eq!(apply(&mut world), [2, 2]);
    assert!(stamped(&world));
    assert_eq!(
        (rows(&world, "people"), refused(&world)),
        ("3=a,b".to_owned(), String::new())
    );
    assert_eq!(deviations(&world), "");
    world.put("register", "b", &record("b", "z"));
    assert_eq!(apply(&mut world), [2, 2]);
    assert!(stamped(&world));
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("3=a 5=b".to_owned(), String::new())
    );
    // An edit after both is one by hand all the same.
    let golden = id_of(&world, 3);
    world.put("people", &golden, r#"{"id":"a","by":"hand"}"#);
    load(&mut world, "c=x");
    apply(&mut world);
    assert_eq!(refused(&world), "a:target.edited c:target.edited");
    assert_eq!(deviations(&world), "3:edited:1");
}

#[test]
fn everything_is_taken_back_stage_by_stage() {
    let mut world = world_with(&[("0002_stamp.toml", STAMP)]);
    load(&mut world, "a=x b=y");
    apply(&mut world);
    world.put("register", "b", &record("b", "x"));
    apply(&mut world);
    world.roll_back(RollbackScope::To(1));
    world.is_sound();
    assert_eq!(rows(&world, "people"), "3=a,b");
    assert!(
        world
            .rows("people")
            .iter()
            .all(|row| !row.data.contains("stamped"))
    );
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
    apply(&mut world);
    assert_eq!(rows(&world, "people").replace(char::is_numeric, ""), "=a,b");
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
}

#[test]
fn a_golden_record_that_a_stage_in_place_refused_keeps_its_number_and_its_place() {
    let mut world = world_with(&[("0002_stamp.toml", STAMP)]);
    load(&mut world, "a=bad b=y");
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "4=b");
    let golden = id_of(&world, 3);
    // A second member does not change that.
    load(&mut world, "c=bad");
    apply(&mut world);
    assert_eq!(rows(&world, "people"), "4=b");
    assert_eq!(people(&world), "3=a,c 4=b");
    for id in ["a", "c"] {
        world.put("register", id, &record(id, "good"));
    }
    apply(&mut world);
    assert_eq!(
        (rows(&world, "people"), refused(&world)),
        ("3=a,c 4=b".to_owned(), String::new())
    );
    assert!(world.data("people", &golden).is_some());
    assert_eq!(deviations(&world), "");
    world.roll_back(RollbackScope::All);
    world.is_sound();
    assert_eq!(rows(&world, "people"), "");
}

#[test]
fn a_second_merge_takes_golden_records_for_members() {
    let more = [
        ("0002_stamp.toml", STAMP),
        ("0003_families.toml", FAMILIES),
        ("0004_copy.toml", COPY),
    ];
    let mut world = world_with(&more);
    load(&mut world, "a=x b=y c=y");
    assert_eq!(apply(&mut world), [3, 2, 2, 2]);
    assert_eq!(rows(&world, "families"), "6=a,b,c");
    assert_eq!(rows(&world, "copies"), "4=a 5=b,c");
    world.put("register", "c", &record("c", "x"));
    assert_eq!(apply(&mut world), [3, 2, 2, 2]);
    assert_eq!(
        (rows(&world, "families"), rows(&world, "copies")),
        ("6=a,c,b".to_owned(), "4=a,c 5=b".to_owned())
    );
    world.delete("register", "b");
    apply(&mut world);
    assert_eq!(
        (rows(&world, "families"), rows(&world, "copies")),
        ("6=a,c".to_owned(), "4=a,c".to_owned())
    );
    assert_eq!(deviations(&world), "");
    world.roll_back(RollbackScope::All);
    world.is_sound();
    for database in ["people", "families", "copies"] {
        assert_eq!(rows(&world, database), "");
    }
    apply(&mut world);
    assert_eq!(rows(&world, "families").replace(char::is_numeric, ""), "=a,c");
}

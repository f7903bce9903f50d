//! Source records and what they have become: the cross-reference of a database that stages fill.

use counterfoil::rollback::RollbackScope;

use super::rows::{apply, codes, found};
use crate::support::world::World;

const PEOPLE: &str = r#"
[stage]
source = "raw"
target = "people"
id = "= \"PAT-\" + doc.number"
"#;

const VISITS: &str = r#"
[stage]
source = "visits_v1"
target = "visits"

[[op]]
op = "lookup"
path = "patient"
through = "people"
as = "golden"
"#;

fn world() -> World {
    World::new(
        "demo",
        &[("0001_people.toml", PEOPLE), ("0002_visits.toml", VISITS)],
    )
}

fn person(world: &mut World, id: &str, number: u32) {
    world.load("raw", &[format!(r#"{{"id":"{id}","number":"{number}"}}"#)]);
}

fn visits(world: &mut World, patients: &[&str]) {
    let line = |(at, patient): (usize, &&str)| format!(r#"{{"id":"v{at}","patient":"{patient}"}}"#);
    let lines: Vec<String> = (1..).zip(patients).map(line).collect();
    world.load("visits_v1", &lines);
}

fn of(at: u32, patient: &str) -> String {
    format!(r#"{{"id":"v{at}","patient":"{patient}"}}"#)
}

#[test]
fn a_source_id_becomes_the_id_of_what_the_record_has_become() {
    let mut world = world();
    person(&mut world, "A:1", 7);
    visits(&mut world, &["A:1", "B:1"]);
    apply(&mut world);
    assert_eq!(found(&world), [of(1, "PAT-7")]);
    assert_eq!(codes(&world), ["lookup.waiting"]);
    person(&mut world, "B:1", 8);
    apply(&mut world);
    assert_eq!(found(&world), [of(1, "PAT-7"), of(2, "PAT-8")]);
}

#[test]
fn a_new_id_of_the_record_reaches_those_that_refer_to_it() {
    let mut world = world();
    person(&mut world, "A:1", 7);
    visits(&mut world, &["A:1"]);
    apply(&mut world);
    person(&mut world, "A:1", 9);
    apply(&mut world);
    assert_eq!(found(&world), [of(1, "PAT-9")]);
    world.delete("raw", "A:1");
    apply(&mut world);
    assert_eq!(codes(&world), ["lookup.waiting"]);
}

#[test]
fn a_rollback_of_the_stage_that_fills_the_database_makes_its_users_wait() {
    let mut world = world();
    person(&mut world, "A:1", 7);
    visits(&mut world, &["A:1"]);
    apply(&mut world);
    world.roll_back(RollbackScope::Stage(1));
    assert!(world.rows("people").is_empty());
    apply(&mut world);
    assert_eq!(found(&world), [of(1, "PAT-7")]);
    world.roll_back(RollbackScope::All);
    assert!(found(&world).is_empty());
    apply(&mut world);
    assert_eq!(found(&world), [of(1, "PAT-7")]);
}

#[test]
fn what_a_stage_left_unchanged_disturbs_nobody() {
    let mut world = world();
    world.load("raw", &[r#"{"id":"A:1","number":"7","name":"Ada"}"#]);
    visits(&mut world, &["A:1"]);
    apply(&mut world);
    world.load("raw", &[r#"{"id":"A:1","number":"7","name":"Adele"}"#]);
    let report = world.apply();
    let stages: Vec<u32> = report.passes.iter().map(|pass| pass.stage).collect();
    assert_eq!(stages, [1], "the name has changed, and only the id was used");
}

#[test]
fn a_row_that_is_kept_for_the_person_who_changed_it_is_nothing_that_a_deleted_record_has_become() {
    let mut world = world();
    person(&mut world, "A:1", 7);
    visits(&mut world, &["A:1"]);
    apply(&mut world);
    world.put("people", "PAT-7", r#"{"id":"A:1","number":"7","name":"Ada"}"#);
    apply(&mut world);
    world.delete("raw", "A:1");
    apply(&mut world);
    assert_eq!(world.rows("people").len(), 1);
    assert_eq!(codes(&world), ["lookup.waiting"]);
}

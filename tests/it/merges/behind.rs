//! A source that is changed outside the ledger while a merge is interrupted: the merge does not go on over what it has not
//! judged.

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::StopSignal;
use counterfoil::rollback::RollbackScope;
use counterfoil::verify::{VerifyOptions, verify};

use crate::support::people::{FILES, PROJECT, Town};
use crate::support::world::{StopAfter, World};

/// A register whose first merge was interrupted after three batches.
fn interrupted() -> World {
    let registrations = Town::new(80, 60).registrations(100);
    let lines: Vec<String> = registrations.into_iter().map(|one| one.line).collect();
    let mut world = World::in_batches_of(20, PROJECT, &FILES);
    world.load("register", &lines);
    let stop = StopSignal::default();
    let options = ApplyOptions::default().stop(stop.clone());
    let stages = &world.stages;
    let report = counterfoil::apply::apply(&mut world.store, stages, &options, &mut StopAfter(3, stop));
    assert!(report.expect("an apply").stopped.is_some());
    world
}

fn goes_on_over(change: &str) {
    let mut world = interrupted();
    world.behind(change);
    let error = world
        .try_apply(&ApplyOptions::default())
        .expect_err("the source is another one");
    assert!(
        error.to_string().contains("changed outside the ledger"),
        "{change}: {error}"
    );
    world.roll_back(RollbackScope::All);
    assert_eq!(world.rows("people"), []);
}

#[test]
fn a_value_that_is_compared() {
    goes_on_over("UPDATE register SET data=json_set(data,'$.dob','1901-01-01') WHERE record=90");
}

#[test]
fn a_record_that_is_gone() {
    goes_on_over("DELETE FROM register WHERE record=90");
}

#[test]
fn a_record_that_the_ledger_does_not_know_is_not_merged_and_verify_finds_it() {
    let mut world = interrupted();
    world.behind(
        "INSERT INTO register(record,id,data)
         SELECT 1000000, 'forged', json_set(data,'$.id','forged') FROM register WHERE record=90",
    );
    let report = world.apply();
    assert_eq!(report.passes[0].counts.read, 100);
    assert!(
        world
            .rows("people")
            .iter()
            .all(|row| !row.data.contains("forged"))
    );
    let verified = verify(&world.store, &VerifyOptions::default()).expect("a verification");
    assert!(!verified.is_sound());
}

#[test]
fn an_interrupted_merge_goes_on_over_what_it_has_judged() {
    let mut world = interrupted();
    let report = world.apply();
    assert!(report.passes[0].resumed && report.passes[0].ended);
    world.is_sound();
}

//! A merge that learns its model anew: what then stands is what a merge of everything at once makes.

use std::collections::BTreeSet;

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, PlannedPass, plan};
use counterfoil::rollback::RollbackScope;

use super::seen::Seen;
use crate::support::people::{FILES, PROJECT, Town};
use crate::support::world::{StopAfter, World};

fn relearning() -> ApplyOptions {
    ApplyOptions::default().relearn(true)
}

/// A register that was merged when a sixth of it was there, and again with the rest; and the register.
fn grown(seed: u64) -> (World, Vec<String>) {
    let mut town = Town::new(seed, 400);
    let registrations = town.registrations(600);
    let lines: Vec<String> = registrations.into_iter().map(|one| one.line).collect();
    let mut world = World::in_batches_of(50, PROJECT, &FILES);
    for some in [&lines[..100], &lines[100..]] {
        world.load("register", some);
        world.apply();
    }
    (world, lines)
}

fn at_once(lines: &[String]) -> Seen {
    let mut world = World::new(PROJECT, &FILES);
    world.load("register", lines);
    world.apply();
    Seen::of_world(&world)
}

#[test]
fn relearning_comes_to_what_a_merge_at_once_does_and_is_taken_back() {
    let (mut world, lines) = grown(70);
    let before = Seen::of_world(&world);
    let expected = at_once(&lines);
    assert_ne!(
        before.clusters(),
        expected.clusters(),
        "there is nothing to relearn"
    );
    let options = PlanOptions::default().apply(relearning());
    let planned = plan(&world.store, &world.stages, &options, &mut Silent).expect("a plan");
    assert_eq!(planned.stages[0].passes[0].kind, PlannedPass::Relearned);
    let report = world.apply_with(&relearning());
    assert_eq!(report.passes.len(), 1);
    assert_eq!(planned.stages[0].counts, report.passes[0].counts);
    let after = Seen::of_world(&world);
    assert_eq!(after.data(), expected.data());
    // Golden records whose members stay keep their ids.
    let clusters: BTreeSet<_> = after.clusters();
    for (number, golden) in &before.people {
        if clusters.contains(&golden.members) {
            assert_eq!(after.people.get(number), Some(golden));
        }
    }
    world.is_sound();
    let again = world.apply_with(&relearning());
    let counts = again.passes[0].counts;
    assert_eq!((counts.read, counts.unchanged), (600, 600));
    assert_eq!(Seen::of_world(&world), after);
    for run in [again.run, report.run] {
        world.roll_back(RollbackScope::Run(run.expect("a run")));
    }
    assert_eq!(Seen::of_world(&world), before);
    world.is_sound();
    assert!(
        world.apply().passes.is_empty(),
        "a pass that relearned and was rolled back leaves nothing to do"
    );
}

#[test]
fn an_increment_goes_by_the_newest_model() {
    let (mut world, lines) = grown(71);
    world.apply_with(&relearning());
    let mut other = World::new(PROJECT, &FILES);
    other.load("register", &lines);
    other.apply();
    let new = Town::new(72, 400).registrations(40);
    let new: Vec<String> = new.into_iter().map(|one| one.line).collect();
    for world in [&mut world, &mut other] {
        world.load("register", &new);
        world.apply();
    }
    assert_eq!(Seen::of_world(&world).data(), Seen::of_world(&other).data());
}

#[test]
fn a_pass_that_relearns_is_continued_by_an_apply_without_the_option() {
    let (mut world, lines) = grown(73);
    let stop = StopSignal::default();
    let options = relearning().stop(stop.clone());
    let stages = &world.stages;
    let report = counterfoil::apply::apply(&mut world.store, stages, &options, &mut StopAfter(3, stop));
    assert!(report.expect("an apply").stopped.is_some());
    world.is_sound();
    let report = world.apply();
    assert!(report.passes[0].resumed && report.passes[0].ended, "{report:#?}");
    assert_eq!(Seen::of_world(&world).data(), at_once(&lines).data());
    world.is_sound();
}

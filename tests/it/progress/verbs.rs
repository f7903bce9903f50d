use std::io::Cursor;

use counterfoil::ledger::PassKind;
use counterfoil::load::{LoadOptions, load, load_file};
use counterfoil::observe::ProgressPhase;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};

use counterfoil::record::PassId;

use super::{AMOUNTS, Timed, a_second_each, records, seconds, world};
use crate::support::world::World;

const SECOND: &str = "[stage]\nsource = 'b'\ntarget = 'c'\n";

#[test]
fn a_load_from_a_stream_knows_its_total_when_it_ends() {
    let mut world = World::new("progress", &[]);
    let options = LoadOptions::default().batch_size(5);
    let text = records(20, &[]).join("\n") + "\nnot a record\n";
    let mut timed = Timed::new(a_second_each);
    load(
        &mut world.store,
        "a",
        "a.ndjson",
        text.as_bytes(),
        &options,
        &mut timed,
    )
    .expect("a load");

    let half = &timed.seen[2];
    assert_eq!((half.phase, half.processed), (ProgressPhase::Records, 10));
    assert_eq!((half.total, half.percent, half.time_left), (None, None, None));
    assert_eq!(half.overall_records_per_second, Some(5));
    assert_eq!(
        (half.kind, half.source.as_deref()),
        (Some(PassKind::Load), Some("a.ndjson"))
    );
    let last = timed.last();
    assert_eq!(
        (last.processed, last.total, last.percent, last.failed),
        (21, Some(21), Some(100), 1)
    );
}

#[test]
fn a_load_whose_bytes_are_counted_estimates_its_total() {
    let mut world = World::new("progress", &[]);
    let text = records(20_000, &[]).join("\n");
    let length = text.len() as u64;
    let mut timed = Timed::new(a_second_each);
    let input = timed.progress.counting(Cursor::new(text.into_bytes()), length);
    let options = LoadOptions::default().batch_size(1_000);
    load_file(&mut world.store, "a", "a.ndjson", input, &options, &mut timed).expect("a load");

    // How far the reader is ahead of the batches is chance; all records are of one length but for the digits of few.
    let batches = timed.seen.iter().filter(|now| now.total_is_estimated);
    let mut estimates = 0;
    for now in batches {
        let total = now.total.expect("an estimate");
        assert!(total >= now.processed && total <= 20_100, "{now:?}");
        assert!(now.time_left.is_some() && now.percent.is_some(), "{now:?}");
        estimates += 1;
    }
    assert!(estimates >= 19, "{estimates}");
    let last = timed.last();
    assert_eq!(
        (last.total, last.total_is_estimated, last.percent),
        (Some(20_000), false, Some(100))
    );
}

#[test]
fn a_rollback_counts_down_what_it_takes_back() {
    let mut world = world(20, &[3]);
    world.apply();
    let options = RollbackOptions::default().scope(RollbackScope::All).batch_size(5);
    let mut timed = Timed::new(a_second_each);
    rollback(&mut world.store, "progress", &options, &mut timed).expect("a rollback");

    let begun = &timed.seen[0];
    assert_eq!(
        (begun.kind, begun.total, begun.percent),
        (Some(PassKind::Rollback), Some(20), Some(0))
    );
    let batch = &timed.seen[1];
    assert_eq!(
        (batch.processed, batch.percent, batch.time_left),
        (5, Some(25), Some(seconds(3)))
    );
    let last = timed.last();
    assert_eq!(
        (last.phase, last.percent, last.elapsed),
        (ProgressPhase::Ended, Some(100), seconds(4))
    );
}

#[test]
fn a_plan_has_the_figures_of_each_stage() {
    let files = [("0001_amounts.toml", AMOUNTS), ("0002_copy.toml", SECOND)];
    let mut world = World::in_batches_of(5, "progress", &files);
    world.load("a", &records(20, &[3, 4]));
    let mut timed = Timed::new(a_second_each);
    plan(&world.store, &world.stages, &PlanOptions::default(), &mut timed).expect("a plan");

    let ends = timed.seen.iter().filter(|now| now.phase == ProgressPhase::Ended);
    let ends: Vec<_> = ends
        .map(|now| {
            (
                now.stage.as_ref().expect("a stage").number,
                now.processed,
                now.failed,
            )
        })
        .collect();
    assert_eq!(ends, [(1, 20, 2), (2, 18, 0)]);
    assert_eq!((timed.last().passes_ended, timed.last().elapsed), (2, seconds(4)));
}

#[test]
fn every_pass_of_a_run_keeps_its_figures() {
    let files = [("0001_amounts.toml", AMOUNTS), ("0002_copy.toml", SECOND)];
    let mut world = World::new("progress", &files);
    world.load("a", &records(20, &[3, 4]));
    let mut timed = Timed::new(a_second_each);
    let report = timed.apply(&mut world);
    let passes = report
        .passes
        .iter()
        .map(|pass| timed.progress.pass(pass.pass).expect("a pass"));
    let figures: Vec<_> = passes
        .map(|pass| (pass.processed, pass.failed, pass.elapsed))
        .collect();
    assert_eq!(figures, [(20, 2, seconds(4)), (18, 0, seconds(4))]);
    assert_eq!(timed.progress.pass(PassId::new(1_000)), None);
}

use std::time::Duration;

use counterfoil::ledger::PassKind;
use counterfoil::observe::{Event, Progress, ProgressPhase, ProgressSnapshot};

use super::{Timed, a_second_each, seconds, world};

#[test]
fn before_the_first_pass_there_is_nothing_to_report() {
    let now = Progress::new().snapshot();
    assert_eq!(now, ProgressSnapshot::default());
    assert_eq!((now.phase, now.percent), (ProgressPhase::Waiting, None));
}

#[test]
fn every_batch_brings_its_share_of_the_total_and_the_time_that_is_left() {
    let mut world = world(20, &[3, 12]);
    let mut timed = Timed::new(|event| match event {
        Event::IndexBegins { .. } => seconds(2),
        Event::PassEnded { .. } => seconds(1),
        event => a_second_each(event),
    });
    timed.apply(&mut world);

    let figures = timed.seen.iter().map(|now| {
        let left = now.time_left.map(|left| left.as_secs());
        (
            now.phase,
            now.processed,
            now.percent.expect("a total"),
            now.failed,
            now.elapsed.as_secs(),
            left,
        )
    });
    let figures = figures.collect::<Vec<_>>();
    let expected = [
        (ProgressPhase::Records, 0, 0, 0, 0, None),
        (ProgressPhase::Records, 5, 25, 1, 1, Some(3)),
        (ProgressPhase::Records, 10, 50, 1, 2, Some(2)),
        (ProgressPhase::Records, 15, 75, 2, 3, Some(1)),
        (ProgressPhase::Records, 20, 100, 2, 4, Some(0)),
        (ProgressPhase::Index, 20, 100, 2, 6, None),
        (ProgressPhase::Ended, 20, 100, 2, 7, None),
    ];
    assert_eq!(figures, expected);

    let last = timed.last();
    assert_eq!((last.total, last.total_is_estimated), (Some(20), false));
    assert_eq!(last.overall_records_per_second, Some(5), "the index aside");
    assert_eq!((last.kind, last.passes_ended), (Some(PassKind::Apply), 1));
    assert_eq!(last.stage, Some(counterfoil::name::StageName::new(1, "amounts")));
    assert_eq!(
        (last.source.as_deref(), last.target.as_deref()),
        (Some("a"), Some("b"))
    );
}

#[test]
fn an_ended_pass_takes_no_more_time() {
    let mut world = world(5, &[]);
    let mut timed = Timed::new(a_second_each);
    timed.apply(&mut world);
    timed.clock.forward(seconds(100));
    assert_eq!(&timed.progress.snapshot(), timed.last());
    assert_eq!(timed.last().elapsed, seconds(1));
}

#[test]
fn a_resumed_pass_counts_what_earlier_runs_did_but_not_their_time() {
    let mut world = world(20, &[3]);
    let mut first = Timed::new(|_| seconds(60)).stopping_at(10);
    assert!(first.apply(&mut world).stopped.is_some());
    assert_eq!(
        (first.last().processed, first.last().phase),
        (10, ProgressPhase::Records)
    );

    let mut second = Timed::new(a_second_each);
    assert!(second.apply(&mut world).stopped.is_none());
    let begun = &second.seen[0];
    assert_eq!((begun.processed, begun.percent, begun.failed), (10, Some(50), 1));
    assert_eq!(
        (begun.elapsed, begun.overall_records_per_second),
        (Duration::ZERO, None)
    );
    let batch = &second.seen[1];
    assert_eq!((batch.processed, batch.elapsed), (15, seconds(1)));
    assert_eq!(
        batch.overall_records_per_second,
        Some(5),
        "only what this run did"
    );
    assert_eq!(second.last().failed, 1);
}

#[test]
fn the_time_between_two_calls_is_not_the_pass_s() {
    let mut world = world(20, &[]);
    let mut timed = Timed::new(a_second_each).stopping_at(10);
    timed.apply(&mut world);
    timed.clock.forward(seconds(3600));
    timed.stop = (u64::MAX, Default::default());
    timed.apply(&mut world);
    let last = timed.last();
    assert_eq!((last.processed, last.elapsed), (20, seconds(4)));
    assert_eq!(last.overall_records_per_second, Some(5));
}

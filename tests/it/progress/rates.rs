use std::time::Duration;

use counterfoil::observe::Event;

use super::{Timed, a_second_each, seconds, world};

#[test]
fn the_recent_rate_forgets_what_is_longer_ago_than_ten_seconds() {
    let mut world = world(60, &[]);
    let mut batches = 0;
    let mut timed = Timed::new(move |event| match event {
        Event::BatchCommitted { .. } => {
            batches += 1;
            if batches <= 3 { seconds(10) } else { seconds(1) }
        }
        _ => Duration::ZERO,
    });
    timed.apply(&mut world);

    // Three slow batches end after 10, 20 and 30 seconds; five fast ones follow.
    let now = &timed.seen[8];
    assert_eq!((now.processed, now.elapsed), (40, seconds(35)));
    assert_eq!(now.recent_records_per_second, Some(2), "30 records since 20 s");
    assert_eq!(now.overall_records_per_second, Some(1), "40 records in 35 s");
    assert_eq!(now.time_left, Some(seconds(10)), "20 records, 15 s for each 30");
    let slow = &timed.seen[3];
    assert_eq!(
        slow.recent_records_per_second,
        Some(0),
        "half a record, rounded down"
    );
    assert_eq!(slow.time_left, Some(seconds(90)), "what is left is not rounded");
}

#[test]
fn a_rate_falls_while_nothing_comes() {
    let mut world = world(20, &[]);
    let mut timed = Timed::new(a_second_each).stopping_at(10);
    timed.apply(&mut world);
    assert_eq!(timed.last().recent_records_per_second, Some(5));
    timed.clock.forward(seconds(3));
    let now = timed.progress.snapshot();
    assert_eq!(
        (now.recent_records_per_second, now.overall_records_per_second),
        (Some(2), Some(2))
    );
    assert_eq!((now.elapsed, now.time_left), (seconds(5), Some(seconds(5))));
}

#[test]
fn what_took_no_time_has_no_rate() {
    let mut world = world(20, &[]);
    let mut timed = Timed::new(|_| Duration::ZERO);
    timed.apply(&mut world);
    let last = timed.last();
    assert_eq!(
        (last.recent_records_per_second, last.overall_records_per_second),
        (None, None)
    );
    assert_eq!(timed.seen[1].time_left, None);
}

#[test]
fn a_clock_that_is_set_back_breaks_nothing() {
    let mut world = world(20, &[]);
    let mut timed = Timed::new(|_| Duration::ZERO);
    timed.clock.forward(seconds(50));
    let clock = std::sync::Arc::clone(&timed.clock);
    timed.takes = Box::new(move |_| {
        clock.0.fetch_sub(1_000_000, std::sync::atomic::Ordering::SeqCst);
        Duration::ZERO
    });
    timed.apply(&mut world);
    let last = timed.last();
    assert_eq!(
        (last.processed, last.elapsed, last.overall_records_per_second),
        (20, Duration::ZERO, None)
    );
}

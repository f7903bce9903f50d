use std::sync::Mutex;
use std::time::Duration;

use super::{Timed, a_second_each, seconds, world};

/// What a callback sees of 50 records in batches that take a second each.
fn called(interval: Duration) -> Vec<u64> {
    let calls = Mutex::new(Vec::new());
    let mut world = world(50, &[]);
    let mut timed = Timed::with(a_second_each, |progress| {
        progress.on_update(interval, |now| calls.lock().expect("a list").push(now.processed))
    });
    timed.apply(&mut world);
    drop(timed);
    calls.into_inner().expect("a list")
}

#[test]
fn a_callback_is_called_at_most_once_in_an_interval() {
    assert_eq!(called(seconds(3)), [15, 30, 45]);
    assert_eq!(
        called(Duration::from_millis(2_500)),
        [15, 30, 45],
        "when the next batch ends"
    );
    assert_eq!(called(seconds(60)), [0; 0], "what is over before is no news");
}

#[test]
fn without_an_interval_it_is_called_at_every_event() {
    let calls = called(Duration::ZERO);
    assert_eq!(
        calls,
        [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 50, 50],
        "the index and the end too"
    );
}

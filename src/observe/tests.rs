//! A rollback may return to a pass after it has switched to another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{Event, Observer, Progress, ProgressSnapshot};
use crate::environment::Clock;
use crate::ledger::{Counts, PassKind};
use crate::record::{BatchId, PassId};

#[derive(Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn begins(pass: i64, done: u64) -> Event {
    Event::PassBegins {
        pass: PassId::new(pass),
        kind: PassKind::Rollback,
        stage: None,
        source: None,
        target: Some("a".to_owned()),
        total: Some(10),
        done,
        refused: 0,
    }
}

fn batch(pass: i64) -> Event {
    Event::BatchCommitted {
        pass: PassId::new(pass),
        batch: BatchId::new(1),
        counts: Counts {
            read: 2,
            ..Counts::default()
        },
    }
}

/// Returns the figures of a pass when these events arrive at intervals of one second.
fn told(events: &[Event], pass: i64) -> ProgressSnapshot {
    let clock = Arc::new(HandClock::default());
    let mut progress = Progress::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    for event in events {
        clock.0.fetch_add(1_000_000, Ordering::SeqCst);
        progress.observe(event);
    }
    progress.pass(PassId::new(pass)).expect("a pass")
}

#[test]
fn a_pass_that_is_set_aside_counts_its_own_turns() {
    let turns = [
        begins(7, 0),
        batch(7),
        begins(6, 0),
        batch(6),
        batch(6),
        begins(7, 2),
        batch(7),
        batch(7),
    ];
    let aside = told(&turns[..5], 7);
    assert_eq!((aside.processed, aside.elapsed), (2, Duration::from_secs(1)));
    let again = told(&turns, 7);
    assert_eq!((again.processed, again.percent), (6, Some(60)));
    assert_eq!(again.elapsed, Duration::from_secs(3));
    assert_eq!(again.overall_records_per_second, Some(2));
    assert_eq!(again.time_left, Some(Duration::from_secs(2)));
    assert_eq!(told(&turns, 6).elapsed, Duration::from_secs(2));
}

#[test]
fn another_pass_under_the_same_number_begins_anew() {
    // A plan gives its passes no numbers.
    let passes = [begins(0, 0), batch(0), begins(0, 0), batch(0)];
    let second = told(&passes, 0);
    assert_eq!((second.processed, second.elapsed), (2, Duration::from_secs(1)));
}

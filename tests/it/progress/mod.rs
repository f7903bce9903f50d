//! `Progress` gives the figures of every verb that has an observer, by a clock that the tests move.

mod figures;
mod rates;
mod updates;
mod verbs;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::environment::Clock;
use counterfoil::observe::{Event, Observer, Progress, ProgressSnapshot, StopSignal};

use crate::support::world::World;

/// Refuses a record whose amount is no number.
const AMOUNTS: &str = r#"
[stage]
source = "a"
target = "b"
max_errors = 100
rounding = "half-even"

[[op]]
op = "decimal"
path = "amount"
places = 2
emit = "string"
"#;

/// A clock that stands still until a test moves it.
#[derive(Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn forward(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).expect("a short time");
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Lets each event of a verb come a time after the last, and keeps the figures after each.
struct Timed<'c> {
    clock: Arc<HandClock>,
    progress: Progress<'c>,
    /// How long what an event ends has taken.
    takes: Box<dyn FnMut(&Event) -> Duration + 'c>,
    seen: Vec<ProgressSnapshot>,
    /// Asks to stop when so many records are processed.
    stop: (u64, StopSignal),
}

impl<'c> Timed<'c> {
    fn new(takes: impl FnMut(&Event) -> Duration + 'c) -> Self {
        Self::with(takes, |progress| progress)
    }

    fn with(
        takes: impl FnMut(&Event) -> Duration + 'c,
        set_up: impl FnOnce(Progress<'c>) -> Progress<'c>,
    ) -> Self {
        let clock = Arc::new(HandClock::default());
        Self {
            progress: set_up(Progress::with_clock(Arc::clone(&clock) as Arc<dyn Clock>)),
            clock,
            takes: Box::new(takes),
            seen: Vec::new(),
            stop: (u64::MAX, StopSignal::default()),
        }
    }

    fn stopping_at(mut self, processed: u64) -> Self {
        self.stop.0 = processed;
        self
    }

    /// Applies the stages in batches of five.
    fn apply(&mut self, world: &mut World) -> ApplyReport {
        let options = ApplyOptions::default().batch_size(5).stop(self.stop.1.clone());
        apply(&mut world.store, &world.stages, &options, self).expect("an apply")
    }

    fn last(&self) -> &ProgressSnapshot {
        self.seen.last().expect("an event")
    }
}

impl Observer for Timed<'_> {
    fn observe(&mut self, event: &Event) {
        self.clock.forward((self.takes)(event));
        self.progress.observe(event);
        self.seen.push(self.progress.snapshot());
        if self.progress.snapshot().processed >= self.stop.0 {
            self.stop.1.ask();
        }
    }
}

/// A second for each batch; nothing else takes any time.
fn a_second_each(event: &Event) -> Duration {
    match event {
        Event::BatchCommitted { .. } | Event::BatchPlanned { .. } => seconds(1),
        _ => Duration::ZERO,
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Records with amounts; those with these numbers have none that is a number.
fn records(count: u32, bad: &[u32]) -> Vec<String> {
    let amount = |number| if bad.contains(&number) { "none" } else { "1.5" };
    let record = |number| format!(r#"{{"id":"r{number:03}","amount":"{}"}}"#, amount(number));
    (1..=count).map(record).collect()
}

/// A store with so many records to apply.
fn world(count: u32, bad: &[u32]) -> World {
    let mut world = World::new("progress", &[("0001_amounts.toml", AMOUNTS)]);
    world.load("a", &records(count, bad));
    world
}

//! What a verb did, read off its events.

use std::collections::BTreeMap;

use counterfoil::ledger::Counts;
use counterfoil::observe::{Event, Observer, StopSignal};

/// Keeps what a verb did, and asks it to stop after so many batches.
#[derive(Default)]
pub(super) struct Watching {
    pub(super) events: Vec<Event>,
    pub(super) stop: StopSignal,
    pub(super) after: Option<usize>,
}

impl Observer for Watching {
    fn observe(&mut self, event: &Event) {
        self.events.push(event.clone());
        let batches = self
            .events
            .iter()
            .filter(|event| matches!(event, Event::BatchCommitted { .. }));
        if self.after.is_some_and(|after| batches.count() >= after) {
            self.stop.ask();
        }
    }
}

/// What the batches of an apply came to, stage by stage.
pub(super) fn done(events: &[Event]) -> BTreeMap<u32, Counts> {
    let (mut stage_of, mut done) = (BTreeMap::new(), BTreeMap::<u32, Counts>::new());
    for event in events {
        match event {
            Event::PassBegins {
                pass,
                stage: Some(stage),
                ..
            } => {
                stage_of.insert(*pass, stage.number);
            }
            Event::BatchCommitted { pass, counts, .. } if counts.read > 0 => {
                add(done.entry(stage_of[pass]).or_default(), counts);
            }
            _ => {}
        }
    }
    done
}

/// Adds counts to others.
pub(super) fn add(sum: &mut Counts, counts: &Counts) {
    sum.read += counts.read;
    sum.written += counts.written;
    sum.unchanged += counts.unchanged;
    sum.filtered += counts.filtered;
    sum.refused += counts.refused;
    sum.merged += counts.merged;
}

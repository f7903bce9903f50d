//! Loads have a beginning and an end: a file is known by its bytes, a cut load stands open until it is finished or given
//! up, and a refused line leaves quarantine when it passes.

#[cfg(all(unix, feature = "cli"))]
mod kills;
mod known;
mod lines;
#[cfg(all(unix, feature = "cli"))]
mod unfinished;

use std::ops::{Deref, DerefMut};

use counterfoil::Error;
use counterfoil::ledger::Counts;
use counterfoil::load::{LoadOptions, LoadReport, load};
use counterfoil::observe::{Silent, StopSignal};

use crate::support::invariants::assert_sound;
use crate::support::world::{StopAfter, World};

/// A world without stages, to load into.
struct Loads(World);

impl Deref for Loads {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Loads {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

impl Loads {
    fn new() -> Self {
        Self(World::in_batches_of(2, "none", &[]))
    }

    fn file_with(&mut self, name: &str, text: &str, options: &LoadOptions) -> LoadReport {
        self.load_file("a", name, text, options, &mut Silent)
    }

    fn file(&mut self, name: &str, text: &str) -> LoadReport {
        self.file_with(name, text, &LoadOptions::default())
    }

    fn replacing(&mut self, name: &str, text: &str) -> LoadReport {
        let options = LoadOptions::default().replace(true);
        self.file_with(name, text, &options)
    }

    fn stream(&mut self, name: &str, text: &str) -> Result<LoadReport, Error> {
        let options = LoadOptions::default();
        load(&mut self.store, "a", name, text.as_bytes(), &options, &mut Silent)
    }

    /// A load that is stopped after so many batches.
    fn cut(&mut self, name: &str, text: &str, batches: usize) -> LoadReport {
        let stop = StopSignal::default();
        let options = LoadOptions::default().stop(stop.clone());
        let report = self.load_file("a", name, text, &options, &mut StopAfter(batches, stop));
        assert!(report.stopped.is_some(), "{name} was not cut");
        report
    }

    fn number(&self, sql: &str) -> i64 {
        self.asked(sql)
    }

    fn text(&self, sql: &str) -> String {
        self.asked::<Option<String>>(sql).unwrap_or_default()
    }

    fn batches(&self) -> i64 {
        self.number("SELECT max(batch) FROM ledger_batch")
    }

    fn data(&self, id: &str) -> String {
        self.text(&format!("SELECT data FROM a WHERE id='{id}'"))
    }

    /// Line and id of what stands in quarantine.
    fn standing(&self) -> Vec<(u64, Option<String>)> {
        let found = self.quarantine().into_iter();
        let mut standing: Vec<_> = found
            .map(|refused| (refused.reason.line.expect("a line"), refused.id))
            .collect();
        standing.sort();
        standing
    }

    fn is_verified(&self) {
        self.0.is_sound();
    }

    fn is_sound(&self) {
        self.is_verified();
        assert_sound(&self.path(), 0, "loads");
    }
}

/// Records `from` to `to`, one on each line.
fn records(prefix: &str, from: u32, to: u32) -> String {
    (from..=to)
        .map(|number| format!("{{\"id\":\"{prefix}{number}\",\"v\":\"{prefix}\"}}\n"))
        .collect()
}

fn counts(read: u64, written: u64, unchanged: u64) -> Counts {
    let mut counts = Counts::default();
    (counts.read, counts.written, counts.unchanged) = (read, written, unchanged);
    counts
}

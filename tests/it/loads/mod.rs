//! Loads have a beginning and an end: a file is known by its bytes, a cut load stands open until it is finished or given
//! up, and a refused line leaves quarantine when it passes.

#[cfg(all(unix, feature = "cli"))]
mod kills;
mod known;
mod lines;
#[cfg(all(unix, feature = "cli"))]
mod unfinished;

use std::io::Cursor;

use counterfoil::Error;
use counterfoil::ledger::Counts;
use counterfoil::load::{LoadOptions, LoadReport, load, load_file};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::quarantine::{Quarantined, Selected, quarantined};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use rusqlite::Connection;

/// A store to load into.
struct Loads {
    folder: tempfile::TempDir,
    store: Store,
}

/// Asks to stop once so many batches are committed.
struct StopAfter(usize, StopSignal);

impl Observer for StopAfter {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::BatchCommitted { .. }) {
            self.0 -= 1;
            if self.0 == 0 {
                self.1.ask();
            }
        }
    }
}

impl Loads {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let options = StoreOptions {
            batch_size: 2,
            ..StoreOptions::default()
        };
        let store = Store::open_or_create(path, options, Surroundings::default()).expect("a store");
        Self { folder, store }
    }

    fn file_with(&mut self, name: &str, text: &str, options: &LoadOptions) -> LoadReport {
        let file = Cursor::new(text.as_bytes().to_vec());
        load_file(&mut self.store, "a", name, file, options, &mut Silent).expect("a load")
    }

    fn file(&mut self, name: &str, text: &str) -> LoadReport {
        self.file_with(name, text, &LoadOptions::default())
    }

    fn replacing(&mut self, name: &str, text: &str) -> LoadReport {
        let options = LoadOptions {
            replace: true,
            ..LoadOptions::default()
        };
        self.file_with(name, text, &options)
    }

    fn stream(&mut self, name: &str, text: &str) -> Result<LoadReport, Error> {
        let options = LoadOptions::default();
        load(&mut self.store, "a", name, text.as_bytes(), &options, &mut Silent)
    }

    /// A load that is stopped after so many batches.
    fn cut(&mut self, name: &str, text: &str, batches: usize) -> LoadReport {
        let stop = StopSignal::default();
        let options = LoadOptions {
            stop: stop.clone(),
            ..LoadOptions::default()
        };
        let file = Cursor::new(text.as_bytes().to_vec());
        let mut observer = StopAfter(batches, stop);
        let report = load_file(&mut self.store, "a", name, file, &options, &mut observer).expect("a load");
        assert!(report.stopped.is_some(), "{name} was not cut");
        report
    }

    fn number(&self, sql: &str) -> i64 {
        let path = self.folder.path().join("store.db");
        let connection = Connection::open(path).expect("a store");
        connection.query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    fn text(&self, sql: &str) -> String {
        let path = self.folder.path().join("store.db");
        let connection = Connection::open(path).expect("a store");
        let found: Option<String> = connection.query_row(sql, [], |row| row.get(0)).expect("a row");
        found.unwrap_or_default()
    }

    fn batches(&self) -> i64 {
        self.number("SELECT max(batch) FROM ledger_batch")
    }

    fn data(&self, id: &str) -> String {
        self.text(&format!("SELECT data FROM a WHERE id='{id}'"))
    }

    fn quarantine(&self) -> Vec<Quarantined> {
        quarantined(&self.store, "none", &Selected::default(), usize::MAX).expect("a quarantine")
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
        let report = verify(&self.store, &VerifyOptions::default()).expect("a verification");
        assert!(report.is_sound(), "{:#?}", report.findings);
    }

    fn is_sound(&self) {
        self.is_verified();
        crate::support::invariants::assert_sound(&self.folder.path().join("store.db"), 0, "loads");
    }
}

/// Records `from` to `to`, one on each line.
fn records(prefix: &str, from: u32, to: u32) -> String {
    (from..=to)
        .map(|number| format!("{{\"id\":\"{prefix}{number}\",\"v\":\"{prefix}\"}}\n"))
        .collect()
}

fn counts(read: u64, written: u64, unchanged: u64) -> Counts {
    Counts {
        read,
        written,
        unchanged,
        ..Counts::default()
    }
}

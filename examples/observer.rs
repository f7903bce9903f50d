//! An observer of one's own: how a service shows progress and asks a run to stop, which the same call later continues.
//!
//! `cargo run --example observer`

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::environment::Environment;
use counterfoil::observe::{Event, Observer, StopSignal};
use counterfoil::problem::Problem;
use counterfoil::stage::{Lookup, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};

/// Prints what happens, and asks to stop after so many batches.
struct Patient {
    batches: u32,
    patience: u32,
    stop: StopSignal,
}

impl Observer for Patient {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::PassBegins { done, total, .. } => println!("begins at {done} of {}", total.unwrap_or(0)),
            Event::BatchCommitted { counts, .. } => {
                println!("{} records are safe", counts.written);
                self.batches += 1;
                if self.batches == self.patience {
                    self.stop.ask();
                }
            }
            Event::PassEnded { counts, .. } => println!("ended, {} written", counts.written),
            _ => {}
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("numbers.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let mut numbers = store.database("numbers_v1")?;
    for number in 1..=250 {
        numbers.insert(&format!("n{number:03}"), &format!(r#"{{"n":{number}}}"#))?;
    }
    let text = "[stage]\nsource = 'numbers_v1'\ntarget = 'numbers_v2'\n[[op]]\nop = 'rename'\nfrom = 'n'\nto = 'number'\n";
    let stage =
        Stage::parse("0001_name.toml", text, &Lookup::nothing()).map_err(|problems| lines(&problems))?;
    let stages = Stages::new("numbers", vec![stage]).map_err(|problems| lines(&problems))?;
    for patience in [2, u32::MAX] {
        let stop = StopSignal::default();
        let options = ApplyOptions {
            batch_size: Some(100),
            stop: stop.clone(),
            ..ApplyOptions::default()
        };
        let mut observer = Patient {
            batches: 0,
            patience,
            stop,
        };
        let report = apply(&mut store, &stages, &options, &mut observer)?;
        println!("stopped: {}", report.stopped.is_some());
    }
    Ok(())
}

//! The figures of a run while it goes, and how a service asks it to stop; the same call later continues it.
//!
//! `cargo run --example observer`

use counterfoil::observe::{Progress, StopSignal};
use counterfoil::stage::Lookup;
use counterfoil::{ApplyOptions, Environment, Stage, Stages, Store, StoreOptions, apply};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("numbers.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let mut numbers = store.database("numbers_v1")?;
    for number in 1..=250 {
        numbers.insert(&format!("n{number:03}"), &format!(r#"{{"n":{number}}}"#))?;
    }
    let text = "[stage]\nsource = 'numbers_v1'\ntarget = 'numbers_v2'\n[[op]]\nop = 'rename'\nfrom = 'n'\nto = 'number'\n";
    let stage = Stage::parse("0001_name.toml", text, &Lookup::nothing())?;
    let stages = Stages::new("numbers", vec![stage])?;
    for patience in [200, u64::MAX] {
        let stop = StopSignal::default();
        let options = ApplyOptions::default().batch_size(100).stop(stop.clone());
        let mut progress = Progress::new().on_update(Duration::ZERO, |now| {
            let (total, percent) = (now.total.unwrap_or_default(), now.percent.unwrap_or_default());
            println!("{:?}: {} of {total} ({percent}%)", now.phase, now.processed);
            if now.processed >= patience {
                stop.ask();
            }
        });
        let report = apply(&mut store, &stages, &options, &mut progress)?;
        println!("stopped: {}", report.stopped.is_some());
    }
    Ok(())
}

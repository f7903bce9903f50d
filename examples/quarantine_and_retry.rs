//! A refused record: found in quarantine, corrected at its source, tried again, and then no longer there.
//!
//! `cargo run --example quarantine_and_retry`

use counterfoil::quarantine::Selected;
use counterfoil::stage::{Lookup, MaxErrors};
use counterfoil::{ApplyOptions, Environment, Silent, Stage, Stages, Store, StoreOptions, apply, retry};

const STAGE: &str = r#"
[stage]
source = "prices_v1"
target = "prices_v2"
rounding = "half-even"

[[op]]
op = "decimal"
path = "price"
strip = "$,"
places = 2
refuse_as = "price.unreadable"
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("prices.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let mut prices = store.database("prices_v1")?;
    prices.insert("tea", r#"{"price":"$1,234.5"}"#)?;
    prices.insert("milk", r#"{"price":"12,5"}"#)?;

    let stage = Stage::parse("0001_prices.toml", STAGE, &Lookup::nothing())?;
    let stages = Stages::new("prices", vec![stage])?;
    let options = ApplyOptions::default().max_errors(MaxErrors::Count(10));
    let report = apply(&mut store, &stages, &options, &mut Silent)?;
    println!(
        "{} written, {} in quarantine",
        report.passes[0].counts.written, report.quarantined
    );

    let all = Selected::default();
    for refused in store.quarantine("prices", &all, 10)? {
        println!("{}: {}", refused.id.unwrap_or_default(), refused.reason);
    }

    store.database("prices_v1")?.put("milk", r#"{"price":"12.50"}"#)?;
    let retried = retry(&mut store, &stages, &all, &options, &mut Silent)?;
    println!(
        "{} written, {} in quarantine",
        retried.passes[0].counts.written, retried.quarantined
    );
    for id in ["tea", "milk"] {
        let record = store.get("prices_v2", id)?;
        println!("{id}: {}", record.map(|record| record.data).unwrap_or_default());
    }
    Ok(())
}

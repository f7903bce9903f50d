//! A refused record: found in quarantine, corrected at its source, tried again, and then no longer there.
//!
//! `cargo run --example quarantine_and_retry`

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::environment::Environment;
use counterfoil::observe::Silent;
use counterfoil::problem::Problem;
use counterfoil::quarantine::{Selected, quarantined, retry};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};

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

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("prices.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let mut prices = store.database("prices_v1")?;
    prices.insert("tea", r#"{"price":"$1,234.5"}"#)?;
    prices.insert("milk", r#"{"price":"12,5"}"#)?;

    let stage =
        Stage::parse("0001_prices.toml", STAGE, &Lookup::nothing()).map_err(|problems| lines(&problems))?;
    let stages = Stages::new("prices", vec![stage]).map_err(|problems| lines(&problems))?;
    let options = ApplyOptions {
        max_errors: Some(MaxErrors::Count(10)),
        ..ApplyOptions::default()
    };
    let report = apply(&mut store, &stages, &options, &mut Silent)?;
    println!(
        "{} written, {} in quarantine",
        report.passes[0].counts.written, report.quarantined
    );

    let all = Selected::default();
    for refused in quarantined(&store, "prices", &all, 10)? {
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

//! The library in ten lines: a record is loaded, a stage changes it, the ledger traces it, and everything is taken back.
//!
//! `cargo run --example quick_start`

use counterfoil::op::Set;
use counterfoil::{
    ApplyOptions, Environment, LoadOptions, RollbackOptions, Silent, Stage, Stages, Store, StoreOptions,
    Value, VerifyOptions, apply, load, rollback, verify,
};

// The README and the documentation of the crate show these lines as they stand; rustfmt would make thirty of them.
#[rustfmt::skip]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bank.db");
    // begin
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
    let input = r#"{"id":"tx-1","amount":6.00}"#.as_bytes();
    load(&mut store, "tx_v1", "sample", input, &LoadOptions::default(), &mut Silent)?;
    let currency = Stage::new(1, "currency").source("tx_v1").target("tx_v2");
    let stage = currency.op(Set::new("currency", Value::text("USD"))).build()?;
    let stages = Stages::new("bank", vec![stage])?;
    apply(&mut store, &stages, &ApplyOptions::default(), &mut Silent)?;
    for step in store.trace("tx_v2", "tx-1")? { println!("{} {}", step.kind, step.outcome); }
    rollback(&mut store, "bank", &RollbackOptions::default(), &mut Silent)?;
    assert!(verify(&store, &VerifyOptions::default())?.is_sound());
    // end
    Ok(())
}

//! The whole way: records loaded, carried through the stages of a project, one of them traced, and all taken back.
//!
//! `cargo run --example load_apply_trace`

use std::fs::File;
use std::path::Path;

use counterfoil::{
    ApplyOptions, Environment, LoadOptions, Project, RollbackOptions, RollbackScope, Silent, Store,
    StoreOptions, VerifyOptions, apply, load, rollback, verify,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/bank");
    let project = Project::open(&folder)?;
    let elsewhere = tempfile::tempdir()?;
    let path = elsewhere.path().join("bank.db");
    let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;

    let input = File::open(folder.join("records/legacy_transactions.ndjson"))?;
    let options = LoadOptions::default().id_field("tx_ref");
    let loaded = load(
        &mut store,
        "legacy_transactions",
        "sample",
        input,
        &options,
        &mut Silent,
    )?;
    println!("loaded {} transactions", loaded.counts.written);

    let applied = apply(
        &mut store,
        project.stages(),
        &ApplyOptions::default(),
        &mut Silent,
    )?;
    for pass in &applied.passes {
        let (written, refused) = (pass.counts.written, pass.counts.refused);
        println!("stage {}: {written} written, {refused} refused", pass.stage);
    }

    for step in store.trace("transactions", "T005")? {
        let by = step.stage.map_or(step.kind, |stage| format!("stage {stage}"));
        println!(
            "T005: {} by {by} to {}",
            step.outcome,
            step.database.unwrap_or_default()
        );
    }

    let everything = RollbackOptions::default().scope(RollbackScope::All);
    let undone = rollback(&mut store, project.name(), &everything, &mut Silent)?;
    let left = store.count("transactions")?;
    println!(
        "took back {} passes, {left} transactions are left",
        undone.undone.len()
    );
    let verified = verify(&store, &VerifyOptions::default())?;
    println!("the ledger is sound: {}", verified.is_sound());
    Ok(())
}

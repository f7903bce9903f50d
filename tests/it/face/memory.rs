use std::path::Path;

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::backup::{BackupOptions, backup};
use counterfoil::environment::Environment;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::plan::plan;
use counterfoil::quarantine::{Selected, retry};
use counterfoil::rehearse::rehearse;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};

use super::in_memory;

const STAGE: &str = "[stage]\nsource = 'prices_v1'\ntarget = 'prices_v2'\nrounding = 'half-even'\n\
     [[op]]\nop = 'decimal'\npath = 'price'\nplaces = 2\n";

fn stages() -> Stages {
    let stage = Stage::parse("0001_prices.toml", STAGE, &Lookup::nothing()).unwrap();
    Stages::new("prices", vec![stage]).unwrap()
}

fn lines(count: u32) -> String {
    let line = |number: u32| format!("{{\"id\":\"p{number}\",\"price\":\"{number}.5\"}}\n");
    (1..=count).map(line).collect()
}

fn sound(store: &Store) {
    let report = verify(store, &VerifyOptions::default()).unwrap();
    assert!(report.is_sound(), "{report:?}");
}

#[test]
fn a_store_in_memory_loads_applies_traces_rolls_back_and_verifies() {
    let mut store = in_memory();
    let input = lines(3_000) + "{\"id\":\"dear\",\"price\":\"a lot\"}\n";
    let options = LoadOptions::default().batch_size(250);
    load(
        &mut store,
        "prices_v1",
        "sample",
        input.as_bytes(),
        &options,
        &mut Silent,
    )
    .unwrap();
    let stages = stages();
    // Many batches: one is committed while the reading thread makes the next.
    let options = ApplyOptions::default()
        .batch_size(100)
        .max_errors(MaxErrors::Count(5));
    let applied = apply(&mut store, &stages, &options, &mut Silent).unwrap();
    assert_eq!(
        (applied.passes[0].counts.written, applied.quarantined),
        (3_000, 1)
    );
    let all = Selected::default();
    assert_eq!(store.quarantine("prices", &all, 10).unwrap().len(), 1);
    store
        .database("prices_v1")
        .unwrap()
        .put("dear", r#"{"id":"dear","price":"9.5"}"#)
        .unwrap();
    let retried = retry(&mut store, &stages, &all, &options, &mut Silent).unwrap();
    assert_eq!(retried.quarantined, 0);
    let written = store.get("prices_v2", "p7").unwrap().unwrap().data;
    assert_eq!(written, r#"{"id":"p7","price":"7.50"}"#);
    assert_eq!(store.trace("prices_v2", "p7").unwrap().len(), 2);
    sound(&store);

    let everything = RollbackOptions::default().scope(RollbackScope::All);
    rollback(&mut store, "prices", &everything, &mut Silent).unwrap();
    assert_eq!(store.count("prices_v2").unwrap(), 0);
    sound(&store);
}

#[test]
fn a_store_in_memory_is_planned_rehearsed_and_backed_up_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = in_memory();
    let input = lines(500);
    load(
        &mut store,
        "prices_v1",
        "sample",
        input.as_bytes(),
        &LoadOptions::default(),
        &mut Silent,
    )
    .unwrap();
    let stages = stages();
    plan(
        &store,
        &stages,
        &counterfoil::plan::PlanOptions::default(),
        &mut Silent,
    )
    .unwrap();
    assert_eq!(store.count("prices_v2").unwrap(), 0);
    let rehearsal = folder.path().join("rehearsal");
    std::fs::create_dir(&rehearsal).unwrap();
    let rehearsed = rehearse(&store, &stages, &rehearsal, &ApplyOptions::default(), &mut Silent).unwrap();
    assert!(rehearsed.is_sound());
    apply(&mut store, &stages, &ApplyOptions::default(), &mut Silent).unwrap();

    let copy = folder.path().join("backup");
    backup(&store, &copy, &BackupOptions::default()).unwrap();
    let copy = Store::open(
        copy.join("memory.db"),
        StoreOptions::default(),
        Environment::default(),
    )
    .unwrap();
    assert!(!copy.is_in_memory() && copy.count("prices_v2").unwrap() == 500);
    sound(&copy);
}

#[test]
fn stores_in_memory_know_nothing_of_each_other_and_leave_nothing() {
    let (mut one, other) = (in_memory(), in_memory());
    one.database("orders").unwrap().insert("1", "{}").unwrap();
    assert!(one.is_in_memory() && one.path() == Path::new(":memory:"));
    assert_eq!(
        (one.count("orders").unwrap(), other.count("orders").unwrap()),
        (1, 0)
    );
    drop(one);
    assert_eq!(in_memory().count("orders").unwrap(), 0);
    for name in [":memory:", ":memory:.lock", ":memory:.checkpoints"] {
        assert!(!Path::new(name).exists(), "{name}");
    }
    let read_only = StoreOptions::default().read_only(true);
    let error = Store::in_memory(read_only, Environment::default()).unwrap_err();
    assert_eq!(error.code(), "invalid");
}

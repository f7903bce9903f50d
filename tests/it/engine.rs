//! The main job through the library's face: load, apply, resume, increments, rollback, verify.

use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::rollback::{OnConflict, RollbackOptions, Scope, rollback};
use counterfoil::stage::{MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};

const COPY: &str = r#"
[stage]
source = "a"
target = "b"
rounding = "half-even"

[[op]]
op = "rename"
from = "amt"
to = "amount"

[[op]]
op = "decimal"
path = "amount"
places = 2
emit = "string"
"#;

const IN_PLACE: &str = r#"
[stage]
source = "b"

[[op]]
op = "add"
path = "checked"
value = false

[contract]
target = { properties = { amount = { pattern = '^-?\d{1,6}\.\d\d$' } } }
"#;

fn stages() -> Stages {
    let lookup = counterfoil::stage::Lookup::nothing();
    let stage = |name: &str, text: &str| Stage::parse(name, text, &lookup).unwrap();
    Stages::new(
        "demo",
        vec![stage("0001_copy.toml", COPY), stage("0002_check.toml", IN_PLACE)],
    )
    .unwrap()
}

fn open(folder: &tempfile::TempDir) -> Store {
    let path = folder.path().join("store.db");
    Store::open_or_create(path, StoreOptions::default(), Surroundings::default()).unwrap()
}

fn lines(range: std::ops::Range<u32>) -> String {
    range
        .map(|n| format!("{{\"id\":\"r{n}\",\"amt\":\"{n}.505\",\"keep\":6.00}}\n"))
        .collect()
}

fn fill(store: &mut Store, text: &str, replace: bool) {
    let options = LoadOptions {
        replace,
        ..LoadOptions::default()
    };
    let report = load(store, "a", "a.ndjson", text.as_bytes(), &options, &mut Silent).unwrap();
    assert_eq!(report.counts.refused, 0);
}

fn run(store: &mut Store, batch_size: usize) -> ApplyReport {
    let options = ApplyOptions {
        batch_size: Some(batch_size),
        max_errors: Some(MaxErrors::Count(1_000)),
        ..ApplyOptions::default()
    };
    apply(store, &stages(), &options, &mut Silent).unwrap()
}

fn sound(store: &Store) {
    let report = verify(store, &VerifyOptions::default()).unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
}

fn rows(store: &Store, database: &str) -> Vec<(i64, String, String)> {
    let found = store.records_after(database, 0, 1_000_000).unwrap();
    found
        .into_iter()
        .map(|record| (record.record, record.id, record.data))
        .collect()
}

#[test]
fn records_move_through_all_stages_and_come_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    fill(&mut store, &lines(0..250), false);
    let before = rows(&store, "a");
    let report = run(&mut store, 100);
    assert_eq!(
        report
            .passes
            .iter()
            .map(|pass| pass.counts.written)
            .collect::<Vec<_>>(),
        [250, 250]
    );
    assert_eq!(
        rows(&store, "b")[2].2,
        r#"{"id":"r2","amount":"2.50","keep":6.00,"checked":false}"#
    );
    sound(&store);
    assert!(run(&mut store, 100).passes.is_empty());
    let options = RollbackOptions {
        scope: Scope::All,
        batch_size: Some(70),
        ..RollbackOptions::default()
    };
    rollback(&mut store, "demo", &options, &mut Silent).unwrap();
    assert_eq!(rows(&store, "a"), before);
    assert!(rows(&store, "b").is_empty());
    sound(&store);
    let again = run(&mut store, 60);
    assert_eq!(
        again
            .passes
            .iter()
            .map(|pass| pass.counts.written)
            .collect::<Vec<_>>(),
        [250, 250]
    );
    sound(&store);
}

#[test]
fn corrections_and_additions_flow_through_all_stages_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    fill(&mut store, &lines(0..50), false);
    run(&mut store, 20);
    let corrected =
        "{\"id\":\"r7\",\"amt\":\"1000.505\",\"keep\":6.00}\n".to_owned() + lines(50..150).as_str();
    fill(&mut store, &corrected, true);
    let report = run(&mut store, 20);
    let read: Vec<u64> = report.passes.iter().map(|pass| pass.counts.read).collect();
    let written: Vec<u64> = report.passes.iter().map(|pass| pass.counts.written).collect();
    assert_eq!((read, written), (vec![101, 101], vec![101, 101]));
    assert_eq!(
        rows(&store, "b")[7].2,
        r#"{"id":"r7","amount":"1000.50","keep":6.00,"checked":false}"#
    );
    assert_eq!(rows(&store, "b").len(), 150);
    sound(&store);
    // The increment alone is undone, and the old version stands again.
    let run_number = report.run.unwrap();
    let options = RollbackOptions {
        scope: Scope::Run(run_number),
        ..RollbackOptions::default()
    };
    rollback(&mut store, "demo", &options, &mut Silent).unwrap();
    assert_eq!(rows(&store, "b").len(), 50);
    assert_eq!(
        rows(&store, "b")[7].2,
        r#"{"id":"r7","amount":"7.50","keep":6.00,"checked":false}"#
    );
    sound(&store);
    let again = run(&mut store, 20);
    assert_eq!(
        again
            .passes
            .iter()
            .map(|pass| pass.counts.read)
            .collect::<Vec<_>>(),
        [101, 101]
    );
    sound(&store);
}

#[test]
fn a_record_refused_in_place_leaves_the_database_and_comes_back_when_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    fill(
        &mut store,
        &(lines(0..10) + "{\"id\":\"big\",\"amt\":\"12345678.00\"}\n"),
        false,
    );
    let report = run(&mut store, 4);
    assert_eq!(report.passes[1].counts.refused, 1);
    assert_eq!(rows(&store, "b").len(), 10);
    sound(&store);
    let options = RollbackOptions::default();
    rollback(&mut store, "demo", &options, &mut Silent).unwrap();
    assert_eq!(rows(&store, "b").len(), 11);
    sound(&store);
}

#[test]
fn a_rollback_that_would_lose_an_edit_says_so_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    fill(&mut store, &lines(0..10), false);
    run(&mut store, 4);
    store
        .database("b")
        .unwrap()
        .put(
            "r3",
            r#"{"id":"r3","amount":"9.99","keep":6.00,"checked":false,"by":"ann"}"#,
        )
        .unwrap();
    let refused = rollback(&mut store, "demo", &RollbackOptions::default(), &mut Silent).unwrap_err();
    assert_eq!(refused.code(), "rollback.conflict");
    assert_eq!(rows(&store, "b").len(), 10);
    let options = RollbackOptions {
        on_conflict: OnConflict::Merge,
        ..RollbackOptions::default()
    };
    rollback(&mut store, "demo", &options, &mut Silent).unwrap();
    assert_eq!(
        rows(&store, "b")[3].2,
        r#"{"id":"r3","amount":"9.99","keep":6.00,"by":"ann"}"#
    );
    sound(&store);
}

const ITEMS: &str = r#"
[stage]
source = "a"
target = "lines"
id = "= doc.sku"

[[op]]
op = "derive"
path = "items"
"#;

#[test]
fn a_derived_record_keeps_its_number_by_its_id_when_the_parts_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder);
    let stage = Stage::parse("0001_items.toml", ITEMS, &counterfoil::stage::Lookup::nothing()).unwrap();
    let stages = Stages::new("items", vec![stage]).unwrap();
    let carry = |store: &mut Store, items: &str| {
        fill(store, &format!("{{\"id\":\"o\",\"items\":[{items}]}}\n"), true);
        apply(store, &stages, &ApplyOptions::default(), &mut Silent).unwrap();
        sound(store);
        let found = rows(store, "lines");
        found
            .into_iter()
            .map(|(record, id, data)| format!("{record} {id} {data}"))
            .collect::<Vec<_>>()
    };
    let first = carry(&mut store, r#"{"sku":"A"},{"sku":"B"},{"sku":"C"}"#);
    assert_eq!(
        first,
        [r#"2 A {"sku":"A"}"#, r#"3 B {"sku":"B"}"#, r#"4 C {"sku":"C"}"#]
    );
    let second = carry(&mut store, r#"{"sku":"C","n":1},{"sku":"A"}"#);
    assert_eq!(second, [r#"2 A {"sku":"A"}"#, r#"4 C {"sku":"C","n":1}"#]);
    let third = carry(&mut store, r#"{"sku":"A"},{"sku":"D"},{"sku":"C"}"#);
    assert_eq!(
        third,
        [r#"2 A {"sku":"A"}"#, r#"4 C {"sku":"C"}"#, r#"5 D {"sku":"D"}"#]
    );
    let options = RollbackOptions::default();
    rollback(&mut store, "items", &options, &mut Silent).unwrap();
    assert!(rows(&store, "lines").is_empty());
    sound(&store);
}

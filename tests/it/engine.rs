//! The main job through the library's face: load, apply, resume, increments, rollback, verify.

use counterfoil::apply::{ApplyOptions, ApplyReport};
use counterfoil::load::LoadOptions;
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};
use counterfoil::stage::MaxErrors;

use crate::support::world::World;

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

fn lines(range: std::ops::Range<u32>) -> String {
    range
        .map(|n| format!("{{\"id\":\"r{n}\",\"amt\":\"{n}.505\",\"keep\":6.00}}\n"))
        .collect()
}

fn world() -> World {
    let files = [("0001_copy.toml", COPY), ("0002_check.toml", IN_PLACE)];
    World::new("demo", &files)
}

fn fill(world: &mut World, text: &str, replace: bool) {
    let options = LoadOptions::default().replace(replace);
    let report = world.load_as("a", "a.ndjson", text.as_bytes(), &options);
    assert_eq!(report.counts.refused, 0);
}

fn run(world: &mut World, batch_size: usize) -> ApplyReport {
    world.apply_with(
        &ApplyOptions::default()
            .batch_size(batch_size)
            .max_errors(MaxErrors::Count(1_000)),
    )
}

fn rows(world: &World, database: &str) -> Vec<(i64, String, String)> {
    let found = world.rows(database).into_iter();
    found
        .map(|record| (record.number.get(), record.id, record.data))
        .collect()
}

#[test]
fn records_move_through_all_stages_and_come_back_exactly() {
    let mut world = world();
    fill(&mut world, &lines(0..250), false);
    let before = rows(&world, "a");
    let report = run(&mut world, 100);
    assert_eq!(
        report
            .passes
            .iter()
            .map(|pass| pass.counts.written)
            .collect::<Vec<_>>(),
        [250, 250]
    );
    assert_eq!(
        rows(&world, "b")[2].2,
        r#"{"id":"r2","amount":"2.50","keep":6.00,"checked":false}"#
    );
    world.is_sound();
    assert!(run(&mut world, 100).passes.is_empty());
    let options = RollbackOptions::default()
        .scope(RollbackScope::All)
        .batch_size(70);
    world.try_roll_back(&options).unwrap();
    assert_eq!(rows(&world, "a"), before);
    assert!(rows(&world, "b").is_empty());
    world.is_sound();
    let again = run(&mut world, 60);
    assert_eq!(
        again
            .passes
            .iter()
            .map(|pass| pass.counts.written)
            .collect::<Vec<_>>(),
        [250, 250]
    );
    world.is_sound();
}

#[test]
fn corrections_and_additions_flow_through_all_stages_and_nothing_else_does() {
    let mut world = world();
    fill(&mut world, &lines(0..50), false);
    run(&mut world, 20);
    let corrected =
        "{\"id\":\"r7\",\"amt\":\"1000.505\",\"keep\":6.00}\n".to_owned() + lines(50..150).as_str();
    fill(&mut world, &corrected, true);
    let report = run(&mut world, 20);
    let read: Vec<u64> = report.passes.iter().map(|pass| pass.counts.read).collect();
    let written: Vec<u64> = report.passes.iter().map(|pass| pass.counts.written).collect();
    assert_eq!((read, written), (vec![101, 101], vec![101, 101]));
    assert_eq!(
        rows(&world, "b")[7].2,
        r#"{"id":"r7","amount":"1000.50","keep":6.00,"checked":false}"#
    );
    assert_eq!(rows(&world, "b").len(), 150);
    world.is_sound();
    // The increment alone is undone, and the old version stands again.
    let run_number = report.run.unwrap();
    let options = RollbackOptions::default().scope(RollbackScope::Run(run_number));
    world.try_roll_back(&options).unwrap();
    assert_eq!(rows(&world, "b").len(), 50);
    assert_eq!(
        rows(&world, "b")[7].2,
        r#"{"id":"r7","amount":"7.50","keep":6.00,"checked":false}"#
    );
    world.is_sound();
    let again = run(&mut world, 20);
    assert_eq!(
        again
            .passes
            .iter()
            .map(|pass| pass.counts.read)
            .collect::<Vec<_>>(),
        [101, 101]
    );
    world.is_sound();
}

#[test]
fn a_record_refused_in_place_leaves_the_database_and_comes_back_when_rolled_back() {
    let mut world = world();
    fill(
        &mut world,
        &(lines(0..10) + "{\"id\":\"big\",\"amt\":\"12345678.00\"}\n"),
        false,
    );
    let report = run(&mut world, 4);
    assert_eq!(report.passes[1].counts.refused, 1);
    assert_eq!(rows(&world, "b").len(), 10);
    world.is_sound();
    let options = RollbackOptions::default();
    world.try_roll_back(&options).unwrap();
    assert_eq!(rows(&world, "b").len(), 11);
    world.is_sound();
}

#[test]
fn a_rollback_that_would_lose_an_edit_says_so_beforehand() {
    let mut world = world();
    fill(&mut world, &lines(0..10), false);
    run(&mut world, 4);
    world
        .store
        .database("b")
        .unwrap()
        .put(
            "r3",
            r#"{"id":"r3","amount":"9.99","keep":6.00,"checked":false,"by":"ann"}"#,
        )
        .unwrap();
    let refused = world.try_roll_back(&RollbackOptions::default()).unwrap_err();
    assert_eq!(refused.code(), "rollback.conflict");
    assert_eq!(rows(&world, "b").len(), 10);
    let options = RollbackOptions::default().on_conflict(ConflictPolicy::Merge);
    world.try_roll_back(&options).unwrap();
    assert_eq!(
        rows(&world, "b")[3].2,
        r#"{"id":"r3","amount":"9.99","keep":6.00,"by":"ann"}"#
    );
    world.is_sound();
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
    let mut world = World::new("items", &[("0001_items.toml", ITEMS)]);
    let carry = |world: &mut World, items: &str| {
        fill(world, &format!("{{\"id\":\"o\",\"items\":[{items}]}}\n"), true);
        world.apply();
        world.is_sound();
        let found = rows(world, "lines");
        found
            .into_iter()
            .map(|(record, id, data)| format!("{record} {id} {data}"))
            .collect::<Vec<_>>()
    };
    let first = carry(&mut world, r#"{"sku":"A"},{"sku":"B"},{"sku":"C"}"#);
    assert_eq!(
        first,
        [r#"2 A {"sku":"A"}"#, r#"3 B {"sku":"B"}"#, r#"4 C {"sku":"C"}"#]
    );
    let second = carry(&mut world, r#"{"sku":"C","n":1},{"sku":"A"}"#);
    assert_eq!(second, [r#"2 A {"sku":"A"}"#, r#"4 C {"sku":"C","n":1}"#]);
    let third = carry(&mut world, r#"{"sku":"A"},{"sku":"D"},{"sku":"C"}"#);
    assert_eq!(
        third,
        [r#"2 A {"sku":"A"}"#, r#"4 C {"sku":"C"}"#, r#"5 D {"sku":"D"}"#]
    );
    let options = RollbackOptions::default();
    world.try_roll_back(&options).unwrap();
    assert!(rows(&world, "lines").is_empty());
    world.is_sound();
}

//! Windows that are held back until newer readings come, and held back again once the newest reading is gone.

use counterfoil::verify::{VerifyOptions, verify};
use serde_json::json;

use crate::support::world::World;

fn stage(empty: &str) -> String {
    format!(
        "[stage]\nsource = \"readings\"\ntarget = \"windows\"\n[aggregate]\nby = \"s\"\ntime = \"t\"\nevery = \"5m\"\nhold = \"6m\"\n\
         empty = \"{empty}\"\nmeasures = {{ v = [\"sum\"] }}\n"
    )
}

fn reading(id: u32, minute: u32) -> String {
    json!({"id": format!("r{id}"), "s": 1, "t": format!("2026-03-01T10:{minute:02}:00Z"), "v": id})
        .to_string()
}

/// Readings of five windows, of which the second has none, and one of a window far behind them.
fn world(empty: &str) -> World {
    let mut world = World::new("held", &[("0001_windows.toml", &stage(empty))]);
    let minutes = [0, 1, 11, 16, 21, 22];
    let lines: Vec<String> = (0_u32..)
        .zip(minutes)
        .map(|(id, minute)| reading(id, minute))
        .collect();
    world.load("readings", &lines);
    world.load("readings", &[reading(9, 50)]);
    world
}

fn windows(world: &World) -> Vec<(String, String)> {
    let rows = world.rows("windows").into_iter();
    let mut rows: Vec<_> = rows.map(|row| (row.id, row.data)).collect();
    rows.sort();
    rows
}

/// Applies, changes the newest reading and applies again: what stands is what a first apply makes, and every check says so.
#[track_caller]
fn goes_back(empty: &str, change: impl Fn(&mut World), first: usize, then: usize) {
    let mut anew = world(empty);
    change(&mut anew);
    anew.apply();
    let mut world = world(empty);
    world.apply();
    assert_eq!(world.rows("windows").len(), first);
    change(&mut world);
    for _ in 0..2 {
        world.apply();
        assert_eq!(windows(&world), windows(&anew));
        assert_eq!(world.rows("windows").len(), then);
        let report = verify(&world.store, &VerifyOptions::default().inputs(true)).expect("a verdict");
        assert!(report.is_sound(), "{report:#?}");
        assert!(world.reconcile().iter().all(|stage| stage.is_reconciled()));
        world.is_sound();
    }
    // They come back as they were.
    world.load("readings", &[reading(9, 50)]);
    world.apply();
    assert_eq!(world.rows("windows").len(), first);
    let report = verify(&world.store, &VerifyOptions::default().inputs(true)).expect("a verdict");
    assert!(report.is_sound(), "{report:#?}");
}

fn moves(world: &mut World) {
    world.put("readings", "r9", &reading(9, 23));
}

fn goes(world: &mut World) {
    world.delete("readings", "r9");
}

#[test]
fn windows_are_held_back_again_once_the_newest_reading_was_another_one() {
    goes_back("skip", moves, 4, 2);
    goes_back("emit", moves, 5, 3);
}

#[test]
fn windows_are_held_back_again_once_the_newest_reading_is_deleted() {
    goes_back("skip", goes, 4, 2);
    goes_back("emit", goes, 5, 3);
}

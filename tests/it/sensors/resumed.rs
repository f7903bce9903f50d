//! Aggregations that stop after each batch and go on: where they go on is kept in the ledger, which is published with every proof,
//! so it must not show which groups there are.

use counterfoil::observe::StopSignal;
use counterfoil::prove::ProveOptions;
use counterfoil::store::StoreOptions;

use crate::support::comparison::{Compared, Contents};
use crate::support::scenario;
use crate::support::world::{StopAfter, World, stages};

const PROJECT: &str = "resumed";

fn world(stage: &str) -> World {
    let options = StoreOptions::default().batch_size(2);
    let staged = stages(PROJECT, &[("0001_windows.toml", stage)]);
    World::with(staged, options, scenario::environment(1))
}

/// Readings of people in towns: each person has another one, or more.
fn readings(world: &mut World, from: u32, to: u32) {
    let lines: Vec<String> = (from..to)
        .map(|at| {
            let hour = at % 5;
            format!(
                r#"{{"id":"r{at}","who":"person-{}","town":"town-{}","t":"2026-03-01T0{hour}:{:02}:00Z","v":{at}}}"#,
                at % 11,
                at % 3,
                at % 60
            )
        })
        .collect();
    world.load("readings", &lines);
}

/// Applies until nothing is left to do, each time only one batch more; returns how often it stopped.
fn apply_in_pieces(world: &mut World) -> usize {
    let mut stops = 0;
    loop {
        let stop = StopSignal::default();
        let options = world.applying.clone().stop(stop.clone());
        let mut observer = StopAfter(1, stop);
        let report = counterfoil::apply::apply(&mut world.store, &world.stages, &options, &mut observer);
        if report.expect("an apply").stopped.is_none() {
            return stops;
        }
        stops += 1;
        assert!(stops < 500, "it never ends");
    }
}

/// Does the same to two stores, but the one is stopped after each batch of the last apply.
#[track_caller]
fn is_as_uninterrupted(first: &str, then: &str, change: impl Fn(&mut World)) {
    let (mut whole, mut pieces) = (world(first), world(first));
    for world in [&mut whole, &mut pieces] {
        readings(world, 0, 60);
        world.apply();
        change(world);
        world.applying = world.applying.clone().revise(true);
        world.stages = stages(PROJECT, &[("0001_windows.toml", then)]).into();
    }
    whole.apply();
    let stops = apply_in_pieces(&mut pieces);
    assert!(stops > 3, "{stops}");
    assert_eq!(pieces.rows("windows"), whole.rows("windows"));
    let [whole_contents, contents] =
        [&whole, &pieces].map(|world| Contents::of(&world.path(), Compared::LessRuns));
    assert_eq!(contents.difference_unsigned(&whole_contents), None);
    pieces.is_sound();
}

fn totals(by: &str) -> String {
    format!(
        "[stage]\nsource = \"readings\"\ntarget = \"windows\"\nmax_errors = 100\n[aggregate]\nby = {by}\nmeasures = {{ v = [\"sum\"] }}\n"
    )
}

fn windows(by: &str) -> String {
    totals(by).replace("measures", "time = \"t\"\nevery = \"1h\"\nmeasures")
}

#[test]
fn totals_of_other_groups_that_are_stopped_everywhere_equal_uninterrupted_ones() {
    is_as_uninterrupted(&totals("\"who\""), &totals("\"town\""), |_| {});
    is_as_uninterrupted(&totals("\"town\""), &totals("[\"who\", \"town\"]"), |_| {});
    is_as_uninterrupted(&totals("\"who\""), &totals("[]"), |_| {});
}

#[test]
fn windows_of_other_groups_that_are_stopped_everywhere_equal_uninterrupted_ones() {
    is_as_uninterrupted(&windows("\"who\""), &windows("\"town\""), |_| {});
    is_as_uninterrupted(&windows("\"who\""), &windows("[]"), |_| {});
}

#[test]
fn windows_that_go_are_stopped_everywhere_and_all_go() {
    let (all, some) = (
        windows("\"who\""),
        windows("\"who\"").replace("[aggregate]", "where = '= doc.v < 30'\n[aggregate]"),
    );
    is_as_uninterrupted(&all, &some, |_| {});
    is_as_uninterrupted(&all, &all, |world| {
        for at in 0..12 {
            world.delete("readings", &format!("r{at}"));
        }
        readings(world, 55, 70);
    });
}

/// A person renames a window to another one's id: the number that stands there is not the one that began so.
#[test]
fn a_window_that_was_renamed_to_another_does_not_move_the_place_to_go_on() {
    let all = windows("\"town\"");
    is_as_uninterrupted(&all, &all.replace("\"sum\"", "\"sum\", \"max\""), |world| {
        let data = world
            .data("windows", "town-0/2026-03-01T00:00:00Z")
            .expect("a window");
        world.delete("windows", "town-0/2026-03-01T00:00:00Z");
        world.put(
            "windows",
            "town-9/2026-03-01T00:00:00Z",
            &data.replace("town-0", "town-9"),
        );
    });
}

#[test]
fn nothing_that_is_published_shows_a_group() {
    let mut world = world(&windows("\"who\"").replace("[aggregate]", "redact = [\"who\"]\n[aggregate]"));
    readings(&mut world, 0, 60);
    let lines = [r#"{"id":"bad","who":"person-3","t":"some day","v":1}"#];
    world.load("readings", &lines);
    apply_in_pieces(&mut world);
    let sql = "SELECT group_concat(coalesce(cursor,'')||coalesce(body,'')) FROM ledger_batch";
    assert!(!world.asked::<String>(sql).contains("person"));
    let cursors = world.asked::<String>(
        "SELECT group_concat(cursor,' ') FROM ledger_batch JOIN ledger_pass USING(pass) WHERE kind='apply'",
    );
    for cursor in cursors.split(' ') {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(cursor).expect("JSON");
        assert!(fields.values().all(serde_json::Value::is_u64), "{cursor}");
    }
    let sql = "SELECT coalesce(group_concat(reason),'') FROM ledger_entry";
    assert!(!world.asked::<String>(sql).contains("person"));
    let rows = world.rows("windows");
    assert!(rows.len() > 20);
    for row in rows {
        for inputs in [false, true] {
            let proof = world
                .store
                .prove("windows", &row.id, &ProveOptions::default().inputs(inputs));
            let text = proof.expect("a proof").to_string();
            assert!(!text.contains("person"), "{text}");
        }
    }
}

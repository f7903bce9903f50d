//! Windows depend on their readings alone: not on how much memory there is, how many cores, or in which order readings came.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rusqlite::Connection;

use crate::support::random::Random;
use crate::support::world::{Said, Scene, World};

/// More readings than are read in one block, so that parts of one window are put together.
const READINGS: u64 = 67_000;
const SENSORS: u64 = 45;
/// Readings are of one day and of the next morning: 17,000 windows, which 1 MiB does not hold.
const MINUTES: u64 = 32 * 60;

fn windows(memory: &str) -> String {
    format!(
        r#"
[stage]
source = "readings"
target = "windows"
max_errors = 10000

[aggregate]
by = "s"
time = "t"
every = "5m"
memory = "{memory}"

[aggregate.measures]
v = {{ take = ["mean", "std", "sum", "min", "max", "median", "p95", "first", "last", "distinct"], exact = 12 }}
all = {{ list = ["id", "v"] }}

[[aggregate.rolling]]
of = "v_mean"
over = 3
take = ["mean"]

[[aggregate.anomaly]]
name = "odd"
of = "v_mean"
over = 4
k = 1.2
"#
    )
}

fn readings() -> String {
    let mut chance = Random::new(15);
    let mut lines = String::new();
    for number in 0..READINGS {
        let minute = chance.below(MINUTES);
        let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
        let (sensor, second) = (chance.below(SENSORS), chance.below(60));
        let value = match chance.below(500) {
            0 => "\"high\"".to_owned(),
            1 => "null".to_owned(),
            _ => format!("{}.{}", chance.below(90), chance.below(1000)),
        };
        let _ = writeln!(
            lines,
            r#"{{"id":"r{number}","s":{sensor},"t":"2026-03-0{day}T{hour:02}:{minute:02}:{second:02}Z","v":{value}}}"#
        );
    }
    lines
}

/// A command under `taskset`, with these cores only.
fn on_cores(cores: &str, command: &Command) -> Command {
    let mut outer = Command::new("taskset");
    outer
        .args(["-c", cores])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn can_choose_cores(cores: &str) -> bool {
    let tried = Command::new("taskset").args(["-c", cores, "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Everything that a store has but when, and by whom, it was written, and the stage's text.
fn contents(store: &Path) -> Vec<String> {
    let connection = Connection::open(store).expect("a store");
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| row.get(0)).expect(sql);
        rows.collect::<Result<_, _>>().expect("texts")
    };
    let mut all =
        rows("SELECT quote(database)||quote(record)||quote(id)||quote(data) FROM audit_row ORDER BY record");
    assert!(all.len() > 80_000, "{}", all.len());
    all.extend(rows(
        "SELECT quote(e.record)||quote(outcome)||quote(e.input)||quote(e.before)||quote(e.after)||quote(e.reason)
         FROM ledger_entry e WHERE batch>(SELECT max(batch) FROM ledger_batch JOIN ledger_pass USING(pass) WHERE kind='load')
         ORDER BY e.record",
    ));
    all.extend(rows(
        "SELECT quote(record)||quote(id)||quote(salt) FROM ledger_record ORDER BY record",
    ));
    all.extend(rows(
        "SELECT json_extract(body,'$.readings') FROM ledger_batch WHERE step='note' AND json_extract(body,'$.aggregate') IS NOT NULL",
    ));
    all
}

#[test]
fn memory_and_cores_make_no_difference() {
    let loaded = Scene::project(&[("0001_windows.toml", &windows("1 MiB"))]);
    let settings = "name = \"faults\"\nstore = \"store.db\"\n";
    loaded.write("counterfoil.toml", settings);
    loaded.write("in.ndjson", readings());
    let file = loaded.path("in.ndjson");
    loaded.exits(&["load", "readings", file.to_str().expect("a path")], 0);
    let mut made: Vec<(String, Scene)> = Vec::new();
    for (memory, cores) in [
        ("1 MiB", "0"),
        ("128 MiB", "0"),
        ("1 MiB", "0,1"),
        ("128 MiB", "0,1"),
    ] {
        let what = format!("memory {memory}, cores {cores}");
        let scene = Scene::project(&[("0001_windows.toml", &windows(memory))]);
        scene.write("counterfoil.toml", settings);
        std::fs::copy(loaded.store(), scene.store()).expect("a store that nobody has open");
        let command = scene.command(&["apply"]);
        let output = if can_choose_cores(cores) {
            on_cores(cores, &command).output()
        } else {
            println!("skipped {what}: cores cannot be chosen here, so all are used");
            scene.command(&["apply"]).output()
        };
        let said = Said::of(output.expect("the command starts"));
        assert_eq!(said.code, 3, "{what}: {said:?}");
        made.push((what, scene));
    }
    let (first, scene) = &made[0];
    let expected = contents(&scene.store());
    for code in ["aggregate.number", "aggregate.too_many"] {
        assert!(expected.iter().any(|row| row.contains(code)), "{code}");
    }
    for (what, scene) in &made[1..] {
        let found = contents(&scene.store());
        let differ = expected.iter().zip(&found).find(|(left, right)| left != right);
        assert_eq!(differ, None, "{first} and {what}");
        assert_eq!(expected.len(), found.len(), "{first} and {what}");
    }
    scene.exits(&["verify", "--inputs"], 0);
}

/// A reading: its sensor, second, and value in hundredths.
type Reading = (u8, u16, i16);

fn line(at: usize, (sensor, second, value): Reading) -> String {
    // Each second is another one, so that there is one first and one last.
    let second = usize::from(second) * 40 + at;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let value = match value {
        ..-990 => "\"low\"".to_owned(),
        _ => format!(
            "{}{}.{:02}",
            if value < 0 { "-" } else { "" },
            value.abs() / 100,
            value.abs() % 100
        ),
    };
    format!(
        r#"{{"id":"r{at}","s":{sensor},"t":"2026-03-01T{hour:02}:{minute:02}:{second:02}Z","v":{value}}}"#
    )
}

const ORDER: &str = r#"
[stage]
source = "readings"
target = "windows"
max_errors = 1000

[aggregate]
by = "s"
time = "t"
every = "5m"

[aggregate.measures]
v = ["mean", "std", "var", "sum", "count", "min", "max", "median", "p10", "first", "last", "distinct", "range", "delta"]
all = { list = "v" }

[aggregate.fill]
v_mean = { with = "carry" }

[[aggregate.rolling]]
of = "v_mean"
over = 3
take = ["mean", "std"]
min_periods = 1

[[aggregate.anomaly]]
name = "odd"
of = "v_mean"
over = 3
k = 1
score = "oddity"
"#;

/// The windows, and the readings that are refused, of loads after each of which the stage is applied.
fn windows_of(loads: &[&[String]]) -> (Vec<(String, String)>, Vec<Option<String>>) {
    let mut world = World::in_batches_of(7, "order", &[("0001_windows.toml", ORDER)]);
    for lines in loads.iter().filter(|lines| !lines.is_empty()) {
        world.load("readings", lines);
        world.apply();
    }
    world.is_sound();
    let rows = world.rows("windows").into_iter();
    let mut rows: Vec<_> = rows.map(|row| (row.id, row.data)).collect();
    rows.sort();
    let mut refused: Vec<_> = world.quarantine().into_iter().map(|refused| refused.id).collect();
    refused.sort();
    (rows, refused)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, rng_seed: RngSeed::Fixed(15), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_in_which_readings_come_makes_no_difference(
        (sorted, shuffled) in prop::collection::vec((0..3u8, 0..400u16, -1000..1000i16), 1..40).prop_flat_map(|readings| {
            let lines: Vec<String> = readings.into_iter().enumerate().map(|(at, reading)| line(at, reading)).collect();
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
        parts in 1..4usize,
    ) {
        let expected = windows_of(&[&sorted]);
        let loads: Vec<&[String]> = shuffled.chunks(shuffled.len().div_ceil(parts)).collect();
        prop_assert_eq!(windows_of(&loads), expected);
    }
}

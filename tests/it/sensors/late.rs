//! Readings that come late: over random histories, an `apply` counts exactly the readings that a naive model counts, whatever
//! memory it has and wherever it was interrupted, and makes of them the windows that a first apply makes.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::StopSignal;
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;
use serde_json::json;

use crate::support::histories::histories;
use crate::support::world::{Scene, StopAfter, World};

/// Minutes for which a window is open after its end.
const CLOSED_AFTER: i64 = 20;

/// A reading: sensor, minutes, value.
type Line = (u8, u16, u8);

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Line),
    Load(Vec<(u8, Line)>),
    Delete(u8),
    /// With a stop after so many batches.
    Apply(Option<usize>),
}

fn line() -> impl Strategy<Value = Line> {
    (0..2u8, 0..90u16, 0..50u8)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..24u8, line()).prop_map(|(id, line)| Step::Put(id, line)),
        3 => prop::collection::vec((0..24u8, line()), 1..6).prop_map(Step::Load),
        1 => (0..24u8).prop_map(Step::Delete),
        5 => prop::option::weighted(0.3, 1..4usize).prop_map(Step::Apply),
    ]
}

fn stage(late: &str, every: &str, memory: &str) -> String {
    format!(
        "[stage]\nsource = \"readings\"\ntarget = \"windows\"\nmax_errors = 1000\n[aggregate]\nby = \"s\"\ntime = \"t\"\n\
         every = \"{every}\"\nlate = \"{late}\"\nclosed_after = \"{CLOSED_AFTER}m\"\nmemory = \"{memory}\"\n\
         measures = {{ v = [\"sum\", \"max\", \"count\"] }}\n"
    )
}

fn data(id: u8, (sensor, minutes, value): Line) -> String {
    let (hour, minute) = (minutes / 60, minutes % 60);
    format!(r#"{{"id":"r{id}","s":{sensor},"t":"2026-03-01T{hour:02}:{minute:02}:00Z","v":{value}}}"#)
}

/// What should be counted.
#[derive(Clone, Debug, Default)]
struct Model {
    readings: BTreeMap<u8, Line>,
    /// What was counted when a pass ended last.
    counted: BTreeSet<u8>,
    late: BTreeSet<u8>,
    /// What was written since.
    touched: BTreeSet<u8>,
}

impl Model {
    fn put(&mut self, id: u8, line: Line) {
        if self.readings.insert(id, line) != Some(line) {
            self.touched.insert(id);
        }
    }

    fn delete(&mut self, id: u8) {
        self.readings.remove(&id);
        self.touched.insert(id);
        // Whoever comes under the id is another reading.
        self.counted.remove(&id);
        self.late.remove(&id);
    }

    /// A pass ends: what it counts, and what came too late.
    fn apply(&mut self, every: i64) {
        let mut newest: BTreeMap<u8, i64> = BTreeMap::new();
        for id in self.counted.iter().filter(|id| !self.touched.contains(*id)) {
            let (sensor, minutes, _) = self.readings[id];
            let newest = newest.entry(sensor).or_insert(i64::MIN);
            *newest = (*newest).max(minutes.into());
        }
        let is_late = |id: &u8| {
            let (sensor, minutes, _) = self.readings[id];
            if self.counted.contains(id) {
                return false;
            }
            if self.late.contains(id) && !self.touched.contains(id) {
                return true;
            }
            let end = (i64::from(minutes) / every + 1) * every;
            newest
                .get(&sensor)
                .is_some_and(|newest| end + CLOSED_AFTER <= *newest)
        };
        let (late, counted) = self.readings.keys().partition(|id| is_late(id));
        (self.late, self.counted) = (late, counted);
        self.touched.clear();
    }
}

fn windows(world: &World) -> BTreeMap<String, String> {
    let rows = world.rows("windows").into_iter();
    rows.map(|row| (row.id, row.data)).collect()
}

struct History {
    world: World,
    stage: String,
    refuses: bool,
    every: i64,
    model: Model,
}

impl History {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Put(id, line) => {
                self.world.put("readings", &format!("r{id}"), &data(*id, *line));
                self.model.put(*id, *line);
            }
            Step::Load(lines) => {
                let lines: BTreeMap<u8, Line> = lines.iter().copied().collect();
                let texts: Vec<String> = lines.iter().map(|(id, line)| data(*id, *line)).collect();
                self.world.load("readings", &texts);
                for (id, line) in lines {
                    self.model.put(id, line);
                }
            }
            Step::Delete(id) => {
                if self.model.readings.contains_key(id) {
                    self.world.delete("readings", &format!("r{id}"));
                    self.model.delete(*id);
                }
            }
            Step::Apply(stop) => self.apply(*stop),
        }
    }

    fn apply(&mut self, stop: Option<usize>) {
        let signal = StopSignal::default();
        let mut observer = StopAfter(stop.unwrap_or(usize::MAX), signal.clone());
        let options = ApplyOptions::default().batch_size(3).stop(signal);
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report = counterfoil::apply::apply(store, stages, &options, &mut observer).expect("an apply");
        if report.stopped.is_some() {
            return;
        }
        self.model.apply(self.every);
        let again = self.world.apply();
        assert!(again.passes.is_empty(), "{again:#?}");
        let mut fresh = World::new("late", &[("0001_windows.toml", &self.stage)]);
        let counted = self.model.counted.iter();
        let lines: Vec<String> = counted.map(|id| data(*id, self.model.readings[id])).collect();
        fresh.load("readings", &lines);
        fresh.apply();
        assert_eq!(windows(&self.world), windows(&fresh), "{:#?}", self.model);
        let refused = self.world.quarantine().into_iter();
        let refused: BTreeSet<String> = refused.filter_map(|refused| refused.id).collect();
        let late = self.model.late.iter().filter(|_| self.refuses);
        assert_eq!(refused, late.map(|id| format!("r{id}")).collect());
        assert!(self.world.reconcile().iter().all(|stage| stage.is_reconciled()));
        let report = verify(&self.world.store, &VerifyOptions::default().inputs(true)).expect("a verdict");
        assert!(report.is_sound(), "{report:#?}");
    }
}

proptest! {
    #![proptest_config(histories(25, 16))]

    #[test]
    fn exactly_what_comes_when_its_window_is_closed_is_left_out(
        refuses in any::<bool>(),
        every in prop::sample::select(vec![5, 15]),
        memory in prop::sample::select(vec!["1 MiB", "128 MiB"]),
        steps in prop::collection::vec(step(), 1..20),
    ) {
        let late = if refuses { "refuse" } else { "leave" };
        let stage = stage(late, &format!("{every}m"), memory);
        let world = World::new("late", &[("0001_windows.toml", &stage)]);
        let mut history = History { world, stage, refuses, every, model: Model::default() };
        for step in &steps {
            history.step(step);
        }
        history.apply(None);
    }
}

/// The second pass finds that a reading is late which the first one, superseded, has left out already: both have to say so, because
/// a pass that goes on asks only itself.
#[test]
fn a_pass_that_begins_after_a_superseded_one_says_again_what_is_late() {
    for late in ["leave", "refuse"] {
        let stage = stage(late, "5m", "1 MiB");
        let world = World::new("late", &[("0001_windows.toml", &stage)]);
        let (refuses, model) = (late == "refuse", Model::default());
        let mut history = History {
            world,
            stage,
            refuses,
            every: 5,
            model,
        };
        for step in [
            Step::Put(0, (0, 25, 0)),
            Step::Apply(None),
            Step::Put(1, (0, 0, 0)),
            Step::Apply(Some(1)),
            Step::Put(2, (0, 45, 0)),
            Step::Apply(Some(1)),
            Step::Apply(None),
        ] {
            history.step(&step);
        }
    }
}

const REFUSES: &str = r#"
[stage]
source = "readings"
target = "windows"
max_errors = 0

[aggregate]
by = "s"
time = "t"
every = "5m"
late = "refuse"
closed_after = "1h"
memory = "1 MiB"
measures = { v = "sum" }
"#;

fn reading(id: &str, sensor: u32, time: &str) -> String {
    json!({"id": id, "s": sensor, "t": time, "v": 1}).to_string()
}

/// A sensor with a reading in each minute of an hour.
fn hour(text: &str) -> Scene {
    let scene = Scene::project(&[("0001_windows.toml", text)]);
    let lines: Vec<String> = (0..60)
        .map(|minute| {
            reading(
                &format!("r{minute}"),
                1,
                &format!("2026-03-01T10:{minute:02}:00Z"),
            )
        })
        .collect();
    scene.load("readings", &lines, &[]);
    scene.exits(&["apply"], 0);
    scene
}

fn sums(scene: &Scene) -> usize {
    scene.rows("windows").len()
}

#[test]
fn a_late_reading_that_stopped_the_pass_is_counted_once_its_time_is_corrected() {
    let scene = hour(REFUSES);
    scene.load_file(
        "readings",
        "z.ndjson",
        &[reading("z", 1, "2026-03-01T08:00:00Z")],
        &[],
    );
    scene.exits(&["apply"], 6);
    scene.load_file(
        "readings",
        "z2.ndjson",
        &[reading("z", 1, "2026-03-01T11:00:00Z")],
        &["--replace"],
    );
    scene.exits_sound(&["apply"], 0);
    assert_eq!(sums(&scene), 13);
    scene.exits(&["verify", "--inputs"], 0);
}

#[test]
fn a_wrong_clock_shuts_a_sensor_out_only_until_its_reading_is_gone() {
    let scene = hour(REFUSES);
    scene.load_file(
        "readings",
        "bad.ndjson",
        &[reading("bad", 1, "2036-01-01T00:00:00Z")],
        &[],
    );
    scene.exits(&["apply"], 0);
    let later: Vec<String> = (0..12)
        .map(|minute| {
            reading(
                &format!("l{minute}"),
                1,
                &format!("2026-03-01T11:{minute:02}:00Z"),
            )
        })
        .collect();
    scene.load_file("readings", "later.ndjson", &later, &[]);
    scene.exits(&["apply"], 6);
    scene.exits(
        &["delete", "readings", "bad", "--reason", "the clock was wrong"],
        0,
    );
    // The pass stopped at its refusals; allowed to go on, it finds none of them late.
    scene.exits_sound(&["apply", "--max-errors", "12"], 0);
    assert_eq!(sums(&scene), 15);
    scene.exits(&["verify", "--inputs"], 0);
}

#[test]
fn memory_makes_no_difference_to_what_is_late() {
    for memory in ["1 MiB", "128 MiB"] {
        let scene = hour(
            &REFUSES
                .replace("1 MiB", memory)
                .replace("\"refuse\"", "\"leave\""),
        );
        // Many windows are made again: more than the lesser memory holds.
        let mut lines: Vec<String> = (0..900)
            .map(|sensor| reading(&format!("n{sensor}"), 2 + sensor, "2026-03-01T10:00:00Z"))
            .collect();
        lines.push(reading("late", 1, "2026-03-01T07:00:00Z"));
        scene.load_file("readings", "more.ndjson", &lines, &[]);
        scene.exits(&["apply"], 0);
        assert_eq!(sums(&scene), 912, "{memory}");
    }
}

#[test]
fn a_correction_of_what_was_counted_reopens_a_closed_window() {
    let scene = hour(REFUSES);
    scene.load_file(
        "readings",
        "n.ndjson",
        &[reading("n", 1, "2026-03-02T10:00:00Z")],
        &[],
    );
    scene.exits(&["apply"], 0);
    let corrected = r#"{"id":"r7","s":1,"t":"2026-03-01T10:07:00Z","v":41}"#;
    scene.load_file("readings", "c.ndjson", &[corrected], &["--replace"]);
    scene.exits_sound(&["apply"], 0);
    let row = scene
        .rows("windows")
        .into_iter()
        .find(|row| row.contains("T10:05"));
    assert!(
        row.as_ref().is_some_and(|row| row.contains("\"v_sum\":45")),
        "{row:?}"
    );
}

#[test]
fn a_day_is_closed_when_a_reading_comes_long_enough_after_its_end() {
    let text = REFUSES.replace("\"5m\"", "\"day\"").replace("\"1h\"", "\"2h\"");
    for (newest, code) in [("01:59", 0), ("02:00", 6)] {
        let scene = hour(&text);
        scene.load_file(
            "readings",
            "n.ndjson",
            &[reading("n", 1, &format!("2026-03-02T{newest}:00Z"))],
            &[],
        );
        scene.exits(&["apply"], 0);
        scene.load_file(
            "readings",
            "z.ndjson",
            &[reading("z", 1, "2026-03-01T23:59:00Z")],
            &[],
        );
        scene.exits(&["apply"], code);
    }
}

#[test]
fn what_was_waived_stays_waived_until_it_is_written() {
    let text = REFUSES.replace("late = \"refuse\"\nclosed_after = \"1h\"\n", "");
    let scene = hour(&text);
    let bad = r#"{"id":"bad","s":1,"t":"2026-03-01T10:07:00Z","v":"high"}"#;
    scene.load_file("readings", "bad.ndjson", &[bad], &[]);
    scene.exits(&["apply"], 6);
    scene.exits(&["quarantine", "waive", "--all", "--reason", "a test"], 0);
    scene.load_file(
        "readings",
        "n.ndjson",
        &[reading("n", 1, "2026-03-01T12:00:00Z")],
        &[],
    );
    scene.exits_sound(&["apply"], 0);
    let takes = text.replace("v = \"sum\"", "v = [\"sum\", \"max\"]");
    scene.write("0001_windows.toml", takes);
    scene.exits_sound(&["apply", "--revise", "--reason", "the greatest too"], 0);
    scene.exits(&["verify", "--inputs"], 0);
    scene.load_file(
        "readings",
        "again.ndjson",
        &[bad.replace("high", "low")],
        &["--replace"],
    );
    scene.exits(&["apply"], 6);
    scene.load_file(
        "readings",
        "good.ndjson",
        &[bad.replace("\"high\"", "7")],
        &["--replace"],
    );
    scene.exits_sound(&["apply"], 0);
    let row = scene
        .rows("windows")
        .into_iter()
        .find(|row| row.contains("T10:05"));
    assert!(
        row.as_ref().is_some_and(|row| row.contains("\"v_sum\":12")),
        "{row:?}"
    );
}

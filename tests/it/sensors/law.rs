//! Random histories of a stage that aggregates: whatever was loaded, corrected, moved in time, deleted, applied, interrupted,
//! retried and rolled back, in any order,
//! - an `apply` leaves the windows, and the refusals, that a first apply makes of the same readings in a new store;
//! - every window was made of exactly the readings that are in it, and a second apply finds nothing;
//! - both sides agree to the last reading, after every apply and while a pass is interrupted;
//! - a plan tells beforehand what the apply does;
//! - a rollback of everything leaves no window.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::record::RunId;
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::stage::Stages;
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;

use crate::support::histories::histories;
use crate::support::world::{StopAfter, World, stages};

/// A reading: id, sensor, minutes, value.
type Line = (u8, u8, u16, u8);

#[derive(Clone, Debug)]
enum Step {
    Load(Vec<Line>),
    Put(Line),
    Delete(u8),
    /// With a stop after so many batches.
    Apply(Option<usize>),
    Retry,
    /// One of the runs, whatever came after it.
    RollbackRun(usize),
    RollbackStage,
    /// A window, or a reading, by its place.
    RollbackRecord(bool, usize),
    /// A person changes a window, or removes it, and puts it back.
    EditAndRestore(usize),
    /// A person adds a field to a window, and the window stays so.
    Note(usize),
    /// The stage's text changes.
    Revise(Revision),
}

/// What a revision changes.
#[derive(Clone, Copy, Debug)]
enum Revision {
    Rows,
    Group,
    Filter,
    Every,
    Exact,
}

fn line() -> impl Strategy<Value = Line> {
    // Most readings are close together; a few are days away.
    let minutes = prop_oneof![9 => 0..60u16, 1 => 5_000..5_030u16];
    (0..24u8, 0..3u8, minutes, 0..10u8)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(line(), 1..9).prop_map(Step::Load),
        3 => line().prop_map(Step::Put),
        2 => (0..24u8).prop_map(Step::Delete),
        7 => prop::option::weighted(0.3, 1..4usize).prop_map(Step::Apply),
        1 => Just(Step::Retry),
        2 => (0..8usize).prop_map(Step::RollbackRun),
        1 => Just(Step::RollbackStage),
        1 => (any::<bool>(), 0..20usize).prop_map(|(window, at)| Step::RollbackRecord(window, at)),
        1 => (0..20usize).prop_map(Step::EditAndRestore),
        1 => (0..20usize).prop_map(Step::Note),
        1 => prop::sample::select(vec![Revision::Rows, Revision::Group, Revision::Filter, Revision::Every, Revision::Exact])
            .prop_map(Step::Revise),
    ]
}

/// The stages that the histories are of.
#[derive(Clone, Debug)]
struct Shape {
    empty: &'static str,
    fill: &'static str,
    over: &'static str,
    every: &'static str,
    /// Until when windows are held back; `None` for totals of groups, without windows in time.
    hold: Option<&'static str>,
    by: &'static str,
    rows: &'static str,
    has_rule: bool,
    filters: bool,
    memory: &'static str,
    /// How many values of a window are kept: with more it is refused.
    exact: u16,
}

fn shape() -> impl Strategy<Value = Shape> {
    let words = |words: &'static [&'static str]| prop::sample::select(words);
    (
        words(&["\"emit\"\ngap = 50", "\"skip\""]),
        words(&[
            "",
            "v_mean = { with = \"carry\" }",
            "v_mean = { with = \"carry\", limit = 1 }\nv_last = 0",
        ]),
        words(&["3", "\"12m\""]),
        words(&["5m", "7m", "day"]),
        prop::sample::select(vec![Some(""), Some(""), Some("hold = \"6m\""), None]),
        words(&["\"s\"", "[\"s\", \"v\"]"]),
        any::<bool>(),
        any::<bool>(),
        words(&["1 MiB", "128 MiB"]),
        prop::sample::select(vec![2, 10_000]),
    )
        .prop_map(
            |(empty, fill, over, every, hold, by, has_rule, filters, memory, exact)| Shape {
                empty,
                fill,
                over,
                every,
                hold,
                by,
                rows: "n",
                has_rule,
                filters,
                memory,
                exact,
            },
        )
}

impl Shape {
    fn text(&self) -> String {
        let (filter, rule) = (
            if self.filters {
                "where = '= doc.v != 3'\n"
            } else {
                ""
            },
            if self.has_rule {
                "[[contract.rule]]\nname = \"few\"\nexpect = '= doc.ROWS < 4'\n"
            } else {
                ""
            },
        );
        let rule = rule.replace("ROWS", self.rows);
        let Self {
            empty,
            fill,
            over,
            every,
            memory,
            exact,
            by,
            rows,
            ..
        } = self;
        let begin = format!(
            "[stage]\nsource = \"readings\"\ntarget = \"windows\"\nmax_errors = 1000\n{filter}\n[aggregate]\nby = {by}\nrows = \"{rows}\"\n\
             memory = \"{memory}\"\n"
        );
        let takes = format!(
            "[aggregate.measures]\nv = {{ take = [\"mean\", \"min\", \"max\", \"std\", \"sum\", \"median\", \"distinct\", TIMED\"count\"], \
             exact = {exact} }}"
        );
        let Some(hold) = self.hold else {
            return format!("{begin}{}\n{rule}", takes.replace("TIMED", ""));
        };
        let takes = takes.replace("TIMED", "\"first\", \"last\", \"delta\", ");
        format!(
            "{begin}time = \"t\"\nevery = \"{every}\"\nempty = {empty}\n{hold}
             {takes}
             [aggregate.fill]\n{fill}
             [aggregate.fields]\nquality = '= if win.{rows} >= 2 {{ \"good\" }} else {{ \"poor\" }}'
             [[aggregate.rolling]]\nof = \"v_mean\"\nover = {over}\ntake = [\"mean\", \"std\", \"count\"]\nmin_periods = 2
             [[aggregate.anomaly]]\nname = \"odd\"\nof = \"v_mean\"\nover = {over}\nk = 1\nmin_periods = 3\nscore = \"oddity\"
             {rule}"
        )
        .lines()
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect()
    }
}

const COPY: &str = "[stage]\nsource = \"windows\"\ntarget = \"copies\"\nmax_errors = 1000\n";

fn data(&(id, sensor, minutes, value): &Line) -> String {
    let time = match (minutes, value) {
        (13, _) => "\"yesterday\"".to_owned(),
        _ => {
            let minutes = u32::from(minutes);
            let (day, hour, minute) = (1 + minutes / 1440, minutes / 60 % 24, minutes % 60);
            format!("\"2026-03-{day:02}T{hour:02}:{minute:02}:0{}Z\"", id % 10)
        }
    };
    let value = match value {
        0 => "null".to_owned(),
        1 => "\"high\"".to_owned(),
        2 => "2.50".to_owned(),
        value => value.to_string(),
    };
    let sensor = if sensor == 2 {
        "null".to_owned()
    } else {
        sensor.to_string()
    };
    format!(r#"{{"id":"r{id}","s":{sensor},"t":{time},"v":{value}}}"#)
}

struct History {
    world: World,
    shape: Shape,
    files: Vec<(&'static str, String)>,
    runs: Vec<RunId>,
    /// The windows to which a person has added a field.
    noted: BTreeSet<String>,
    /// Whether the text may not be the one that was applied last: it has changed since, or a rollback has gone back to another.
    is_revised: bool,
    /// Whether it has ever changed.
    has_changed: bool,
}

impl History {
    fn new(shape: &Shape) -> Self {
        let files = vec![
            ("0001_windows.toml", shape.text()),
            ("0002_copies.toml", COPY.to_owned()),
        ];
        Self {
            world: world(&files),
            shape: shape.clone(),
            files,
            runs: Vec::new(),
            noted: BTreeSet::new(),
            is_revised: false,
            has_changed: false,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Load(lines) => {
                let lines: BTreeMap<u8, String> = lines.iter().map(|line| (line.0, data(line))).collect();
                let lines: Vec<String> = lines.into_values().collect();
                self.world.load("readings", &lines);
            }
            Step::Put(line) => self.world.put("readings", &format!("r{}", line.0), &data(line)),
            Step::Delete(id) => {
                let id = format!("r{id}");
                if self.world.data("readings", &id).is_some() {
                    self.world.delete("readings", &id);
                }
            }
            Step::Apply(stop) => self.apply(*stop),
            // A retry is of the text that was applied last.
            Step::Retry if !self.is_revised => {
                self.world.retry();
            }
            Step::Retry => {}
            Step::RollbackRun(at) => {
                if let Some(run) = self.runs.get(*at).copied()
                    && self.roll_back(RollbackScope::Run(run))
                {
                    self.runs.remove(*at);
                }
            }
            Step::RollbackStage => {
                self.roll_back(RollbackScope::All);
                self.runs.clear();
            }
            Step::RollbackRecord(window, at) => {
                let database = if *window { "windows" } else { "readings" };
                if let Some(row) = self.world.rows(database).get(*at) {
                    let (database, id) = (database.to_owned(), row.id.clone());
                    self.roll_back(RollbackScope::Record { database, id });
                }
            }
            Step::EditAndRestore(at) => {
                // Nobody else writes to a database that a pass is filling.
                let is_open = self.world.asked::<i64>("SELECT count(*) FROM ledger_open") > 0;
                if is_open {
                    return;
                }
                if let Some(row) = self.world.rows("windows").get(*at).cloned() {
                    self.world.put("windows", &row.id, r#"{"edited":true}"#);
                    self.world.put("windows", &row.id, &row.data);
                }
            }
            Step::Note(at) => {
                let is_open = self.world.asked::<i64>("SELECT count(*) FROM ledger_open") > 0;
                if let Some(row) = self.world.rows("windows").get(*at).filter(|_| !is_open) {
                    let data = row.data.replacen('{', "{\"note\":1,", 1);
                    self.world.put("windows", &row.id, &data);
                    self.noted.insert(row.id.clone());
                }
            }
            Step::Revise(revision) => {
                let shape = &mut self.shape;
                match revision {
                    Revision::Rows => shape.rows = if shape.rows == "n" { "count" } else { "n" },
                    Revision::Group => {
                        shape.by = if shape.by == "\"s\"" {
                            "[\"s\", \"v\"]"
                        } else {
                            "\"s\""
                        }
                    }
                    Revision::Filter => shape.filters = !shape.filters,
                    Revision::Every => shape.every = if shape.every == "5m" { "7m" } else { "5m" },
                    Revision::Exact => shape.exact = if shape.exact == 2 { 10_000 } else { 2 },
                }
                self.files[0].1 = shape.text();
                (self.is_revised, self.has_changed) = (true, true);
                self.world.stages = staged(&self.files).into();
            }
        }
    }

    fn roll_back(&mut self, scope: RollbackScope) -> bool {
        let done = self.world.try_roll_back(&RollbackOptions::default().scope(scope));
        self.is_revised |= done.is_ok() && self.has_changed;
        done.is_ok()
    }

    fn apply(&mut self, stop: Option<usize>) {
        let options = ApplyOptions::default().batch_size(3).revise(true);
        let planning = PlanOptions::default().apply(options.clone());
        let planned = plan(&self.world.store, &self.world.stages, &planning, &mut Silent).expect("a plan");
        let signal = StopSignal::default();
        let mut observer = StopAfter(stop.unwrap_or(usize::MAX), signal.clone());
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report =
            counterfoil::apply::apply(store, stages, &options.stop(signal), &mut observer).expect("an apply");
        self.runs.extend(report.run);
        let (done, whole) = (report.reconciled.iter(), self.world.reconcile());
        for stage in done.chain(&whole) {
            assert!(stage.is_reconciled(), "{stage:#?}");
        }
        if report.stopped.is_some() {
            return;
        }
        self.is_revised = false;
        if report.passes.iter().all(|pass| !pass.resumed) {
            let foreseen: Vec<_> = planned
                .stages
                .iter()
                .map(|stage| (stage.stage, stage.counts))
                .collect();
            let mut done: BTreeMap<u32, counterfoil::ledger::Counts> = BTreeMap::new();
            for pass in &report.passes {
                let counts = done.entry(pass.stage).or_default();
                counts.read += pass.counts.read;
                counts.written += pass.counts.written;
                counts.unchanged += pass.counts.unchanged;
                counts.filtered += pass.counts.filtered;
                counts.refused += pass.counts.refused;
                counts.merged += pass.counts.merged;
            }
            done.retain(|_, counts| counts.read > 0);
            let foreseen: BTreeMap<_, _> = foreseen
                .into_iter()
                .filter(|(_, counts)| counts.read > 0)
                .collect();
            assert_eq!(foreseen, done, "the plan");
        }
        let again = self.world.apply();
        assert!(again.passes.is_empty(), "{again:#?}");
        self.law();
    }

    fn law(&self) {
        let mut fresh = world(&self.files);
        let readings = self.world.rows("readings");
        if !readings.is_empty() {
            let lines: Vec<&str> = readings.iter().map(|row| row.data.as_str()).collect();
            fresh.load("readings", &lines);
        }
        fresh.apply();
        let stale: BTreeSet<Option<String>> = refused(&self.world).into_iter().map(|(id, _)| id).collect();
        for database in ["windows", "copies"] {
            let mut now = texts(&self.world, database);
            // The earlier version of a window that is refused stays.
            now.retain(|id, _| !stale.contains(&Some(id.clone())) && !self.noted.contains(id));
            let mut expected = texts(&fresh, database);
            expected.retain(|id, _| !self.noted.contains(id));
            assert_eq!(now, expected, "{database}");
        }
        assert_eq!(refused(&self.world), refused(&fresh));
        let report = verify(&self.world.store, &VerifyOptions::default().inputs(true)).expect("a verdict");
        assert!(report.is_sound(), "{report:#?}");
        let inputs = report.inputs.expect("inputs");
        assert_eq!((inputs.waiting, inputs.unknown), (0, 0));
        let counted = readings.len() as u64 - refused_readings(&self.world);
        assert!(inputs.readings <= counted, "{inputs:?} {counted}");
    }

    /// Takes everything back.
    fn come_back(&mut self) {
        if !self.noted.is_empty() {
            return;
        }
        self.roll_back(RollbackScope::All);
        assert_eq!(self.world.rows("windows"), []);
        assert_eq!(self.world.rows("copies"), []);
        self.world.is_sound();
        self.apply(None);
    }
}

fn staged(files: &[(&'static str, String)]) -> Stages {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    stages("sensors", &files)
}

fn world(files: &[(&'static str, String)]) -> World {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    World::new("sensors", &files)
}

fn texts(world: &World, database: &str) -> BTreeMap<String, String> {
    world
        .rows(database)
        .into_iter()
        .map(|row| (row.id, row.data))
        .collect()
}

/// What stands refused: the id, and why.
fn refused(world: &World) -> BTreeSet<(Option<String>, String)> {
    let quarantine = world.quarantine().into_iter();
    quarantine
        .map(|refused| (refused.id, refused.reason.code.to_string()))
        .collect()
}

fn refused_readings(world: &World) -> u64 {
    let refused = refused(world).into_iter();
    refused
        .filter(|(id, _)| id.as_ref().is_some_and(|id| id.starts_with('r')))
        .count() as u64
}

proptest! {
    #![proptest_config(histories(25, 15))]

    #[test]
    fn an_increment_leaves_what_a_first_apply_makes(
        shape in shape(),
        steps in prop::collection::vec(step(), 1..16),
    ) {
        let mut history = History::new(&shape);
        for step in &steps {
            history.step(step);
        }
        history.apply(None);
        history.come_back();
    }
}

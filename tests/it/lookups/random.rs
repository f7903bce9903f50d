//! Random histories against a naive model: whatever was loaded, corrected, deleted, changed by hand, applied, interrupted
//! and rolled back, the next apply makes every record what it would be if it were looked up now, and a plan tells so.

use std::collections::BTreeMap;

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::record::{Record, RunId};
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope};
use counterfoil::serde_json::{Value as Json, from_str, json};
use proptest::prelude::*;

use crate::support::histories::histories;
use crate::support::world::World;

const PEOPLE: &str = r#"
[stage]
source = "raw"
target = "people"
where = "= doc.n < 30"
id = "= \"P-\" + doc.id + doc.k"
"#;

const VISITS: &str = r#"
[stage]
source = "visits_v1"
target = "visits"
stale = "remove"
max_errors = "100%"

[[op]]
op = "lookup"
path = "p"
to = "golden"
through = "people"
as = "golden"
missing = "MISSING"

[[op]]
op = "lookup"
path = "q"
to = "found"
through = "people"
key = "k"
take = "n"
missing = "keep"

[[op]]
op = "set"
path = "again"
value = "= lookup(\"people\", doc.golden, \"row\", \"n\")"
"#;

#[derive(Clone, Debug)]
enum Step {
    Raw(Vec<(u8, u8, i64)>),
    Visits(Vec<(u8, u8, u8)>),
    DeleteRaw(u8),
    DeleteVisit(u8),
    /// Of a person by place.
    Change(usize, u8, i64),
    Remove(usize),
    Apply {
        size: usize,
        stop: Option<usize>,
    },
    RollBack(RollbackScope, ConflictPolicy),
    /// A run counted back from the newest, if it has applied anything.
    RollBackRun(usize, ConflictPolicy),
}

fn step() -> impl Strategy<Value = Step> {
    let scope = prop_oneof![
        3 => Just(RollbackScope::Last),
        1 => Just(RollbackScope::Stage(1)),
        1 => Just(RollbackScope::Stage(2)),
        1 => Just(RollbackScope::All),
    ];
    let policy = || {
        prop_oneof![
            Just(ConflictPolicy::Abort),
            Just(ConflictPolicy::Skip),
            Just(ConflictPolicy::Force)
        ]
    };
    prop_oneof![
        4 => prop::collection::vec((0..4u8, 0..3u8, 0..40i64), 1..4).prop_map(Step::Raw),
        3 => prop::collection::vec((0..4u8, 0..4u8, 0..3u8), 1..5).prop_map(Step::Visits),
        2 => (0..4u8).prop_map(Step::DeleteRaw),
        1 => (0..4u8).prop_map(Step::DeleteVisit),
        2 => (0..3usize, 0..3u8, 0..40i64).prop_map(|(at, k, n)| Step::Change(at, k, n)),
        1 => (0..3usize).prop_map(Step::Remove),
        6 => (1..4usize, prop::option::weighted(0.3, 1..4usize)).prop_map(|(size, stop)| Step::Apply { size, stop }),
        2 => (scope, policy()).prop_map(|(scope, policy)| Step::RollBack(scope, policy)),
        2 => (0..6usize, policy()).prop_map(|(back, policy)| Step::RollBackRun(back, policy)),
    ]
}

/// Asks to stop after so many batches.
struct Stopping {
    stop: StopSignal,
    left: Option<usize>,
}

impl Observer for Stopping {
    fn observe(&mut self, event: &Event) {
        if let (Event::BatchCommitted { .. }, Some(left)) = (event, &mut self.left) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.stop.ask();
            }
        }
    }
}

struct History {
    world: World,
    keeps: bool,
    /// The runs that have applied anything.
    applied: Vec<RunId>,
}

fn parsed(record: &Record) -> Json {
    from_str(&record.data).expect("JSON")
}

impl History {
    fn new(keeps: bool) -> Self {
        let visits = VISITS.replace("MISSING", if keeps { "keep" } else { "wait" });
        let files = [
            ("0001_people.toml", PEOPLE),
            ("0002_visits.toml", visits.as_str()),
        ];
        Self {
            world: World::new("demo", &files),
            keeps,
            applied: Vec::new(),
        }
    }

    fn ids(&self, database: &str) -> Vec<String> {
        let rows = self.world.rows(database);
        rows.into_iter().map(|row| row.id).collect()
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let key = |k: &u8| (b'a' + k) as char;
        match step {
            Step::Raw(lines) => {
                let line =
                    |(id, k, n): &(u8, u8, i64)| format!(r#"{{"id":"r{id}","k":"{}","n":{n}}}"#, key(k));
                let mut seen = std::collections::BTreeSet::new();
                let lines = lines.iter().filter(|(id, ..)| seen.insert(*id));
                self.world.load("raw", &lines.map(line).collect::<Vec<_>>());
            }
            Step::Visits(lines) => {
                let line =
                    |(id, p, q): &(u8, u8, u8)| format!(r#"{{"id":"v{id}","p":"r{p}","q":"{}"}}"#, key(q));
                let mut seen = std::collections::BTreeSet::new();
                let lines = lines.iter().filter(|(id, ..)| seen.insert(*id));
                self.world.load("visits_v1", &lines.map(line).collect::<Vec<_>>());
            }
            Step::DeleteRaw(id) if self.ids("raw").contains(&format!("r{id}")) => {
                self.world.delete("raw", &format!("r{id}"));
            }
            Step::DeleteVisit(id) if self.ids("visits_v1").contains(&format!("v{id}")) => {
                self.world.delete("visits_v1", &format!("v{id}"));
            }
            Step::Change(at, k, n) => {
                if let Some(id) = self.ids("people").get(*at) {
                    let data = format!(r#"{{"id":"by hand","k":"{}","n":{n}}}"#, key(k));
                    self.world.put("people", id, &data);
                }
            }
            Step::Remove(at) => {
                if let Some(id) = self.ids("people").get(*at) {
                    self.world.delete("people", id);
                }
            }
            Step::Apply { size, stop } => self.apply(*size, *stop)?,
            Step::RollBack(scope, policy) => self.roll_back(scope.clone(), *policy),
            Step::RollBackRun(back, policy) => {
                if let Some(run) = self.applied.iter().rev().nth(*back) {
                    self.roll_back(RollbackScope::Run(*run), *policy);
                }
            }
            Step::DeleteRaw(_) | Step::DeleteVisit(_) => {}
        }
        Ok(())
    }

    fn roll_back(&mut self, scope: RollbackScope, policy: ConflictPolicy) {
        let options = RollbackOptions::default().scope(scope).on_conflict(policy);
        // What stands in its way is another test's matter.
        let _ = self.world.try_roll_back(&options);
    }

    fn apply(&mut self, size: usize, stop: Option<usize>) -> Result<(), TestCaseError> {
        let world = &mut self.world;
        let mut stopping = Stopping {
            stop: StopSignal::default(),
            left: stop,
        };
        let options = ApplyOptions::default()
            .batch_size(size)
            .stop(stopping.stop.clone());
        let planned = plan(
            &world.store,
            &world.stages,
            &PlanOptions::default().apply(options.clone()),
            &mut Silent,
        );
        let planned = planned.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let report = counterfoil::apply(&mut world.store, &world.stages, &options, &mut stopping);
        let report = report.map_err(|error| TestCaseError::fail(error.to_string()))?;
        self.applied.extend(report.run);
        if report.stopped.is_some() {
            return Ok(());
        }
        let stages = |numbers: Vec<u32>| numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let once = stages(report.passes.iter().map(|pass| pass.stage).collect())
            && planned.stages.iter().all(|stage| stage.passes.len() == 1);
        let resumed = report.passes.iter().any(|pass| pass.resumed);
        if once && !resumed {
            let planned: BTreeMap<u32, _> = planned
                .stages
                .iter()
                .map(|stage| (stage.stage, stage.counts))
                .collect();
            let done: BTreeMap<u32, _> = report
                .passes
                .iter()
                .map(|pass| (pass.stage, pass.counts))
                .collect();
            prop_assert_eq!(planned, done, "the plan is what was done");
        }
        self.check()
    }

    /// Every visit is what it finds now.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let again = self.world.apply();
        prop_assert!(
            again.passes.is_empty(),
            "nothing is left to do: {:?}",
            again.passes
        );
        self.world.is_sound();
        let people: Vec<Record> = self.world.rows("people");
        let raw: BTreeMap<String, Record> = self
            .world
            .rows("raw")
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        let mut expected = BTreeMap::new();
        for visit in self.world.rows("visits_v1") {
            let mut data = parsed(&visit);
            let wanted = raw.get(data["p"].as_str().expect("a text"));
            let golden = wanted.and_then(|raw| people.iter().find(|row| row.number == raw.number));
            data["golden"] = match golden {
                Some(golden) => json!(golden.id),
                None if self.keeps => data["p"].clone(),
                None => continue,
            };
            let with_key = |row: &&Record| parsed(row)["k"] == data["q"];
            let found: Vec<&Record> = people.iter().filter(with_key).collect();
            data["found"] = match found[..] {
                [] => data["q"].clone(),
                [row] => parsed(row)["n"].clone(),
                _ => continue,
            };
            let again = people.iter().find(|row| data["golden"] == json!(row.id));
            data["again"] = again.map_or(Json::Null, |row| parsed(row)["n"].clone());
            expected.insert(visit.id.clone(), data);
        }
        let visits = self.world.rows("visits");
        let visits: BTreeMap<String, Json> = visits.iter().map(|row| (row.id.clone(), parsed(row))).collect();
        prop_assert_eq!(visits, expected);
        Ok(())
    }
}

proptest! {
    #![proptest_config(histories(30, 2026))]

    #[test]
    fn every_record_is_what_it_finds_now(keeps in any::<bool>(), steps in prop::collection::vec(step(), 1..16)) {
        let mut history = History::new(keeps);
        for step in &steps {
            history.step(step)?;
        }
        history.apply(2, None)?;
    }
}

//! Random histories of a merge by an exact key, against a naive model: whatever was loaded, corrected, deleted, applied,
//! interrupted and rolled back, in any order and with batches of any size,
//! - after an `apply` the golden records are the groups of equal keys, each record in exactly one, with the ids of all;
//! - the cross-reference says the same;
//! - a golden record whose members have not changed is the row that it was;
//! - a plan tells beforehand what the apply does;
//! - after everything is rolled back the target is empty and the source as before, and applying again gives the same.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::world::{StopAfter, World};

const PEOPLE: &str = r#"
[stage]
source = "register"
target = "people"
where = "= doc.n != 7"
max_errors = 100

[merge]
by = { key = "key" }

[merge.survive]
"ids" = "union"

[contract]
source = { properties = { n = { maximum = 8 } } }
"#;

#[derive(Clone, Debug)]
enum Step {
    /// Lines of (id, key, n).
    Load(Vec<(u8, u8, u8)>),
    Put(u8, u8, u8),
    Delete(u8),
    /// With batches of this size, and a stop after so many.
    Apply(usize, Option<usize>),
    /// The last run, or everything.
    Rollback(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let line = || (0..8u8, 0..4u8, 0..10u8);
    prop_oneof![
        4 => prop::collection::vec(line(), 1..5).prop_map(Step::Load),
        3 => line().prop_map(|(id, key, n)| Step::Put(id, key, n)),
        2 => (0..8u8).prop_map(Step::Delete),
        5 => (1..5usize, prop::option::weighted(0.4, 1..4usize)).prop_map(|(size, stop)| Step::Apply(size, stop)),
        2 => prop::bool::weighted(0.2).prop_map(Step::Rollback),
    ]
}

fn data(id: u8, key: u8, n: u8) -> String {
    // Without a key a record is nobody else's.
    let key = if key == 3 { String::new() } else { format!("K{key}") };
    format!(r#"{{"id":"r{id}","key":"{key}","n":{n},"ids":["r{id}"]}}"#)
}

/// The groups that there should be, as the data of their members, by their ids.
fn groups(world: &World) -> BTreeMap<BTreeSet<String>, String> {
    let mut by_key: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in world.rows("register") {
        let document: serde_json::Value = serde_json::from_str(&row.data).expect("a record");
        if document["n"].as_i64().expect("a number") >= 7 {
            continue;
        }
        let key = document["key"].as_str().expect("a key");
        let key = if key.is_empty() { format!("alone {}", row.id) } else { key.to_owned() };
        by_key.entry(key).or_default().push((row.id, format!("{} {}", row.number, row.data)));
    }
    let groups = by_key.into_values();
    groups
        .map(|members| {
            let texts: Vec<&str> = members.iter().map(|(_, text)| text.as_str()).collect();
            let text = texts.join("\n");
            (members.into_iter().map(|(id, _)| id).collect(), text)
        })
        .collect()
}

/// The golden records that there are, by the ids of their members.
fn goldens(world: &World) -> BTreeMap<BTreeSet<String>, (i64, String)> {
    let rows = world.rows("people");
    let found = rows.into_iter().map(|row| {
        let document: serde_json::Value = serde_json::from_str(&row.data).expect("a record");
        let ids = document["ids"].as_array().expect("a list");
        let ids = ids.iter().map(|id| id.as_str().expect("an id").to_owned());
        (ids.collect(), (row.number.get(), row.id))
    });
    found.collect()
}

struct History {
    world: World,
    /// The groups and the golden records when they were last looked at, unless something was rolled back since.
    seen: BTreeMap<BTreeSet<String>, (String, (i64, String))>,
}

impl History {
    fn new() -> Self {
        let mut world = World::new("law", &[("0001_people.toml", PEOPLE)]);
        world.load("register", &[data(0, 0, 0)]);
        Self {
            world,
            seen: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Load(lines) => {
                let lines: Vec<String> = lines.iter().map(|(id, key, n)| data(*id, *key, *n)).collect();
                // Two lines with one id would be a refusal of the load.
                let mut ids = BTreeSet::new();
                let lines: Vec<String> = lines.into_iter().filter(|line| ids.insert(line[..11].to_owned())).collect();
                self.world.load("register", &lines);
            }
            Step::Put(id, key, n) => {
                let id_text = format!("r{id}");
                self.world.put("register", &id_text, &data(*id, *key, *n));
            }
            Step::Delete(id) => {
                let id = format!("r{id}");
                if self.world.data("register", &id).is_some() {
                    self.world.delete("register", &id);
                }
            }
            Step::Apply(size, stop) => {
                let options = ApplyOptions::default().batch_size(*size);
                match stop {
                    Some(batches) => {
                        let stop = StopSignal::default();
                        let options = options.stop(stop.clone());
                        let mut observer = StopAfter(*batches, stop);
                        counterfoil::apply::apply(
                            &mut self.world.store,
                            &self.world.stages,
                            &options,
                            &mut observer,
                        )
                        .expect("an apply");
                    }
                    None => self.apply(&options),
                }
            }
            Step::Rollback(all) => {
                let scope = if *all { RollbackScope::All } else { RollbackScope::Last };
                // There may be nothing to roll back.
                let options = RollbackOptions::default().scope(scope);
                if self.world.try_roll_back(&options).is_ok() {
                    self.seen.clear();
                }
            }
        }
        self.world.is_sound();
    }

    /// Applies to the end, and asks the law.
    fn apply(&mut self, options: &ApplyOptions) {
        let planning = PlanOptions::default();
        let planned = plan(&self.world.store, &self.world.stages, &planning, &mut Silent).expect("a plan");
        let report = self.world.apply_with(options);
        let mut done = (0, 0, 0, 0, 0, 0);
        for pass in &report.passes {
            let counts = &pass.counts;
            // A pass that was continued counts what it had done before.
            if pass.resumed {
                done = (u64::MAX, 0, 0, 0, 0, 0);
                break;
            }
            done.0 += counts.read;
            done.1 += counts.written;
            done.2 += counts.unchanged;
            done.3 += counts.filtered;
            done.4 += counts.refused;
            done.5 += counts.merged;
        }
        if done.0 != u64::MAX {
            let mut foreseen = (0, 0, 0, 0, 0, 0);
            for stage in &planned.stages {
                let counts = &stage.counts;
                foreseen.0 += counts.read;
                foreseen.1 += counts.written;
                foreseen.2 += counts.unchanged;
                foreseen.3 += counts.filtered;
                foreseen.4 += counts.refused;
                foreseen.5 += counts.merged;
            }
            assert_eq!(foreseen, done, "the plan, and what was done");
        }
        let again = self.world.apply_with(options);
        assert!(again.passes.is_empty(), "{again:#?}");
        self.law();
    }

    fn law(&mut self) {
        let (groups, goldens) = (groups(&self.world), goldens(&self.world));
        let refused: BTreeSet<String> = (self.world.quarantine().into_iter())
            .filter_map(|refused| refused.id)
            .collect();
        // A refused correction leaves the earlier version in a golden record of its own.
        let kept: Vec<BTreeSet<String>> = (goldens.keys())
            .filter(|ids| !groups.contains_key(*ids))
            .cloned()
            .collect();
        for ids in kept {
            assert!(ids.iter().any(|id| refused.contains(id)), "{ids:?} of {groups:#?}\n{goldens:#?}");
        }
        let mut seen = BTreeMap::new();
        for (ids, text) in groups {
            let golden = goldens.get(&ids).unwrap_or_else(|| panic!("{ids:?} in {goldens:#?}"));
            for id in &ids {
                let sql = format!("SELECT count(*)||':'||max(golden) FROM audit_cross_reference WHERE member_id='{id}'");
                assert_eq!(self.world.asked::<String>(&sql), format!("1:{}", golden.0), "{id}");
            }
            if let Some((before, was)) = self.seen.get(&ids)
                && *before == text
            {
                assert_eq!(was, golden, "{ids:?}");
            }
            seen.insert(ids, (text, golden.clone()));
        }
        self.seen = seen;
    }

    /// Takes everything back, and does it again.
    fn come_back(&mut self) {
        self.apply(&ApplyOptions::default().batch_size(2));
        let (register, people) = (self.world.rows("register"), goldens(&self.world));
        self.seen.clear();
        self.world.roll_back(RollbackScope::All);
        self.world.is_sound();
        assert_eq!(self.world.rows("register"), register);
        assert_eq!(self.world.rows("people"), []);
        self.apply(&ApplyOptions::default().batch_size(3));
        let groups: BTreeSet<_> = goldens(&self.world).into_keys().collect();
        // What was refused has no earlier version any more.
        assert!(groups.iter().all(|ids| people.contains_key(ids)));
        self.world.is_sound();
    }
}

fn cases() -> u32 {
    let asked = std::env::var("COUNTERFOIL_MODEL_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 500, failure_persistence: None, rng_seed: RngSeed::Fixed(2026), ..ProptestConfig::default() })]

    #[test]
    fn golden_records_are_the_groups_of_equal_keys(steps in prop::collection::vec(step(), 1..14)) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
        }
        history.come_back();
    }
}

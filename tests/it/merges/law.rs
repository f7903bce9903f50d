//! Random histories of a merge by an exact key, against a naive model: whatever was loaded, corrected, deleted, applied,
//! interrupted, rolled back as a whole or one record at a time, tried again, waived and changed by hand, in any order and
//! with batches of any size,
//! - after an `apply` the golden records are what the groups of equal keys make, each record in exactly one, and where they
//!   are not, `deviations` names exactly those rows;
//! - what a person has changed in a golden record stays until that person restores it;
//! - the cross-reference says the same, and every golden record can be made again from its members;
//! - a golden record whose members have not changed is the row that it was;
//! - a plan tells beforehand what the apply does;
//! - after everything is rolled back the target is empty and the source as before, and applying again gives the same.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, waive};
use counterfoil::record::{Record, RunId};
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::support::histories::histories;
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
target = { properties = { ids = { maxItems = 3 } } }
"#;

/// More records than these are too many for one golden record.
const MOST: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// Lines of (id, key, n).
    Load(Vec<(u8, u8, u8)>),
    Put(u8, u8, u8),
    Delete(u8),
    /// With batches of this size, and a stop after so many.
    Apply(usize, Option<usize>),
    /// By a model that is learned anew, in the same way.
    Relearn(usize, Option<usize>),
    /// The newest run that stands, or everything.
    Rollback(bool),
    /// One of the runs, whatever came after it.
    RollbackRun(usize),
    /// The newest pass, for one of the golden records.
    RollbackRecord(usize),
    /// Everything in quarantine.
    Retry,
    Waive,
    /// One of the golden records, by hand; and back to what it was.
    Edit(usize),
    Restore(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let line = || (0..8u8, 0..4u8, 0..10u8);
    prop_oneof![
        4 => prop::collection::vec(line(), 1..5).prop_map(Step::Load),
        3 => line().prop_map(|(id, key, n)| Step::Put(id, key, n)),
        2 => (0..8u8).prop_map(Step::Delete),
        5 => (1..5usize, prop::option::weighted(0.4, 1..4usize)).prop_map(|(size, stop)| Step::Apply(size, stop)),
        1 => (1..5usize, prop::option::weighted(0.4, 1..4usize)).prop_map(|(size, stop)| Step::Relearn(size, stop)),
        2 => prop::bool::weighted(0.2).prop_map(Step::Rollback),
        1 => (0..6usize).prop_map(Step::RollbackRun),
        1 => (0..6usize).prop_map(Step::RollbackRecord),
        1 => Just(Step::Retry),
        1 => Just(Step::Waive),
        2 => (0..6usize).prop_map(Step::Edit),
        1 => (0..3usize).prop_map(Step::Restore),
    ]
}

fn data(id: u8, key: u8, n: u8) -> String {
    // Without a key a record is nobody else's.
    let key = if key == 3 {
        String::new()
    } else {
        format!("K{key}")
    };
    format!(r#"{{"id":"r{id}","key":"{key}","n":{n},"ids":["r{id}"]}}"#)
}

/// The groups that there should be, by the ids of their members: what the members make, and their data.
fn groups(world: &World) -> BTreeMap<BTreeSet<String>, (Json, String)> {
    let mut by_key: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for row in world.rows("register") {
        let document = parsed(&row.data);
        if matches!(document["n"].as_i64(), Some(7 | 9)) {
            continue;
        }
        let key = document["key"].as_str().expect("a key");
        let key = if key.is_empty() {
            format!("alone {}", row.id)
        } else {
            key.to_owned()
        };
        by_key.entry(key).or_default().push(row);
    }
    by_key.retain(|_, members| members.len() <= MOST);
    let groups = by_key.into_values().map(|members| {
        // All have as many fields: the one whose id comes first decides.
        let first = members.iter().min_by_key(|member| &member.id).expect("a member");
        let mut made = parsed(&first.data);
        made["ids"] = members
            .iter()
            .map(|member| Json::from(member.id.as_str()))
            .collect();
        let texts = members
            .iter()
            .map(|member| format!("{} {}", member.number, member.data));
        let text = texts.collect::<Vec<_>>().join("\n");
        (
            members.into_iter().map(|member| member.id).collect(),
            (made, text),
        )
    });
    groups.collect()
}

fn parsed(data: &str) -> Json {
    serde_json::from_str(data).expect("a record")
}

struct History {
    world: World,
    /// The groups and the golden records when they were last looked at, unless something was rolled back since.
    seen: BTreeMap<BTreeSet<String>, (String, (i64, String))>,
    /// The runs of `apply` that stand.
    runs: Vec<RunId>,
    /// The golden records that were changed by hand, by their ids: as they were, and as they are.
    edited: BTreeMap<String, (String, String)>,
    /// Whether anything was ever waived: it may wait without being in quarantine.
    has_waived: bool,
}

impl History {
    fn new() -> Self {
        let mut world = World::new("law", &[("0001_people.toml", PEOPLE)]);
        world.load("register", &[data(0, 0, 0)]);
        Self {
            world,
            seen: BTreeMap::new(),
            runs: Vec::new(),
            edited: BTreeMap::new(),
            has_waived: false,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Load(lines) => {
                let lines: Vec<String> = lines.iter().map(|(id, key, n)| data(*id, *key, *n)).collect();
                // Two lines with one id would be a refusal of the load.
                let mut ids = BTreeSet::new();
                let lines: Vec<String> = lines
                    .into_iter()
                    .filter(|line| ids.insert(line[..11].to_owned()))
                    .collect();
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
            Step::Apply(size, stop) => self.apply_until(*size, *stop, false),
            Step::Relearn(size, stop) => self.apply_until(*size, *stop, true),
            Step::Rollback(all) => {
                let scope = match self.runs.last() {
                    Some(run) if !all => RollbackScope::Run(*run),
                    _ => RollbackScope::All,
                };
                if self.roll_back(scope) {
                    self.runs.pop();
                    if *all {
                        self.runs.clear();
                    }
                }
            }
            Step::RollbackRun(at) => {
                if let Some(run) = self.runs.get(*at).copied()
                    && self.roll_back(RollbackScope::Run(run))
                {
                    self.runs.remove(*at);
                }
            }
            Step::RollbackRecord(at) => {
                if let Some(id) = self.golden_id(*at) {
                    let database = "people".to_owned();
                    self.roll_back(RollbackScope::Record { database, id });
                }
            }
            Step::Retry => self.retry(),
            Step::Waive => {
                let (selected, run_info) = (Selected::default(), RunInfo::new("waive"));
                waive(&mut self.world.store, "law", &selected, &run_info).expect("a waiver");
                self.has_waived = true;
            }
            Step::Edit(at) => self.edit(*at),
            Step::Restore(at) => {
                if let Some(id) = self.edited.keys().nth(*at).cloned() {
                    self.restore(&id);
                }
            }
        }
        for (id, (_, by_hand)) in &self.edited {
            let now = self.world.data("people", id);
            assert_eq!(now.as_ref(), Some(by_hand), "changed by hand");
        }
        // What the others leave is verified with the law.
        let is_left_as_it_is = matches!(
            step,
            Step::Apply(_, Some(_))
                | Step::Relearn(_, Some(_))
                | Step::Rollback(_)
                | Step::RollbackRun(_)
                | Step::RollbackRecord(_)
                | Step::Retry
                | Step::Waive
        );
        if is_left_as_it_is {
            self.world.is_sound();
        }
    }

    /// Applies, and stops after so many batches.
    fn apply_until(&mut self, size: usize, stop: Option<usize>, relearns: bool) {
        let options = ApplyOptions::default().batch_size(size).relearn(relearns);
        let Some(batches) = stop else {
            self.apply(&options);
            return;
        };
        let stop = StopSignal::default();
        let options = options.stop(stop.clone());
        let mut observer = StopAfter(batches, stop);
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report = counterfoil::apply::apply(store, stages, &options, &mut observer);
        self.runs.extend(report.expect("an apply").run);
    }

    /// Changes a golden record by hand, unless it is changed already.
    fn edit(&mut self, at: usize) {
        let id = self.golden_id(at).filter(|id| !self.edited.contains_key(id));
        if let Some(id) = id {
            let was = self.world.data("people", &id).expect("a golden record");
            let by_hand = was.replacen('{', "{\"by\":\"hand\",", 1);
            self.world.put("people", &id, &by_hand);
            self.edited.insert(id, (was, by_hand));
        }
    }

    fn golden_id(&self, at: usize) -> Option<String> {
        if !self
            .world
            .store
            .databases()
            .expect("a store")
            .iter()
            .any(|name| name == "people")
        {
            return None;
        }
        self.world.rows("people").into_iter().nth(at).map(|row| row.id)
    }

    /// There may be nothing to roll back, or something in the way that was changed by hand.
    fn roll_back(&mut self, scope: RollbackScope) -> bool {
        let options = RollbackOptions::default().scope(scope);
        let is_done = self.world.try_roll_back(&options).is_ok();
        if is_done {
            self.seen.clear();
        }
        is_done
    }

    /// What is in quarantine, unless an interrupted pass is still to be continued.
    fn retry(&mut self) {
        if self.world.asked::<i64>("SELECT count(*) FROM ledger_open") == 0 {
            let report = self.world.retry();
            self.runs.extend(report.run);
        }
    }

    fn restore(&mut self, id: &str) {
        let (was, _) = self.edited.remove(id).expect("an edit");
        self.world.put("people", id, &was);
    }

    /// Applies to the end, and asks the law.
    fn apply(&mut self, options: &ApplyOptions) {
        let planning = PlanOptions::default().apply(options.clone());
        let planned = plan(&self.world.store, &self.world.stages, &planning, &mut Silent).expect("a plan");
        let report = self.world.apply_with(options);
        self.runs.extend(report.run);
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
        let again = self.world.apply_with(&options.clone().relearn(false));
        assert!(again.passes.is_empty(), "{again:#?}");
        self.law();
    }

    fn law(&mut self) {
        let groups = groups(&self.world);
        let rows = self.world.rows("people");
        let found = self.world.store.deviations(&self.world.stages);
        let deviations: BTreeSet<String> = (found.expect("deviations").into_iter())
            .map(|deviation| deviation.id)
            .collect();
        let (mut deviating, mut goldens) = (BTreeSet::new(), BTreeMap::new());
        for row in rows {
            let data = parsed(&row.data);
            let ids = data["ids"].as_array().expect("a list").iter();
            let ids: BTreeSet<String> = ids.map(|id| id.as_str().expect("an id").to_owned()).collect();
            let is_as_made = groups.get(&ids).is_some_and(|(made, _)| *made == data);
            let golden = (row.number.get(), row.id);
            if !is_as_made {
                deviating.insert(golden.1);
            } else if let Some(other) = goldens.insert(ids, golden) {
                panic!("{other:?} is the same");
            }
        }
        assert_eq!(
            deviations,
            deviating,
            "{groups:#?}\n{:#?}",
            self.world.rows("people")
        );
        let waiting = self.world.quarantine();
        let mut seen = BTreeMap::new();
        for (ids, (_, text)) in groups {
            let Some(golden) = goldens.get(&ids) else {
                // Somebody has changed what one of them is in.
                let waits = |id: &String| {
                    let own = waiting.iter().find(|one| one.id.as_ref() == Some(id));
                    own.is_some_and(|one| one.reason.code == "target.edited")
                };
                let is_edited = !self.edited.is_empty() && (self.has_waived || ids.iter().all(waits));
                let is_held = is_edited || ids.iter().all(|id| self.is_held_by_a_refusal(id));
                assert!(is_held, "{ids:?} in {goldens:#?}");
                continue;
            };
            for id in &ids {
                let sql = format!(
                    "SELECT count(*)||':'||max(golden) FROM audit_cross_reference WHERE member_id='{id}'"
                );
                assert_eq!(
                    self.world.asked::<String>(&sql),
                    format!("1:{}", golden.0),
                    "{id}"
                );
            }
            if let Some((before, was)) = self.seen.get(&ids)
                && *before == text
            {
                assert_eq!(was, golden, "{ids:?}");
            }
            seen.insert(ids, (text, golden.clone()));
        }
        self.seen = seen;
        let options = VerifyOptions::default().remake(true);
        let report = verify(&self.world.store, &options).expect("a verification");
        assert!(report.is_sound(), "{:#?}", report.findings);
    }

    /// Returns whether a record waits for another one: one of its golden record is refused, which stays as it was, or it would
    /// come to one that does.
    fn is_held_by_a_refusal(&self, id: &str) -> bool {
        let sql = format!(
            "SELECT (SELECT count(*) FROM audit_cross_reference a JOIN audit_cross_reference b USING(golden)
                     JOIN audit_quarantine q ON q.record=b.member WHERE a.member_id='{id}')
                  + (SELECT count(*) FROM audit_quarantine q WHERE q.id='{id}' AND q.code='merge.waits')"
        );
        self.has_waived || self.world.asked::<i64>(&sql) > 0
    }

    /// Takes everything back, and does it again.
    fn come_back(&mut self) {
        while let Some(id) = self.edited.keys().next().cloned() {
            self.restore(&id);
        }
        self.apply(&ApplyOptions::default().batch_size(2));
        let register = self.world.rows("register");
        let people: BTreeSet<BTreeSet<String>> = self.seen.keys().cloned().collect();
        let may_hold = self.has_waived || !self.world.quarantine().is_empty();
        self.seen.clear();
        self.world.roll_back(RollbackScope::All);
        self.world.is_sound();
        assert_eq!(self.world.rows("register"), register);
        assert_eq!(self.world.rows("people"), []);
        self.apply(&ApplyOptions::default().batch_size(3));
        let again: BTreeSet<BTreeSet<String>> = self.seen.keys().cloned().collect();
        // What waited for a refused record of its golden record waits no more: there is none yet.
        assert!(again.is_superset(&people), "{people:?} became {again:?}");
        if !may_hold {
            assert_eq!(again, people);
        }
        self.world.is_sound();
    }
}

proptest! {
    #![proptest_config(histories(30, 2026))]

    #[test]
    fn golden_records_are_the_groups_of_equal_keys(steps in prop::collection::vec(step(), 1..14)) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
        }
        history.come_back();
    }
}

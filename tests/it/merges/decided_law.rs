//! Random histories of decisions about pairs of a merge by an exact key: whatever was loaded, corrected, deleted, decided,
//! taken apart, applied, interrupted and rolled back, in any order,
//! - after an `apply` each member is in exactly one golden record; accepted pairs are in one, rejected ones are not;
//! - who is together is linked by equal keys or by accepted pairs, and where nobody has decided anything, equal keys are
//!   together;
//! - who was taken out of a golden record is alone at once, and its golden record is what it was without it;
//! - a decision writes no row, a plan tells beforehand what the apply does, and a second apply finds nothing;
//! - after everything is rolled back, decisions too, another apply makes what it makes in a store that never knew them.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::record::{RecordNumber, RunId};
use counterfoil::review::{
    Decision, PairDecision, QueueFilter, Unmerge, UnmergeConflict, UnmergeOptions, decide, unmerge,
};
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::verify::{VerifyOptions, verify};
use proptest::prelude::*;

use super::register::BY_KEY;
use crate::support::histories::histories;
use crate::support::world::{StopAfter, World};

const PROJECT: &str = "decided";

#[derive(Clone, Debug)]
enum Step {
    /// Lines of (id, key).
    Load(Vec<(u8, u8)>),
    Put(u8, u8),
    Delete(u8),
    /// With a stop after so many batches.
    Apply(Option<usize>),
    Relearn,
    Decide(Vec<(u8, u8, u8)>),
    /// A member leaves.
    Leave(u8),
    /// A golden record falls into its members: that of this member.
    Part(u8),
    /// One of the runs, whatever came after it.
    RollbackRun(usize),
    RollbackStage,
}

fn step() -> impl Strategy<Value = Step> {
    let line = || (0..7u8, 0..4u8);
    prop_oneof![
        3 => prop::collection::vec(line(), 1..5).prop_map(Step::Load),
        2 => line().prop_map(|(id, key)| Step::Put(id, key)),
        1 => (0..7u8).prop_map(Step::Delete),
        5 => prop::option::weighted(0.3, 1..3usize).prop_map(Step::Apply),
        1 => Just(Step::Relearn),
        5 => prop::collection::vec((0..7u8, 0..7u8, 0..5u8), 1..4).prop_map(Step::Decide),
        2 => (0..7u8).prop_map(Step::Leave),
        1 => (0..7u8).prop_map(Step::Part),
        2 => (0..8usize).prop_map(Step::RollbackRun),
        1 => Just(Step::RollbackStage),
    ]
}

fn id(id: u8) -> String {
    format!("r{id}")
}

fn data(id: u8, key: u8) -> String {
    // Without a key a record is nobody else's.
    let key = if key == 3 {
        String::new()
    } else {
        format!("K{key}")
    };
    format!(r#"{{"id":"r{id}","key":"{key}","ids":["r{id}"]}}"#)
}

/// Sets of records, as a partition.
type Groups = BTreeSet<BTreeSet<i64>>;

struct History {
    world: World,
    /// The runs that stand, of applies and of decisions.
    runs: Vec<RunId>,
    /// The golden records when they were last looked at, unless something was rolled back since.
    seen: BTreeMap<i64, (BTreeSet<i64>, String)>,
}

impl History {
    fn new() -> Self {
        let mut world = World::new(PROJECT, &[("0001_people.toml", BY_KEY)]);
        world.load("register", &[data(0, 0)]);
        world.apply();
        Self {
            world,
            runs: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Load(lines) => {
                let lines: BTreeMap<u8, String> =
                    lines.iter().map(|(id, key)| (*id, data(*id, *key))).collect();
                let lines: Vec<String> = lines.into_values().collect();
                self.world.load("register", &lines);
            }
            Step::Put(number, key) => self.world.put("register", &id(*number), &data(*number, *key)),
            Step::Delete(number) => {
                if self.world.data("register", &id(*number)).is_some() {
                    self.world.delete("register", &id(*number));
                }
            }
            Step::Apply(stop) => self.apply(*stop, false),
            Step::Relearn => self.apply(None, true),
            Step::Decide(decisions) => self.decide(decisions),
            Step::Leave(member) => self.take_out(*member, false),
            Step::Part(member) => self.take_out(*member, true),
            Step::RollbackRun(at) => {
                if let Some(run) = self.runs.get(*at).copied() {
                    let is_done = self.roll_back(RollbackScope::Run(run));
                    assert!(
                        is_done || !self.only_decides(run),
                        "a decision can always be taken back"
                    );
                    if is_done {
                        self.runs.remove(*at);
                    }
                }
            }
            Step::RollbackStage => {
                let runs: Vec<RunId> = self
                    .runs
                    .iter()
                    .copied()
                    .filter(|run| self.only_decides(*run))
                    .collect();
                if self.roll_back(RollbackScope::Stage(1)) {
                    self.runs = runs;
                }
            }
        }
        if matches!(
            step,
            Step::Decide(_) | Step::Leave(_) | Step::Part(_) | Step::RollbackRun(_)
        ) {
            self.world.is_sound();
        }
    }

    /// Returns whether a run has decided, and done nothing else.
    fn only_decides(&self, run: RunId) -> bool {
        let sql = format!(
            "SELECT min(p.kind='merge') FROM ledger_batch b JOIN ledger_pass p USING(pass) WHERE b.run={}",
            run.get()
        );
        self.world.asked::<i64>(&sql) == 1
    }

    fn number(&self, record: u8) -> Option<RecordNumber> {
        let row = self
            .world
            .rows("register")
            .into_iter()
            .find(|row| row.id == id(record));
        row.map(|row| row.number)
    }

    fn decide(&mut self, decisions: &[(u8, u8, u8)]) {
        let choose = |(a, b, what): &(u8, u8, u8)| {
            let what = match what {
                0 | 1 => Decision::Accept,
                2 => Decision::Reject,
                3 => Decision::Never,
                _ => Decision::Same,
            };
            Some(PairDecision::new(self.number(*a)?, self.number(*b)?, what))
        };
        let decisions: Vec<PairDecision> = decisions.iter().filter_map(choose).collect();
        let before = self.world.rows("people");
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report = decide(store, stages, 1, &decisions, &RunInfo::new("review"));
        // A rollback of the stage or of a decision may have brought back two that contradict each other.
        let Ok(report) = report else { return };
        assert!(report.refused.is_empty() || report.run.is_none(), "{report:?}");
        self.runs.extend(report.run);
        assert_eq!(self.world.rows("people"), before, "a decision writes no row");
    }

    fn take_out(&mut self, member: u8, all: bool) {
        let Some(number) = self.number(member) else { return };
        let together = |world: &World| {
            let groups = groups(world);
            groups.into_iter().find(|group| group.contains(&number.get()))
        };
        let Some(before) = together(&self.world).filter(|group| group.len() > 1) else {
            return;
        };
        let what = if all {
            let sql = format!(
                "SELECT golden_id FROM audit_cross_reference WHERE member={}",
                number.get()
            );
            Unmerge::new("people", [self.world.asked::<String>(&sql)])
        } else {
            Unmerge::new("register", [id(member)])
        };
        let forced = UnmergeOptions::default().on_conflict(UnmergeConflict::Force);
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report = unmerge(store, stages, &what, &forced, &mut Silent);
        // A pass that was interrupted comes first; accepted pairs may hold the two together through a third.
        let Ok(report) = report else { return };
        self.runs.extend(report.run);
        self.seen.clear();
        let now = groups(&self.world);
        for one in &before {
            for other in before.iter().filter(|other| *other > one) {
                if all || *one == number.get() || *other == number.get() {
                    let both = now
                        .iter()
                        .find(|group| group.contains(one) && group.contains(other));
                    assert_eq!(both, None, "taken apart");
                }
            }
        }
    }

    fn roll_back(&mut self, scope: RollbackScope) -> bool {
        let options = RollbackOptions::default().scope(scope);
        let is_done = self.world.try_roll_back(&options).is_ok();
        if is_done {
            self.seen.clear();
        }
        is_done
    }

    fn apply(&mut self, stop: Option<usize>, relearns: bool) {
        let options = ApplyOptions::default().batch_size(2).relearn(relearns);
        let planning = PlanOptions::default().apply(options.clone());
        let planned = plan(&self.world.store, &self.world.stages, &planning, &mut Silent);
        let signal = StopSignal::default();
        let mut observer = StopAfter(stop.unwrap_or(usize::MAX), signal.clone());
        let (store, stages) = (&mut self.world.store, &self.world.stages);
        let report = counterfoil::apply::apply(store, stages, &options.stop(signal), &mut observer);
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                // Two decisions may contradict each other if one that settled it was taken back.
                assert!(error.to_string().contains("are decided to be two"), "{error}");
                assert!(planned.is_err());
                return;
            }
        };
        self.runs.extend(report.run);
        if stop.is_some() {
            // What is judged half-way may be judged otherwise in the end.
            self.seen.clear();
            return;
        }
        let planned = planned.expect("a plan");
        if report.passes.iter().all(|pass| !pass.resumed) {
            let sum = |counts: &mut dyn Iterator<Item = [u64; 3]>| {
                counts.fold([0; 3], |all, one| {
                    [all[0] + one[0], all[1] + one[1], all[2] + one[2]]
                })
            };
            let foreseen = planned.stages.iter().map(|stage| &stage.counts);
            let done = report.passes.iter().map(|pass| &pass.counts);
            let foreseen = sum(&mut foreseen.map(|counts| [counts.read, counts.merged, counts.unchanged]));
            let done = sum(&mut done.map(|counts| [counts.read, counts.merged, counts.unchanged]));
            assert_eq!(foreseen, done, "the plan");
        }
        let again = self.world.apply();
        assert!(again.passes.is_empty(), "{again:#?}");
        self.law();
    }

    fn law(&mut self) {
        let keys: BTreeMap<i64, String> = self
            .world
            .rows("register")
            .into_iter()
            .map(|row| (row.number.get(), key(&row.data)))
            .collect();
        let groups = groups(&self.world);
        let members: Vec<i64> = groups.iter().flatten().copied().collect();
        let each: BTreeSet<i64> = members.iter().copied().collect();
        assert_eq!(members.len(), each.len(), "in one golden record each");
        assert_eq!(each, keys.keys().copied().collect(), "every record is in one");
        let decided = decided(&self.world);
        let group_of = |record: i64| groups.iter().find(|group| group.contains(&record));
        let mut named = BTreeSet::new();
        let mut links: Vec<(i64, i64)> = Vec::new();
        for (a, b, verdict) in &decided {
            named.extend([*a, *b]);
            if keys.contains_key(a) && keys.contains_key(b) {
                let are_one = group_of(*a) == group_of(*b);
                assert_eq!(
                    are_one,
                    verdict == "accepted",
                    "{a}+{b} {verdict}: {groups:?} {decided:?}"
                );
            }
            if verdict == "accepted" {
                links.push((*a, *b));
            }
        }
        for (a, key) in &keys {
            for (b, other) in keys.range(a + 1..) {
                if !key.is_empty() && key == other {
                    links.push((*a, *b));
                    // Nobody has said anything about those of their key.
                    let alike = keys
                        .iter()
                        .filter(|(_, one)| *one == key)
                        .map(|(record, _)| record);
                    if alike.into_iter().all(|record| !named.contains(record)) {
                        assert_eq!(group_of(*a), group_of(*b), "{a} and {b} have one key");
                    }
                }
            }
        }
        for group in &groups {
            assert!(is_linked(group, &links), "{group:?} by {links:?}");
        }
        self.stays();
        let report = verify(&self.world.store, &VerifyOptions::default().remake(true));
        assert!(report.expect("a verdict").is_sound());
        self.queue(&decided);
    }

    /// Nobody is asked again about a pair that was decided for good, or that is one.
    fn queue(&self, decided: &[(i64, i64, String)]) {
        let queue = self
            .world
            .store
            .review_queue(PROJECT, &QueueFilter::default())
            .expect("a queue");
        let groups = groups(&self.world);
        for pair in &queue {
            let (a, b) = (pair.a.record.get(), pair.b.record.get());
            let known = decided.iter().find(|(one, other, _)| (*one, *other) == (a, b));
            assert!(
                known.is_none_or(|(.., verdict)| verdict == "rejected"),
                "{pair:?}"
            );
            assert!(
                !groups
                    .iter()
                    .any(|group| group.contains(&a) && group.contains(&b)),
                "{pair:?}"
            );
        }
    }

    /// A golden record of the same members keeps its number and its id.
    fn stays(&mut self) {
        let sql = "SELECT json_group_array(json_array(golden, golden_id, member)) FROM audit_cross_reference";
        let found: Vec<(i64, String, i64)> =
            serde_json::from_str(&self.world.asked::<String>(sql)).expect("rows");
        let mut now: BTreeMap<i64, (BTreeSet<i64>, String)> = BTreeMap::new();
        for (golden, id, member) in found {
            now.entry(golden)
                .or_insert_with(|| (BTreeSet::new(), id))
                .0
                .insert(member);
        }
        for (golden, (members, id)) in &self.seen {
            let same = now.iter().find(|(_, (now, _))| now == members);
            if let Some((number, (_, now))) = same {
                assert_eq!(
                    (number, now),
                    (golden, id),
                    "{members:?} has another golden record"
                );
            }
        }
        self.seen = now;
    }

    /// Takes everything back, decisions too: the start, and the same as without them.
    fn come_back(&mut self) {
        let register = self.world.rows("register");
        while let Some(run) = self.runs.pop() {
            self.roll_back(RollbackScope::Run(run));
        }
        self.roll_back(RollbackScope::All);
        let decisions = "SELECT group_concat(DISTINCT b.run) FROM ledger_standing p JOIN ledger_batch b USING(pass) WHERE p.kind='merge'";
        if let Some(runs) = self.world.asked::<Option<String>>(decisions) {
            for run in runs.split(',') {
                let run = RunId::new(run.parse().expect("a run"));
                self.world.roll_back(RollbackScope::Run(run));
            }
        }
        self.world.is_sound();
        assert_eq!(self.world.rows("register"), register);
        assert_eq!(self.world.rows("people"), []);
        assert_eq!(decided(&self.world), []);
        self.world.apply();
        self.world.is_sound();
        let mut by_key: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for row in register {
            let mut key = key(&row.data);
            if key.is_empty() {
                key = row.id;
            }
            by_key.entry(key).or_default().insert(row.number.get());
        }
        assert_eq!(groups(&self.world), by_key.into_values().collect());
    }
}

fn key(data: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(data).expect("a record");
    document["key"].as_str().expect("a key").to_owned()
}

/// The members of each golden record.
fn groups(world: &World) -> Groups {
    let sql = "SELECT json_group_array(json(ids)) FROM (SELECT json_group_array(member) AS ids FROM audit_cross_reference GROUP BY golden)";
    serde_json::from_str(&world.asked::<String>(sql)).expect("groups")
}

/// The decisions that count: the newest of each pair.
fn decided(world: &World) -> Vec<(i64, i64, String)> {
    let sql = "SELECT json_group_array(json_array(a, b, decision)) FROM audit_decision WHERE counts=1";
    serde_json::from_str(&world.asked::<String>(sql)).expect("decisions")
}

/// Returns whether pairs link all of a group.
fn is_linked(group: &BTreeSet<i64>, links: &[(i64, i64)]) -> bool {
    let mut reached: BTreeSet<i64> = group.first().copied().into_iter().collect();
    loop {
        let before = reached.len();
        for (a, b) in links {
            if reached.contains(a) || reached.contains(b) {
                reached.extend([*a, *b].into_iter().filter(|record| group.contains(record)));
            }
        }
        if reached.len() == before {
            return reached == *group;
        }
    }
}

proptest! {
    #![proptest_config(histories(25, 14))]

    #[test]
    fn decisions_hold_whatever_happens(steps in prop::collection::vec(step(), 1..14)) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
        }
        history.come_back();
    }
}

//! People that come in many loads, are corrected and are deleted, with an apply after each: what an increment does to the
//! golden records, and how much of a merge of everything at once it reaches.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::edit::Edit;

use super::seen::{Agreement, Golden, Ids, Seen};
use crate::support::all_wanted;
use crate::support::people::{FILES, PROJECT, Registration, Town};
use crate::support::world::World;

/// A register that changes day by day.
struct Days {
    world: World,
    town: Town,
    /// What is still to come.
    coming: Vec<Registration>,
    /// What is registered, by id.
    registered: BTreeMap<String, Registration>,
    /// The newest batch when it was last merged.
    merged: i64,
}

impl Days {
    fn new(seed: u64, people: usize, records: usize) -> Self {
        let mut town = Town::new(seed, people);
        Self {
            world: World::new(PROJECT, &FILES),
            coming: town.registrations(records),
            town,
            registered: BTreeMap::new(),
            merged: 0,
        }
    }

    /// Loads the next so many, corrects some that are there, and deletes others. Returns the ids of all.
    fn change(&mut self, new: usize) -> Ids {
        let rest = self.coming.split_off(new.min(self.coming.len()));
        let mut lines = std::mem::replace(&mut self.coming, rest);
        let mut changed = Ids::new();
        let known: Vec<Registration> = self.registered.values().cloned().collect();
        for before in known {
            match self.town.chance.below(100) {
                0..4 => lines.push(self.town.corrected(&before)),
                4..6 => {
                    self.registered.remove(&before.id);
                    self.world.edit(
                        "register",
                        &[Edit::Delete {
                            id: before.id.clone(),
                        }],
                    );
                    changed.insert(before.id);
                }
                _ => {}
            }
        }
        self.town.chance.shuffle(&mut lines);
        let texts: Vec<&str> = lines.iter().map(|one| one.line.as_str()).collect();
        if !texts.is_empty() {
            self.world.load("register", &texts);
        }
        for one in lines {
            let before = self.registered.insert(one.id.clone(), one.clone());
            if before.is_none_or(|before| before != one) {
                changed.insert(one.id);
            }
        }
        changed
    }

    /// Merges, and returns what there is then, and the ids of the records that have entries because of it.
    fn merge(&mut self) -> (Seen, Ids) {
        self.merged = self.world.asked("SELECT max(batch) FROM ledger_batch");
        self.world.apply();
        assert!(self.world.apply().passes.is_empty(), "something was left to do");
        let sql = format!(
            "SELECT coalesce(group_concat(DISTINCT r.id),'') FROM ledger_entry e JOIN ledger_record r USING(record)
             WHERE e.batch>{}",
            self.merged
        );
        let entries: String = self.world.asked(&sql);
        let entries = entries.split(',').filter(|id| !id.is_empty()).map(str::to_owned);
        (Seen::of_world(&self.world), entries.collect())
    }

    /// What a merge of everything at once makes of the same register, by a model that it learns anew.
    fn at_once(&self) -> Seen {
        let world = merged(&self.lines());
        Seen::of_world(&world)
    }

    /// The same by the model of a merge that was made before: as one increment after everything was deleted.
    fn at_once_by_the_model_of(&self, mut earlier: World) -> Seen {
        let rows = earlier.rows("register").into_iter();
        let edits: Vec<Edit> = rows.map(|row| Edit::Delete { id: row.id }).collect();
        earlier.edit("register", &edits);
        earlier.load("register", &self.lines());
        earlier.apply();
        Seen::of_world(&earlier)
    }

    /// The register, in the order of the numbers.
    fn lines(&self) -> Vec<String> {
        let rows = self.world.rows("register").into_iter();
        rows.map(|row| row.data).collect()
    }
}

/// A register that is merged at once.
fn merged(lines: &[String]) -> World {
    let mut world = World::new(PROJECT, &FILES);
    world.load("register", lines);
    world.apply();
    world
}

/// Everything that an increment may touch: what has changed, and every record that is or was in one golden record with that.
fn touched(changed: &Ids, seen: [&Seen; 2]) -> Ids {
    let mut touched = changed.clone();
    loop {
        let before = touched.len();
        let goldens = seen.iter().flat_map(|seen| seen.people.values());
        for Golden { members, .. } in goldens {
            if members.iter().any(|member| touched.contains(member)) {
                touched.extend(members.iter().cloned());
            }
        }
        if touched.len() == before {
            return touched;
        }
    }
}

/// What stays as it is when some records change.
fn untouched_stays(before: &Seen, after: &Seen, changed: &Ids, entries: &Ids) {
    let touched = touched(changed, [before, after]);
    let beyond: Vec<&String> = entries.difference(&touched).collect();
    assert_eq!(beyond, [] as [&String; 0], "entries of what was not touched");
    for id in changed {
        assert!(entries.contains(id), "{id} has changed and has no entry");
    }
    let of = after.golden_of();
    for (number, golden) in &before.people {
        let is_touched = golden.members.iter().any(|member| touched.contains(member));
        if !is_touched {
            assert_eq!(after.people.get(number), Some(golden), "{number}");
        }
        // What has not changed stays together, in its golden record or in an older one.
        if golden.members.is_disjoint(changed) {
            let now: BTreeSet<i64> = golden.members.iter().map(|member| of[member.as_str()]).collect();
            assert_eq!(now.len(), 1, "{golden:?} is in {now:?}");
            assert!(now.iter().all(|now| now <= number), "{golden:?} is in {now:?}");
        }
    }
    // A golden record that is still there is called as before.
    for (number, golden) in &before.people {
        if let Some(now) = after.people.get(number) {
            assert_eq!(now.id, golden.id);
        }
    }
}

/// How well registers are merged, in all of several cases.
#[derive(Default)]
struct Quality {
    increments: usize,
    entries: usize,
    /// Of the increments with the truth, of a merge at once with it, and of one with the other.
    increments_with_truth: Agreement,
    at_once_with_truth: Agreement,
    with_each_other: Agreement,
}

impl Quality {
    fn add(&mut self, increments: &Seen, at_once: &Seen) {
        let truth = increments.true_pairs();
        self.increments_with_truth.add(&increments.pairs(), &truth);
        self.at_once_with_truth.add(&at_once.pairs(), &truth);
        self.with_each_other.add(&increments.pairs(), &at_once.pairs());
    }

    /// Finds the truth as well as a merge of everything at once, within half a percent; returns how well the two agree
    /// with each other.
    fn is_as_good_as_at_once(&self, what: &str) -> f64 {
        let [increments, at_once, each_other] = [
            self.increments_with_truth,
            self.at_once_with_truth,
            self.with_each_other,
        ]
        .map(Agreement::f1);
        let figures = format!(
            "{what}: {} increments with {} entries: F1 {increments:.4}, at once {at_once:.4}, with each other {each_other:.4}",
            self.increments, self.entries
        );
        println!("{figures}");
        assert!((increments - at_once).abs() <= 0.005, "{figures}");
        each_other
    }

    /// Registers what is still to come in increments of up to so many, with what holds for each.
    fn come(&mut self, days: &mut Days, most: u64) -> Seen {
        let (mut before, _) = days.merge();
        while !days.coming.is_empty() {
            let new = 1 + usize::try_from(days.town.chance.below(most)).expect("a few");
            let changed = days.change(new);
            let (after, entries) = days.merge();
            untouched_stays(&before, &after, &changed, &entries);
            self.increments += 1;
            self.entries += entries.len();
            before = after;
        }
        days.world.is_sound();
        before
    }
}

#[test]
fn increments_touch_only_what_has_changed_and_come_to_what_one_increment_does() {
    let cases = if all_wanted() { 40 } else { 3 };
    let mut quality = Quality::default();
    for case in 0..cases {
        let mut days = Days::new(500 + case, 200, 300);
        let first = 100 + usize::try_from(days.town.chance.below(100)).expect("a few");
        days.change(first);
        let earlier = merged(&days.lines());
        let increments = quality.come(&mut days, 60);
        quality.add(&increments, &days.at_once_by_the_model_of(earlier));
    }
    let each_other = quality.is_as_good_as_at_once(&format!("{cases} registers of 300, by one model"));
    assert!(each_other >= 0.995, "{each_other:.4}");
}

/// With a register that is large enough to learn from: a hundred people do not show how rare it is that two are one. Two
/// models differ about pairs at the line, so the two are measured by the truth and not by each other.
#[test]
fn increments_by_the_first_model_come_to_what_a_full_merge_does_by_a_new_one() {
    let cases = if all_wanted() { 4 } else { 1 };
    let mut quality = Quality::default();
    for case in 0..cases {
        let mut days = Days::new(900 + case, 1_150, 1_800);
        let first = 800 + usize::try_from(days.town.chance.below(500)).expect("some");
        days.change(first);
        let increments = quality.come(&mut days, 400);
        quality.add(&increments, &days.at_once());
    }
    quality.is_as_good_as_at_once(&format!("{cases} registers of 1800, by a new model"));
}

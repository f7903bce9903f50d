//! A merge and its increments taken back, in every way: the start, byte for byte, and a ledger that has grown.

use std::collections::BTreeMap;

use counterfoil::record::RunId;
use counterfoil::rollback::RollbackScope;

use super::seen::Seen;
use crate::support::people::{FILES, PROJECT, Registration, Town};
use crate::support::world::World;

/// What is in the logical databases, byte for byte.
type Rows = BTreeMap<String, Vec<(i64, String, String)>>;

fn rows(world: &World) -> Rows {
    ["register", "people"]
        .map(|database| {
            let rows = world.rows(database).into_iter();
            let rows = rows.map(|row| (row.number.get(), row.id, row.data));
            (database.to_owned(), rows.collect())
        })
        .into()
}

/// The ledger's batches, as their heads: what is there stays there.
fn ledger(world: &World) -> Vec<String> {
    let heads: String =
        world.asked("SELECT group_concat(hex(head)) FROM (SELECT head FROM ledger_batch ORDER BY batch)");
    heads.split(',').map(str::to_owned).collect()
}

/// A register, merged three times with changes in between, and the runs that did it.
struct History {
    world: World,
    runs: Vec<RunId>,
    /// What was there before each run.
    before: Vec<Rows>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut town = Town::new(seed, 100);
        let mut people = town.registrations(150);
        let mut world = World::in_batches_of(30, PROJECT, &FILES);
        let (mut runs, mut before) = (Vec::new(), Vec::new());
        let later = people.split_off(90);
        load(&mut world, &people);
        for new in later.chunks(30) {
            before.push(rows(&world));
            runs.push(world.apply().run.expect("a run"));
            let mut lines = new.to_vec();
            lines.extend(people[..8].iter().map(|one| town.corrected(one)));
            load(&mut world, &lines);
            world.delete("register", &people[10].id);
            people.drain(..12);
        }
        before.push(rows(&world));
        runs.push(world.apply().run.expect("a run"));
        Seen::of_world(&world);
        Self { world, runs, before }
    }

    /// Nothing is merged, the register is as it was, and the ledger begins as it did.
    fn is_back(&self, register: &Rows, heads: &[String]) {
        let now = rows(&self.world);
        assert_eq!(now["register"], register["register"]);
        assert_eq!(now["people"], []);
        let lines: i64 = self
            .world
            .asked("SELECT (SELECT count(*) FROM audit_cross_reference)+(SELECT count(*) FROM audit_review)");
        assert_eq!(lines, 0, "the views");
        let ledger = ledger(&self.world);
        assert!(ledger.len() > heads.len() && ledger.starts_with(heads));
        self.world.is_sound();
    }

    /// Merged again, it is what it would be if nobody had ever merged it.
    fn again_as_at_first(&mut self) {
        let mut other = World::new(PROJECT, &FILES);
        let register = self.world.rows("register");
        let lines: Vec<&str> = register.iter().map(|row| row.data.as_str()).collect();
        other.load("register", &lines);
        other.apply();
        self.world.apply();
        let (again, at_first) = (Seen::of_world(&self.world), Seen::of_world(&other));
        assert_eq!(again.goldens(), at_first.goldens());
        assert_eq!(again.clusters(), at_first.clusters());
        self.world.is_sound();
    }
}

fn load(world: &mut World, people: &[Registration]) {
    let lines: Vec<&str> = people.iter().map(|one| one.line.as_str()).collect();
    world.load("register", &lines);
}

#[test]
fn rolled_back_all_at_once() {
    for scope in [
        RollbackScope::All,
        RollbackScope::Stage(1),
        RollbackScope::To(0),
        RollbackScope::Last,
    ] {
        let mut history = History::new(700);
        let (register, heads) = (rows(&history.world), ledger(&history.world));
        history.world.roll_back(scope);
        history.is_back(&register, &heads);
        history.again_as_at_first();
    }
}

#[test]
fn rolled_back_run_by_run() {
    for seed in 710..713 {
        let mut history = History::new(seed);
        let (register, heads) = (rows(&history.world), ledger(&history.world));
        while let Some(run) = history.runs.pop() {
            history.world.roll_back(RollbackScope::Run(run));
            // The register has changed between the merges, and a rollback of these changes none of that.
            let before = history.before.pop().expect("one for each run");
            let now = rows(&history.world);
            assert_eq!(
                now["people"], before["people"],
                "the golden records before {run:?}"
            );
            assert_eq!(now["register"], register["register"]);
            history.world.is_sound();
        }
        history.is_back(&register, &heads);
        history.again_as_at_first();
    }
}

#[test]
fn the_loads_between_are_rolled_back_too() {
    let mut history = History::new(720);
    let heads = ledger(&history.world);
    history.world.roll_back(RollbackScope::All);
    let sql = "SELECT group_concat(run) FROM (SELECT DISTINCT b.run FROM ledger_batch b JOIN ledger_standing p USING(pass)
     WHERE p.kind IN('load','edit') ORDER BY b.run DESC)";
    let runs: String = history.world.asked(sql);
    for run in runs.split(',') {
        let run = RunId::new(run.parse().expect("a number"));
        history.world.roll_back(RollbackScope::Run(run));
        history.world.is_sound();
    }
    assert_eq!(rows(&history.world).values().map(Vec::len).sum::<usize>(), 0);
    assert!(ledger(&history.world).starts_with(&heads));
}

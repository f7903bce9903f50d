//! What comes after the first apply: corrections, additions, deletions, retries, revisions, and what has to be refused.

mod corrections;
mod loads;
mod quarantine;
mod revisions;
mod rollbacks;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use counterfoil::apply::{ApplyOptions, ApplyReport, PassReport};
use counterfoil::rollback::{RollbackOptions, RollbackReport, RollbackScope};
use counterfoil::stage::Stages;

use crate::support::world::{World, stages};

const COPY: &str = r#"
[stage]
source = "a"
target = "b"
rounding = "half-even"
max_errors = 100

[[op]]
op = "decimal"
path = "n"
places = 2
emit = "string"
"#;

const IN_PLACE: &str = r#"
[stage]
source = "b"
max_errors = 100

[[op]]
op = "add"
path = "seen"
value = true

[contract]
target = { properties = { n = { pattern = '^\d{1,3}\.\d\d$' } } }
"#;

const ON: &str = r#"
[stage]
source = "b"
target = "c"
max_errors = 100

[[op]]
op = "rename"
from = "n"
to = "amount"
"#;

const FILES: [(&str, &str); 3] = [
    ("0001_copy.toml", COPY),
    ("0002_in_place.toml", IN_PLACE),
    ("0003_on.toml", ON),
];

/// A world whose stage files change, and whose records are numbers.
struct Project {
    world: World,
    files: BTreeMap<String, String>,
}

impl Deref for Project {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Project {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Project {
    fn new() -> Self {
        Self {
            world: World::new("demo", &FILES),
            files: FILES
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
        }
    }

    /// With records 1 to `count` loaded and carried through all stages.
    fn applied(count: u32) -> Self {
        let mut project = Self::new();
        project.load(1..=count);
        project.apply();
        project
    }

    fn stages(&self) -> Stages {
        let files = self
            .files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        stages("demo", &files.collect::<Vec<_>>())
    }

    fn change(&mut self, file: &str, from: &str, to: &str) {
        let text = self.files.get_mut(file).expect("a stage");
        assert!(text.contains(from));
        *text = text.replace(from, to);
    }

    fn load(&mut self, ids: impl IntoIterator<Item = u32>) {
        let lines: Vec<(u32, String)> = ids.into_iter().map(|id| (id, id.to_string())).collect();
        self.load_with(&lines);
    }

    fn load_with(&mut self, lines: &[(u32, String)]) {
        let line = |(id, n): &(u32, String)| format!("{{\"id\":\"r{id}\",\"n\":\"{n}\"}}");
        let lines: Vec<String> = lines.iter().map(line).collect();
        self.world.load("a", &lines);
    }

    fn correct(&mut self, id: u32, n: &str) {
        self.load_with(&[(id, n.to_owned())]);
    }

    /// A record that is put by hand.
    fn put(&mut self, database: &str, id: u32, n: &str) {
        let data = format!("{{\"n\":\"{n}\"}}");
        self.world.put(database, &format!("r{id}"), &data);
    }

    fn delete(&mut self, database: &str, id: u32) {
        self.world.delete(database, &format!("r{id}"));
    }

    fn try_apply(&mut self, options: &ApplyOptions) -> counterfoil::Result<ApplyReport> {
        self.world.stages = self.stages().into();
        self.world.try_apply(options)
    }

    fn apply(&mut self) -> ApplyReport {
        let report = self.try_apply(&ApplyOptions::default()).expect("an apply");
        self.is_sound();
        report
    }

    /// How many records each stage read, and how many it refused.
    fn carried(&mut self) -> Vec<(u32, u64, u64)> {
        let report = self.apply();
        let pass = |pass: &PassReport| (pass.stage, pass.counts.read, pass.counts.refused);
        report.passes.iter().map(pass).collect()
    }

    fn data(&self, database: &str, id: u32) -> Option<String> {
        self.world.data(database, &format!("r{id}"))
    }

    fn count(&self, database: &str) -> u64 {
        self.store.count(database).expect("a database")
    }

    fn roll_back(&mut self, scope: RollbackScope) {
        self.try_roll_back(scope).expect("a rollback");
        self.is_sound();
    }

    fn try_roll_back(&mut self, scope: RollbackScope) -> counterfoil::Result<RollbackReport> {
        self.world
            .try_roll_back(&RollbackOptions::default().scope(scope).batch_size(2))
    }

    fn retry(&mut self) -> ApplyReport {
        self.world.stages = self.stages().into();
        let report = self.world.retry();
        self.is_sound();
        report
    }

    fn quarantine(&self) -> Vec<(Option<u32>, i64)> {
        let found = self.world.quarantine().into_iter();
        found
            .map(|refused| (refused.stage, refused.record.get()))
            .collect()
    }
}

fn record(database: &str, id: u32) -> RollbackScope {
    RollbackScope::Record {
        database: database.to_owned(),
        id: format!("r{id}"),
    }
}

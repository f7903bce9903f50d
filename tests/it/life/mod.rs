//! The life of a project, day by day, through the real command: files, stages that come one after the other, hand fixes,
//! corrections, retries, waivers, rollbacks, kills that the next day's commands follow, a restored copy, a moved folder.
//!
//! Each day after `apply` every source must be what was loaded, byte for byte and in the order of arrival, and every target
//! what the stages make of their sources from scratch (`model.rs`), except for exactly the rows that
//! `deviation::deviations` names. `verify` is sound each week; what is proved, and what is reconciled, each month.
//!
//! A fortnight without kills every day. `COUNTERFOIL_LIFE=1` asks for 168 days with them, `COUNTERFOIL_LIFE_DAYS` for another number of them,
//! `COUNTERFOIL_LIFE_SEED` for another life, `COUNTERFOIL_LIFE_KILLS` for so many kills in a hundred commands;
//! `COUNTERFOIL_LIFE_KEEP` names a folder in which the mornings of the last week are kept. All is the same for the same
//! seed, but for the instant at which a kill hits.

mod deeds;
mod found;
mod model;
mod stages;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use counterfoil::deviation::Deviation;
use counterfoil::environment::Environment;
use counterfoil::project::Project;
use counterfoil::store::{Store, StoreOptions};

use deeds::Deed;
use model::{Applied, Model, Row};
use stages::{SOURCES, STAGES};
use world::{MONTH, World};

use crate::support::random::Random;

/// Records in a batch: a file of a day is several.
const BATCH: usize = 5;

/// A copy of the store, and what was known then.
struct Copy {
    store: PathBuf,
    checkpoints: Vec<u8>,
    model: Model,
}

struct Life {
    world: World,
    random: Random,
    model: Model,
    /// The stages there are, and which of them as revised.
    stages: BTreeSet<u32>,
    revised: BTreeSet<u32>,
    /// The files that have come.
    files: BTreeMap<String, Vec<String>>,
    /// What has happened to the sources since the copy was made.
    journal: Option<Vec<Deed>>,
    copy: Option<Copy>,
    newest: u32,
    /// How often in a hundred a command is killed.
    kills: u64,
    /// What the databases held when they were last compared.
    is: BTreeMap<String, Vec<Row>>,
}

impl Life {
    fn begin(seed: u64, days: u32) -> Self {
        let mut world = World::new(seed, days);
        world.run(&["init", "shop", "--here"], &[0]);
        let first = world.path("0001_first.toml");
        std::fs::remove_file(first).expect("init makes a first stage");
        let settings = format!("name = \"shop\"\nstore = \"store.db\"\nbatch_size = {BATCH}\n");
        world.write("counterfoil.toml", &settings);
        Self {
            world,
            random: Random::new(seed),
            model: Model::default(),
            stages: BTreeSet::new(),
            revised: BTreeSet::new(),
            files: BTreeMap::new(),
            journal: None,
            copy: None,
            newest: 1,
            // A kill hits where it hits: what is to be the same every day has none.
            kills: match std::env::var("COUNTERFOIL_LIFE_KILLS") {
                Ok(asked) => asked.parse().expect("a number in a hundred"),
                Err(_) if std::env::var_os("COUNTERFOIL_LIFE").is_some() => 15,
                Err(_) => 0,
            },
            is: BTreeMap::new(),
        }
    }

    fn applied(&self) -> Applied<'_> {
        Applied {
            stages: &self.stages,
            revised: &self.revised,
        }
    }

    fn day(&mut self, day: u32) {
        self.world.begin_day(day);
        self.stage_files_come();
        self.copies();
        self.loads_go_on();
        self.files_come();
        self.records_go();
        self.hand_fixes();
        self.quarantine();
        self.rollbacks();
        if day % 7 == 3 {
            self.world.run(&["plan"], &[0, 3, 5]);
            self.world.run(&["status"], &[0, 3, 5, 6]);
        }
        if self.apply() {
            self.compare();
            if day % 7 == 6 {
                self.world.run(&["verify"], &[0]);
            }
            if day % MONTH == MONTH - 1 || (self.world.days < MONTH && day == self.world.days - 1) {
                self.evidence();
            }
        }
    }

    /// A new stage, now and then a revision, once a renamed file.
    fn stage_files_come(&mut self) {
        let (day, days) = (self.world.day, self.world.days);
        let before = (self.stages.len(), self.revised.len());
        let due = |stage: u32, of: u32| day == (stage - 1) * days / of + u32::from(stage > 1);
        for stage in &STAGES {
            if due(stage.number, 14) {
                self.world.write(&stage.file_name(false), &stage.file(false));
                self.stages.insert(stage.number);
            }
            let half_later = (stage.number - 1) * days / 14 + days / 5;
            if stage.is_revisable() && day == half_later {
                self.world.write(&stage.file_name(false), &stage.file(true));
                self.revised.insert(stage.number);
            }
            if stage.number == 4 && day == days * 3 / 4 {
                let (old, new) = (stage.file_name(false), stage.file_name(true));
                std::fs::rename(self.world.path(&old), self.world.path(&new)).expect("it is there");
                self.world.note(&format!("mv {old} {new}"));
            }
        }
        if before != (self.stages.len(), self.revised.len()) {
            self.world.run(&["check"], &[0]);
        }
    }

    /// A copy of the store is made, and restored some days later; once the folder moves.
    fn copies(&mut self) {
        let (day, days) = (self.world.day, self.world.days);
        let period = (days / 4).max(5);
        if day % period == period / 2 {
            let store = self.world.path(&format!("copy-{day}.db"));
            let connection = rusqlite::Connection::open(self.world.store()).expect("a store");
            let made = connection.execute("VACUUM INTO ?1", [store.to_str().expect("a plain name")]);
            made.expect("a copy");
            self.world.note("sqlite3 store.db \"VACUUM INTO ...\"");
            let checkpoints = std::fs::read(self.world.path("store.db.checkpoints")).unwrap_or_default();
            self.journal = Some(Vec::new());
            self.copy = Some(Copy {
                store,
                checkpoints,
                model: self.model.clone(),
            });
        }
        if day % period == period / 2 + 2 {
            self.restore();
        }
        if day == days / 2 {
            // Not while a copy waits there.
            if self.copy.is_none() {
                self.world.moves();
            }
        }
    }

    fn restore(&mut self) {
        let (Some(copy), Some(journal)) = (self.copy.take(), self.journal.take()) else {
            return;
        };
        let _ = std::fs::remove_file(self.world.path("store.db-journal"));
        std::fs::rename(&copy.store, self.world.store()).expect("the copy is there");
        let with_checkpoints = self.random.chance(50);
        if with_checkpoints {
            std::fs::write(self.world.path("store.db.checkpoints"), &copy.checkpoints).expect("it is ours");
        }
        self.world.note(&format!(
            "an older copy is restored, with its checkpoints: {with_checkpoints}"
        ));
        if !with_checkpoints {
            self.world.run(&["status"], &[0, 8]);
            self.world
                .run(&["checkpoint", "--accept-restore", "--reason", "restored"], &[0]);
        }
        self.model = copy.model;
        for deed in journal {
            match deed {
                Deed::Load(source, file, replace) => self.load(&source, &file, replace, false),
                Deed::Delete(database, id) => {
                    if self.model.source(&database).iter().any(|row| row.0 == id) {
                        self.delete(&database, &id);
                    }
                }
            }
        }
    }

    /// Sources byte for byte; targets as from scratch, or named.
    fn compare(&mut self) {
        let targets: BTreeSet<&str> = self.applied().all().map(|stage| stage.target).collect();
        let mut is: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for database in SOURCES.iter().chain(&targets) {
            is.insert((*database).to_owned(), self.world.rows(database));
        }
        for source in SOURCES {
            let wrong = is[source]
                .iter()
                .zip(self.model.source(source))
                .find(|(is, model)| is != model);
            if wrong.is_some() || is[source].len() != self.model.source(source).len() {
                self.world
                    .fail(&format!("{source} is not what was loaded; first {wrong:?}"));
            }
        }
        let named = self.deviations();
        for target in targets {
            let of_target: BTreeMap<&str, &Deviation> = named
                .iter()
                .filter(|deviation| deviation.database == target)
                .map(|deviation| (deviation.id.as_str(), deviation))
                .collect();
            let would_be = self.model.scratch(target, &self.applied(), &is);
            let rows: BTreeMap<&String, &String> = is[target].iter().map(|(id, data)| (id, data)).collect();
            let ids: BTreeSet<&String> = rows.keys().copied().chain(would_be.keys()).collect();
            for id in ids {
                let (row, wanted) = (rows.get(id).copied(), would_be.get(id));
                let named = of_target.get(id.as_str());
                if (row != wanted) != named.is_some() {
                    let why = format!(
                        "{target} {id}\n  is           {row:?}\n  from scratch {wanted:?}\n  named        {named:?}"
                    );
                    self.world.fail(&why);
                }
            }
        }
        self.is = is;
    }

    fn deviations(&mut self) -> Vec<Deviation> {
        self.world.timed("(deviations)", |world| {
            let project = Project::open(&world.path("")).expect("the stages compile");
            let store = Store::open(world.store(), StoreOptions::default(), Environment::default());
            let store = store.expect("the store opens");
            store.deviations(project.stages()).expect("deviations")
        })
    }

    /// What an auditor asks for each month.
    fn evidence(&mut self) {
        self.world.run(&["verify"], &[0]);
        self.world.run(&["reconcile"], &[0]);
        self.world.run(&["history"], &[0]);
        self.world.run(&["report"], &[0]);
        self.world.run(&["check"], &[0]);
        let is = self.is.clone();
        for (at, (database, rows)) in is.iter().enumerate() {
            let Some((id, _)) = self.random.pick(rows).cloned() else {
                continue;
            };
            let proof = format!("proof-{}-{at}.txt", self.world.day);
            self.world
                .run(&["prove", database, &id, "--disclose", "--output", &proof], &[0]);
            self.world.run(&["verify-proof", &proof], &[0]);
            self.world.run(&["trace", database, &id], &[0]);
        }
    }
}

fn lives(days: u32) {
    let seed = std::env::var("COUNTERFOIL_LIFE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut life = Life::begin(seed.unwrap_or(1), days);
    for day in 0..days {
        life.day(day);
    }
    if std::env::var_os("COUNTERFOIL_LIFE").is_some() {
        println!("{}", life.world.table());
    }
}

#[test]
fn a_project_lives_for_a_fortnight() {
    lives(14);
}

#[test]
fn a_project_lives_for_half_a_year() {
    if std::env::var_os("COUNTERFOIL_LIFE").is_none() {
        return;
    }
    let days = std::env::var("COUNTERFOIL_LIFE_DAYS")
        .ok()
        .and_then(|days| days.parse().ok());
    lives(days.unwrap_or(168));
}

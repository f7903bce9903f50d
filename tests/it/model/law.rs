//! The law: whatever was loaded, corrected, deleted, changed by hand, applied, interrupted, stopped at its limit of errors,
//! retried, waived and rolled back, in any order and with batches of any size, the next `apply` ends, and every target is
//! then what the stages make of their sources from scratch, or `deviations` names exactly the rows that are not.
//!
//! `scratch.rs` computes what the stages make from scratch: it knows no ledger, no pass and no increment. After every step
//! the store is copied, the copy is brought up to date, and both are compared.
//!
//! 60 cases every day; `COUNTERFOIL_MODEL_CASES` asks for more.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::deviation::deviations;
use counterfoil::edit::{Edit, edit};
use counterfoil::ledger::PassKind;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::rollback::{RollbackOptions, Scope, rollback};
use counterfoil::stage::{MaxErrors, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use counterfoil::{Error, Purpose};
use proptest::prelude::*;

use super::Watching;
use super::scratch::{Base, Layout, data, is_processed, layouts, rows, scratch};
use super::stages::PROJECT;

#[derive(Clone, Debug)]
enum Step {
    Load { database: usize, lines: Vec<(u8, u8, i64)>, replace: bool },
    Put(usize, u8, i64),
    Delete(usize, u8),
    Apply { to: u32, size: usize, stop: Option<usize>, limit: Option<u64> },
    Retry(usize),
    Waive,
    Rollback(RandomScope, usize),
}

#[derive(Clone, Copy, Debug)]
enum RandomScope {
    Last,
    To(u32),
    /// An apply, counted back from the newest.
    Apply(usize),
    Record(usize, u8),
    All,
}

struct History {
    folder: tempfile::TempDir,
    store: Store,
    layout: Layout,
    stages: Stages,
    /// What was put into targets, and into what stages change in place, by number: the data as it came.
    base: Base,
    /// What was there before it was deleted by hand.
    deleted: Base,
    loads: usize,
    applies: Vec<i64>,
}

type Checked = Result<(), TestCaseError>;

impl History {
    fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Surroundings::default());
        let stages = layout.stages();
        Self {
            folder,
            store: store.expect("a store"),
            layout,
            stages,
            base: Base::default(),
            deleted: Base::default(),
            loads: 0,
            applies: Vec::new(),
        }
    }

    /// The ids that a step may name in a database: those of its sources, and those that its stages give.
    fn id(&self, database: &str, at: u8) -> String {
        // Where a stage in place gives other ids, what comes from outside under the old ones would meet a record by chance.
        let is_old = match self.layout.prefix() {
            "m" => self.layout.is_source(database) && at < 4,
            _ => self.layout.is_source(database) || at < 2,
        };
        if is_old || self.layout.is_pure_source(database) {
            format!("k{at}")
        } else {
            format!("{}{}", self.layout.prefix(), at % 4)
        }
    }

    fn step(&mut self, step: &Step) -> Checked {
        let databases = self.layout.databases();
        match step.clone() {
            Step::Load { database, lines, replace } => {
                let database = databases[database % databases.len()];
                let database = if self.layout.is_source(database) { database } else { databases[0] };
                self.load(database, &lines, replace)?;
            }
            Step::Put(database, at, n) => {
                let database = databases[database % databases.len()];
                let id = self.id(database, at);
                let text = data(&id, at % 4, n, "");
                let change = Edit::Put { id: id.clone(), data: text.clone() };
                self.edit(database, &id, &change, Some(text))?;
            }
            Step::Delete(database, at) => {
                let database = databases[database % databases.len()];
                let id = self.id(database, at);
                let change = Edit::Delete { id: id.clone() };
                self.edit(database, &id, &change, None)?;
            }
            Step::Apply { to, size, stop, limit } => {
                let mut watching = Watching { after: stop, ..Watching::default() };
                let options = ApplyOptions {
                    to: Some(to),
                    batch_size: Some(size),
                    max_errors: Some(MaxErrors::Count(limit.unwrap_or(1_000))),
                    stop: watching.stop.clone(),
                    ..ApplyOptions::default()
                };
                let report = apply(&mut self.store, &self.stages, &options, &mut watching);
                let report = self.unless_rolling_back(report)?;
                self.applies.extend(report.and_then(|report| report.run));
            }
            Step::Retry(size) => {
                let options = ApplyOptions { batch_size: Some(size), ..ApplyOptions::default() };
                let selected = Selected::default();
                let report = retry(&mut self.store, &self.stages, &selected, &options, &mut Silent);
                match report {
                    Err(Error::Invalid { .. } | Error::NoSuchDatabase { .. }) => {}
                    report => {
                        let report = self.unless_rolling_back(report)?;
                        self.applies.extend(report.and_then(|report| report.run));
                    }
                }
            }
            Step::Waive => {
                let waived = waive(&mut self.store, PROJECT, &Selected::default(), &Purpose::new("waive"));
                waived.map_err(|error| TestCaseError::fail(format!("waive: {error}")))?;
            }
            Step::Rollback(scope, size) => self.rollback(scope, size, &databases)?,
        }
        self.check()
    }

    fn unless_rolling_back<T>(&self, report: Result<T, Error>) -> Result<Option<T>, TestCaseError> {
        match report {
            Ok(report) => Ok(Some(report)),
            Err(Error::NoSuchDatabase { .. }) => Ok(None),
            Err(error) => Err(TestCaseError::fail(format!("{error}"))),
        }
    }

    fn load(&mut self, database: &str, lines: &[(u8, u8, i64)], replace: bool) -> Checked {
        self.loads += 1;
        let mut ids = BTreeSet::new();
        let lines = lines.iter().filter(|(id, ..)| ids.insert(*id));
        let lines: Vec<(String, String)> = lines
            .map(|(id, key, n)| (format!("k{id}"), data(&format!("k{id}"), *key, *n, "")))
            .collect();
        let before = rows(&self.store, database);
        let text: String = lines.iter().map(|(_, data)| format!("{data}\n")).collect();
        let options = LoadOptions { replace, batch_size: Some(3), ..LoadOptions::default() };
        let name = format!("{}.ndjson", self.loads);
        load(&mut self.store, database, &name, text.as_bytes(), &options, &mut Silent)
            .map_err(|error| TestCaseError::fail(format!("load: {error}")))?;
        for (id, data) in lines {
            let was = before.iter().find(|row| row.id == id);
            if was.is_none() || replace {
                self.came(database, &id, was.map(|row| row.data.clone()).as_deref(), Some(data));
            }
        }
        Ok(())
    }

    fn edit(&mut self, database: &str, id: &str, change: &Edit, text: Option<String>) -> Checked {
        let before = rows(&self.store, database);
        let was = before.iter().find(|row| row.id == id).map(|row| (row.record, row.data.clone()));
        let edits = std::slice::from_ref(change);
        match edit(&mut self.store, database, edits, &Purpose::new("edit")) {
            Ok(_) => {}
            // Not there, or being filled.
            Err(Error::NoSuchRecord { .. } | Error::Invalid { .. } | Error::NoSuchDatabase { .. }) => {
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(format!("edit: {error}"))),
        }
        if let (None, Some((number, _))) = (&text, &was) {
            let key = (database.to_owned(), *number);
            if let Some(base) = self.base.remove(&key) {
                self.deleted.insert(key, base);
            }
        }
        self.came(database, id, was.map(|(_, data)| data).as_deref(), text);
        Ok(())
    }

    /// What came from outside to a database that stages write to. What is there in its new shape already stays what it
    /// began as: it was changed by hand.
    fn came(&mut self, database: &str, id: &str, was: Option<&str>, text: Option<String>) {
        let (Some(text), false) = (text, self.layout.is_pure_source(database)) else {
            return;
        };
        let after = rows(&self.store, database);
        let Some(row) = after.iter().find(|row| row.id == id) else {
            return;
        };
        let key = (database.to_owned(), row.record);
        let is_new = was.is_none();
        let is_raw = self.base.contains_key(&key) && was.is_some_and(|was| !is_processed(was));
        if is_new || is_raw {
            self.base.insert(key, (id.to_owned(), text));
        }
    }

    fn rollback(&mut self, scope: RandomScope, size: usize, databases: &[&str]) -> Checked {
        let scope = match scope {
            RandomScope::Last => Scope::Last,
            RandomScope::To(stage) => Scope::To(stage),
            RandomScope::All => Scope::All,
            RandomScope::Apply(back) => match self.applies.iter().rev().nth(back) {
                Some(run) => Scope::Run(*run),
                None => return Ok(()),
            },
            RandomScope::Record(database, at) => {
                let database = databases[database % databases.len()];
                if self.layout.is_pure_source(database) {
                    return Ok(());
                }
                Scope::Record { database: database.to_owned(), id: self.id(database, at) }
            }
        };
        let scope_given = scope.clone();
        let options = RollbackOptions { scope, batch_size: Some(size), ..RollbackOptions::default() };
        let before = counterfoil::history::history(&self.store, 1).expect("a history")[0].run;
        match rollback(&mut self.store, PROJECT, &options, &mut Silent) {
            Ok(report) => {
                if let (Scope::Record { database, .. }, Some(undone)) = (&scope_given, report.undone.first())
                    && undone.kind == PassKind::Edit
                {
                    self.put_was_undone(database);
                }
                Ok(())
            }
            Err(
                Error::Invalid { .. }
                | Error::NoSuch { .. }
                | Error::NoSuchRecord { .. }
                | Error::NoSuchDatabase { .. }
                | Error::RollbackConflict { .. }
                | Error::RollbackBeneath { .. },
            ) => {
                let after = counterfoil::history::history(&self.store, 1).expect("a history")[0].run;
                prop_assert_eq!(before, after, "a refused rollback writes nothing");
                Ok(())
            }
            Err(error) => Err(TestCaseError::fail(format!("rollback: {error}"))),
        }
    }

    /// What was put by hand was taken back: it is what it was before, or was never there.
    fn put_was_undone(&mut self, database: &str) {
        let after = rows(&self.store, database);
        for row in &after {
            let key = (database.to_owned(), row.record);
            if let Some(base) = self.deleted.remove(&key) {
                self.base.insert(key, base);
            }
        }
        self.base.retain(|(of, number), (id, data)| {
            if of != database {
                return true;
            }
            let Some(row) = after.iter().find(|row| row.record == *number) else {
                // What a stage in place has refused is there no more either.
                return self.layout.is_refused_in_place(database, id, data);
            };
            if !is_processed(&row.data) {
                (*id, *data) = (row.id.clone(), row.data.clone());
            }
            true
        });
    }

    /// Brings a copy up to date and compares it with what the stages make from scratch.
    fn check(&self) -> Checked {
        let path = self.folder.path().join("copy.db");
        std::fs::copy(self.store.path(), &path).expect("a copy");
        let mut copy =
            Store::open(&path, StoreOptions::default(), Surroundings::default()).expect("the copy opens");
        let options = ApplyOptions {
            max_errors: Some(MaxErrors::Count(1_000)),
            ..ApplyOptions::default()
        };
        match apply(&mut copy, &self.stages, &options, &mut Silent) {
            Err(Error::NoSuchDatabase { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("apply: {error}"))),
            Ok(report) => prop_assert_eq!(report.stopped, None, "nothing is left that stops it"),
        }
        let again = apply(&mut copy, &self.stages, &options, &mut Silent);
        let again = again.map_err(|error| TestCaseError::fail(format!("apply again: {error}")))?;
        prop_assert!(again.passes.is_empty(), "a second apply finds nothing to do: {:?}", again.passes);
        let report = verify(&copy, &VerifyOptions::default()).expect("a verification");
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
        let named = deviations(&copy, &self.stages).expect("deviations");
        for target in self.layout.targets() {
            let is: BTreeMap<String, String> =
                rows(&copy, target).into_iter().map(|row| (row.id, row.data)).collect();
            let would_be = scratch(&copy, &self.layout, target, &self.base);
            let ids: BTreeSet<&String> = is.keys().chain(would_be.keys()).collect();
            let differing: BTreeSet<&str> = ids
                .into_iter()
                .filter(|id| is.get(*id) != would_be.get(*id))
                .map(String::as_str)
                .collect();
            let of_target = named.iter().filter(|deviation| deviation.database == target);
            let named_ids: BTreeSet<&str> = of_target.map(|deviation| deviation.id.as_str()).collect();
            prop_assert_eq!(
                &differing, &named_ids,
                "{}: is {:#?}, from scratch {:#?}, named {:#?}",
                target, is, would_be, named
            );
        }
        drop(copy);
        for ending in ["", ".lock", ".checkpoints"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let lines = prop::collection::vec((0..6u8, 0..4u8, 0..40i64), 0..5);
    let load = (0..3usize, lines, any::<bool>());
    let apply = (
        1..=3u32,
        1..4usize,
        prop::option::weighted(0.3, 1..4usize),
        prop::option::weighted(0.2, 0..2u64),
    );
    let scope = prop_oneof![
        2 => Just(RandomScope::Last),
        1 => (0..3u32).prop_map(RandomScope::To),
        2 => (0..3usize).prop_map(RandomScope::Apply),
        2 => (0..3usize, 0..6u8).prop_map(|(database, at)| RandomScope::Record(database, at)),
        1 => Just(RandomScope::All),
    ];
    prop_oneof![
        5 => load.prop_map(|(database, lines, replace)| Step::Load { database, lines, replace }),
        3 => (0..3usize, 0..6u8, 0..40i64).prop_map(|(database, at, n)| Step::Put(database, at, n)),
        2 => (0..3usize, 0..6u8).prop_map(|(database, at)| Step::Delete(database, at)),
        6 => apply.prop_map(|(to, size, stop, limit)| Step::Apply { to, size, stop, limit }),
        1 => (1..4usize).prop_map(Step::Retry),
        1 => Just(Step::Waive),
        2 => (scope, 1..4usize).prop_map(|(scope, size)| Step::Rollback(scope, size)),
    ]
}

fn cases() -> u32 {
    let asked = std::env::var("COUNTERFOIL_MODEL_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_target_is_as_from_scratch_or_says_where_not(
        layout in layouts(),
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let mut history = History::new(layout);
        for step in &steps {
            history.step(step)?;
        }
    }
}

//! One random history: the store, what is done to it, and what is checked after every step.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::deviation::deviations;
use counterfoil::edit::{Edit, edit};
use counterfoil::ledger::{Counts, PassKind};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::rollback::{OnConflict, RollbackOptions, RollbackReport, Scope, plan_rollback, rollback};
use counterfoil::stage::{MaxErrors, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use counterfoil::{Error, Purpose};
use proptest::prelude::*;

use super::scratch::{Base, Layout, PROJECT, data, is_processed, rows, scratch};
use super::watching::{Watching, add, done};
use crate::support::steps::assert_shown;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Records with id, key and number, and behind them a line that is none.
    Load {
        database: usize,
        lines: Vec<(u8, u8, i64)>,
        replace: bool,
        broken: bool,
    },
    Put(usize, u8, i64),
    Delete(usize, u8),
    /// Up to a stage, in batches of a size, stopped after so many of them, or beyond so many refusals.
    Apply {
        to: u32,
        size: usize,
        stop: Option<usize>,
        limit: Option<u64>,
        revise: bool,
    },
    Retry {
        size: usize,
        stop: Option<usize>,
    },
    Waive,
    /// In batches of a size; stopped after every one of them, and gone on with.
    Rollback {
        scope: RandomScope,
        on_conflict: OnConflict,
        size: usize,
        stop: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum RandomScope {
    Last,
    To(u32),
    Stage(u32),
    /// A run that carried records, counted back from the newest.
    Apply(usize),
    Record(usize, u8),
    All,
}

/// The store and what is expected of it.
pub(super) struct History {
    folder: tempfile::TempDir,
    store: Store,
    layout: Layout,
    stages: Stages,
    /// What was put into targets, and into what stages change in place, by number: the data as it came.
    base: Base,
    /// What was there before it was deleted by hand.
    deleted: Base,
    /// What was changed by hand after a stage in place had changed it: what came last.
    fixed: Base,
    /// What was known of the records that an edit was about before it, by its run: undoing it gives that again.
    edits: BTreeMap<i64, Vec<Known>>,
    /// The records of databases that only stages read.
    numbers: BTreeSet<i64>,
    /// The newest number before the step at hand.
    newest: i64,
    loads: usize,
    applies: Vec<i64>,
    /// What the databases held before each of the newest runs: rolling the newest of them back gives that again.
    before: Vec<(i64, Databases)>,
    /// Whether a rollback has left records as they are, or gone over what came later.
    forced: bool,
}

/// What is known of a record: what it began as, what it was when it was deleted, and what it was changed to.
type Known = ((String, i64), [Option<(String, String)>; 3]);

/// The rows of every database: id and data.
type Databases = BTreeMap<&'static str, BTreeMap<String, String>>;

pub(super) type Checked = Result<(), TestCaseError>;

impl History {
    pub(super) fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Surroundings::default());
        let stages = layout.stages(0);
        Self {
            folder,
            store: store.expect("a store"),
            layout,
            stages,
            base: Base::default(),
            deleted: Base::default(),
            fixed: Base::default(),
            edits: BTreeMap::new(),
            numbers: BTreeSet::new(),
            newest: 0,
            loads: 0,
            applies: Vec::new(),
            before: Vec::new(),
            forced: false,
        }
    }

    /// What the auditor's view shows of every step is what it was.
    pub(super) fn steps_are_shown(&self) {
        assert_shown(self.store.path());
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

    pub(super) fn step(&mut self, step: &Step) -> Checked {
        let databases = self.layout.databases();
        let (run, before) = (self.run_number(), self.databases());
        self.newest = self.newest_number();
        match step.clone() {
            Step::Load {
                database,
                lines,
                replace,
                broken,
            } => {
                let database = databases[database % databases.len()];
                let database = if self.layout.is_source(database) {
                    database
                } else {
                    databases[0]
                };
                self.load(database, &lines, replace, broken)?;
            }
            Step::Put(database, at, n) => {
                let database = databases[database % databases.len()];
                let id = self.id(database, at);
                let text = data(&id, at % 4, n, "");
                let change = Edit::Put {
                    id: id.clone(),
                    data: text.clone(),
                };
                self.edit(database, &id, &change, Some(text))?;
            }
            Step::Delete(database, at) => {
                let database = databases[database % databases.len()];
                let id = self.id(database, at);
                let change = Edit::Delete { id: id.clone() };
                self.edit(database, &id, &change, None)?;
            }
            Step::Apply {
                to,
                size,
                stop,
                limit,
                revise,
            } => {
                let revise = revise && self.layout.may_be_revised();
                self.stages = self.layout.revised(revise, &self.store);
                let mut watching = Watching {
                    after: stop,
                    ..Watching::default()
                };
                let options = ApplyOptions {
                    to: Some(to),
                    batch_size: Some(size),
                    max_errors: Some(MaxErrors::Count(limit.unwrap_or(1_000))),
                    stop: watching.stop.clone(),
                    revise,
                    ..ApplyOptions::default()
                };
                let planned = self.planned(&options);
                let report = apply(&mut self.store, &self.stages, &options, &mut watching);
                let report = report.map_err(|error| failed("apply", &error))?;
                self.applies.extend(report.run);
                // Where a record waits for a place that this very run frees, a stage is worked on more than once, and a
                // plan tells about what comes then.
                let stages: BTreeSet<u32> = report.passes.iter().map(|pass| pass.stage).collect();
                let (planned, looks_twice) = planned.map_err(|error| failed("plan", &error))?;
                // So is one that comes after a later one: that one has freed a place.
                let in_order = report.passes.is_sorted_by_key(|pass| pass.stage);
                let once = stages.len() == report.passes.len() && in_order && !looks_twice;
                let once = once && self.layout.is_compared();
                if report.stopped.is_none() && once {
                    prop_assert_eq!(planned, done(&watching.events), "the plan is what was done");
                }
            }
            Step::Retry { size, stop } => {
                let mut watching = Watching {
                    after: stop,
                    ..Watching::default()
                };
                self.stages = self.layout.revised(false, &self.store);
                let options = ApplyOptions {
                    batch_size: Some(size),
                    stop: watching.stop.clone(),
                    ..ApplyOptions::default()
                };
                let selected = Selected::default();
                let report = retry(&mut self.store, &self.stages, &selected, &options, &mut watching);
                match report {
                    // Lines that a load has refused are not retried.
                    Err(Error::Invalid { .. }) => {}
                    report => {
                        let report = report.map_err(|error| failed("retry", &error))?;
                        self.applies.extend(report.run);
                    }
                }
            }
            Step::Waive => {
                let waived = waive(
                    &mut self.store,
                    PROJECT,
                    &Selected::default(),
                    &Purpose::new("waive"),
                );
                waived.map_err(|error| failed("waive", &error))?;
            }
            Step::Rollback {
                scope,
                on_conflict,
                size,
                stop,
            } => {
                self.rollback(scope, on_conflict, (size, stop), &databases)?;
                // The revision that it has taken back stands no more.
                self.stages = self.layout.revised(false, &self.store);
            }
        }
        if !matches!(step, Step::Rollback { .. }) && self.run_number() > run {
            self.before.push((self.run_number(), before));
        }
        self.check()
    }

    fn run_number(&self) -> i64 {
        counterfoil::history::history(&self.store, 1).expect("a history")[0].run
    }

    fn newest_number(&self) -> i64 {
        let ledger = rusqlite::Connection::open(self.store.path()).expect("a store");
        let newest = "SELECT coalesce(max(record),0) FROM ledger_record";
        ledger.query_row(newest, [], |row| row.get(0)).expect("a number")
    }

    fn databases(&self) -> Databases {
        let rows = |name| {
            rows(&self.store, name)
                .into_iter()
                .map(|row| (row.id, row.data))
                .collect()
        };
        let names = self.layout.databases().into_iter();
        names.map(|name| (name, rows(name))).collect()
    }

    /// What an apply would do, stage by stage, and whether it would work on one more than once.
    fn planned(&self, options: &ApplyOptions) -> Result<(BTreeMap<u32, Counts>, bool), Error> {
        let options = PlanOptions {
            apply: options.clone(),
            ..PlanOptions::default()
        };
        let report = plan(&self.store, &self.stages, &options, &mut Silent)?;
        let mut planned = BTreeMap::new();
        let passes: usize = report.stages.iter().map(|stage| stage.passes.len()).sum();
        let stages: BTreeSet<u32> = report.stages.iter().map(|stage| stage.stage).collect();
        for stage in report.stages.into_iter().filter(|stage| stage.counts.read > 0) {
            add(planned.entry(stage.stage).or_default(), &stage.counts);
        }
        Ok((planned, passes > stages.len()))
    }

    /// Rolls back; where it is stopped, again until it is done.
    fn roll_back(
        &mut self,
        scope: &Scope,
        on_conflict: OnConflict,
        (size, stop): (usize, bool),
    ) -> Result<RollbackReport, Error> {
        let mut undone = Vec::new();
        loop {
            let mut watching = Watching {
                after: stop.then_some(1),
                ..Watching::default()
            };
            let options = RollbackOptions {
                scope: scope.clone(),
                on_conflict,
                batch_size: Some(size),
                stop: watching.stop.clone(),
                ..RollbackOptions::default()
            };
            let mut report = rollback(&mut self.store, PROJECT, &options, &mut watching)?;
            undone.append(&mut report.undone);
            if report.stopped.is_none() {
                return Ok(RollbackReport { undone, ..report });
            }
        }
    }

    /// Rolling back the newest run gives what was there before it.
    fn is_as_before(&mut self, scope: &Scope, report: &RollbackReport) -> Checked {
        let newest = self.before.pop();
        let (Scope::Run(run), Some((newest, before))) = (scope, newest) else {
            self.before.clear();
            return Ok(());
        };
        if *run != newest || report.undone.iter().any(|undone| undone.runs != [newest]) {
            self.before.clear();
            return Ok(());
        }
        prop_assert_eq!(self.databases(), before, "run {} was taken back", run);
        Ok(())
    }

    /// Everything applied, rolled back, and applied again; then stage by stage.
    pub(super) fn come_back(&mut self) -> Checked {
        let stages = self.layout.count();
        let whole = Step::Apply {
            to: stages,
            size: 100,
            stop: None,
            limit: None,
            revise: false,
        };
        let back = |scope| Step::Rollback {
            scope,
            on_conflict: OnConflict::Abort,
            size: 2,
            stop: false,
        };
        self.step(&whole)?;
        let sources = self.layout.pure_sources();
        let of = |all: &Databases| -> Databases {
            let all = all.iter().filter(|(name, _)| sources.contains(name));
            all.map(|(name, rows)| (*name, rows.clone())).collect()
        };
        let before = self.databases();
        self.step(&back(RandomScope::All))?;
        let after = self.databases();
        prop_assert_eq!(of(&before), of(&after), "sources stay as they are");
        if self.forced || self.was_touched() || after == before {
            return Ok(());
        }
        let targets = after.iter().filter(|(name, _)| !sources.contains(name));
        let left: Vec<_> = targets.filter(|(_, rows)| !rows.is_empty()).collect();
        prop_assert!(left.is_empty(), "the targets are empty: {:?}", left);
        self.step(&whole)?;
        let again = self.databases();
        for _ in 0..stages {
            self.step(&back(RandomScope::Last))?;
        }
        prop_assert_eq!(after, self.databases());
        self.step(&whole)?;
        prop_assert_eq!(again, self.databases());
        Ok(())
    }

    /// Whether anything has come from outside to what stages write to: then not everything can be taken back.
    fn was_touched(&self) -> bool {
        let touched = "SELECT count(*) FROM ledger_pass WHERE kind IN('load','edit') AND target=?1";
        let ledger = rusqlite::Connection::open(self.store.path()).expect("a store");
        self.layout.targets().iter().any(|target| {
            let count: i64 = ledger
                .query_row(touched, [target], |row| row.get(0))
                .expect("a count");
            count > 0
        })
    }

    fn load(&mut self, database: &str, lines: &[(u8, u8, i64)], replace: bool, broken: bool) -> Checked {
        self.loads += 1;
        let mut ids = BTreeSet::new();
        let lines = lines.iter().filter(|(id, ..)| ids.insert(*id));
        let lines: Vec<(String, String)> = lines
            .map(|(id, key, n)| (format!("k{id}"), data(&format!("k{id}"), *key, *n, "")))
            .collect();
        let before = rows(&self.store, database);
        let text: String = lines.iter().map(|(_, data)| format!("{data}\n")).collect();
        let text = text + if broken { "{\"id\": no record\n" } else { "" };
        let options = LoadOptions {
            replace,
            batch_size: Some(3),
            ..LoadOptions::default()
        };
        let name = format!("{}.ndjson", self.loads);
        load(
            &mut self.store,
            database,
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        )
        .map_err(|error| failed("load", &error))?;
        for (id, data) in lines {
            let was = before.iter().find(|row| row.id == id);
            if was.is_none() || replace {
                self.came(
                    database,
                    &id,
                    was.map(|row| row.data.clone()).as_deref(),
                    Some(data),
                );
            }
        }
        Ok(())
    }

    fn edit(&mut self, database: &str, id: &str, change: &Edit, text: Option<String>) -> Checked {
        let before = rows(&self.store, database);
        let was = before
            .iter()
            .find(|row| row.id == id)
            .map(|row| (row.record, row.data.clone()));
        let known = [&self.base, &self.deleted, &self.fixed].map(Base::clone);
        let edits = std::slice::from_ref(change);
        match edit(&mut self.store, database, edits, &Purpose::new("edit")) {
            Ok(_) => {}
            // Not there, or being filled.
            Err(Error::NoSuchRecord { .. } | Error::Invalid { .. }) => return Ok(()),
            Err(error) => return Err(failed("edit", &error)),
        }
        if let (None, Some((number, _))) = (&text, &was) {
            let key = (database.to_owned(), *number);
            if let Some(base) = self.base.remove(&key) {
                self.deleted.insert(key, base);
            }
        }
        let is_now = rows(&self.store, database).into_iter().find(|row| row.id == id);
        let numbers = [
            was.as_ref().map(|(number, _)| *number),
            is_now.map(|row| row.record),
        ];
        let keys = numbers
            .into_iter()
            .flatten()
            .map(|number| (database.to_owned(), number));
        let before = |key: (String, i64)| {
            let known = known.each_ref().map(|of| of.get(&key).cloned());
            (key, known)
        };
        // An edit that has written nothing has no run.
        let run = self.run_number();
        self.edits
            .entry(run)
            .or_insert_with(|| keys.map(before).collect());
        self.came(database, id, was.map(|(_, data)| data).as_deref(), text);
        Ok(())
    }

    /// What came from outside to a database that stages write to. What is there in its new shape already stays what it
    /// began as: it was changed by hand.
    fn came(&mut self, database: &str, id: &str, was: Option<&str>, text: Option<String>) {
        let after = rows(&self.store, database);
        if self.layout.is_pure_source(database) {
            self.numbers.extend(after.iter().map(|row| row.record));
            return;
        }
        let Some(text) = text else { return };
        let Some(row) = after.iter().find(|row| row.id == id) else {
            return;
        };
        // What a stage had brought there, and one in place has refused, is changed by hand and not new: it has its number.
        let key = (database.to_owned(), row.record);
        let is_put = self.base.contains_key(&key) || self.deleted.contains_key(&key);
        if self.numbers.contains(&row.record) || (row.record <= self.newest && !is_put) && was.is_none() {
            return;
        }
        let is_new = was.is_none();
        let is_raw = was.is_some_and(|was| !is_processed(was)) && !self.fixed.contains_key(&key);
        if is_new || (is_raw && self.base.contains_key(&key)) {
            self.base.insert(key, (id.to_owned(), text));
        } else {
            self.fixed.insert(key, (id.to_owned(), text));
        }
    }

    fn rollback(
        &mut self,
        scope: RandomScope,
        on_conflict: OnConflict,
        how: (usize, bool),
        databases: &[&str],
    ) -> Checked {
        let scope = match scope {
            RandomScope::Last => Scope::Last,
            RandomScope::To(stage) => Scope::To(stage),
            RandomScope::Stage(stage) => Scope::Stage(stage),
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
                Scope::Record {
                    database: database.to_owned(),
                    id: self.id(database, at),
                }
            }
        };
        let scope_given = scope.clone();
        let before = self.run_number();
        let told = plan_rollback(&self.store, PROJECT, &scope);
        let told: u64 = told.iter().flatten().map(|reversal| reversal.conflicts).sum();
        match self.roll_back(&scope, on_conflict, how) {
            Ok(report) => {
                // A row that is by chance what it was before the pass is told, and yet nothing is left to be done about it.
                let left = report.counts.refused;
                prop_assert!(
                    left <= told,
                    "{} are left, and {} were told beforehand",
                    left,
                    told
                );
                if on_conflict == OnConflict::Abort {
                    prop_assert_eq!(told, 0);
                }
                self.forced |= told > 0;
                self.is_as_before(&scope_given, &report)?;
                if let (Scope::Record { .. }, Some(undone)) = (&scope_given, report.undone.first())
                    && undone.kind == PassKind::Edit
                {
                    undone.runs.iter().for_each(|run| self.edit_was_undone(*run));
                }
                Ok(())
            }
            Err(
                Error::Invalid { .. }
                | Error::CarriedOn { .. }
                | Error::NoSuch { .. }
                | Error::NoSuchRecord { .. }
                | Error::NoSuchDatabase { .. }
                | Error::RollbackConflict { .. }
                | Error::RollbackBeneath { .. },
            ) => {
                prop_assert_eq!(before, self.run_number(), "a refused rollback writes nothing");
                Ok(())
            }
            Err(error) => Err(failed("rollback", &error)),
        }
    }

    /// What was put or deleted by hand is what it was before.
    fn edit_was_undone(&mut self, run: i64) {
        for (key, known) in self.edits.remove(&run).unwrap_or_default() {
            for (of, before) in [&mut self.base, &mut self.deleted, &mut self.fixed]
                .into_iter()
                .zip(known)
            {
                match before {
                    Some(before) => of.insert(key.clone(), before),
                    None => of.remove(&key),
                };
            }
        }
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
            Err(error) => return Err(failed("apply", &error)),
            Ok(report) => prop_assert_eq!(report.stopped, None, "nothing is left that stops it"),
        }
        let again = apply(&mut copy, &self.stages, &options, &mut Silent);
        let again = again.map_err(|error| failed("apply again", &error))?;
        prop_assert!(
            again.passes.is_empty(),
            "a second apply finds nothing to do: {:?}",
            again.passes
        );
        let report = verify(&copy, &VerifyOptions::default()).expect("a verification");
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
        let ledger = rusqlite::Connection::open(copy.path()).expect("a store");
        let problems = "SELECT (SELECT count(*) FROM audit_chain_problem)
         + (SELECT count(*) FROM ledger_batch WHERE read<>written+unchanged+filtered+refused+merged)";
        let problems: i64 = ledger.query_row(problems, [], |row| row.get(0)).expect("a view");
        prop_assert_eq!(problems, 0);
        drop(ledger);
        if self.layout.is_compared() && !(self.forced && self.was_touched()) {
            self.compare(&copy)?;
        }
        drop(copy);
        for ending in ["", ".lock", ".checkpoints"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
        Ok(())
    }

    /// Every target against what its stages make from scratch.
    fn compare(&self, copy: &Store) -> Checked {
        let named = deviations(copy, &self.stages).expect("deviations");
        for target in self.layout.targets() {
            let is: BTreeMap<String, String> = rows(copy, target)
                .into_iter()
                .map(|row| (row.id, row.data))
                .collect();
            let would_be = scratch(copy, &self.layout, target, (&self.base, &self.fixed));
            let ids: BTreeSet<&String> = is.keys().chain(would_be.keys()).collect();
            let differing: BTreeSet<&str> = ids
                .into_iter()
                .filter(|id| is.get(*id) != would_be.get(*id))
                .map(String::as_str)
                .collect();
            let of_target = named.iter().filter(|deviation| deviation.database == target);
            let named_ids: BTreeSet<&str> = of_target.map(|deviation| deviation.id.as_str()).collect();
            prop_assert_eq!(
                &differing,
                &named_ids,
                "{}: is {:#?}, from scratch {:#?}, named {:#?}",
                target,
                is,
                would_be,
                named
            );
        }
        Ok(())
    }
}

fn failed(verb: &str, error: &Error) -> TestCaseError {
    TestCaseError::fail(format!("{verb}: {error}"))
}

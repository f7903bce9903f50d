//! Random sequences of operations against a naive in-memory model.
//!
//! What is claimed: whatever was loaded, edited, applied, interrupted, retried, waived, revised and rolled back, in
//! any order and with batches of any size,
//! - the databases hold exactly the records that the model holds (`naive.rs`: maps, and lists of what happened);
//! - a pass reads exactly the records that the model says are waiting, in the order of their numbers;
//! - a plan tells beforehand what an apply does: the same outcomes of every stage;
//! - the outcomes of every batch add up, the ledger is sound by its own hashes, and the data is what it says;
//! - what a rollback refuses, it refuses before anything is written, and only where something that stays stands on it;
//! - after everything is rolled back the sources are as before, byte for byte, the targets are empty, and applying
//!   again gives the same again.
//!
//! 40 cases every day; `COUNTERFOIL_MODEL_CASES` asks for more.

mod law;
mod naive;
mod regressions;
mod scratch;
mod stages;

use std::collections::BTreeMap;

use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::edit::Edit;
use counterfoil::ledger::{Counts, PassKind};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::rollback::{RollbackOptions, Scope, rollback};
use counterfoil::stage::{MaxErrors, OnConflict, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};
use counterfoil::{Error, Purpose};
use proptest::prelude::*;

use naive::{Became, Kind, Model};
use stages::{PROJECT, data};

/// One line of a load: a record, or one that is none.
pub(super) type Line = Option<(u8, i64)>;

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Load {
        database: &'static str,
        lines: Vec<Line>,
        replace: bool,
    },
    Put(&'static str, u8, i64),
    Delete(&'static str, u8),
    /// Up to a stage, in batches of a size, stopped after so many of them.
    Apply {
        to: u32,
        size: usize,
        stop: Option<usize>,
        revise: bool,
    },
    Retry {
        size: usize,
        stop: Option<usize>,
    },
    Waive,
    Rollback {
        scope: RandomScope,
        size: usize,
        stop: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum RandomScope {
    Last,
    To(u32),
    Stage(u32),
    /// A run, counted back from the newest.
    Run(i64),
    Record(&'static str, u8),
    All,
}

/// Keeps what a pass did, and asks to stop after so many batches.
#[derive(Default)]
struct Watching {
    events: Vec<Event>,
    stop: StopSignal,
    after: Option<usize>,
}

impl Observer for Watching {
    fn observe(&mut self, event: &Event) {
        self.events.push(event.clone());
        let batches = self
            .events
            .iter()
            .filter(|event| matches!(event, Event::BatchCommitted { .. }));
        if self.after.is_some_and(|after| batches.count() >= after) {
            self.stop.ask();
        }
    }
}

/// The store and the model side by side.
pub(super) struct Pair {
    _folder: tempfile::TempDir,
    store: Store,
    model: Model,
    on_conflict: OnConflict,
    loads: u32,
}

type Outcome = Result<(), TestCaseError>;

impl Pair {
    pub(super) fn new(on_conflict: OnConflict) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Surroundings::default());
        Self {
            _folder: folder,
            store: store.expect("a store"),
            model: Model::new(on_conflict),
            on_conflict,
            loads: 0,
        }
    }

    pub(super) fn step(&mut self, operation: &Operation) -> Outcome {
        match operation.clone() {
            Operation::Load {
                database,
                lines,
                replace,
            } => self.load(database, &lines, replace)?,
            Operation::Put(database, id, n) => self.put(database, id, n)?,
            Operation::Delete(database, id) => self.delete(database, id)?,
            Operation::Apply {
                to,
                size,
                stop,
                revise,
            } => self.apply(to, size, stop, revise)?,
            Operation::Retry { size, stop } => self.retry(size, stop)?,
            Operation::Waive => self.waive()?,
            Operation::Rollback { scope, size, stop } => self.rollback(scope, size, stop)?,
        }
        self.compare()
    }

    fn stages(&self) -> Stages {
        stages::stages(self.model.version, self.on_conflict)
    }

    fn run_number(&self) -> i64 {
        counterfoil::history::history(&self.store, 1).expect("a history")[0].run
    }

    fn load(&mut self, database: &'static str, lines: &[Line], replace: bool) -> Outcome {
        self.loads += 1;
        let line = |line: &Line| match line {
            Some((id, n)) => data(&format!("k{id}"), *n, "") + "\n",
            None => "{\"id\": no record\n".to_owned(),
        };
        let text: String = lines.iter().map(line).collect();
        let name = format!("{}.ndjson", self.loads);
        let options = LoadOptions {
            replace,
            batch_size: Some(3),
            ..LoadOptions::default()
        };
        let report = load(
            &mut self.store,
            database,
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        );
        let report = report.expect("a load of what can be read");
        let pass = self.model.begin(Kind::Load, self.run_number());
        let mut refused = 0;
        for line in lines {
            let taken = line.is_some_and(|(id, n)| {
                let id = format!("k{id}");
                self.model.put(pass, database, &id, &data(&id, n, ""), replace)
            });
            refused += u64::from(!taken);
        }
        self.model.passes[pass].ended = true;
        prop_assert_eq!(report.counts.read, lines.len() as u64);
        prop_assert_eq!(report.counts.refused, refused);
        Ok(())
    }

    fn put(&mut self, database: &'static str, id: u8, n: i64) -> Outcome {
        let id = format!("k{id}");
        let text = data(&id, n, if database == "b" { "put" } else { "" });
        let written = self
            .store
            .database(database)
            .and_then(|mut database| database.put(&id, &text));
        if self.is_being_filled(database) && written.is_err() {
            return Ok(());
        }
        prop_assert!(written.is_ok(), "{:?}", written);
        let pass = self.model.begin(Kind::Edit, self.run_number());
        self.model.passes[pass].ended = true;
        self.model.put(pass, database, &id, &text, true);
        Ok(())
    }

    fn delete(&mut self, database: &'static str, id: u8) -> Outcome {
        let id = format!("k{id}");
        let edits = [Edit::Delete { id: id.clone() }];
        let deleted = counterfoil::edit::edit(&mut self.store, database, &edits, &Purpose::new("edit"));
        if self.is_being_filled(database) && deleted.is_err() {
            return Ok(());
        }
        let there = self.model.by_id(database).contains_key(&id);
        prop_assert_eq!(deleted.is_ok(), there, "{:?}", deleted);
        if there {
            let pass = self.model.begin(Kind::Edit, self.run_number());
            self.model.passes[pass].ended = true;
            self.model.delete(pass, database, &id);
        }
        Ok(())
    }

    /// While a pass fills a database whose index is still to come, nobody else writes there.
    fn is_being_filled(&self, database: &str) -> bool {
        let open = |stage| self.model.open(Kind::Apply(stage)).is_some();
        database == "b" && (open(1) || open(2))
    }

    fn options(to: u32, size: usize, watching: &Watching, revise: bool) -> ApplyOptions {
        ApplyOptions {
            to: Some(to),
            batch_size: Some(size),
            max_errors: Some(MaxErrors::Count(1_000)),
            revise,
            stop: watching.stop.clone(),
            ..ApplyOptions::default()
        }
    }

    fn apply(&mut self, to: u32, size: usize, stop: Option<usize>, revise: bool) -> Outcome {
        self.model.settle_version(revise);
        let revises = revise && self.model.is_applied(1);
        let mut watching = Watching {
            after: stop,
            ..Watching::default()
        };
        let options = Self::options(to, size, &watching, revise);
        let stages = self.stages();
        let planned = self.planned(&stages, &options);
        let report = apply(&mut self.store, &stages, &options, &mut watching);
        let report = report.map_err(|error| TestCaseError::fail(format!("apply: {error}")))?;
        self.follow(&watching.events, revises)?;
        self.agree(&report)?;
        if report.stopped.is_none() {
            let planned = planned.map_err(|error| TestCaseError::fail(format!("plan: {error}")))?;
            prop_assert_eq!(planned, done(&watching.events), "the plan is what was done");
            prop_assert!(self.model.is_up_to_date(to), "the model has more to do");
        }
        Ok(())
    }

    /// What an apply would do, stage by stage. Must leave the store as it is.
    fn planned(&self, stages: &Stages, options: &ApplyOptions) -> Result<BTreeMap<u32, Counts>, Error> {
        let options = PlanOptions {
            apply: options.clone(),
            ..PlanOptions::default()
        };
        let report = plan(&self.store, stages, &options, &mut Silent)?;
        let counts = report.stages.into_iter().map(|stage| (stage.stage, stage.counts));
        Ok(counts.filter(|(_, counts)| counts.read > 0).collect())
    }

    fn retry(&mut self, size: usize, stop: Option<usize>) -> Outcome {
        let mut watching = Watching {
            after: stop,
            ..Watching::default()
        };
        self.model.settle_version(false);
        let options = Self::options(5, size, &watching, false);
        let selected = Selected::default();
        let stages = self.stages();
        let report = retry(&mut self.store, &stages, &selected, &options, &mut watching);
        match report {
            Err(Error::Invalid { .. }) => self.follow(&watching.events, false),
            Err(error) => Err(TestCaseError::fail(format!("retry: {error}"))),
            Ok(report) => {
                self.follow(&watching.events, false)?;
                self.agree(&report)
            }
        }
    }

    /// Lets the model do what the store did, batch by batch, and compares what became of the records.
    fn follow(&mut self, events: &[Event], revises: bool) -> Outcome {
        let run = self.run_number();
        let mut pass = 0;
        let mut revises = revises;
        for event in events {
            match event {
                Event::PassBegins {
                    kind, stage, done, ..
                } => {
                    let stage = stage.as_ref().map_or(0, |(stage, _)| *stage);
                    pass = self.begins(*kind, stage, *done, run, revises)?;
                    revises &= stage != 1;
                }
                Event::BatchCommitted { counts, .. } => {
                    if counts.read > 0 {
                        self.model.passes[pass].runs.push(run);
                    }
                    self.follow_batch(pass, counts)?;
                }
                Event::PassEnded { .. } => {
                    let left = self.model.next(pass, usize::MAX);
                    prop_assert!(left.is_empty(), "the store has not read {:?}", left);
                    self.model.end(pass);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn begins(
        &mut self,
        kind: PassKind,
        stage: u32,
        done: u64,
        run: i64,
        revises: bool,
    ) -> Result<usize, TestCaseError> {
        let revises = revises && stage == 1;
        if kind == PassKind::Retry {
            return Ok(match self.model.open(Kind::Retry(stage)) {
                Some(open) if done > 0 => open,
                _ => self.model.begin_retry(stage, run),
            });
        }
        if let Some(open) = self.model.open(Kind::Apply(stage)).filter(|_| !revises) {
            return Ok(open);
        }
        prop_assert_eq!(
            done,
            0,
            "stage {} goes on with what the model does not know",
            stage
        );
        Ok(self.model.begin_apply(stage, run, revises))
    }

    fn follow_batch(&mut self, pass: usize, counts: &Counts) -> Outcome {
        let read = usize::try_from(counts.read).expect("few");
        let records = self.model.next(pass, read);
        prop_assert_eq!(
            records.len(),
            read,
            "the store has read more than the model has waiting"
        );
        let mut became: BTreeMap<&str, u64> = BTreeMap::new();
        for record in records {
            let name = match self.model.carry(pass, record) {
                Became::Settled => "settled",
                Became::Filtered => "filtered",
                Became::Refused => "refused",
                Became::Gone => "gone",
            };
            *became.entry(name).or_default() += 1;
        }
        let count = |name| became.get(name).copied().unwrap_or(0);
        prop_assert_eq!(counts.refused, count("refused"), "refused");
        prop_assert_eq!(counts.filtered, count("filtered"), "filtered");
        prop_assert_eq!(counts.written + counts.unchanged, count("settled"), "settled");
        Ok(())
    }

    fn agree(&self, report: &ApplyReport) -> Outcome {
        let refused: usize = stages::STAGES
            .iter()
            .map(|stage| self.model.refused(*stage).len())
            .sum();
        prop_assert_eq!(report.quarantined, refused as u64, "quarantined");
        Ok(())
    }

    fn waive(&mut self) -> Outcome {
        for stage in stages::STAGES {
            let selected = Selected {
                stage: Some(stage),
                ..Selected::default()
            };
            let waived = waive(&mut self.store, PROJECT, &selected, &Purpose::new("waive"));
            let run = self.run_number();
            prop_assert_eq!(waived.expect("a waiver"), self.model.waive(stage, run) as u64);
        }
        Ok(())
    }

    fn rollback(&mut self, scope: RandomScope, size: usize, stop: bool) -> Outcome {
        let newest = self.run_number();
        let (scope, single) = match scope {
            RandomScope::Last => (Scope::Last, None),
            RandomScope::To(stage) => (Scope::To(stage), None),
            RandomScope::Stage(stage) => (Scope::Stage(stage), None),
            RandomScope::All => (Scope::All, None),
            RandomScope::Run(back) => (Scope::Run((newest - back).max(1)), None),
            RandomScope::Record(database, id) => {
                let (database, id) = (database.to_owned(), format!("k{id}"));
                let single = self.model.newest_change(&database, &id);
                (Scope::Record { database, id }, Some(single))
            }
        };
        let done = self.roll_back(&scope, size, stop);
        let run = self.run_number();
        match (done, single) {
            (Ok(()), Some(Some((pass, record)))) => self.model.undo_single(pass, record, run),
            (Ok(()), Some(None)) => prop_assert!(false, "a record was rolled back that nothing has changed"),
            (Ok(()), None) => {
                let passes = self.in_scope(&scope);
                self.model.undo(&passes);
            }
            (Err(Error::NoSuchRecord { .. } | Error::NoSuchDatabase { .. }), Some(None)) => {}
            (
                Err(
                    error @ (Error::Invalid { .. }
                    | Error::RollbackConflict { .. }
                    | Error::RollbackBeneath { .. }),
                ),
                _,
            ) => {
                prop_assert_eq!(run, newest, "a refused rollback writes nothing");
                let stands_on_it = match (&scope, single) {
                    (Scope::Record { database, .. }, Some(Some((pass, record)))) => {
                        self.model.is_carried_on(pass, database, record) || self.model.passes.len() > pass + 1
                    }
                    (Scope::Run(_) | Scope::Stage(_) | Scope::Record { .. }, _) => true,
                    _ => {
                        self.model.has_foreign_writes() || self.model.needs_a_taken_id(&self.in_scope(&scope))
                    }
                };
                prop_assert!(
                    stands_on_it,
                    "nothing stands on what shall be rolled back: {error}"
                );
            }
            (Err(error), _) => prop_assert!(false, "rollback: {error}"),
        }
        Ok(())
    }

    /// Rolls back; where it shall be stopped, after every batch, and again until it is done.
    fn roll_back(&mut self, scope: &Scope, size: usize, stop: bool) -> Result<(), Error> {
        loop {
            let mut watching = Watching {
                after: stop.then_some(1),
                ..Watching::default()
            };
            let options = RollbackOptions {
                scope: scope.clone(),
                batch_size: Some(size),
                stop: watching.stop.clone(),
                ..RollbackOptions::default()
            };
            let report = rollback(&mut self.store, PROJECT, &options, &mut watching)?;
            if report.stopped.is_none() {
                return Ok(());
            }
        }
    }

    fn in_scope(&self, scope: &Scope) -> Vec<usize> {
        let newest = self.model.newest_stage();
        let model = &self.model;
        model.standing(|pass| match scope {
            Scope::Last => Model::stage(pass).is_some() && Model::stage(pass) == newest,
            Scope::To(last) => Model::stage(pass).is_some_and(|stage| stage > *last),
            Scope::Stage(only) => Model::stage(pass) == Some(*only),
            Scope::Run(run) => pass.runs.contains(run),
            Scope::All => Model::stage(pass).is_some(),
            Scope::Record { .. } => false,
        })
    }

    fn compare(&self) -> Outcome {
        for database in ["a1", "a2", "b", "c"] {
            let rows = match self.store.records_after(database, 0, 10_000) {
                Err(Error::NoSuchDatabase { .. }) => Vec::new(),
                rows => rows.expect("rows"),
            };
            let rows: BTreeMap<String, String> = rows.into_iter().map(|row| (row.id, row.data)).collect();
            prop_assert_eq!(rows, self.model.by_id(database), "{}", database);
        }
        let report = verify(&self.store, &VerifyOptions::default()).expect("a verification");
        prop_assert!(report.is_sound(), "{:#?}", report.findings);
        let ledger = rusqlite::Connection::open(self.store.path()).expect("a store");
        let problems = "SELECT (SELECT count(*) FROM audit_chain_problem)
         + (SELECT count(*) FROM ledger_batch WHERE read<>written+unchanged+filtered+refused+merged)";
        let problems: i64 = ledger.query_row(problems, [], |row| row.get(0)).expect("a view");
        prop_assert_eq!(problems, 0);
        Ok(())
    }

    /// Everything applied, rolled back, and applied again; then the same stage by stage.
    pub(super) fn come_back(&mut self) -> Outcome {
        for database in ["a1", "a2"] {
            self.step(&Operation::Load {
                database,
                lines: vec![Some((7, 0))],
                replace: true,
            })?;
        }
        let whole = Operation::Apply {
            to: 5,
            size: 100,
            stop: None,
            revise: false,
        };
        let back = Operation::Rollback {
            scope: RandomScope::All,
            size: 2,
            stop: false,
        };
        self.step(&whole)?;
        if self.model.has_foreign_writes() {
            return Ok(());
        }
        let sources = (self.model.by_id("a1"), self.model.by_id("a2"));
        self.step(&back)?;
        prop_assert_eq!(&sources, &(self.model.by_id("a1"), self.model.by_id("a2")));
        let left = (self.model.by_id("b"), self.model.by_id("c"));
        prop_assert_eq!(left, Default::default(), "the targets are empty");
        self.step(&whole)?;
        let again = (self.model.by_id("b"), self.model.by_id("c"));
        for _ in stages::STAGES {
            self.step(&Operation::Rollback {
                scope: RandomScope::Last,
                size: 2,
                stop: false,
            })?;
        }
        prop_assert_eq!(&sources, &(self.model.by_id("a1"), self.model.by_id("a2")));
        let left = (self.model.by_id("b"), self.model.by_id("c"));
        prop_assert_eq!(left, Default::default(), "the targets are empty");
        self.step(&whole)?;
        prop_assert_eq!(again, (self.model.by_id("b"), self.model.by_id("c")));
        Ok(())
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![9 => (0..6u8, 0..40i64).prop_map(Some), 1 => Just(None)]
}

fn source() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a1"), Just("a2")]
}

fn scope() -> impl Strategy<Value = RandomScope> {
    prop_oneof![
        2 => Just(RandomScope::Last),
        1 => (0..5u32).prop_map(RandomScope::To),
        1 => (1..6u32).prop_map(RandomScope::Stage),
        2 => (0..4i64).prop_map(RandomScope::Run),
        2 => (prop_oneof![Just("a1"), Just("b")], 0..6u8).prop_map(|(database, id)| RandomScope::Record(database, id)),
        1 => Just(RandomScope::All),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let load = (source(), prop::collection::vec(line(), 0..6), any::<bool>());
    let apply = (
        1..=5u32,
        1..4usize,
        prop::option::weighted(0.3, 1..4usize),
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        4 => load.prop_map(|(database, lines, replace)| Operation::Load { database, lines, replace }),
        2 => (prop_oneof![3 => source(), 1 => Just("b")], 0..6u8, 0..40i64)
            .prop_map(|(database, id, n)| Operation::Put(database, id, n)),
        1 => (prop_oneof![3 => source(), 1 => Just("b")], 0..6u8)
            .prop_map(|(database, id)| Operation::Delete(database, id)),
        6 => apply.prop_map(|(to, size, stop, revise)| Operation::Apply { to, size, stop, revise }),
        1 => (1..4usize, prop::option::weighted(0.3, 1..3usize))
            .prop_map(|(size, stop)| Operation::Retry { size, stop }),
        1 => Just(Operation::Waive),
        3 => (scope(), 1..4usize, prop::bool::weighted(0.3))
            .prop_map(|(scope, size, stop)| Operation::Rollback { scope, size, stop }),
    ]
}

fn policy() -> impl Strategy<Value = OnConflict> {
    prop_oneof![
        Just(OnConflict::Refuse),
        Just(OnConflict::Skip),
        Just(OnConflict::Replace)
    ]
}

fn cases() -> u32 {
    let asked = std::env::var("COUNTERFOIL_MODEL_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_store_holds_what_the_model_holds(
        on_conflict in policy(),
        operations in prop::collection::vec(operation(), 1..16),
    ) {
        let mut pair = Pair::new(on_conflict);
        for operation in &operations {
            pair.step(operation)?;
        }
        pair.come_back()?;
    }
}

/// What the batches of an apply came to, stage by stage.
fn done(events: &[Event]) -> BTreeMap<u32, Counts> {
    let (mut stage_of, mut done) = (BTreeMap::new(), BTreeMap::<u32, Counts>::new());
    for event in events {
        match event {
            Event::PassBegins {
                pass,
                stage: Some((number, _)),
                ..
            } => {
                stage_of.insert(*pass, *number);
            }
            Event::BatchCommitted { pass, counts, .. } if counts.read > 0 => {
                let sum = done.entry(stage_of[pass]).or_default();
                sum.read += counts.read;
                sum.written += counts.written;
                sum.unchanged += counts.unchanged;
                sum.filtered += counts.filtered;
                sum.refused += counts.refused;
                sum.merged += counts.merged;
            }
            _ => {}
        }
    }
    done
}

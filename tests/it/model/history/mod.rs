//! One random history: the store, what is done to it, and what is checked after every step.

mod check;
mod incoming;
mod taking_back;

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::Edit;
use counterfoil::ledger::Counts;
use counterfoil::observe::Silent;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::record::RunId;
use counterfoil::rollback::ConflictPolicy;
use counterfoil::stage::MaxErrors;
use counterfoil::store::StoreOptions;
use counterfoil::{Error, RunInfo};
use proptest::prelude::*;

use super::scratch::{Base, Layout, PROJECT, data, rows};
use super::watching::{Watching, add, done};
use crate::support::steps::assert_shown;
use crate::support::world::{World, environment};

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
        on_conflict: ConflictPolicy,
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
    world: World,
    layout: Layout,
    /// What was put into targets, and into what stages change in place, by number: the data as it came.
    base: Base,
    /// What was there before it was deleted by hand.
    deleted: Base,
    /// What was changed by hand after a stage in place had changed it: what came last.
    fixed: Base,
    /// What was known of the records that an edit was about before it, by its run: undoing it gives that again.
    edits: BTreeMap<RunId, Vec<Known>>,
    /// The records of databases that only stages read.
    numbers: BTreeSet<i64>,
    /// The newest number before the step at hand.
    newest: i64,
    loads: usize,
    applies: Vec<RunId>,
    /// What the databases held before each of the newest runs: rolling the newest of them back gives that again.
    before: Vec<(RunId, Databases)>,
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
        let world = World::with(layout.stages(0), StoreOptions::default(), environment());
        Self {
            world,
            layout,
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
        assert_shown(self.world.store.path());
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

    /// Does a step, and asks the law of a copy.
    pub(super) fn step(&mut self, step: &Step) -> Checked {
        self.unasked(step)?;
        self.check()
    }

    /// Does a step.
    pub(super) fn unasked(&mut self, step: &Step) -> Checked {
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
                self.world.stages = self.layout.revised(revise, &self.world.store).into();
                let mut watching = Watching {
                    after: stop,
                    ..Watching::default()
                };
                let options = ApplyOptions::default()
                    .to(to)
                    .batch_size(size)
                    .max_errors(MaxErrors::Count(limit.unwrap_or(1_000)))
                    .stop(watching.stop.clone())
                    .revise(revise);
                let planned = self.planned(&options);
                let report = apply(&mut self.world.store, &self.world.stages, &options, &mut watching);
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
                self.world.stages = self.layout.revised(false, &self.world.store).into();
                let options = ApplyOptions::default()
                    .batch_size(size)
                    .stop(watching.stop.clone());
                let selected = Selected::default();
                let report = retry(
                    &mut self.world.store,
                    &self.world.stages,
                    &selected,
                    &options,
                    &mut watching,
                );
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
                    &mut self.world.store,
                    PROJECT,
                    &Selected::default(),
                    &RunInfo::new("waive"),
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
                self.world.stages = self.layout.revised(false, &self.world.store).into();
            }
        }
        if !matches!(step, Step::Rollback { .. }) && self.run_number() > run {
            self.before.push((self.run_number(), before));
        }
        Ok(())
    }

    fn run_number(&self) -> RunId {
        self.world.store.history(1).expect("a history")[0].run
    }

    fn newest_number(&self) -> i64 {
        self.world
            .asked("SELECT coalesce(max(record),0) FROM ledger_record")
    }

    fn databases(&self) -> Databases {
        let rows = |name| {
            rows(&self.world.store, name)
                .into_iter()
                .map(|row| (row.id, row.data))
                .collect()
        };
        let names = self.layout.databases().into_iter();
        names.map(|name| (name, rows(name))).collect()
    }

    /// What an apply would do, stage by stage, and whether it would work on one more than once.
    fn planned(&self, options: &ApplyOptions) -> Result<(BTreeMap<u32, Counts>, bool), Error> {
        let options = PlanOptions::default().apply(options.clone());
        let report = plan(&self.world.store, &self.world.stages, &options, &mut Silent)?;
        let mut planned = BTreeMap::new();
        let passes: usize = report.stages.iter().map(|stage| stage.passes.len()).sum();
        let stages: BTreeSet<u32> = report.stages.iter().map(|stage| stage.stage).collect();
        for stage in report.stages.into_iter().filter(|stage| stage.counts.read > 0) {
            add(planned.entry(stage.stage).or_default(), &stage.counts);
        }
        Ok((planned, passes > stages.len()))
    }
}

fn failed(verb: &str, error: &Error) -> TestCaseError {
    TestCaseError::fail(format!("{verb}: {error}"))
}

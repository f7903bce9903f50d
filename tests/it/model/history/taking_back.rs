//! Rolling back, and everything there and back again.

use counterfoil::Error;
use counterfoil::ledger::PassKind;
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackReport, RollbackScope, rollback};
use proptest::prelude::*;

use super::super::scratch::PROJECT;
use super::super::watching::Watching;
use super::{Checked, Databases, History, RandomScope, Step, failed};

impl History {
    /// Rolls back; where it is stopped, again until it is done.
    fn roll_back(
        &mut self,
        scope: &RollbackScope,
        on_conflict: ConflictPolicy,
        (size, stop): (usize, bool),
    ) -> Result<RollbackReport, Error> {
        let mut undone = Vec::new();
        loop {
            let mut watching = Watching {
                after: stop.then_some(1),
                ..Watching::default()
            };
            let options = RollbackOptions::default()
                .scope(scope.clone())
                .on_conflict(on_conflict)
                .batch_size(size)
                .stop(watching.stop.clone());
            let mut report = rollback(&mut self.world.store, PROJECT, &options, &mut watching)?;
            undone.append(&mut report.undone);
            if report.stopped.is_none() {
                report.undone = undone;
                return Ok(report);
            }
        }
    }

    /// Rolling back the newest run gives what was there before it.
    fn is_as_before(&mut self, scope: &RollbackScope, report: &RollbackReport) -> Checked {
        let newest = self.before.pop();
        let (RollbackScope::Run(run), Some((newest, before))) = (scope, newest) else {
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
    pub(in crate::model) fn come_back(&mut self) -> Checked {
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
            on_conflict: ConflictPolicy::Abort,
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
    pub(super) fn was_touched(&self) -> bool {
        let touched = "SELECT count(*) FROM ledger_pass WHERE kind IN('load','edit') AND target=?1";
        let ledger = rusqlite::Connection::open(self.world.store.path()).expect("a store");
        self.layout.targets().iter().any(|target| {
            let count: i64 = ledger
                .query_row(touched, [target], |row| row.get(0))
                .expect("a count");
            count > 0
        })
    }

    pub(super) fn rollback(
        &mut self,
        scope: RandomScope,
        on_conflict: ConflictPolicy,
        how: (usize, bool),
        databases: &[&str],
    ) -> Checked {
        let scope = match scope {
            RandomScope::Last => RollbackScope::Last,
            RandomScope::To(stage) => RollbackScope::To(stage),
            RandomScope::Stage(stage) => RollbackScope::Stage(stage),
            RandomScope::All => RollbackScope::All,
            RandomScope::Apply(back) => match self.applies.iter().rev().nth(back) {
                Some(run) => RollbackScope::Run(*run),
                None => return Ok(()),
            },
            RandomScope::Record(database, at) => {
                let database = databases[database % databases.len()];
                if self.layout.is_pure_source(database) {
                    return Ok(());
                }
                RollbackScope::Record {
                    database: database.to_owned(),
                    id: self.id(database, at),
                }
            }
        };
        let scope_given = scope.clone();
        let before = self.run_number();
        let told = self.world.store.plan_rollback(PROJECT, &scope);
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
                if on_conflict == ConflictPolicy::Abort {
                    prop_assert_eq!(told, 0);
                }
                self.forced |= told > 0;
                self.is_as_before(&scope_given, &report)?;
                if let (RollbackScope::Record { .. }, Some(undone)) = (&scope_given, report.undone.first())
                    && undone.kind == PassKind::Edit
                {
                    undone.runs.iter().for_each(|run| self.edit_was_undone(*run));
                }
                Ok(())
            }
            Err(
                Error::Invalid { .. }
                | Error::ProcessedSince { .. }
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
}

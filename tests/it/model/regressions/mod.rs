//! Sequences that were wrong once, each a promise of its own.

mod hands;
mod in_place;
mod passes;
mod places;

use counterfoil::rollback;
use counterfoil::stage::{OnConflict, Stale};

use super::history::{History, RandomScope, Step};
use super::scratch::{LAYOUTS, Layout};

/// The databases by their places in the arrangement of five stages.
pub(super) const A: usize = 0;

pub(super) const B: usize = 1;

const D: usize = 3;

pub(super) fn load(database: usize, lines: &[(u8, i64)], replace: bool) -> Step {
    Step::Load {
        database,
        lines: lines.iter().map(|(id, n)| (*id, 0, *n)).collect(),
        replace,
        broken: false,
    }
}

pub(super) fn apply(to: u32, size: usize, stop: Option<usize>) -> Step {
    Step::Apply {
        to,
        size,
        stop,
        limit: None,
        revise: false,
    }
}

pub(super) fn roll_back(scope: RandomScope) -> Step {
    Step::Rollback {
        scope,
        on_conflict: rollback::ConflictPolicy::Abort,
        size: 2,
        stop: false,
    }
}

/// One record at a time.
fn roll_back_one(scope: RandomScope) -> Step {
    Step::Rollback {
        scope,
        on_conflict: rollback::ConflictPolicy::Abort,
        size: 1,
        stop: false,
    }
}

/// Of the newest run that carried records.
const NEWEST: RandomScope = RandomScope::Apply(0);

pub(super) fn holds_in(layout: usize, on_conflict: OnConflict, steps: &[Step]) {
    let mut history = History::new(Layout::new(layout, on_conflict, Stale::Keep));
    for step in steps {
        if let Err(error) = history.step(step) {
            panic!("{step:?}: {error}");
        }
    }
    history.come_back().expect("everything comes back");
}

/// Two databases copied into one, two stages in place on it, and one that makes parts.
fn holds(on_conflict: OnConflict, steps: &[Step]) {
    holds_in(LAYOUTS.len() - 1, on_conflict, steps);
}

//! The strategies, and the law itself.

use counterfoil::rollback;
use counterfoil::stage::{OnConflict, Stale};
use proptest::prelude::*;

use super::history::{History, RandomScope, Step};
use super::scratch::{LAYOUTS, Layout, ROUGH};
use crate::support::histories::{asked, histories};

fn layouts() -> impl Strategy<Value = Layout> {
    layouts_from(0)
}

/// The arrangements from one on.
fn layouts_from(first: usize) -> impl Strategy<Value = Layout> {
    let policy = prop_oneof![
        Just(OnConflict::Refuse),
        Just(OnConflict::Skip),
        Just(OnConflict::Replace)
    ];
    let stale = prop_oneof![Just(Stale::Keep), Just(Stale::Remove)];
    let only: Option<usize> = asked("COUNTERFOIL_MODEL_LAYOUT");
    let at = (first..LAYOUTS.len()).prop_map(move |at| only.unwrap_or(at));
    (at, policy, stale).prop_map(|(at, on_conflict, stale)| Layout::new(at, on_conflict, stale))
}

fn step() -> impl Strategy<Value = Step> {
    let lines = prop::collection::vec((0..6u8, 0..4u8, 0..40i64), 0..5);
    let load = (0..3usize, lines, any::<bool>(), prop::bool::weighted(0.2));
    let apply = (
        1..=5u32,
        1..4usize,
        prop::option::weighted(0.3, 1..4usize),
        prop::option::weighted(0.2, 0..2u64),
        prop::bool::weighted(0.1),
    );
    let stop = prop::option::weighted(0.3, 1..3usize);
    let scope = prop_oneof![
        2 => Just(RandomScope::Last),
        1 => (0..5u32).prop_map(RandomScope::To),
        1 => (1..=5u32).prop_map(RandomScope::Stage),
        2 => (0..3usize).prop_map(RandomScope::Apply),
        2 => (0..3usize, 0..6u8).prop_map(|(database, at)| RandomScope::Record(database, at)),
        1 => Just(RandomScope::All),
    ];
    let forced = prop_oneof![
        6 => Just(rollback::ConflictPolicy::Abort),
        1 => Just(rollback::ConflictPolicy::Skip),
        1 => Just(rollback::ConflictPolicy::Merge),
        2 => Just(rollback::ConflictPolicy::Force),
    ];
    prop_oneof![
        5 => load.prop_map(|(database, lines, replace, broken)| Step::Load { database, lines, replace, broken }),
        3 => (0..3usize, 0..6u8, 0..40i64).prop_map(|(database, at, n)| Step::Put(database, at, n)),
        2 => (0..3usize, 0..6u8).prop_map(|(database, at)| Step::Delete(database, at)),
        6 => apply.prop_map(|(to, size, stop, limit, revise)| Step::Apply { to, size, stop, limit, revise }),
        1 => (1..4usize, stop).prop_map(|(size, stop)| Step::Retry { size, stop }),
        1 => Just(Step::Waive),
        3 => (scope, forced, 1..4usize, prop::bool::weighted(0.3))
            .prop_map(|(scope, on_conflict, size, stop)| Step::Rollback { scope, on_conflict, size, stop }),
    ]
}

/// Few records that are corrected and applied again and again, and runs that are rolled back, from the newest or not.
fn corrections() -> impl Strategy<Value = Vec<Step>> {
    let lines = prop::collection::vec((0..2u8, 0..2u8, 0..7i64), 1..3);
    let round = lines.prop_map(|lines| {
        let load = Step::Load {
            database: 0,
            lines,
            replace: true,
            broken: false,
        };
        let apply = Step::Apply {
            to: 5,
            size: 2,
            stop: None,
            limit: None,
            revise: false,
        };
        [load, apply]
    });
    let back = (0..4usize, prop::bool::weighted(0.3)).prop_map(|(back, force)| Step::Rollback {
        scope: RandomScope::Apply(back),
        on_conflict: if force {
            rollback::ConflictPolicy::Force
        } else {
            rollback::ConflictPolicy::Abort
        },
        size: 2,
        stop: false,
    });
    let rounds = prop::collection::vec(round, 2..5);
    (rounds, prop::collection::vec(back, 1..4)).prop_map(|(rounds, back)| {
        let mut steps = rounds.concat();
        steps.extend(back);
        steps
    })
}

proptest! {
    #![proptest_config(histories(60, 2026))]

    #[test]
    fn every_target_is_as_from_scratch_or_says_where_not(
        layout in layouts(),
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let mut history = History::new(layout);
        for step in &steps {
            history.step(step)?;
        }
        history.steps_are_shown();
        history.come_back()?;
        history.steps_are_shown();
    }

    #[test]
    fn corrections_and_rollbacks_of_any_run_leave_every_target_as_from_scratch(
        layout in prop_oneof![layouts(), layouts_from(ROUGH)],
        steps in corrections(),
    ) {
        let mut history = History::new(layout);
        for step in &steps {
            match step {
                // It is applied next.
                Step::Load { .. } => history.unasked(step)?,
                _ => history.step(step)?,
            }
        }
    }
}

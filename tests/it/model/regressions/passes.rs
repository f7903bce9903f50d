//! Passes that are stopped, go on, take turns and are undone, and what feeds them.

use counterfoil::rollback;
use counterfoil::stage::OnConflict;

use super::super::history::{RandomScope, Step};
use super::{A, B, D, NEWEST, apply, holds, holds_in, load, roll_back, roll_back_one};

#[test]
fn a_stage_goes_on_while_a_later_one_has_begun_to_fill_the_same_database() {
    let steps = [
        load(D, &[(0, 0)], false),
        load(A, &[], false),
        apply(3, 1, Some(2)),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn what_was_rolled_back_before_a_stage_saw_it_does_not_feed_the_stage() {
    let steps = [
        load(A, &[], false),
        load(D, &[(4, 0)], false),
        apply(2, 1, None),
        load(A, &[(0, 0)], false),
        roll_back(NEWEST),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_stage_that_was_rolled_back_below_one_that_stands_is_applied_again() {
    let steps = [
        load(A, &[(1, 0)], false),
        apply(1, 1, None),
        load(D, &[(2, 0)], false),
        apply(2, 1, None),
        load(A, &[], false),
        roll_back(RandomScope::Apply(1)),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_run_that_only_ended_what_another_did_takes_nothing_back_with_it() {
    let steps = [
        load(A, &[(0, 0)], false),
        apply(1, 1, Some(1)),
        Step::Apply {
            to: 1,
            size: 1,
            stop: None,
            limit: None,
            revise: true,
        },
        roll_back(NEWEST),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn passes_that_took_turns_are_undone_in_turns() {
    let steps = [
        load(A, &[], false),
        apply(1, 1, None),
        load(D, &[], false),
        apply(2, 1, Some(1)),
    ];
    holds(OnConflict::Replace, &steps);
}

#[test]
fn stages_are_rolled_back_one_after_the_other_after_a_correction() {
    let steps = [
        load(A, &[(2, 15)], false),
        load(D, &[], false),
        apply(3, 1, None),
        Step::Put(A, 2, 15 + 35),
        apply(3, 1, None),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn what_was_rolled_back_alone_and_deleted_does_not_feed_a_stage_that_began_again() {
    let steps = [
        load(A, &[(3, 15)], false),
        apply(1, 1, None),
        roll_back(RandomScope::Record(B, 3)),
        Step::Delete(A, 3),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_revision_that_is_taken_back_leaves_the_one_before_it() {
    let revised = Step::Apply {
        to: 1,
        size: 1,
        stop: None,
        limit: None,
        revise: true,
    };
    let steps = [
        apply(1, 1, None),
        load(A, &[(0, 0)], false),
        revised,
        roll_back(NEWEST),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_row_that_a_stopped_pass_has_set_aside_is_planned() {
    let steps = [
        load(A, &[(0, 3)], false),
        load(A, &[(1, 28), (2, 7)], false),
        Step::Put(A, 4, 1),
        Step::Apply {
            to: 1,
            size: 1,
            stop: None,
            limit: Some(0),
            revise: false,
        },
        load(A, &[], false),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
}

#[test]
fn a_rollback_that_was_interrupted_is_not_in_its_own_way() {
    let stopped = |scope| Step::Rollback {
        scope,
        on_conflict: rollback::ConflictPolicy::Abort,
        size: 1,
        stop: true,
    };
    let steps = [
        load(A, &[(2, 4)], false),
        load(A, &[(0, 2)], false),
        apply(2, 1, None),
        load(A, &[(1, 1), (3, 4)], false),
        Step::Retry { size: 2, stop: None },
        stopped(RandomScope::All),
    ];
    holds_in(15, OnConflict::Replace, &steps);
    let steps = [
        apply(1, 1, None),
        load(A, &[(3, 0), (2, 0)], false),
        Step::Put(1, 0, 0),
        Step::Put(0, 0, 18),
        apply(1, 1, None),
        stopped(RandomScope::All),
    ];
    holds_in(4, OnConflict::Replace, &steps);
    let steps = [
        apply(2, 1, None),
        Step::Load {
            database: A,
            lines: vec![(1, 3, 0), (0, 3, 13)],
            replace: false,
            broken: false,
        },
        apply(2, 2, None),
        stopped(RandomScope::Last),
    ];
    holds_in(13, OnConflict::Replace, &steps);
}

#[test]
fn a_stage_does_not_come_before_an_earlier_one_that_was_taken_back() {
    let steps = [
        apply(3, 1, None),
        load(A, &[(0, 3)], false),
        roll_back_one(RandomScope::Stage(2)),
        apply(1, 1, None),
        load(A, &[(0, 11)], true),
        Step::Retry { size: 1, stop: None },
    ];
    holds_in(11, OnConflict::Refuse, &steps);
}

#[test]
fn what_a_retry_has_processed_is_not_processed_again_when_the_first_pass_is_undone() {
    let steps = [
        load(A, &[(2, 17)], false),
        apply(1, 1, None),
        Step::Put(A, 2, 0),
        Step::Retry { size: 1, stop: None },
        roll_back_one(RandomScope::Apply(1)),
    ];
    holds_in(6, OnConflict::Refuse, &steps);
}

#[test]
fn a_plan_asks_whether_a_place_is_free_after_the_earlier_stages() {
    let steps = [
        load(A, &[(1, 0), (2, 0)], false),
        Step::Put(1, 2, 0),
        Step::Delete(2, 2),
        apply(2, 1, Some(2)),
        roll_back_one(RandomScope::Record(1, 1)),
    ];
    holds_in(13, OnConflict::Refuse, &steps);
}

#[test]
fn a_stage_of_which_only_a_retry_is_left_is_applied() {
    let steps = [
        Step::Put(B, 4, 8),
        Step::Put(A, 4, 0),
        apply(1, 1, None),
        Step::Retry { size: 1, stop: None },
        roll_back_one(RandomScope::Apply(1)),
    ];
    holds_in(2, OnConflict::Refuse, &steps);
}

#[test]
fn a_record_is_not_undone_alone_where_a_sibling_that_goes_with_it_was_processed() {
    let steps = [
        Step::Put(A, 3, 13),
        apply(3, 1, Some(2)),
        roll_back_one(RandomScope::Record(B, 3)),
        load(A, &[(3, 31)], true),
    ];
    holds_in(10, OnConflict::Refuse, &steps);
}

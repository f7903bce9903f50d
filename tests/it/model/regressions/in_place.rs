//! What stages in place have changed and refused.

use counterfoil::rollback;
use counterfoil::stage::OnConflict;

use super::super::history::{RandomScope, Step};
use super::{A, B, D, apply, holds, holds_in, load, roll_back, roll_back_one};

#[test]
fn a_record_that_a_stage_in_place_refused_is_brought_back_alone() {
    let steps = [
        load(A, &[], false),
        load(D, &[(5, 12)], false),
        apply(3, 1, None),
        roll_back(RandomScope::Record(B, 5)),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_stage_in_place_that_was_rolled_back_under_a_correction_goes_with_the_correction() {
    let steps = [
        load(A, &[(2, 15)], false),
        load(D, &[], false),
        apply(3, 1, None),
        Step::Put(A, 2, 4),
        apply(1, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn stages_in_place_on_one_database_are_rolled_back_one_after_the_other_after_a_correction() {
    let steps = [
        load(A, &[(2, 15), (3, 8)], false),
        load(D, &[], false),
        apply(4, 1, None),
        Step::Put(A, 2, 50),
        apply(4, 1, None),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn what_a_later_stage_had_refused_and_its_rollback_gave_back_is_undone_beneath_a_correction() {
    let steps = [
        load(A, &[(0, 6)], false),
        load(D, &[], false),
        apply(4, 1, None),
        load(A, &[(0, 18)], true),
        roll_back(RandomScope::Last),
        apply(1, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_part_that_is_refused_in_place_and_no_longer_made_lets_its_place_go() {
    let steps = [
        Step::Put(A, 3, 2),
        apply(2, 1, None),
        load(A, &[(3, 15)], true),
        apply(2, 1, None),
        load(A, &[(3, 0)], true),
    ];
    holds_in(15, OnConflict::Refuse, &steps);
}

#[test]
fn a_refused_row_that_its_stage_has_taken_back_does_not_come_back_with_a_rollback() {
    let steps = [
        Step::Load {
            database: A,
            lines: vec![(3, 0, 0), (2, 1, 32)],
            replace: false,
            broken: false,
        },
        apply(1, 1, None),
        apply(2, 1, None),
        load(A, &[(2, 5)], true),
        apply(2, 1, None),
        roll_back(RandomScope::Apply(1)),
    ];
    holds_in(2, OnConflict::Refuse, &steps);
}

#[test]
fn a_row_that_a_retry_has_refused_again_is_refused_after_the_first_refusal_is_undone() {
    let steps = [
        load(A, &[(3, 4)], false),
        Step::Load {
            database: A,
            lines: vec![(2, 1, 32)],
            replace: false,
            broken: false,
        },
        apply(1, 1, None),
        apply(2, 1, None),
        Step::Retry { size: 1, stop: None },
        load(A, &[(3, 0)], true),
        apply(2, 1, None),
        roll_back(RandomScope::Apply(2)),
    ];
    holds_in(2, OnConflict::Refuse, &steps);
}

#[test]
fn what_is_put_again_after_a_later_stage_has_refused_it_begins_anew() {
    let steps = [
        load(A, &[], false),
        Step::Put(B, 0, 5),
        apply(2, 1, None),
        Step::Put(B, 0, 17),
        apply(3, 1, None),
        Step::Put(B, 0, 10),
    ];
    holds_in(11, OnConflict::Refuse, &steps);
}

#[test]
fn a_stage_in_place_that_begins_anew_leaves_the_rows_of_later_stages_alone() {
    let steps = [
        load(A, &[(0, 35)], false),
        apply(2, 1, None),
        apply(3, 1, None),
        roll_back(RandomScope::Apply(1)),
    ];
    holds_in(14, OnConflict::Refuse, &steps);
}

#[test]
fn a_refusal_and_what_has_replaced_its_row_are_undone_one_after_the_other() {
    let steps = [
        apply(1, 1, None),
        Step::Load {
            database: A,
            lines: vec![(3, 1, 6)],
            replace: false,
            broken: false,
        },
        apply(1, 1, None),
        Step::Load {
            database: A,
            lines: vec![(0, 1, 0)],
            replace: false,
            broken: false,
        },
        load(A, &[(3, 17)], true),
        apply(1, 1, None),
        Step::Rollback {
            scope: RandomScope::Stage(1),
            on_conflict: rollback::ConflictPolicy::Abort,
            size: 3,
            stop: false,
        },
    ];
    holds_in(8, OnConflict::Replace, &steps);
}

#[test]
fn what_a_conflict_has_refused_in_place_is_not_undone_with_a_delete_of_another() {
    let steps = [
        load(A, &[(1, 21)], false),
        load(A, &[(0, 0), (3, 1)], false),
        Step::Delete(0, 0),
        apply(1, 1, None),
        roll_back_one(RandomScope::Record(0, 0)),
        load(A, &[(3, 9)], false),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
}

#[test]
fn the_place_of_two_that_were_refused_in_place_one_after_the_other_is_the_later_ones() {
    // Which of them had it was left to chance, so that it is asked a few times.
    for _ in 0..8 {
        let keyed = |id, n, replace| Step::Load {
            database: A,
            lines: vec![(id, 3, n)],
            replace,
            broken: false,
        };
        let steps = [
            keyed(4, 22, true),
            apply(2, 3, None),
            keyed(1, 37, false),
            apply(2, 2, None),
            keyed(4, 30, true),
        ];
        holds_in(2, OnConflict::Replace, &steps);
    }
}

//! What was put, changed and deleted by hand.

use counterfoil::stage::OnConflict;

use super::super::history::{RandomScope, Step};
use super::{A, B, apply, holds, holds_in, load, roll_back, roll_back_one};

#[test]
fn an_edit_of_a_target_is_taken_back_alone() {
    let steps = [
        load(A, &[(0, 18)], false),
        apply(1, 1, None),
        Step::Put(B, 0, 0),
        roll_back(RandomScope::Record(B, 0)),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn a_deletion_that_is_taken_back_after_a_stage_came_gives_the_record_to_the_stage() {
    let steps = [
        load(A, &[(2, 5)], false),
        Step::Delete(A, 2),
        apply(1, 1, None),
        roll_back(RandomScope::Record(A, 2)),
    ];
    holds_in(6, OnConflict::Refuse, &steps);
}

#[test]
fn what_was_changed_by_hand_between_two_stages_in_place_is_named() {
    // The later stage changes the one and refuses the other.
    for changed in [0, 17] {
        let steps = [
            Step::Put(1, 0, 5),
            load(A, &[], false),
            apply(2, 1, None),
            Step::Put(1, 0, changed),
            apply(3, 1, None),
        ];
        holds_in(11, OnConflict::Refuse, &steps);
    }
}

#[test]
fn what_was_put_by_hand_and_replaced_is_gone_for_good() {
    let steps = [
        load(A, &[(0, 0)], false),
        Step::Put(B, 4, 3),
        apply(1, 1, None),
        load(A, &[], false),
        Step::Delete(A, 0),
    ];
    holds_in(2, OnConflict::Replace, &steps);
}

#[test]
fn a_row_that_was_deleted_by_hand_is_not_missed_where_another_record_has_its_place() {
    let steps = [
        Step::Load {
            database: A,
            lines: vec![(0, 0, 0), (2, 1, 8)],
            replace: false,
            broken: false,
        },
        apply(1, 1, None),
        Step::Load {
            database: A,
            lines: vec![(1, 1, 37)],
            replace: false,
            broken: false,
        },
        Step::Delete(B, 5),
    ];
    holds_in(2, OnConflict::Replace, &steps);
}

#[test]
fn a_refused_part_that_is_put_again_by_hand_is_named() {
    let steps = [load(A, &[(0, 22)], false), apply(2, 1, None), Step::Put(B, 2, 8)];
    holds_in(15, OnConflict::Refuse, &steps);
}

#[test]
fn a_row_that_was_changed_by_hand_stays_so_when_another_put_is_undone() {
    let steps = [
        load(A, &[(0, 36)], false),
        apply(1, 1, None),
        Step::Put(A, 4, 23),
        Step::Put(A, 1, 0),
        roll_back_one(RandomScope::Record(A, 1)),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
}

#[test]
fn what_was_put_twice_is_what_it_was_put_first_when_the_second_is_undone() {
    let steps = [
        load(A, &[(0, 1)], false),
        apply(1, 1, None),
        Step::Put(A, 5, 3),
        Step::Put(A, 5, 4),
        roll_back_one(RandomScope::Record(A, 5)),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
}

#[test]
fn what_is_put_again_after_its_refusal_in_place_was_waived_is_named() {
    let steps = [
        load(A, &[(0, 22)], false),
        apply(2, 1, None),
        Step::Waive,
        Step::Put(B, 4, 0),
    ];
    holds_in(9, OnConflict::Replace, &steps);
}

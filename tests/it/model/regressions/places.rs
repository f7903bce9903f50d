//! Who has a place, and who gets it back.

use counterfoil::stage::{OnConflict, Stale};

use super::super::history::{History, RandomScope, Step};
use super::super::scratch::Layout;
use super::{A, B, D, NEWEST, apply, holds, holds_in, load, roll_back, roll_back_one};

#[test]
fn what_a_later_stage_has_replaced_is_not_taken_back_before_it() {
    let steps = [
        load(A, &[(0, 27)], false),
        load(D, &[(0, 4)], false),
        apply(1, 1, None),
        apply(2, 1, None),
        roll_back(RandomScope::Apply(1)),
    ];
    holds(OnConflict::Replace, &steps);
}

#[test]
fn a_row_that_was_replaced_and_restored_is_still_another_records() {
    let steps = [
        load(D, &[], false),
        load(A, &[], false),
        apply(3, 1, None),
        load(D, &[(4, 4)], false),
        load(A, &[(4, 6)], false),
        apply(2, 1, None),
        roll_back(NEWEST),
    ];
    holds(OnConflict::Replace, &steps);
}

#[test]
fn an_id_that_undoing_something_newer_gives_back_to_a_record_that_stays_is_seen_beforehand() {
    let steps = [
        Step::Put(D, 2, 12),
        load(A, &[], false),
        apply(3, 1, None),
        load(A, &[(2, 25)], false),
        apply(3, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &steps);
}

#[test]
fn undoing_a_pass_that_had_replaced_what_stood_there_leaves_the_database_its_index() {
    let steps = [
        load(A, &[], false),
        load(D, &[(3, 4)], false),
        Step::Put(B, 3, 0),
        apply(2, 1, None),
        roll_back(RandomScope::Last),
        Step::Put(B, 0, 0),
    ];
    holds(OnConflict::Replace, &steps);
}

#[test]
fn parts_that_change_places_are_taken_back() {
    let steps = [
        load(A, &[(5, 4)], false),
        apply(1, 1, None),
        Step::Put(A, 5, 7),
        load(A, &[(0, 23)], false),
        apply(1, 1, None),
        roll_back(RandomScope::All),
    ];
    holds_in(4, OnConflict::Skip, &steps);
}

#[test]
fn a_record_whose_row_another_one_of_its_pass_has_taken_is_not_taken_back_alone() {
    let steps = [
        load(A, &[(2, 4)], false),
        Step::Put(A, 1, 0),
        apply(2, 1, None),
        roll_back(RandomScope::Record(B, 1)),
    ];
    holds_in(8, OnConflict::Replace, &steps);
}

#[test]
fn two_stages_that_copy_from_one_source_do_not_take_each_others_numbers() {
    for policy in [OnConflict::Refuse, OnConflict::Skip, OnConflict::Replace] {
        holds_in(13, policy, &[Step::Put(A, 0, 0)]);
        holds_in(
            12,
            policy,
            &[Step::Put(A, 0, 0), apply(2, 1, None), Step::Put(A, 0, 3)],
        );
    }
}

#[test]
fn a_pass_that_fills_what_earlier_stages_have_emptied_is_not_undone_without_the_index() {
    let steps = [
        load(A, &[], false),
        Step::Put(A, 2, 0),
        Step::Load {
            database: A,
            lines: vec![(0, 2, 32)],
            replace: false,
            broken: false,
        },
    ];
    holds_in(14, OnConflict::Replace, &steps);
}

#[test]
fn two_records_that_began_with_one_id_are_not_taken_back_in_silence() {
    let steps = [
        load(A, &[(0, 5)], false),
        apply(1, 1, None),
        load(A, &[(0, 15)], false),
        apply(1, 1, None),
        roll_back(RandomScope::Apply(1)),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
    // The second finds the place of the first, which is then taken back alone.
    for (at, id, first, second) in [(4, 1, 8, 0), (5, 3, 13, 0)] {
        let steps = [
            load(A, &[(id, first)], false),
            apply(1, 1, None),
            load(A, &[(id, second)], false),
            apply(1, 1, None),
            roll_back(RandomScope::Record(A, at)),
        ];
        holds_in(7, OnConflict::Refuse, &steps);
    }
}

#[test]
fn a_stale_row_under_a_number_of_its_own_is_removed_once() {
    let layout = Layout::new(12, OnConflict::Refuse, Stale::Remove);
    let mut history = History::new(layout);
    let steps = [
        load(A, &[(0, 0)], false),
        apply(2, 1, None),
        load(A, &[(0, 17)], true),
        apply(2, 1, None),
        roll_back(NEWEST),
    ];
    for step in &steps {
        history.step(step).expect("it holds");
    }
    history.come_back().expect("everything comes back");
}

#[test]
fn an_id_is_in_the_way_that_an_older_pass_taken_back_has_brought_back() {
    for taken_back in [RandomScope::Apply(1), RandomScope::Record(A, 4)] {
        let steps = [
            load(A, &[(1, 8)], false),
            apply(1, 1, None),
            load(A, &[(1, 0)], false),
            apply(1, 1, None),
            roll_back(taken_back),
            roll_back(RandomScope::All),
        ];
        holds_in(7, OnConflict::Refuse, &steps);
    }
}

#[test]
fn a_row_that_an_older_pass_taken_back_has_brought_back_is_in_the_way_of_a_newer_one() {
    let steps = [
        load(A, &[(4, 20)], false),
        apply(2, 1, None),
        Step::Load {
            database: A,
            lines: vec![(0, 2, 6)],
            replace: false,
            broken: false,
        },
        Step::Load {
            database: A,
            lines: vec![(4, 2, 0)],
            replace: true,
            broken: false,
        },
        apply(1, 1, None),
        roll_back_one(RandomScope::Last),
    ];
    holds_in(13, OnConflict::Replace, &steps);
}

#[test]
fn a_row_that_its_stage_has_taken_back_does_not_come_back_with_what_had_replaced_it() {
    let steps = [
        load(A, &[(0, 18)], false),
        apply(2, 1, None),
        Step::Delete(A, 0),
        apply(1, 1, None),
        roll_back_one(RandomScope::Last),
    ];
    holds_in(8, OnConflict::Replace, &steps);
}

#[test]
fn a_record_whose_old_id_the_same_pass_has_given_to_another_is_in_conflict_when_it_is_undone_alone() {
    let steps = [
        Step::Put(B, 1, 30),
        Step::Put(A, 0, 13),
        apply(2, 1, None),
        roll_back_one(RandomScope::Record(B, 2)),
    ];
    holds_in(3, OnConflict::Refuse, &steps);
}

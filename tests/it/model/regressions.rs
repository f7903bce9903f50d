//! Sequences that were wrong once, each a promise of its own.

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
        on_conflict: rollback::OnConflict::Abort,
        size: 2,
        stop: false,
    }
}

/// One record at a time.
fn roll_back_one(scope: RandomScope) -> Step {
    Step::Rollback {
        scope,
        on_conflict: rollback::OnConflict::Abort,
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
            on_conflict: rollback::OnConflict::Abort,
            size: 3,
            stop: false,
        },
    ];
    holds_in(8, OnConflict::Replace, &steps);
}

#[test]
fn a_refused_part_that_is_put_again_by_hand_is_named() {
    let steps = [load(A, &[(0, 22)], false), apply(2, 1, None), Step::Put(B, 2, 8)];
    holds_in(15, OnConflict::Refuse, &steps);
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
fn a_rollback_that_was_interrupted_is_not_in_its_own_way() {
    let stopped = |scope| Step::Rollback {
        scope,
        on_conflict: rollback::OnConflict::Abort,
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

#[test]
fn what_a_retry_has_carried_is_not_carried_again_when_the_first_pass_is_undone() {
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

#[test]
fn a_record_is_not_undone_alone_where_a_sibling_that_goes_with_it_was_carried_on() {
    let steps = [
        Step::Put(A, 3, 13),
        apply(3, 1, Some(2)),
        roll_back_one(RandomScope::Record(B, 3)),
        load(A, &[(3, 31)], true),
    ];
    holds_in(10, OnConflict::Refuse, &steps);
}

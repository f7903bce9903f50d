//! Sequences that were wrong once, where a rollback leaves records as they are, or goes over what came later; and where what
//! is let in again has still to go through earlier stages.

use counterfoil::rollback::ConflictPolicy as Conflicts;
use counterfoil::stage::OnConflict;

use super::history::{RandomScope, Step};
use super::regressions::{A, B, apply, holds_in, load, roll_back};
use super::scratch::ROUGH;

/// One record at a time.
fn roll_back_over(on_conflict: Conflicts, scope: RandomScope) -> Step {
    Step::Rollback {
        scope,
        on_conflict,
        size: 1,
        stop: false,
    }
}

#[test]
fn a_row_that_a_rollback_has_left_is_not_written_a_second_time() {
    let steps = [
        load(A, &[(1, 0)], false),
        load(A, &[(2, 0), (0, 0)], false),
        apply(1, 1, None),
        Step::Put(B, 4, 0),
        roll_back_over(Conflicts::Skip, RandomScope::Stage(1)),
    ];
    holds_in(16, OnConflict::Refuse, &steps);
}

#[test]
fn a_pass_that_was_stopped_before_its_index_is_undone_after_its_refusals_were_waived() {
    let steps = [
        load(A, &[(0, 17), (1, 6)], false),
        Step::Apply {
            to: 1,
            size: 2,
            stop: None,
            limit: Some(0),
            revise: false,
        },
        Step::Waive,
        roll_back(RandomScope::All),
    ];
    holds_in(17, OnConflict::Refuse, &steps);
}

#[test]
fn what_a_retry_lets_in_again_goes_through_the_earlier_stages_before_the_later_ones() {
    let steps = [
        load(A, &[(0, 1)], false),
        apply(3, 2, None),
        load(A, &[(0, 3)], true),
        apply(3, 2, None),
        load(A, &[(0, 0)], true),
        Step::Retry { size: 2, stop: None },
    ];
    holds_in(16, OnConflict::Refuse, &steps);
    holds_in(17, OnConflict::Refuse, &steps);
}

#[test]
fn a_record_that_made_room_for_another_in_its_pass_does_not_vanish_when_it_is_undone_alone() {
    let steps = [
        load(A, &[(0, 21)], false),
        Step::Put(A, 5, 8),
        apply(1, 1, None),
        roll_back_over(Conflicts::Abort, RandomScope::Record(A, 4)),
        roll_back_over(Conflicts::Force, RandomScope::Record(A, 4)),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
    // Nothing has its place any more.
    let steps = [
        load(A, &[(0, 21)], false),
        Step::Put(A, 5, 8),
        apply(1, 1, None),
        Step::Delete(A, 5),
        roll_back_over(Conflicts::Abort, RandomScope::Record(A, 4)),
    ];
    holds_in(7, OnConflict::Refuse, &steps);
}

#[test]
fn a_row_that_a_newer_pass_has_found_as_it_is_does_not_vanish_with_the_older_one() {
    for layout in [ROUGH, ROUGH + 1] {
        let steps = [
            load(A, &[(0, 2)], false),
            apply(2, 1, None),
            load(A, &[(0, 4)], true),
            apply(2, 1, None),
            roll_back_over(Conflicts::Abort, RandomScope::Apply(1)),
        ];
        holds_in(layout, OnConflict::Refuse, &steps);
    }
}

//! Sequences that were wrong once, each a promise of its own.

use counterfoil::stage::OnConflict;

use super::{Line, Operation, Pair, RandomScope};

fn load(database: &'static str, lines: &[Line], replace: bool) -> Operation {
    Operation::Load {
        database,
        lines: lines.to_vec(),
        replace,
    }
}

fn apply(to: u32, size: usize, stop: Option<usize>) -> Operation {
    Operation::Apply {
        to,
        size,
        stop,
        revise: false,
    }
}

fn roll_back(scope: RandomScope) -> Operation {
    Operation::Rollback {
        scope,
        size: 2,
        stop: false,
    }
}

fn holds(on_conflict: OnConflict, operations: &[Operation]) {
    let mut pair = Pair::new(on_conflict);
    for operation in operations {
        if let Err(error) = pair.step(operation) {
            panic!("{operation:?}: {error}");
        }
    }
    pair.come_back().expect("everything comes back");
}

#[test]
fn a_stage_goes_on_while_a_later_one_has_begun_to_fill_the_same_database() {
    let operations = [
        load("a2", &[Some((0, 0))], false),
        load("a1", &[], false),
        apply(3, 1, Some(2)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn what_was_rolled_back_before_a_stage_saw_it_does_not_feed_the_stage() {
    let operations = [
        load("a1", &[], false),
        load("a2", &[Some((4, 0))], false),
        apply(2, 1, None),
        load("a1", &[Some((0, 0))], false),
        roll_back(RandomScope::Run(0)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn a_record_that_a_stage_in_place_refused_is_brought_back_alone() {
    let operations = [
        load("a1", &[], false),
        load("a2", &[Some((5, 12))], false),
        apply(3, 1, None),
        roll_back(RandomScope::Record("b", 5)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn a_stage_that_was_rolled_back_below_one_that_stands_is_applied_again() {
    let operations = [
        load("a1", &[Some((1, 0))], false),
        apply(1, 1, None),
        load("a2", &[Some((2, 0))], false),
        apply(2, 1, None),
        load("a1", &[], false),
        roll_back(RandomScope::Run(3)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn a_run_that_only_ended_what_another_did_takes_nothing_back_with_it() {
    let operations = [
        load("a1", &[Some((0, 0))], false),
        apply(1, 1, Some(1)),
        Operation::Apply {
            to: 1,
            size: 1,
            stop: None,
            revise: true,
        },
        roll_back(RandomScope::Run(0)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn what_a_later_stage_has_replaced_is_not_taken_back_before_it() {
    let operations = [
        load("a1", &[Some((0, 27))], false),
        load("a2", &[Some((0, 4))], false),
        apply(1, 1, None),
        apply(2, 1, None),
        roll_back(RandomScope::Run(1)),
    ];
    holds(OnConflict::Replace, &operations);
}

#[test]
fn an_edit_of_a_target_is_taken_back_alone() {
    let operations = [
        load("a1", &[Some((0, 18))], false),
        apply(1, 1, None),
        Operation::Put("b", 0, 0),
        roll_back(RandomScope::Record("b", 0)),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn a_row_that_was_replaced_and_restored_is_still_another_records() {
    let operations = [
        load("a2", &[], false),
        load("a1", &[], false),
        apply(3, 1, None),
        load("a2", &[Some((4, 4))], false),
        load("a1", &[Some((4, 6))], false),
        apply(2, 1, None),
        roll_back(RandomScope::Run(0)),
    ];
    holds(OnConflict::Replace, &operations);
}

#[test]
fn passes_that_took_turns_are_undone_in_turns() {
    let operations = [
        load("a1", &[], false),
        apply(1, 1, None),
        load("a2", &[], false),
        apply(2, 1, Some(1)),
    ];
    holds(OnConflict::Replace, &operations);
}

#[test]
fn an_id_that_undoing_something_newer_gives_back_to_a_record_that_stays_is_seen_beforehand() {
    let operations = [
        Operation::Put("a2", 2, 12),
        load("a1", &[], false),
        apply(3, 1, None),
        load("a1", &[Some((2, 25))], false),
        apply(3, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn a_stage_in_place_that_was_rolled_back_under_a_correction_goes_with_the_correction() {
    let operations = [
        load("a1", &[Some((2, 15))], false),
        load("a2", &[], false),
        apply(3, 1, None),
        Operation::Put("a1", 2, 4),
        apply(1, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn undoing_a_pass_that_had_replaced_what_stood_there_leaves_the_database_its_index() {
    let operations = [
        load("a1", &[], false),
        load("a2", &[Some((3, 4))], false),
        Operation::Put("b", 3, 0),
        apply(2, 1, None),
        roll_back(RandomScope::Last),
        Operation::Put("b", 0, 0),
    ];
    holds(OnConflict::Replace, &operations);
}

#[test]
fn stages_are_rolled_back_one_after_the_other_after_a_correction() {
    let operations = [
        load("a1", &[Some((2, 15))], false),
        load("a2", &[], false),
        apply(3, 1, None),
        Operation::Put("a1", 2, 15 + 35),
        apply(3, 1, None),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn what_was_rolled_back_alone_and_deleted_does_not_feed_a_stage_that_began_again() {
    let operations = [
        load("a1", &[Some((3, 15))], false),
        apply(1, 1, None),
        roll_back(RandomScope::Record("b", 3)),
        Operation::Delete("a1", 3),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn stages_in_place_on_one_database_are_rolled_back_one_after_the_other_after_a_correction() {
    let operations = [
        load("a1", &[Some((2, 15)), Some((3, 8))], false),
        load("a2", &[], false),
        apply(4, 1, None),
        Operation::Put("a1", 2, 50),
        apply(4, 1, None),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &operations);
}

#[test]
fn what_a_later_stage_had_refused_and_its_rollback_gave_back_is_undone_beneath_a_correction() {
    let operations = [
        load("a1", &[Some((0, 6))], false),
        load("a2", &[], false),
        apply(4, 1, None),
        load("a1", &[Some((0, 18))], true),
        roll_back(RandomScope::Last),
        apply(1, 1, None),
        roll_back(RandomScope::Last),
    ];
    holds(OnConflict::Refuse, &operations);
}

//! What changes behind the ledger is unexplained.

use super::{ANYTHING, COPY, MARK, THREE, applied, is_sound, measured, says};

#[test]
fn a_row_that_is_deleted_behind_the_ledger_is_unexplained() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.behind("DELETE FROM b WHERE id='2'");
    let result = measured(&mut ledger);
    says(&result, "unexplained 2 -2.5", false);
    assert_eq!(
        (result.discrepancies, result.unexplained.to_string().as_str()),
        (1, "-2.5")
    );
    assert!(!is_sound(&ledger));
}

#[test]
fn a_row_that_is_changed_behind_the_ledger_is_unexplained() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.behind(r#"UPDATE b SET data='{"id":"2","amt":200.5}' WHERE id='2'"#);
    says(&measured(&mut ledger), "unexplained 2 198.0", false);
}

#[test]
fn two_rows_that_are_lost_behind_the_ledger_do_not_make_up_for_each_other() {
    let tolerant = COPY.to_owned() + "tolerance = \"5\"\n";
    let mut ledger = applied(&[&tolerant], &[THREE[0], r#"{"id":"4","amt":-1.5}"#]);
    ledger.behind("DELETE FROM b");
    let result = measured(&mut ledger);
    says(&result, "unexplained 1,4 0.0", false);
    assert_eq!((result.discrepancies, result.behind), (0, 2));
}

#[test]
fn a_source_that_is_deleted_behind_the_ledger_is_unexplained() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.behind("DELETE FROM a WHERE id='2'");
    says(&measured(&mut ledger), "unexplained 2 2.5", false);
}

#[test]
fn a_row_of_a_stage_in_place_that_changes_behind_the_ledger_cannot_be_explained() {
    let mut ledger = applied(&[COPY, MARK], &THREE);
    ledger.behind("DELETE FROM b WHERE id='2'");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "unexplained 2 -2.5", false);
    // What it had read stood in the row itself.
    let marked = &stages[1].reconciliations[0];
    says(marked, "unexplained 2 0", false);
    assert_eq!(marked.causes[0].unmeasured, 1);
}

#[test]
fn an_unreadable_record_that_changes_behind_the_ledger_is_unexplained() {
    let mut ledger = applied(&[ANYTHING], &[THREE[0], r#"{"id":"9","amt":"nine"}"#]);
    ledger.behind(r#"UPDATE b SET data='{"id":"9","amt":"ten"}' WHERE id='9'"#);
    says(&measured(&mut ledger), "unexplained 9 0", false);
}

//! An edit, and what other stages do, explain what they have changed and no more.

use counterfoil::apply::apply;
use counterfoil::observe::Silent;

use super::{COPY, MARK, THREE, applied, is_sound, measured, over, says};

#[test]
fn a_row_that_is_deleted_by_hand_is_edited_since() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.delete("b", "2");
    says(&measured(&mut ledger), "edited since 2 -2.5", true);
    assert!(is_sound(&ledger));
}

#[test]
fn a_source_that_is_deleted_by_hand_is_edited_until_the_stage_has_processed_that() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.delete("a", "2");
    says(&measured(&mut ledger), "edited since 2 2.5", true);
    ledger.apply();
    says(&measured(&mut ledger), "", true);
}

#[test]
fn an_edit_vouches_for_nothing_that_happened_behind_the_ledger_after_it() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.put("b", "2", r#"{"id":"2","amt":2.75}"#);
    says(&measured(&mut ledger), "edited since 2 0.25", true);
    ledger.behind("DELETE FROM b WHERE id='2'");
    says(&measured(&mut ledger), "unexplained 2 -2.5", false);
}

#[test]
fn an_edit_vouches_for_nothing_that_happened_behind_the_ledger_before_it() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.behind(r#"UPDATE b SET data='{"id":"2","amt":0.5}' WHERE id='2'"#);
    ledger.delete("b", "2");
    says(&measured(&mut ledger), "unexplained 2 -2.5", false);
}

#[test]
fn an_edit_vouches_for_nothing_that_the_stage_has_lost() {
    let wrong = COPY.replace(
        "[[reconcile]]",
        "[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= doc.amt - 1\"\n[[reconcile]]",
    );
    let mut ledger = applied(&[&wrong], &THREE[..1]);
    ledger.put("b", "1", r#"{"id":"1","amt":10}"#);
    says(
        &measured(&mut ledger),
        "edited since 1 9.5; unexplained 1 -1.0",
        false,
    );
}

#[test]
fn an_edit_that_was_taken_back_is_no_cause() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.put("b", "2", r#"{"id":"2","amt":7}"#);
    ledger.put("b", "2", r#"{"id":"2","amt":2.5}"#);
    says(&measured(&mut ledger), "", true);
}

#[test]
fn what_a_later_stage_changes_is_its_own_affair() {
    let doubled = MARK.replace(
        "value = true",
        "value = true\n\n[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= doc.amt * 2\"",
    );
    let mut ledger = applied(&[COPY, &doubled], &THREE[..1]);
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "unexplained 1 1.5", false);
    // What the stage has done on top of an edit is no part of the edit.
    let mut ledger = over(&[COPY, &doubled]);
    ledger.load("a", &THREE[..1]);
    let both = std::mem::replace(&mut ledger.stages, over(&[COPY]).stages);
    ledger.apply();
    ledger.put("b", "1", r#"{"id":"1","amt":4.5}"#);
    ledger.stages = both;
    ledger.apply();
    says(&measured(&mut ledger), "edited since 1 3.0", true);
}

#[test]
fn what_an_earlier_stage_writes_anew_waits_for_the_next() {
    let second = COPY
        .replace("\"b\"", "\"c\"")
        .replace("source = \"a\"", "source = \"b\"");
    let mut ledger = applied(&[COPY, &second], &THREE);
    ledger.load("a", &[r#"{"id":"2","amt":7}"#]);
    let first = ledger.applying.clone().to(1);
    apply(&mut ledger.store, &ledger.stages, &first, &mut Silent).expect("an apply");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "not processed yet 2 -4.5", true);
    ledger.apply();
    says(&ledger.reconcile()[1].reconciliations[0], "", true);
}

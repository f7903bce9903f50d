//! What is refused, waived or let in keeps its amount.

use counterfoil::RunInfo;
use counterfoil::apply::apply;
use counterfoil::observe::Silent;
use counterfoil::quarantine::{Selected, retry, waive};

use super::{COPY, MARK, THREE, applied, measured, over, says, told};

fn because(reason: &str) -> RunInfo {
    RunInfo::new("apply").reason(reason.to_owned())
}

#[test]
fn of_a_refused_correction_the_old_copy_stands_and_is_stale() {
    let mut ledger = applied(&[COPY], &THREE);
    let strict = COPY.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 9 } } }\n";
    ledger.stages = over(&[&strict]).stages;
    let revised = ledger.applying.clone().revise(true).run_info(because("stricter"));
    ledger.load("a", &[r#"{"id":"2","amt":20}"#]);
    let applied = apply(&mut ledger.store, &ledger.stages, &revised, &mut Silent).expect("an apply");
    assert_eq!(applied.passes[0].counts.refused, 1);
    let result = measured(&mut ledger);
    says(&result, "stale 2 -17.5", true);
    assert_eq!(result.target.records, 3, "the copy is measured: it stands");
    // The copy is lost behind the ledger: the refusal does not vouch for it.
    ledger.behind("DELETE FROM b WHERE id='2'");
    says(&measured(&mut ledger), "unexplained 2 -20", false);
}

#[test]
fn a_stale_copy_that_is_deleted_by_hand_leaves_a_refusal_and_an_edit() {
    let mut ledger = applied(&[COPY], &THREE);
    ledger.load("a", &[r#"{"id":"2","amt":"two"}"#]);
    ledger.apply();
    let result = measured(&mut ledger);
    says(&result, "stale 2 2.5", true);
    assert_eq!(result.causes[0].unmeasured, 1);
    ledger.delete("b", "2");
    let (causes, holds) = told(&measured(&mut ledger));
    assert!(holds && causes.ends_with("edited since 2 -2.5"), "{causes}");
    assert!(causes.starts_with("refused 2"), "no copy stands: {causes}");
}

#[test]
fn what_is_refused_and_waived_in_place_keeps_its_amount() {
    let strict = MARK.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 3 } } }\n";
    let mut ledger = applied(&[COPY, &strict], &THREE);
    says(&ledger.reconcile()[1].reconciliations[0], "refused 3 -3.5", true);
    waive(
        &mut ledger.store,
        "causes",
        &Selected::default(),
        &RunInfo::new("waive"),
    )
    .expect("a waiver");
    let stages = ledger.reconcile();
    says(&stages[0].reconciliations[0], "", true);
    says(&stages[1].reconciliations[0], "waived 3 -3.5", true);
}

#[test]
fn what_is_let_in_from_quarantine_in_place_needs_no_explanation() {
    let mut ledger = applied(
        &[
            COPY,
            &(MARK.to_owned() + "[contract]\nsource = { properties = { amt = { maximum = 3 } } }\n"),
        ],
        &THREE,
    );
    ledger.stages = over(&[COPY, MARK]).stages;
    let revised = ledger
        .applying
        .clone()
        .revise(true)
        .run_info(because("3.5 is allowed"));
    retry(
        &mut ledger.store,
        &ledger.stages,
        &Selected::default(),
        &revised,
        &mut Silent,
    )
    .expect("a retry");
    let stages = ledger.reconcile();
    says(&stages[1].reconciliations[0], "", true);
    assert_eq!(stages[1].reconciliations[0].source.records, 3);
}

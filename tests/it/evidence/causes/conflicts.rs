//! What is replaced or skipped is told with what has its place.

use counterfoil::observe::Silent;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};

use super::{PARTS, REKEYED, applied, measured, over, rewrite, says};

#[test]
fn a_replaced_row_is_reported_with_the_record_that_has_its_place() {
    let records = [
        r#"{"id":"1","k":"x","amt":0.1}"#,
        r#"{"id":"2","k":"x","amt":0.2}"#,
        r#"{"id":"3","k":"y","amt":1e3}"#,
    ];
    let mut ledger = over(&[REKEYED]);
    ledger.load("a", &records);
    let applied = ledger.apply();
    says(
        &applied.reconciled[0].reconciliations[0],
        "replaced 1 by 2 -0.1",
        true,
    );
    says(&measured(&mut ledger), "replaced 1 by 2 -0.1", true);
    // Codes are parsed: a reason may say more.
    rewrite(
        &ledger,
        r#"UPDATE ledger_entry SET reason='{"holder":2,"code":"target.replaced"}' WHERE reason LIKE '%replaced%'"#,
    );
    says(&measured(&mut ledger), "replaced 1 by 2 -0.1", true);
    // Without the entry nothing explains it.
    ledger.behind("DELETE FROM ledger_entry WHERE reason LIKE '%replaced%'");
    says(&measured(&mut ledger), "unexplained 1 -0.1", false);
}

#[test]
fn what_a_later_pass_replaces_is_reported_by_that_pass() {
    let mut ledger = applied(&[REKEYED], &[r#"{"id":"1","k":"x","amt":0.1}"#]);
    ledger.load("a", &[r#"{"id":"2","k":"x","amt":0.2}"#]);
    let applied = ledger.apply();
    assert!(!applied.reconciled[0].whole);
    says(
        &applied.reconciled[0].reconciliations[0],
        "replaced 1 by 2 -0.1",
        true,
    );
    let last = RollbackOptions::default().scope(RollbackScope::Run(applied.run.expect("a run")));
    rollback(&mut ledger.store, "causes", &last, &mut Silent).expect("a rollback");
    says(&measured(&mut ledger), "not processed yet 2 -0.2", true);
}

#[test]
fn a_record_that_was_skipped_for_another_is_reported_as_such() {
    let skip = REKEYED.replace("\"replace\"", "\"skip\"");
    let records = [
        r#"{"id":"1","k":"x","amt":0.1}"#,
        r#"{"id":"2","k":"x","amt":0.2}"#,
    ];
    let mut ledger = applied(&[&skip], &records);
    says(&measured(&mut ledger), "skipped 2 -0.2", true);
}

#[test]
fn a_part_that_was_skipped_explains_its_own_amount_and_no_more() {
    let record = r#"{"id":"1","total":7,"parts":[{"id":"p","amt":1},{"id":"q","amt":2},{"id":"r","amt":4}]}"#;
    let mut ledger = applied(&[PARTS], &[record]);
    says(&measured(&mut ledger), "", true);
    rewrite(
        &ledger,
        r#"UPDATE ledger_entry SET outcome=3, after=NULL, reason='{"code":"target.exists","holder":17}'
             WHERE part=2 AND reason IS NULL;
           DELETE FROM b WHERE id='q'"#,
    );
    says(&measured(&mut ledger), "skipped 1 -2", true);
    ledger.behind("DELETE FROM b WHERE id='r'");
    says(&measured(&mut ledger), "skipped 1 -2; unexplained 1 -4", false);
}

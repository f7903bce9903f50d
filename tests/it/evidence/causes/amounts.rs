//! Amounts that nobody can read, and those that add up in another way.

use counterfoil::reconcile::DifferenceCause;

use super::{ANYTHING, THREE, applied, measured, says};

#[test]
fn an_amount_that_nobody_can_read_on_either_side_is_explained_by_that() {
    let mut ledger = applied(&[ANYTHING], &[THREE[0], r#"{"id":"9","amt":"nine"}"#]);
    let result = measured(&mut ledger);
    says(&result, "unreadable 9 0", true);
    assert_eq!(result.causes[0].unmeasured, 1);
}

#[test]
fn an_amount_that_can_be_read_on_one_side_is_not() {
    let lossy = ANYTHING.replace(
        "[[reconcile]]",
        "[[op]]\nop = \"set\"\npath = \"amt\"\nvalue = \"= if doc.id == \\\"2\\\" { \\\"lost\\\" } else { doc.amt }\"\n[[reconcile]]",
    );
    let mut ledger = applied(&[&lossy], &THREE);
    let result = measured(&mut ledger);
    says(&result, "unexplained 2 -2.5", false);
    assert_eq!(result.causes[0].unmeasured, 1);
}

#[test]
fn where_nothing_could_be_measured_nothing_is_reconciled() {
    let slip = ANYTHING.replace("decimal(doc.amt)", "decimal(doc.amount)");
    let mut ledger = applied(&[&slip], &THREE);
    let result = measured(&mut ledger);
    says(&result, "unexplained 1,2,3 0", false);
    assert_eq!(result.causes[0].unmeasured, 3);
}

/// Headers and lines of one source: the lines are to add up to what the header says.
const LINES: &str = r#"
[stage]
source = "a"
target = "b"
where = '= doc.model == "line"'

[into]
invoice = "= doc.invoice"
amount = "= doc.price"

[[reconcile]]
name = "lines"
source = '= if doc.model == "invoice" { doc.total } else { 0 }'
target = "= doc.amount"
by = { source = '= if doc.model == "invoice" { text(doc.pk) } else { "none" }', target = "= text(doc.invoice)" }

[[reconcile]]
name = "all of it"
source = '= if doc.model == "invoice" { doc.total } else { 0 }'
target = "= doc.amount"
"#;

#[test]
fn lines_make_up_for_the_header_that_was_filtered_where_they_add_up_to_it() {
    let records = [
        r#"{"id":"i1","model":"invoice","pk":1,"total":3.97}"#,
        r#"{"id":"l1","model":"line","invoice":1,"price":1.98}"#,
        r#"{"id":"l2","model":"line","invoice":1,"price":1.99}"#,
    ];
    let mut ledger = applied(&[LINES], &records);
    let [lines, all] = &ledger.reconcile().remove(0).reconciliations[..] else {
        panic!("two")
    };
    says(lines, "filtered i1 -3.97; counterpart of filtered l1 3.97", true);
    assert_eq!(lines.causes[1].records, 2);
    assert_eq!(lines.causes[1].cause, DifferenceCause::Counterpart);
    // Without a key it could be any other record that makes up for the header.
    says(all, "filtered i1 -3.97; unexplained l1,l2 3.97", false);
    ledger.load(
        "a",
        &[
            r#"{"id":"i2","model":"invoice","pk":2,"total":5.00}"#,
            r#"{"id":"l3","model":"line","invoice":2,"price":4.99}"#,
        ],
    );
    ledger.apply();
    let result = measured(&mut ledger);
    assert_eq!((result.holds, result.discrepancies), (false, 1));
    assert_eq!(result.keys[0].key.as_deref(), Some("2"));
    assert_eq!(result.keys[0].difference.to_string(), "-0.01");
}

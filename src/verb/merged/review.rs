//! The pairs that wait for a decision: which entry lists them, and what takes them out.

use super::*;

fn register() -> Register {
    Register::new(&["Alice", "Alicia", "Bob", "Rob"])
}

fn alone<'c>(
    member: &'c [i64],
    golden: Option<i64>,
    data: Option<&'c str>,
    review: &'c [(i64, i64, &'c str)],
) -> Cluster<'c> {
    Cluster {
        golden,
        members: member,
        data,
        review,
        ..Cluster::default()
    }
}

const DATA: Option<&str> = Some("{\"given\":\"x\"}");

#[test]
fn a_pair_is_listed_once_until_the_newer_entry_of_one_of_the_two_says_otherwise() {
    let mut register = register();
    register.merge(&[
        alone(&[1], None, DATA, &[(1, 2, "near"), (1, 3, "chain")]),
        alone(&[2], None, DATA, &[(2, 1, "near")]),
        alone(&[3], None, DATA, &[(3, 1, "chain"), (3, 4, "conflict")]),
        alone(&[4], None, DATA, &[(4, 3, "conflict")]),
    ]);
    register.assert_sound();
    assert_eq!(register.reviews(), ["1-2 near", "1-3 chain", "3-4 conflict"]);
    // 2 is looked at again, and resembles 4; what 1 says of it is out of date.
    let second = register.merge(&[alone(&[2], Some(6), None, &[(2, 4, "near")])]);
    assert_eq!(register.reviews(), ["1-3 chain", "2-4 near", "3-4 conflict"]);
    // Then 1, and both resemble each other more.
    let third = register.merge(&[alone(&[1], Some(5), None, &[(1, 2, "joins")])]);
    assert_eq!(register.reviews(), ["1-2 joins", "2-4 near", "3-4 conflict"]);
    register.roll_back(third);
    assert_eq!(register.reviews(), ["1-3 chain", "2-4 near", "3-4 conflict"]);
    register.roll_back(second);
    assert_eq!(register.reviews(), ["1-2 near", "1-3 chain", "3-4 conflict"]);
    register.assert_sound();
}

#[test]
fn a_decision_takes_a_pair_out_and_its_rollback_brings_it_back() {
    let mut register = register();
    register.merge(&[
        alone(&[1], None, DATA, &[(1, 2, "near"), (1, 3, "near")]),
        alone(&[2], None, DATA, &[(2, 1, "near")]),
        alone(&[3], None, DATA, &[(3, 1, "near"), (3, 4, "near")]),
        alone(&[4], None, DATA, &[(4, 3, "near")]),
    ]);
    let rejected = register.decide("rejected", &[(2, 1)]);
    register.decide("never", &[(3, 4)]);
    register.assert_sound();
    assert_eq!(register.reviews(), ["1-3 near"]);
    register.decide("accepted", &[(1, 3)]);
    assert_eq!(register.reviews(), [""; 0]);
    register.roll_back(rejected);
    register.assert_sound();
    assert_eq!(register.reviews(), ["1-2 near"]);
}

#[test]
fn what_a_person_accepted_is_shown_as_joined_by_review() {
    let mut register = register();
    register.merge(&[
        alone(&[1], None, DATA, &[(1, 2, "near")]),
        alone(&[2], None, DATA, &[(2, 1, "near")]),
    ]);
    let accepted = register.decide("accepted", &[(1, 2)]);
    // Nothing is joined yet.
    assert_eq!(register.cross_reference(), ["1=5 auto", "2=6 auto"]);
    let joined = register.merge(&[Cluster {
        golden: Some(5),
        members: &[1, 2],
        gone: &[6],
        ..Cluster::default()
    }]);
    register.assert_sound();
    assert_eq!(register.cross_reference(), ["1=5 review", "2=5 review"]);
    register.roll_back(joined);
    register.roll_back(accepted);
    register.assert_sound();
    assert_eq!(register.cross_reference(), ["1=5 auto", "2=6 auto"]);
    assert_eq!(register.reviews(), ["1-2 near"]);
}

#[test]
fn only_the_entries_that_list_pairs_are_read() {
    let mut register = register();
    register.merge(&[
        alone(&[1], None, DATA, &[(1, 2, "near")]),
        alone(&[2], None, DATA, &[]),
    ]);
    let sql = "EXPLAIN QUERY PLAN SELECT band, count(*) FROM audit_review GROUP BY band";
    let mut statement = register.store.connection().prepare(sql).expect(sql);
    let steps = statement.query_map([], |row| row.get(3)).expect("a plan");
    let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>().expect("steps");
    let scanned: Vec<&String> = steps.iter().filter(|step| step.starts_with("SCAN ")).collect();
    assert_eq!(scanned[0], "SCAN e USING INDEX ledger_entry_review");
    assert!(
        scanned
            .iter()
            .all(|step| !step.contains("SCAN f") && **step != "SCAN e"),
        "{scanned:?}"
    );
}

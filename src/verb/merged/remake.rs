//! Golden records that are made again: one that its members do not make is found, though the ledger says it too.

use super::*;
use crate::stage::{Lookup, Stage};
use crate::verify::{Remade, VerifyReport};

fn data(member: i64, name: &str) -> String {
    let Edit::Put { data, .. } = put(member, name) else {
        panic!("a put has data")
    };
    data
}

/// Merges the first two members, and the third alone, into golden records with this data.
fn merged(golden: &str) -> Register {
    let mut register = Register::new(&["Ann", "Ann", "Bob"]);
    let bob = data(3, "Bob");
    let cluster = |members, data| Cluster {
        members,
        data: Some(data),
        ..Cluster::default()
    };
    let stage = Stage::parse("0004_one_person.toml", TEXT, &Lookup::nothing()).expect("a stage");
    let stage = StageRow::new(PROJECT, &stage);
    register.merge_by(stage, &[cluster(&[1, 2], golden), cluster(&[3], &bob)]);
    register
}

fn remade(register: &Register) -> VerifyReport {
    verify(&register.store, &VerifyOptions::default().remake(true)).expect("a verification")
}

fn counts(report: &VerifyReport) -> (u64, u64, u64) {
    let Some(Remade {
        golden,
        waiting,
        unknown,
    }) = report.remade
    else {
        panic!("nothing was made again")
    };
    (golden, waiting, unknown)
}

#[test]
fn what_members_make_is_found_again() {
    let register = merged(&data(1, "Ann"));
    let report = remade(&register);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(counts(&report), (2, 0, 0));
    let plain = verify(&register.store, &VerifyOptions::default()).expect("a verification");
    assert_eq!(plain.remade, None);
}

#[test]
fn a_golden_record_that_its_members_do_not_make_is_found_though_the_ledger_says_it() {
    let register = merged(&data(1, "Eve"));
    register.assert_sound();
    let report = remade(&register);
    assert_eq!(counts(&report), (2, 0, 0));
    let found: Vec<(&str, Option<&str>, Option<i64>)> = report
        .findings
        .iter()
        .map(|finding| {
            let record = finding.record.map(RecordNumber::get);
            (finding.code, finding.database.as_deref(), record)
        })
        .collect();
    assert_eq!(found, [("golden.differs", Some(TARGET), Some(4))]);
    assert!(!report.is_sound());
}

#[test]
fn members_that_have_changed_since_make_none() {
    let mut register = merged(&data(1, "Eve"));
    register.correct(2, "Anna");
    let report = remade(&register);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(counts(&report), (1, 1, 0));
}

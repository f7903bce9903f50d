//! What reads the ledger, of merges: traces, PROV, counts, reconciliation, quarantine, and the plans of the views.

use super::story::{Example, example, first, joined};
use super::*;
use crate::ledger::members::{carrier, members};
use crate::ledger::out;
use crate::reconcile::{DifferenceCause, ReconcileOptions, reconcile};
use crate::record::BatchId;
use crate::stage::{Lookup, Stage, Stages};

/// The entries that a trace shows, each as `record>target outcome`.
fn traced(register: &Register, database: &str, id: &str) -> Vec<String> {
    let steps = register.store.trace(database, id).expect("a trace");
    let told = |step: &crate::history::TraceStep| {
        let target = step
            .target_record
            .map(|target| format!(">{target}"))
            .unwrap_or_default();
        format!("{}{target} {}", step.record, step.outcome)
    };
    steps.iter().map(told).collect()
}

#[test]
fn a_trace_leads_from_a_member_to_its_golden_records_and_from_one_of_these_to_all_its_members() {
    let Example { mut register, .. } = example();
    register.decide("never", &[(1, 2)]);
    // Loaded, in 5, corrected, joined to 4, which 1 carries, and still there.
    let of_three = [
        "3 written",
        "1>4 merged",
        "3>5 written",
        "3 written",
        "1>4 merged",
        "1>5 merged",
        "3>4 merged",
        "1>4 merged",
        "3>4 merged",
    ];
    assert_eq!(traced(&register, SOURCE, "m3"), of_three);
    let of_two = traced(&register, SOURCE, "m2");
    assert_eq!(of_two.first().map(String::as_str), Some("2 written"));
    // One entry of the decision, and nothing of 1 but what it did to the golden record.
    assert_eq!(
        of_two
            .iter()
            .filter(|step| step.ends_with("filtered"))
            .collect::<Vec<_>>(),
        ["2>1 filtered"]
    );
    assert!(!of_two.contains(&"1 written".to_owned()), "{of_two:?}");
    let of_golden = traced(&register, TARGET, "PAT-m1");
    for step in ["1 written", "2 written", "3 written", "2>4 merged", "3>4 merged"] {
        assert!(of_golden.contains(&step.to_owned()), "{step}: {of_golden:?}");
    }
    assert!(!of_golden.contains(&"1>5 merged".to_owned()), "{of_golden:?}");
    // 5 came from 3 alone.
    assert!(!traced(&register, TARGET, "PAT-m3").contains(&"1 written".to_owned()));
}

#[test]
fn a_golden_record_is_derived_from_all_its_members() {
    let Example { register, .. } = example();
    let prov = register.store.prov(TARGET, "PAT-m1").expect("a document");
    let derived = prov["wasDerivedFrom"].as_object().expect("derivations");
    let copies = |of: &str| {
        let mut from: Vec<String> = derived
            .values()
            .filter(|derivation| derivation["prov:type"]["$"] == "counterfoil:Copy")
            .filter(|derivation| derivation["prov:generatedEntity"] == of)
            .map(|derivation| {
                derivation["prov:usedEntity"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        from.sort();
        from.iter()
            .map(|from| from.split('/').nth(1).unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let batches = register.told("SELECT batch FROM ledger_batch WHERE merged>0 ORDER BY batch");
    let version = |at: usize| format!("version:people/4/{}-0", batches[at]);
    assert_eq!(copies(&version(0)), ["1", "2"]);
    assert_eq!(copies(&version(1)), ["1", "2", "3"]);
    assert_eq!(copies(&version(2)), ["1", "3"]);
}

#[test]
fn each_golden_record_is_counted_once() {
    let Example { register, passes, .. } = example();
    let connection = register.connection();
    let out = passes
        .iter()
        .map(|pass| out::of_pass(connection, *pass).expect("a count"));
    // Two, one that took the place of another, and two again.
    assert_eq!(out.collect::<Vec<_>>(), [2, 1, 2]);
    let sql = "SELECT b.batch FROM ledger_batch b WHERE b.pass=?1 AND b.entries>0";
    let batch = |pass: PassId| {
        connection
            .query_row(sql, [pass], |row| row.get::<_, BatchId>(0))
            .expect("a batch")
    };
    let of = |pass: usize, row: i64| {
        let members = members(connection, batch(passes[pass]), RecordNumber::new(row)).expect("members");
        members
            .iter()
            .map(|member| member.record.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (of(0, 4), of(0, 5), of(1, 4), of(2, 6)),
        (vec![1, 2], vec![3], vec![1, 2, 3], vec![2])
    );
    assert_eq!(of(1, 5), [0; 0], "a row that is removed comes from nothing");
    let carrier = carrier(connection, batch(passes[1]), RecordNumber::new(4)).expect("a ledger");
    assert_eq!(carrier, Some(RecordNumber::new(1)));
}

#[test]
fn a_difference_between_members_and_golden_records_is_explained_by_the_merge() {
    let text = "[stage]\nsource = \"register\"\ntarget = \"people\"\n\n[[reconcile]]\nname = \"records\"\nsource = \"= 1\"\ntarget = \"= 1\"\n";
    let stage = Stage::parse("0004_one_person.toml", text, &Lookup::default()).expect("a stage");
    let stages = Stages::new(PROJECT, vec![stage]).expect("one stage");
    let mut register = Register::new(&["Alice", "Alicia", "Bob"]);
    for (clusters, difference) in [(&first()[..], -1), (&joined(), -2)] {
        register.merge(clusters);
        let report = reconcile(
            &mut register.store,
            &stages,
            &ReconcileOptions::default(),
            &mut Silent,
        );
        let report = report.expect("a report");
        let found = &report.stages[0].reconciliations[0];
        assert_eq!((found.difference, found.behind), (difference.into(), 0));
        assert!(found.holds && found.unexplained.is_zero(), "{found:?}");
        let causes: Vec<_> = found
            .causes
            .iter()
            .map(|cause| (cause.cause, cause.amount))
            .collect();
        assert_eq!(causes, [(DifferenceCause::Merged, difference.into())]);
    }
    register.assert_sound();
}

#[test]
fn a_decision_settles_no_refusal_and_a_refusal_moves_no_member() {
    let mut register = Register::new(&["Alice", "Alicia", "Bob"]);
    register.merge(&first());
    register.correct(2, "?");
    register.refuse(2);
    register.assert_sound();
    let members = ["1=4 auto", "2=4 auto", "3=5 auto"];
    assert_eq!(register.cross_reference(), members);
    let quarantine = "SELECT record FROM audit_quarantine";
    assert_eq!(register.told(quarantine), ["2"]);
    let refused = |register: &Register| {
        let counts = crate::ledger::refusals::refused_counts(register.connection(), PROJECT);
        counts.expect("a ledger").get(&STAGE).copied()
    };
    assert_eq!(refused(&register), Some(1));
    register.decide("rejected", &[(2, 3)]);
    assert_eq!(register.told(quarantine), ["2"]);
    assert_eq!(refused(&register), Some(1));
    register.merge(&[Cluster {
        golden: Some(4),
        members: &[1, 2],
        ..Cluster::default()
    }]);
    assert_eq!(register.told(quarantine), [""; 0]);
    assert_eq!(refused(&register), None);
    assert_eq!(register.cross_reference(), members);
}

#[test]
fn each_step_of_a_merge_is_shown_with_what_it_read_and_what_came_of_it() {
    let Example {
        mut register, passes, ..
    } = example();
    register.roll_back(passes[2]);
    // The text of 4 is that of the first merge again, so that it is still there.
    let steps = register.told(
        "SELECT record||'>'||target_record||' '||status||' '||(original IS NOT NULL)||(transformed IS NOT NULL)
         FROM audit_step WHERE kind='apply' ORDER BY batch, record, part",
    );
    let shown = [
        "1>4 merged 11",
        "2>4 merged 11",
        "3>5 written 11",
        "1>4 merged 11",
        "1>5 merged 10",
        "2>4 merged 11",
        "3>4 merged 11",
        "1>4 rolled back 11",
        "2>6 rolled back 10",
        "3>4 merged 11",
    ];
    assert_eq!(steps, shown.map(|step| step.replace("1>5 merged", "1>5 removed")));
}

#[test]
fn one_member_and_one_golden_record_are_found_without_a_look_at_the_others() {
    let Example { register, .. } = example();
    let of_view = |which: &str| {
        register.plan(&format!(
            "SELECT golden_id, since, by FROM audit_cross_reference WHERE {which}"
        ))
    };
    for (which, finds) in [
        ("member=3", "SEARCH f USING PRIMARY KEY (record=?)"),
        ("golden=4", "SEARCH e USING INDEX ledger_entry_target (target=?"),
    ] {
        let plan = of_view(which);
        assert!(plan.contains(finds), "{which}:\n{plan}");
        assert!(
            !plan.contains("SCAN e") && !plan.contains("SCAN f"),
            "{which}:\n{plan}"
        );
    }
    let whole = of_view("number=4");
    assert!(whole.contains("SCAN s") && !whole.contains("SCAN f"), "{whole}");
    let pair = register.plan("SELECT band FROM audit_review WHERE a=1 AND b=2");
    assert!(!pair.contains("SCAN e") && !pair.contains("SCAN f"), "{pair}");
}

#[test]
fn members_of_a_dense_batch_are_found_like_all_others() {
    let names = vec!["Alice"; 400];
    let mut register = Register::new(&names);
    let numbers: Vec<i64> = (1..=400).collect();
    let clusters: Vec<Cluster<'_>> = numbers
        .chunks(2)
        .map(|members| Cluster {
            members,
            data: Some("{\"given\":\"Alice\"}"),
            ..Cluster::default()
        })
        .collect();
    register.merge(&clusters);
    let sparse = "SELECT count(*) FROM ledger_sparse z JOIN ledger_batch b USING(batch) WHERE b.merged>0";
    assert_eq!(register.told(sparse), ["0"]);
    let count = "SELECT count(*), count(DISTINCT golden), count(DISTINCT since) FROM audit_cross_reference";
    assert_eq!(register.told(count), ["400|200|1"]);
    let again = register.merge(&[Cluster {
        golden: Some(401),
        members: &numbers[..4],
        gone: &[402],
        ..Cluster::default()
    }]);
    assert_eq!(
        register.told("SELECT member FROM audit_cross_reference WHERE golden=401 ORDER BY member"),
        ["1", "2", "3", "4"]
    );
    assert_eq!(register.told(count), ["400|199|2"]);
    register.roll_back(again);
    register.assert_sound();
    register.roll_back_of(RollbackScope::All);
    register.assert_sound();
    assert_eq!(register.told(count), ["0|0|0"]);
}

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

/// Two members, each with the other in its entry.
fn pair() -> Register {
    let mut register = Register::new(&["Alice", "Alicia"]);
    register.merge(&[
        alone(&[1], None, DATA, &[(1, 2, "near")]),
        alone(&[2], None, DATA, &[(2, 1, "near")]),
    ]);
    register
}

/// Both golden records become one.
fn join(register: &mut Register) -> PassId {
    register.merge(&[Cluster {
        golden: Some(3),
        members: &[1, 2],
        gone: &[4],
        ..Cluster::default()
    }])
}

#[test]
fn of_several_decisions_the_newest_that_stands_counts() {
    let mut register = pair();
    let since = register.waits_since((1, 2));
    let rejected = register.decide("rejected", &[(1, 2)]);
    let never = register.decide("never", &[(2, 1)]);
    let accepted = register.decide("accepted", &[(1, 2)]);
    register.assert_sound();
    assert_eq!(register.decisions((1, 2)), ["rejected", "never", "accepted!"]);
    assert_eq!(register.waits_since((1, 2)), None);
    register.roll_back(accepted);
    assert_eq!(register.decisions((1, 2)), ["rejected", "never!"]);
    // Not the newest one.
    register.roll_back(rejected);
    assert_eq!(register.decisions((1, 2)), ["never!"]);
    assert_eq!(register.waits_since((1, 2)), None);
    // Taken back, they leave the pair as old as it was.
    register.roll_back(never);
    assert_eq!(register.decisions((1, 2)), [""; 0]);
    assert_eq!(register.waits_since((1, 2)), since);
    register.assert_sound();
}

#[test]
fn of_two_decisions_in_one_batch_the_later_part_counts() {
    let mut register = pair();
    register.say(&[
        ("same", (1, 2), None),
        ("rejected", (1, 2), None),
        ("never", (1, 2), None),
        ("noted", (1, 2), Some("a twin")),
    ]);
    register.assert_sound();
    let counts = "SELECT decision FROM audit_decision WHERE counts";
    assert_eq!(register.told(counts), ["never"]);
    assert_eq!(register.told("SELECT count(*) FROM audit_decision"), ["4"]);
}

#[test]
fn notes_and_labels_decide_nothing_and_the_newest_note_is_shown() {
    let mut register = pair();
    let since = register.waits_since((1, 2));
    let noted = |register: &Register| {
        register.told(
            "SELECT coalesce(note,'-')||' '||coalesce(note_actor=(SELECT max(actor) FROM ledger_run),'-')
             ||' '||coalesce(length(note_at),'-') FROM audit_review WHERE a=1 AND b=2",
        )
    };
    assert_eq!(noted(&register), ["- - -"]);
    register.note((2, 1), "asked \"the\" ward: \"review\":[1]");
    register.decide("same", &[(1, 2)]);
    register.decide("different", &[(1, 2)]);
    assert_eq!(noted(&register), ["asked \"the\" ward: \"review\":[1] 1 20"]);
    let second = register.note((1, 2), "twins");
    assert_eq!(noted(&register), ["twins 1 20"]);
    assert_eq!(register.waits_since((1, 2)), since);
    assert_eq!(
        register.decisions((1, 2)),
        ["noted", "same", "different", "noted"]
    );
    register.assert_sound();
    register.roll_back(second);
    assert_eq!(noted(&register), ["asked \"the\" ward: \"review\":[1] 1 20"]);
    // A note on another pair, or on a decision, is none on this one.
    let mut register = pair();
    let rejected = register.say(&[("rejected", (1, 2), Some("no"))]);
    register.roll_back(rejected);
    register.decide("rejected", &[(1, 2)]);
    let texts = "SELECT decision, note, reason, actor=(SELECT actor FROM ledger_run r WHERE r.run=d.run),
       at=strftime('%Y-%m-%dT%H:%M:%SZ', (SELECT committed_us FROM ledger_batch b WHERE b.batch=d.batch)/1000000, 'unixepoch')
     FROM audit_decision d";
    assert_eq!(register.told(texts), ["rejected||seen|1|1"]);
}

#[test]
fn a_rejected_pair_waits_again_once_a_later_entry_lists_it_and_no_other_does() {
    for (code, comes_again) in [("rejected", true), ("never", false), ("accepted", false)] {
        let mut register = pair();
        register.decide(code, &[(1, 2)]);
        assert_eq!(register.waits_since((1, 2)), None, "{code}");
        let again = register.merge(&[alone(&[2], Some(4), None, &[(2, 1, "near")])]);
        let since = comes_again.then(|| register.batch_of(again));
        assert_eq!(register.waits_since((1, 2)), since, "{code}");
        // A later listing makes it no younger.
        register.merge(&[alone(&[1], Some(3), None, &[(1, 2, "near")])]);
        assert_eq!(register.waits_since((1, 2)), since, "{code}");
        register.decide("rejected", &[(1, 2)]);
        assert_eq!(register.waits_since((1, 2)), None, "{code}");
        register.assert_sound();
    }
}

#[test]
fn a_pair_that_is_listed_again_is_as_old_as_before_unless_it_has_left_the_list() {
    let mut register = pair();
    let first = register.waits_since((1, 2));
    assert!(first.is_some());
    register.correct(2, "Alix");
    let again = alone(&[2], Some(4), None, &[(2, 1, "chain")]);
    let second = register.merge(std::slice::from_ref(&again));
    register.merge(&[alone(&[1], Some(3), None, &[(1, 2, "chain")])]);
    assert_eq!(register.waits_since((1, 2)), first);
    assert_eq!(register.reviews(), ["1-2 chain"]);
    // A refusal says nothing of pairs.
    register.refuse(2);
    let third = register.merge(&[again]);
    assert_eq!(register.waits_since((1, 2)), first);
    register.merge(&[alone(&[2], Some(4), None, &[])]);
    assert_eq!(register.waits_since((1, 2)), None);
    let last = register.merge(&[alone(&[1], Some(3), None, &[(1, 2, "near")])]);
    assert_eq!(register.waits_since((1, 2)), Some(register.batch_of(last)));
    register.assert_sound();
    assert!(register.batch_of(second) < register.batch_of(third));
}

#[test]
fn a_decision_that_was_carried_out_and_taken_back_leaves_a_pair_as_old_as_it_was() {
    for code in ["accepted", "rejected", "never"] {
        let mut register = pair();
        let since = register.waits_since((1, 2));
        let decided = register.decide(code, &[(1, 2)]);
        // The next pass looks at both members, and lists them no more.
        register.merge(&[alone(&[1], Some(3), None, &[]), alone(&[2], Some(4), None, &[])]);
        register.take_back(decided);
        assert_eq!(register.waits_since((1, 2)), None, "{code}");
        register.merge(&[alone(&[2], Some(4), None, &[(2, 1, "near")])]);
        assert_eq!(register.waits_since((1, 2)), since, "{code}");
        register.assert_sound();
    }
    // A remark takes nothing out of the list.
    let mut register = pair();
    register.note((1, 2), "seen");
    register.merge(&[alone(&[2], Some(4), None, &[])]);
    let again = register.merge(&[alone(&[2], Some(4), None, &[(2, 1, "near")])]);
    assert_eq!(register.waits_since((1, 2)), Some(register.batch_of(again)));
}

#[test]
fn members_refused_together_wait_since_the_first_refusal() {
    let mut register = Register::new(&["Alice", "Alicia", "Bob"]);
    let first = register.refuse_together(&[1, 2]);
    let since = Some(register.batch_of(first));
    assert_eq!(register.reviews(), ["1-2 contract"]);
    register.refuse_together(&[1, 2, 3]);
    assert_eq!(register.reviews(), ["1-2 contract", "1-3 contract"]);
    assert_eq!(register.waits_since((1, 2)), since);
    assert_ne!(register.waits_since((1, 3)), since);
    register.merge(&[alone(&[2], None, DATA, &[])]);
    assert_eq!(register.reviews(), ["1-3 contract"]);
    let again = register.refuse_together(&[1, 2, 3]);
    assert_eq!(register.waits_since((1, 2)), Some(register.batch_of(again)));
    register.assert_sound();
    // A rejected pair comes again with a later refusal.
    register.decide("rejected", &[(1, 3)]);
    assert_eq!(register.reviews(), ["1-2 contract"]);
    let last = register.refuse_together(&[1, 2, 3]);
    assert_eq!(register.waits_since((1, 3)), Some(register.batch_of(last)));
}

#[test]
fn review_has_joined_a_member_only_while_its_acceptance_counts() {
    let mut register = pair();
    register.decide("accepted", &[(1, 2)]);
    join(&mut register);
    let by_review = ["1=3 review", "2=3 review"];
    assert_eq!(register.cross_reference(), by_review);
    register.note((1, 2), "seen");
    register.decide("same", &[(1, 2)]);
    assert_eq!(register.cross_reference(), by_review);
    for code in ["rejected", "never"] {
        let later = register.decide(code, &[(2, 1)]);
        assert_eq!(register.cross_reference(), ["1=3 auto", "2=3 auto"], "{code}");
        register.roll_back(later);
        assert_eq!(register.cross_reference(), by_review, "{code}");
    }
    register.assert_sound();
}

#[test]
fn decisions_are_found_by_a_pair_or_by_their_passes() {
    let mut register = pair();
    register.decide("never", &[(1, 2)]);
    let one = register.plan("SELECT * FROM audit_decision WHERE a=1 AND b=2");
    assert!(
        one.contains("SEARCH e USING INDEX ledger_entry_target (target=?"),
        "{one}"
    );
    assert!(!one.contains("SCAN e") && !one.contains("SCAN b"), "{one}");
    let all = register.plan("SELECT * FROM audit_decision");
    assert!(
        all.contains("SEARCH p USING INDEX ledger_pass_stage (stage=? AND kind=?)"),
        "{all}"
    );
    assert!(!all.contains("SCAN e") && !all.contains("SCAN b"), "{all}");
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

//! The story of a pair: what each decision does with the next apply, what is refused, and how it is taken back.

use counterfoil::review::{Decision, MAX_NOTE_BYTES, PairDecision};
use counterfoil::rollback::RollbackScope;

use super::desk::{
    by, by_key, decided_by, decides, decision, is_whole, line, load, queue, refused, waiting, weighed,
};
use crate::merges::register::{PEOPLE, apply, people};
use crate::support::world::World;

/// Two records of one street, which wait.
fn two() -> World {
    let mut world = weighed();
    load(&mut world, "a street=s n=1, b street=s n=1");
    apply(&mut world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a 4=b".to_owned(), "1+2 near".to_owned())
    );
    world
}

/// Something about a record changes that is not compared.
fn corrected(world: &mut World, id: &str) {
    world.put("register", id, &line(&format!("{id} street=s n=2")));
}

/// The members of each golden record.
fn members(world: &World) -> String {
    let people = people(world);
    let mut members: Vec<&str> = people
        .split(' ')
        .map(|one| one.split_once('=').expect("members").1)
        .collect();
    members.sort_unstable();
    members.join(" ")
}

fn nothing_to_do(world: &mut World) {
    assert!(world.apply().passes.is_empty());
}

#[test]
fn an_accepted_pair_is_merged_by_the_next_apply() {
    let mut world = two();
    decides(&mut world, 1, 2, Decision::Accept);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a 4=b".to_owned(), String::new())
    );
    assert_eq!(apply(&mut world), [2]);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a,b".to_owned(), String::new())
    );
    assert_eq!(by(&world), "a:review b:review");
    // Whatever becomes of them.
    world.put("register", "b", &line("b street=other key=y"));
    apply(&mut world);
    assert_eq!(people(&world), "3=a,b");
}

#[test]
fn a_rejected_pair_is_shown_again_only_after_one_of_the_two_is_corrected() {
    let mut world = two();
    decides(&mut world, 1, 2, Decision::Reject);
    apply(&mut world);
    load(&mut world, "c street=elsewhere");
    apply(&mut world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a 4=b 6=c".to_owned(), String::new())
    );
    corrected(&mut world, "b");
    apply(&mut world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a 4=b 6=c".to_owned(), "1+2 near".to_owned())
    );
    // Even if nothing is left to doubt, nobody but a person undoes what a person has decided.
    for id in ["a", "b"] {
        world.put("register", id, &line(&format!("{id} street=s key=x")));
    }
    apply(&mut world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a 4=b 6=c".to_owned(), "1+2 conflict".to_owned())
    );
    decides(&mut world, 1, 2, Decision::Accept);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a,b 6=c".to_owned(), String::new())
    );
}

#[test]
fn a_pair_that_is_never_one_is_never_shown_again() {
    let mut world = two();
    decides(&mut world, 1, 2, Decision::Never);
    apply(&mut world);
    for id in ["a", "b"] {
        world.put("register", id, &line(&format!("{id} street=s key=x")));
        apply(&mut world);
        assert_eq!(
            (people(&world), waiting(&world)),
            ("3=a 4=b".to_owned(), String::new())
        );
    }
    is_whole(&world);
}

#[test]
fn a_pair_that_was_merged_is_parted_by_a_rejection() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y");
    apply(&mut world);
    decides(&mut world, 1, 2, Decision::Reject);
    assert_eq!(people(&world), "4=a,b 5=c");
    assert_eq!(apply(&mut world), [2]);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("4=a 5=c 6=b".to_owned(), String::new())
    );
}

#[test]
fn a_note_decides_nothing_and_is_shown() {
    let mut world = two();
    let note = decision(1, 2, Decision::Note).note("waits for the copy of the card".to_owned());
    decided_by(&mut world, &[note]);
    let second = decision(2, 1, Decision::Note).note("it came".to_owned());
    let run = decided_by(&mut world, &[second]).run.expect("a run");
    nothing_to_do(&mut world);
    assert_eq!(waiting(&world), "1+2 near");
    let shown = queue(&world)[0].note.clone().expect("a note");
    let actor: String = world.asked(&format!("SELECT actor FROM ledger_run WHERE run={run}"));
    assert_eq!((shown.text.as_str(), shown.actor), ("it came", actor));
    world.roll_back(RollbackScope::Run(run));
    let shown = queue(&world)[0].note.clone().expect("a note");
    assert_eq!(shown.text, "waits for the copy of the card");
    nothing_to_do(&mut world);
    world.is_sound();
}

#[test]
fn labels_decide_nothing() {
    let mut world = two();
    for label in [Decision::Different, Decision::Same, Decision::Different] {
        decides(&mut world, 1, 2, label);
        nothing_to_do(&mut world);
        assert_eq!(
            (people(&world), waiting(&world)),
            ("3=a 4=b".to_owned(), "1+2 near".to_owned())
        );
    }
    // What was decided before stands through a label.
    decides(&mut world, 1, 2, Decision::Accept);
    decides(&mut world, 1, 2, Decision::Different);
    apply(&mut world);
    assert_eq!(people(&world), "3=a,b");
    decides(&mut world, 1, 2, Decision::Different);
    nothing_to_do(&mut world);
    assert_eq!(people(&world), "3=a,b");
}

#[test]
fn what_cannot_be_decided_is_refused_by_its_place_and_nothing_is_written() {
    let mut world = World::new("review", &[("0001_people.toml", PEOPLE)]);
    world.load(
        "register",
        &[
            r#"{"id":"a","key":"x"}"#,
            r#"{"id":"b","key":"y"}"#,
            r#"{"id":"c","key":"z"}"#,
            r#"{"id":"d","key":"z","n":9}"#,
        ],
    );
    world.apply();
    world.delete("register", "c");
    let good = || decision(1, 2, Decision::Accept);
    let note = |text: String| decision(1, 2, Decision::Note).note(text);
    let cases: [(PairDecision, &str); 8] = [
        (decision(1, 99, Decision::Accept), "`register` has no record 99"),
        // A golden record is no member.
        (decision(1, 5, Decision::Reject), "`register` has no record 5"),
        (decision(1, 1, Decision::Never), "1+1 is one record"),
        (decision(3, 1, Decision::Accept), "`register` has no record 3"),
        (
            decision(4, 1, Decision::Accept),
            "stage 1 leaves record 4 out, or refuses it",
        ),
        (note(String::new()), "the note about 1+2 has no text"),
        (note(" \n ".to_owned()), "the note about 1+2 has no text"),
        (
            note("n".repeat(MAX_NOTE_BYTES + 1)),
            "the text about 1+2 has 4097 bytes",
        ),
    ];
    for (bad, expected) in cases {
        let said = refused(&mut world, &[good(), bad]);
        assert!(said.starts_with("1: ") && said.contains(expected), "{said}");
    }
    let said = refused(&mut world, &[good(), decision(2, 1, Decision::Reject)]);
    assert!(said.contains("1: 1+2 is decided twice, differently"), "{said}");
    // The longest text that there may be, in bytes.
    let longest = note("ä".repeat(MAX_NOTE_BYTES / 2));
    assert_eq!(decided_by(&mut world, &[longest]).refused, []);
    world.is_sound();
}

#[test]
fn a_decision_about_what_has_changed_since_is_refused() {
    let mut world = two();
    let seen = queue(&world)[0].version.clone();
    corrected(&mut world, "b");
    for what in [
        Decision::Accept,
        Decision::Reject,
        Decision::Never,
        Decision::Same,
    ] {
        let stale = decision(1, 2, what).version(seen.clone());
        let said = refused(&mut world, &[stale]);
        assert!(
            said.contains("1+2 has changed, or was decided, since it was listed"),
            "{said}"
        );
    }
    apply(&mut world);
    let now = queue(&world)[0].version.clone();
    assert_ne!(now, seen);
    let fresh = decision(1, 2, Decision::Accept).version(now);
    assert_eq!(decided_by(&mut world, &[fresh]).refused, []);
    apply(&mut world);
    assert_eq!(people(&world), "3=a,b");
}

#[test]
fn a_contradiction_is_refused_in_either_order_and_names_what_stands() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=y, c key=z, d key=w");
    world.apply();
    let first = decides(&mut world, 1, 2, Decision::Accept);
    let second = decides(&mut world, 2, 3, Decision::Accept);
    for what in [Decision::Reject, Decision::Never] {
        let said = refused(&mut world, &[decision(3, 1, what)]);
        assert!(
            said.contains("accepted pairs (1+2, 2+3) would make 1+3 one"),
            "{said}"
        );
        for (pair, run) in [("1+2", first), ("2+3", second)] {
            let actor: String = world.asked(&format!("SELECT actor FROM ledger_run WHERE run={run}"));
            let named = format!("{pair} was decided by {actor} in run {run}");
            assert!(said.contains(&named), "{said}");
        }
    }
    // Within one call, the last of them is refused.
    let these = [decision(3, 4, Decision::Never), decision(1, 4, Decision::Accept)];
    let said = refused(&mut world, &these);
    assert!(said.starts_with("1: "), "{said}");
    // Decided anew together, it is no contradiction.
    let these = [decision(1, 3, Decision::Reject), decision(2, 3, Decision::Reject)];
    assert_eq!(decided_by(&mut world, &these).refused, []);
    world.apply();
    is_whole(&world);
    assert_eq!(people(&world), "5=a,b 7=c 8=d");
}

#[test]
fn the_same_decisions_again_write_nothing() {
    let mut world = weighed();
    load(
        &mut world,
        "a street=s, b street=s, c tel=t, d tel=t, e key=x, f key=x",
    );
    world.apply();
    let these = [
        decision(1, 2, Decision::Accept),
        decision(4, 3, Decision::Reject),
        decision(5, 6, Decision::Never),
    ];
    let first = decided_by(&mut world, &these);
    assert_eq!((first.run.is_some(), first.unchanged), (true, 0));
    for is_applied in [false, true] {
        let batches: i64 = world.asked("SELECT count(*) FROM ledger_batch");
        let again = decided_by(&mut world, &these);
        assert_eq!((again.run, again.unchanged, again.refused.len()), (None, 3, 0));
        assert_eq!(world.asked::<i64>("SELECT count(*) FROM ledger_batch"), batches);
        if !is_applied {
            world.apply();
        }
    }
    is_whole(&world);
    // A rejection of what has changed since is another one.
    world.put("register", "c", &line("c tel=t n=2"));
    let again = decided_by(&mut world, &these);
    assert_eq!((again.run.is_some(), again.unchanged), (true, 2));
    assert_eq!(again.decided.get(&Decision::Reject), Some(&1));
    world.apply();
    assert_eq!(waiting(&world), "");
}

#[test]
fn a_decision_is_taken_back_by_its_run() {
    for what in [Decision::Accept, Decision::Reject, Decision::Never] {
        let mut world = two();
        let start = world.rows("people");
        let run = decides(&mut world, 1, 2, what);
        world.roll_back(RollbackScope::Run(run));
        world.is_sound();
        assert_eq!(waiting(&world), "1+2 near", "{what:?}");
        apply(&mut world);
        assert_eq!(world.rows("people"), start, "{what:?}");
        let run = decides(&mut world, 1, 2, what);
        apply(&mut world);
        assert_eq!(people(&world).contains(','), what == Decision::Accept);
        world.roll_back(RollbackScope::Run(run));
        world.is_sound();
        apply(&mut world);
        is_whole(&world);
        assert_eq!(waiting(&world), "1+2 near", "{what:?}");
        let data = |rows: &[counterfoil::record::Record]| -> Vec<String> {
            rows.iter().map(|row| row.data.clone()).collect()
        };
        assert_eq!(data(&world.rows("people")), data(&start), "{what:?}");
    }
}

#[test]
fn an_older_decision_counts_again_if_the_newer_one_is_taken_back() {
    let mut world = two();
    decides(&mut world, 1, 2, Decision::Never);
    let newer = decides(&mut world, 1, 2, Decision::Accept);
    apply(&mut world);
    assert_eq!(people(&world), "3=a,b");
    world.roll_back(RollbackScope::Run(newer));
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world).contains(','), waiting(&world)),
        (false, String::new())
    );
}

#[test]
fn decisions_outlive_a_rollback_of_the_stage() {
    let mut world = weighed();
    load(
        &mut world,
        "a street=s, b street=s, c key=x, d key=x, e key=y, f key=y",
    );
    world.apply();
    let these = [
        decision(1, 2, Decision::Accept),
        decision(3, 4, Decision::Reject),
        decision(5, 6, Decision::Never),
    ];
    let run = decided_by(&mut world, &these).run.expect("a run");
    for scope in [RollbackScope::Stage(1), RollbackScope::All] {
        world.apply();
        is_whole(&world);
        world.roll_back(scope);
        assert_eq!((world.rows("people").len(), waiting(&world)), (0, String::new()));
        world.is_sound();
    }
    world.apply();
    is_whole(&world);
    assert_eq!(
        (members(&world), waiting(&world)),
        ("a,b c d e f".to_owned(), String::new())
    );
    world.roll_back(RollbackScope::Run(run));
    world.apply();
    is_whole(&world);
    assert_eq!(
        (members(&world), waiting(&world)),
        ("a b c,d e,f".to_owned(), "1+2 near".to_owned())
    );
}

#[test]
fn what_a_contract_refuses_cannot_be_accepted_but_parted() {
    let mut world = World::new("review", &[("0001_people.toml", PEOPLE)]);
    load(&mut world, "a key=x, b key=x, c key=x");
    apply(&mut world);
    assert_eq!(waiting(&world), "1+2 contract, 1+3 contract");
    let said = refused(&mut world, &[decision(1, 2, Decision::Accept)]);
    assert!(
        said.contains("1+2 is one already, but its golden record was refused"),
        "{said}"
    );
    let these = [decision(1, 3, Decision::Reject), decision(2, 3, Decision::Reject)];
    assert_eq!(decided_by(&mut world, &these).refused, []);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("4=a,b 5=c".to_owned(), String::new())
    );
}

#[test]
fn an_accepted_pair_is_merged_though_the_stage_has_put_one_with_somebody_else() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y");
    apply(&mut world);
    decides(&mut world, 2, 3, Decision::Never);
    apply(&mut world);
    assert_eq!(people(&world), "4=a,b 5=c");
    // Nobody has decided that a and b are one: b gives way.
    decides(&mut world, 1, 3, Decision::Accept);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(people(&world), "4=a,c 6=b");
    // It is the same whatever stood before.
    world.roll_back(RollbackScope::Stage(1));
    apply(&mut world);
    assert_eq!(members(&world), "a,c b");
}

#[test]
fn accepted_pairs_are_merged_though_they_meet_only_through_a_third_golden_record() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=z, e key=z");
    apply(&mut world);
    assert_eq!(people(&world), "6=a,b 7=c 8=d,e");
    decides(&mut world, 2, 5, Decision::Reject);
    apply(&mut world);
    let these = [decision(1, 3, Decision::Accept), decision(3, 4, Decision::Accept)];
    assert_eq!(decided_by(&mut world, &these).refused, []);
    apply(&mut world);
    is_whole(&world);
    let members = members(&world);
    assert!(members.contains("a,") && members.contains(",c,d"), "{members}");
    assert!(!members.contains("b,c,d,e"), "{members}");
}

#[test]
fn two_that_a_person_made_one_take_in_who_fits_only_one_of_them() {
    let mut world = weighed();
    load(&mut world, "a key=x, b key=y");
    apply(&mut world);
    decides(&mut world, 1, 2, Decision::Accept);
    apply(&mut world);
    load(&mut world, "c key=y");
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a,b,c".to_owned(), String::new())
    );
    assert_eq!(by(&world), "a:review b:review c:auto");
    // One that does not fit a third about whom nobody has decided anything waits: a chain is a person's question.
    load(&mut world, "d key=x");
    apply(&mut world);
    assert_eq!(waiting(&world), "1+6 chain");
    decides(&mut world, 1, 6, Decision::Accept);
    apply(&mut world);
    is_whole(&world);
    assert_eq!(
        (people(&world), waiting(&world)),
        ("3=a,b,c,d".to_owned(), String::new())
    );
}

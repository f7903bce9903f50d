//! Decisions that meet others: what a newer one replaces, what an older sheet would overrule, and whom an acceptance parts.

use counterfoil::apply::ApplyOptions;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::review::{Decision, Unmerge, UnmergeConflict};
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::verify::{VerifyOptions, verify};

use super::desk::{
    by_key, decided_by, decides, decision, is_whole, leaves, load, queue, refused, take_apart, waiting,
    weighed,
};
use crate::merges::register::{PEOPLE, apply, id_of, people, put};
use crate::support::world::{Scene, StopAfter, World};

/// Two people of one street who wait for a decision.
fn neighbours() -> World {
    let mut world = weighed();
    load(&mut world, "a key=x street=s, b key=y street=s");
    world.apply();
    assert_eq!(waiting(&world), "1+2 near");
    world
}

#[test]
fn a_sheet_that_is_older_than_a_decision_does_not_overrule_it() {
    let mut world = neighbours();
    let seen = queue(&world)[0].version.clone();
    decides(&mut world, 1, 2, Decision::Never);
    let late = decision(1, 2, Decision::Accept).version(seen.clone());
    let said = refused(&mut world, &[late]);
    assert!(said.contains("1+2 has changed, or was decided"), "{said}");
    // What stands already is no news, whatever sheet says it.
    let same = decided_by(&mut world, &[decision(1, 2, Decision::Never).version(seen)]);
    assert_eq!((same.unchanged, same.run, same.refused.len()), (1, None, 0));
    // On the screen, as it is now: the one that it replaces is named.
    let replaced = decided_by(&mut world, &[decision(1, 2, Decision::Accept)]).replaced;
    assert_eq!(replaced.len(), 1);
    assert_eq!(
        (replaced[0].was, replaced[0].by_unmerge),
        (Decision::Never, false)
    );
}

#[test]
fn cells_that_slipped_to_another_row_decide_nothing() {
    let mut world = neighbours();
    let beside = |a: &str, b: &str| {
        let ids = [a.to_owned(), b.to_owned()];
        decision(1, 2, Decision::Accept).ids(ids)
    };
    let said = refused(&mut world, &[beside("a", "c")]);
    assert!(said.contains("record 2 is not `c`"), "{said}");
    // Masked ids say nothing.
    assert_eq!(decided_by(&mut world, &[beside("[redacted]", "b")]).refused, []);
}

#[test]
fn an_acceptance_brings_nobody_along_who_does_not_go_with_the_others() {
    let incremental = |relearn: bool| {
        let mut world = weighed();
        // Each stands with somebody of another key.
        load(
            &mut world,
            "a key=x street=s, b key=y tel=t, c key=x tel=u, d key=y street=v",
        );
        world.apply();
        assert_eq!(people(&world), "5=a,c 6=b,d");
        decides(&mut world, 1, 2, Decision::Accept);
        let report = world.apply_with(&ApplyOptions::default().relearn(relearn));
        assert!(report.stopped.is_none());
        is_whole(&world);
        (people(&world), waiting(&world))
    };
    assert_eq!(incremental(false), incremental(true));
}

#[test]
fn an_acceptance_says_whose_decision_stands_in_between() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=x");
    apply(&mut world);
    leaves(&mut world, "a");
    let report = decided_by(&mut world, &[decision(1, 2, Decision::Accept)]);
    assert!(report.replaced[0].by_unmerge, "{report:?}");
    assert!(
        report.consequences[0].contains("members 1 and 3 are decided to be two"),
        "{report:?}"
    );
}

#[test]
fn who_left_stays_apart_though_a_person_says_so_again() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x");
    apply(&mut world);
    leaves(&mut world, "b");
    decides(&mut world, 1, 2, Decision::Reject);
    load(&mut world, "c key=x");
    apply(&mut world);
    is_whole(&world);
    // The third record resembles who left; a person has to say whose it is.
    assert!(
        people(&world).contains("=b") && !people(&world).contains("b,c"),
        "{}",
        people(&world)
    );
}

#[test]
fn what_people_decide_is_no_alarm_about_the_model() {
    let mut world = weighed();
    let lines: Vec<String> = (0..30)
        .flat_map(|at| {
            [
                format!("a{at} key=a{at} street=s{at}"),
                format!("b{at} key=b{at} street=s{at}"),
            ]
        })
        .collect();
    load(&mut world, &lines.join(", "));
    world.apply();
    let pairs = queue(&world);
    assert_eq!(pairs.len(), 30);
    let all: Vec<_> = pairs
        .iter()
        .map(|pair| decision(pair.a.record.get(), pair.b.record.get(), Decision::Accept))
        .collect();
    decided_by(&mut world, &all);
    let planned = plan(&world.store, &world.stages, &PlanOptions::default(), &mut Silent).expect("a plan");
    let merged = planned.stages[0]
        .merge
        .as_ref()
        .and_then(|merge| merge.outcome.matching.as_ref());
    assert_eq!(merged.expect("figures").alarms(), [""; 0]);
}

#[test]
fn a_golden_record_too_large_to_be_decided_pair_by_pair_is_refused() {
    let mut world = by_key();
    let lines: Vec<String> = (0..320).map(|at| format!("r{at} key=x")).collect();
    load(&mut world, &lines.join(", "));
    apply(&mut world);
    let golden = Unmerge::new("people", [id_of(&world, 321)]);
    let error = take_apart(&mut world, &golden, UnmergeConflict::Abort).expect_err("too many");
    assert!(error.to_string().contains("51,040 pairs"), "{error}");
    leaves(&mut world, "r7");
    world.is_sound();
}

#[test]
fn nothing_is_taken_apart_while_the_stage_is_half_rolled_back() {
    let mut world = by_key();
    load(&mut world, "a key=x, b key=x, c key=y, d key=y, e key=z, f key=z");
    apply(&mut world);
    let stop = StopSignal::default();
    let options = RollbackOptions::default().batch_size(1).stop(stop.clone());
    let report = rollback(&mut world.store, "review", &options, &mut StopAfter(1, stop)).expect("a rollback");
    assert!(report.stopped.is_some());
    let batches = "SELECT count(*) FROM ledger_batch";
    let before: i64 = world.asked(batches);
    let member = Unmerge::new("register", ["a".to_owned()]);
    take_apart(&mut world, &member, UnmergeConflict::Abort).expect_err("the rollback comes first");
    assert_eq!(world.asked::<i64>(batches), before);
    world.roll_back(RollbackScope::Last);
    assert_eq!(people(&world), "");
}

#[test]
fn a_golden_record_that_waits_for_others_is_not_found_to_differ() {
    let mut world = World::new("review", &[("0001_people.toml", PEOPLE)]);
    load(&mut world, "a key=x, b key=x, c key=y, d key=y");
    world.apply();
    put(
        &mut world,
        "register",
        "c",
        r#"{"id":"c","key":"x","n":9,"ids":["c"]}"#,
    );
    put(&mut world, "register", "d", r#"{"id":"d","key":"x","ids":["d"]}"#);
    world.delete("register", "b");
    world.apply();
    let report = verify(&world.store, &VerifyOptions::default().remake(true)).expect("a verdict");
    assert!(report.is_sound(), "{:#?}", report.findings);
}

#[test]
fn no_hidden_id_is_in_what_unmerge_says() {
    let stage = "[stage]\nsource = \"register\"\ntarget = \"people\"\nredact = [\"id\"]\n\n[merge]\nby = { key = \"key\" }\n";
    let scene = Scene::named("p", &[("0001_people.toml", stage)]);
    scene.load(
        "register",
        &[r#"{"id":"SEKRITa","key":"x"}"#, r#"{"id":"SEKRITb","key":"x"}"#],
        &[],
    );
    scene.exits(&["apply"], 0);
    scene.load_file(
        "register",
        "more.ndjson",
        &[r#"{"id":"SEKRITb","key":"x","n":1}"#],
        &["--replace"],
    );
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let golden: String = connection
        .query_row("SELECT id FROM people", [], |row| row.get(0))
        .expect("one");
    for more in [
        &[][..],
        &["--json"],
        &["--on-conflict", "skip"],
        &["--on-conflict", "skip", "--json"],
    ] {
        let said = scene.run(&[&["unmerge", "people", &golden, "--reason", "x"], more].concat());
        assert!(
            !said.out.contains("SEKRIT") && !said.err.contains("SEKRIT"),
            "{said:?}"
        );
        assert!(
            said.out.contains("[redacted]") || said.err.contains("[redacted]"),
            "{said:?}"
        );
    }
}

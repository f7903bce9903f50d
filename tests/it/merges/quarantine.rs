//! Members that were refused together: they are tried again when something about their cluster changes, and only then.

use counterfoil::apply::{ApplyOptions, retry};
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Naming, Selected, waive};
use counterfoil::rollback::RollbackScope;
use counterfoil::{RunInfo, Stopped};

use super::register::{PEOPLE, apply, comes_back, deviations, load, people, record, refused, rows, world};
use crate::support::world::{StopAfter, World};

const ALL: &str = "a:contract.target b:contract.target c:contract.target";

#[test]
fn a_cluster_that_breaks_its_contract_leaves_the_earlier_golden_record() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    load(&mut world, "c=x");
    assert_eq!(apply(&mut world), [3]);
    assert_eq!(refused(&world), ALL);
    assert_eq!(rows(&world, "people"), "3=a,b");
    assert_eq!(deviations(&world), "3:stale:1");
    let earlier = world.store.earlier_versions("merges").expect("earlier versions");
    assert_eq!(earlier.iter().map(|one| one.records).collect::<Vec<_>>(), [2]);
    let mut naming = Naming::new(&world.store, &[]);
    for one in world.quarantine() {
        let input = world.store.refused_input(&one, &[]).expect("an input");
        assert_eq!(input.id, one.id);
        assert_eq!(naming.named(&one).expect("names"), []);
    }
    // An increment that has nothing to do with it.
    load(&mut world, "d=y");
    assert_eq!(apply(&mut world), [1]);
    assert_eq!(refused(&world), ALL);
    // The one that was too much goes elsewhere: the others leave quarantine, unchanged.
    load(&mut world, "c=y");
    assert_eq!(apply(&mut world), [4]);
    assert_eq!((refused(&world), deviations(&world)), Default::default());
    assert_eq!(people(&world), "3=a,b 6=c,d");
    comes_back(&mut world);
}

#[test]
fn a_cluster_that_never_was_is_tried_again_when_a_member_leaves_it() {
    let mut world = world();
    load(&mut world, "a=x b=x c=x");
    assert_eq!(apply(&mut world), [3]);
    assert_eq!(
        (refused(&world), rows(&world, "people")),
        (ALL.to_owned(), String::new())
    );
    assert_eq!(deviations(&world), "");
    world.delete("register", "a");
    assert_eq!(apply(&mut world), [3]);
    assert_eq!(
        (refused(&world), people(&world)),
        (String::new(), "4=b,c".to_owned())
    );
    comes_back(&mut world);
}

#[test]
fn a_retry_of_one_member_tries_its_cluster() {
    let mut world = world();
    load(&mut world, "a=x b=x c=x d=y");
    apply(&mut world);
    let one = Selected::default().id("b".to_owned());
    let options = world.applying.clone();
    let report = retry(&mut world.store, &world.stages, &one, &options, &mut Silent).expect("a retry");
    assert_eq!(report.passes[0].counts.refused, 3);
    assert_eq!(refused(&world), ALL);
    world.is_sound();
    // The retry is what stands: taken back, the first refusal does.
    world.roll_back(RollbackScope::Run(report.run.expect("a run")));
    assert_eq!(refused(&world), ALL);
    assert_eq!(rows(&world, "people"), "5=d");
    world.is_sound();
}

#[test]
fn an_interrupted_retry_is_continued() {
    let mut world = world();
    load(&mut world, "a=x b=x c=x d=y e=y f=y");
    apply(&mut world);
    assert_eq!(world.quarantine().len(), 6);
    let all = Selected::default();
    for batches in [1, 2] {
        let stop = StopSignal::default();
        let options = ApplyOptions::default().batch_size(1).stop(stop.clone());
        let mut observer = StopAfter(batches, stop);
        let report = retry(&mut world.store, &world.stages, &all, &options, &mut observer).expect("a retry");
        assert!(report.stopped.is_some());
        world.is_sound();
    }
    let report = world.retry();
    assert!(report.passes.iter().all(|pass| pass.ended), "{report:#?}");
    assert_eq!(world.quarantine().len(), 6);
    world.is_sound();
    assert_eq!(world.asked::<i64>("SELECT count(*) FROM ledger_open"), 0);
    assert!(world.apply().passes.is_empty());
    comes_back(&mut world);
}

#[test]
fn a_waiver_holds_until_the_cluster_changes() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    load(&mut world, "c=x");
    apply(&mut world);
    let run_info = RunInfo::new("waive").reason("known".to_owned());
    let waived = waive(&mut world.store, "merges", &Selected::default(), &run_info).expect("a waiver");
    assert_eq!((waived, refused(&world)), (3, String::new()));
    assert_eq!(apply(&mut world), [0; 0]);
    load(&mut world, "d=y");
    assert_eq!(apply(&mut world), [1]);
    assert_eq!(refused(&world), "");
    assert_eq!(
        (rows(&world, "people"), deviations(&world)),
        ("3=a,b 6=d".to_owned(), "3:stale:1".to_owned())
    );
    load(&mut world, "e=x");
    assert_eq!(apply(&mut world), [4]);
    assert_eq!(refused(&world), format!("{ALL} e:contract.target"));
    comes_back(&mut world);
}

#[test]
fn a_member_that_is_refused_alone_takes_nothing_away_from_its_golden_record() {
    let mut world = world();
    load(&mut world, "a=x b=x");
    apply(&mut world);
    let bad = r#"{"id":"a","key":"x","ids":["a"],"n":9}"#;
    world.put("register", "a", bad);
    assert_eq!(apply(&mut world), [1]);
    let stays = ("a:contract.source".to_owned(), "3=a,b".to_owned());
    assert_eq!((refused(&world), rows(&world, "people")), stays);
    load(&mut world, "c=y");
    assert_eq!(apply(&mut world), [1], "the refused are left alone");
    world.put("register", "b", r#"{"id":"b","key":"x","ids":["b"],"n":1}"#);
    assert_eq!(apply(&mut world), [1], "the others wait");
    assert_eq!(refused(&world), "a:contract.source b:merge.waits");
    assert_eq!(rows(&world, "people"), "3=a,b 5=c");
    world.put("register", "a", &record("a", "x"));
    apply(&mut world);
    assert_eq!((refused(&world), deviations(&world)), Default::default());
    assert_eq!(rows(&world, "people"), "3=a,b 5=c");
    world.put("register", "a", bad);
    world.delete("register", "b");
    apply(&mut world);
    assert_eq!(
        (refused(&world), rows(&world, "people")),
        ("a:contract.source".to_owned(), "3=a,b 5=c".to_owned())
    );
    world.put("register", "a", &record("a", "x"));
    apply(&mut world);
    assert_eq!((refused(&world), deviations(&world)), Default::default());
    assert_eq!(rows(&world, "people"), "3=a 5=c");
}

/// The same register, in which nothing may be refused.
fn strict() -> World {
    let text = PEOPLE.replace("max_errors = 100", "max_errors = 0");
    World::new("merges", &[("0001_people.toml", &text)])
}

/// Whether a plan foretells that the next apply stops, and how many refusals stop it.
fn stops(world: &mut World) -> Option<u64> {
    let planned = plan(&world.store, &world.stages, &PlanOptions::default(), &mut Silent).expect("a plan");
    let planned = planned
        .stages
        .iter()
        .find_map(|stage| stage.stops)
        .map(|limit| limit.refused);
    let refused = match world.apply().stopped {
        Some(Stopped::ErrorLimit { refused, .. }) => Some(refused),
        other => {
            assert_eq!(other, None);
            None
        }
    };
    world.is_sound();
    assert_eq!(planned, refused);
    refused
}

#[test]
fn what_is_judged_together_with_a_correction_does_not_count_against_the_limit() {
    let mut world = strict();
    load(&mut world, "a=x b=x c=x d=y e=y f=y");
    assert_eq!(stops(&mut world), Some(6));
    load(&mut world, "g=z");
    assert_eq!(stops(&mut world), Some(6), "nothing that it refused has changed");
    load(&mut world, "c=z");
    assert_eq!(stops(&mut world), Some(3), "the other cluster still counts");
    world.delete("register", "f");
    assert_eq!(stops(&mut world), None);
    assert_eq!(refused(&world), "");
    assert_eq!(rows(&world, "people"), "8=a,b 9=c,g 10=d,e");
    comes_back(&mut world);
}

#[test]
fn a_golden_record_ties_what_was_refused_to_a_correction() {
    let mut world = strict();
    load(&mut world, "a=x b=x");
    assert_eq!(stops(&mut world), None);
    // `a` is refused alone, and the golden record waits for it.
    world.put("register", "a", r#"{"id":"a","key":"x","ids":["a"],"n":9}"#);
    assert_eq!(stops(&mut world), Some(1));
    // `b` and what comes to it wait with `a`, which is judged again because of `b`: not before, but in this pass.
    load(&mut world, "b=y c=y");
    assert_eq!(stops(&mut world), Some(2));
    world.put("register", "a", &record("a", "x"));
    assert_eq!(stops(&mut world), None);
    assert_eq!(people(&world), "3=a 5=b,c");
    comes_back(&mut world);
}

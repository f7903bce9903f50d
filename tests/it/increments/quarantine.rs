//! What was refused is tried again, waived, or settled by what comes after it.

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::edit::Edit;
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::stage::MaxErrors;

use super::Project;
use crate::support::world::StopAfter;

#[test]
fn what_a_retry_lets_in_flows_through_the_later_stages() {
    let mut project = Project::new();
    project.load_with(&[(1, "1".to_owned()), (2, "two".to_owned()), (3, "3000".to_owned())]);
    assert_eq!(project.carried(), [(1, 3, 1), (2, 2, 1), (3, 1, 0)]);
    project.correct(2, "2");
    let retried = project.retry();
    let read: Vec<(u32, u64)> = retried
        .passes
        .iter()
        .map(|pass| (pass.stage, pass.counts.read))
        .collect();
    assert_eq!(read, [(1, 1), (2, 1), (2, 1), (3, 1)]);
    assert!(project.data("c", 2).unwrap().contains("2.00"));
    assert_eq!(project.quarantine(), [(Some(2), 3)]);
    assert_eq!(project.carried(), []);
}

#[test]
fn an_interrupted_retry_is_gone_on_with() {
    let mut project = Project::new();
    project.load_with(&[
        (1, "x".to_owned()),
        (2, "x".to_owned()),
        (3, "x".to_owned()),
        (4, "4".to_owned()),
    ]);
    project.apply();
    for id in [1, 2, 3] {
        project.correct(id, "5");
    }
    let (stages, stop) = (project.stages(), StopSignal::default());
    let options = ApplyOptions::default().batch_size(1).stop(stop.clone());
    let all = Selected::default();
    let first = retry(
        &mut project.store,
        &stages,
        &all,
        &options,
        &mut StopAfter(1, stop),
    )
    .expect("a retry");
    let options = ApplyOptions::default().batch_size(1);
    let second = retry(&mut project.store, &stages, &all, &options, &mut Silent).expect("a retry");
    assert!(first.stopped.is_some() && second.passes[0].resumed);
    assert_eq!(first.passes[0].pass, second.passes[0].pass);
    assert_eq!((second.passes[0].counts.read, project.count("c")), (3, 4));
    project.is_sound();
}

#[test]
fn a_waiver_leaves_the_row_as_it_is_by_then() {
    let mut project = Project::applied(3);
    project.correct(2, "two");
    project.apply();
    let (id, data) = (
        "r2".to_owned(),
        r#"{"id":"r2","n":"8.88","seen":true}"#.to_owned(),
    );
    project.edit("b", &[Edit::Put { id, data }]);
    let waived = waive(
        &mut project.store,
        "demo",
        &Selected::default(),
        &RunInfo::new("waive"),
    );
    assert_eq!(waived.expect("a waiver"), 1);
    project.is_sound();
    assert!(project.data("b", 2).unwrap().contains("8.88"));
}

#[test]
fn a_settled_refusal_no_longer_stops_its_stage() {
    let mut project = Project::new();
    project.load_with(&[(1, "x".to_owned()), (2, "2".to_owned()), (3, "3".to_owned())]);
    let stopping = ApplyOptions::default()
        .batch_size(1)
        .max_errors(MaxErrors::Count(0));
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_some());
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_some());
    waive(
        &mut project.store,
        "demo",
        &Selected::default(),
        &RunInfo::new("waive"),
    )
    .expect("a waiver");
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_none());
    assert_eq!(project.count("c"), 2);
    project.is_sound();
}

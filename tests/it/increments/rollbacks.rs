//! What is rolled back is as it was before, whatever came in between; what cannot be is refused beforehand.

use counterfoil::edit::Edit;

use counterfoil::observe::Silent;
use counterfoil::rollback::{ConflictPolicy, RollbackOptions, RollbackScope, rollback};

use super::{Project, record};

#[test]
fn a_rolled_back_pass_is_processed_again_whichever_it_was() {
    let mut project = Project::applied(3);
    let first = project.store.history(1).unwrap()[0].run;
    project.load(4..=6);
    let second = project.apply().run.unwrap();
    project.roll_back(RollbackScope::Run(second));
    assert_eq!(project.carried(), [(1, 3, 0), (2, 3, 0), (3, 3, 0)]);
    // The first pass goes while a later one of the same stage stands.
    project.roll_back(RollbackScope::To(1));
    project.roll_back(RollbackScope::Run(first));
    assert_eq!(project.count("b"), 3);
    assert_eq!(project.carried(), [(1, 3, 0), (2, 6, 0), (3, 6, 0)]);
    assert_eq!((project.count("b"), project.count("c")), (6, 6));
}

#[test]
fn a_stage_in_place_is_rolled_back_exactly_though_a_correction_came_between() {
    let mut project = Project::applied(4);
    project.correct(2, "22");
    project.apply();
    project.roll_back(RollbackScope::To(1));
    assert_eq!(project.data("b", 2).unwrap(), r#"{"id":"r2","n":"22.00"}"#);
    assert_eq!(project.data("b", 3).unwrap(), r#"{"id":"r3","n":"3.00"}"#);
    assert_eq!(project.carried(), [(2, 4, 0), (3, 4, 0)]);
}

#[test]
fn one_record_is_rolled_back_step_by_step_and_the_whole_stage_after_it() {
    let mut project = Project::applied(9);
    let refused = project.try_roll_back(record("b", 5)).unwrap_err();
    assert_eq!(refused.code(), "invalid", "stage 3 has carried it on");
    project.roll_back(record("c", 5));
    assert_eq!((project.data("c", 5), project.count("c")), (None, 8));
    project.roll_back(record("b", 5));
    assert_eq!(project.data("b", 5).unwrap(), r#"{"id":"r5","n":"5.00"}"#);
    project.roll_back(record("b", 5));
    assert_eq!(project.data("b", 5), None);
    project.roll_back(RollbackScope::All);
    assert_eq!((project.count("b"), project.count("c")), (0, 0));
    assert_eq!(project.carried(), [(1, 9, 0), (2, 9, 0), (3, 9, 0)]);
}

#[test]
fn a_load_that_touched_a_record_twice_is_rolled_back() {
    let mut project = Project::new();
    project.load_with(&[(1, "1".to_owned())]);
    project.load_with(&[
        (1, "2".to_owned()),
        (2, "2".to_owned()),
        (1, "3".to_owned()),
        (2, "3".to_owned()),
    ]);
    let run = project.store.history(1).unwrap()[0].run;
    project.roll_back(RollbackScope::Run(run));
    assert_eq!(
        (project.data("a", 1).unwrap().as_str(), project.count("a")),
        (r#"{"id":"r1","n":"1"}"#, 1)
    );
}

#[test]
fn a_rollback_that_would_need_an_id_that_is_taken_says_so_beforehand() {
    let mut project = Project::applied(3);
    project.delete("a", 2);
    let run = project.apply().run.unwrap();
    assert_eq!(project.data("b", 2), None);
    let (id, data) = ("r2".to_owned(), r#"{"id":"r2","n":"1.00"}"#.to_owned());
    project.edit("b", &[Edit::Insert { id, data }]);
    let batches = project.store.status(&project.stages()).unwrap().batches;
    let conflict = project.try_roll_back(RollbackScope::Run(run)).unwrap_err();
    let message = conflict.to_string();
    let first = "the first is record 2 in `b`, whose old id `r2` now belongs to another record";
    assert_eq!(conflict.code(), "rollback.conflict");
    assert!(
        message.starts_with("1 record cannot be restored as pass ") && message.ends_with(first),
        "{message}"
    );
    assert_eq!(project.store.status(&project.stages()).unwrap().batches, batches);
    // Nor can it be forced.
    let forcing = RollbackOptions::default()
        .scope(RollbackScope::Run(run))
        .on_conflict(ConflictPolicy::Force);
    let report = rollback(&mut project.store, "demo", &forcing, &mut Silent).expect("a rollback");
    assert_eq!(report.counts.refused, 1);
    let left: Vec<String> = report.left.iter().map(ToString::to_string).collect();
    assert_eq!(
        left,
        ["record 2 in `b`, whose old id `r2` now belongs to another record"]
    );
    assert_eq!(project.data("a", 2), None);
    project.is_sound();
}

#[test]
fn an_older_run_is_not_rolled_back_beneath_a_newer_one_of_its_stage_that_changed_the_same_records() {
    let mut project = Project::new();
    project.files.retain(|name, _| name.starts_with("0001"));
    project.load(1..=3);
    let older = project.apply().run.expect("a run");
    project.correct(1, "10");
    let newer = project.apply().run.expect("a run");
    for on_conflict in [
        ConflictPolicy::Abort,
        ConflictPolicy::Skip,
        ConflictPolicy::Merge,
        ConflictPolicy::Force,
    ] {
        let options = RollbackOptions::default()
            .scope(RollbackScope::Run(older))
            .on_conflict(on_conflict);
        let refused = rollback(&mut project.store, "demo", &options, &mut Silent);
        let beneath = matches!(refused, Err(counterfoil::Error::RollbackBeneath { run, .. }) if run == newer);
        assert!(beneath, "{on_conflict:?}: {refused:?}");
        assert_eq!(project.count("b"), 3, "{on_conflict:?}");
    }
    project.roll_back(RollbackScope::Run(newer));
    project.roll_back(RollbackScope::Run(older));
    assert_eq!(project.count("b"), 0);
}

#[test]
fn an_older_run_is_rolled_back_alone_where_the_newer_one_changed_other_records() {
    let mut project = Project::new();
    project.files.retain(|name, _| name.starts_with("0001"));
    project.load(1..=3);
    let older = project.apply().run.expect("a run");
    project.load([4]);
    project.apply();
    project.roll_back(RollbackScope::Run(older));
    assert_eq!(project.count("b"), 1);
    assert_eq!(project.data("b", 4).as_deref(), Some(r#"{"id":"r4","n":"4.00"}"#));
    assert_eq!(
        project.carried(),
        [(1, 3, 0)],
        "what was taken back is carried again"
    );
}

#[test]
fn an_older_run_is_not_rolled_back_beneath_newer_ones_that_made_its_rows_what_they_were_again() {
    let mut project = Project::new();
    project.files.retain(|name, _| name.starts_with("0001"));
    project.load(1..=3);
    let older = project.apply().run.expect("a run");
    project.correct(1, "10");
    let between = project.apply().run.expect("a run");
    project.correct(1, "1");
    let newest = project.apply().run.expect("a run");
    for run in [older, between] {
        for on_conflict in [ConflictPolicy::Abort, ConflictPolicy::Skip, ConflictPolicy::Force] {
            let options = RollbackOptions::default()
                .scope(RollbackScope::Run(run))
                .on_conflict(on_conflict);
            let refused = rollback(&mut project.store, "demo", &options, &mut Silent);
            let beneath =
                matches!(refused, Err(counterfoil::Error::RollbackBeneath { run, .. }) if run == newest);
            assert!(beneath, "run {run}, {on_conflict:?}: {refused:?}");
        }
    }
    assert_eq!(project.count("b"), 3);
    for run in [newest, between, older] {
        project.roll_back(RollbackScope::Run(run));
    }
    assert_eq!(project.count("b"), 0);
}

#[test]
fn a_target_that_also_held_another_row_keeps_its_index_when_the_rest_of_a_pass_is_undone() {
    let mut project = Project::new();
    project.files.retain(|name, _| name == "0001_copy.toml");
    project.put("b", 9, "9");
    project.load([1]);
    project.apply();
    // One record of two is left, as many as the pass has written: not those.
    project.roll_back(record("b", 1));
    project.roll_back(RollbackScope::All);
    assert_eq!((project.count("a"), project.count("b")), (1, 1));
    assert!(project.data("b", 9).is_some());
}

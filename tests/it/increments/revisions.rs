//! A stage that has changed since it was applied is refused, or taken up where that is asked for.

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::observe::StopSignal;
use counterfoil::rollback::RollbackScope;

use super::{IN_PLACE, Project};
use crate::support::world::StopAfter;

#[test]
fn a_revision_takes_up_the_refused_and_the_unread_and_nothing_else() {
    let mut project = Project::new();
    let odd = (1..=9).map(|id| (id, if id == 2 { "two".to_owned() } else { id.to_string() }));
    project.load_with(&odd.collect::<Vec<_>>());
    let (stages, stop) = (project.stages(), StopSignal::default());
    let options = ApplyOptions::default().batch_size(2).stop(stop.clone());
    apply(&mut project.store, &stages, &options, &mut StopAfter(2, stop)).expect("an apply");
    project.change("0001_copy.toml", "places = 2", "places = 1");
    let options = ApplyOptions::default().revise(true).to(1);
    let report = project.try_apply(&options).expect("a revision");
    assert_eq!(
        report.passes[0].counts.read, 6,
        "record 2 was refused, 5 to 9 were not read"
    );
    assert!(
        project.data("b", 4).unwrap().contains("4.00"),
        "what was written stays"
    );
    assert!(project.data("b", 5).unwrap().contains("5.0\""));
    project.is_sound();
    // Interrupted and revised again, nothing of the rest is lost.
    project.change("0001_copy.toml", "places = 1", "places = 3");
    project.load(10..=15);
    let (stages, stop) = (project.stages(), StopSignal::default());
    let stopping = options.clone().batch_size(2).stop(stop.clone());
    apply(&mut project.store, &stages, &stopping, &mut StopAfter(1, stop)).expect("an apply");
    project.change("0001_copy.toml", "places = 3", "places = 4");
    project.try_apply(&options).expect("a revision");
    assert_eq!(project.count("b"), 14);
    assert!(project.data("b", 15).unwrap().contains("15.0000"));
    project.is_sound();
}

#[test]
fn a_changed_meaning_is_refused_with_its_difference_and_a_changed_comment_is_not() {
    let mut project = Project::applied(2);
    project
        .files
        .get_mut("0001_copy.toml")
        .unwrap()
        .push_str("# a remark\n");
    assert_eq!(project.apply().cosmetic, [1]);
    project.change("0001_copy.toml", "places = 2", "places = 3");
    let error = project.try_apply(&ApplyOptions::default()).unwrap_err();
    let counterfoil::Error::Drift { number, diff, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*number, error.code()), (1, "stage.drift"));
    assert!(
        diff.contains("-places = 2") && diff.contains("+places = 3"),
        "{diff}"
    );
}

#[test]
fn an_applied_stage_whose_file_is_gone_is_drift_and_can_still_be_rolled_back() {
    let mut project = Project::applied(2);
    let file = project.files.remove("0002_in_place.toml").unwrap();
    assert_eq!(
        project.try_apply(&ApplyOptions::default()).unwrap_err().code(),
        "stage.drift"
    );
    project.roll_back(RollbackScope::To(1));
    assert_eq!(project.data("b", 1).unwrap(), r#"{"id":"r1","n":"1.00"}"#);
    project.files.insert("0002_in_place.toml".to_owned(), file);
    assert_eq!(project.carried(), [(2, 2, 0), (3, 2, 0)]);
}

#[test]
fn a_new_stage_before_applied_ones_is_refused() {
    let mut project = Project::applied(2);
    let on = project.files.remove("0003_on.toml").unwrap();
    project.files.insert("0009_on.toml".to_owned(), on.clone());
    assert_eq!(
        project.try_apply(&ApplyOptions::default()).unwrap_err().code(),
        "stage.drift"
    );
    project.files.insert("0003_on.toml".to_owned(), on.clone());
    project.files.remove("0009_on.toml");
    project.roll_back(RollbackScope::To(1));
    project
        .files
        .insert("0009_on.toml".to_owned(), on.replace("\"c\"", "\"d\""));
    project.files.remove("0002_in_place.toml");
    project.apply();
    project
        .files
        .insert("0002_in_place.toml".to_owned(), IN_PLACE.to_owned());
    let error = project.try_apply(&ApplyOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("stage 2 has not been applied"),
        "{error}"
    );
}

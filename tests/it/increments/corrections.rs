//! Corrections, additions, deletions and edits go through the stages that they concern, and through no other.

use counterfoil::edit::Edit;

use counterfoil::rollback::RollbackScope;

use super::Project;

#[test]
fn a_correction_and_a_hundred_new_records_go_through_every_stage_and_nothing_else_does() {
    let mut project = Project::applied(40);
    project.correct(7, "700");
    project.load(41..=140);
    assert_eq!(project.carried(), [(1, 101, 0), (2, 101, 0), (3, 101, 0)]);
    assert_eq!(
        project.data("c", 7).unwrap(),
        r#"{"id":"r7","amount":"700.00","seen":true}"#
    );
    assert_eq!(project.carried(), []);
}

#[test]
fn a_record_deleted_from_the_source_leaves_every_target() {
    let mut project = Project::applied(5);
    project.delete("a", 3);
    assert_eq!(project.carried(), [(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
    assert_eq!(
        (project.count("a"), project.count("b"), project.count("c")),
        (4, 4, 4)
    );
    assert_eq!(project.carried(), []);
    project.roll_back(RollbackScope::All);
    assert_eq!(
        (project.count("a"), project.count("b"), project.count("c")),
        (4, 0, 0)
    );
}

#[test]
fn a_correction_that_is_refused_keeps_the_old_row_and_one_after_it_is_taken() {
    let mut project = Project::applied(5);
    project.correct(3, "no number");
    assert_eq!(project.carried(), [(1, 1, 1)]);
    assert!(project.data("b", 3).unwrap().contains("3.00"));
    assert_eq!(project.quarantine(), [(Some(1), 3)]);
    project.correct(3, "33");
    assert_eq!(project.carried(), [(1, 1, 0), (2, 1, 0), (3, 1, 0)]);
    assert!(project.data("c", 3).unwrap().contains("33.00"));
    assert_eq!(project.quarantine(), []);
}

#[test]
fn an_edit_in_a_database_changed_in_place_feeds_only_the_later_stages() {
    let mut project = Project::applied(3);
    let (id, data) = (
        "r2".to_owned(),
        r#"{"id":"r2","n":"9.99","seen":"by hand"}"#.to_owned(),
    );
    project.edit("b", &[Edit::Put { id, data }]);
    assert_eq!(project.carried(), [(3, 1, 0)]);
    assert!(project.data("c", 2).unwrap().contains("by hand"));
    let conflict = project.try_roll_back(RollbackScope::All).unwrap_err();
    assert_eq!(conflict.code(), "rollback.conflict");
}

#[test]
fn what_was_refused_in_place_and_then_deleted_does_not_come_back() {
    let mut project = Project::applied(3);
    project.correct(2, "2000");
    assert_eq!(project.carried(), [(1, 1, 0), (2, 1, 1), (3, 1, 0)]);
    assert_eq!((project.count("b"), project.count("c")), (2, 2));
    project.delete("a", 2);
    project.apply();
    assert_eq!(project.quarantine(), []);
    project.retry();
    assert_eq!((project.count("b"), project.count("c")), (2, 2));
    // Nor one that was let in meanwhile.
    project.correct(3, "3000");
    project.apply();
    project.correct(3, "3");
    project.apply();
    project.delete("a", 3);
    project.apply();
    assert_eq!((project.count("b"), project.count("c")), (1, 1));
}

#[test]
fn the_life_of_a_record_is_reported_across_stages() {
    let mut project = Project::applied(2);
    project.correct(2, "2000");
    project.apply();
    project.roll_back(RollbackScope::Last);
    let steps = project.store.trace("a", "r2").expect("a life");
    let told: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {}", step.kind, step.outcome))
        .collect();
    assert_eq!(
        told,
        [
            "load written",
            "apply written",
            "apply written",
            "apply written",
            "load written",
            "apply written",
            "apply refused",
            "apply filtered",
            "rollback written",
            "rollback written",
        ]
    );
    assert_eq!(project.store.trace("b", "r2").expect("a life").len(), told.len());
}

#[test]
fn a_record_refused_in_place_and_loaded_again_keeps_its_number_and_leaves_quarantine() {
    let folder = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_counterfoil");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(binary);
        command
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("counterfoil.toml", "name = \"p\"\n");
    write(
        "0001_positive.toml",
        "[stage]\nsource = \"d\"\nmax_errors = \"100%\"\n[[contract.rule]]\nname = \"positive\"\nexpect = \"= doc.v > 0\"\n",
    );
    write("first.ndjson", "{\"id\":\"a\",\"v\":0}\n{\"id\":\"b\",\"v\":1}\n");
    write("again.ndjson", "{\"id\":\"a\",\"v\":5}\n");
    assert_eq!(run(&["load", "d", "first.ndjson"]).status.code(), Some(0));
    assert_eq!(run(&["apply"]).status.code(), Some(3));
    assert_eq!(run(&["load", "d", "again.ndjson"]).status.code(), Some(0));
    assert_eq!(run(&["apply"]).status.code(), Some(0));
    let listed = run(&["quarantine", "list", "--json"]);
    assert!(
        !String::from_utf8_lossy(&listed.stdout).contains("positive"),
        "{listed:?}"
    );
    let shown = run(&["query", "d", "--id", "a", "--json"]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("\"record\":1,"),
        "{shown:?}"
    );
    assert_eq!(run(&["rollback", "--yes"]).status.code(), Some(0));
    let rows = run(&["export", "d"]);
    assert_eq!(
        String::from_utf8_lossy(&rows.stdout),
        "{\"id\":\"a\",\"v\":5}\n{\"id\":\"b\",\"v\":1}\n"
    );
    assert_eq!(run(&["verify"]).status.code(), Some(0));
}

//! Loads after the first: into a target, of the same file again, and under other settings.

use counterfoil::ledger::Counts;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Silent, StopSignal};
use counterfoil::rollback::RollbackScope;

use super::Project;
use crate::support::world::StopAfter;

#[test]
fn a_load_into_a_target_stands_in_the_way_of_the_stage_that_copied_there() {
    let mut project = Project::applied(3);
    let line = "{\"id\":\"r2\",\"n\":\"5.00\"}\n";
    let replacing = LoadOptions::default().replace(true);
    load(
        &mut project.store,
        "b",
        "by hand",
        line.as_bytes(),
        &replacing,
        &mut Silent,
    )
    .expect("a load");
    let batches = project.store.status(&project.stages()).unwrap().batches;
    assert_eq!(
        project.try_roll_back(RollbackScope::All).unwrap_err().code(),
        "rollback.conflict"
    );
    assert_eq!(project.store.status(&project.stages()).unwrap().batches, batches);
    // It stands as it was loaded: the stage in place had changed the record already. Only what comes after takes it.
    assert_eq!(project.carried(), [(3, 1, 0)]);
}

/// What a file gives, loaded once more, and which records stand in quarantine then.
fn load_again(project: &mut Project, name: &str, text: &str, options: &LoadOptions) -> (Counts, Vec<i64>) {
    let report = load(
        &mut project.store,
        "a",
        name,
        text.as_bytes(),
        options,
        &mut Silent,
    )
    .expect("a load");
    project.is_sound();
    let standing = project.quarantine().into_iter().map(|(_, record)| record);
    (report.counts, standing.collect())
}

#[test]
fn a_file_that_is_loaded_again_has_its_refused_lines_in_quarantine_once() {
    let mut project = Project::new();
    // A record, a torn line, the record's id with other data, another torn line of the same bytes.
    let text = "{\"id\":\"r1\",\"n\":\"1\"}\n{\"id\":\n{\"id\":\"r1\",\"n\":\"2\"}\n{\"id\":\n";
    let options = LoadOptions::default();
    let (counts, first) = load_again(&mut project, "x.ndjson", text, &options);
    assert_eq!((counts.written, counts.refused, first.len()), (1, 3, 3));
    for batch_size in [None, Some(1)] {
        let options = options.clone().batch_size(batch_size);
        let (counts, again) = load_again(&mut project, "x.ndjson", text, &options);
        assert_eq!(
            (counts.unchanged, counts.refused),
            (1, 3),
            "refused as the first time"
        );
        assert_eq!(again, first, "under the numbers that they had");
    }
    project.delete("a", 1);
    let (counts, again) = load_again(&mut project, "x.ndjson", text, &options);
    assert_eq!(counts.written, 1, "what was deleted comes back");
    assert_eq!(again, first);
    let whole = options.clone().replace(true);
    let (counts, left) = load_again(&mut project, "x.ndjson", text, &whole);
    assert_eq!(
        (counts.written, counts.refused, counts.filtered),
        (0, 3, 0),
        "`replace` does not choose between two lines of one input"
    );
    assert_eq!(left, first);
    assert_eq!(project.data("a", 1).as_deref(), Some(r#"{"id":"r1","n":"1"}"#));
    let (_, other) = load_again(&mut project, "y.ndjson", "{\"id\":\n{\"id\":\n", &options);
    assert_eq!(other.len(), left.len() + 2, "another file has lines of its own");
}

#[test]
fn a_second_load_of_a_file_is_interrupted_and_gone_on_with_and_rolled_back() {
    let mut project = Project::new();
    // Elements of one line, with the same bytes: each is a refused record of its own.
    let text = "[{\"n\":1},{\"n\":1},{\"n\":1},{\"id\":\"r1\"}]";
    let options = LoadOptions::default().batch_size(1);
    let (_, first) = load_again(&mut project, "x.json", text, &options);
    assert_eq!(first.len(), 3);
    let mut stop = StopAfter(2, StopSignal::default());
    let stopped = options.clone().stop(stop.1.clone());
    let report = load(
        &mut project.store,
        "a",
        "x.json",
        text.as_bytes(),
        &stopped,
        &mut stop,
    )
    .expect("a load");
    assert!(report.stopped.is_some());
    let report = load(
        &mut project.store,
        "a",
        "x.json",
        text.as_bytes(),
        &options,
        &mut Silent,
    );
    let report = report.expect("a load");
    assert!(report.resumed);
    assert_eq!((report.counts.refused, report.counts.unchanged), (3, 1));
    let standing = |project: &Project| -> Vec<i64> {
        let found = project.quarantine().into_iter().map(|(_, record)| record);
        let mut found: Vec<i64> = found.collect();
        found.sort_unstable();
        found
    };
    assert_eq!(standing(&project), first);
    project.roll_back(RollbackScope::Run(report.run.expect("a run")));
    assert_eq!(standing(&project), first, "the first refusal stands again");
}

#[test]
fn a_load_is_not_gone_on_with_under_other_settings() {
    let mut project = Project::new();
    let text: String = (0..6)
        .map(|n| format!("{{\"id\":\"x{n}\",\"k\":\"{n}\"}}\n"))
        .collect();
    let mut stop = StopAfter(2, StopSignal::default());
    let stopped = LoadOptions::default().batch_size(1).stop(stop.1.clone());
    load(
        &mut project.store,
        "a",
        "in",
        text.as_bytes(),
        &stopped,
        &mut stop,
    )
    .expect("a load");
    let count = project.count("a");
    for other in [
        LoadOptions::default().id_field("k"),
        LoadOptions::default().format(counterfoil::input::Format::Csv),
    ] {
        let refused = load(
            &mut project.store,
            "a",
            "in",
            text.as_bytes(),
            &other,
            &mut Silent,
        )
        .expect_err("other settings");
        assert!(
            refused.to_string().contains("was interrupted; now it is"),
            "{refused}"
        );
        assert_eq!(project.count("a"), count);
    }
    let report = load(
        &mut project.store,
        "a",
        "in",
        text.as_bytes(),
        &LoadOptions::default(),
        &mut Silent,
    )
    .expect("a load");
    assert!(report.resumed);
    assert_eq!(project.count("a"), 6);
}

//! What comes after the first apply: corrections, additions, deletions, retries, revisions, and what has to be refused.

use std::collections::BTreeMap;

use counterfoil::Purpose;
use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::edit::Edit;
use counterfoil::history::{status, trace};
use counterfoil::ledger::Counts;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::quarantine::{Selected, quarantined, retry, waive};
use counterfoil::rollback::{OnConflict, RollbackOptions, Scope, rollback};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::surroundings::Surroundings;
use counterfoil::verify::{VerifyOptions, verify};

const COPY: &str = r#"
[stage]
source = "a"
target = "b"
rounding = "half-even"
max_errors = 100

[[op]]
op = "decimal"
path = "n"
places = 2
emit = "string"
"#;

const IN_PLACE: &str = r#"
[stage]
source = "b"
max_errors = 100

[[op]]
op = "add"
path = "seen"
value = true

[contract]
target = { properties = { n = { pattern = '^\d{1,3}\.\d\d$' } } }
"#;

const ON: &str = r#"
[stage]
source = "b"
target = "c"
max_errors = 100

[[op]]
op = "rename"
from = "n"
to = "amount"
"#;

const FILES: [(&str, &str); 3] = [
    ("0001_copy.toml", COPY),
    ("0002_in_place.toml", IN_PLACE),
    ("0003_on.toml", ON),
];

struct Project {
    _folder: tempfile::TempDir,
    store: Store,
    files: BTreeMap<String, String>,
    loads: u32,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open_or_create(path, StoreOptions::default(), Surroundings::default());
        Self {
            _folder: folder,
            store: store.expect("a store"),
            files: FILES
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .into(),
            loads: 0,
        }
    }

    /// With records 1 to `count` loaded and carried through all stages.
    fn applied(count: u32) -> Self {
        let mut project = Self::new();
        project.load(1..=count);
        project.apply();
        project
    }

    fn stages(&self) -> Stages {
        let lookup = Lookup::nothing();
        let stage = |(name, text): (&String, &String)| Stage::parse(name, text, &lookup).expect(name);
        Stages::new("demo", self.files.iter().map(stage).collect()).expect("the numbers differ")
    }

    fn change(&mut self, file: &str, from: &str, to: &str) {
        let text = self.files.get_mut(file).expect("a stage");
        assert!(text.contains(from));
        *text = text.replace(from, to);
    }

    fn load(&mut self, ids: impl IntoIterator<Item = u32>) {
        let lines: Vec<(u32, String)> = ids.into_iter().map(|id| (id, id.to_string())).collect();
        self.load_with(&lines);
    }

    fn load_with(&mut self, lines: &[(u32, String)]) {
        self.loads += 1;
        let line = |(id, n): &(u32, String)| format!("{{\"id\":\"r{id}\",\"n\":\"{n}\"}}\n");
        let text: String = lines.iter().map(line).collect();
        let options = LoadOptions {
            replace: true,
            ..LoadOptions::default()
        };
        let name = format!("{}.ndjson", self.loads);
        load(
            &mut self.store,
            "a",
            &name,
            text.as_bytes(),
            &options,
            &mut Silent,
        )
        .expect("a load");
    }

    fn correct(&mut self, id: u32, n: &str) {
        self.load_with(&[(id, n.to_owned())]);
    }

    /// A record that is put by hand.
    fn put(&mut self, database: &str, id: u32, n: &str) {
        let edit = Edit::Put {
            id: format!("r{id}"),
            data: format!("{{\"n\":\"{n}\"}}"),
        };
        counterfoil::edit::edit(&mut self.store, database, &[edit], &Purpose::new("put")).expect("an edit");
    }

    fn try_apply(&mut self, options: &ApplyOptions) -> counterfoil::Result<ApplyReport> {
        let stages = self.stages();
        apply(&mut self.store, &stages, options, &mut Silent)
    }

    fn apply(&mut self) -> ApplyReport {
        let report = self.try_apply(&ApplyOptions::default()).expect("an apply");
        self.is_sound();
        report
    }

    /// How many records each stage read, and how many it refused.
    fn carried(&mut self) -> Vec<(u32, u64, u64)> {
        let report = self.apply();
        let pass =
            |pass: &counterfoil::apply::PassReport| (pass.stage, pass.counts.read, pass.counts.refused);
        report.passes.iter().map(pass).collect()
    }

    fn is_sound(&self) {
        let report = verify(&self.store, &VerifyOptions::default()).expect("a verification");
        assert!(report.is_sound(), "{:#?}", report.findings);
    }

    fn data(&self, database: &str, id: u32) -> Option<String> {
        let found = self.store.get(database, &format!("r{id}")).expect("a database");
        found.map(|record| record.data)
    }

    fn count(&self, database: &str) -> u64 {
        self.store.count(database).expect("a database")
    }

    fn edit(&mut self, database: &str, edit: Edit) {
        counterfoil::edit::edit(&mut self.store, database, &[edit], &Purpose::new("edit")).expect("an edit");
    }

    fn delete(&mut self, database: &str, id: u32) {
        self.edit(database, Edit::Delete { id: format!("r{id}") });
    }

    fn roll_back(&mut self, scope: Scope) {
        self.try_roll_back(scope).expect("a rollback");
        self.is_sound();
    }

    fn try_roll_back(&mut self, scope: Scope) -> counterfoil::Result<counterfoil::rollback::RollbackReport> {
        let options = RollbackOptions {
            scope,
            batch_size: Some(2),
            ..RollbackOptions::default()
        };
        rollback(&mut self.store, "demo", &options, &mut Silent)
    }

    fn retry(&mut self) -> ApplyReport {
        let (stages, options) = (self.stages(), ApplyOptions::default());
        let report = retry(
            &mut self.store,
            &stages,
            &Selected::default(),
            &options,
            &mut Silent,
        );
        self.is_sound();
        report.expect("a retry")
    }

    fn quarantine(&self) -> Vec<(Option<u32>, i64)> {
        let found = quarantined(&self.store, "demo", &Selected::default(), 100).expect("a quarantine");
        found
            .into_iter()
            .map(|refused| (refused.stage, refused.record))
            .collect()
    }
}

/// Asks to stop after so many batches.
struct StopAfter(usize, StopSignal);

impl Observer for StopAfter {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::BatchCommitted { .. }) {
            self.0 -= 1;
            if self.0 == 0 {
                self.1.ask();
            }
        }
    }
}

fn record(database: &str, id: u32) -> Scope {
    Scope::Record {
        database: database.to_owned(),
        id: format!("r{id}"),
    }
}

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
    project.roll_back(Scope::All);
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
    let options = ApplyOptions {
        batch_size: Some(1),
        stop: stop.clone(),
        ..ApplyOptions::default()
    };
    let all = Selected::default();
    let first = retry(
        &mut project.store,
        &stages,
        &all,
        &options,
        &mut StopAfter(1, stop),
    )
    .expect("a retry");
    let options = ApplyOptions {
        batch_size: Some(1),
        ..ApplyOptions::default()
    };
    let second = retry(&mut project.store, &stages, &all, &options, &mut Silent).expect("a retry");
    assert!(first.stopped.is_some() && second.passes[0].resumed);
    assert_eq!(first.passes[0].pass, second.passes[0].pass);
    assert_eq!((second.passes[0].counts.read, project.count("c")), (3, 4));
    project.is_sound();
}

#[test]
fn a_revision_takes_up_the_refused_and_the_unread_and_nothing_else() {
    let mut project = Project::new();
    let odd = (1..=9).map(|id| (id, if id == 2 { "two".to_owned() } else { id.to_string() }));
    project.load_with(&odd.collect::<Vec<_>>());
    let (stages, stop) = (project.stages(), StopSignal::default());
    let options = ApplyOptions {
        batch_size: Some(2),
        stop: stop.clone(),
        ..ApplyOptions::default()
    };
    apply(&mut project.store, &stages, &options, &mut StopAfter(2, stop)).expect("an apply");
    project.change("0001_copy.toml", "places = 2", "places = 1");
    let options = ApplyOptions {
        revise: true,
        to: Some(1),
        ..ApplyOptions::default()
    };
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
    let stopping = ApplyOptions {
        batch_size: Some(2),
        stop: stop.clone(),
        ..options.clone()
    };
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
    project.roll_back(Scope::To(1));
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
    project.roll_back(Scope::To(1));
    project
        .files
        .insert("0009_on.toml".to_owned(), on.replace("\"c\"", "\"d\""));
    project.files.remove("0002_in_place.toml");
    project.apply();
    project
        .files
        .insert("0002_in_place.toml".to_owned(), IN_PLACE.to_owned());
    let error = project.try_apply(&ApplyOptions::default()).unwrap_err();
    assert!(error.to_string().contains("stage 2 is not applied"), "{error}");
}

#[test]
fn a_rolled_back_pass_is_carried_again_whichever_it_was() {
    let mut project = Project::applied(3);
    let first = counterfoil::history::history(&project.store, 1).unwrap()[0].run;
    project.load(4..=6);
    let second = project.apply().run.unwrap();
    project.roll_back(Scope::Run(second));
    assert_eq!(project.carried(), [(1, 3, 0), (2, 3, 0), (3, 3, 0)]);
    // The first pass goes while a later one of the same stage stands.
    project.roll_back(Scope::To(1));
    project.roll_back(Scope::Run(first));
    assert_eq!(project.count("b"), 3);
    assert_eq!(project.carried(), [(1, 3, 0), (2, 6, 0), (3, 6, 0)]);
    assert_eq!((project.count("b"), project.count("c")), (6, 6));
}

#[test]
fn an_edit_in_a_database_changed_in_place_feeds_only_the_later_stages() {
    let mut project = Project::applied(3);
    let (id, data) = (
        "r2".to_owned(),
        r#"{"id":"r2","n":"9.99","seen":"by hand"}"#.to_owned(),
    );
    project.edit("b", Edit::Put { id, data });
    assert_eq!(project.carried(), [(3, 1, 0)]);
    assert!(project.data("c", 2).unwrap().contains("by hand"));
    let conflict = project.try_roll_back(Scope::All).unwrap_err();
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
fn a_stage_in_place_is_rolled_back_exactly_though_a_correction_came_between() {
    let mut project = Project::applied(4);
    project.correct(2, "22");
    project.apply();
    project.roll_back(Scope::To(1));
    assert_eq!(project.data("b", 2).unwrap(), r#"{"id":"r2","n":"22.00"}"#);
    assert_eq!(project.data("b", 3).unwrap(), r#"{"id":"r3","n":"3.00"}"#);
    assert_eq!(project.carried(), [(2, 4, 0), (3, 4, 0)]);
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
    project.edit("b", Edit::Put { id, data });
    let waived = waive(
        &mut project.store,
        "demo",
        &Selected::default(),
        &Purpose::new("waive"),
    );
    assert_eq!(waived.expect("a waiver"), 1);
    project.is_sound();
    assert!(project.data("b", 2).unwrap().contains("8.88"));
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
    project.roll_back(Scope::All);
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
    let run = counterfoil::history::history(&project.store, 1).unwrap()[0].run;
    project.roll_back(Scope::Run(run));
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
    project.edit("b", Edit::Insert { id, data });
    let batches = status(&project.store, &project.stages()).unwrap().batches;
    let conflict = project.try_roll_back(Scope::Run(run)).unwrap_err();
    let message = conflict.to_string();
    let first = "the first is record 2 in `b`, whose old id `r2` is another record's";
    assert_eq!(conflict.code(), "rollback.conflict");
    assert!(
        message.starts_with("1 record cannot be restored as pass ") && message.ends_with(first),
        "{message}"
    );
    assert_eq!(
        status(&project.store, &project.stages()).unwrap().batches,
        batches
    );
    // Nor can it be forced.
    let forcing = RollbackOptions {
        scope: Scope::Run(run),
        on_conflict: OnConflict::Force,
        ..RollbackOptions::default()
    };
    let report = rollback(&mut project.store, "demo", &forcing, &mut Silent).expect("a rollback");
    assert_eq!(report.counts.refused, 1);
    let left: Vec<String> = report.left.iter().map(ToString::to_string).collect();
    assert_eq!(left, ["record 2 in `b`, whose old id `r2` is another record's"]);
    assert_eq!(project.data("a", 2), None);
    project.is_sound();
}

#[test]
fn a_load_into_a_target_stands_in_the_way_of_the_stage_that_copied_there() {
    let mut project = Project::applied(3);
    let line = "{\"id\":\"r2\",\"n\":\"5.00\"}\n";
    let replacing = LoadOptions {
        replace: true,
        ..LoadOptions::default()
    };
    load(
        &mut project.store,
        "b",
        "by hand",
        line.as_bytes(),
        &replacing,
        &mut Silent,
    )
    .expect("a load");
    let batches = status(&project.store, &project.stages()).unwrap().batches;
    assert_eq!(
        project.try_roll_back(Scope::All).unwrap_err().code(),
        "rollback.conflict"
    );
    assert_eq!(
        status(&project.store, &project.stages()).unwrap().batches,
        batches
    );
    // It stands as it was loaded: the stage in place had changed the record already. Only what comes after takes it.
    assert_eq!(project.carried(), [(3, 1, 0)]);
}

#[test]
fn a_settled_refusal_no_longer_stops_its_stage() {
    let mut project = Project::new();
    project.load_with(&[(1, "x".to_owned()), (2, "2".to_owned()), (3, "3".to_owned())]);
    let stopping = ApplyOptions {
        batch_size: Some(1),
        max_errors: Some(MaxErrors::Count(0)),
        ..ApplyOptions::default()
    };
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_some());
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_some());
    waive(
        &mut project.store,
        "demo",
        &Selected::default(),
        &Purpose::new("waive"),
    )
    .expect("a waiver");
    assert!(project.try_apply(&stopping).expect("an apply").stopped.is_none());
    assert_eq!(project.count("c"), 2);
    project.is_sound();
}

#[test]
fn the_life_of_a_record_is_told_across_stages() {
    let mut project = Project::applied(2);
    project.correct(2, "2000");
    project.apply();
    project.roll_back(Scope::Last);
    let steps = trace(&project.store, "a", "r2").expect("a life");
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
    assert_eq!(
        trace(&project.store, "b", "r2").expect("a life").len(),
        told.len()
    );
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

#[test]
fn an_older_run_is_not_rolled_back_beneath_a_newer_one_of_its_stage_that_changed_the_same_records() {
    let mut project = Project::new();
    project.files.retain(|name, _| name.starts_with("0001"));
    project.load(1..=3);
    let older = project.apply().run.expect("a run");
    project.correct(1, "10");
    let newer = project.apply().run.expect("a run");
    for on_conflict in [
        OnConflict::Abort,
        OnConflict::Skip,
        OnConflict::Merge,
        OnConflict::Force,
    ] {
        let options = RollbackOptions {
            scope: Scope::Run(older),
            on_conflict,
            ..RollbackOptions::default()
        };
        let refused = rollback(&mut project.store, "demo", &options, &mut Silent);
        let beneath = matches!(refused, Err(counterfoil::Error::RollbackBeneath { run, .. }) if run == newer);
        assert!(beneath, "{on_conflict:?}: {refused:?}");
        assert_eq!(project.count("b"), 3, "{on_conflict:?}");
    }
    project.roll_back(Scope::Run(newer));
    project.roll_back(Scope::Run(older));
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
    project.roll_back(Scope::Run(older));
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
        for on_conflict in [OnConflict::Abort, OnConflict::Skip, OnConflict::Force] {
            let options = RollbackOptions {
                scope: Scope::Run(run),
                on_conflict,
                ..RollbackOptions::default()
            };
            let refused = rollback(&mut project.store, "demo", &options, &mut Silent);
            let beneath =
                matches!(refused, Err(counterfoil::Error::RollbackBeneath { run, .. }) if run == newest);
            assert!(beneath, "run {run}, {on_conflict:?}: {refused:?}");
        }
    }
    assert_eq!(project.count("b"), 3);
    for run in [newest, between, older] {
        project.roll_back(Scope::Run(run));
    }
    assert_eq!(project.count("b"), 0);
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
        let options = LoadOptions {
            batch_size,
            ..options.clone()
        };
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
    let whole = LoadOptions {
        replace: true,
        ..options.clone()
    };
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
    let options = LoadOptions {
        batch_size: Some(1),
        ..LoadOptions::default()
    };
    let (_, first) = load_again(&mut project, "x.json", text, &options);
    assert_eq!(first.len(), 3);
    let mut stop = StopAfter(2, StopSignal::default());
    let stopped = LoadOptions {
        stop: stop.1.clone(),
        ..options.clone()
    };
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
    project.roll_back(Scope::Run(report.run.expect("a run")));
    assert_eq!(standing(&project), first, "the first refusal stands again");
}

#[test]
fn a_load_is_not_gone_on_with_under_other_settings() {
    let mut project = Project::new();
    let text: String = (0..6)
        .map(|n| format!("{{\"id\":\"x{n}\",\"k\":\"{n}\"}}\n"))
        .collect();
    let mut stop = StopAfter(2, StopSignal::default());
    let stopped = LoadOptions {
        batch_size: Some(1),
        stop: stop.1.clone(),
        ..LoadOptions::default()
    };
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
        LoadOptions {
            id_field: "k".to_owned(),
            ..LoadOptions::default()
        },
        LoadOptions {
            format: Some(counterfoil::input::Format::Csv),
            ..LoadOptions::default()
        },
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

#[test]
fn a_target_that_also_held_another_row_keeps_its_index_when_the_rest_of_a_pass_is_undone() {
    let mut project = Project::new();
    project.files.retain(|name, _| name == "0001_copy.toml");
    project.put("b", 9, "9");
    project.load([1]);
    project.apply();
    // One record of two is left, as many as the pass has written: not those.
    project.roll_back(record("b", 1));
    project.roll_back(Scope::All);
    assert_eq!((project.count("a"), project.count("b")), (1, 1));
    assert!(project.data("b", 9).is_some());
}

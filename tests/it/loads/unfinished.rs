//! Every pass that has begun and not ended is named by `status`, `plan`, `apply` and `report`, and the command that they
//! name goes on with it.

use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::history::UnfinishedPass;
use counterfoil::ledger::PassKind;
use counterfoil::load::{LoadOptions, load_file};
use counterfoil::observe::StopSignal;
use counterfoil::record::RunId;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::store::{Store, StoreOptions};

use super::records;
use crate::support::scenario::{PROJECT, environment};
use crate::support::world::{Scene, StopAfter, stages};

const COPY: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\n";

/// A project whose store can be worked on in this process.
struct Project {
    project: Scene,
    seed: std::cell::Cell<u64>,
}

impl std::ops::Deref for Project {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.project
    }
}

impl Project {
    fn new() -> Self {
        let project = Scene::project(&[("0001_copy.toml", COPY)]);
        project.write("big file.ndjson", records("m", 1, 90));
        let seed = std::cell::Cell::new(0);
        let scene = Self { project, seed };
        drop(scene.opened());
        scene
    }

    fn opened(&self) -> Store {
        let options = StoreOptions::default().batch_size(20);
        self.seed.set(self.seed.get() + 1);
        let environment = environment(self.seed.get());
        Store::open_or_create(self.project.store(), options, environment).expect("a store")
    }

    fn file(&self) -> String {
        self.path("big file.ndjson").display().to_string()
    }

    fn cut_load(&self, replace: bool) {
        let stop = StopSignal::default();
        let options = LoadOptions::default().replace(replace).stop(stop.clone());
        let file = std::fs::File::open(self.file()).expect("a file");
        let mut observer = StopAfter(2, stop);
        load_file(
            &mut self.opened(),
            "a",
            &self.file(),
            file,
            &options,
            &mut observer,
        )
        .expect("a load");
    }

    fn open(&self) -> Vec<UnfinishedPass> {
        self.opened().unfinished().expect("a list")
    }

    /// All screens name it, in every form.
    fn is_named(&self, told: &str) {
        for (screen, code) in [("status", 0), ("plan", 0), ("report", 0), ("apply", 0)] {
            let said = self.run(&[screen]);
            assert_eq!(said.code, code, "{screen}: {}", said.err);
            let text = said.out + &said.err;
            assert!(text.contains(told), "{screen} does not say `{told}`: {text}");
            let envelope = self.envelope(&[screen]);
            let named = &envelope["data"]["unfinished"][0];
            assert_eq!(
                named["go_on"],
                serde_json::json!(self.open()[0].go_on),
                "{screen}"
            );
        }
        let page = self.run(&["report", "--html", "-"]).out;
        assert!(
            page.contains("Unfinished in this store") && page.contains(told),
            "{page}"
        );
    }

    /// Runs the command that is named, and whatever it needs beside.
    fn go_on(&self, more: &[&str]) {
        let open = self.open().remove(0);
        let words: Vec<&str> = open.go_on.iter().map(String::as_str).collect();
        let said = self.run(&[&words, more].concat());
        assert_eq!(said.code, 0, "{words:?}: {}", said.err);
        assert!(
            self.open().is_empty(),
            "{words:?} has not ended it: {:?}",
            self.open()
        );
        assert_eq!(self.run(&["verify"]).code, 0);
        let text = self.run(&["status"]).out;
        assert!(!text.contains("Unfinished"), "{text}");
    }
}

#[test]
fn an_open_load_is_named_by_every_screen_and_goes_on() {
    let scene = Project::new();
    scene.cut_load(true);
    assert_eq!(scene.open()[0].bytes, Some(records("m", 1, 40).len() as u64));
    scene.is_named("after line 40 (byte ");
    let status = scene.run(&["status"]);
    let named = format!("load a '{}' --replace`", scene.file());
    assert!(status.out.contains(&named), "{}", status.out);
    assert!(status.err.contains("next: the load of"), "{}", status.err);
    scene.go_on(&[]);
    let applied = scene.envelope(&["apply"]);
    assert_eq!(
        applied["data"]["passes"][0]["counts"]["written"], 50,
        "what has come since is carried"
    );
}

#[test]
fn an_open_load_that_others_have_written_over_goes_on_without_replace() {
    let scene = Project::new();
    scene.cut_load(true);
    scene
        .project
        .write("other.ndjson", "{\"id\":\"m80\",\"v\":\"newer\"}\n");
    let other = scene.path("other.ndjson").display().to_string();
    scene.run(&["load", "a", &other]);
    let open = scene.open().remove(0);
    assert!(!open.go_on.contains(&"--replace".to_owned()), "{:?}", open.go_on);
    let said = scene.run(&["load", "a", &scene.file(), "--replace"]);
    assert!(said.err.contains("were overwritten"), "{}", said.err);
}

#[test]
fn an_open_load_is_given_up_by_the_command_that_is_named_for_it() {
    let scene = Project::new();
    scene.cut_load(false);
    let open = scene.open().remove(0);
    let words = open.give_up.expect("it can be given up");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The file is gone.
    std::fs::remove_file(scene.path("big file.ndjson")).expect("there is a file");
    let said = scene.run(&words);
    assert_eq!(said.code, 0, "{said:?}");
    let told = "of run 2 after line 40 (byte 950): its 40 records are kept";
    let told = told.replace("950", &records("m", 1, 40).len().to_string());
    assert!(
        said.out.contains("Gave up the load of") && said.out.contains(&told),
        "{}",
        said.out
    );
    assert!(scene.open().is_empty());
    assert_eq!(scene.run(&words).code, 1, "there is nothing left to give up");
}

#[test]
fn another_file_of_the_name_gives_up_the_open_load_with_restart() {
    let scene = Project::new();
    scene.cut_load(false);
    scene.write("big file.ndjson", "{\"id\":\"t\"}\n");
    let said = scene.run(&["load", "a", &scene.file(), "--restart"]);
    assert_eq!(said.code, 0);
    assert!(
        said.err.contains("gives up the load of") && said.err.contains("the rest of that file is not loaded"),
        "{}",
        said.err
    );
    assert!(scene.open().is_empty());
}

#[test]
fn an_open_apply_is_named_and_goes_on() {
    let scene = Project::new();
    scene.run(&["load", "a", &scene.file()]);
    let stop = StopSignal::default();
    let options = ApplyOptions::default().stop(stop.clone());
    let stages = stages(PROJECT, &[("0001_copy.toml", COPY)]);
    apply(&mut scene.opened(), &stages, &options, &mut StopAfter(1, stop)).expect("an apply");
    let told = "the apply of stage 1 (copy) stopped in run 3 after 20 records";
    for screen in ["status", "report"] {
        assert!(scene.run(&[screen]).out.contains(told), "{screen}");
    }
    scene.go_on(&[]);
}

#[test]
fn an_open_rollback_is_named_and_goes_on() {
    for scope in [RollbackScope::Last, RollbackScope::Run(RunId::new(2))] {
        let scene = Project::new();
        scene.run(&["load", "a", &scene.file()]);
        if scope == RollbackScope::Last {
            scene.run(&["apply"]);
        }
        let stop = StopSignal::default();
        let options = RollbackOptions::default()
            .scope(scope.clone())
            .batch_size(20)
            .stop(stop.clone())
            .run_info(RunInfo::new("rollback"));
        let project = crate::support::scenario::PROJECT;
        rollback(&mut scene.opened(), project, &options, &mut StopAfter(1, stop)).expect("a rollback");
        assert_eq!(
            scene.open()[0].kind,
            PassKind::Rollback,
            "and not what it takes back"
        );
        let status = scene.run(&["status"]);
        assert!(status.out.contains("the rollback of "), "{}", status.out);
        assert!(
            status.err.contains("a rollback was interrupted"),
            "{}",
            status.err
        );
        scene.go_on(&["--yes"]);
    }
}

#[test]
fn an_open_waiver_is_named_and_goes_on() {
    let lines = "torn\n".repeat(400);
    // Killed earlier it has not begun, killed later it is done.
    let cut = (1..100).find_map(|delay| {
        let scene = Project::new();
        scene.write("torn.ndjson", &lines);
        scene.run(&["load", "a", &scene.path("torn.ndjson").display().to_string()]);
        let mut waiver = scene.start(&[
            "quarantine",
            "waive",
            "--code",
            "json.syntax",
            "--reason",
            "a trailer",
        ]);
        std::thread::sleep(std::time::Duration::from_millis(5 + delay * 3));
        let _ = waiver.kill();
        waiver.wait().expect("it ends");
        (!scene.open().is_empty()).then_some(scene)
    });
    let scene = cut.expect("a waiver that was killed between two batches");
    let open = scene.open().remove(0);
    assert_eq!(open.kind, PassKind::Waive);
    assert_eq!(
        open.go_on,
        ["quarantine", "waive", "--code", "json.syntax", "--reason", "TEXT"]
    );
    let status = scene.run(&["status"]).out;
    assert!(
        status.contains("the waiver of records that loads into a refused stopped in run 3"),
        "{status}"
    );
    scene.go_on(&[]);
    assert!(
        scene
            .run(&["quarantine", "list"])
            .out
            .contains("The quarantine is empty")
    );
    let connection = rusqlite::Connection::open(scene.store()).expect("a store");
    let passes: i64 = connection
        .query_row("SELECT count(*) FROM ledger_pass WHERE kind='waive'", [], |row| {
            row.get(0)
        })
        .expect("a count");
    assert_eq!(passes, 1, "the same pass has gone on");
}

#[test]
fn the_four_screens_say_nothing_where_nothing_is_open() {
    let scene = Project::new();
    scene.run(&["load", "a", &scene.file()]);
    for screen in ["status", "plan", "report", "apply"] {
        let envelope = scene.envelope(&[screen]);
        assert_eq!(envelope["data"]["unfinished"], serde_json::json!([]), "{screen}");
    }
    assert!(!scene.run(&["report", "--html", "-"]).out.contains("Unfinished"));
}

//! The command `load`, killed at random times: the same command again, other loads between or not.

use std::process::{Child, Stdio};
use std::time::Duration;

use counterfoil::store::{Store, StoreOptions};

use crate::faults::crash as chance;
use crate::support::comparison::{Compared, Contents};
use crate::support::invariants::assert_sound;
use crate::support::scenario::environment;
use crate::support::world::{Said, Scene};

/// Records with a torn line, a torn line that has an id, and an id twice among them.
fn monday() -> String {
    (1..=600)
        .map(|number| match number {
            70 => "torn\n".to_owned(),
            150 => "{\"id\":\"m150\",\"v\":\n".to_owned(),
            310 => "{\"id\":\"m300\",\"v\":\"twice\"}\n".to_owned(),
            _ => format!("{{\"id\":\"m{number}\",\"v\":\"monday\"}}\n"),
        })
        .collect()
}

struct Project(Scene);

impl std::ops::Deref for Project {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl Project {
    fn new() -> Self {
        let project =
            Scene::project(&[("0001_copy.toml", "[stage]\nsource = \"a\"\ntarget = \"b\"\n")]).inside();
        project.write("daily.ndjson", monday());
        drop(
            Store::open_or_create(project.store(), StoreOptions::default(), environment(7)).expect("a store"),
        );
        Self(project)
    }

    fn start(&self, name: &str) -> Child {
        let mut command = self.command(&["-q", "load", "a", name, "--batch-size", "7"]);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the command starts")
    }

    /// Kills a load after so long; whether it had come to its end.
    fn killed(&self, name: &str, delay: Duration) -> bool {
        let mut child = self.start(name);
        std::thread::sleep(delay);
        let _ = child.kill();
        let ended = child.wait().expect("it ends");
        assert_sound(&self.store(), 0, &format!("{name} killed after {delay:?}"));
        ended.code().is_some()
    }

    fn contents(&self) -> Contents {
        Contents::of(&self.store(), Compared::LessSalts)
    }

    /// What is in the database and in quarantine, whatever the numbers are.
    fn records(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.store()).expect("a store");
        let sql = "SELECT id||' '||data FROM a UNION ALL
         SELECT database||' '||coalesce(id,'-')||' '||reason FROM audit_quarantine ORDER BY 1";
        let mut statement = connection.prepare(sql).expect("a query");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    fn whole_us(&self) -> u64 {
        let begun = std::time::Instant::now();
        let code = self.start("daily.ndjson").wait().expect("it ends").code();
        assert_eq!(code, Some(3), "lines were refused");
        u64::try_from(begun.elapsed().as_micros()).expect("a short time")
    }
}

#[test]
fn a_load_killed_at_random_times_until_it_is_done_equals_an_uninterrupted_one() {
    let uninterrupted = Project::new();
    let whole_us = uninterrupted.whole_us();
    let mut state = chance::seed("a load");
    let mut kills = 0;
    while kills < 12 {
        let scene = Project::new();
        loop {
            let delay = Duration::from_micros(chance::random(&mut state) % (whole_us * 5 / 4));
            if scene.killed("daily.ndjson", delay) {
                break;
            }
            kills += 1;
        }
        // And once more: it is known, whether or not it was killed behind its last batch.
        let output = scene.command(&["load", "a", "daily.ndjson"]).output();
        let said = Said::of(output.expect("the command starts"));
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("nothing to do"), "{}", said.out);
        assert_eq!(
            uninterrupted.contents().difference_unsigned(&scene.contents()),
            None
        );
    }
}

#[test]
fn a_killed_load_and_another_file_of_its_name_end_as_both_would_by_themselves() {
    let tuesday: String = (1..=300)
        .map(|number| format!("{{\"id\":\"t{number}\",\"v\":\"tuesday\"}}\n"))
        .collect();
    let uninterrupted = Project::new();
    let whole_us = uninterrupted.whole_us();
    uninterrupted.0.write("daily.ndjson", &tuesday);
    assert_eq!(
        uninterrupted
            .start("daily.ndjson")
            .wait()
            .expect("it ends")
            .code(),
        Some(0)
    );
    let mut state = chance::seed("two loads");
    for round in 0..8 {
        let scene = Project::new();
        let mut delay = || Duration::from_micros(chance::random(&mut state) % whole_us);
        scene.killed("daily.ndjson", delay());
        scene.write("monday.ndjson", monday());
        scene.write("daily.ndjson", &tuesday);
        // Both are killed and begun again in turns, until both are known.
        let mut done = [false, false];
        while !(done[0] && done[1]) {
            for (at, name) in ["daily.ndjson", "monday.ndjson"].into_iter().enumerate() {
                if !done[at] {
                    done[at] = scene.killed(name, delay() * 2);
                }
            }
        }
        assert_eq!(scene.records(), uninterrupted.records(), "round {round}");
        let store = Store::open(scene.store(), StoreOptions::default(), environment(7)).expect("a store");
        assert!(store.unfinished().expect("a list").is_empty(), "round {round}");
    }
}

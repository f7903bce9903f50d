//! No order of events is a dead end, and nothing is lost in it: a pass that stands open sees what came behind its reader,
//! a record that found its place taken comes when it is free, and what was changed by hand stands.

use std::fmt::Write as _;

use crate::support::world::{Said, Scene, wait_for_batches};

/// Copies `a` to `b`; what is behind `source` and `target` is put into `[stage]` as it is.
fn copy(more: &str) -> String {
    format!("[stage]\nsource = \"a\"\ntarget = \"b\"\n{more}\n")
}

const TO_INTEGER: &str = "[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n";

/// Rolls everything back and applies anew: what is there then is what the stages make from scratch.
fn is_as_from_scratch(project: &Scene, database: &str) {
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    let is = sorted(project.rows(database));
    project.exits_sound(&["rollback", "--all", "--yes"], 0);
    project.exits_sound(&["apply"], 0);
    assert_eq!(is, sorted(project.rows(database)));
}

#[test]
fn a_correction_after_a_stop_at_the_limit_is_taken_and_the_pass_ends() {
    let stage = copy("") + TO_INTEGER;
    let project = Scene::project(&[("0001_n.toml", &stage)]);
    project.load(
        "a",
        &[
            r#"{"id":"1","n":"7"}"#,
            r#"{"id":"2","n":"x"}"#,
            r#"{"id":"3","n":"9"}"#,
        ],
        &[],
    );
    project.exits_sound(&["apply", "--batch-size", "1"], 6);
    project.load("a", &[r#"{"id":"2","n":"8"}"#], &["--replace"]);
    project.exits_sound(&["apply"], 0);
    assert_eq!(
        project.rows("b"),
        [
            r#"{"id":"1","n":7}"#,
            r#"{"id":"2","n":8}"#,
            r#"{"id":"3","n":9}"#
        ]
    );
    let plan = project.exits_sound(&["plan"], 0);
    assert!(plan.out.contains("nothing to do"), "{plan:?}");
}

#[test]
fn a_correction_that_is_refused_again_stops_the_stage_again() {
    let stage = copy("") + TO_INTEGER;
    let project = Scene::project(&[("0001_n.toml", &stage)]);
    project.load(
        "a",
        &[
            r#"{"id":"1","n":"x"}"#,
            r#"{"id":"2","n":"y"}"#,
            r#"{"id":"3","n":"9"}"#,
        ],
        &[],
    );
    project.exits_sound(&["apply", "--batch-size", "1"], 6);
    project.load("a", &[r#"{"id":"1","n":"z"}"#], &["--replace"]);
    let stopped = project.exits_sound(&["apply", "--batch-size", "1"], 6);
    assert!(stopped.err.contains("1 record refused, 0 allowed"), "{stopped:?}");
    project.load(
        "a",
        &[r#"{"id":"1","n":"1"}"#, r#"{"id":"2","n":"2"}"#],
        &["--replace"],
    );
    project.exits_sound(&["apply"], 0);
    is_as_from_scratch(&project, "b");
}

#[test]
fn an_id_that_is_deleted_and_loaded_again_behind_an_open_pass_is_processed() {
    let stage = copy("") + "[[op]]\nop = \"set\"\npath = \"k\"\nvalue = 1\n";
    let project = Scene::project(&[("0001_a.toml", &stage)]);
    let lines: Vec<String> = (1..=50).map(|at| format!(r#"{{"id":"r{at}"}}"#)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    project.load("a", &lines, &[]);
    let mut apply = project.start(&["apply", "--batch-size", "5", "--pause", "200ms"]);
    wait_for_batches(&project.store(), 6);
    apply.kill().expect("it is ours");
    apply.wait().expect("it ends");
    project.exits_sound(&["delete", "a", "r1", "--reason", "gone"], 0);
    project.load("a", &[r#"{"id":"r1","again":true}"#], &[]);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b").len(), 50);
    is_as_from_scratch(&project, "b");
}

#[test]
fn a_stage_that_stops_does_not_starve_those_that_do_not_depend_on_it() {
    let first = copy("max_errors = 0") + TO_INTEGER;
    let other = "[stage]\nsource = \"c\"\ntarget = \"d\"\n";
    let beyond = "[stage]\nsource = \"b\"\ntarget = \"e\"\n";
    let stages = [
        ("0001_first.toml", first.as_str()),
        ("0002_beyond.toml", beyond),
        ("0003_other.toml", other),
    ];
    let project = Scene::project(&stages);
    project.load("a", &[r#"{"id":"1","n":"x"}"#], &[]);
    for day in 1..=3 {
        project.load("c", &[&format!(r#"{{"id":"c{day}"}}"#)], &[]);
        let said = project.exits_sound(&["apply", "--json"], 6);
        assert_eq!(project.rows("d").len(), day);
        let answer: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!(
            answer["data"]["held_back"][0],
            serde_json::json!({"stage": 2, "by": 1})
        );
    }
    project.exits_sound(&["quarantine", "waive", "--all", "--reason", "never mind"], 0);
    project.exits_sound(&["apply"], 0);
}

#[test]
fn two_records_exchange_their_keys_and_a_chain_of_them_moves_up() {
    let stage = copy("id = \"= doc.k\"");
    let project = Scene::project(&[("0001_t.toml", &stage)]);
    let line = |id: usize, key: usize| format!(r#"{{"id":"{id}","k":"k{key}"}}"#);
    let lines =
        |key: &dyn Fn(usize) -> usize| -> Vec<String> { (1..=60).map(|id| line(id, key(id))).collect() };
    let load_all = |lines: Vec<String>| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        project.load("a", &lines, &["--replace"])
    };
    load_all(lines(&|id| id));
    project.exits_sound(&["apply", "--batch-size", "7"], 0);
    // Pairs exchange their keys.
    load_all(lines(&|id| if id % 2 == 0 { id - 1 } else { id + 1 }));
    let plan = project.exits_sound(&["plan", "--json"], 0);
    let said = project.exits_sound(&["apply", "--batch-size", "7", "--json"], 0);
    let counts = |said: &Said| -> serde_json::Value { serde_json::from_str(&said.out).expect("JSON") };
    assert_eq!(
        counts(&said)["data"]["passes"][0]["counts"],
        counts(&plan)["data"]["stages"][0]["counts"]
    );
    assert_eq!(
        project.rows("b"),
        (1..=60)
            .map(|id| line(id, if id % 2 == 0 { id - 1 } else { id + 1 }))
            .collect::<Vec<_>>()
    );
    // Everyone takes the next one's, and the last one the first.
    load_all(lines(&|id| id % 60 + 1));
    project.exits_sound(&["apply", "--batch-size", "7"], 0);
    is_as_from_scratch(&project, "b");
}

#[test]
fn a_stage_in_place_gives_every_record_the_next_ones_id() {
    let stage = "[stage]\nsource = \"a\"\nid = \"= doc.next\"\n";
    let project = Scene::project(&[("0001_next.toml", stage)]);
    let lines: Vec<String> = (1..=60)
        .map(|at| format!(r#"{{"id":"k{at}","next":"k{}"}}"#, at % 60 + 1))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    project.load("a", &lines, &[]);
    let before = project.rows("a");
    let mut apply = project.start(&["apply", "--batch-size", "7", "--pause", "100ms"]);
    wait_for_batches(&project.store(), 6);
    apply.kill().expect("it is ours");
    apply.wait().expect("it ends");
    project.exits_sound(&["apply", "--batch-size", "7"], 0);
    let ids = project.run(&["export", "a", "--with-id"]).out;
    for at in 1..=60 {
        let next = at % 60 + 1;
        let is_there = ids
            .lines()
            .any(|line| line.contains(&format!(r#""k{at}""#)) && line.contains(&format!(r#""k{next}""#)));
        assert!(is_there, "k{at} is k{next} now: {ids}");
    }
    project.exits_sound(&["rollback", "--all", "--yes"], 0);
    assert_eq!(project.rows("a"), before);
}

#[test]
fn what_was_replaced_or_skipped_comes_back_when_its_place_is_free() {
    for (policy, gone, left) in [
        ("replace", "2", r#"{"id":"1","k":"x"}"#),
        ("skip", "1", r#"{"id":"2","k":"x"}"#),
    ] {
        let stage = copy(&format!("id = \"= doc.k\"\non_conflict = \"{policy}\""));
        let project = Scene::project(&[("0001_t.toml", &stage)]);
        project.load("a", &[r#"{"id":"1","k":"x"}"#, r#"{"id":"2","k":"x"}"#], &[]);
        project.exits_sound(&["apply"], 0);
        project.exits_sound(&["delete", "a", gone, "--reason", "gone"], 0);
        project.exits_sound(&["apply"], 0);
        assert_eq!(project.rows("b"), [left], "{policy}");
        is_as_from_scratch(&project, "b");
    }
}

#[test]
fn of_two_records_with_one_id_the_later_one_replaces_whichever_came_first() {
    let stage = copy("id = \"= doc.k\"\non_conflict = \"replace\"");
    let project = Scene::project(&[("0001_t.toml", &stage)]);
    project.load("a", &[r#"{"id":"1","k":"x"}"#, r#"{"id":"2","k":"x"}"#], &[]);
    project.exits_sound(&["apply"], 0);
    // The first one is corrected: it has not come after the second all the same.
    project.load("a", &[r#"{"id":"1","k":"x","more":1}"#], &["--replace"]);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b"), [r#"{"id":"2","k":"x"}"#]);
    is_as_from_scratch(&project, "b");
}

#[test]
fn a_part_whose_place_is_taken_does_not_drop_its_siblings() {
    let stage =
        copy("id = \"= doc.code\"\non_conflict = \"skip\"") + "[[op]]\nop = \"derive\"\npath = \"parts\"\n";
    let project = Scene::project(&[("0001_parts.toml", &stage)]);
    project.load(
        "a",
        &[
            r#"{"id":"us","parts":[{"code":"USD"}]}"#,
            r#"{"id":"bs","parts":[{"code":"BSD"},{"code":"USD"}]}"#,
        ],
        &[],
    );
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b"), [r#"{"code":"USD"}"#, r#"{"code":"BSD"}"#]);
    project.exits_sound(&["delete", "a", "us", "--reason", "gone"], 0);
    project.exits_sound(&["apply"], 0);
    is_as_from_scratch(&project, "b");
}

#[test]
fn a_row_that_was_changed_by_hand_is_written_over_only_where_the_stage_says_so() {
    for (policy, code, left) in [("refuse", 6, 99), ("skip", 0, 99), ("replace", 0, 5)] {
        let stage = copy(&format!("on_conflict = \"{policy}\""));
        let project = Scene::project(&[("0001_t.toml", &stage)]);
        project.load("a", &[r#"{"id":"1","v":1}"#, r#"{"id":"2","v":2}"#], &[]);
        project.exits_sound(&["apply"], 0);
        project.load("b", &[r#"{"id":"1","v":99}"#], &["--replace"]);
        project.load("a", &[r#"{"id":"1","v":5}"#], &["--replace"]);
        project.exits_sound(&["apply"], code);
        assert_eq!(
            project.rows("b")[0],
            format!(r#"{{"id":"1","v":{left}}}"#),
            "{policy}"
        );
        if policy == "refuse" {
            // The row goes, and the record comes.
            project.exits_sound(&["delete", "b", "1", "--reason", "the source is right"], 0);
            project.exits_sound(&["apply"], 0);
            assert!(project.rows("b").contains(&r#"{"id":"1","v":5}"#.to_owned()));
        }
    }
}

#[test]
fn the_earlier_version_of_a_refused_correction_stays_or_goes_as_the_stage_says() {
    for (stale, left) in [("keep", 2), ("remove", 1)] {
        let stage = copy(&format!("stale = \"{stale}\"\nmax_errors = \"99%\"")) + TO_INTEGER;
        let project = Scene::project(&[("0001_n.toml", &stage)]);
        project.load("a", &[r#"{"id":"1","n":"1"}"#, r#"{"id":"2","n":"2"}"#], &[]);
        project.exits_sound(&["apply"], 0);
        project.load("a", &[r#"{"id":"1","n":"bad"}"#], &["--replace"]);
        project.exits_sound(&["apply"], 3);
        assert_eq!(project.rows("b").len(), left, "{stale}");
        project.exits_sound(&["rollback", "--yes"], 0);
        assert_eq!(project.rows("b").len(), 0, "{stale}");
        project.exits_sound(&["apply"], 3);
        project.load("a", &[r#"{"id":"1","n":"3"}"#], &["--replace"]);
        project.exits_sound(&["apply"], 0);
        assert_eq!(project.rows("b").len(), 2, "{stale}");
    }
}

#[test]
fn what_is_corrected_by_hand_below_a_stage_in_place_stands() {
    let copying = "[stage]\nsource = \"raw\"\ntarget = \"films\"\n";
    let late =
        "[stage]\nsource = \"films\"\n[[op]]\nop = \"add\"\npath = \"late\"\nvalue = \"= doc.delay > 15\"\n";
    let hits = "[stage]\nsource = \"films\"\ntarget = \"hits\"\n";
    let stages = [
        ("0001_copy.toml", copying),
        ("0002_late.toml", late),
        ("0003_hits.toml", hits),
    ];
    let project = Scene::project(&stages);
    project.load(
        "raw",
        &[r#"{"id":"a","delay":1}"#, r#"{"id":"b","delay":20}"#],
        &[],
    );
    project.exits_sound(&["apply"], 0);
    let fixed = r#"{"id":"a","delay":99,"late":false}"#;
    let said = project.load("films", &[fixed], &["--replace"]);
    assert!(
        said.err.contains("stage 2") && said.err.contains("--reprocess"),
        "{said:?}"
    );
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("films")[0], fixed);
    assert_eq!(project.rows("hits")[0], fixed);
    // In the shape from before the stage it is processed again.
    project.load(
        "films",
        &[r#"{"id":"a","delay":50}"#],
        &["--replace", "--reprocess"],
    );
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("films")[0], r#"{"id":"a","delay":50,"late":true}"#);
    assert_eq!(project.rows("hits")[0], r#"{"id":"a","delay":50,"late":true}"#);
}

#[test]
fn a_reference_by_key_finds_the_record_that_the_new_one_is_made_of() {
    let mut stage = copy("max_errors = \"100%\"");
    write!(
        stage,
        "[into]\na = \"= doc.iso\"\n[[contract.references]]\nname = \"ra\"\nvalue = \"= doc.a\"\nto = \"a\"\nkey = \"= doc.iso\"\n"
    )
    .expect("text");
    let project = Scene::project(&[("0001_e.toml", &stage)]);
    project.load(
        "a",
        &[r#"{"id":"1","iso":"AFG"}"#, r#"{"id":"2","iso":"PAK"}"#],
        &[],
    );
    project.exits_sound(&["apply"], 0);
    project.load("a", &[r#"{"id":"1","iso":"AFG","more":1}"#], &["--replace"]);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b").len(), 2);
}

#[test]
fn a_correction_that_came_before_its_refusal_was_waived_is_processed() {
    let stage = copy("max_errors = \"100%\"") + TO_INTEGER;
    let project = Scene::project(&[("0001_n.toml", &stage)]);
    project.load("a", &[r#"{"id":"1","n":"x"}"#], &[]);
    project.exits_sound(&["apply"], 3);
    project.load("a", &[r#"{"id":"1","n":"1"}"#], &["--replace"]);
    project.exits_sound(&["quarantine", "waive", "--all", "--reason", "by mistake"], 0);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b"), [r#"{"id":"1","n":1}"#]);
}

#[test]
fn a_kill_between_the_index_and_the_end_of_a_pass_and_one_more_load_is_no_dead_end() {
    let stage = copy("") + "[[op]]\nop = \"set\"\npath = \"k\"\nvalue = 1\n";
    let project = Scene::project(&[("0001_a.toml", &stage)]);
    let lines: Vec<String> = (1..=20).map(|at| format!(r#"{{"id":"r{at}"}}"#)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    project.load("a", &lines, &[]);
    project.exits_sound(&["apply"], 0);
    // The store as a kill before the last batch would have left it: its last batch is the index.
    let store = rusqlite::Connection::open(project.store()).expect("a store");
    let last = "SELECT step FROM ledger_batch ORDER BY batch DESC LIMIT 1 OFFSET ?1";
    let step = |back: i64| {
        store
            .query_row(last, [back], |row| row.get::<_, String>(0))
            .expect("a batch")
    };
    assert_eq!((step(0).as_str(), step(1).as_str()), ("end", "index"));
    let guard = "SELECT sql FROM sqlite_schema WHERE name='ledger_batch_delete'";
    let guard: String = store.query_row(guard, [], |row| row.get(0)).expect("a trigger");
    let cut = "DROP TRIGGER ledger_batch_delete; DELETE FROM ledger_batch WHERE batch=(SELECT max(batch) FROM ledger_batch);";
    store.execute_batch(&format!("{cut}{guard}")).expect("a cut");
    drop(store);
    project.load("a", &[r#"{"id":"r21"}"#], &[]);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b").len(), 21);
    is_as_from_scratch(&project, "b");
}

#[test]
fn a_correction_after_a_contract_that_refuses_stopped_the_pass_is_taken() {
    let rule = "[[contract.rule]]\nname = \"positive\"\nexpect = \"= doc.n > 0\"\nmode = \"refuse\"\n";
    let project = Scene::project(&[("0001_n.toml", &(copy("") + rule))]);
    project.load(
        "a",
        &[
            r#"{"id":"1","n":7}"#,
            r#"{"id":"2","n":-1}"#,
            r#"{"id":"3","n":9}"#,
        ],
        &[],
    );
    let arguments = ["apply", "--batch-size", "1", "--max-errors", "100%"];
    project.exits_sound(&arguments, 6);
    // Nothing has changed: it stops again.
    project.exits_sound(&arguments, 6);
    project.load("a", &[r#"{"id":"2","n":1}"#], &["--replace"]);
    let planned = project.exits_sound(&["plan"], 0);
    assert!(!planned.out.contains("stop"), "{planned:?}");
    project.exits_sound(&arguments, 0);
    assert_eq!(project.rows("b").len(), 3);
    is_as_from_scratch(&project, "b");
}

#[test]
fn what_an_interrupted_pass_had_processed_comes_back_though_a_revised_one_has_passed_it_over() {
    let set = |value: u32| copy("") + &format!("[[op]]\nop = \"add\"\npath = \"v\"\nvalue = {value}\n");
    let project = Scene::project(&[("0001_c.toml", &set(1))]);
    project.load("a", &[r#"{"id":"r0"}"#], &[]);
    project.exits_sound(&["apply"], 0);
    project.load("a", &[r#"{"id":"r1"}"#, r#"{"id":"r2"}"#], &[]);
    // One batch, and then the time is up.
    let stopping = ["apply", "--batch-size", "1", "--pause", "2s", "--max-time", "1s"];
    project.exits_sound(&stopping, 6);
    let history = project.exits_sound(&["history", "--limit", "1", "--json"], 0);
    let history: serde_json::Value = serde_json::from_str(&history.out).expect("an envelope");
    let interrupted = history["data"]["runs"][0]["run"].to_string();
    project.write("0001_c.toml", set(2));
    project.exits_sound(&["apply", "--revise", "--reason", "another value"], 0);
    assert_eq!(project.rows("b").len(), 3);
    project.exits_sound(&["rollback", "--run", &interrupted, "--yes"], 0);
    assert_eq!(project.rows("b").len(), 2);
    project.exits_sound(&["apply"], 0);
    assert_eq!(project.rows("b").len(), 3);
    // The gap is closed: there is nothing more to do.
    assert!(project.exits_sound(&["apply"], 0).out.contains("up to date"));
}

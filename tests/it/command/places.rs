//! Whoever stands in the way is named, and each step that a screen names works.

use serde_json::{Value as Json, json};

use super::super::support::world::Scene;

/// A project of these stages.
fn project(stages: &[&str]) -> Scene {
    let scene = Scene::named("p", &[]);
    for (at, stage) in stages.iter().enumerate() {
        scene.write(&format!("{:04}_s{}.toml", at + 1, at + 1), stage);
    }
    scene
}

fn load(scene: &Scene, database: &str, records: &str) {
    scene.write("records.ndjson", records);
    let loaded = scene.quietly(&["load", database, "records.ndjson", "--replace", "--again"]);
    assert_eq!(loaded.code, 0, "{}", loaded.err);
}

/// The command ends with this code; what it told.
fn told(scene: &Scene, arguments: &[&str], code: i32) -> String {
    let ran = scene.quietly(arguments);
    let told = ran.out + &ran.err;
    assert_eq!(ran.code, code, "{arguments:?}: {told}");
    told
}

fn says(told: &str, words: &str) {
    assert!(told.contains(words), "`{words}` is missing in:\n{told}");
}

/// A record whose correction meets a row that was changed by hand.
fn edited(on_conflict: &str) -> Scene {
    let stage = format!(
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"90%\"\non_conflict = \"{on_conflict}\"\n"
    );
    let scene = project(&[&stage]);
    load(&scene, "a", "{\"id\":\"1\",\"v\":1}\n{\"id\":\"2\",\"v\":2}\n");
    told(&scene, &["apply"], 0);
    load(&scene, "b", "{\"id\":\"1\",\"v\":99}\n");
    load(&scene, "a", "{\"id\":\"1\",\"v\":5}\n");
    scene
}

const KEYED: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"= doc.k\"\nmax_errors = \"90%\"\n";
const SAME_KEYS: &str = "{\"id\":\"1\",\"k\":\"x\"}\n{\"id\":\"2\",\"k\":\"x\"}\n";

#[test]
fn the_history_of_a_taken_place_is_reported() {
    let scene = project(&[
        KEYED,
        "[stage]\nsource = \"b\"\nmax_errors = \"90%\"\n[[op]]\nop = \"add\"\npath = \"late\"\nvalue = \"= doc.d > 15\"\n",
    ]);
    scene.write(
        "records.ndjson",
        "{\"id\":\"1\",\"k\":\"x\",\"d\":1}\n{\"id\":\"2\",\"k\":\"x\",\"d\":2}\n{\"id\":\"3\",\"k\":\"z\",\"d\":\"?\"}\n",
    );
    scene.quietly(&["load", "a", "records.ndjson"]);
    scene.run(&["plan", "--examples", "1"]);
    scene.run(&["apply"]);
    scene.run(&["status"]);
    scene.run(&["quarantine", "list"]);
    scene.run(&["quarantine", "show", "2"]);
    scene.run(&["quarantine", "show", "--record", "3"]);
    scene.run(&["delete", "b", "x", "--reason", "the second is right"]);
    scene.run(&["apply"]);
    scene.run(&["status"]);
    scene.run(&["quarantine", "list"]);
    let text = scene.transcript();
    let rates = regex::Regex::new("(about|the disk has) [^,)\n]*").unwrap();
    let text = rates.replace_all(&text, "$1 [..]").into_owned();
    snapbox::assert_data_eq!(text, snapbox::file!["places.txt"].raw());
}

#[test]
fn either_step_lets_in_a_record_whose_id_another_one_has() {
    for corrects in [false, true] {
        let scene = project(&[KEYED]);
        load(&scene, "a", SAME_KEYS);
        told(&scene, &["apply"], 3);
        let shown = told(&scene, &["quarantine", "show", "2"], 0);
        says(&shown, "record 1 `x` has its id in b");
        says(
            &shown,
            "correct one of the two in its source, or `counterfoil delete b x --reason TEXT`",
        );
        if corrects {
            load(&scene, "a", "{\"id\":\"1\",\"k\":\"w\"}\n");
        } else {
            told(&scene, &["delete", "b", "x", "--reason", "TEXT"], 0);
        }
        told(&scene, &["apply"], 0);
        says(
            &told(&scene, &["quarantine", "list"], 0),
            "The quarantine is empty",
        );
        says(&told(&scene, &["query", "b", "--id", "x"], 0), "\"id\":\"2\"");
    }
}

#[test]
fn either_step_settles_a_row_that_was_changed_by_hand() {
    for (keeps, value) in [(false, "\"v\":5"), (true, "\"v\":99")] {
        let scene = edited("refuse");
        told(&scene, &["apply"], 3);
        says(
            &told(&scene, &["quarantine", "list"], 0),
            "its row was changed by hand since the stage wrote it",
        );
        let shown = told(&scene, &["quarantine", "show", "1"], 0);
        says(&shown, "its own row in b, record 1 `1`, was changed by hand");
        says(
            &shown,
            "`counterfoil delete b 1 --reason TEXT`, and the next `counterfoil apply` writes the row again",
        );
        says(
            &shown,
            "or `counterfoil quarantine waive --record 1 --reason TEXT` leaves it unchanged",
        );
        if keeps {
            told(
                &scene,
                &["quarantine", "waive", "--record", "1", "--reason", "TEXT"],
                0,
            );
        } else {
            told(&scene, &["delete", "b", "1", "--reason", "TEXT"], 0);
        }
        told(&scene, &["apply"], 0);
        says(&told(&scene, &["query", "b", "--id", "1"], 0), value);
    }
}

#[test]
fn plan_and_apply_say_what_becomes_of_rows_that_were_changed_by_hand() {
    let row = "1 row of b was changed by hand since the stage wrote it";
    for (policy, would, done) in [
        ("skip", "it would be left unchanged", "it was left unchanged"),
        ("replace", "it would be overwritten", "it was overwritten"),
    ] {
        let scene = edited(policy);
        says(&told(&scene, &["plan"], 0), &format!("{row}: {would}"));
        says(&told(&scene, &["apply"], 0), &format!("{row}: {done}"));
    }
    let parts = project(&[
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"= doc.s\"\non_conflict = \"skip\"\n[[op]]\nop = \"derive\"\npath = \"l\"\n",
    ]);
    load(
        &parts,
        "a",
        "{\"id\":\"1\",\"l\":[{\"s\":\"x\"},{\"s\":\"y\"}]}\n{\"id\":\"2\",\"l\":[{\"s\":\"x\"},{\"s\":\"y\"},{\"s\":\"z\"}]}\n",
    );
    says(
        &told(&parts, &["plan"], 0),
        "2 parts would be left out of b: other records have their ids",
    );
    says(
        &told(&parts, &["apply"], 0),
        "2 parts were left out of b: other records have their ids",
    );
}

#[test]
fn an_id_that_is_made_of_what_is_redacted_is_masked() {
    let scene = project(&[
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"= doc.k\"\nredact = [\"k\"]\nmax_errors = \"90%\"\n",
    ]);
    load(&scene, "a", &SAME_KEYS.replace("\"x\"", "\"SECRET\""));
    told(&scene, &["apply"], 3);
    for arguments in [["quarantine", "show", "2"].as_slice(), &["quarantine", "list"]] {
        let plain = told(&scene, arguments, 0);
        let json = told(&scene, &[&["--json"], arguments].concat(), 0);
        assert!(
            !plain.contains("SECRET") && !json.contains("SECRET"),
            "{plain}{json}"
        );
        says(&json, "[redacted]");
    }
    // A row that deviates is counted, and not named.
    told(&scene, &["delete", "b", "SECRET", "--reason", "x"], 0);
    told(&scene, &["apply"], 0);
    says(
        &told(&scene, &["status"], 0),
        "b differs from its stages in 1 row: 1 edited\n",
    );
    for arguments in [
        ["--json", "status"].as_slice(),
        &["report"],
        &["report", "--html", "-"],
    ] {
        let told = told(&scene, arguments, 0);
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn status_and_report_say_where_a_target_deviates_and_why() {
    let stage = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"90%\"\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n";
    let scene = project(&[stage]);
    load(
        &scene,
        "a",
        "{\"id\":\"7\",\"n\":\"1\"}\n{\"id\":\"9\",\"n\":\"2\"}\n",
    );
    told(&scene, &["apply"], 0);
    let clean = scene.envelope(&["status"]);
    assert_eq!(clean["data"]["deviations"]["total"], 0);
    assert!(!told(&scene, &["status"], 0).contains("differs"));
    load(&scene, "a", "{\"id\":\"7\",\"n\":\"bad\"}\n");
    load(&scene, "b", "{\"id\":\"9\",\"n\":99}\n");
    told(&scene, &["apply"], 3);
    says(
        &told(&scene, &["quarantine", "list"], 0),
        "an earlier version stays in b",
    );
    let sentence = "b differs from its stages in 2 rows: 1 stale (7), 1 edited (9)";
    says(&told(&scene, &["status"], 0), sentence);
    says(&told(&scene, &["report"], 0), sentence);
    let data = &scene.envelope(&["status"])["data"]["deviations"];
    assert_eq!((&data["total"], &data["unknown"]), (&2.into(), &Json::Null));
    assert_eq!(
        data["rows"],
        json!([
            {"database": "b", "id": "7", "cause": "stale", "stage": 1, "record": 1},
            {"database": "b", "id": "9", "cause": "edited", "stage": 1, "record": 2},
        ])
    );
    assert_eq!(scene.envelope(&["report"])["data"]["deviations"], *data);
    let page = told(&scene, &["report", "--html", "-"], 0);
    says(
        &page,
        "<code>stale</code></td><td class=\"number\">1</td><td>b</td>",
    );
    // The correction is let in, and the row that was changed by hand goes back to what the stage made of it.
    load(&scene, "a", "{\"id\":\"7\",\"n\":\"3\"}\n");
    load(&scene, "b", "{\"id\":\"9\",\"n\":2}\n");
    told(&scene, &["apply"], 0);
    assert_eq!(scene.envelope(&["status"])["data"]["deviations"]["total"], 0);
}

#[test]
fn of_many_rows_that_deviate_all_are_counted_and_few_are_listed() {
    let scene = project(&["[stage]\nsource = \"a\"\ntarget = \"b\"\n"]);
    let rows = |value: u32| -> String {
        let row = |id| format!("{{\"id\":\"{id:03}\",\"v\":{value}}}\n");
        (0..120).map(row).collect()
    };
    load(&scene, "a", &rows(1));
    told(&scene, &["apply"], 0);
    load(&scene, "b", &rows(2));
    let data = &scene.envelope(&["status"])["data"]["deviations"];
    assert_eq!(
        (&data["total"], &data["causes"][0]["rows"]),
        (&120.into(), &120.into())
    );
    assert_eq!(data["rows"].as_array().unwrap().len(), 100);
    says(
        &told(&scene, &["status"], 0),
        "120 rows: 120 edited (000, 001, 002, \u{2026})",
    );
}

#[test]
fn two_parts_with_one_id_are_reported_by_their_places() {
    let scene = project(&[
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nid = \"= doc.s\"\nmax_errors = \"100%\"\n[[op]]\nop = \"derive\"\npath = \"l\"\n",
    ]);
    load(
        &scene,
        "a",
        "{\"id\":\"1\",\"l\":[{\"s\":\"x\"},{\"s\":\"y\"},{\"s\":\"x\"}]}\n",
    );
    told(&scene, &["apply"], 3);
    for arguments in [["quarantine", "list"].as_slice(), &["quarantine", "show", "1"]] {
        says(
            &told(&scene, arguments, 0),
            "expected parts 1 and 3 of it to have different ids",
        );
    }
}

/// Two lines of stages, of which the first stops; a third stage reads what the first writes.
fn stopping(limit: &str) -> Scene {
    let first = format!("[stage]\nsource = \"a\"\ntarget = \"b\"\n{limit}\nwhere = \"= doc.v > 0\"\n");
    let scene = project(&[
        &first,
        "[stage]\nsource = \"c\"\ntarget = \"d\"\n",
        "[stage]\nsource = \"b\"\ntarget = \"e\"\n",
        "[stage]\nsource = \"c\"\ntarget = \"f\"\n",
    ]);
    load(&scene, "a", "{\"id\":\"1\"}\n{\"id\":\"2\",\"v\":1}\n");
    load(&scene, "c", "{\"id\":\"1\"}\n");
    scene
}

#[test]
fn the_stage_that_stopped_is_named_with_those_that_wait_for_it() {
    let scene = stopping("max_errors = 0");
    let planned = told(&scene, &["plan"], 3);
    says(
        &planned,
        "stage 1 would stop first, so this stage would be skipped",
    );
    says(&planned, "`counterfoil apply` would stop at stage 1");
    let ran = told(&scene, &["apply"], 6);
    says(&ran, "stage 1 s1 stopped: 1 record refused, 0 allowed");
    says(&ran, "2 s2   c -> d  done");
    says(
        &ran,
        "stage 3 s3 was skipped: it waits for stage 1, which is not up to date",
    );
    // It does not depend on what waits, so that it need not wait, whichever of them is applied first.
    says(&ran, "4 s4   c -> f  done");
    assert_eq!(told(&scene, &["apply"], 6).matches("was skipped").count(), 1);
}

#[test]
fn a_stage_that_a_retry_leaves_as_it_is_is_named_and_apply_goes_on() {
    let in_place = |field: &str, value: &str| {
        format!("[stage]\nsource = \"b\"\n[[op]]\nop = \"add\"\npath = \"{field}\"\nvalue = {value}\n")
    };
    let scene = project(&[
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"90%\"\nwhere = \"= doc.v > 0\"\n",
        &in_place("second", "2"),
        &in_place("third", "\"= doc.second + 1\""),
    ]);
    told(&scene, &["apply"], 0);
    told(&scene, &["rollback", "--stage", "2", "--yes"], 0);
    load(&scene, "a", "{\"id\":\"1\"}\n{\"id\":\"2\",\"v\":1}\n");
    told(&scene, &["apply", "--to", "1"], 3);
    load(&scene, "a", "{\"id\":\"1\",\"v\":5}\n");
    let retried = told(&scene, &["quarantine", "retry"], 0);
    says(
        &retried,
        "stage 3 s3 was skipped: it waits for stage 2, which is not up to date",
    );
    says(
        &told(&scene, &["query", "b", "--id", "1"], 0),
        "{\"id\":\"1\",\"v\":5}",
    );
    told(&scene, &["apply"], 0);
    says(
        &told(&scene, &["query", "b", "--id", "1"], 0),
        "{\"id\":\"1\",\"v\":5,\"second\":2,\"third\":3}",
    );
}

#[test]
fn each_step_that_the_error_limit_names_goes_on() {
    let steps: [(&str, &[&str], &[&str]); 5] = [
        (
            "max_errors = 0",
            &["quarantine", "waive", "--all", "--reason", "x"],
            &["apply"],
        ),
        (
            "max_errors = 0",
            &["load", "a", "fixed.ndjson", "--replace"],
            &["apply"],
        ),
        (
            "max_errors = 0",
            &["rollback", "--yes"],
            &["apply", "--max-errors", "1"],
        ),
        ("max_errors = 0", &["status"], &["apply", "--max-errors", "1"]),
        (
            "on_error = \"stop\"",
            &["status"],
            &["apply", "--on-error", "quarantine", "--max-errors", "1"],
        ),
    ];
    for (limit, step, next) in steps {
        let scene = stopping(limit);
        scene.write("fixed.ndjson", "{\"id\":\"1\",\"v\":3}\n");
        let hint = told(&scene, &["apply"], 6);
        says(
            &hint,
            &format!("`counterfoil {}", next[..next.len() - 1].join(" ")),
        );
        told(&scene, step, 0);
        // Exit code 3 only where something still stands in quarantine.
        let left = !matches!(step[0], "quarantine" | "load");
        told(&scene, next, if left { 3 } else { 0 });
        let listed = told(&scene, &["quarantine", "list"], 0);
        assert_eq!(
            !listed.contains("The quarantine is empty"),
            left,
            "{step:?}: {listed}"
        );
        says(&told(&scene, &["status"], 0), "4 s4   c -> f  applied");
    }
}

#[test]
fn a_row_that_a_stage_in_place_refuses_is_not_lost_from_sight() {
    let scene = project(&[
        "[stage]\nsource = \"films\"\nmax_errors = \"50%\"\n[[op]]\nop = \"add\"\npath = \"late\"\nvalue = \"= doc.d > 15\"\n",
    ]);
    load(
        &scene,
        "films",
        "{\"id\":\"a\",\"d\":1}\n{\"id\":\"b\",\"d\":\"?\"}\n",
    );
    let there = |id| {
        format!(
            "films for quarantine: `counterfoil quarantine show {id}` shows it; `counterfoil quarantine retry`, or loading a \
             correction with the same id, restores it"
        )
    };
    let (would, has) = (
        format!("1 row would leave {}", there("ID")),
        format!("1 row left {}", there("b")),
    );
    says(&told(&scene, &["plan"], 3), &would);
    says(&told(&scene, &["apply"], 3), &has);
    says(
        &told(&scene, &["status"], 0),
        "stage 1 s1: 1 row left films for quarantine",
    );
    let shown = told(&scene, &["quarantine", "show", "b"], 0);
    says(
        &shown,
        "load a correction with the same id (`counterfoil load films FILE`)",
    );
    load(&scene, "films", "{\"id\":\"b\",\"d\":20}\n");
    told(&scene, &["apply"], 0);
    says(
        &told(&scene, &["query", "films", "--id", "b"], 0),
        "\"late\":true",
    );
    assert!(!told(&scene, &["status"], 0).contains("for quarantine"));
}

#[test]
fn a_key_without_effect_is_named() {
    let scene = project(&[
        "[stage]\nsource = \"a\"\nstale = \"remove\"\n[[op]]\nop = \"add\"\npath = \"x\"\nvalue = 1\n",
        "[stage]\nsource = \"a\"\ntarget = \"b\"\nstale = \"remove\"\non_conflict = \"replace\"\n",
    ]);
    let checked = told(&scene, &["check"], 0);
    says(&checked, "warning[check.stale_unused]");
    says(&checked, "2 stages, 1 warning");
}

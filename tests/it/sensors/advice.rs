//! What a new user writes wrongly or leaves out in a stage that aggregates: it is said, and what is advised works.

use serde_json::Value as Json;

use crate::support::world::Scene;

const WINDOWS: &str = r#"
[stage]
source = "readings"
target = "windows"

[aggregate]
by = "sensor"
time = "t"
every = "5m"
measures = { v = ["mean", "sum"] }
"#;

fn scene(text: &str, readings: &str) -> Scene {
    let scene = Scene::named("advice", &[("0001_windows.toml", text)]);
    scene.write("r.ndjson", readings);
    scene.exits(&["load", "readings", "r.ndjson"], 0);
    scene
}

fn readings(count: usize) -> String {
    let of = |at| {
        format!(
            r#"{{"id":"{at}","sensor":1,"t":"2026-03-01T00:{:02}:00Z","v":{at}}}"#,
            at % 60
        )
    };
    (0..count).map(|at| of(at) + "\n").collect()
}

/// The problem of a code that `check` tells of.
#[track_caller]
fn problem(scene: &Scene, code: &str) -> Json {
    let checked = scene.envelope(&["check"]);
    let problems = checked["error"]["problems"]
        .as_array()
        .or_else(|| checked["data"]["problems"].as_array())
        .expect("problems");
    let found = problems.iter().find(|problem| problem["code"] == code);
    found.unwrap_or_else(|| panic!("{code}: {checked:#}")).clone()
}

#[track_caller]
fn advises(scene: &Scene, text: &str, code: &str, message: &str, help: &str) {
    scene.write("0001_windows.toml", text);
    let found = problem(scene, code);
    assert!(
        found["message"].as_str().unwrap_or_default().contains(message),
        "{found:#}"
    );
    assert!(
        found["help"].as_str().unwrap_or_default().contains(help),
        "{found:#}"
    );
}

#[test]
fn a_path_that_no_reading_has_is_a_warning_of_a_pass_that_makes_all_windows() {
    let text = WINDOWS
        .replace("\"sensor\"", "\"sensr\"")
        .replace("{ v =", "{ \"meas.x\" = \"max\", v =");
    let scene = scene(&text, &readings(12));
    for command in ["plan", "apply"] {
        let said = scene.exits(&[command], 0);
        assert!(
            said.err
                .contains("no reading has a value at `sensr`; did you mean `sensor`?"),
            "{said:?}"
        );
        assert!(
            said.err.contains("no reading has a value at `meas.x`\n"),
            "{said:?}"
        );
        assert!(
            !said.err.contains("`v`") && !said.out.contains("aggregate.absent"),
            "{said:?}"
        );
    }
    // One that few readings have is not absent, and an increment says nothing.
    scene.write("late.ndjson", r#"{"id":"l","t":"2026-03-01T00:01:00Z","v":null}"#);
    scene.exits(&["load", "readings", "late.ndjson"], 0);
    let said = scene.exits(&["apply"], 0);
    assert!(!said.err.contains("no reading has"), "{said:?}");
    scene.write("0001_windows.toml", WINDOWS);
    let said = scene.exits(&["apply", "--revise", "--reason", "a name"], 0);
    assert!(!said.err.contains("no reading has"), "{said:?}");
}

#[test]
fn no_name_is_suggested_where_names_may_be_secret() {
    let text = WINDOWS
        .replace("\"sensor\"", "\"sensr\"")
        .replace("[aggregate]", "redact = [\"w\"]\n[aggregate]");
    let said = scene(&text, &readings(3)).exits(&["apply"], 0);
    assert!(
        said.err.contains("no reading has a value at `sensr`\n"),
        "{said:?}"
    );
}

#[test]
fn check_says_what_a_new_user_meant() {
    let scene = scene(WINDOWS, &readings(3));
    let time = "time = \"t\"";
    let with = |from: &str, to: &str| WINDOWS.replacen(from, to, 1);
    let zoned = with(time, "time = { path = \"t\", zone = \"Europe/Berlin\" }");
    let days = zoned.replacen("5m", "day", 1);
    let (zone, own) = ("check.zone_missing", "zone = \"Europe/Berlin\"");
    advises(&scene, &days, zone, "follow the clocks of UTC", own);
    for text in [
        zoned,
        days.replacen("every", &format!("{own}\nevery"), 1),
        days.replacen("every", "zone = \"UTC\"\nevery", 1),
    ] {
        scene.write("0001_windows.toml", &text);
        assert!(!scene.exits(&["check"], 0).out.contains(zone), "{text}");
    }
    for (from, to, code, message, help) in [
        (
            time,
            "time = \"= divide(doc.t, 1000, 0)\"",
            "aggregate.expression",
            "`time` takes a path",
            "in a stage before",
        ),
        (
            "{ v =",
            "{ \"= doc.v\" =",
            "aggregate.expression",
            "a path is needed",
            "in a stage before",
        ),
        (
            "\"windows\"",
            "\"readings\"",
            "aggregate.no_target",
            "`target` is the source",
            "another database",
        ),
        (
            "v = [\"mean\", \"sum\"]",
            "meas.temp.c = \"max\"",
            "aggregate.measure",
            "`meas.temp.c`",
            "`\"meas.temp.c\" = \"max\"`",
        ),
        (
            "v = [\"mean\", \"sum\"]",
            "v = { measure = \"max\" }",
            "aggregate.measure",
            "`measure`",
            "`v = { take = \"max\" }`",
        ),
        (time, "time = t", "stage.syntax", "not TOML", "`time = \"t\"`"),
        (time, "by = \"t\"", "stage.syntax", "duplicate key", "once"),
        (
            "measures =",
            "rolling = { of = \"v_mean\", over = 3, take = \"mean\" }\nmeasures =",
            "stage.wrong_type",
            "`rolling` takes tables",
            "[[aggregate.rolling]]",
        ),
    ] {
        advises(&scene, &with(from, to), code, message, help);
    }
    let rolling = format!("{WINDOWS}[aggregate.rolling]\nof = \"v_mean\"\nover = 3\ntake = \"mean\"\n");
    let help = "write `[[aggregate.rolling]]` instead of `[aggregate.rolling]`";
    advises(&scene, &rolling, "stage.wrong_type", "`rolling`", help);
}

#[test]
fn a_source_that_is_there_or_resembles_only_the_target_of_its_stage_is_no_mistake() {
    let text = WINDOWS
        .replace("\"readings\"", "\"readings_v1\"")
        .replace("\"windows\"", "\"readings_5m\"");
    let scene = Scene::named("advice", &[("0001_windows.toml", &text)]);
    assert!(!scene.exits(&["check"], 0).out.contains("near_name"));
    let of_other = text
        .replace("readings_5m", "reading_v1")
        .replace("source = \"readings_v1\"", "source = \"other\"");
    scene.write("0002_other.toml", &of_other);
    assert!(
        scene
            .exits(&["check"], 0)
            .out
            .contains("did you mean `reading_v1`?")
    );
    scene.write("r.ndjson", readings(3));
    scene.exits(&["load", "readings_v1", "r.ndjson"], 0);
    assert!(!scene.exits(&["check"], 0).out.contains("near_name"));
}

#[test]
fn a_refused_time_says_what_kind_of_value_it_is_and_what_reads_it() {
    let times = [
        ("", "found nothing"),
        (r#","t":null"#, "found null"),
        (r#","t":1767225600"#, "formats = [\"%s\"]"),
        (r#","t":"2026-03-01""#, "found a text without an offset"),
        (r#","t":"2026-03-01T00:00:00""#, "zone = "),
        (r#","t":"01.03.2026""#, "time = { path, formats, zone }"),
        (r#","t":[1]"#, "found a list"),
    ];
    let lines = times
        .iter()
        .enumerate()
        .map(|(at, (time, _))| format!("{{\"id\":\"{at}\",\"sensor\":1,\"v\":1{time}}}\n"));
    let text: String =
        lines.collect::<String>() + r#"{"id":"n","sensor":1,"t":"2026-03-01T00:00:00Z","v":"20.5"}"#;
    let scene = scene(WINDOWS, &text);
    let planned = scene.run(&["plan"]);
    assert!(
        planned
            .err
            .contains("the stage may be wrong, so correct 0001_windows.toml"),
        "{planned:?}"
    );
    let applied = scene.run(&["apply"]);
    assert!(
        applied
            .err
            .contains("aggregate.time, so the stage may be wrong: correct 0001_windows.toml"),
        "{applied:?}"
    );
    let shown = |id: &str| scene.exits(&["quarantine", "show", id], 0).out;
    for (at, (time, expected)) in times.iter().enumerate() {
        assert!(shown(&at.to_string()).contains(expected), "{time}");
    }
    assert!(shown("n").contains("`values = \"text\"`"));
    // What is advised reads them.
    scene.exits(&["rollback", "--yes"], 0);
    let formats = "time = { path = \"t\", formats = [\"%s\", \"%Y-%m-%d\", \"%Y-%m-%dT%H:%M:%S\", \"%d.%m.%Y\"], zone = \"UTC\" }";
    let corrected = WINDOWS.replace("time = \"t\"", formats);
    let corrected = corrected.replace(
        "v = [\"mean\", \"sum\"]",
        "v = { take = \"sum\", values = \"text\" }",
    );
    scene.write("0001_windows.toml", corrected);
    scene.run(&["apply", "--max-errors", "100"]);
    assert!(shown("0").contains("found nothing") && shown("6").contains("found a list"));
    scene.exits(&["quarantine", "show", "n"], 1);
}

#[test]
fn what_is_advised_about_a_late_reading_counts_it() {
    let text = WINDOWS.replace("every", "late = \"refuse\"\nclosed_after = \"10m\"\nevery");
    let scene = scene(&text, &readings(40));
    scene.exits(&["apply"], 0);
    scene.write(
        "late.ndjson",
        r#"{"id":"late","sensor":1,"t":"2026-03-01T00:01:00Z","v":5}"#,
    );
    scene.exits(&["load", "readings", "late.ndjson"], 0);
    let said = scene.run(&["apply", "--max-errors", "5"]);
    let advice = "leave out `late` and `closed_after` in 0001_windows.toml, then `counterfoil apply --revise --reason TEXT`";
    assert!(said.err.contains(advice), "{said:?}");
    let shown = scene.exits(&["quarantine", "show", "late"], 0);
    assert!(
        shown.out.contains("which begins 2026-03-01T00:00:00Z"),
        "{shown:?}"
    );
    assert!(
        shown.err.contains(advice) && !shown.err.contains("quarantine retry"),
        "{shown:?}"
    );
    scene.write("0001_windows.toml", WINDOWS);
    let drift = scene.exits(&["apply"], 5);
    assert!(drift.err.contains("makes all its windows again"), "{drift:?}");
    scene.exits(&["apply", "--revise", "--reason", "late readings count"], 0);
    let listed = scene.envelope(&["quarantine", "list"]);
    assert_eq!(
        listed["data"]["records"].as_array().map(Vec::len),
        Some(0),
        "{listed}"
    );
}

#[test]
fn the_first_hint_of_a_load_whose_cells_become_null_works() {
    let scene = Scene::named("advice", &[("0001_windows.toml", WINDOWS)]);
    scene.write("r.csv", "id,sensor,v\n1,7,20.5\n2,7,\n");
    scene.exits(&["load", "readings", "r.csv"], 0);
    let said = scene.run(&["load", "readings", "r.csv", "--null", ""]);
    assert!(
        said.err.contains("--null= --replace --again --types` overwrites"),
        "{said:?}"
    );
    scene.exits(
        &[
            "load",
            "readings",
            "r.csv",
            "--null=",
            "--replace",
            "--again",
            "--types",
        ],
        0,
    );
}

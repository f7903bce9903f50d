//! Mistakes in a stage file, and that what its problems advise works.

use crate::support::world::Scene;

const GOOD: &str = r#"
[stage]
source = "readings"
target = "windows"

[aggregate]
by = "s"
time = "t"
every = "5m"

[aggregate.measures]
v = ["mean", "p95"]

[[aggregate.rolling]]
of = "v_mean"
over = 12
take = ["std"]

[[aggregate.anomaly]]
name = "odd"
of = "v_mean"
over = 12
k = 2
"#;

/// What is written, the mistake, the problem's code, what the problem says, and what it advises.
const MISTAKES: [(&str, &str, &str, &str, &str); 35] = [
    (
        "every = \"5m\"",
        "every = \"1d\"",
        "stage.every",
        "`24h`",
        "every = \"24h\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5min\"",
        "stage.every",
        "`5m`",
        "every = \"5m\"",
    ),
    (
        "every = \"5m\"",
        "every = \"1.5h\"",
        "stage.every",
        "`90m`",
        "every = \"90m\"",
    ),
    (
        "every = \"5m\"",
        "every = \"0m\"",
        "stage.every",
        "`1s`",
        "every = \"1s\"",
    ),
    (
        "every = \"5m\"",
        "every = \"500ms\"",
        "stage.every",
        "`1s`",
        "every = \"1s\"",
    ),
    (
        "every = \"5m\"",
        "",
        "stage.missing_key",
        "`every = \"5m\"`",
        "every = \"5m\"",
    ),
    (
        "every = \"5m\"",
        "evry = \"5m\"",
        "stage.unknown_key",
        "`every`",
        "every = \"5m\"",
    ),
    (
        "every = \"5m\"",
        "every = \"month\"\nalign = \"day\"",
        "aggregate.align",
        "leave it out",
        "every = \"month\"",
    ),
    (
        "every = \"5m\"",
        "every = \"day\"\nzone = \"Europe/Berln\"",
        "date.zone",
        "`Europe/Berlin`",
        "every = \"day\"\nzone = \"Europe/Berlin\"",
    ),
    (
        "every = \"5m\"",
        "every = \"week\"\norigin = \"monday\"",
        "aggregate.origin",
        "`origin = \"2026-03-01\"`",
        "every = \"week\"\norigin = \"2026-03-01\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nlate = \"refuse\"",
        "aggregate.closed_after",
        "`closed_after = \"2h\"`",
        "every = \"5m\"\nlate = \"refuse\"\nclosed_after = \"2h\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nclosed_after = \"2h\"",
        "aggregate.closed_after",
        "`late = \"leave\"`",
        "every = \"5m\"\nlate = \"leave\"\nclosed_after = \"2h\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nclosed = \"right\"",
        "aggregate.later",
        "`label = \"right\"`",
        "every = \"5m\"\nlabel = \"right\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nmemory = \"1 KiB\"",
        "aggregate.memory",
        "`memory = \"128 MiB\"`",
        "every = \"5m\"\nmemory = \"128 MiB\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nempty = \"skip\"\ngap = 5",
        "aggregate.gap",
        "leave it out",
        "every = \"5m\"\nempty = \"skip\"",
    ),
    (
        "every = \"5m\"",
        "every = \"5m\"\nempty = \"emti\"",
        "stage.wrong_word",
        "`emit`",
        "every = \"5m\"\nempty = \"emit\"",
    ),
    (
        "time = \"t\"",
        "time = { path = \"t\", formats = [\"%Y-%m-%d %H:%M\"] }",
        "stage.naive_time",
        "`zone = \"UTC\"`",
        "time = { path = \"t\", formats = [\"%Y-%m-%d %H:%M\"], zone = \"UTC\" }",
    ),
    (
        "time = \"t\"",
        "time = 5",
        "stage.wrong_type",
        "`time = \"timestamp\"`",
        "time = \"timestamp\"",
    ),
    ("by = \"s\"", "by = 5", "stage.wrong_type", "`by = []`", "by = []"),
    (
        "by = \"s\"",
        "by = [\"= doc.s\"]",
        "aggregate.by",
        "`{ site = \"= doc.site\" }`",
        "by = { site = \"= doc.site\" }",
    ),
    (
        "by = \"s\"",
        "by = [\"s[0]\"]",
        "aggregate.name",
        "`by = { name = \"path\" }`",
        "by = { first = \"s[0]\" }",
    ),
    (
        "[\"mean\", \"p95\"]",
        "[\"mean\", \"avg\"]",
        "aggregate.measure",
        "`mean`",
        "[\"mean\"]",
    ),
    (
        "[\"mean\", \"p95\"]",
        "[\"mean\", \"mean\"]",
        "aggregate.twice",
        "once",
        "[\"mean\"]",
    ),
    (
        "[\"mean\", \"p95\"]",
        "[]",
        "aggregate.measure",
        "`\"mean\"`",
        "[\"mean\"]",
    ),
    (
        "[\"mean\", \"p95\"]",
        "{ take = [\"mean\"], places = 2, digits = 3 }",
        "aggregate.rounding",
        "`places`",
        "{ take = [\"mean\"], places = 2 }",
    ),
    (
        "v = [\"mean\", \"p95\"]",
        "v = [\"mean\"]\n\"a.v\" = [\"mean\"]",
        "aggregate.twice",
        "`as`",
        "v = [\"mean\"]\n\"a.v\" = { as = \"a\", take = [\"mean\"] }",
    ),
    (
        "of = \"v_mean\"",
        "of = \"v_men\"",
        "aggregate.unknown_field",
        "`v_mean`",
        "of = \"v_mean\"",
    ),
    (
        "take = [\"std\"]",
        "take = [\"median\"]",
        "aggregate.rolling",
        "mean",
        "take = [\"mean\"]",
    ),
    (
        "take = [\"std\"]",
        "take = [\"std\"]\nmin_periods = 13",
        "aggregate.min_periods",
        "at most `over`",
        "take = [\"std\"]\nmin_periods = 12",
    ),
    (
        "over = 12\nk = 2",
        "over = \"1d\"\nk = 2",
        "stage.duration",
        "`24h`",
        "over = \"24h\"\nk = 2",
    ),
    (
        "over = 12\nk = 2",
        "over = 12\nk = 0",
        "aggregate.anomaly",
        "`k = 2`",
        "over = 12\nk = 2",
    ),
    (
        "over = 12\nk = 2",
        "rule = \"outside\"",
        "aggregate.anomaly",
        "`min = -40`",
        "rule = \"outside\"\nmin = -40",
    ),
    (
        "target = \"windows\"",
        "",
        "aggregate.no_target",
        "`windows`",
        "target = \"windows\"",
    ),
    (
        "target = \"windows\"",
        "target = \"windows\"\nid = \"= doc.id\"",
        "aggregate.excludes",
        "leave out `id`",
        "target = \"windows\"",
    ),
    (
        "target = \"windows\"",
        "target = \"windows\"\non_conflict = \"skip\"",
        "aggregate.excludes",
        "`on_conflict = \"replace\"`",
        "target = \"windows\"\non_conflict = \"replace\"",
    ),
];

#[test]
fn what_a_problem_of_a_stage_file_advises_works() {
    let scene = Scene::named("mistakes", &[("0001_windows.toml", GOOD)]);
    scene.exits(&["check"], 0);
    for (written, mistake, code, advice, corrected) in MISTAKES {
        assert!(GOOD.contains(written), "{written}");
        scene.write("0001_windows.toml", GOOD.replacen(written, mistake, 1));
        let checked = scene.envelope(&["check"]);
        assert_eq!(checked["code"], 4, "{mistake}: {checked}");
        let problems = checked["error"]["problems"]
            .as_array()
            .or_else(|| checked["data"]["problems"].as_array());
        let problems = problems.expect("problems");
        let found = problems.iter().find(|problem| problem["code"] == code);
        let found = found.unwrap_or_else(|| panic!("{mistake}: {problems:#?}"));
        let help = found["help"].as_str().unwrap_or_default();
        assert!(help.contains(advice), "{mistake}: {found}");
        assert!(found["line"].is_number(), "{mistake}: {found}");
        scene.write("0001_windows.toml", GOOD.replacen(written, corrected, 1));
        scene.exits(&["check"], 0);
    }
}

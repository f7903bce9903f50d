//! A store whose stages were applied in the first language goes on in the second: what is read otherwise is told, and nothing
//! else drifts. `tests/fixtures/stores/language_1.db` was made by the last program of the first language.

use crate::support::world::Scene;

/// Reads dates; its condition has no `= `, which the first language let pass.
const DATES: &str = "[stage]
source = \"a\"
target = \"b\"
where = \"doc.n > 0\"

[[op]]
op = \"parse_date\"
path = \"at\"
formats = [\"%d/%m/%y\"]
";
/// Has nothing that is read otherwise.
const PLAIN: &str = "[stage]
source = \"b\"

[[op]]
op = \"set\"
path = \"m\"
value = \"= doc.n + 1\"
";

/// Reads a date in an expression; its text is good in both languages.
const SHOWN: &str = "[stage]
source = \"b\"

[[op]]
op = \"set\"
path = \"d\"
value = '= format_date(date(doc.at, \"%Y-%m-%d\"), \"%d.%m.%Y\")'
";

fn old() -> Scene {
    let scene = Scene::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stores/language_1.db");
    std::fs::copy(fixture, scene.path("counterfoil.db")).expect("a copy");
    scene.write("counterfoil.toml", "name = \"old\"\n");
    scene.write("0001_dates.toml", DATES);
    scene.write("0002_plain.toml", PLAIN);
    scene.write("0003_shown.toml", SHOWN);
    scene
}

fn records(scene: &Scene) -> String {
    scene.run(&["export", "b"]).out
}

#[test]
fn what_is_read_otherwise_is_reported_and_everything_else_is_as_it_was() {
    let scene = old();
    assert_eq!(scene.run(&["verify"]).code, 0);
    let said = scene.run(&["apply"]);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(
        said.err.contains("write `where = \"= doc.n > 0\"`"),
        "{}",
        said.err
    );
    scene.write("0001_dates.toml", DATES.replace("\"doc.n", "\"= doc.n"));
    let before = records(&scene);
    let said = scene.run(&["apply"]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(
        said.err
            .contains("the version of the stage language it was applied under")
            && said.err.contains("apply --revise"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("restore the file"), "{}", said.err);
    assert_eq!(records(&scene), before);
    // The other stage is what it was.
    let stages = scene.envelope(&["status"])["data"]["stages"].clone();
    assert_eq!(
        (&stages[0]["file"], &stages[1]["file"]),
        (&"drifted".into(), &"same".into())
    );

    scene.write("c.ndjson", "{\"id\":\"3\",\"n\":3,\"at\":\"31/01/69\"}\n");
    assert_eq!(scene.run(&["load", "a", "c.ndjson"]).code, 0);
    let revised = scene.run(&["apply", "--revise", "--reason", "the century of %y"]);
    assert_eq!(revised.code, 0, "{}", revised.err);
    let now = records(&scene);
    assert!(now.starts_with(&before), "what was carried stays: {now}");
    assert!(
        now.ends_with("{\"id\":\"3\",\"n\":3,\"at\":\"1969-01-31\",\"m\":4,\"d\":\"31.01.1969\"}\n"),
        "{now}"
    );
    assert_eq!(scene.run(&["verify"]).code, 0);
    assert_eq!(scene.run(&["rollback", "--all", "--yes"]).code, 0);
    assert_eq!(records(&scene), "");
    assert_eq!(scene.run(&["verify"]).code, 0);
}

#[test]
fn a_file_as_it_was_applied_is_said_to_be_of_another_language_not_changed() {
    let scene = old();
    scene.write("0001_dates.toml", DATES.replace("\"doc.n", "\"= doc.n"));
    let stages = scene.envelope(&["status"])["data"]["stages"].clone();
    assert_eq!(stages[2]["file"], "other_language");
    assert!(scene.run(&["status"]).out.contains("earlier language"));
}

#[test]
fn lineage_of_what_was_applied_is_read_by_its_own_language() {
    let scene = old();
    let said = scene.run(&["trace", "b", "1", "--format", "prov-json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let events = scene.run(&["history", "--format", "openlineage"]);
    assert_eq!(events.code, 0, "{}", events.err);
    let of_stage: Vec<&str> = events
        .out
        .lines()
        .filter(|line| line.contains("columnLineage"))
        .collect();
    let told = of_stage
        .iter()
        .any(|line| line.contains("\"at\"") && line.contains("inputFields"));
    assert!(told, "{}", events.out);
}

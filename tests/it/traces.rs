//! A record is found by every id that it ever had: those of each database that it went through, those before a stage gave it
//! another, of what became of it, of records that are gone, and of refused ones.

use serde_json::Value as Json;

use crate::support::world::Scene;

const KEYED: &str = r#"
[stage]
source = "raw"
target = "people"
max_errors = "100%"

[[op]]
op = "rekey"
id = '= "P-" + doc.number'

[[contract.rule]]
name = "has a name"
expect = '= has(doc, "name")'
"#;

const KEYED_IN_PLACE: &str = r#"
[stage]
source = "people"

[[op]]
op = "rekey"
id = '= "Q-" + doc.number'
"#;

const PARTS: &str = r#"
[stage]
source = "people"
target = "visits"

[[op]]
op = "derive"
records = "= doc.visits"

[[op]]
op = "rekey"
id = "= doc.id"
"#;

const RAW: &str = r#"{"id":"r1","number":"1","name":"Ann","visits":[{"id":"v1"},{"id":"v2"}]}
{"id":"r2","number":"2","name":"Bob","visits":[{"id":"v3"}]}
{"id":"r3","number":"3","visits":[]}
"#;

fn clinic() -> Scene {
    let scene = Scene::named(
        "clinic",
        &[
            ("0001_keyed.toml", KEYED),
            ("0002_place.toml", KEYED_IN_PLACE),
            ("0003_parts.toml", PARTS),
            ("raw.ndjson", RAW),
        ],
    );
    assert_eq!(scene.run(&["load", "raw", "raw.ndjson"]).code, 0);
    let said = scene.run(&["apply"]);
    assert_eq!(said.code, 3, "{}", said.err);
    scene
}

/// What the trace of an id tells, which is the same with `--json`.
fn traced(scene: &Scene, database: &str, id: &str) -> Json {
    let said = scene.run(&["trace", database, id]);
    assert_eq!(said.code, 0, "{database} {id}: {}", said.err);
    let data = scene.envelope(&["trace", database, id])["data"].clone();
    let steps = data["steps"].as_array().expect("steps");
    let lines = said.out.lines().filter(|line| line.contains("batch ")).count();
    assert_eq!(lines, steps.len(), "{}", said.out);
    for number in data["records"].as_array().expect("records") {
        let (record, of_text) = (number.to_string(), &said.out);
        assert!(
            of_text.contains(&format!("record {record}")) || of_text.contains(&format!("as {record}")),
            "{of_text}"
        );
    }
    data
}

fn stages(data: &Json) -> Vec<(String, Option<u64>, String)> {
    let steps = data["steps"].as_array().expect("steps");
    let told = |step: &Json| {
        let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
        (text("kind"), step["stage"].as_u64(), text("outcome"))
    };
    steps.iter().map(told).collect()
}

#[test]
fn by_the_ids_that_it_had_in_every_database_and_before_each_stage() {
    let scene = clinic();
    let whole = traced(&scene, "raw", "r1");
    let kinds = stages(&whole);
    for stage in [None, Some(1), Some(2), Some(3)] {
        assert!(
            kinds.iter().any(|(_, of, _)| *of == stage),
            "{stage:?}: {kinds:?}"
        );
    }
    // Its id now, the one that stage 2 replaced, and that of its source, each asked for where it went through.
    for (database, id) in [
        ("people", "Q-1"),
        ("people", "P-1"),
        ("people", "r1"),
        ("raw", "Q-1"),
        ("raw", "P-1"),
    ] {
        let data = traced(&scene, database, id);
        assert_eq!(data["steps"], whole["steps"], "{database} {id}");
    }
    assert_eq!(
        traced(&scene, "people", "P-1")["elsewhere"],
        Json::from(Vec::<String>::new())
    );
    assert_eq!(
        traced(&scene, "raw", "P-1")["elsewhere"],
        Json::from(vec!["people"])
    );
}

#[test]
fn by_the_ids_of_what_became_of_it() {
    let scene = clinic();
    let part = traced(&scene, "visits", "v1");
    assert!(stages(&part).iter().any(|(_, stage, _)| *stage == Some(3)));
    // The part, asked for by the name of a database that it came through.
    let through = traced(&scene, "people", "v1");
    assert_eq!(through["steps"], part["steps"]);
    assert_eq!(through["elsewhere"], Json::from(vec!["visits"]));
}

#[test]
fn of_records_that_are_gone_and_of_refused_ones() {
    let scene = clinic();
    let refused = traced(&scene, "raw", "r3");
    assert!(
        stages(&refused).contains(&("apply".into(), Some(1), "refused".into())),
        "{refused}"
    );
    assert_eq!(traced(&scene, "people", "r3")["steps"], refused["steps"]);
    assert_eq!(
        scene.run(&["delete", "raw", "r1", "--reason", "asked for"]).code,
        0
    );
    assert_eq!(scene.run(&["apply"]).code, 0);
    let gone = traced(&scene, "raw", "r1");
    assert!(stages(&gone).iter().any(|(kind, ..)| kind == "edit"), "{gone}");
    for (database, id) in [("people", "Q-1"), ("people", "P-1"), ("visits", "v1")] {
        assert!(
            !traced(&scene, database, id)["steps"]
                .as_array()
                .expect("steps")
                .is_empty()
        );
    }
    // A line that a load has refused.
    scene.write("more.ndjson", "{\"id\":\"r2\",\"number\":\"22\"}\n");
    assert_eq!(scene.run(&["load", "raw", "more.ndjson"]).code, 3);
    let both = traced(&scene, "raw", "r2");
    assert_eq!(both["records"].as_array().expect("records").len(), 2, "{both}");
}

#[test]
fn all_records_that_had_an_id_are_named() {
    let scene = clinic();
    assert_eq!(
        scene.run(&["delete", "raw", "r1", "--reason", "asked for"]).code,
        0
    );
    assert_eq!(scene.run(&["apply"]).code, 0);
    // Another record gets the id, and its number of patient.
    scene.write(
        "new.ndjson",
        "{\"id\":\"r1\",\"number\":\"1\",\"name\":\"Eve\",\"visits\":[]}\n",
    );
    assert_eq!(scene.run(&["load", "raw", "new.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 0);
    for (database, id) in [("raw", "r1"), ("people", "Q-1"), ("people", "P-1")] {
        let data = traced(&scene, database, id);
        assert_eq!(
            data["records"].as_array().expect("records").len(),
            2,
            "{database} {id}: {data}"
        );
        let said = scene.run(&["trace", database, id]);
        assert!(said.out.contains("2 records have or had this id"), "{}", said.out);
    }
    let prov = scene.run(&["trace", "people", "P-1", "--format", "prov-json"]);
    assert_eq!(prov.code, 0, "{}", prov.err);
}

#[test]
fn an_id_that_never_was_is_no_dead_end() {
    let scene = clinic();
    assert_eq!(scene.run(&["trace", "raw", "r9"]).code, 1);
    scene.write("other.ndjson", "{\"id\":\"x1\"}\n");
    assert_eq!(scene.run(&["load", "others", "other.ndjson"]).code, 0);
    let said = scene.run(&["trace", "raw", "x1"]);
    assert!(
        said.code == 1 && said.err.contains("`counterfoil trace others x1`"),
        "{}",
        said.err
    );
    let said = scene.run(&["trace", "nowhere", "r1"]);
    assert!(
        said.code == 1 && said.err.contains("there is no database `nowhere`"),
        "{}",
        said.err
    );
}

#[test]
fn an_id_that_a_rollback_has_taken_back_is_found_by_what_the_stage_made_of_its_source() {
    let scene = clinic();
    let trace = |database: &str, id: &str| scene.run(&["trace", database, id]);
    for (database, id) in [("people", "P-1"), ("people", "Q-1"), ("visits", "v2")] {
        assert_eq!(trace(database, id).code, 0, "{id}: {}", trace(database, id).err);
    }
    assert_eq!(scene.run(&["rollback", "--all", "--yes"]).code, 0);
    for (database, id) in [("people", "P-1"), ("people", "Q-1"), ("visits", "v2")] {
        let said = trace(database, id);
        assert_eq!(said.code, 0, "{id}: {}", said.err);
        assert!(said.out.contains("rollback"), "{id}: {}", said.out);
        let proof = scene.run(&["prove", database, id]);
        assert!(
            !proof.err.contains("no record with the id"),
            "{id}: {}",
            proof.err
        );
    }
    for id in ["P-3", "P-9", "Q-3"] {
        let said = trace("people", id);
        assert_ne!(said.code, 0, "{id} never was there: {}", said.out);
    }
}

#[test]
fn a_mistyped_id_costs_no_look_at_the_images() {
    let scene = clinic();
    // The rows and the first ids do not have it; only the images know it, and the trace looks at these.
    for arguments in [
        ["query", "people", "--id", "P-1"],
        ["query", "people", "--id", "P-9"],
    ] {
        let said = scene.run(&arguments);
        assert_eq!(said.code, 1);
        let hint = format!(
            "`counterfoil trace people {}` also searches the earlier ids of records",
            arguments[3]
        );
        assert!(said.err.contains(&hint), "{}", said.err);
    }
    assert_eq!(scene.run(&["trace", "people", "P-1"]).code, 0);
    // Where no stage gives other ids there is nothing more to look at.
    let scene = Scene::named("p", &[("a.ndjson", "{\"id\":\"1\"}\n")]);
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    let said = scene.run(&["query", "a", "--id", "2"]);
    assert!(
        said.code == 1 && !said.err.contains("counterfoil trace"),
        "{}",
        said.err
    );
}

/// The records that a document of PROV-JSON says there were.
fn traced_records(scene: &Scene, database: &str, id: &str) -> Vec<(String, String)> {
    let said = scene.run(&["trace", database, id, "--format", "prov-json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let document: Json = serde_json::from_str(&said.out).expect("PROV-JSON");
    let entities = document["entity"].as_object().expect("entities");
    let records = entities.iter().filter(|(name, _)| name.starts_with("record:"));
    let told = |entity: &Json, key: &str| entity[key].as_str().expect("a text").to_owned();
    let names: Vec<(String, String)> = records
        .map(|(_, entity)| {
            (
                told(entity, "counterfoil:database"),
                told(entity, "counterfoil:id"),
            )
        })
        .collect();
    let versions = document["specializationOf"]
        .as_object()
        .map_or(0, serde_json::Map::len);
    assert!(versions > 0, "{database} {id}: {document}");
    names
}

#[test]
fn provenance_claims_no_record_that_never_was() {
    let scene = clinic();
    let record = |database: &str, id: &str| vec![(database.to_owned(), id.to_owned())];
    assert_eq!(traced_records(&scene, "raw", "r1"), record("raw", "r1"));
    assert_eq!(traced_records(&scene, "people", "P-1"), record("people", "P-1"));
    // `raw` has no P-1: the record that had it is told of where it had it.
    assert_eq!(traced_records(&scene, "raw", "P-1"), record("people", "P-1"));
    assert_eq!(traced_records(&scene, "people", "v1"), record("visits", "v1"));
    // What began as r1 in `raw` was never r1 in `people`.
    assert_eq!(traced_records(&scene, "people", "r1"), record("people", "Q-1"));
}

#[test]
fn reasons_are_cut_at_what_is_redacted_in_every_format() {
    const STRICT: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"secret.4929\"\nto = \"integer\"\n";
    let scene = Scene::named(
        "p",
        &[
            ("0001_strict.toml", STRICT),
            ("a.ndjson", "{\"id\":\"1\",\"secret\":{\"4929\":\"x\"}}\n"),
        ],
    );
    assert_eq!(scene.run(&["load", "a", "a.ndjson"]).code, 0);
    assert_eq!(scene.run(&["apply"]).code, 3);
    // A later stage redacts the whole of it.
    scene.write(
        "0002_later.toml",
        "[stage]\nsource = \"b\"\nredact = [\"secret\"]\n",
    );
    scene.write("more.ndjson", "{\"id\":\"2\",\"secret\":{\"4929\":\"5\"}}\n");
    assert_eq!(scene.run(&["load", "a", "more.ndjson"]).code, 0);
    let said = scene.run(&["apply"]);
    assert!([0, 3].contains(&said.code), "{}", said.err);
    for format in [&["--format", "prov-json"][..], &[]] {
        let said = scene.run(&[&["trace", "a", "1"], format].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("convert."), "{}", said.out);
        assert!(!said.out.contains("4929"), "{}", said.out);
    }
}

//! `profile` counts exactly, and shows nothing that is redacted.

use serde_json::Value as Json;

use super::{COPY, load};
use crate::support::world::Scene;

#[test]
fn profile_counts_exactly_and_shows_nothing_that_is_redacted() {
    let stage = format!("{COPY}redact = [\"pin\"]\n");
    let project = Scene::project(&[("0001_people.toml", &stage)]);
    let lines = [
        r#"{"id":"a","pin":"SECRET1","n":1,"day":"2024-02-29","items":[{"price":1.5},{"price":2}],"x":{"y":null}}"#,
        r#"{"id":"b","pin":"SECRET2","n":1.0,"day":"","items":[],"x":{}}"#,
        r#"{"id":"c","n":"1","day":null,"items":null}"#,
        r#"{"id":"d","n":123456789012345678901234567890.5}"#,
    ];
    load(&project, "people_v1", &lines);
    let said = project.run(&["profile", "people_v1", "--json"]);
    assert!(!said.out.contains("SECRET"), "{said:?}");
    let told = project.run(&["profile", "people_v1"]);
    assert!(
        !told.out.contains("SECRET") && told.out.contains("[redacted]"),
        "{told:?}"
    );
    let profile = said.data();
    let field = |path: &str| {
        let fields = profile["fields"].as_array().expect("fields");
        fields
            .iter()
            .find(|field| field["path"] == path)
            .unwrap_or_else(|| panic!("{path}: {fields:?}"))
            .clone()
    };
    let n = field("n");
    assert_eq!(
        n["kinds"],
        serde_json::json!({"integer": 2, "number": 1, "text": 1})
    );
    assert_eq!(n["distinct"], 3, "1 and 1.0 are equal, \"1\" is another");
    assert_eq!(
        n["numbers"],
        serde_json::json!(["1", "123456789012345678901234567890.5"])
    );
    let day = field("day");
    assert_eq!(
        (&day["missing"], &day["nulls"], &day["empty"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(day["forms"], serde_json::json!({"date": 1}));
    let price = field("items[*].price");
    assert_eq!((&price["values"], &price["missing"]), (&2.into(), &3.into()));
    assert_eq!(field("items")["lengths"], serde_json::json!([0, 2]));
    assert_eq!(field("x.y")["nulls"], 1);
    assert_eq!(field("pin")["distinct"], 2);
    project.write("strict.schema.json", r#"{"required":["day"]}"#);
    let file = project.path("strict.schema.json").display().to_string();
    let said = project.run(&["profile", "people_v1", "--contract", &file, "--json"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(said.data()["validation"]["findings"][0]["id"], "d");
    project.write("nothing.json", r#"{"mandatory":["cust"]}"#);
    let file = project.path("nothing.json").display().to_string();
    let said = project.run(&["validate", "people_v1", "--contract", &file, "--json"]);
    assert!(said.out.contains("no record can violate"), "{said:?}");
}

#[test]
fn profile_counts_a_map_as_one_whatever_the_order_and_hides_what_is_redacted_in_it() {
    let stage = format!("{COPY}redact = [\"m.ssn\", \"gone\"]\n");
    let project = Scene::project(&[("0001_people.toml", &stage)]);
    let fields: Vec<String> = (0..400).map(|at| format!("\"n{at}\":{at}")).collect();
    let backwards: Vec<String> = fields.iter().rev().cloned().collect();
    let line = |id: u32, fields: &[String]| {
        format!(
            r#"{{"id":"{id}","gone":{{"SECRETKEY":1}},"m":{{{},"ssn":"SECRETVALUE"}}}}"#,
            fields.join(",")
        )
    };
    let lines: Vec<String> = (0..1200)
        .map(|id| line(id, if id < 600 { &fields } else { &backwards }))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    load(&project, "people_v1", &lines);
    let said = project.run(&["profile", "people_v1", "--json"]);
    assert!(!said.out.contains("SECRET"), "{}", &said.out[..2000]);
    assert!(!project.run(&["profile", "people_v1"]).out.contains("SECRET"));
    let profile = said.data();
    let fields = profile["fields"].as_array().expect("fields");
    let map: Vec<&Json> = fields
        .iter()
        .filter(|field| field["path"].as_str().unwrap().starts_with("m."))
        .collect();
    assert_eq!(map.len(), 1, "{map:?}");
    assert_eq!(
        (&map[0]["values"], &map[0]["missing"]),
        (&(1200 * 401).into(), &0.into())
    );
}

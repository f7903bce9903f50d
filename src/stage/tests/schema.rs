use serde_json::Value as Json;

use super::ORDERS;
use crate::reading::Reading;
use crate::stage::json_schema;
use crate::toml::to_json;

/// A stage file as JSON, as editors see it.
fn json(text: &str) -> Json {
    let document = toml_edit::Document::parse(text).unwrap();
    to_json(document.as_item(), &Reading::new("0001_orders.toml", text)).unwrap()
}

#[test]
fn the_kept_schema_is_the_one_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/stage.schema.json");
    let schema = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == schema,
        "schema/stage.schema.json is out of date: run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn good_stage_files_satisfy_the_schema_and_bad_ones_do_not() {
    let schema = json_schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let template = include_str!("../../project/template/stage.toml")
        .replace("SOURCE", "a1")
        .replace("TARGET", "a2");
    for good in [ORDERS, &template, "[stage]\nsource = \"a1\"\nmax_errors = 5\n"] {
        let errors: Vec<String> = validator
            .iter_errors(&json(good))
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{good}\n{errors:?}");
    }
    for (old, new) in [
        ("source = \"orders_v1\"\n", ""),
        ("source = \"orders_v1\"", "source = \"ledger_x\""),
        ("rounding = \"half-even\"", "rounding = \"half\""),
        ("max_errors = \"0.5%\"", "max_errors = \"200%\""),
        ("redact = [", "redacted = ["),
        ("op = \"rename\"", "op = \"renam\""),
        ("from = \"acct_no\"", "form = \"acct_no\""),
        ("places = 2", "places = \"two\""),
        ("filtered = true", "filtered = false"),
        ("[into]", "[intoo]"),
    ] {
        let bad = ORDERS.replacen(old, new, 1);
        assert_ne!(bad, ORDERS, "{old}");
        assert!(!validator.is_valid(&json(&bad)), "{old} -> {new}");
    }
}

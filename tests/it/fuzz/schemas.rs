//! JSON Schemas of contracts: any keywords with any values, and real ones that were changed.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use counterfoil::contract::Schema;
use counterfoil::problem::Place;
use counterfoil::record::{Document, Limits, admit};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::judge;
use super::texts::{JSON, edited, edits, json, record};

const KEYWORDS: &[&str] = &[
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "enum",
    "const",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$defs",
    "$id",
    "$schema",
    "$anchor",
    "$dynamicRef",
    "unevaluatedProperties",
    "x-unique",
    "x-references",
    "x-check",
    "title",
    "default",
    "typ",
];

static REAL: LazyLock<Vec<String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        "migrations/bank/legacy.schema.json",
        "migrations/bank/transaction_v3.schema.json",
        "migrations/hospital/register.schema.json",
        "migrations/shop/order_v2.schema.json",
        "tests/fixtures/any.schema.json",
    ];
    let read = |file| fs::read_to_string(root.join(file)).expect("a schema");
    files.into_iter().map(read).collect()
});

fn schema() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => select(&["\"string\"", "\"number\"", "\"object\"", "\"date\"", "\"email\"", "\"#/$defs/a\"", "\"#\"", "\"a\"", "\"^(a+)+$\"",
            "\"(\"", "\"a{1000}{1000}\"", "0", "1", "2.5", "-1", "true", "false", "null", "[\"a\"]", "[]", "{}",
            "\"https://json-schema.org/draft/2020-12/schema\"", "[\"string\",\"null\"]"][..]).prop_map(str::to_owned),
        1 => json(),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let name = prop_oneof![8 => select(KEYWORDS).prop_map(str::to_owned), 1 => "[a-c]"];
        let field = (name, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        let object =
            prop::collection::vec(field, 0..4).prop_map(|fields| format!("{{{}}}", fields.join(",")));
        let list = prop::collection::vec(inner, 0..3).prop_map(|parts| format!("[{}]", parts.join(",")));
        prop_oneof![4 => object, 1 => list]
    })
}

#[test]
fn any_text_as_a_schema_is_a_contract_or_says_what_is_wrong() {
    let changed =
        (any::<Index>(), edits(JSON, 3)).prop_map(|(at, edits)| edited(at.get::<String>(&REAL), &edits));
    let place = Place::at(&Arc::from("fuzz.schema.json"), "", 0);
    judge(
        600,
        (prop_oneof![3 => schema(), 1 => changed], record()),
        |(text, record)| {
            let schema = match Schema::compile(&text, &place) {
                Ok(schema) => schema,
                Err(problems) => {
                    assert!(!problems.is_empty(), "neither a schema nor a problem: {text}");
                    for problem in problems {
                        assert!(problem.code.starts_with("contract."), "{problem:?}");
                        assert!(
                            problem.place.is_some() && !problem.message.is_empty(),
                            "{problem:?}"
                        );
                    }
                    return false;
                }
            };
            let _ = schema.warnings();
            // What a stage's meaning holds of a schema is a schema, and means the same.
            let again = Schema::compile(schema.canonical(), &place);
            let again = again.unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
            assert_eq!(again.canonical(), schema.canonical());
            let Ok(data) = admit(record.as_bytes(), &Limits::default()) else {
                return true;
            };
            let Ok(document) = Document::parse(&data) else {
                return true;
            };
            let (found, found_again) = (schema.check(&document), again.check(&document));
            assert_eq!(found.is_empty(), found_again.is_empty(), "{text} {data}");
            assert!(
                found
                    .iter()
                    .all(|violation| violation.code.starts_with("contract.")),
                "{found:?}"
            );
            true
        },
    );
}

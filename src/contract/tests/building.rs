//! The builder: everything that it can express, and that it reads what it writes without loss.

use proptest::prelude::*;

use serde_json::{Map, Value as Parsed};

use super::*;

fn codes(schema: &Schema, document: &str) -> String {
    let violations = schema.check(&Document::parse(document).unwrap());
    let codes = violations
        .iter()
        .map(|violation| format!("{}{}", violation.code.replace("contract.", ""), violation.pointer));
    codes.collect::<Vec<_>>().join(" ")
}

fn even() -> Check {
    Check::new("even", "an even number of letters", |value| {
        value.as_text().is_none_or(|text| text.chars().count() % 2 == 0)
    })
}

#[test]
fn alternatives_negations_enumerations_lists_and_custom_checks_are_enforced() {
    let schema = Schema::record()
        .any("contact")
        .any_of([
            Schema::string().length(3, None),
            Schema::record().string("email").required(),
        ])
        .integer("size")
        .enumeration(["1", "2", "3.0"])
        .string("sku")
        .not(Schema::string().pattern("^X"))
        .not(Schema::string().pattern("^Y"))
        .custom(even())
        .list("tags")
        .of(Schema::string().length(1, 3))
        .unique()
        .length(0, 3)
        .any("both")
        .all_of([Schema::number().range("1", ""), Schema::integer().range("", "5")])
        .whole()
        .length(1, 5)
        .build()
        .unwrap();
    let good = r#"{"contact":{"email":"a@b"},"size":3,"sku":"ABCD","tags":["a","b"],"both":5}"#;
    assert_eq!(codes(&schema, good), "");
    assert_eq!(codes(&schema, r#"{"contact":"ab"}"#), "any_of/contact");
    assert_eq!(codes(&schema, r#"{"size":4}"#), "enum/size");
    assert_eq!(codes(&schema, r#"{"sku":"XY"}"#), "not/sku");
    assert_eq!(codes(&schema, r#"{"sku":"YX"}"#), "not/sku");
    assert_eq!(codes(&schema, r#"{"sku":"ABC"}"#), "check/sku");
    assert_eq!(
        codes(&schema, r#"{"tags":["a","a","long",""]}"#),
        "max_items/tags unique_items/tags max_length/tags/2 min_length/tags/3"
    );
    assert_eq!(codes(&schema, r#"{"both":6}"#), "maximum/both");
    assert_eq!(codes(&schema, "{}"), "min_properties");
}

#[test]
fn a_custom_check_says_what_it_expects_and_never_the_value() {
    let schema = Schema::record().string("a").custom(even()).build().unwrap();
    let violations = schema.check(&Document::parse(r#"{"a":"SECRET1"}"#).unwrap());
    assert_eq!(
        violations[0].expected.as_deref(),
        Some("an even number of letters")
    );
    assert!(!format!("{violations:?}").contains("SECRET1"));
}

#[test]
fn a_schema_that_names_a_check_needs_it_registered() {
    let written = Schema::record().string("a").custom(even()).to_json();
    let problem = &Schema::compile(&written, &place()).unwrap_err()[0];
    assert_eq!(problem.code, "contract.unknown_check");
    let mut checks = Checks::new();
    checks.register(even());
    assert!(Schema::compile_with(&written, &place(), &checks).is_ok());
    let slip = written.replace("even", "evem");
    let problem = &Schema::compile_with(&slip, &place(), &checks).unwrap_err()[0];
    assert!(format!("{problem:?}").contains("even"), "{problem:?}");
}

#[test]
fn cross_record_keywords_stand_at_fields_and_nowhere_else() {
    let contract = Contract::from(
        Schema::record()
            .string("number")
            .unique()
            .object("customer")
            .of(Schema::record().string("id").references("customers"))
            .build()
            .unwrap(),
    );
    assert_eq!(contract.unique[0].name, "`number` is unique");
    assert_eq!(contract.references[0].value.pointer(), "/customer/id");
    assert_eq!(contract.references[0].to, "customers");
    for wrong in [
        r#"{"x-unique":true}"#,
        r#"{"properties":{"a":{"x-unique":false}}}"#,
        r#"{"properties":{"a":{"items":{"x-unique":true}}}}"#,
        r#"{"anyOf":[{"properties":{"a":{"x-references":"b"}}}]}"#,
        r#"{"properties":{"a":{"x-references":"no such name"}}}"#,
        r#"{"properties":{"a":{"x-references":1}}}"#,
    ] {
        assert_eq!(problems(wrong)[0].code, "contract.cross_record", "{wrong}");
    }
}

#[test]
fn what_cannot_be_said_is_a_problem_and_never_passed_over() {
    let wrong = Schema::record()
        .string("a")
        .enumeration([])
        .any("b")
        .any_of([])
        .field("nowhere")
        .boolean("c")
        .length(1, 2)
        .decimal("d")
        .references("customers")
        .integer("e")
        .of(Schema::string())
        .build()
        .unwrap_err();
    assert_eq!(wrong.len(), 6, "{wrong:#?}");
    let wrong = Schema::string().required().string("a").build().unwrap_err();
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
}

#[test]
fn a_schema_that_was_read_is_described_further() {
    let read = schema(
        r#"{"title":"An order","properties":{"id":{"type":"string"}},"required":["id"],"type":"object"}"#,
    );
    let more = read
        .builder()
        .field("id")
        .pattern("^A")
        .decimal("total")
        .required();
    assert_eq!(
        more.to_json(),
        r#"{"title":"An order","properties":{"id":{"type":"string","pattern":"^A"},"total":{"type":["number","string"],"x-decimal":{}}},"required":["id","total"],"type":"object"}"#
    );
}

#[test]
fn everything_that_the_builder_writes_it_reads_again() {
    let built = Schema::record()
        .string("id")
        .required()
        .pattern("^A")
        .unique()
        .decimal("total")
        .required()
        .range("0.00", "9.50")
        .default("1.10")
        .date("day")
        .nullable()
        .datetime("at")
        .required()
        .nullable()
        .list("items")
        .required()
        .allow_empty()
        .of(Schema::record().string("sku").required().closed())
        .object("note")
        .length(1, 2)
        .any("what")
        .required()
        .any("else")
        .required()
        .not(Schema::string())
        .boolean("paid")
        .enumeration(["true"])
        .string("customer")
        .references("customers")
        .closed()
        .whole()
        .any_of([Schema::record().string("x").required(), Schema::any()])
        .build()
        .unwrap();
    assert_eq!(built.builder().to_json(), built.to_json());
    assert_eq!(built.builder().build().unwrap().canonical(), built.canonical());
}

#[test]
fn the_contracts_that_are_shipped_are_read_without_loss() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut seen = 0;
    for project in std::fs::read_dir(root).unwrap() {
        for entry in std::fs::read_dir(project.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(".schema.json") {
                let read = schema(&std::fs::read_to_string(&path).unwrap());
                assert_eq!(read.builder().to_json(), read.to_json(), "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 2);
}

/// Generates any schema, including descriptions, unusual numbers and Booleans.
fn any_schema() -> impl Strategy<Value = Parsed> {
    let number = prop_oneof![
        Just("1.10"),
        Just("-0"),
        Just("1e400"),
        Just("123456789012345678901234567890")
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Parsed::from),
        Just(serde_json::json!({"type": "string", "format": "date"})),
        Just(serde_json::json!({"description": "any", "x-note": [null, {"b": 1, "a": 2}]})),
        Just(serde_json::json!({"type": ["number", "string"], "x-decimal": {"maximum": 1}})),
        Just(serde_json::json!({"$ref": "#/$defs/one"})),
        number.prop_map(
            |text| serde_json::from_str(&format!(r#"{{"type":"number","minimum":{text}}}"#)).unwrap()
        ),
        ("[a-z]{0,3}", 0..3u8).prop_map(|(text, at)| serde_json::json!({"minLength": at, "const": text})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let fields = proptest::collection::vec(("[a-c~/ \"]{1,2}", inner.clone()), 0..4);
        prop_oneof![
            (
                fields,
                any::<[bool; 4]>(),
                proptest::sample::subsequence(vec!["a", "b", "zz"], 0..3)
            )
                .prop_map(|(fields, [first, closed, needs, typed], required)| {
                    let mut schema = Map::new();
                    if first {
                        schema.insert("required".into(), required.clone().into());
                    }
                    if typed {
                        schema.insert("type".into(), "object".into());
                    }
                    schema.insert("properties".into(), Parsed::Object(fields.into_iter().collect()));
                    if closed {
                        schema.insert("additionalProperties".into(), false.into());
                    }
                    if needs && !first {
                        schema.insert("required".into(), required.into());
                    }
                    Parsed::Object(schema)
                }),
            inner
                .clone()
                .prop_map(|inner| serde_json::json!({"anyOf": [{"type": "null"}, inner]})),
            inner
                .clone()
                .prop_map(|inner| serde_json::json!({"type": "array", "items": inner})),
            inner.prop_map(|inner| serde_json::json!({"not": inner, "$comment": "c"})),
        ]
    })
}

proptest! {
    #[test]
    fn any_schema_is_read_into_the_builder_and_written_without_loss(part in any_schema()) {
        let mut whole = part.clone();
        if let Parsed::Object(whole) = &mut whole {
            whole.insert("$defs".into(), serde_json::json!({"one": {"type": "string"}}));
        }
        let text = whole.to_string();
        // A reference without its definition occurs only where the whole is not an object and contains none.
        if let Ok(read) = Schema::compile(&text, &place()) {
            prop_assert_eq!(read.to_json(), &text);
            prop_assert_eq!(read.builder().to_json(), text);
        } else {
            prop_assert!(false, "{}", text);
        }
    }
}

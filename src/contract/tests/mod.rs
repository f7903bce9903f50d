mod agreement;
mod building;

use std::sync::Arc;

use super::*;
use crate::problem::{Place, Problem};
use crate::record::{Document, Value};
use crate::refusal::Violation;

fn place() -> Place {
    Place {
        file: Arc::from("0001_orders.toml"),
        line: 12,
        column: 3,
    }
}

fn schema(json: &str) -> Schema {
    Schema::compile(json, &place()).unwrap()
}

fn problems(json: &str) -> Vec<Problem> {
    Schema::compile(json, &place()).unwrap_err().into_vec()
}

fn check(schema_json: &str, document: &str) -> Vec<Violation> {
    schema(schema_json).check(&Document::parse(document).unwrap())
}

/// Returns whether a value passes a schema, as the field `v` of a record.
fn passes(keywords: &str, value: &str) -> bool {
    check(
        &format!(r#"{{"properties":{{"v":{keywords}}}}}"#),
        &format!(r#"{{"v":{value}}}"#),
    )
    .is_empty()
}

#[test]
fn every_violation_is_reported_with_code_place_expectation_and_rule_but_no_value() {
    let contract = r#"{
        "required": ["id", "customer"],
        "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "pattern": "^ORD-\\d{4}$"},
            "status": {"enum": ["pending", "shipped"]},
            "customer": {"required": ["e/mail"], "properties": {"age": {"type": "integer", "minimum": 18}}},
            "items": {"items": {"properties": {"price": {"multipleOf": 0.01}}}, "maxItems": 1}
        }
    }"#;
    let document = r#"{"id":"SECRET1","status":"SECRET2","customer":{"age":17.5},
        "items":[{"price":1.00},{"price":33.333}],"left":"SECRET3"}"#;
    let violations = check(contract, &document.replace(['\n'], "").replace("        ", ""));
    let mut seen: Vec<_> = violations
        .iter()
        .map(|violation| {
            (
                &*violation.code,
                &*violation.pointer,
                violation.expected.as_deref().unwrap(),
            )
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (
                "contract.additional_properties",
                "/left",
                "no field with this name"
            ),
            ("contract.enum", "/status", "one of: pending, shipped"),
            ("contract.max_items", "/items", "a list of at most 1 element"),
            ("contract.minimum", "/customer/age", "at least 18"),
            ("contract.multiple_of", "/items/1/price", "a multiple of 0.01"),
            ("contract.pattern", "/id", r"a string matching ^ORD-\d{4}$"),
            (
                "contract.required",
                "/customer/e~1mail",
                "the field to be present"
            ),
            ("contract.type", "/customer/age", "a whole number"),
        ]
    );
    let all = format!("{violations:?}");
    for value in ["SECRET", "17.5", "33.333"] {
        assert!(!all.contains(value), "{value} in {all}");
    }
    let pattern = violations
        .iter()
        .find(|violation| violation.code == "contract.pattern")
        .unwrap();
    assert_eq!(
        pattern.rule.as_deref(),
        Some("0001_orders.toml:12:3#/properties/id/pattern")
    );
}

#[test]
fn no_keyword_lets_a_value_of_the_record_into_a_violation() {
    let contract = r#"{
        "anyOf": [{"required": ["x"]}, {"properties": {"a": {"const": 1}}}],
        "oneOf": [{"required": ["x"]}, {"required": ["y"]}],
        "not": {"required": ["a"]},
        "properties": {
            "a": {"const": {"k": [1]}}, "b": {"not": {"enum": ["SECRET-b"]}}, "c": {"format": "date"},
            "d": {"uniqueItems": true}, "e": {"contains": {"const": 3}}, "f": {"prefixItems": [true], "unevaluatedItems": false},
            "g": {"propertyNames": {"maxLength": 1}}, "h": false, "i": {"x-decimal": {"maximum": 1}},
            "j": {"if": {"type": "string"}, "then": {"minLength": 90}}, "k": {"dependentRequired": {"kk": ["kkk"]}}
        },
        "unevaluatedProperties": false
    }"#;
    let document = r#"{"a":"SECRET","b":"SECRET-b","c":"SECRET","d":["SECRET","SECRET"],"e":["SECRET"],"f":[1,"SECRET"],"g":{"gg":"SECRET"},"h":"SECRET","i":"SECRET","j":"SECRET","k":{"kk":"SECRET"},"z":"SECRET"}"#;
    let violations = check(contract, document);
    let codes: std::collections::BTreeSet<&str> =
        violations.iter().map(|violation| &*violation.code).collect();
    for code in [
        "any_of",
        "one_of",
        "not",
        "const",
        "format",
        "unique_items",
        "contains",
        "unevaluated_items",
        "property_names",
        "false_schema",
        "decimal",
        "min_length",
        "required",
        "unevaluated_properties",
    ] {
        assert!(
            codes.contains(&*format!("contract.{code}")),
            "{code} in {codes:?}"
        );
    }
    let shown = format!("{violations:?}").replace("none of: SECRET-b", "");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn bounds_are_exact_at_any_length() {
    for (keywords, value, fits) in [
        (r#"{"multipleOf": 0.01}"#, "0.1", true),
        (r#"{"multipleOf": 0.01}"#, "0.07", true),
        (r#"{"multipleOf": 1e-2}"#, "12345678901234567890123456.78", true),
        (r#"{"multipleOf": 1e-2}"#, "12345678901234567890123456.785", false),
        (r#"{"multipleOf": 3}"#, "9007199254740993", true),
        (r#"{"multipleOf": 3}"#, "9007199254740992", false),
        (r#"{"maximum": 9007199254740992}"#, "9007199254740993", false),
        (r#"{"maximum": 9007199254740993}"#, "9007199254740993", true),
        (
            r#"{"exclusiveMinimum": 0.1}"#,
            "0.10000000000000000000000000000000001",
            true,
        ),
        (r#"{"exclusiveMinimum": 0.1}"#, "0.1000", false),
        (r#"{"maximum": 1e308}"#, "1e400", false),
        (r#"{"maximum": 1e400}"#, "1e400", true),
        (r#"{"maximum": 1e400}"#, "1e401", false),
        (r#"{"minimum": 1e-400}"#, "0", false),
        (r#"{"minimum": -1e400}"#, "-1e401", false),
        (r#"{"const": 9007199254740993}"#, "9007199254740992", false),
        (r#"{"const": 0.1}"#, "1.0e-1", true),
        (r#"{"enum": [1e400, "x"]}"#, "10e399", true),
        (r#"{"enum": [9007199254740993, 5]}"#, "9007199254740992", false),
        (r#"{"enum": [9007199254740993, 5]}"#, "5.0", true),
        (
            r#"{"const": 79228162514264337593543950336}"#,
            "79228162514264337593543950335",
            false,
        ),
        (
            r#"{"uniqueItems": true}"#,
            "[9007199254740993,9007199254740992,1.0,1.1]",
            true,
        ),
        (
            r#"{"uniqueItems": true}"#,
            r#"[{"a":1,"b":[2.0]},{"b":[2],"a":1.0}]"#,
            false,
        ),
    ] {
        assert_eq!(passes(keywords, value), fits, "{value} against {keywords}");
    }
}

#[test]
fn types_are_those_of_json_schema() {
    for (value, kind, fits) in [
        ("1.0", "integer", true),
        ("1e2", "integer", true),
        ("1e400", "integer", true),
        ("1.5", "integer", false),
        ("true", "integer", false),
        ("null", "string", false),
        ("\"1\"", "number", false),
        ("123456789012345678901234567890", "integer", true),
    ] {
        assert_eq!(
            passes(&format!(r#"{{"type":"{kind}"}}"#), value),
            fits,
            "{value} as {kind}"
        );
    }
}

#[test]
fn patterns_are_linear_ascii_and_end_at_the_end() {
    let whole = r#"{"pattern": "^\\d{3}$"}"#;
    assert!(passes(whole, r#""123""#));
    assert!(!passes(whole, r#""123\n""#), "`$` is not before a last newline");
    assert!(!passes(whole, "\"\u{661}\u{662}\u{663}\""), "`\\d` is ASCII");
    assert!(
        passes(r#"{"pattern": "b"}"#, r#""abc""#),
        "not anchored by itself"
    );
    assert!(!passes(
        r#"{"pattern": "^(a+)+$"}"#,
        &format!("\"{}b\"", "a".repeat(50_000))
    ));
    for pattern in [r"(?=a)", r"(a)\\1", "a{1000}{1000}{1000}", "("] {
        let found = problems(&format!(r#"{{"properties":{{"v":{{"pattern":"{pattern}"}}}}}}"#));
        assert_eq!(found[0].code, "contract.invalid", "{pattern}: {found:?}");
        assert!(found[0].message.contains("/properties/v/pattern"), "{found:?}");
    }
}

#[test]
fn names_that_the_parser_uses_inside_are_ordinary_fields() {
    let name = "$serde_json::private::Number";
    let contract = format!(
        r#"{{"properties":{{"v":{{"type":"object","required":["{name}"],"const":{{"{name}":"12"}}}}}}}}"#
    );
    assert!(check(&contract, &format!(r#"{{"v":{{"{name}":"12"}}}}"#)).is_empty());
    assert_eq!(check(&contract, r#"{"v":12}"#)[0].code, "contract.type");
    assert!(
        check(r#"{"required":["a"]}"#, r#"{"\u0061":1}"#).is_empty(),
        "names are compared decoded"
    );
}

#[test]
fn expanded_parts_of_a_document_are_checked_like_raw_ones() {
    let mut document = Document::parse(r#"{"list":[{"n":1},{"n":2}]}"#).unwrap();
    let second = "list[1].n".parse().unwrap();
    *document.at_mut(&second).unwrap() = Value::text("two");
    let violations = schema(r#"{"properties":{"list":{"items":{"properties":{"n":{"type":"integer"}}}}}}"#)
        .check(&document);
    assert_eq!(violations[0].pointer, "/list/1/n");
}

#[test]
fn a_document_that_never_passed_admission_is_a_violation_and_no_crash() {
    let deep = format!(r#"{{"v":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert_eq!(check("{}", &deep)[0].code, "contract.unreadable");
    let mut document = Document::new();
    for number in ["1x", "01", "1.", ".5", "-", "+1", "1e", "NaN", ""] {
        document.set("v", Value::Raw(number.into()));
        assert_eq!(
            schema("{}").check(&document)[0].code,
            "contract.unreadable",
            "{number}"
        );
    }
}

#[test]
fn mistakes_in_a_schema_are_problems_with_help() {
    for (json, code, help) in [
        (
            r#"{"requird":["id"]}"#,
            "contract.unknown_keyword",
            "did you mean `required`?",
        ),
        (
            r#"{"properties":{"a":{"items":{"patern":"x"}}}}"#,
            "contract.unknown_keyword",
            "did you mean `pattern`?",
        ),
        (
            r#"{"allOf":[{"minlength":2}]}"#,
            "contract.unknown_keyword",
            "did you mean `minLength`?",
        ),
        (
            r#"{"properties":{"a":{"nullable":true}}}"#,
            "contract.unknown_keyword",
            "[\"string\", \"null\"]",
        ),
        (
            r#"{"format":"datetime"}"#,
            "contract.unknown_format",
            "`date-time`",
        ),
        (
            r#"{"type":"strng"}"#,
            "contract.invalid",
            "did you mean `string`?",
        ),
        (r#"{"type":"decimal"}"#, "contract.invalid", "the types are"),
        (r#"{"pattern":"(?=a)"}"#, "contract.invalid", "linear time"),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            "contract.draft",
            "2020-12",
        ),
        (
            r#"{"$ref":"https://example.com/order.json"}"#,
            "contract.reference",
            "$defs",
        ),
        (r#"{"$ref":"order.json"}"#, "contract.reference", "$defs"),
        (r##"{"$ref":"#/$defs/nowhere"}"##, "contract.reference", "$defs"),
    ] {
        let found = problems(json);
        assert_eq!(found[0].code, code, "{json}: {found:?}");
        assert!(
            found[0].help.as_deref().unwrap_or_default().contains(help),
            "{json}: {found:?}"
        );
        assert_eq!(found[0].place, Some(place()));
    }
}

#[test]
fn a_schema_that_is_no_schema_is_refused_whole() {
    for (json, code) in [
        (r#"{"minimum":"0"}"#, "contract.invalid"),
        (r#"{"multipleOf":0}"#, "contract.invalid"),
        (r#"{"x-decimal":{"minimum":"0"}}"#, "contract.invalid"),
        ("[1]", "contract.invalid"),
        ("{", "contract.json"),
        (r#"{"type":"string","type":"string"}"#, "contract.json"),
    ] {
        assert_eq!(problems(json)[0].code, code, "{json}");
    }
    assert_eq!(problems("[1]").len(), 1, "each once");
    assert_eq!(
        problems(r#"{"requird":[],"items":{"typ":"x"}}"#).len(),
        2,
        "all problems, not the first"
    );
    schema(r#"{"version":"3","x-owner":"us","title":"t","properties":{"requird":{},"id":{}}}"#);
}

#[test]
fn references_inside_the_schema_are_followed() {
    let contract = r##"{"$defs":{"cents":{"multipleOf":0.01}},"properties":{"v":{"$ref":"#/$defs/cents"}},"items":{"$ref":"#"}}"##;
    assert_eq!(check(contract, r#"{"v":1.005}"#)[0].code, "contract.multiple_of");
    assert!(
        check(
            r##"{"properties":{"next":{"$ref":"#"}}}"##,
            r#"{"next":{"next":{}}}"#
        )
        .is_empty()
    );
}

#[test]
fn the_canonical_text_is_the_meaning() {
    let text = |json| schema(json).canonical().to_owned();
    let plain =
        text(r#"{"type":"object","properties":{"title":{"minimum":1.50},"a":{"const":{"description":1}}}}"#);
    assert_eq!(
        plain,
        r#"{"properties":{"a":{"const":{"description":1}},"title":{"minimum":1.50}},"type":"object"}"#
    );
    let described = r#"{"title":"T","x-note":1,"properties":{"a":{"const":{"description":1},"$comment":"c"},"title":{"description":"d","minimum":1.50}},"type":"object"}"#;
    assert_eq!(text(described), plain);
    assert_eq!(text(&plain), plain);
}

#[test]
fn the_builder_says_what_it_means() {
    let order = Schema::record()
        .string("id")
        .required()
        .pattern(r"^ORD-\d{4}-\d{3,}$")
        .decimal("total")
        .required()
        .range("0.00", "999999999999999999999.99")
        .string("status")
        .required()
        .enumeration(["pending", "shipped"])
        .list("items")
        .required()
        .of(Schema::record().string("sku").required().length(2, 4))
        .object("note")
        .required()
        .allow_empty()
        .any("what")
        .required()
        .date("day")
        .nullable()
        .datetime("at")
        .integer("count")
        .range("1", "")
        .boolean("paid")
        .number("rate")
        .default("0.0825")
        .closed()
        .build()
        .unwrap();
    let codes = |document: &str| {
        let violations = order.check(&Document::parse(document).unwrap());
        let mut codes: Vec<String> = violations
            .iter()
            .map(|violation| format!("{}{}", violation.code.replace("contract.", ""), violation.pointer))
            .collect();
        codes.sort_unstable();
        codes.join(" ")
    };
    let good = r#"{"id":"ORD-2024-001","total":"29.90","status":"pending","items":[{"sku":"A1"}],"note":{},"what":0,"day":null,"at":"2024-02-29T12:00:00Z","count":1,"paid":false,"rate":0.5}"#;
    assert_eq!(codes(good), "");
    assert_eq!(
        codes(&good.replace("\"29.90\"", "1000000000000000000000")),
        "decimal/total"
    );
    assert_eq!(codes(&good.replace("\"29.90\"", "\"29.9 \"")), "decimal/total");
    assert_eq!(codes(&good.replace("\"29.90\"", "\"-0.01\"")), "decimal/total");
    assert_eq!(
        codes(
            r#"{"id":"","total":null,"items":[],"note":null,"what":"","day":"2023-02-29","at":"noon","count":0,"paid":1,"more":1}"#
        ),
        "additional_properties/more any_of/day decimal/total format/at min_items/items min_length/id minimum/count \
         not/what pattern/id required/status type/note type/paid type/total"
    );
    let wrong = Schema::record()
        .required()
        .boolean("a")
        .pattern("x")
        .string("a")
        .string("b")
        .range("x", "")
        .build();
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert!(wrong.iter().all(|problem| problem.code == "contract.builder"));
    assert!(
        wrong[0].place.as_ref().unwrap().file.ends_with("mod.rs"),
        "the place is the caller's"
    );
}

/// Generates a chain of schemas, each of which refers to the next this many times.
fn chain(length: usize, times: usize) -> String {
    let links = (0..length).map(|at| {
        let next = format!(r##"{{"$ref":"#/$defs/a{}"}}"##, at + 1);
        format!(r#""a{at}":{{"anyOf":[{}]}}"#, vec![next; times].join(","))
    });
    let links = links.collect::<Vec<_>>().join(",");
    format!(r##"{{"$defs":{{{links},"a{length}":{{"type":"integer"}}}},"$ref":"#/$defs/a0"}}"##)
}

fn codes(schema: &str, record: &str) -> Vec<String> {
    let schema = Schema::compile(schema, &place()).expect("a schema");
    let document = Document::parse(record).expect("a record");
    let began = std::time::Instant::now();
    let found = schema
        .check(&document)
        .iter()
        .map(|found| found.code.to_string())
        .collect();
    assert!(
        began.elapsed() < std::time::Duration::from_secs(5),
        "it takes {:?}",
        began.elapsed()
    );
    found
}

#[test]
fn what_would_take_too_long_or_go_too_deep_is_refused_by_its_own_code() {
    assert_eq!(codes(&chain(40, 2), "{}"), ["contract.budget"]);
    // A thread has a stack of two megabytes, whatever the build.
    assert_eq!(codes(&chain(490, 1), "{}"), ["contract.any_of"]);
    assert_eq!(codes(&chain(10_000, 1), "{}"), ["contract.budget"]);
    let tree = r##"{"properties":{"c":{"$ref":"#"}},"maxProperties":1}"##;
    let deep = format!("{}1{}", r#"{"c":"#.repeat(127), "}".repeat(127));
    assert!(codes(tree, &deep).is_empty());
}

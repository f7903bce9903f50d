//! The validator gives the same result for our borrowed documents as for its own.

use proptest::prelude::*;
use serde_json::{Value as Parsed, json};

use super::{Document, Violation, passes, schema};
use crate::record::exact_decimal;

/// Generates values with numbers that the validator's own arithmetic handles exactly, so that it can be the reference.
fn value() -> impl Strategy<Value = Parsed> {
    let leaf = prop_oneof![
        Just(Parsed::Null),
        any::<bool>().prop_map(Parsed::from),
        (-3i64..4).prop_map(Parsed::from),
        prop_oneof![Just("0.5"), Just("1.0"), Just("-0.25"), Just("2.50"), Just("1e1")]
            .prop_map(|text| serde_json::from_str(text).unwrap()),
        prop_oneof![Just(""), Just("a"), Just("ab1"), Just("é\n"), Just("2024-02-29")].prop_map(Parsed::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Parsed::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|map| Parsed::Object(map.into_iter().collect())),
        ]
    })
}

fn leaf_schema() -> impl Strategy<Value = Parsed> {
    let kind = || {
        prop_oneof![
            Just("string"),
            Just("integer"),
            Just("number"),
            Just("object"),
            Just("array"),
            Just("null"),
            Just("boolean")
        ]
    };
    let bound = || {
        prop_oneof![
            Just(json!(0)),
            Just(json!(1)),
            Just(serde_json::from_str("0.5").unwrap())
        ]
    };
    prop_oneof![
        any::<bool>().prop_map(Parsed::from),
        kind().prop_map(|kind| json!({"type": kind})),
        (kind(), kind()).prop_filter_map("distinct", |(a, b)| (a != b).then(|| json!({"type": [a, b]}))),
        (
            prop_oneof![
                Just("minimum"),
                Just("maximum"),
                Just("exclusiveMinimum"),
                Just("exclusiveMaximum")
            ],
            bound()
        )
            .prop_map(|(keyword, bound)| json!({keyword: bound})),
        prop_oneof![Just("0.5"), Just("2"), Just("0.25")]
            .prop_map(|text| json!({"multipleOf": serde_json::from_str::<Parsed>(text).unwrap()})),
        (
            prop_oneof![
                Just("minLength"),
                Just("maxLength"),
                Just("minItems"),
                Just("maxItems"),
                Just("minProperties"),
                Just("maxProperties")
            ],
            0..3u64
        )
            .prop_map(|(keyword, limit)| json!({keyword: limit})),
        prop_oneof![Just("^a"), Just("^\\w+$"), Just("\\d")].prop_map(|pattern| json!({"pattern": pattern})),
        Just(json!({"format": "date"})),
        Just(json!({"uniqueItems": true})),
        value().prop_map(|value| json!({"const": value})),
        prop::collection::vec(value(), 1..14).prop_map(|values| json!({"enum": values})),
        prop::collection::btree_set("[a-c]", 1..3).prop_map(|names| json!({"required": names})),
    ]
}

fn any_schema() -> impl Strategy<Value = Parsed> {
    leaf_schema().prop_recursive(3, 24, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..3);
        let map = || prop::collection::btree_map("[a-c]", inner.clone(), 1..4);
        prop_oneof![
            list().prop_map(|list| json!({"allOf": list})),
            list().prop_map(|list| json!({"anyOf": list})),
            list().prop_map(|list| json!({"oneOf": list})),
            inner.clone().prop_map(|inner| json!({"not": inner})),
            inner.clone().prop_map(|inner| json!({"items": inner})),
            inner.clone().prop_map(|inner| json!({"contains": inner})),
            inner.clone().prop_map(|inner| json!({"propertyNames": inner})),
            (list(), inner.clone()).prop_map(|(list, rest)| json!({"prefixItems": list, "unevaluatedItems": rest})),
            (map(), inner.clone()).prop_map(|(map, rest)| json!({"properties": map, "additionalProperties": rest})),
            (map(), inner.clone()).prop_map(|(map, rest)| json!({"type": "object", "required": ["a"], "properties": map, "unevaluatedProperties": rest})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"if": a, "then": b})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn the_borrowed_document_is_judged_as_the_validator_judges_its_own(contract in any_schema(), value in value()) {
        let document = json!({"v": value});
        let contract = json!({"properties": {"v": contract}});
        let own = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .should_validate_formats(true)
            .build(&contract)
            .unwrap();
        let name = |error: &jsonschema::ValidationError<'_>| error.schema_path().as_str().to_owned();
        let mut expected: Vec<String> = own.iter_errors(&document).map(|error| name(&error)).collect();
        let violations = schema(&contract.to_string()).check(&Document::parse(&document.to_string()).unwrap());
        let rule = |violation: &Violation| violation.rule.as_deref().unwrap().split_once('#').unwrap().1.to_owned();
        let mut found: Vec<String> = violations.iter().map(rule).collect();
        expected.sort_unstable();
        expected.dedup();
        found.sort_unstable();
        found.dedup();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn constants_and_bounds_agree_with_exact_decimals(left in "-?(0|[1-9][0-9]{0,12})([.][0-9]{1,12})?", right in "-?(0|[1-9][0-9]{0,3})([.][0-9]{1,3})?(e[+-]?[0-3])?") {
        let [exact_left, exact_right] = [&left, &right].map(|text| exact_decimal(text).unwrap());
        for (keyword, expected) in [
            ("const", exact_left == exact_right),
            ("minimum", exact_left >= exact_right),
            ("maximum", exact_left <= exact_right),
            ("exclusiveMinimum", exact_left > exact_right),
            ("exclusiveMaximum", exact_left < exact_right),
        ] {
            prop_assert_eq!(passes(&format!(r#"{{"{keyword}":{right}}}"#), &left), expected, "{}", keyword);
        }
        prop_assert_eq!(passes(r#"{"type":"integer"}"#, &left), exact_left.fract().is_zero());
        if exact_right.is_sign_positive() && !exact_right.is_zero() {
            let divides = (exact_left % exact_right).is_zero();
            prop_assert_eq!(passes(&format!(r#"{{"multipleOf":{right}}}"#), &left), divides);
        }
    }
}

//! What every value operation promises, whatever the record holds.

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::op::tests::run;
use crate::op::{
    AddUuid, Bands, Case, ChangeCase, Convert, FormatDate, HashText, HmacText, Join, MapValues, Operation,
    ParseDate, Partition, Replace, Reversibility, Round, Scalar, Set, SetDefault, Split, ToDecimal, Trim,
};
use crate::record::{Rounding, Value};

/// One of each, all on `a`.
fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(
            ToDecimal::new("a")
                .strip("$,")
                .parentheses_negative()
                .places(2, Rounding::HalfUp),
        ),
        Box::new(Round::new("a", 2, Rounding::HalfEven)),
        Box::new(Convert::new("a", Scalar::Integer)),
        Box::new(Convert::new("a", Scalar::Text)),
        Box::new(MapValues::new("a").value("1", Value::null())),
        Box::new(Bands::new("a", "b").above(Decimal::ONE, Value::null())),
        Box::new(Split::new("a", " ")),
        Box::new(Split::new("a", " ").into_fields(["b", "c"])),
        Box::new(Split::by_pattern("a", r"(\d+)\D(\d+)").into_fields(["b", "c"])),
        Box::new(Join::new("a", ",")),
        Box::new(Join::fields(["a", "d"], "b", ",")),
        Box::new(Replace::new("a", r"(\d+)", "<$1>").must_match()),
        Box::new(Trim::new("a")),
        Box::new(ChangeCase::new("a", Case::Title)),
        Box::new(ParseDate::new(
            "a",
            &["%d.%m.%Y", "%Y%m%d %H%M%S%.f", "%s"],
            Some("Europe/Berlin"),
        )),
        Box::new(FormatDate::new("a", "%d %b %Y %H:%M %z").zone("Asia/Kathmandu")),
        Box::new(HashText::new("a")),
        Box::new(HmacText::new("a", "pepper")),
        Box::new(AddUuid::new("a[*].id")),
        Box::new(
            Partition::new("a")
                .formats(&["%d.%m.%Y %H:%M", "%s"], None)
                .hash("a", 10, "a"),
        ),
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    let texts = prop_oneof![
        any::<String>(),
        "[-+($]{0,2}[0-9,.]{0,35}[)]?",
        "[0-9]{1,4}[-./ ][0-9]{1,2}[-./ ][0-9]{1,4}([T ][0-9:.]{0,12}(Z|[+-][0-9:]{2,5})?)?",
        "-?[0-9]{1,20}",
    ];
    let texts = texts.prop_map(|text| serde_json::to_string(&text).expect("a string has a JSON text"));
    let scalars = prop_oneof![
        texts,
        r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,12})?",
        Just("null".to_owned()),
        Just("true".to_owned()),
    ];
    scalars.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            inner.prop_map(|value| format!(r#"{{"id":{value}}}"#)),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_makes_an_operation_panic(value in any_value()) {
        let json = format!(r#"{{"a":{value}}}"#);
        for op in operations() {
            if let Err(refusal) = run(op.as_ref(), &json) {
                let code = format!("{}.", op.name());
                prop_assert!(refusal.split(", ").all(|one| one.starts_with(&code)), "{refusal}");
            }
        }
    }

    #[test]
    fn an_exact_inverse_gives_the_same_document(text in "[a-z ,]{0,12}", number in 0u32..4) {
        let table = ["w", "x", "y", "z"].iter().enumerate();
        let map = table.fold(MapValues::new("n").keys(crate::op::MapKeys::Number), |map, (key, value)| {
            map.value(&key.to_string(), Value::text(value))
        });
        let ops: [Box<dyn Operation>; 3] = [
            Box::new(map),
            Box::new(Split::new("t", ", ")),
            Box::new(Convert::new("n", Scalar::Text).from(Scalar::Integer)),
        ];
        let json = format!(r#"{{"t":"{text}","n":{number}}}"#);
        for op in ops {
            prop_assert_eq!(op.reversibility(), Reversibility::Exact);
            let there = run(op.as_ref(), &json).unwrap();
            prop_assert_eq!(run(op.inverse().unwrap().as_ref(), &there).unwrap(), json.clone());
        }
    }
}

#[test]
fn every_refusal_code_is_in_the_manual() {
    let values = [
        "null",
        "true",
        "[]",
        "{}",
        "[1]",
        "\"x\"",
        "\"1 2 3\"",
        "1e400",
        "1.5",
        "\"29.02.2023\"",
        "\"31.03.2024\"",
    ];
    for op in operations() {
        let mut manuals = crate::op::MANUALS.iter();
        let manual = manuals
            .find(|manual| manual.name == op.name())
            .expect("every operation has a manual");
        let records = values.iter().map(|value| format!(r#"{{"a":{value},"b":1}}"#));
        for record in records.chain(["{}".to_owned()]) {
            let Err(refused) = run(op.as_ref(), &record) else {
                continue;
            };
            for one in refused.split(", ") {
                let code = one.split(' ').next().unwrap_or_default();
                assert!(manual.refusals.contains(&code), "{code} is not in the manual");
            }
        }
    }
}

/// Bad paths, and the code of the problem that each one is.
fn bad_paths() -> Vec<(Box<dyn Operation>, &'static str)> {
    vec![
        (Box::new(Trim::new("a..b")), "stage.bad_path"),
        (Box::new(Trim::new("a").to("b[*].c")), "stage.other_elements"),
        (Box::new(Set::new("", Value::null())), "stage.bad_path"),
    ]
}

/// Other bad settings, and the code of the problem that each one is.
fn bad_settings() -> Vec<(Box<dyn Operation>, &'static str)> {
    vec![]
}

#[test]
fn bad_settings_are_problems_when_the_stage_is_built() {
    for (op, code) in bad_paths().into_iter().chain(bad_settings()) {
        let problems = op.problems();
        assert_eq!(problems.first().map(|problem| problem.code), Some(code), "{op:?}");
    }
}

#[test]
fn fixed_values_are_not_changed_by_writing_them() {
    let json = Value::parse(r#"{"price":6.00,"z":[1E2]}"#).unwrap();
    for op in [
        Box::new(Set::new("a", json.clone())) as Box<dyn Operation>,
        Box::new(SetDefault::new("a", json)),
    ] {
        assert_eq!(
            run(op.as_ref(), "{}").unwrap(),
            r#"{"a":{"price":6.00,"z":[1E2]}}"#
        );
    }
}

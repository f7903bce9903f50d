//! The promise of `Reversibility::Exact`, tried on many documents: an operation and then its inverse give back the
//! same text, or one of the two refuses the record.

use proptest::prelude::*;

use crate::op::tests::{apply, operation};
use crate::op::{Operation, Reversibility};
use crate::record::Document;

/// JSON of any shape, with few names so that paths often meet something, and with number texts that a careless
/// program would change.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("6.00".to_owned()),
        Just("-0".to_owned()),
        Just("1E2".to_owned()),
        Just("123456789012345678901234567890.10".to_owned()),
        Just(r#""a""#.to_owned()),
        Just(r#""\u0061, b ,""#.to_owned()),
        Just(r#"" ""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            list.prop_map(|list| format!("[{}]", list.join(","))),
            object(inner)
        ]
    })
}

/// An object whose fields have different names, in any order.
fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let names = Just(["a", "b", "c", "x", "y"]).prop_shuffle();
    (names, prop::collection::vec(value, 0..5)).prop_map(|(names, values)| {
        let fields = names.iter().zip(values);
        let fields: Vec<String> = fields
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// Operations in forms that claim to be exact; those that hold expressions are tried where the engine is.
const EXACT: &[&str] = &[
    "op='rename'\nfrom='a'\nto='b'",
    "op='rename'\nfrom='a.x'\nto='a.y'",
    "op='rename'\nfrom='a[*].x'\nto='a[*].y'",
    "op='rename'\nfrom='a[*].b[*].x'\nto='a[*].b[*].y'",
    "op='rename'\nfrom='/a/0/x'\nto='/a/0/y'",
    "op='copy'\nfrom='a'\nto='b'",
    "op='copy'\nfrom='a.x'\nto='b'",
    "op='copy'\nfrom='a.x'\nto='a.y'",
    "op='copy'\nfrom='a'\nto='a.y'",
    "op='copy'\nfrom='a[*].x.y'\nto='a[*].y'",
    "op='wrap'\npath='a'",
    "op='wrap'\npath='a'\nkey='x'",
    "op='wrap'\npath='a[*]'\nkey='x'",
    "op='wrap'\npath='a[*].x'\nmissing='skip'",
    "op='unwrap'\npath='a'",
    "op='unwrap'\npath='a'\nkey='x'",
    "op='unwrap'\npath='a[*]'",
    "op='unwrap'\npath='a.b'\nmissing='skip'",
    "op='zip'\nfrom={x='a', y='b'}\nto='c'",
    "op='zip'\nfrom={x='a', y='b'}\nto='c'\nseparator=','",
    "op='each'\npath='a'\nops=[{op='rename', from='x', to='y'}, {op='copy', from='y', to='b'}, {op='wrap', path='b'}]",
    "op='uuid'\npath='b'",
    "op='uuid'\npath='a[*].y'",
    "op='bands'\npath='a'\nto='b'\nbands=[{above=1, value=true}]\notherwise='low'",
    "op='hash'\npath='a[*].x'\nto='a[*].y'\nnull='keep'",
    "op='trim'\npath='a.x'\nto='a.y'\nnull='keep'",
    "op='convert'\npath='a'\nfrom='integer'\nto='text'",
    "op='split'\npath='a'\nat=','\ninto=['b', 'c']\nfewer='empty'",
    "op='split'\npath='a[*].x'\nat=','\ninto=['a[*].y']\nnull='keep'",
    "op='join'\nfrom=['a', 'b']\nto='c'\nwith=' '",
    "op='join'\npath='a'\nto='b'\nwith=' '",
    "op='each'\npath='a[*].b'\nmissing='skip'\nops=[{op='wrap', path='x', key='x'}, {op='rename', from='x', to='y'}]",
];

fn returns(operation: &dyn Operation, json: &str) -> Result<(), TestCaseError> {
    let inverse = operation.inverse().expect("an exact operation has an inverse");
    let mut document = Document::parse(json).expect("the strategy makes objects");
    if apply(operation, &mut document).is_err() || apply(&*inverse, &mut document).is_err() {
        return Ok(());
    }
    prop_assert_eq!(document.to_json(), json, "{:?}", operation);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_exact_operation_and_its_inverse_give_back_the_same_text(json in object(json())) {
        for body in EXACT {
            let operation = operation(body);
            prop_assert_eq!(operation.reversibility(), Reversibility::Exact, "{}", body);
            returns(&*operation, &json)?;
            let inverse = operation.inverse().expect("an exact operation has an inverse");
            if inverse.reversibility() == Reversibility::Exact {
                returns(&*inverse, &json)?;
            }
        }
    }
}

#[test]
fn the_exact_operations_do_work_on_documents_that_fit() {
    let fitting = [
        r#"{"c0":1,"a":6.00,"z":-0}"#,
        r#"{"a":{"x":{"y":1.0}},"z":1E2}"#,
        r#"{"a":[{"x":{"y":6.00},"b":[{"x":1}]}]}"#,
        r#"{"a":[{"z":0,"x":6.00}]}"#,
        r#"{"a":["1"],"b":["2"]}"#,
        r#"{"a":[["1"]]}"#,
        r#"{"a":{"b":[1]}}"#,
        r#"{"a":6.00}"#,
        r#"{"a":"x, y","z":0}"#,
        r#"{"a":"x","b":1}"#,
        r#"{"a":[{"x":"\u0061"},{"x":null}]}"#,
        r#"{"a":{"x":" \u0061"}}"#,
        r#"{"a":7}"#,
        r#"{"a":["x",1.0]}"#,
    ];
    for body in EXACT {
        let operation = operation(body);
        let inverse = operation.inverse().expect("an exact operation has an inverse");
        let worked = fitting.iter().filter(|json| {
            let mut document = Document::parse(json).expect("the test's JSON is an object");
            apply(&*operation, &mut document).is_ok()
                && document.to_json() != **json
                && apply(&*inverse, &mut document).is_ok()
                && document.to_json() == **json
        });
        assert!(worked.count() > 0, "{body}");
    }
}

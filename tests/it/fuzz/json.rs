//! JSON as it is let in, beside what `serde_json` says of the same bytes.

use counterfoil::record::{Kind, Limits, Value, admit};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::judge;
use super::texts::{JSON, compact, depth_of, edited, edits, faulty, has_a_name_twice, json, record};

/// The same value, the same names in the same order, and every number in its own text.
fn is_same(ours: &Value, theirs: &Json) -> bool {
    match theirs {
        Json::Null => ours.is_null(),
        Json::Bool(truth) => ours.as_boolean() == Some(*truth),
        Json::Number(number) => ours
            .as_number()
            .is_some_and(|ours| with_sign(ours) == number.to_string()),
        Json::String(text) => ours.kind() == Kind::Text && ours.as_text().as_deref() == Some(text.as_str()),
        Json::Array(theirs) => ours.as_list().is_some_and(|ours| {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| is_same(ours, theirs))
        }),
        Json::Object(theirs) => ours.as_object().is_some_and(|ours| {
            let mut pairs = ours.fields().iter().zip(theirs);
            ours.len() == theirs.len()
                && pairs
                    .all(|(ours, (name, value))| ours.name() == name.as_str() && is_same(&ours.value, value))
        }),
    }
}

/// A number as `serde_json` writes it: with a small `e` and a sign behind it. Ours keeps its text.
fn with_sign(number: &str) -> String {
    let Some((digits, exponent)) = number.split_once(['e', 'E']) else {
        return number.to_owned();
    };
    let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
    format!("{digits}e{sign}{exponent}")
}

/// What is let in is what `serde_json` reads, less what the limits and the rule about names refuse.
fn is_let_in(bytes: &[u8], limits: &Limits) -> bool {
    let ours = admit(bytes, limits);
    let shown = String::from_utf8_lossy(bytes);
    if bytes.len() > limits.bytes {
        assert_eq!(ours.map_err(|fault| fault.code), Err("json.size"), "{shown}");
        return false;
    }
    let Ok(theirs) = serde_json::from_slice::<Json>(bytes) else {
        let code = ours.expect_err(&shown).code;
        let is_text = std::str::from_utf8(bytes).is_ok();
        assert_eq!(code == "json.utf8", !is_text, "{code} {shown}");
        // A text that is wrong in several ways has one code.
        let of_form = ["json.syntax", "json.escape", "json.depth", "json.duplicate_key"];
        assert!(!is_text || of_form.contains(&code), "{code} {shown}");
        return false;
    };
    let text = std::str::from_utf8(bytes).expect("JSON is UTF-8");
    if has_a_name_twice(text, &theirs) {
        // `serde_json` has dropped the field that came first, which may be the deep one.
        let code = ours.expect_err(&shown).code;
        assert!(
            ["json.duplicate_key", "json.depth"].contains(&code),
            "{code} {shown}"
        );
        return false;
    }
    if depth_of(&theirs) > limits.depth {
        assert_eq!(ours.map_err(|fault| fault.code), Err("json.depth"), "{shown}");
        return false;
    }
    let stored = ours.expect(&shown);
    assert_eq!(stored, compact(text));
    assert_eq!(admit(stored.as_bytes(), limits).as_ref(), Ok(&stored));
    let value = Value::parse(&stored).expect("what was let in");
    assert!(is_same(&value, &theirs), "{value:?} {theirs:?}");
    assert_eq!(value.to_json(), stored);
    true
}

fn limits() -> impl Strategy<Value = Limits> {
    let bytes = prop_oneof![5 => Just(usize::MAX), 1 => 0..200usize];
    let depth = prop_oneof![3 => Just(128), 1 => 0..6usize];
    (bytes, depth).prop_map(|(bytes, depth)| Limits::default().bytes(bytes).depth(depth))
}

#[test]
fn what_is_let_in_is_what_another_parser_reads_less_the_documented_limits() {
    let changed = (record(), edits(JSON, 2)).prop_map(|(text, edits)| edited(&text, &edits));
    let texts = prop_oneof![3 => json(), 2 => record(), 3 => faulty(), 2 => changed];
    judge(6_000, (texts, limits()), |(text, limits)| {
        is_let_in(text.as_bytes(), &limits)
    });
}

#[test]
fn bytes_that_are_no_text_are_refused_as_another_parser_refuses_them() {
    let within = (record(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    let any_bytes = prop::collection::vec(any::<u8>(), 0..40);
    judge(
        1_000,
        (prop_oneof![3 => within, 1 => any_bytes], limits()),
        |(bytes, limits)| is_let_in(&bytes, &limits),
    );
}

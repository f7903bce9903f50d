//! Sort keys as bytes in the wanted order, so that SQLite can sort what does not fit in memory.

use super::Sort;
use super::{Order, Query};
use crate::contract::Exact;
use crate::record::{Document, Kind, Value};

/// Returns the key of a document under the sorts of a query. Of two documents the one with the smaller key comes first;
/// documents with equal keys are equal in every sort.
#[must_use]
pub fn sort_key(document: &Document, query: &Query) -> Vec<u8> {
    let mut key = Vec::new();
    for Sort { path, order } in query.sorts() {
        let begin = key.len();
        push(document.at(path).as_deref(), &mut key);
        if *order == Order::Descending {
            key[begin..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    key
}

/// Appends a value; no value's bytes are a prefix of another's.
fn push(value: Option<&Value>, key: &mut Vec<u8>) {
    key.push(rank(value));
    let Some(value) = value else { return };
    if let Some(number) = value.as_number() {
        push_number(number, key);
    } else if let Some(text) = value.as_text() {
        for byte in text.bytes() {
            key.push(byte);
            // A zero byte inside a text sorts after the end of a text.
            if byte == 0 {
                key.push(0xff);
            }
        }
        key.extend([0, 0]);
    }
}

/// Appends the sign, the position of the first digit, the digits, and an end that is less than any digit; for a
/// negative number, all inverted.
fn push_number(text: &str, key: &mut Vec<u8>) {
    let number = Exact::from_text(text);
    let Some((is_negative, place, digits)) = number.significant() else {
        key.push(1);
        return;
    };
    key.push(if is_negative { 0 } else { 2 });
    let begin = key.len();
    // The sign bit is flipped, so that negative positions sort before positive ones.
    key.extend((place.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    key.extend(digits);
    key.push(0);
    if is_negative {
        key[begin..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// Returns the rank of a value's kind among the kinds.
pub(super) fn rank(value: Option<&Value>) -> u8 {
    let Some(value) = value else { return 0 };
    match value.kind() {
        Kind::Null => 1,
        Kind::Boolean if value.as_boolean() == Some(false) => 2,
        Kind::Boolean => 3,
        Kind::Number => 4,
        Kind::Text => 5,
        Kind::List => 6,
        Kind::Object => 7,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::select::compare_keys;

    fn any_value() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("[]".to_owned()),
            Just("{}".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            "-?0(\\.0{1,3})?",
            "\"(\\\\u0000|[ab\\u{e9}]|\\u{ff}){0,4}\"",
        ]
    }

    proptest! {
        #[test]
        fn keys_stand_in_the_order_of_the_values(left in any_value(), right in any_value(), missing in 0..8_u8) {
            let document = |value: &str, is_missing: bool| {
                let text = if is_missing { "{}".to_owned() } else { format!("{{\"a\":{value}}}") };
                Document::parse(&text).expect("JSON")
            };
            let (left, right) = (document(&left, missing == 1), document(&right, missing == 2));
            let path = "a".parse().expect("a path");
            let (one, other) = (left.at(&path), right.at(&path));
            let expected = compare_keys(one.as_deref(), other.as_deref());
            for (order, expected) in [(Order::Ascending, expected), (Order::Descending, expected.reverse())] {
                let query = Query::new().sort("a", order).expect("a path");
                prop_assert_eq!(sort_key(&left, &query).cmp(&sort_key(&right, &query)), expected);
            }
        }
    }
}

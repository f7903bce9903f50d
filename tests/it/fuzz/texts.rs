//! How random texts are made, and what plain code says of JSON.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

/// One change of a text: from where, how much of it goes, and what comes instead.
pub(super) type Edit = (Index, usize, String);

/// A few changes that put in some of these pieces.
pub(super) fn edits(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Edit>> {
    let piece = prop_oneof![
        6 => select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec((any::<Index>(), 0..12usize, piece), 1..=most)
}

/// The text after the changes, each of which cuts between characters.
pub(super) fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for (at, length, piece) in edits {
        let from = boundary(&text, at.index(text.len() + 1));
        let to = boundary(&text, (from + length).min(text.len()));
        text.replace_range(from..to, piece);
    }
    text
}

/// The last place between two characters that is not behind this one.
fn boundary(text: &str, at: usize) -> usize {
    let mut places = (0..=at).rev();
    places.find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Pieces that mean something in JSON.
pub(super) const JSON: &[&str] = &[
    "", "", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "0", "-", ".", "e", "null", " ", "\t", "\r",
    "\"id\":", "\"a\":1,", "\\ud800", "\u{feff}", "\0",
];

/// Leaves that are no JSON, or none that is let in.
const FAULTS: &[&str] = &[
    "01",
    "-01",
    "1.",
    "+1",
    ".5",
    "-",
    "1e",
    "1e+",
    "0x1",
    "NaN",
    "--1",
    "1 2",
    "nul",
    "True",
    "",
    "'a'",
    "\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\t\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\0\"",
    "1,",
    ",1",
    "\u{a0}1",
    "\u{feff}1",
    "[1,]",
    "[,]",
    "[1",
    "{",
    "]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":2}",
];

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?"
}

fn text() -> impl Strategy<Value = String> {
    let piece = select(
        &[
            "a",
            "id",
            "\u{e9}",
            "\u{1f600}",
            "\\n",
            "\\\"",
            "\\\\",
            "\\/",
            "\\u0041",
            "\\u00E9",
            "\\ud83d\\ude00",
            "\\u0000",
            "\u{7f}",
            "\u{2028}",
            " ",
            ",",
            "{",
            "]",
            ":",
        ][..],
    );
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Names, few enough that one comes twice at times, also in another spelling.
fn name() -> impl Strategy<Value = String> {
    let names = &[
        "\"a\"",
        "\"b\"",
        "\"c\"",
        "\"\"",
        "\"\u{e9}\"",
        "\"a b\"",
        "\"__proto__\"",
        "\"\\u0061\"",
    ][..];
    prop_oneof![3 => select(names).prop_map(str::to_owned), 2 => text(), 2 => "\"[a-z]{3}\""]
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => select(&[" ", "\t", "\r", "  "][..])]
}

/// A JSON text, in which a name may stand twice.
pub(super) fn json() -> impl Strategy<Value = String> {
    let word = select(&["null", "true", "false"][..]).prop_map(str::to_owned);
    let leaf = prop_oneof![3 => number(), 3 => text(), 2 => word];
    leaf.prop_recursive(4, 12, 4, |inner| {
        let list = prop::collection::vec((blank(), inner.clone(), blank()), 0..4)
            .prop_map(|parts| joined("[", parts.iter().map(|(a, part, b)| format!("{a}{part}{b}")), "]"));
        prop_oneof![
            list,
            fields(inner).prop_map(|fields| joined("{", fields.into_iter(), "}"))
        ]
    })
}

/// One fault in a text that is good around it.
pub(super) fn faulty() -> impl Strategy<Value = String> {
    let layer = (any::<bool>(), prop::collection::vec(text(), 0..3), any::<Index>());
    let layers = prop::collection::vec(layer, 0..4);
    (select(FAULTS), layers).prop_map(|(fault, layers)| {
        layers
            .into_iter()
            .fold(fault.to_owned(), |inner, (is_list, beside, at)| {
                let at = at.index(beside.len() + 1);
                let named = |(at, value)| {
                    if is_list {
                        value
                    } else {
                        format!("\"{at}\":{value}")
                    }
                };
                let mut parts = beside;
                parts.insert(at, inner);
                let parts = parts.into_iter().enumerate().map(named);
                if is_list {
                    joined("[", parts, "]")
                } else {
                    joined("{", parts, "}")
                }
            })
    })
}

fn fields(value: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    let field =
        (blank(), name(), blank(), value).prop_map(|(a, name, b, value)| format!("{a}{name}{b}:{value}"));
    prop::collection::vec(field, 0..4)
}

fn joined(open: &str, parts: impl Iterator<Item = String>, close: &str) -> String {
    format!("{open}{}{close}", parts.collect::<Vec<_>>().join(","))
}

/// An object with an id, nearly always one that can be one; few enough that one comes twice.
pub(super) fn record() -> impl Strategy<Value = String> {
    let id = prop_oneof![
        20 => "\"[a-f]{1,2}\"",
        10 => "[0-9]{1,2}".prop_map(|digits| digits.trim_start_matches('0').to_owned() + "0"),
        1 => Just("-0".to_owned()),
        4 => json(),
    ];
    (id, fields(json()), any::<Index>()).prop_map(|(id, mut fields, at)| {
        fields.insert(at.index(fields.len() + 1), format!("\"id\":{id}"));
        joined("{", fields.into_iter(), "}")
    })
}

/// The bytes of JSON that stand outside of its texts.
fn outside(json: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut in_text, mut escaped) = (false, false);
    json.bytes().enumerate().filter(move |(_, byte)| {
        let was_in_text = in_text;
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ => {}
        }
        !was_in_text
    })
}

/// Valid JSON without the whitespace between its parts.
pub(super) fn compact(json: &str) -> String {
    let blanks: Vec<usize> = outside(json)
        .filter(|(_, byte)| byte.is_ascii_whitespace())
        .map(|(at, _)| at)
        .collect();
    let kept = json.bytes().enumerate();
    let kept = kept.filter(|(at, _)| blanks.binary_search(at).is_err());
    String::from_utf8(kept.map(|(_, byte)| byte).collect()).expect("only ASCII was taken out")
}

/// Whether valid JSON has a name twice in one object: then `serde_json` keeps one field of both.
pub(super) fn has_a_name_twice(json: &str, value: &Json) -> bool {
    outside(json).filter(|(_, byte)| *byte == b':').count() > fields_in(value)
}

fn fields_in(value: &Json) -> usize {
    match value {
        Json::Array(parts) => parts.iter().map(fields_in).sum(),
        Json::Object(fields) => fields.values().map(|value| 1 + fields_in(value)).sum(),
        _ => 0,
    }
}

/// How deep lists and objects nest.
pub(super) fn depth_of(value: &Json) -> usize {
    match value {
        Json::Array(parts) => 1 + parts.iter().map(depth_of).max().unwrap_or(0),
        Json::Object(fields) => 1 + fields.values().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

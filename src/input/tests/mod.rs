mod array;
mod lines;
mod promises;
mod table;

use std::io;

use super::*;
use crate::record::Limits;

/// Returns line and id-and-data, or line and code, of everything in an input.
fn read(format: Format, input: &[u8]) -> Vec<(u64, String)> {
    outcome(Reader::new(input, Options::new(format)).unwrap())
}

fn outcome(reader: Reader<&[u8]>) -> Vec<(u64, String)> {
    reader.map(|incoming| describe(&incoming.unwrap())).collect()
}

fn describe(incoming: &Incoming) -> (u64, String) {
    match &incoming.body {
        Ok(ready) => (incoming.line, format!("{} {}", ready.id, ready.data)),
        Err(rejected) => {
            assert_eq!(rejected.refusal.line, Some(incoming.line));
            (incoming.line, rejected.refusal.code.to_string())
        }
    }
}

fn lines_of(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect()
}

#[test]
fn the_format_is_guessed_from_the_name_and_then_from_the_first_byte() {
    for (name, first_bytes, expected) in [
        (Some("a.CSV"), &b"["[..], Format::Csv),
        (Some("a.ndjson"), b"[", Format::Lines),
        (Some("a.b.jsonl"), b"[", Format::Lines),
        (Some("a.json"), b"\xef\xbb\xbf \n[", Format::Array),
        (Some("a.json"), b" {", Format::Lines),
        (None, b"[1", Format::Array),
        (None, b"", Format::Lines),
    ] {
        assert_eq!(Format::guess(name, first_bytes), expected);
    }
}

#[test]
fn a_debug_form_never_shows_what_was_rejected() {
    let mut reader = Reader::new(&b"{\"ssn\": 123456789 x}"[..], Options::new(Format::Lines)).unwrap();
    let shown = format!("{:?}", reader.next().unwrap().unwrap());
    assert!(
        !shown.contains("123456789") && shown.contains("json.syntax"),
        "{shown}"
    );
}

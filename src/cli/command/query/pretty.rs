//! JSON over several lines, written as it is read: a record may be too large to build a second time.

use std::io::{self, Write};

use crate::cli::render::shown_json;

/// Number of bytes of a text that are made safe at once.
const RUN: usize = 64 << 10;

/// Writes JSON over several lines: the texts of numbers as they are, texts with no more escapes than they need and those that
/// make them safe to show.
pub(super) fn pretty(json: &str, out: &mut impl Write) -> io::Result<()> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' | b'[' if matches!(bytes.get(at), Some(b'}' | b']')) => {
                at += 1;
                out.write_all(&bytes[start..at])?;
            }
            b'{' | b'[' => {
                out.write_all(&[*byte])?;
                depth += 1;
                line(depth, out)?;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(depth, out)?;
                out.write_all(&[*byte])?;
            }
            b',' => {
                out.write_all(b",")?;
                line(depth, out)?;
            }
            b':' => out.write_all(b": ")?,
            b'"' => {
                at = end_of_text(bytes, at);
                text(&json[start..at], out)?;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                let is_part = |byte: &u8| !b"{}[],:\" \t\r\n".contains(byte);
                at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                out.write_all(shown_json(&json[start..at]).as_bytes())?;
            }
        }
    }
    Ok(())
}

fn line(depth: usize, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\n{:1$}", "", 2 * depth)
}

/// Returns the position after the quote that ends a text.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            // What is escaped may be of several bytes: the others of them are no quotes.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn text(json: &str, out: &mut impl Write) -> io::Result<()> {
    let mut rest = json;
    while !rest.is_empty() {
        if let Some((character, length)) = escape(rest) {
            escaped(character, out)?;
            rest = &rest[length..];
            continue;
        }
        // At least one character; a backslash that escapes nothing stays.
        let mut end = rest
            .bytes()
            .take(RUN)
            .skip(1)
            .take_while(|byte| *byte != b'\\')
            .count()
            + 1;
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        out.write_all(shown_json(&rest[..end]).as_bytes())?;
        rest = &rest[end..];
    }
    Ok(())
}

/// The character that a text's escape stands for, and how long the escape is.
fn escape(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'\\') {
        return None;
    }
    let character = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            if let Some(character) = char::from_u32(u32::from(first)) {
                return Some((character, 6));
            }
            let second = unit(8).filter(|_| text.get(6..8) == Some("\\u"))?;
            let character = char::decode_utf16([first, second]).next()?.ok()?;
            return Some((character, 12));
        }
        _ => return None,
    };
    Some((character, 2))
}

fn escaped(character: char, out: &mut impl Write) -> io::Result<()> {
    match character {
        '"' => out.write_all(b"\\\""),
        '\\' => out.write_all(b"\\\\"),
        '\u{8}' => out.write_all(b"\\b"),
        '\u{c}' => out.write_all(b"\\f"),
        '\n' => out.write_all(b"\\n"),
        '\r' => out.write_all(b"\\r"),
        '\t' => out.write_all(b"\\t"),
        other => out.write_all(shown_json(other.encode_utf8(&mut [0; 4])).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> String {
        let mut out = Vec::new();
        pretty(json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_is_what_building_the_record_gives() {
        let long = "\u{e9}x".repeat(RUN);
        for json in [
            "{}",
            "[]",
            r#"{"a":1.50,"b":[],"c":{},"d":[{"e":[1e400,-0]},"x\"y,[]{}:"],"f":null,"g":true}"#,
            r#"{"a\u0041\/\\\"":"\b\f\n\r\t\u0000\u001f\u007f\u200e\ud83d\ude00 \u00e9 é \\u0041"}"#,
            &format!("[\"{long}\",\"\\n{long}\\\\\"]"),
            "[\"\u{7f}\u{202e}\u{e9}\"]",
        ] {
            assert_eq!(written(json), crate::cli::render::pretty(json), "{json}");
        }
    }

    #[test]
    fn what_is_damaged_is_shown_all_the_same() {
        for json in [
            "",
            "\"",
            "{\"a\\",
            "]]}",
            "\"\\u12",
            "\"\\ud800\\u",
            "\"\\é\"",
            "{\"a\":\u{1}x",
            "[\"\\ud800\"]",
        ] {
            assert!(
                written(json)
                    .chars()
                    .all(|character| character == '\n' || !character.is_control())
            );
        }
    }
}

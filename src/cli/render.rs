//! How things look: quiet tables, exact numbers, nothing that a terminal would obey.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, Table, presets};
use counterfoil::record::{Field, Value};
use serde_json::Value as Json;

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: &str) -> String {
    styled(Style::new().bold(), text)
}

pub(crate) fn dim(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

pub(crate) fn red(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

pub(crate) fn green(text: &str) -> String {
    styled(AnsiColor::Green.on_default(), text)
}

pub(crate) fn yellow(text: &str) -> String {
    styled(AnsiColor::Yellow.on_default(), text)
}

pub(crate) fn cyan(text: &str) -> String {
    styled(AnsiColor::Cyan.on_default(), text)
}

/// Whether a terminal might obey a character, or show the text around it in another order.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text from outside, safe to show on one line.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |character| !is_unsafe(character))
}

/// A text from outside, safe to show; its lines stay.
pub(crate) fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character == '\n' || !is_unsafe(character))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&keep) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if keep(character) {
            safe.push(character);
        } else {
            safe.extend(character.escape_default());
        }
    }
    Cow::Owned(safe)
}

/// JSON, safe to show: what a terminal might obey is written as JSON escapes, so that it stays the same JSON.
pub(crate) fn shown_json(json: &str) -> Cow<'_, str> {
    if !json
        .chars()
        .any(|character| character != '\n' && is_unsafe(character))
    {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_unsafe(character) {
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// An amount of bytes, about: `1.2 MB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut tenths, mut unit) = (u128::from(number) * 10, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    match tenths {
        ..100 if unit > 0 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!(
            "{} {}",
            count(u64::try_from(tenths / 10).unwrap_or(u64::MAX)),
            UNITS[unit]
        ),
    }
}

/// How long something takes, about: `12 s`, `3 min`.
pub(crate) fn took(microseconds: u64) -> String {
    match microseconds / 1_000 {
        ..1_000 => "a second".to_owned(),
        ms @ 1_000..120_000 => counted(ms / 1_000, "second"),
        ms @ 120_000..7_200_000 => counted(ms / 60_000, "minute"),
        ms => counted(ms / 3_600_000, "hour"),
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 record`, `2 records`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{} {one}{end}", count(number))
}

/// A record's value for an envelope. Built from our own reading of it, because `serde_json` takes an object whose first
/// field has a private name of its own for a number.
pub(crate) fn envelope_json(value: &Value) -> Json {
    if let Some(object) = value.as_object() {
        let field = |field: &Field| (field.name().into_owned(), envelope_json(&field.value));
        return Json::Object(object.fields().iter().map(field).collect());
    }
    if let Some(list) = value.as_list() {
        return list.iter().map(envelope_json).collect();
    }
    if let Some(text) = value.as_text() {
        return Json::String(text.into_owned());
    }
    if let Some(number) = value.as_number() {
        // As written: parsing it would give an exponent without a sign a `+`. What was stored is a number for certain.
        return Json::Number(serde_json::Number::from_string_unchecked(number.to_owned()));
    }
    value.as_boolean().map_or(Json::Null, Json::Bool)
}

/// A time of the ledger, `2026-01-31T12:00:00Z`, for people.
pub(crate) fn moment(iso: &str) -> String {
    shown(iso).replace('T', " ")
}

/// A word of a command line to be copied into a shell: whatever it holds, it stays one word and starts nothing.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@%+=,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

/// The first digits of a hash.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A table: its header, and under it the rows. A column whose header begins with `>` is aligned to the right.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|name| Cell::new(name.trim_start_matches('>'))));
    for row in rows {
        table.add_row(row.iter().map(|cell| Cell::new(shown(cell))));
    }
    for (at, name) in header.iter().enumerate() {
        let Some(column) = table.column_mut(at) else {
            continue;
        };
        column.set_padding((0, 2));
        if name.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.trim_fmt();
    let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
    let end = if body.is_empty() { "" } else { "\n" };
    format!("{}\n{body}{end}", bold(head))
}

/// A text with every line moved to the right.
pub(crate) fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| format!("{:by$}{line}", ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_obeyed() {
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown("a\u{202e}b\u{9b}"), "a\\u{202e}b\\u{9b}");
        assert_eq!(shown("Ünï → ok"), "Ünï → ok");
        assert_eq!(shown_json("{\"a\":\"\u{9b}x\"}"), "{\"a\":\"\\u009bx\"}");
    }

    #[test]
    fn an_envelope_holds_a_value_exactly_whatever_its_names() {
        let json = r#"{"$serde_json::private::Number":"1e5","n":-0.10,"l":[1e400,1E+5,true,null],"o":{"$serde_json::private::RawValue":[]}}"#;
        let value = Value::parse(json).expect("valid JSON");
        assert_eq!(envelope_json(&value).to_string(), json);
    }

    #[test]
    fn numbers_are_exact_and_easy_to_read() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }
}

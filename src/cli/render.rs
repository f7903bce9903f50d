//! How things look: quiet tables, exact numbers, nothing that a terminal would obey.

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, Table, presets};
use counterfoil::record::{Field, Value};
pub(crate) use counterfoil::shown::{json as shown_json, line as shown, lines as shown_lines, word};
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

/// `1 record`, `2 records`, `2 entries`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let (stem, end) = match one.strip_suffix("ry") {
        _ if number == 1 => (one, ""),
        Some(stem) => (stem, "ries"),
        None => (one, "s"),
    };
    format!("{} {stem}{end}", count(number))
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

/// `orders_v1 -> orders_v2`, or the one of them that there is.
pub(crate) fn way(source: Option<&str>, target: Option<&str>) -> String {
    match (source, target) {
        (Some(source), Some(target)) if source != target => format!("{source} -> {target}"),
        (_, Some(one)) | (Some(one), None) => one.to_owned(),
        (None, None) => String::new(),
    }
}

/// `orders_v1 -> orders_v2`, or `orders_v1 in place`.
pub(crate) fn route(source: &str, target: &str) -> String {
    if source == target {
        format!("{source} in place")
    } else {
        format!("{source} -> {target}")
    }
}

/// JSON over several lines, number texts as they are; any other text as it is.
pub(crate) fn pretty(data: &str) -> String {
    match Value::parse(data) {
        Ok(value) => shown_json(&format!("{:#}", envelope_json(&value))).into_owned(),
        Err(_) => shown(data).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (number, text) in [(1, "1 entry"), (2, "2 entries"), (0, "0 entries")] {
            assert_eq!(counted(number, "entry"), text);
        }
        assert_eq!(counted(2, "key"), "2 keys");
    }
}

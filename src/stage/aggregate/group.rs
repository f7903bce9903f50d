//! The values that readings are grouped by, as texts: in the group, and in the ids of its windows.

use crate::record::{NumberText, Value, elements};

/// Appends a value to the text of a group: equal numbers and equal strings are written alike. Returns `false` for what
/// nothing is grouped by: lists, objects, numbers that are not exact, strings with NUL, which no id can have.
pub(super) fn push_value(json: Option<&str>, out: &mut String) -> bool {
    let Some(json) = json else {
        out.push_str("null");
        return true;
    };
    match json.as_bytes().first() {
        Some(b'"') if json.contains('\\') => {
            let text = Value::Raw(json.into());
            let Some(text) = text.as_text().filter(|text| !text.contains('\0')) else {
                return false;
            };
            out.push_str(&Value::text(&text).to_json());
        }
        Some(b'"' | b't' | b'f' | b'n') => out.push_str(json),
        Some(b'-' | b'0'..=b'9') => return push_number(json, out),
        _ => return false,
    }
    true
}

/// Appends a number without what makes no difference: `7.0` is 7, `1e2` is 100.
fn push_number(json: &str, out: &mut String) -> bool {
    let is_whole = json.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_whole && json != "-0" {
        out.push_str(json);
        return true;
    }
    let Ok(number) = NumberText::JSON.read(json) else {
        return false;
    };
    let number = number.normalize();
    if number.is_zero() {
        out.push('0');
    } else {
        out.push_str(&number.to_string());
    }
    true
}

/// Returns the values of a group.
pub(super) fn values(group: &str) -> impl Iterator<Item = &str> {
    elements(group)
}

/// Appends a value of a group as a part of an id: a string as itself, unless it would be taken for something else.
pub(super) fn push_part(json: &str, out: &mut String) {
    let value = Value::Raw(json.into());
    let text = match value.as_text() {
        Some(text) if !resembles_other(&text) => text,
        _ => json.into(),
    };
    for letter in text.chars() {
        match letter {
            '%' => out.push_str("%25"),
            '/' => out.push_str("%2F"),
            letter => out.push(letter),
        }
    }
}

/// Returns the group of which these are the parts of an id, joined by `/`; `None` if there is none.
pub(super) fn of_parts(parts: &str) -> Option<String> {
    let mut group = String::from("[");
    for part in parts.split('/') {
        if group.len() > 1 {
            group.push(',');
        }
        let text = part.replace("%2F", "/").replace("%25", "%");
        if resembles_other(&text) {
            serde_json::from_str::<serde::de::IgnoredAny>(&text).ok()?;
            group.push_str(&text);
        } else {
            group.push_str(&Value::text(&text).to_json());
        }
    }
    Some(group + "]")
}

/// Returns whether a string reads as a JSON value of another kind, or as a string with its quotes, or as nothing.
fn resembles_other(text: &str) -> bool {
    let is_number =
        matches!(text.as_bytes().first(), Some(b'-' | b'0'..=b'9')) && NumberText::JSON.takes(text);
    text.is_empty() || text.starts_with('"') || matches!(text, "true" | "false" | "null") || is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Option<String> {
        let mut out = String::new();
        push_value(Some(json), &mut out).then_some(out)
    }

    fn part(json: &str) -> String {
        let mut out = String::new();
        push_part(json, &mut out);
        out
    }

    #[test]
    fn equal_values_are_one_group_and_others_are_not() {
        for (json, expected) in [
            ("7", "7"),
            ("7.0", "7"),
            ("70e-1", "7"),
            ("1e2", "100"),
            ("-0", "0"),
            ("0.00", "0"),
            ("-0.0", "0"),
            ("-2.50", "-2.5"),
            (
                "123456789012345678901234567890123",
                "123456789012345678901234567890123",
            ),
            ("\"7\"", "\"7\""),
            ("\"\\u0041\\/\"", "\"A/\""),
            ("\"a\\n\"", "\"a\\n\""),
            ("true", "true"),
            ("null", "null"),
        ] {
            assert_eq!(value(json).as_deref(), Some(expected), "{json}");
        }
        for json in [
            "[1]",
            "{}",
            "1e400",
            "0.1234567890123456789012345678901",
            "\"a\\u0000\"",
        ] {
            assert_eq!(value(json), None, "{json}");
        }
    }

    #[test]
    fn a_part_of_an_id_stands_for_one_value_only() {
        for (json, expected) in [
            ("7", "7"),
            ("\"7\"", "\"7\""),
            ("\"7a\"", "7a"),
            ("\"-1e5\"", "\"-1e5\""),
            ("\"007\"", "007"),
            ("null", "null"),
            ("\"null\"", "\"null\""),
            ("true", "true"),
            ("\"true\"", "\"true\""),
            ("\"\"", "\"\""),
            ("\"\\\"x\"", "\"\\\"x\""),
            ("\"a/b%c\"", "a%2Fb%25c"),
            ("\"über\"", "über"),
        ] {
            assert_eq!(part(json), expected, "{json}");
        }
    }

    #[test]
    fn the_parts_of_an_id_give_the_group_again() {
        for group in [
            "[7]",
            r#"["7"]"#,
            r#"[null,true,"true",-2.5]"#,
            r#"["a/b","50%","%2F",""]"#,
            r#"["\"quoted\"","tab\t","\"","\\"]"#,
            r#"["123456789012345678901234567890123",1]"#,
        ] {
            let parts: Vec<String> = values(group).map(part).collect();
            assert_eq!(of_parts(&parts.join("/")).as_deref(), Some(group), "{parts:?}");
        }
        assert_eq!(of_parts("\"half"), None);
    }
}

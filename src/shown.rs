//! How text is shown safely. This is the one definition of the characters that a terminal, a page or a reader would
//! interpret instead of displaying. Screens, JSON and the page of a report show them as escapes.

mod inert;

pub(crate) use inert::Inert;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Returns whether a character is invisible, or changes how the text around it is displayed: controls (C0, DEL, C1),
/// line and paragraph separators, direction marks, joiners and other zero-width characters, fillers, variation
/// selectors, tags.
#[must_use]
pub fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{2800}' | '\u{110bd}' | '\u{110cd}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the escape of a character: `\n`, `\u{202e}`.
#[must_use]
pub fn escape(letter: char) -> impl fmt::Display {
    letter.escape_default()
}

/// Renders a number with grouped thousands, as on the screens.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a time of the ledger, in microseconds since 1970, as ISO 8601 in UTC, to the second.
#[must_use]
pub fn utc(micros: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Escapes a text from outside, so that it is safe to show on one line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| !hides(letter))
}

/// Escapes a text from outside, so that it is safe to show; line ends are kept.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter == '\n' || !hides(letter))
}

/// Escapes a text that contains style sequences, so that it is safe to show; line ends and the sequences that set
/// colours are kept.
#[must_use]
pub fn styled(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        safe += &lines(&rest[..at]);
        let length = style(&rest[at..]);
        match length {
            Some(length) => safe += &rest[at..at + length],
            None => safe += &line("\u{1b}"),
        }
        rest = &rest[at + length.unwrap_or(1)..];
    }
    safe += &lines(rest);
    Cow::Owned(safe)
}

/// Length of the escape sequence at the start of a text, where it only sets a style: `ESC [ 1 ; 31 m`.
fn style(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|letter: char| !letter.is_ascii_digit() && letter != ';')?;
    codes[end..].starts_with('m').then_some(end + 3)
}

/// Escapes JSON so that it is safe to show. Unsafe characters become JSON escapes, so that the value stays the same.
#[must_use]
pub fn json(json: &str) -> Cow<'_, str> {
    let is_safe = |letter: char| letter == '\n' || !hides(letter);
    if is_plain(json) || json.chars().all(is_safe) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_safe(letter) {
            safe.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _ = write!(safe, "\\u{unit:04x}");
        }
    }
    Cow::Owned(safe)
}

/// Whether a text has only visible ASCII characters and line ends, as most texts do.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte))
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&keep) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if keep(letter) {
            safe.push(letter);
        } else {
            let _ = write!(safe, "{}", escape(letter));
        }
    }
    Cow::Owned(safe)
}

/// Quotes a word for a command line that is copied into a shell. Whatever the text contains, the result is one word,
/// runs nothing, and is displayed as it is.
#[must_use]
pub fn word(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@%+=,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(hides) {
        return Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")));
    }
    let mut quoted = "$'".to_owned();
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            _ if hides(letter) => {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(quoted, "\\x{byte:02x}");
                }
            }
            _ => quoted.push(letter),
        }
    }
    Cow::Owned(quoted + "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_obeyed_is_shown_and_not_obeyed() {
        assert_eq!(line("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(lines("a\u{202e}b\u{9b}\n"), "a\\u{202e}b\\u{9b}\n");
        assert_eq!(line("Ünï → ok \u{1f4a9} e\u{301}"), "Ünï → ok \u{1f4a9} e\u{301}");
        assert_eq!(
            line("\u{e0041}\u{fe0f}\u{200b}\u{2028}\u{7f}"),
            "\\u{e0041}\\u{fe0f}\\u{200b}\\u{2028}\\u{7f}"
        );
        assert_eq!(
            styled("\u{1b}[1;31ma\u{1b}[0m\u{1b}[2J\u{9b}\n"),
            "\u{1b}[1;31ma\u{1b}[0m\\u{1b}[2J\\u{9b}\n"
        );
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "\u{9b}x\u{7f}\u{202e}\u{200d}\u{e0041}é\u{1f600}";
        let plain = serde_json::to_string(text).unwrap();
        let safe = json(&plain);
        assert_eq!(safe, "\"\\u009bx\\u007f\\u202e\\u200d\\udb40\\udc41é\u{1f600}\"");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }

    #[test]
    fn a_word_stays_one_word_and_shows_as_what_it_is() {
        assert_eq!(word("a-b_1"), "a-b_1");
        assert_eq!(word("it's $x"), "'it'\\''s $x'");
        assert_eq!(word("a\u{202e}'\\"), "$'a\\xe2\\x80\\xae\\'\\\\'");
        assert_eq!(word(""), "''");
    }
}

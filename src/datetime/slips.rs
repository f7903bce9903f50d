//! Common mistakes in formats: another notation, or `%M` for the month.

use super::error::FormatError;
use super::specifier::{DateNumber, FormatPart};

/// Returns whether a text is a format to read with.
type IsFormat<'f> = &'f dyn Fn(&str) -> bool;

/// Detects letters of other notations in a format without any `%`, which would match these letters themselves.
pub(super) fn without_specifier(text: &str, is_format: IsFormat<'_>) -> Option<FormatError> {
    if text.contains('%') {
        return None;
    }
    let meant = of_picture(text, is_format)?;
    let message = format!("`{text}` has no specifier such as `%d`: it matches only these letters");
    Some(FormatError::new(message, format!("write `{meant}`")))
}

/// Detects a confusion of minutes and months in a format that does not state the whole time.
pub(super) fn minutes_for_months(
    text: &str,
    parts: &[FormatPart],
    is_format: IsFormat<'_>,
) -> Option<FormatError> {
    let count = |wanted: fn(DateNumber) -> bool| {
        let is_it = |part: &&FormatPart| matches!(part, FormatPart::Number(number, _) if wanted(*number));
        parts.iter().filter(is_it).count()
    };
    let hours = count(|number| matches!(number, DateNumber::Hour | DateNumber::Hour12));
    let minutes = count(|number| number == DateNumber::Minute);
    let months = count(|number| number == DateNumber::Month);
    let has_name = parts.iter().any(|part| matches!(part, FormatPart::Month { .. }));
    if minutes > 0 && hours == 0 && months == 0 && !has_name {
        let message = format!("`{text}` has minutes without an hour: `%M` is the minute, `%m` the month");
        return Some(FormatError::new(
            message,
            instead(&text.replace("%M", "%m"), is_format),
        ));
    }
    if hours > 0 && minutes == 0 && (months > 1 || (months == 1 && has_name)) {
        let message = format!("`{text}` has hours without minutes: `%m` is the month, `%M` the minute");
        let meant = text
            .rsplit_once("%m")
            .map(|(before, after)| format!("{before}%M{after}"));
        return Some(FormatError::new(
            message,
            instead(&meant.unwrap_or_default(), is_format),
        ));
    }
    None
}

/// Returns the advice to write this format, where it is one, and otherwise where to find the specifiers.
fn instead(meant: &str, is_format: IsFormat<'_>) -> String {
    if is_format(meant) {
        format!("write `{meant}`")
    } else {
        "docs/dates.md lists every specifier".to_owned()
    }
}

/// Returns the format that `DD.MM.YYYY`, `yyyy-MM-dd'T'HH:mm:ss`, `TT.MM.JJJJ` or `jj/mm/aaaa` means.
fn of_picture(text: &str, is_format: IsFormat<'_>) -> Option<String> {
    let mut meant = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|next: char| next != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        let is_of_time = meant.ends_with("%H:") || meant.ends_with("%H") || meant.ends_with("%H.");
        let specifier = match (first.to_ascii_lowercase(), run.len()) {
            ('y' | 'j' | 'a', 4) => "%Y",
            ('y', 2) => "%y",
            ('d' | 'j', 1 | 2) | ('t', 2) => "%d",
            ('m', 1 | 2) if is_of_time => "%M",
            ('m', 1 | 2) => "%m",
            ('m', 3) => "%b",
            ('m', 4) => "%B",
            ('h', 1 | 2) => "%H",
            ('s', 1 | 2) => "%S",
            ('s', 3) => "%3f",
            ('x', _) => "%:z",
            ('t' | 'z', 1) => run,
            ('\'', _) => "",
            (letter, _) if letter.is_alphanumeric() => return None,
            _ => run,
        };
        meant.push_str(specifier);
        rest = after;
    }
    let is_one = meant.contains('%') && is_format(&meant);
    is_one.then_some(meant)
}

//! Slips in formats that are easily seen: another notation, `%M` for the month.

use super::format::{FormatError, ReadFormat};
use super::specifier::{Number, Part};

/// Where letters of other notations stand for a date, and no `%` anywhere: it would stand for these letters themselves.
pub(super) fn without_specifier(text: &str) -> Option<FormatError> {
    if text.contains('%') {
        return None;
    }
    let meant = of_picture(text)?;
    let message = format!("`{text}` has no specifier, such as `%d`: it stands for these letters only");
    Some(FormatError::new(message, format!("write `{meant}`")))
}

/// Where minutes and months are mistaken for each other, of a format that does not say the whole time.
pub(super) fn minutes_for_months(text: &str, parts: &[Part]) -> Option<FormatError> {
    let count = |wanted: fn(Number) -> bool| {
        let is_it = |part: &&Part| matches!(part, Part::Number(number, _) if wanted(*number));
        parts.iter().filter(is_it).count()
    };
    let hours = count(|number| matches!(number, Number::Hour | Number::Hour12));
    let minutes = count(|number| number == Number::Minute);
    let months = count(|number| number == Number::Month);
    let has_name = parts.iter().any(|part| matches!(part, Part::Month { .. }));
    if minutes > 0 && hours == 0 && months == 0 && !has_name {
        let message = format!("`{text}` has minutes without an hour: `%M` are minutes, a month is `%m`");
        return Some(FormatError::new(message, instead(&text.replace("%M", "%m"))));
    }
    if hours > 0 && minutes == 0 && (months > 1 || (months == 1 && has_name)) {
        let message = format!("`{text}` has hours without minutes: `%m` is the month, minutes are `%M`");
        let meant = text
            .rsplit_once("%m")
            .map(|(before, after)| format!("{before}%M{after}"));
        return Some(FormatError::new(message, instead(&meant.unwrap_or_default())));
    }
    None
}

/// A format to write, where it is one.
fn instead(meant: &str) -> String {
    match ReadFormat::new(meant) {
        Ok(_) => format!("write `{meant}`"),
        Err(_) => "docs/dates.md has every specifier".to_owned(),
    }
}

/// The format that is meant by `DD.MM.YYYY`, `yyyy-MM-dd'T'HH:mm:ss`, `TT.MM.JJJJ` or `jj/mm/aaaa`.
fn of_picture(text: &str) -> Option<String> {
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
    let is_one = meant.contains('%') && ReadFormat::new(&meant).is_ok();
    is_one.then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::super::{FormatError, ReadFormat, WriteFormat};

    fn told(error: FormatError) -> (String, String) {
        (error.message, error.help.into_owned())
    }

    #[test]
    fn other_notations_are_told_in_the_letters_of_strftime() {
        for (text, meant) in [
            ("DD.MM.YYYY", "%d.%m.%Y"),
            ("dd/mm/yyyy", "%d/%m/%Y"),
            ("yyyy-MM-dd", "%Y-%m-%d"),
            ("d MMM yy", "%d %b %y"),
            ("TT.MM.JJJJ", "%d.%m.%Y"),
            ("jj/mm/aaaa", "%d/%m/%Y"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%3f%:z"),
            ("yyyy-mm-dd HH:mm", "%Y-%m-%d %H:%M"),
        ] {
            let why = format!("`{text}` has no specifier, such as `%d`: it stands for these letters only");
            let expected = (why, format!("write `{meant}`"));
            assert_eq!(told(ReadFormat::new(text).unwrap_err()), expected);
            assert_eq!(told(WriteFormat::new(text).unwrap_err()), expected);
        }
        for text in ["today", "", "MM/YYYY", "%d.MM.YYYY"] {
            let message = told(ReadFormat::new(text).unwrap_err()).0;
            assert_eq!(message, format!("`{text}` does not say which day"));
        }
    }

    #[test]
    fn minutes_that_are_a_month_and_a_month_that_is_minutes_are_told() {
        for (text, why, meant) in [
            (
                "%d.%M.%Y",
                "has minutes without an hour: `%M` are minutes, a month is `%m`",
                "%d.%m.%Y",
            ),
            (
                "%Y-%m-%d %H:%m",
                "has hours without minutes: `%m` is the month, minutes are `%M`",
                "%Y-%m-%d %H:%M",
            ),
            (
                "%d %b %Y %H:%m:%S",
                "has hours without minutes: `%m` is the month, minutes are `%M`",
                "%d %b %Y %H:%M:%S",
            ),
        ] {
            let expected = (format!("`{text}` {why}"), format!("write `{meant}`"));
            assert_eq!(told(ReadFormat::new(text).unwrap_err()), expected);
        }
        let message = told(ReadFormat::new("%Y-%m-%d %H").unwrap_err()).0;
        assert_eq!(message, "`%Y-%m-%d %H` does not say the whole time");
    }
}

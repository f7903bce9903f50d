//! The texts that are compared: a value without the differences that say nothing.

use super::kind::Form;
use crate::datetime::Moment;
use crate::matching::text::fold;
use crate::record::{Kind, Value};

/// Returns the text of a scalar; `None` for null and for what is blank.
pub(super) fn scalar(value: &Value) -> Result<Option<String>, NotScalar> {
    let text = match value.kind() {
        Kind::Null => None,
        Kind::Boolean => value.as_boolean().map(|boolean| boolean.to_string()),
        Kind::Number => value.as_number().map(str::to_owned),
        Kind::Text => value.as_text().map(std::borrow::Cow::into_owned),
        Kind::List | Kind::Object => return Err(NotScalar),
    };
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// A value is a list or an object.
#[derive(Debug)]
pub(super) struct NotScalar;

/// Returns a text in a form; `None` where nothing of it is left.
pub(super) fn normal(text: &str, form: Form) -> Option<String> {
    let written = match form {
        Form::Folded | Form::List => fold(text).into_owned(),
        Form::Date => date(text.trim()).unwrap_or_else(|| fold(text).into_owned()),
        Form::Digits => text.chars().filter(char::is_ascii_digit).collect(),
        Form::Lower => text.trim().to_lowercase(),
    };
    Some(written).filter(|text| !text.is_empty())
}

/// Returns a date as `yyyy-mm-dd`; `None` for a text of another shape.
///
/// The day and the month of a text that has the shape of a date need not exist: a slip of the pen in a date must not
/// make it a text that has nothing in common with the true one.
fn date(text: &str) -> Option<String> {
    if let Ok(moment) = Moment::iso(text) {
        let written = moment.to_string();
        return written.get(..10).map(str::to_owned);
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return shaped(&text[..4], &text[4..6], &text[6..]);
    }
    let separator = text.chars().find(|letter| !letter.is_ascii_digit())?;
    if !matches!(separator, '-' | '.' | '/') {
        return None;
    }
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts[..] else {
        return None;
    };
    if first.len() == 4 {
        return shaped(first, second, third);
    }
    if third.len() != 4 {
        return None;
    }
    let number = |text: &str| text.parse::<u8>().ok();
    let (first_number, second_number) = (number(first)?, number(second)?);
    // Month first is written with slashes; where only the other reading is a date, that one.
    let month_first = if separator == '/' {
        first_number <= 12 || second_number > 12
    } else {
        second_number > 12 && first_number <= 12
    };
    if month_first {
        shaped(third, first, second)
    } else {
        shaped(third, second, first)
    }
}

/// Joins the parts of a date; `None` where one is not a number of the right length.
fn shaped(year: &str, month: &str, day: &str) -> Option<String> {
    let is_short = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let plausible = ("1000".."3000").contains(&year) && year.bytes().all(|byte| byte.is_ascii_digit());
    (plausible && is_short(month) && is_short(day)).then(|| format!("{year}-{month:0>2}-{day:0>2}"))
}

/// Returns a part of a date in the form `yyyy-mm-dd`, as `birth.year` has it; `None` where the text is not a date.
pub(super) fn part_of_date(text: &str, part: DatePart) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_date = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date.then(|| match part {
        DatePart::Year => &text[..4],
        DatePart::Month => &text[5..7],
        DatePart::Day => &text[8..],
    })
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatePart {
    Year,
    Month,
    Day,
}

/// The parts of dates by their names.
pub(super) const DATE_PARTS: [(&str, DatePart); 3] = [
    ("year", DatePart::Year),
    ("month", DatePart::Month),
    ("day", DatePart::Day),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_in_one_way() {
        for (text, expected) in [
            ("1985-03-02", "1985-03-02"),
            ("1985-03-02T10:00:00Z", "1985-03-02"),
            ("19850302", "1985-03-02"),
            ("1985/3/2", "1985-03-02"),
            ("02.03.1985", "1985-03-02"),
            ("2-3-1985", "1985-03-02"),
            ("03/02/1985", "1985-03-02"),
            ("25/02/1985", "1985-02-25"),
            ("02-25-1985", "1985-02-25"),
            ("19852503", "1985-25-03"),
            ("1985-25-03", "1985-25-03"),
        ] {
            assert_eq!(normal(text, Form::Date).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "02.03.85",
            "2 March 1985",
            "1985",
            "123456789",
            "1985-03",
            "x-y-1985",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn blank_values_are_absent() {
        for (text, form) in [
            ("  ", Form::Folded),
            ("n/a", Form::Digits),
            (" ", Form::Lower),
            ("'", Form::Folded),
        ] {
            assert_eq!(normal(text, form), None, "{text}");
        }
        assert_eq!(normal("078-05-1120", Form::Digits).as_deref(), Some("078051120"));
    }
}

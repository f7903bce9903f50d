//! The specifiers: what each represents, and what to write instead of those whose meaning varies between programs.

use super::error::FormatError;

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormatPart {
    /// Literal characters.
    Literal(Box<str>),
    /// Blanks, as written.
    Blank(Box<str>),
    /// Digits.
    Number(DateNumber, Pad),
    /// The name of the month, whole or its first three letters.
    Month { whole: bool },
    /// The name of the day of the week.
    Weekday { whole: bool },
    /// AM or PM.
    Half { small: bool },
    /// A fraction of the second.
    Fraction(Fraction),
    /// The offset from UTC.
    Offset(Colons),
    /// Seconds since 1970 UTC.
    Epoch,
}

/// What a number in a format means. The order is that of the slots in which a reader stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateNumber {
    Year,
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    WeekFromSunday,
    WeekFromMonday,
    IsoYear,
    IsoWeek,
    WeekdayFromSunday,
    WeekdayFromMonday,
    Hour,
    Hour12,
    Minute,
    Second,
    Century,
    IsoYearOfCentury,
    Quarter,
}

/// What fills a number up to its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pad {
    Zero,
    Blank,
    None,
}

/// How a fraction is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    /// Whether the dot belongs to the fraction: without a fraction there is no dot either.
    pub(super) dot: bool,
    /// The number of digits; `None` for as many as needed.
    pub(super) places: Option<u8>,
}

/// How an offset is written: `+0200`, `+02:00`, `+02:00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colons {
    None,
    One,
    Two,
}

impl DateNumber {
    /// Returns the number of digits at full width.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Year | Self::IsoYear => 4,
            Self::DayOfYear => 3,
            Self::WeekdayFromSunday | Self::WeekdayFromMonday | Self::Quarter => 1,
            _ => 2,
        }
    }

    /// Whether it is only read at full width: `24` is not the year 24, and `9` is not a year of a century.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Year | Self::IsoYear | Self::YearOfCentury)
    }

    /// Returns the least and the greatest value that can be read. The second 60 is read so that it is refused as a leap
    /// second.
    pub(super) fn bounds(self) -> (i16, i16) {
        match self {
            Self::Year | Self::IsoYear => (0, 9999),
            Self::Month | Self::Hour12 => (1, 12),
            Self::Day => (1, 31),
            Self::DayOfYear => (1, 366),
            Self::WeekFromSunday | Self::WeekFromMonday => (0, 53),
            Self::IsoWeek => (1, 53),
            Self::WeekdayFromSunday => (0, 6),
            Self::WeekdayFromMonday => (1, 7),
            Self::Hour => (0, 23),
            Self::Minute => (0, 59),
            Self::Second => (0, 60),
            Self::Quarter => (1, 4),
            Self::YearOfCentury | Self::Century | Self::IsoYearOfCentury => (0, 99),
        }
    }

    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Hour12 | Self::Minute | Self::Second)
    }
}

impl FormatPart {
    /// Whether it describes the time of day.
    pub(super) fn is_time(&self) -> bool {
        match self {
            Self::Number(number, _) => number.is_time(),
            Self::Half { .. } | Self::Fraction(_) | Self::Epoch => true,
            _ => false,
        }
    }

    /// Whether it begins or ends with digits that adjacent digits would run into.
    pub(super) fn is_digits(&self) -> bool {
        match self {
            Self::Number(..) | Self::Epoch => true,
            Self::Fraction(fraction) => !fraction.dot,
            _ => false,
        }
    }
}

/// Parses a format into its parts.
pub(super) fn parts(format: &str) -> Result<Vec<FormatPart>, FormatError> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first == '%' {
            rest = specifier(&rest[1..], &mut parts)?;
            continue;
        }
        let is_blank = first.is_whitespace();
        let end = rest.find(|next: char| next == '%' || next.is_whitespace() != is_blank);
        let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
        push_text(text, &mut parts);
        rest = after;
    }
    Ok(parts)
}

/// Adds text, joined to the text before it.
fn push_text(text: &str, parts: &mut Vec<FormatPart>) {
    let is_blank = text.starts_with(char::is_whitespace);
    match parts.last_mut() {
        Some(FormatPart::Literal(before)) if !is_blank => *before = format!("{before}{text}").into(),
        Some(FormatPart::Blank(before)) if is_blank => *before = format!("{before}{text}").into(),
        _ if is_blank => parts.push(FormatPart::Blank(text.into())),
        _ => parts.push(FormatPart::Literal(text.into())),
    }
}

/// Adds the specifier after a `%`, and returns the rest of the format.
fn specifier<'f>(rest: &'f str, parts: &mut Vec<FormatPart>) -> Result<&'f str, FormatError> {
    for (written, part) in LONG {
        if let Some(after) = rest.strip_prefix(written) {
            parts.push(part);
            return Ok(after);
        }
    }
    let flags = [('-', Pad::None), ('_', Pad::Blank), ('0', Pad::Zero)];
    let flag = flags.iter().find(|(flag, _)| rest.starts_with(*flag));
    // A zero before other digits is part of a width.
    let flag = flag.filter(|_| !rest[1..].starts_with(|next: char| next.is_ascii_digit()));
    let behind = &rest[usize::from(flag.is_some())..];
    let Some(letter) = behind.chars().next() else {
        return Err(FormatError::new(
            "a lone `%` ends the format",
            "write `%%` for a percent sign",
        ));
    };
    let after = &behind[letter.len_utf8()..];
    if let Some((number, pad)) = number(letter) {
        parts.push(FormatPart::Number(number, flag.map_or(pad, |(_, pad)| *pad)));
        return Ok(after);
    }
    if let Some((flag, _)) = flag {
        let written = format!("%{flag}{letter}");
        let message = format!("`{written}` is not a specifier: the flag `{flag}` applies only to numbers");
        return Err(FormatError::new(
            message,
            format!("write `%{letter}`, or remove it"),
        ));
    }
    match letter {
        'b' | 'h' => parts.push(FormatPart::Month { whole: false }),
        'B' => parts.push(FormatPart::Month { whole: true }),
        'a' => parts.push(FormatPart::Weekday { whole: false }),
        'A' => parts.push(FormatPart::Weekday { whole: true }),
        'p' => parts.push(FormatPart::Half { small: false }),
        'P' => parts.push(FormatPart::Half { small: true }),
        's' => parts.push(FormatPart::Epoch),
        '%' => push_text("%", parts),
        'n' => push_text("\n", parts),
        't' => push_text("\t", parts),
        _ => {
            let Some((_, meaning)) = SHORT.iter().find(|(short, _)| *short == letter) else {
                return Err(refused(rest));
            };
            for part in self::parts(meaning)? {
                match part {
                    FormatPart::Literal(text) | FormatPart::Blank(text) => push_text(&text, parts),
                    part => parts.push(part),
                }
            }
        }
    }
    Ok(after)
}

/// Specifiers of more than one letter.
const LONG: [(&str, FormatPart); 11] = {
    const fn fraction(dot: bool, places: Option<u8>) -> FormatPart {
        FormatPart::Fraction(Fraction { dot, places })
    }
    [
        ("z", FormatPart::Offset(Colons::None)),
        (":z", FormatPart::Offset(Colons::One)),
        ("::z", FormatPart::Offset(Colons::Two)),
        ("f", fraction(false, None)),
        (".f", fraction(true, None)),
        ("3f", fraction(false, Some(3))),
        ("6f", fraction(false, Some(6))),
        ("9f", fraction(false, Some(9))),
        (".3f", fraction(true, Some(3))),
        (".6f", fraction(true, Some(6))),
        (".9f", fraction(true, Some(9))),
    ]
};

/// Specifiers that abbreviate several, as in the POSIX locale.
const SHORT: [(char, &str); 8] = [
    ('D', "%m/%d/%y"),
    ('F', "%Y-%m-%d"),
    ('T', "%H:%M:%S"),
    ('R', "%H:%M"),
    ('r', "%I:%M:%S %p"),
    ('c', "%a %b %e %H:%M:%S %Y"),
    ('x', "%m/%d/%y"),
    ('X', "%H:%M:%S"),
];

fn number(letter: char) -> Option<(DateNumber, Pad)> {
    Some(match letter {
        'Y' => (DateNumber::Year, Pad::Zero),
        'y' => (DateNumber::YearOfCentury, Pad::Zero),
        'C' => (DateNumber::Century, Pad::Zero),
        'q' => (DateNumber::Quarter, Pad::None),
        'm' => (DateNumber::Month, Pad::Zero),
        'd' => (DateNumber::Day, Pad::Zero),
        'e' => (DateNumber::Day, Pad::Blank),
        'j' => (DateNumber::DayOfYear, Pad::Zero),
        'U' => (DateNumber::WeekFromSunday, Pad::Zero),
        'W' => (DateNumber::WeekFromMonday, Pad::Zero),
        'G' => (DateNumber::IsoYear, Pad::Zero),
        'g' => (DateNumber::IsoYearOfCentury, Pad::Zero),
        'V' => (DateNumber::IsoWeek, Pad::Zero),
        'w' => (DateNumber::WeekdayFromSunday, Pad::None),
        'u' => (DateNumber::WeekdayFromMonday, Pad::None),
        'H' => (DateNumber::Hour, Pad::Zero),
        'k' => (DateNumber::Hour, Pad::Blank),
        'I' => (DateNumber::Hour12, Pad::Zero),
        'l' => (DateNumber::Hour12, Pad::Blank),
        'M' => (DateNumber::Minute, Pad::Zero),
        'S' => (DateNumber::Second, Pad::Zero),
        _ => return None,
    })
}

/// Returns why a specifier is refused, and what to write instead.
fn refused(rest: &str) -> FormatError {
    const INSTEAD: [(&str, &str, &str); 12] = [
        (
            "+",
            "differs from program to program",
            "write `%Y-%m-%dT%H:%M:%S%.f%:z`",
        ),
        ("v", "is not a POSIX specifier", "write `%e-%b-%Y`"),
        (
            "Z",
            "is the name of a zone, which does not determine its offset",
            "read and write the offset with `%z`; if all the strings end with `UTC`, write `UTC` and declare the zone",
        ),
        (":::z", "would leave out minutes", "write `%:z`"),
        (
            "#z",
            "is not a POSIX specifier",
            "write `%z`, which reads `+02`, `+0200`, `+02:00` and `Z`",
        ),
        (
            "N",
            "is supported only by GNU date",
            "write `%9f` for nine digits, `%f` for six",
        ),
        ("L", "is not a POSIX specifier", "write `%3f` for milliseconds"),
        ("i", "is not a POSIX specifier", "write `%M` for minutes"),
        ("E", "depends on the locale", "leave out the `E`"),
        ("O", "depends on the locale", "leave out the `O`"),
        (
            "^",
            "changes the case of letters",
            "leave out the `^` and use the operation `case`",
        ),
        (
            "#",
            "changes the case of letters",
            "leave out the `#` and use the operation `case`",
        ),
    ];
    if let Some((written, why, instead)) = INSTEAD.iter().find(|(written, ..)| rest.starts_with(*written)) {
        return FormatError::new(format!("`%{written}` {why}"), *instead);
    }
    let digits = rest.len() - rest.trim_start_matches(|next: char| next.is_ascii_digit()).len();
    let end = rest[digits..]
        .chars()
        .next()
        .map_or(digits, |letter| digits + letter.len_utf8());
    let written = &rest[..end];
    if digits > 0 {
        return FormatError::new(
            format!("`%{written}` has a width, which only `%3f`, `%6f` and `%9f` can have"),
            "leave out the width",
        );
    }
    FormatError::unknown(format!("`%{written}` is not a specifier"))
}

//! Formats, parsed once and checked for their use.

use super::error::FormatError;
use super::slips;
use super::specifier::{DateNumber, FormatPart, parts};
use super::steps::{Day, ReadStep, steps};
use crate::language::Language;

/// What a format states about the offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    /// No offset.
    Absent,
    /// An offset in the text: `%z`, or seconds since 1970.
    Written,
    /// UTC: a `Z` follows the time.
    Utc,
}

/// What a format states beyond the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tells {
    pub(super) time: bool,
    pub(super) offset: Offset,
}

impl Tells {
    const NOTHING: Self = Self {
        time: false,
        offset: Offset::Absent,
    };
}

/// A format to read with: it determines the day, and the whole time if any part of it.
#[derive(Clone, Debug)]
pub(crate) struct ReadFormat {
    text: String,
    pub(super) steps: Vec<ReadStep>,
    pub(super) tells: Tells,
    pub(super) day: Day,
    /// The numbers that state the day or the time a second time, and must agree.
    pub(super) checks: Vec<DateNumber>,
    pub(super) checks_clock: bool,
}

/// A format to write with.
#[derive(Clone, Debug)]
pub(crate) struct WriteFormat {
    text: String,
    pub(super) parts: Vec<FormatPart>,
    pub(super) tells: Tells,
}

impl ReadFormat {
    pub(crate) fn new(text: &str) -> Result<Self, FormatError> {
        if let Some(slip) = slips::without_specifier(text, &can_be_read_with) {
            return Err(slip);
        }
        let parts = parts(text)?;
        can_be_read(&parts)?;
        let tells = tells(&parts);
        if tells.time && !says_whole_time(&parts) {
            if let Some(slip) = slips::minutes_for_months(text, &parts, &can_be_read_with) {
                return Err(slip);
            }
            let message = format!("`{text}` does not determine a time of day");
            return Err(FormatError::new(
                message,
                "a time needs hours and minutes (%H, or %I with %p), and seconds if it has a fraction",
            ));
        }
        let Some(day) = Day::from_parts(&parts) else {
            let message = format!("`{text}` does not determine a day");
            return Err(FormatError::new(
                message,
                "a day needs year, month and day; or year and day of the year (%j); or a week with its year and \
                 weekday (%G %V %u, %Y %U %w, %Y %W %u)",
            ));
        };
        Ok(Self {
            text: text.to_owned(),
            steps: steps(&parts),
            tells,
            checks: day.checks(&parts),
            checks_clock: day.checks_clock(&parts),
            day,
        })
    }

    /// Returns a format of a stage in a language version. In the first version this only reads what the ledger has of
    /// an applied stage, to find out where its values come from: a format that is invalid today is kept as it was, and
    /// reads nothing.
    pub(crate) fn in_language(text: &str, language: Language) -> Result<Self, FormatError> {
        match Self::new(text) {
            Err(_) if language == Language::One => Ok(Self {
                text: text.to_owned(),
                steps: Vec::new(),
                tells: Tells::NOTHING,
                day: Day::Calendar,
                checks: Vec::new(),
                checks_clock: false,
            }),
            format => format,
        }
    }

    /// Returns the format as written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether it has a time, but no offset.
    pub(crate) fn is_naive(&self) -> bool {
        self.tells.time && self.tells.offset == Offset::Absent
    }

    /// Whether it has no time.
    pub(crate) fn is_day(&self) -> bool {
        !self.tells.time
    }
}

impl WriteFormat {
    pub(crate) fn new(text: &str) -> Result<Self, FormatError> {
        if let Some(slip) = slips::without_specifier(text, &can_be_read_with) {
            return Err(slip);
        }
        let parts = parts(text)?;
        Ok(Self {
            text: text.to_owned(),
            tells: tells(&parts),
            parts,
        })
    }

    /// Returns a format of a stage in a language version; see [`ReadFormat::in_language`].
    pub(crate) fn in_language(text: &str, language: Language) -> Result<Self, FormatError> {
        match Self::new(text) {
            Err(_) if language == Language::One => Ok(Self {
                text: text.to_owned(),
                parts: Vec::new(),
                tells: Tells::NOTHING,
            }),
            format => format,
        }
    }

    /// Returns the earliest language version that writes every moment in the same way. In the first version `%f` wrote
    /// nine digits, an offset was rounded to minutes, and a `Z` after a time did not make it UTC.
    pub(crate) fn language(&self) -> Language {
        let differs = |part: &FormatPart| match part {
            FormatPart::Offset(_) => true,
            FormatPart::Fraction(fraction) => !fraction.dot && fraction.places.is_none(),
            _ => false,
        };
        if self.tells.offset == Offset::Utc || self.parts.iter().any(differs) {
            Language::Two
        } else {
            Language::One
        }
    }

    /// Returns the format as written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has no time.
    pub(crate) fn is_day(&self) -> bool {
        !self.tells.time
    }
}

/// Whether a text is a format to read with: an error suggests a correction only where it is one.
fn can_be_read_with(text: &str) -> bool {
    ReadFormat::new(text).is_ok()
}

/// Describes texts in one of these formats: names the first three of several, and shortens a long one.
pub(crate) fn form<'f>(formats: impl IntoIterator<Item = &'f ReadFormat>) -> String {
    const MOST: usize = 3;
    const LETTERS: usize = 60;
    let mut named = Vec::new();
    let mut more = 0_usize;
    for format in formats {
        match format.text.char_indices().nth(LETTERS) {
            _ if named.len() == MOST => more += 1,
            Some((at, _)) => named.push(format!("{}…", &format.text[..at])),
            None => named.push(format.text.clone()),
        }
    }
    if more > 0 {
        return format!(
            "a date in one of the formats {}, and {more} more",
            named.join(", ")
        );
    }
    match &named[..] {
        [only] => format!("a date in the format {only}"),
        _ => format!("a date in one of the formats {}", named.join(", ")),
    }
}

fn tells(parts: &[FormatPart]) -> Tells {
    let is_written = |part: &FormatPart| matches!(part, FormatPart::Offset(_) | FormatPart::Epoch);
    let z_follows = |pair: &[FormatPart]| match &pair[1] {
        FormatPart::Literal(text) if pair[0].is_time() => {
            text.starts_with('Z') && !text[1..].starts_with(char::is_alphanumeric)
        }
        _ => false,
    };
    let offset = if parts.windows(2).any(z_follows)
        && !parts.iter().any(|part| matches!(part, FormatPart::Offset(_)))
    {
        Offset::Utc
    } else if parts.iter().any(is_written) {
        Offset::Written
    } else {
        Offset::Absent
    };
    Tells {
        time: parts.iter().any(FormatPart::is_time),
        offset,
    }
}

/// Refuses what can be written but not read.
fn can_be_read(parts: &[FormatPart]) -> Result<(), FormatError> {
    for part in parts {
        let (written, instead) = match part {
            FormatPart::Number(DateNumber::Century, _) => ("%C", "read the whole year with `%Y`"),
            FormatPart::Number(DateNumber::IsoYearOfCentury, _) => {
                ("%g", "read the whole year of the week with `%G`")
            }
            FormatPart::Number(DateNumber::Quarter, _) => {
                ("%q", "a quarter does not determine a day; leave it out")
            }
            _ => continue,
        };
        return Err(FormatError::new(
            format!("`{written}` can only be written, not read"),
            instead,
        ));
    }
    for pair in parts.windows(2).filter(|pair| pair[1].is_digits()) {
        let open_ended = match &pair[0] {
            FormatPart::Fraction(fraction) => fraction.places.is_none(),
            FormatPart::Offset(_) | FormatPart::Epoch => true,
            _ => false,
        };
        if open_ended {
            let message = "digits directly follow a fraction, an offset or seconds since 1970, so its end is not \
                marked";
            return Err(FormatError::new(message, "put a character between them"));
        }
    }
    Ok(())
}

fn says_whole_time(parts: &[FormatPart]) -> bool {
    let has = |number: DateNumber| {
        parts
            .iter()
            .any(|part| matches!(part, FormatPart::Number(other, _) if *other == number))
    };
    let has_half = parts.iter().any(|part| matches!(part, FormatPart::Half { .. }));
    let has_fraction = parts.iter().any(|part| matches!(part, FormatPart::Fraction(_)));
    let has_hour = has(DateNumber::Hour) || (has(DateNumber::Hour12) && has_half);
    let is_whole = has_hour && has(DateNumber::Minute) && (has(DateNumber::Second) || !has_fraction);
    is_whole || parts.contains(&FormatPart::Epoch)
}

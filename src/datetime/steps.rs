//! The steps that read a format, and which parts of it determine the day.

use super::calendar;
use super::specifier::{DateNumber, FormatPart, Fraction};

/// One step of reading a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadStep {
    /// Expects this character.
    Byte(u8),
    /// Expects these characters.
    Literal(Box<str>),
    /// Expects blanks: any number of them, between digits at least one.
    Blank {
        needed: bool,
    },
    /// Expects digits, after optional blanks.
    Number(Digits),
    Month,
    Weekday,
    Half,
    Fraction(Fraction),
    Offset,
    Epoch,
}

/// How a number is read, precomputed so that nothing has to be looked up for each text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// The slot in which it is stored.
    pub(super) place: usize,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) lowest: i16,
    pub(super) highest: i16,
    /// Whether digits come directly before it, so that no blank can.
    pub(super) glued: bool,
    /// Whether it is a year that is not followed by digits of another part.
    pub(super) is_open_year: bool,
    /// Whether Sunday is 0 and not 7.
    pub(super) is_from_sunday: bool,
}

impl Digits {
    fn from_number(number: DateNumber, before: bool, after: bool) -> Self {
        // Where other digits are adjacent, all of its digits are required.
        let is_whole = before || after || number.is_whole();
        let (lowest, highest) = number.bounds();
        let is_from_sunday = number == DateNumber::WeekdayFromSunday;
        Self {
            place: if is_from_sunday { WEEKDAY } else { number as usize },
            least: if is_whole { number.width() } else { 1 },
            most: number.width(),
            lowest,
            highest,
            glued: before,
            is_open_year: number == DateNumber::Year && !after,
            is_from_sunday,
        }
    }
}

/// The parts that determine the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Seconds since 1970.
    Epoch,
    /// Year, month and day.
    Calendar,
    /// Year and day of the year.
    OfYear,
    /// Year, week from the first Sunday, weekday.
    WeekFromSunday,
    /// Year, week from the first Monday, weekday.
    WeekFromMonday,
    /// Year of the week, week, weekday.
    IsoWeek,
}

/// Slots for the parts that are not plain numbers: a name shares the slot of its number.
pub(super) const WEEKDAY: usize = DateNumber::WeekdayFromMonday as usize;
pub(super) const HALF: usize = DateNumber::Century as usize;
pub(super) const PLACES: usize = HALF + 1;

/// Returns the steps that read the parts of a format, in order.
pub(super) fn steps(parts: &[FormatPart]) -> Vec<ReadStep> {
    let is_digits = |at: Option<usize>| at.and_then(|at| parts.get(at)).is_some_and(FormatPart::is_digits);
    let step = |(at, part): (usize, &FormatPart)| {
        let (before, after) = (is_digits(at.checked_sub(1)), is_digits(Some(at + 1)));
        match part {
            FormatPart::Literal(text) => match text.as_bytes() {
                [byte] => ReadStep::Byte(*byte),
                _ => ReadStep::Literal(text.clone()),
            },
            FormatPart::Blank(_) => ReadStep::Blank {
                needed: before && after,
            },
            FormatPart::Number(number, _) => ReadStep::Number(Digits::from_number(*number, before, after)),
            FormatPart::Month { .. } => ReadStep::Month,
            FormatPart::Weekday { .. } => ReadStep::Weekday,
            FormatPart::Half { .. } => ReadStep::Half,
            FormatPart::Fraction(fraction) => ReadStep::Fraction(*fraction),
            FormatPart::Offset(_) => ReadStep::Offset,
            FormatPart::Epoch => ReadStep::Epoch,
        }
    };
    parts.iter().enumerate().map(step).collect()
}

impl Day {
    /// Returns how a format determines the day; `None` where it does not.
    pub(super) fn from_parts(parts: &[FormatPart]) -> Option<Self> {
        let has = |number: DateNumber| {
            parts
                .iter()
                .any(|part| matches!(part, FormatPart::Number(other, _) if *other == number))
        };
        let has_year = has(DateNumber::Year) || has(DateNumber::YearOfCentury);
        let has_month =
            has(DateNumber::Month) || parts.iter().any(|part| matches!(part, FormatPart::Month { .. }));
        let has_weekday = has(DateNumber::WeekdayFromMonday)
            || has(DateNumber::WeekdayFromSunday)
            || parts
                .iter()
                .any(|part| matches!(part, FormatPart::Weekday { .. }));
        if parts.contains(&FormatPart::Epoch) {
            Some(Self::Epoch)
        } else if has_year && has_month && has(DateNumber::Day) {
            Some(Self::Calendar)
        } else if has_year && has(DateNumber::DayOfYear) {
            Some(Self::OfYear)
        } else if has(DateNumber::IsoYear) && has(DateNumber::IsoWeek) && has_weekday {
            Some(Self::IsoWeek)
        } else if has_year && has(DateNumber::WeekFromSunday) && has_weekday {
            Some(Self::WeekFromSunday)
        } else if has_year && has(DateNumber::WeekFromMonday) && has_weekday {
            Some(Self::WeekFromMonday)
        } else {
            None
        }
    }

    /// Whether this number determines the day, if the format has it.
    fn uses(self, number: DateNumber) -> bool {
        let year = number == DateNumber::Year;
        match self {
            Self::Epoch => false,
            Self::Calendar => year || matches!(number, DateNumber::Month | DateNumber::Day),
            Self::OfYear => year || number == DateNumber::DayOfYear,
            Self::WeekFromSunday => {
                year || matches!(number, DateNumber::WeekFromSunday | DateNumber::WeekdayFromMonday)
            }
            Self::WeekFromMonday => {
                year || matches!(number, DateNumber::WeekFromMonday | DateNumber::WeekdayFromMonday)
            }
            Self::IsoWeek => matches!(
                number,
                DateNumber::IsoYear | DateNumber::IsoWeek | DateNumber::WeekdayFromMonday
            ),
        }
    }

    /// Returns the numbers of a format that state the day a second time: a text can contradict itself in them.
    pub(super) fn checks(self, parts: &[FormatPart]) -> Vec<DateNumber> {
        let said = |part: &FormatPart| match part {
            FormatPart::Number(DateNumber::WeekdayFromSunday, _) | FormatPart::Weekday { .. } => {
                Some(DateNumber::WeekdayFromMonday)
            }
            FormatPart::Month { .. } => Some(DateNumber::Month),
            FormatPart::Number(number, _) => Some(*number),
            _ => None,
        };
        let is_said = |number: &DateNumber| parts.iter().any(|part| said(part) == Some(*number));
        let numbers = calendar::OF_A_DAY.into_iter().filter(is_said);
        numbers.filter(|number| !self.uses(*number)).collect()
    }

    /// Whether a format states the hour in two ways, or the time in addition to the seconds since 1970.
    pub(super) fn checks_clock(self, parts: &[FormatPart]) -> bool {
        let has = |number: DateNumber| {
            parts
                .iter()
                .any(|part| matches!(part, FormatPart::Number(other, _) if *other == number))
        };
        let has_12 =
            has(DateNumber::Hour12) || parts.iter().any(|part| matches!(part, FormatPart::Half { .. }));
        match self {
            Self::Epoch => {
                has_12
                    || [DateNumber::Hour, DateNumber::Minute, DateNumber::Second]
                        .into_iter()
                        .any(has)
            }
            _ => has_12 && has(DateNumber::Hour),
        }
    }
}

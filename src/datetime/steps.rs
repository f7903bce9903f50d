//! What is done to read a format: its parts as steps, and what of them says which day it is.

use super::calendar;
use super::specifier::{Fraction, Number, Part};

/// What is done to read a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This character stands there.
    Byte(u8),
    /// These characters stand there.
    Literal(Box<str>),
    /// Blanks stand there: any number of them, between digits at least one.
    Blank {
        needed: bool,
    },
    /// Digits stand there, blanks before them aside.
    Number(Digits),
    Month,
    Weekday,
    Half,
    Fraction(Fraction),
    Offset,
    Epoch,
}

/// A number as it is read: all that would have to be looked up for every text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    /// Where it is kept.
    pub(super) place: usize,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) lowest: i16,
    pub(super) highest: i16,
    /// Digits stand directly before it, so that no blank can.
    pub(super) glued: bool,
    /// A year behind which no digits belong to anything else.
    pub(super) is_open_year: bool,
    /// Sunday is 0 and not 7.
    pub(super) is_from_sunday: bool,
}

impl Digits {
    fn of(number: Number, before: bool, after: bool) -> Self {
        // All of its digits are needed where other digits stand beside it.
        let is_whole = before || after || number.is_whole();
        let (lowest, highest) = number.bounds();
        let is_from_sunday = number == Number::WeekdayFromSunday;
        Self {
            place: if is_from_sunday { WEEKDAY } else { number as usize },
            least: if is_whole { number.width() } else { 1 },
            most: number.width(),
            lowest,
            highest,
            glued: before,
            is_open_year: number == Number::Year && !after,
            is_from_sunday,
        }
    }
}

/// What says which day it is.
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

/// Where the parts that are no plain numbers are kept: names share the place of their numbers.
pub(super) const WEEKDAY: usize = Number::WeekdayFromMonday as usize;
pub(super) const HALF: usize = Number::Century as usize;
pub(super) const PLACES: usize = HALF + 1;

/// What is done to read a format's parts, in their order.
pub(super) fn steps(parts: &[Part]) -> Vec<Step> {
    let is_digits = |at: Option<usize>| at.and_then(|at| parts.get(at)).is_some_and(Part::is_digits);
    let step = |(at, part): (usize, &Part)| {
        let (before, after) = (is_digits(at.checked_sub(1)), is_digits(Some(at + 1)));
        match part {
            Part::Literal(text) => match text.as_bytes() {
                [byte] => Step::Byte(*byte),
                _ => Step::Literal(text.clone()),
            },
            Part::Blank(_) => Step::Blank {
                needed: before && after,
            },
            Part::Number(number, _) => Step::Number(Digits::of(*number, before, after)),
            Part::Month { .. } => Step::Month,
            Part::Weekday { .. } => Step::Weekday,
            Part::Half { .. } => Step::Half,
            Part::Fraction(fraction) => Step::Fraction(*fraction),
            Part::Offset(_) => Step::Offset,
            Part::Epoch => Step::Epoch,
        }
    };
    parts.iter().enumerate().map(step).collect()
}

impl Day {
    /// What says the day in a format; `None` where nothing does.
    pub(super) fn of(parts: &[Part]) -> Option<Self> {
        let has = |number: Number| {
            parts
                .iter()
                .any(|part| matches!(part, Part::Number(other, _) if *other == number))
        };
        let has_year = has(Number::Year) || has(Number::YearOfCentury);
        let has_month = has(Number::Month) || parts.iter().any(|part| matches!(part, Part::Month { .. }));
        let has_weekday = has(Number::WeekdayFromMonday)
            || has(Number::WeekdayFromSunday)
            || parts.iter().any(|part| matches!(part, Part::Weekday { .. }));
        if parts.contains(&Part::Epoch) {
            Some(Self::Epoch)
        } else if has_year && has_month && has(Number::Day) {
            Some(Self::Calendar)
        } else if has_year && has(Number::DayOfYear) {
            Some(Self::OfYear)
        } else if has(Number::IsoYear) && has(Number::IsoWeek) && has_weekday {
            Some(Self::IsoWeek)
        } else if has_year && has(Number::WeekFromSunday) && has_weekday {
            Some(Self::WeekFromSunday)
        } else if has_year && has(Number::WeekFromMonday) && has_weekday {
            Some(Self::WeekFromMonday)
        } else {
            None
        }
    }

    /// Whether it finds the day by this number, if the format has it.
    fn uses(self, number: Number) -> bool {
        let year = number == Number::Year;
        match self {
            Self::Epoch => false,
            Self::Calendar => year || matches!(number, Number::Month | Number::Day),
            Self::OfYear => year || number == Number::DayOfYear,
            Self::WeekFromSunday => {
                year || matches!(number, Number::WeekFromSunday | Number::WeekdayFromMonday)
            }
            Self::WeekFromMonday => {
                year || matches!(number, Number::WeekFromMonday | Number::WeekdayFromMonday)
            }
            Self::IsoWeek => matches!(
                number,
                Number::IsoYear | Number::IsoWeek | Number::WeekdayFromMonday
            ),
        }
    }

    /// What a format says of the day beyond what finds it: a text can contradict itself in it.
    pub(super) fn checks(self, parts: &[Part]) -> Vec<Number> {
        let said = |part: &Part| match part {
            Part::Number(Number::WeekdayFromSunday, _) | Part::Weekday { .. } => {
                Some(Number::WeekdayFromMonday)
            }
            Part::Month { .. } => Some(Number::Month),
            Part::Number(number, _) => Some(*number),
            _ => None,
        };
        let is_said = |number: &Number| parts.iter().any(|part| said(part) == Some(*number));
        let numbers = calendar::OF_A_DAY.into_iter().filter(is_said);
        numbers.filter(|number| !self.uses(*number)).collect()
    }

    /// Whether a format says the hour in two ways, or the time beside the seconds since 1970.
    pub(super) fn checks_clock(self, parts: &[Part]) -> bool {
        let has = |number: Number| {
            parts
                .iter()
                .any(|part| matches!(part, Part::Number(other, _) if *other == number))
        };
        let has_12 = has(Number::Hour12) || parts.iter().any(|part| matches!(part, Part::Half { .. }));
        match self {
            Self::Epoch => {
                has_12
                    || [Number::Hour, Number::Minute, Number::Second]
                        .into_iter()
                        .any(has)
            }
            _ => has_12 && has(Number::Hour),
        }
    }
}

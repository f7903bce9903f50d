//! The length of windows: elapsed time, or a number of calendar units.

use crate::problem::Problem;

/// The length of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Every {
    /// Elapsed time, in microseconds.
    Fixed(i64),
    /// Calendar units in a zone.
    Calendar { unit: Unit, count: u32 },
}

/// A calendar unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const SECOND: i64 = 1_000_000;
const YEARS: i64 = 100;
/// A hundred years, in hours: no window and no duration is longer.
const HOURS: i64 = YEARS * 8_766;

impl Unit {
    const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Returns how many of them are a hundred years.
    fn most(self) -> i64 {
        match self {
            Self::Day => HOURS / 24,
            Self::Week => HOURS / 24 / 7,
            Self::Month => YEARS * 12,
            Self::Quarter => YEARS * 4,
            Self::Year => YEARS,
        }
    }

    fn named(word: &str) -> Option<Self> {
        let singular = word.strip_suffix('s').unwrap_or(word);
        Self::ALL.into_iter().find(|unit| unit.name() == singular)
    }

    /// Returns the unit that people abbreviate so.
    fn abbreviated(word: &str) -> Option<Self> {
        match word {
            "d" | "D" => Some(Self::Day),
            "w" | "W" | "wk" | "wks" => Some(Self::Week),
            "mo" | "mon" | "mth" => Some(Self::Month),
            "q" | "Q" | "qtr" => Some(Self::Quarter),
            "y" | "Y" | "a" | "yr" | "yrs" => Some(Self::Year),
            other => Self::named(&other.to_lowercase()).filter(|_| Self::named(other).is_none()),
        }
    }

    fn times(self, count: i64) -> String {
        match count {
            1 => self.name().to_owned(),
            count => format!("{count} {}s", self.name()),
        }
    }
}

impl Every {
    /// Reads the length of windows as stage files write it: `5m`, `30 s`, `24h`, `day`, `2 weeks`.
    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        let Some((number, word)) = split(text) else {
            return Err(unreadable(text, Use::Windows));
        };
        let Some(unit) = Unit::named(word) else {
            return elapsed(text, number, word, Use::Windows).map(Self::Fixed);
        };
        let count = match number {
            "" => 1,
            number => whole(number).ok_or_else(|| unreadable(text, Use::Windows))?,
        };
        if count == 0 {
            return Err(too_short(text, Use::Windows, &unit.times(1)));
        }
        match u32::try_from(count) {
            Ok(count) if i64::from(count) <= unit.most() => Ok(Self::Calendar { unit, count }),
            _ => Err(too_long(text, Use::Windows, &unit.times(unit.most()))),
        }
    }

    /// Reads elapsed time, in microseconds: `90s`, `10m`, `2h`.
    pub(crate) fn duration(text: &str) -> Result<i64, Problem> {
        match split(text) {
            Some((number, word)) => elapsed(text, number, word, Use::Elapsed),
            None => Err(unreadable(text, Use::Elapsed)),
        }
    }
}

/// What a text is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Windows, which can be calendar units.
    Windows,
    /// Elapsed time.
    Elapsed,
}

impl Use {
    fn error(self, message: String) -> Problem {
        let code = match self {
            Self::Windows => "stage.every",
            Self::Elapsed => "stage.duration",
        };
        Problem::error(code, None, message)
    }

    fn forms(self) -> &'static str {
        match self {
            Self::Windows => {
                "write a number with `s`, `m` or `h`, such as `5m`, or a calendar unit: `day`, `week`, `month`, \
                 `quarter`, `year`, `2 weeks`"
            }
            Self::Elapsed => "write a whole number with `s`, `m` or `h`, such as `90s`, `10m` or `2h`",
        }
    }
}

/// Splits a text into its number, which may be empty, and its unit.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_matches(' ');
    let at = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let word = text[at..].trim_start_matches(' ');
    (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some((&text[..at], word))
}

/// Reads a whole number; one that is too large for any use becomes the largest.
fn whole(digits: &str) -> Option<i64> {
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().unwrap_or(i64::MAX))
}

/// Returns the seconds of a unit of elapsed time.
fn seconds(word: &str) -> Option<i64> {
    match word {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    }
}

fn elapsed(text: &str, number: &str, word: &str, used: Use) -> Result<i64, Problem> {
    let (Some(unit), Some(number)) = (seconds(word), whole(number)) else {
        return Err(unreadable(text, used));
    };
    if number == 0 {
        return Err(too_short(text, used, "1s"));
    }
    let most = HOURS * 3600 / unit;
    if number > most {
        return Err(too_long(text, used, &format!("{most}{word}")));
    }
    Ok(number * unit * SECOND)
}

fn too_short(text: &str, used: Use, least: &str) -> Problem {
    let message = match used {
        Use::Windows => format!("`{text}` is no time at all: no reading could be in such a window"),
        Use::Elapsed => format!("`{text}` is no time at all"),
    };
    used.error(message).help(format!("write at least `{least}`"))
}

fn too_long(text: &str, used: Use, most: &str) -> Problem {
    used.error(format!("`{text}` is longer than {YEARS} years"))
        .help(format!("write at most `{most}`"))
}

/// Says why a text cannot be read, and what to write instead.
fn unreadable(text: &str, used: Use) -> Problem {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return used.error("the length is empty".to_owned()).help(used.forms());
    }
    if trimmed.starts_with('-') {
        return used.error(format!("`{text}` is negative")).help(used.forms());
    }
    calendar_advice(text, trimmed, used)
        .or_else(|| elapsed_advice(text, trimmed, used))
        .unwrap_or_else(|| {
            used.error(format!("`{text}` is not a length of time"))
                .help(used.forms())
        })
}

/// Explains an abbreviated day, or a calendar unit where only elapsed time is possible.
fn calendar_advice(text: &str, trimmed: &str, used: Use) -> Option<Problem> {
    let (number, word) = split(trimmed)?;
    let count = if number.is_empty() { 1 } else { whole(number)? };
    if word == "M" && used == Use::Windows {
        let message = format!("`{text}` may be minutes or months");
        let months = Unit::Month.times(count);
        return Some(
            used.error(message)
                .help(format!("write `{count}m` or `{months}`")),
        );
    }
    let unit = Unit::abbreviated(word).or_else(|| Unit::named(word))?;
    let hours = match unit {
        Unit::Day => count.checked_mul(24),
        Unit::Week => count.checked_mul(24 * 7),
        Unit::Month | Unit::Quarter | Unit::Year => None,
    };
    let hours = hours.filter(|hours| (1..=HOURS).contains(hours));
    Some(match (used, hours) {
        (Use::Windows, Some(hours)) => {
            let name = unit.name();
            let message = format!(
                "`{text}` may be elapsed hours or a calendar {name}, which differ when clocks change"
            );
            let help = format!(
                "write `{hours}h` for elapsed time, or `{}` for the calendar",
                unit.times(count)
            );
            used.error(message).help(help)
        }
        (Use::Windows, None) => used
            .error(format!("`{text}` is not a length of windows"))
            .help(format!("write `{}`", unit.times(count))),
        (Use::Elapsed, hours) => {
            let message = format!("`{text}` is in calendar units, which are not always equally long");
            let help = hours.map_or_else(|| used.forms().to_owned(), |hours| format!("write `{hours}h`"));
            used.error(message).help(help)
        }
    })
}

/// Explains a fraction, a unit spelled out, several units, and units that are too small.
fn elapsed_advice(text: &str, trimmed: &str, used: Use) -> Option<Problem> {
    let lower = trimmed.to_lowercase();
    let lower = match lower.strip_prefix('p') {
        Some(period) => period.replacen('t', "", 1),
        None => lower,
    };
    let mut rest = lower.as_str();
    let mut nanoseconds: i128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after
            .find(|letter: char| !letter.is_alphabetic())
            .unwrap_or(after.len());
        let (word, after) = after.split_at(end);
        nanoseconds = nanoseconds.checked_add(scaled(number)?.checked_mul(spelled(word)?)? / 1_000_000)?;
        rest = after.trim_start();
    }
    if nanoseconds % 1_000_000_000 != 0 {
        let message =
            format!("`{text}` is not a whole number of seconds, and windows begin on whole seconds");
        let seconds = (nanoseconds / 1_000_000_000 + 1).min(i128::from(HOURS) * 3600);
        return Some(
            used.error(message)
                .help(format!("write `{seconds}s`, for example")),
        );
    }
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
    let better = match seconds {
        0 => return Some(too_short(text, used, "1s")),
        seconds if seconds > HOURS * 3600 => return Some(too_long(text, used, &format!("{HOURS}h"))),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    };
    let message = format!("`{text}` is not a whole number with `s`, `m` or `h`");
    Some(used.error(message).help(format!("write `{better}`")))
}

/// Reads a decimal number, in millionths; no number is one.
fn scaled(number: &str) -> Option<i128> {
    if number.is_empty() {
        return Some(1_000_000);
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 6 || fraction.contains('.') || whole.len() > 18 {
        return None;
    }
    format!("{whole}{fraction:0<6}").parse().ok()
}

/// Returns the nanoseconds of a unit of elapsed time, however it is spelled.
fn spelled(word: &str) -> Option<i128> {
    Some(match word {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        "w" | "week" | "weeks" => 604_800_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        let minute = 60 * SECOND;
        for (text, expected) in [
            ("5m", Every::Fixed(5 * minute)),
            ("30 s", Every::Fixed(30 * SECOND)),
            (" 24h ", Every::Fixed(24 * 60 * minute)),
            ("876600h", Every::Fixed(876_600 * 60 * minute)),
            (
                "day",
                Every::Calendar {
                    unit: Unit::Day,
                    count: 1,
                },
            ),
            (
                "1 day",
                Every::Calendar {
                    unit: Unit::Day,
                    count: 1,
                },
            ),
            (
                "2 weeks",
                Every::Calendar {
                    unit: Unit::Week,
                    count: 2,
                },
            ),
            (
                "3months",
                Every::Calendar {
                    unit: Unit::Month,
                    count: 3,
                },
            ),
            (
                "quarter",
                Every::Calendar {
                    unit: Unit::Quarter,
                    count: 1,
                },
            ),
            (
                "100 years",
                Every::Calendar {
                    unit: Unit::Year,
                    count: 100,
                },
            ),
        ] {
            assert_eq!(Every::read(text), Ok(expected), "{text}");
        }
        assert_eq!(Every::duration("90s"), Ok(90 * SECOND));
        assert_eq!(Every::duration("2 h"), Ok(120 * minute));
    }

    fn problem(problem: &Problem) -> String {
        format!(
            "{}: {} | {}",
            problem.code,
            problem.message,
            problem.help.as_deref().unwrap_or_default()
        )
    }

    /// Texts, each with a part of the message, and of the advice.
    const BAD: &[(&str, &str, &str)] = &[
        (
            "1d",
            "differ when clocks change",
            "write `24h` for elapsed time, or `day` for the calendar",
        ),
        (
            "2D",
            "differ when clocks change",
            "write `48h` for elapsed time, or `2 days` for the calendar",
        ),
        (
            "1w",
            "a calendar week",
            "write `168h` for elapsed time, or `week` for the calendar",
        ),
        ("Day", "a calendar day", "write `24h` for elapsed time, or `day`"),
        ("3mo", "not a length of windows", "write `3 months`"),
        ("1y", "not a length of windows", "write `year`"),
        ("5M", "minutes or months", "write `5m` or `5 months`"),
        ("0m", "no time at all", "at least `1s`"),
        ("0 days", "no time at all", "at least `day`"),
        ("5 min", "whole number", "write `5m`"),
        ("5 minutes", "whole number", "write `5m`"),
        ("hour", "whole number", "write `1h`"),
        ("H", "whole number", "write `1h`"),
        ("5S", "whole number", "write `5s`"),
        ("1.5h", "whole number", "write `90m`"),
        ("1.5 days", "whole number", "write `36h`"),
        ("1h30m", "whole number", "write `90m`"),
        ("1h 30m 1s", "whole number", "write `5401s`"),
        ("PT5M", "whole number", "write `5m`"),
        ("P1DT12H", "whole number", "write `36h`"),
        ("500ms", "whole seconds", "write `1s`"),
        ("1.0001s", "whole seconds", "write `2s`"),
        ("876601h", "longer than 100 years", "write at most `876600h`"),
        (
            "99999999999999999999999s",
            "longer than 100 years",
            "write at most `3155760000s`",
        ),
        (
            "37000 days",
            "longer than 100 years",
            "write at most `36525 days`",
        ),
        (
            "4294967297 years",
            "longer than 100 years",
            "write at most `100 years`",
        ),
        ("-5m", "negative", "such as `5m`"),
        ("", "empty", "such as `5m`"),
        ("5", "not a length of time", "such as `5m`"),
        ("5 lightyears", "not a length of time", "`2 weeks`"),
        ("5m,", "not a length of time", "`2 weeks`"),
        ("fünf", "not a length of time", "`2 weeks`"),
        ("1..5h", "not a length of time", "`2 weeks`"),
    ];

    #[test]
    fn what_cannot_be_read_says_why_and_what_to_write() {
        for (text, message, help) in BAD.iter().copied() {
            let found = problem(&Every::read(text).unwrap_err());
            assert!(found.starts_with("stage.every: "), "{found}");
            assert!(found.contains(message) && found.contains(help), "{text}: {found}");
        }
        for (text, message, help) in [
            ("1d", "calendar units", "write `24h`"),
            ("day", "calendar units", "write `24h`"),
            ("month", "calendar units", "`10m`"),
            ("10 min", "whole number", "write `10m`"),
            ("0s", "no time at all", "at least `1s`"),
            ("m", "whole number", "write `1m`"),
        ] {
            let found = problem(&Every::duration(text).unwrap_err());
            assert!(found.starts_with("stage.duration: "), "{found}");
            assert!(found.contains(message) && found.contains(help), "{text}: {found}");
        }
    }

    #[test]
    fn what_is_advised_can_be_read() {
        for text in [
            "1d",
            "2w",
            "7M",
            "0m",
            "5 min",
            "1.5h",
            "500ms",
            "PT90M",
            "9999999h",
            "3mo",
            "0 years",
            "99999 weeks",
        ] {
            let help = Every::read(text).unwrap_err().help.unwrap();
            for advised in help.split('`').skip(1).step_by(2) {
                assert!(Every::read(advised).is_ok(), "{text}: {advised}");
            }
        }
    }
}

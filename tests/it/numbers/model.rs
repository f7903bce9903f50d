//! The grammar of number texts once more, naively: as regular expressions and digits in a text. Nothing here is shared
//! with the parser under test.

use regex::Regex;

/// What a reader makes of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// The number, as text.
    Reads(String),
    /// It is no number.
    Invalid,
    /// It needs more than 28 digits.
    TooLong,
    /// It is a number, but not a whole one, or not one that fits.
    Inexact,
}

/// How a reader takes numbers: a pattern with the groups `minus`, `digits` and `exponent`.
pub(super) struct Model {
    pattern: Regex,
    point: char,
    /// The first number as digits that is too long.
    limit: &'static str,
}

/// 10^28.
pub(super) const DIGITS_28: &str = "10000000000000000000000000000";
/// 2^96.
const BITS_96: &str = "79228162514264337593543950336";

const EXPONENT: &str = "(?:[eE](?P<exponent>[-+]?[0-9]+))?";
const UNSIGNED: &str = r"(?P<digits>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)";

fn model(pattern: &str) -> Model {
    Model {
        pattern: Regex::new(&format!("^(?:{pattern})$")).expect("the test's pattern is one"),
        point: '.',
        limit: DIGITS_28,
    }
}

/// Blanks around, a sign, blanks behind it.
fn signed(unsigned: &str) -> String {
    format!(r"\s*(?:(?P<minus>-)|\+)?\s*{unsigned}\s*")
}

/// `decimal`, `round`, `bands`, `decimal(x)`.
pub(super) fn plain() -> Model {
    model(&signed(UNSIGNED))
}

/// `decimal` with `exponent = true`.
pub(super) fn exponent() -> Model {
    model(&signed(&format!("{UNSIGNED}{EXPONENT}")))
}

/// `decimal` with `parentheses = "negative"`.
pub(super) fn parentheses() -> Model {
    let twice = UNSIGNED.replace("digits", "other");
    model(&format!(
        r"{}|\s*(?P<bracket>\()\s*{twice}\s*\)\s*",
        signed(UNSIGNED)
    ))
}

/// `decimal` with `strip = ","`.
pub(super) fn groups() -> Model {
    let grouped = r"(?P<digits>[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)";
    model(&signed(grouped))
}

/// `decimal` with `point = ","` and `strip = ".'"`.
pub(super) fn comma() -> Model {
    let by = |mark: &str| format!("[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+(?:,[0-9]+)?");
    let digits = format!("(?P<digits>{}|{}|[0-9]+(?:,[0-9]+)?|,[0-9]+)", by(r"\."), by("'"));
    Model {
        point: ',',
        ..model(&signed(&digits))
    }
}

/// A JSON number.
pub(super) fn json() -> Model {
    model(&format!(
        r"(?P<minus>-)?(?P<digits>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?){EXPONENT}"
    ))
}

/// `x-decimal` of contracts.
pub(super) fn written() -> Model {
    Model {
        limit: BITS_96,
        ..model(r"(?P<minus>-)?(?P<digits>[0-9]+(?:\.[0-9]+)?)")
    }
}

/// Numbers in stage files.
pub(super) fn setting() -> Model {
    let run = "[0-9]+(?:_[0-9]+)*";
    Model {
        limit: BITS_96,
        ..model(&format!(
            r"(?:(?P<minus>-)|\+)?(?P<digits>{run}(?:\.(?:{run})?)?|\.{run}){EXPONENT}"
        ))
    }
}

impl Model {
    pub(super) fn read(&self, text: &str) -> Verdict {
        let Some(found) = self.pattern.captures(text) else {
            return Verdict::Invalid;
        };
        let digits = found.name("digits").or_else(|| found.name("other"));
        let digits = digits.map_or("", |digits| digits.as_str());
        let minus = found.name("minus").or_else(|| found.name("bracket"));
        let exponent = found.name("exponent").map_or("0", |exponent| exponent.as_str());
        self.number(minus.is_some(), digits, exponent)
    }

    fn number(&self, is_negative: bool, digits: &str, exponent: &str) -> Verdict {
        let (whole, fraction) = digits.split_once(self.point).unwrap_or((digits, ""));
        let mut all: String = whole
            .chars()
            .chain(fraction.chars())
            .filter(char::is_ascii_digit)
            .collect();
        let fraction = fraction.chars().filter(char::is_ascii_digit).count();
        all = all.trim_start_matches('0').to_owned();
        let mut places = i128::try_from(fraction).expect("a text is short");
        // Digits that no decimal holds are too many, even where an exponent would bring them back.
        if places > 28 || !self.fits(&all) {
            return Verdict::TooLong;
        }
        if !all.is_empty() {
            // An exponent of more digits than any machine has is far away in any case.
            let exponent: i128 =
                exponent
                    .parse()
                    .unwrap_or(if exponent.starts_with('-') { -1000 } else { 1000 });
            places -= exponent.clamp(-1000, 1000);
            while places < 0 {
                all.push('0');
                places += 1;
            }
        }
        if places > 28 || !self.fits(&all) {
            return Verdict::TooLong;
        }
        let places = usize::try_from(places).expect("it is none below 0");
        let is_zero = all.is_empty();
        while all.len() <= places {
            all.insert(0, '0');
        }
        if places > 0 {
            all.insert(all.len() - places, '.');
        }
        Verdict::Reads(format!("{}{all}", if is_negative && !is_zero { "-" } else { "" }))
    }

    fn fits(&self, digits: &str) -> bool {
        let limit = if digits.len() > 28 && self.limit == BITS_96 {
            BITS_96
        } else {
            self.limit
        };
        (digits.len(), digits) < (limit.len(), limit)
    }
}

/// `integer(x)`: no point, and 64 bits.
pub(super) fn integer(text: &str) -> Verdict {
    match plain().read(text) {
        Verdict::Reads(_) if text.contains('.') => Verdict::Invalid,
        Verdict::Reads(number) if number.parse::<i64>().is_err() => Verdict::Invalid,
        // Digits beyond 64 bits, and no number at all, are refused alike.
        Verdict::TooLong => Verdict::Invalid,
        read => read,
    }
}

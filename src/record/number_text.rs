//! The only grammar of number texts, and its only parser. Each reader of numbers uses one of the readings here; the
//! table in `docs/numbers.md`, generated from the readers themselves, shows what each accepts and refuses.
//!
//! ```text
//! around  sign  around  digits { group three-digits } [ point digits ] [ exponent ]  around
//! ```
//! Digits are `0` to `9` and nothing else. A text with anything that a reading does not allow is refused; nothing is
//! guessed, cut or rounded.

use rust_decimal::Decimal;

pub(crate) use self::scanned::NotRead;
use self::scanned::{BITS_96, Groups, Scanned, Sum, written_exponent};

mod scanned;

/// Characters that may separate groups of three digits; of `,` and `.` the one that is not the decimal point.
const GROUPING: &[char] = &[',', '.', '\'', '\u{2019}', '_', ' ', '\u{a0}', '\u{202f}'];

/// The first number of 29 digits.
const DIGITS_28: u128 = 10u128.pow(28);

/// What a reading allows in addition to a minus and `12.50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allows(u8);

impl Allows {
    /// `+5`
    const PLUS: Self = Self(1);
    /// `007`
    const ZEROS: Self = Self(2);
    /// `.5`
    const OPEN_FRONT: Self = Self(4);
    /// `5.`
    const OPEN_END: Self = Self(8);
    /// `5e3`
    const EXPONENT: Self = Self(16);
    /// `5_000`, anywhere between two digits.
    const UNDERSCORES: Self = Self(32);
    /// `(5)` for -5.
    const PARENTHESES: Self = Self(64);

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The character between the whole part and the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// `12.50`
    Dot,
    /// `12,50`
    Comma,
}

impl Point {
    /// Returns the character.
    #[must_use]
    pub const fn character(self) -> char {
        match self {
            Self::Dot => '.',
            Self::Comma => ',',
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Dot => b'.',
            Self::Comma => b',',
        }
    }

    /// Whether a character separates groups of digits where this is the decimal point.
    pub(crate) fn groups_by(self, character: char) -> bool {
        character != self.character() && GROUPING.contains(&character)
    }
}

/// How a reader interprets the text of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberText<'s> {
    /// The characters allowed around the number and on either side of its sign: blanks, and those of these characters
    /// that do not separate groups. With `None`, not even blanks.
    around: Option<&'s str>,
    /// Whether some of the characters separate groups.
    groups: bool,
    point: Point,
    allows: Allows,
    /// The upper bound (exclusive) of the digits as a whole number.
    below: u128,
}

impl NumberText<'static> {
    /// A JSON number, and nothing else: the numbers of a record.
    pub(crate) const JSON: Self = Self {
        around: None,
        groups: false,
        point: Point::Dot,
        allows: Allows::EXPONENT,
        below: DIGITS_28,
    };

    /// A JSON number to calculate with: also a number of 29 digits that fits in a decimal.
    pub(crate) const CALCULATED: Self = Self {
        below: BITS_96,
        ..Self::JSON
    };

    /// A cell of a table where records have numbers: any number that a record can have, of any length. The same reading
    /// decides whether the cell is a number, and whether it equals the existing one.
    pub(crate) const CELL: Self = Self::CALCULATED;

    /// A text that represents a number: `decimal`, `round`, `bands`, `decimal(x)`, `integer(x)`, the amounts of a
    /// reconciliation.
    pub(crate) const PLAIN: Self = Self {
        around: Some(""),
        allows: Allows::PLUS.and(Allows::ZEROS).and(Allows::OPEN_FRONT),
        ..Self::JSON
    };

    /// A decimal as operations write it, which contracts check with `x-decimal`.
    pub(crate) const WRITTEN: Self = Self {
        allows: Allows::ZEROS,
        ..Self::CALCULATED
    };

    /// A key of `map` or a bound of `bands`, in a stage file.
    pub(crate) const KEY: Self = Self {
        allows: Self::PLAIN.allows.and(Allows::EXPONENT),
        ..Self::JSON
    };

    /// Any other number in a stage file, as TOML, Rhai and people write it.
    pub(crate) const SETTING: Self = Self {
        allows: Self::KEY.allows.and(Allows::OPEN_END).and(Allows::UNDERSCORES),
        ..Self::CALCULATED
    };
}

impl<'s> NumberText<'s> {
    /// Allows these characters around the number, and between groups those of them that separate groups.
    pub(crate) fn stripping(self, characters: &'s str) -> Self {
        Self {
            around: Some(characters),
            groups: characters.contains(|c| self.point.groups_by(c)),
            ..self
        }
    }

    /// Uses another decimal point.
    pub(crate) fn pointed(self, point: Point) -> Self {
        Self { point, ..self }
    }

    /// Allows an exponent.
    pub(crate) fn with_exponent(self) -> Self {
        self.allowing(Allows::EXPONENT)
    }

    /// Reads `(5)` as -5.
    pub(crate) fn with_parentheses(self) -> Self {
        self.allowing(Allows::PARENTHESES)
    }

    fn allowing(self, more: Allows) -> Self {
        Self {
            allows: self.allows.and(more),
            ..self
        }
    }

    /// Returns the exact decimal of a text, with its places kept: `6.00` has two, `1e2` is 100. Zero has no sign.
    #[inline]
    pub(crate) fn read(&self, text: &str) -> Result<Decimal, NotRead> {
        match self.short(text.as_bytes()) {
            Some(decimal) => Ok(decimal),
            None => self.any(text),
        }
    }

    /// Reads a number of at most 18 characters with only a minus and a point, which every reader accepts: nearly every
    /// number is one. [`any`](Self::any) reads all others.
    #[inline]
    fn short(&self, bytes: &[u8]) -> Option<Decimal> {
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            bytes => (false, bytes),
        };
        let ([b'1'..=b'9', ..] | [b'0'] | [b'0', b'.' | b',', ..]) = bytes else {
            return None;
        };
        if bytes.len() > 18 {
            return None;
        }
        let (mut size, mut point) = (0i64, None);
        for (at, &byte) in bytes.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                size = size * 10 + i64::from(digit);
            } else if byte == self.point.byte() && point.is_none() {
                point = Some(at);
            } else {
                return None;
            }
        }
        let places = match point {
            None => 0,
            Some(point) if point + 1 < bytes.len() => u32::try_from(bytes.len() - point - 1).ok()?,
            _ => return None,
        };
        Some(Decimal::new(if negative { -size } else { size }, places))
    }

    fn any(&self, text: &str) -> Result<Decimal, NotRead> {
        let (negative, digits) = self.signed(text).ok_or(NotRead::Invalid)?;
        self.scan(digits)?.decimal(negative, self.below)
    }

    /// Returns the whole number of a text that has neither point nor exponent.
    pub(crate) fn whole(&self, text: &str) -> Result<i64, NotRead> {
        let (negative, digits) = self.signed(text).ok_or(NotRead::Invalid)?;
        let scanned = self.scan(digits)?;
        if scanned.places.is_some() || scanned.exponent.is_some() {
            return Err(NotRead::Invalid);
        }
        let size =
            i128::try_from(scanned.sum.size().ok_or(NotRead::TooLong)?).map_err(|_| NotRead::TooLong)?;
        i64::try_from(if negative { -size } else { size }).map_err(|_| NotRead::TooLong)
    }

    /// Whether a text is a number, of any length.
    pub(crate) fn takes(&self, text: &str) -> bool {
        self.signed(text)
            .is_some_and(|(_, digits)| self.scan(digits).is_ok())
    }

    /// Returns whether it is negative, and the text without its sign and without the characters around it.
    fn signed<'t>(&self, text: &'t str) -> Option<(bool, &'t str)> {
        let bare = text.strip_prefix('-').unwrap_or(text);
        if let [b'0'..=b'9', .., b'0'..=b'9'] | [b'0'..=b'9'] = bare.as_bytes() {
            // Nothing is around it: most numbers are written so.
            return Some((bare.len() < text.len(), bare));
        }
        let mut rest = self.without_symbols(text);
        if let Some(inside) = rest.strip_prefix('(') {
            let inside = inside
                .strip_suffix(')')
                .filter(|_| self.allows.has(Allows::PARENTHESES))?;
            return Some((true, self.without_symbols(inside)));
        }
        let negative = rest.starts_with('-');
        if negative || (self.allows.has(Allows::PLUS) && rest.starts_with('+')) {
            rest = self.without_symbols(&rest[1..]);
        }
        Some((negative, rest))
    }

    fn without_symbols<'t>(&self, text: &'t str) -> &'t str {
        let Some(symbols) = self.around else {
            return text;
        };
        text.trim_matches(|c: char| c.is_whitespace() || (!self.point.groups_by(c) && symbols.contains(c)))
    }

    /// Scans digits, point, groups and exponent.
    #[inline]
    fn scan(&self, text: &str) -> Result<Scanned, NotRead> {
        let bytes = text.as_bytes();
        let mut sum = Sum::default();
        // Number of digits before and after the point.
        let mut whole = sum.run(bytes);
        let (mut places, mut groups, mut exponent) = (None, None::<Groups>, None);
        let mut at = whole;
        while let Some(&byte) = bytes.get(at) {
            if byte == self.point.byte() && places.is_none() {
                let behind = sum.run(&bytes[at + 1..]);
                places = Some(behind);
                at += 1 + behind;
            } else if matches!(byte, b'e' | b'E') && self.allows.has(Allows::EXPONENT) {
                exponent = Some(written_exponent(&bytes[at + 1..]).ok_or(NotRead::Invalid)?);
                break;
            } else {
                let width = self.between(text, at, places.is_some(), whole, &mut groups);
                at += width.ok_or(NotRead::Invalid)?;
                let more = sum.run(&bytes[at..]);
                *places.as_mut().unwrap_or(&mut whole) += more;
                at += more;
            }
        }
        let closed = match places {
            None => whole > 0,
            Some(0) => whole > 0 && self.allows.has(Allows::OPEN_END),
            Some(_) => whole > 0 || self.allows.has(Allows::OPEN_FRONT),
        };
        let zeros = whole > 1 && bytes[0] == b'0' && !self.allows.has(Allows::ZEROS);
        let whole_groups = groups.is_none_or(|groups| whole == groups.until + 3 && exponent.is_none());
        if !closed || zeros || !whole_groups {
            return Err(NotRead::Invalid);
        }
        Ok(Scanned {
            sum,
            places,
            exponent,
        })
    }

    /// Returns the width of a character that may be between digits, where it may.
    fn between(
        &self,
        text: &str,
        at: usize,
        is_fraction: bool,
        whole: usize,
        groups: &mut Option<Groups>,
    ) -> Option<usize> {
        let bytes = text.as_bytes();
        if bytes[at] == b'_' && self.allows.has(Allows::UNDERSCORES) {
            let neighbours = [at.checked_sub(1)?, at + 1].map(|next| bytes.get(next));
            let digits = neighbours
                .into_iter()
                .all(|next| next.is_some_and(u8::is_ascii_digit));
            return digits.then_some(1);
        }
        if !self.groups || is_fraction {
            return None;
        }
        let mark = text[at..]
            .chars()
            .next()
            .filter(|mark| self.marks_groups(*mark))?;
        *groups = Some(Groups::next(*groups, mark, whole, bytes[0])?);
        Some(mark.len_utf8())
    }

    fn marks_groups(&self, mark: char) -> bool {
        self.point.groups_by(mark) && self.around.is_some_and(|characters| characters.contains(mark))
    }
}

/// Returns the id that a JSON number represents: its digits, where it has neither fraction nor exponent. `-0` is the
/// number 0, and so is its id.
pub(crate) fn id_of_number(number: &str) -> Option<&str> {
    match number {
        "-0" => Some("0"),
        _ => (!number.contains(['.', 'e', 'E'])).then_some(number),
    }
}

#[cfg(test)]
mod tests;

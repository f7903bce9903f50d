//! A cursor over a text.

use super::calendar::key;
use super::moment::Unread;
use super::specifier::Fraction;

/// A text and the position up to which it has been read.
pub(super) struct TextCursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> TextCursor<'t> {
    #[inline]
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Starts at the beginning of a text, with the blanks at either end removed.
    #[inline]
    pub(super) fn trimmed(text: &'t str) -> Self {
        let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        let bytes = text.as_bytes();
        if is_plain(bytes.first()) && is_plain(bytes.last()) {
            Self::new(text)
        } else {
            Self::new(text.trim())
        }
    }

    /// Returns the unread part.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Skips one byte, which must be one of these.
    #[inline]
    pub(super) fn take(&mut self, one_of: &[u8]) -> Result<(), Unread> {
        let byte = self.byte().filter(|byte| one_of.contains(byte));
        self.at += 1;
        byte.map(|_| ()).ok_or(Unread::Unparsed)
    }

    /// Reads exactly this many digits.
    #[inline]
    pub(super) fn exactly(&mut self, count: usize) -> Result<u32, Unread> {
        let begin = self.at;
        let value = self.digits(count).filter(|_| self.at - begin == count);
        value
            .and_then(|value| u32::try_from(value).ok())
            .ok_or(Unread::Unparsed)
    }

    /// Skips these characters.
    #[inline]
    pub(super) fn literal(&mut self, text: &str) -> Result<(), Unread> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(text.as_bytes());
        self.at += text.len();
        if is_there { Ok(()) } else { Err(Unread::Unparsed) }
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn next_is_digit(&self) -> bool {
        self.byte().is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Skips a byte, if it comes next.
    #[inline]
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.byte() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Skips blanks, and returns whether there were any.
    #[inline]
    pub(super) fn skip_blanks(&mut self) -> bool {
        let begin = self.at;
        while self.byte() == Some(b' ') {
            self.at += 1;
        }
        if self.byte().is_some_and(|byte| byte < b' ' || !byte.is_ascii()) {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
        }
        self.at > begin
    }

    /// Reads at most this many digits. More than 18 digits are beyond any number of seconds that a calendar has.
    pub(super) fn digits(&mut self, most: usize) -> Option<i64> {
        let begin = self.at;
        let mut value: i64 = 0;
        while let Some(byte) = self.byte().filter(u8::is_ascii_digit) {
            if self.at - begin == most {
                break;
            }
            value = value.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
            self.at += 1;
        }
        (self.at > begin).then_some(value)
    }

    /// Reads a number of at most `most` digits; `None` where there are fewer than `least`.
    #[inline]
    pub(super) fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let rest = &self.text.as_bytes()[self.at..];
        let mut value: i16 = 0;
        let mut count = 0;
        while count < most {
            let Some(digit) = rest
                .get(count)
                .map(|byte| byte.wrapping_sub(b'0'))
                .filter(|digit| *digit < 10)
            else {
                break;
            };
            value = value * 10 + i16::from(digit);
            count += 1;
        }
        self.at += count;
        (count >= least).then_some(value)
    }

    /// Reads a name, whole or its first three letters, in either case, and returns its position among the names, from
    /// 1.
    pub(super) fn name(&mut self, names: &[&str], keys: &[u32]) -> Result<i16, Unread> {
        let rest = &self.text.as_bytes()[self.at..];
        let &[first, second, third, ..] = rest else {
            return Err(Unread::Unparsed);
        };
        let key = key(first, second, third);
        let place = keys
            .iter()
            .position(|other| *other == key)
            .ok_or(Unread::Unparsed)?;
        let name = names[place].as_bytes();
        let has_more = rest.get(3).is_some_and(u8::is_ascii_alphabetic);
        let is_whole = has_more && rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name);
        self.at += if is_whole { name.len() } else { 3 };
        i16::try_from(place + 1).map_err(|_| Unread::Unparsed)
    }

    pub(super) fn half(&mut self) -> Result<i16, Unread> {
        let letters = self
            .text
            .as_bytes()
            .get(self.at..self.at + 2)
            .ok_or(Unread::Unparsed)?;
        self.at += 2;
        match [letters[0] | 32, letters[1] | 32] {
            [b'a', b'm'] => Ok(0),
            [b'p', b'm'] => Ok(1),
            _ => Err(Unread::Unparsed),
        }
    }

    /// Reads a fraction, in nanoseconds.
    pub(super) fn fraction(&mut self, fraction: Fraction) -> Result<u32, Unread> {
        if fraction.dot && !self.skip(b'.') {
            return Ok(0);
        }
        let places = fraction.places.map(usize::from);
        let begin = self.at;
        let value = self.digits(places.unwrap_or(9)).ok_or(Unread::Unparsed)?;
        let count = self.at - begin;
        if places.is_some_and(|places| count < places) {
            return Err(Unread::Unparsed);
        }
        if places.is_none() && self.next_is_digit() {
            return Err(Unread::TooPrecise);
        }
        let value = (count..9).fold(value, |value, _| value * 10);
        u32::try_from(value).map_err(|_| Unread::Unparsed)
    }

    /// Reads an offset, in seconds: `Z`, `+hh`, `+hhmm`, `+hh:mm`, `+hhmmss`, `+hh:mm:ss`.
    pub(super) fn offset(&mut self) -> Result<i32, Unread> {
        if self.skip(b'Z') {
            return Ok(0);
        }
        let is_negative = self.skip(b'-');
        if !is_negative && !self.skip(b'+') {
            return Err(Unread::Unparsed);
        }
        let hours = self.two_digits(23).ok_or(Unread::Unparsed)?;
        let has_colon = self.byte() == Some(b':');
        let mut seconds = hours * 3600;
        for unit in [60, 1] {
            let begin = self.at;
            let more = (!has_colon || self.skip(b':')) && self.next_is_digit();
            let Some(value) = more.then(|| self.two_digits(59)).flatten() else {
                self.at = begin;
                break;
            };
            seconds += value * unit;
        }
        Ok(if is_negative { -seconds } else { seconds })
    }

    fn two_digits(&mut self, most: i32) -> Option<i32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 2)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = i32::from(digits[0] - b'0') * 10 + i32::from(digits[1] - b'0');
        self.at += 2;
        (value <= most).then_some(value)
    }
}

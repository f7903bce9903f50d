//! Dates, written yyyy-mm-dd or yyyymmdd.

use super::slips::slips;

/// A date in parts; only its digits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// Returns the parts of a date, or `None` if the text does not have its eight digits.
pub(crate) fn parts(text: &str) -> Option<Parts> {
    let mut digits = 0_u32;
    let mut count = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' if count < 8 => {
                digits = digits * 10 + u32::from(byte - b'0');
                count += 1;
            }
            b'-' | b'/' | b'.' => {}
            _ => return None,
        }
    }
    if count != 8 {
        return None;
    }
    Some(Parts {
        year: u16::try_from(digits / 10_000).ok()?,
        month: u8::try_from(digits / 100 % 100).ok()?,
        day: u8::try_from(digits % 100).ok()?,
    })
}

/// How alike two different dates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alike {
    /// One slip, or day and month exchanged.
    Slip,
    /// Two of three parts are equal.
    TwoParts,
    /// The year is.
    Year,
    /// Nothing of the kind.
    No,
}

/// A text without what separates the parts of a date: a date with a missing digit has none.
struct Plain {
    bytes: [u8; LONGEST],
    len: usize,
}

/// Longer texts are no dates, and are compared as they are.
const LONGEST: usize = 32;

impl Plain {
    fn new(text: &str) -> Option<Self> {
        let mut plain = Self {
            bytes: [0; LONGEST],
            len: 0,
        };
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b'/' | b'.')) {
            *plain.bytes.get_mut(plain.len)? = byte;
            plain.len += 1;
        }
        Some(plain)
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes[..self.len]).ok()
    }
}

/// The most years by which two dates of birth of one person differ by a slip.
const MOST_YEARS: u16 = 10;

/// Compares two different dates.
pub(super) fn alike(a: &str, b: &str) -> Alike {
    let plain = (Plain::new(a), Plain::new(b));
    let (a, b) = match &plain {
        (Some(one), Some(other)) => (one.text().unwrap_or(a), other.text().unwrap_or(b)),
        _ => (a, b),
    };
    let (Some(one), Some(other)) = (parts(a), parts(b)) else {
        return match slips(a, b, 2) {
            1 => Alike::Slip,
            2 => Alike::TwoParts,
            _ => Alike::No,
        };
    };
    let exchanged = one.year == other.year && one.month == other.day && one.day == other.month;
    // A slip in the year makes a person at most ten years older: beyond, it is rather somebody of another generation.
    let is_close = one.year.abs_diff(other.year) <= MOST_YEARS;
    if exchanged || slips(a, b, 1) <= 1 {
        return if is_close { Alike::Slip } else { Alike::TwoParts };
    }
    let (year, month, day) = (
        one.year == other.year,
        one.month == other.month,
        one.day == other.day,
    );
    match u8::from(year) + u8::from(month) + u8::from(day) {
        // On the same day of another year: somebody of another generation.
        2 if year || is_close => Alike::TwoParts,
        2 => Alike::Year,
        _ if year => Alike::Year,
        _ => Alike::No,
    }
}

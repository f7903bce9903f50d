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

/// Compares two different dates.
pub(super) fn alike(a: &str, b: &str) -> Alike {
    let (Some(one), Some(other)) = (parts(a), parts(b)) else {
        return match slips(a, b, 2) {
            1 => Alike::Slip,
            2 => Alike::TwoParts,
            _ => Alike::No,
        };
    };
    let exchanged = one.year == other.year && one.month == other.day && one.day == other.month;
    if exchanged || slips(a, b, 1) <= 1 {
        return Alike::Slip;
    }
    let (year, month, day) = (
        one.year == other.year,
        one.month == other.month,
        one.day == other.day,
    );
    match u8::from(year) + u8::from(month) + u8::from(day) {
        2 => Alike::TwoParts,
        _ if year => Alike::Year,
        _ => Alike::No,
    }
}

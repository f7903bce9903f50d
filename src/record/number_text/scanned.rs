//! The parts of a number's text: its digits as one whole number, and the position of its point.

use rust_decimal::Decimal;

/// Why a text is not an exact decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// The text is not a number for this reader.
    Invalid,
    /// The number needs more than 28 digits.
    TooLong,
}

/// The first number that does not fit in a decimal's 96 bits.
pub(super) const BITS_96: u128 = 1 << 96;

/// The maximum number of places of a decimal.
const MOST_PLACES: usize = 28;

/// The powers of ten that fit in a decimal.
const POWERS: [u128; 29] = {
    let mut powers = [1; 29];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Groups of three digits, so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups {
    mark: char,
    /// Number of digits before the last separator.
    pub(super) until: usize,
}

impl Groups {
    /// Adds a separator after this many digits: the same character throughout. The first group has one to three digits
    /// and does not begin with a zero: `0,123` has a decimal comma, and is not a number of thousands.
    pub(super) fn next(before: Option<Self>, mark: char, digits: usize, first: u8) -> Option<Self> {
        let whole = match before {
            None => (1..=3).contains(&digits) && first != b'0',
            Some(before) => before.mark == mark && digits == before.until + 3,
        };
        whole.then_some(Self { mark, until: digits })
    }
}

/// The digits so far as a whole number, accumulated eighteen at a time in a machine word.
#[derive(Debug, Default)]
pub(super) struct Sum {
    high: u128,
    low: u64,
    in_low: usize,
    is_long: bool,
}

impl Sum {
    /// Reads the digits at the beginning of a text; returns their number.
    #[inline]
    pub(super) fn run(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let end = bytes.len().min(at + 18 - self.in_low);
            let begin = at;
            while at < end {
                let digit = bytes[at].wrapping_sub(b'0');
                if digit > 9 {
                    break;
                }
                self.low = self.low * 10 + u64::from(digit);
                at += 1;
            }
            self.in_low += at - begin;
            if at < end || at == bytes.len() {
                return at;
            }
            self.process();
        }
    }

    #[cold]
    fn process(&mut self) {
        let high = self.high.checked_mul(POWERS[self.in_low]);
        let high = high.and_then(|high| high.checked_add(u128::from(self.low)));
        let high = high.filter(|high| *high < BITS_96);
        self.is_long |= high.is_none();
        self.high = high.unwrap_or(0);
        (self.low, self.in_low) = (0, 0);
    }

    /// Whether it fits in a machine word.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        self.high == 0 && !self.is_long
    }

    /// Returns the whole number; `None` where it does not fit in 96 bits.
    #[inline]
    pub(super) fn size(mut self) -> Option<u128> {
        if self.is_short() {
            return Some(u128::from(self.low));
        }
        self.process();
        (!self.is_long).then_some(self.high)
    }
}

/// A number in parts.
pub(super) struct Scanned {
    /// All digits.
    pub(super) sum: Sum,
    /// Number of digits after the point, where there is one.
    pub(super) places: Option<usize>,
    pub(super) exponent: Option<i64>,
}

impl Scanned {
    #[inline]
    pub(super) fn decimal(self, negative: bool, below: u128) -> Result<Decimal, NotRead> {
        let places = self.places.unwrap_or(0);
        if places <= MOST_PLACES && self.exponent.is_none() && self.sum.is_short() {
            let size = self.sum.low.cast_signed();
            return Ok(Decimal::new(
                if negative { -size } else { size },
                u32::try_from(places).unwrap_or(0),
            ));
        }
        self.long(negative, below)
    }

    #[inline]
    fn long(self, negative: bool, below: u128) -> Result<Decimal, NotRead> {
        let mut size = self.sum.size().ok_or(NotRead::TooLong)?;
        let mut places = self.places.unwrap_or(0);
        if places > MOST_PLACES {
            return Err(NotRead::TooLong);
        }
        if let Some(exponent) = self.exponent.filter(|_| size != 0) {
            let scale = i64::try_from(places).unwrap_or_default() - exponent;
            let away = usize::try_from(scale.unsigned_abs()).unwrap_or(usize::MAX);
            if scale < 0 {
                let power = *POWERS.get(away).ok_or(NotRead::TooLong)?;
                size = size.checked_mul(power).ok_or(NotRead::TooLong)?;
            }
            places = if scale < 0 { 0 } else { away };
        }
        if size >= below || places > MOST_PLACES {
            return Err(NotRead::TooLong);
        }
        let size = size.cast_signed();
        let size = if negative { -size } else { size };
        let places = u32::try_from(places).map_err(|_| NotRead::TooLong)?;
        Decimal::try_from_i128_with_scale(size, places).map_err(|_| NotRead::TooLong)
    }
}

/// Parses the exponent after `e`, clamped to 64 bits.
#[inline]
pub(super) fn written_exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut size = 0i64;
    for digit in digits {
        // Beyond this, a larger exponent makes no difference.
        size = (size * 10 + i64::from(digit - b'0')).min(i64::MAX / 100);
    }
    Some(if negative { -size } else { size })
}

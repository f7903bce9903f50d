//! A number's text in parts: its digits as one whole number, and where its point is.

use rust_decimal::Decimal;

/// Why a text is not an exact decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// It is no number, as this reader takes numbers.
    Invalid,
    /// It is a number that needs more than 28 digits.
    TooLong,
}

/// The first number that a decimal's 96 bits do not hold.
pub(super) const BITS_96: u128 = 1 << 96;

/// The most places of a decimal.
const MOST_PLACES: usize = 28;

/// The powers of ten that a decimal has room for.
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
    /// How many digits stand before the last mark.
    pub(super) until: usize,
}

impl Groups {
    /// One more mark, after so many digits: the same one throughout. The first group has one to three digits and begins
    /// with none that says nothing: `0,123` is a decimal comma, not a thousand and a bit.
    pub(super) fn next(before: Option<Self>, mark: char, digits: usize, first: u8) -> Option<Self> {
        let whole = match before {
            None => (1..=3).contains(&digits) && first != b'0',
            Some(before) => before.mark == mark && digits == before.until + 3,
        };
        whole.then_some(Self { mark, until: digits })
    }
}

/// The digits so far as a whole number, eighteen at a time in a machine word.
#[derive(Debug, Default)]
pub(super) struct Sum {
    high: u128,
    low: u64,
    in_low: usize,
    is_long: bool,
}

impl Sum {
    /// Takes the digits that a text begins with; how many those are.
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

    /// Whether a machine word holds it.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        self.high == 0 && !self.is_long
    }

    /// The whole number; `None` where 96 bits do not hold it.
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
    /// All of its digits.
    pub(super) sum: Sum,
    /// How many of them stand behind the point, where there is one.
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

/// The exponent after `e`, held within 64 bits.
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
        // Beyond this a number is as far away as it can be.
        size = (size * 10 + i64::from(digit - b'0')).min(i64::MAX / 100);
    }
    Some(if negative { -size } else { size })
}

//! Exact numbers: whole numbers that grow when they must, decimals, and quotients and roots that are rounded once.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigInt;
use rust_decimal::Decimal;

use crate::aggregate::Rounded;

/// Maximum number of digits, and of places, of a value: more than any measure writes. A row that was edited by hand may
/// have `1e999999999`.
const MOST: usize = 1_000;

/// A whole number, small as long as it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Small(i128),
    /// What does not fit, and only that.
    Big(BigInt),
}

impl Whole {
    pub(super) const ZERO: Self = Self::Small(0);

    fn new(big: BigInt) -> Self {
        match i128::try_from(&big) {
            Ok(small) => Self::Small(small),
            Err(_) => Self::Big(big),
        }
    }

    fn big(&self) -> Cow<'_, BigInt> {
        match self {
            Self::Small(small) => Cow::Owned(BigInt::from(*small)),
            Self::Big(big) => Cow::Borrowed(big),
        }
    }

    fn with(
        &self,
        other: &Self,
        small: impl Fn(i128, i128) -> Option<i128>,
        big: impl Fn(&BigInt, &BigInt) -> BigInt,
    ) -> Self {
        if let (Self::Small(left), Self::Small(right)) = (self, other)
            && let Some(result) = small(*left, *right)
        {
            return Self::Small(result);
        }
        Self::new(big(&self.big(), &other.big()))
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        self.with(other, i128::checked_add, |left, right| left + right)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.with(other, i128::checked_sub, |left, right| left - right)
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        self.with(other, i128::checked_mul, |left, right| left * right)
    }

    pub(super) fn times_count(&self, count: u64) -> Self {
        self.times(&Self::Small(i128::from(count)))
    }

    pub(super) fn squared(&self) -> Self {
        self.times(self)
    }

    /// Appends zeros.
    pub(super) fn times_ten(&self, zeros: u32) -> Self {
        match zeros {
            0 => self.clone(),
            1..=38 => self.times(&Self::Small(10_i128.pow(zeros))),
            _ => Self::new(&*self.big() * BigInt::from(10).pow(zeros)),
        }
    }

    /// Removes zeros at the end, which are there.
    pub(super) fn without_zeros(&self, zeros: u32) -> Self {
        match self {
            _ if zeros == 0 => self.clone(),
            Self::Small(small) if zeros <= 38 => Self::Small(small / 10_i128.pow(zeros)),
            _ => Self::new(&*self.big() / BigInt::from(10).pow(zeros)),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    pub(super) fn is_negative(&self) -> bool {
        *self < Self::ZERO
    }

    pub(super) fn size(&self) -> Self {
        if self.is_negative() {
            Self::ZERO.minus(self)
        } else {
            self.clone()
        }
    }

    /// Divides by a positive number, and returns the rest too; this one is not negative.
    fn divided(&self, by: &Self) -> (Self, Self) {
        match (self, by) {
            (Self::Small(left), Self::Small(right)) => (Self::Small(left / right), Self::Small(left % right)),
            _ => {
                let (left, right) = (self.big(), by.big());
                (Self::new(&*left / &*right), Self::new(&*left % &*right))
            }
        }
    }

    /// Returns the whole part of the square root; this one is not negative.
    fn root(&self) -> Self {
        match self {
            Self::Small(small) => Self::Small(small.isqrt()),
            Self::Big(big) => Self::new(big.sqrt()),
        }
    }

    fn is_odd(&self) -> bool {
        match self {
            Self::Small(small) => small % 2 != 0,
            Self::Big(big) => big.bit(0),
        }
    }

    /// Returns its decimal digits.
    fn text(&self) -> String {
        match self {
            Self::Small(small) => small.to_string(),
            Self::Big(big) => big.to_string(),
        }
    }

    /// Returns the number of its digits; this one is not negative.
    fn length(&self) -> i64 {
        match self {
            Self::Small(small) => i64::from(small.unsigned_abs().checked_ilog10().unwrap_or(0)) + 1,
            Self::Big(big) => i64::try_from(big.to_string().len()).unwrap_or(i64::MAX),
        }
    }
}

impl Ord for Whole {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Small(left), Self::Small(right)) => left.cmp(right),
            _ => self.big().cmp(&other.big()),
        }
    }
}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A decimal, with as many places as it is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    pub(super) digits: Whole,
    pub(super) places: u32,
}

impl Exact {
    /// Reads a JSON number, or a decimal in a JSON string (then with `true`). `None` for everything else.
    pub(super) fn read(json: &str) -> Option<(Self, bool)> {
        let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        Some((Self::from_text(text.unwrap_or(json))?, text.is_some()))
    }

    fn from_text(text: &str) -> Option<Self> {
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((text, exponent)) => (text, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
        let length = whole.len() + fraction.len();
        if length == 0 || length > MOST || exponent.unsigned_abs() > MOST as u64 {
            return None;
        }
        let mut bytes = whole.bytes().chain(fraction.bytes());
        if !bytes.clone().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = if length <= 38 {
            let size = bytes.try_fold(0_i128, |sum, byte| {
                sum.checked_mul(10)?.checked_add(i128::from(byte - b'0'))
            });
            Whole::Small(size?)
        } else {
            Whole::new(BigInt::parse_bytes([whole, fraction].concat().as_bytes(), 10)?)
        };
        let digits = if text.starts_with('-') {
            Whole::ZERO.minus(&digits)
        } else {
            digits
        };
        let places = i64::try_from(fraction.len()).ok()? - exponent;
        Some(match u32::try_from(places) {
            Ok(places) => Self { digits, places },
            Err(_) => Self {
                digits: digits.times_ten(u32::try_from(-places).ok()?),
                places: 0,
            },
        })
    }

    /// Returns it as a whole number of units of so many places, which are not fewer than its own.
    pub(super) fn at(&self, places: u32) -> Whole {
        self.digits.times_ten(places - self.places)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let places = self.places.max(other.places);
        Self {
            digits: self.at(places).minus(&other.at(places)),
            places,
        }
    }

    /// Returns it without an exponent.
    pub(super) fn text(&self) -> String {
        written(self.digits.is_negative(), &self.digits.size(), self.places)
    }
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        Self {
            digits: Whole::Small(decimal.mantissa()),
            places: decimal.scale(),
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let places = self.places.max(other.places);
        self.at(places).cmp(&other.at(places))
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn written(is_negative: bool, size: &Whole, places: u32) -> String {
    let digits = size.text();
    let sign = if is_negative && !size.is_zero() { "-" } else { "" };
    let places = places as usize;
    if places == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{fraction}")
}

/// A quotient, or the square root of one, not yet rounded.
pub(super) struct Quotient {
    pub(super) above: Whole,
    /// Positive.
    pub(super) below: Whole,
    /// The quotient (before the root) has this many places more.
    pub(super) places: u32,
    pub(super) is_root: bool,
}

impl Quotient {
    /// Rounds it, half to even.
    pub(super) fn rounded(&self, rounded: Rounded) -> String {
        let size = self.above.size();
        match rounded {
            Rounded::Places(places) => {
                let units = self.parted(&size, i64::from(places)).rounded();
                written(self.above.is_negative(), &units, u32::from(places))
            }
            Rounded::Digits(_) if size.is_zero() => "0".to_owned(),
            Rounded::Digits(digits) => self.to_digits(&size, i64::from(digits.max(1))),
        }
    }

    fn to_digits(&self, size: &Whole, digits: i64) -> String {
        // The power of ten of the first digit, or one above.
        let mut power = size.length() - self.below.length() - i64::from(self.places);
        if self.is_root {
            power = power.div_euclid(2);
        }
        let full = Whole::Small(1).times_ten(u32::try_from(digits - 1).unwrap_or(0));
        let mut places = digits - 1 - power;
        let mut parted = self.parted(size, places);
        if parted.whole < full {
            places += 1;
            parted = self.parted(size, places);
        }
        let (mut units, ten) = (parted.rounded(), Whole::Small(10));
        while places > 0 {
            let (cut, rest) = units.divided(&ten);
            if !rest.is_zero() {
                break;
            }
            (units, places) = (cut, places - 1);
        }
        match u32::try_from(places) {
            Ok(places) => written(self.above.is_negative(), &units, places),
            Err(_) => {
                let zeros = u32::try_from(-places).unwrap_or(0);
                written(self.above.is_negative(), &units.times_ten(zeros), 0)
            }
        }
    }

    /// Returns the whole number of units of so many places, and how the rest compares with a half.
    fn parted(&self, size: &Whole, places: i64) -> Parted {
        let more = if self.is_root { 2 * places } else { places } - i64::from(self.places);
        let zeros = u32::try_from(more.unsigned_abs()).unwrap_or(u32::MAX);
        let (above, below) = if more >= 0 {
            (size.times_ten(zeros), Cow::Borrowed(&self.below))
        } else {
            (size.clone(), Cow::Owned(self.below.times_ten(zeros)))
        };
        let (whole, rest) = above.divided(&below);
        let two = Whole::Small(2);
        if !self.is_root {
            let half = rest.times(&two).cmp(&below);
            return Parted { whole, half };
        }
        let root = whole.root();
        // Compared with the square of the root and a half.
        let odd = root.times(&two).plus(&Whole::Small(1));
        let half = above.times(&Whole::Small(4)).cmp(&odd.squared().times(&below));
        Parted { whole: root, half }
    }
}

/// A number in units, and how its rest compares with half of one.
struct Parted {
    whole: Whole,
    half: Ordering,
}

impl Parted {
    fn rounded(self) -> Whole {
        match self.half {
            Ordering::Less => self.whole,
            Ordering::Equal if !self.whole.is_odd() => self.whole,
            Ordering::Equal | Ordering::Greater => self.whole.plus(&Whole::Small(1)),
        }
    }
}

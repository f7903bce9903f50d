//! Whole numbers of any length: 128 bits, for nearly all of them, and more where they need it.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

/// The powers of ten that fit in 127 bits.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Returns a power of ten, if it fits.
pub(crate) fn power(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

/// Returns the number of decimal digits; 0 has none.
pub(super) fn length(size: u128) -> u32 {
    size.checked_ilog10().map_or(0, |log| log + 1)
}

/// Returns a power of ten.
pub(super) fn long_power(exponent: u32) -> BigUint {
    BigUint::from(10u8).pow(exponent)
}

/// A whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Word(i128),
    /// Never one that a word holds.
    Long(Box<BigInt>),
}

impl Default for Whole {
    fn default() -> Self {
        Self::Word(0)
    }
}

impl From<BigInt> for Whole {
    fn from(number: BigInt) -> Self {
        match i128::try_from(&number) {
            Ok(word) => Self::Word(word),
            Err(_) => Self::Long(Box::new(number)),
        }
    }
}

impl From<u64> for Whole {
    fn from(number: u64) -> Self {
        Self::Word(number.into())
    }
}

impl Whole {
    /// Returns it without its bound.
    pub(crate) fn long(&self) -> BigInt {
        match self {
            Self::Word(word) => BigInt::from(*word),
            Self::Long(long) => (**long).clone(),
        }
    }

    /// Returns its size without its bound.
    pub(super) fn long_size(&self) -> BigUint {
        self.long().into_parts().1
    }

    /// Returns its size, if a word holds it.
    pub(super) fn size(&self) -> Option<u128> {
        match self {
            Self::Word(word) => Some(word.unsigned_abs()),
            Self::Long(_) => None,
        }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Word(word) => *word < 0,
            Self::Long(long) => long.sign() == Sign::Minus,
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Word(0))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        if let (Self::Word(a), Self::Word(b)) = (self, other)
            && let Some(word) = a.checked_add(*b)
        {
            return Self::Word(word);
        }
        (self.long() + other.long()).into()
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        if let (Self::Word(a), Self::Word(b)) = (self, other)
            && let Some(word) = a.checked_sub(*b)
        {
            return Self::Word(word);
        }
        (self.long() - other.long()).into()
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        if let (Self::Word(a), Self::Word(b)) = (self, other)
            && let Some(word) = a.checked_mul(*b)
        {
            return Self::Word(word);
        }
        (self.long() * other.long()).into()
    }

    pub(crate) fn squared(&self) -> Self {
        self.times(self)
    }

    /// Returns it times a power of ten.
    pub(crate) fn shifted(&self, exponent: u32) -> Self {
        if exponent == 0 || self.is_zero() {
            return self.clone();
        }
        if let (Self::Word(word), Some(power)) = (self, power(exponent))
            && let Some(word) = word.checked_mul(power)
        {
            return Self::Word(word);
        }
        (self.long() * BigInt::from(long_power(exponent))).into()
    }

    /// Returns the digits of its size.
    pub(super) fn digits(&self) -> String {
        match self {
            Self::Word(word) => itoa::Buffer::new().format(word.unsigned_abs()).to_owned(),
            Self::Long(long) => long.magnitude().to_string(),
        }
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Word(_) => 0,
            // The number and its digits are two allocations, with what each costs beside its bytes.
            Self::Long(long) => {
                size_of::<BigInt>() + usize::try_from(long.bits() / 8).unwrap_or(usize::MAX / 2) + 40
            }
        }
    }
}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Whole {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Word(a), Self::Word(b)) => a.cmp(b),
            (Self::Long(a), Self::Long(b)) => a.cmp(b),
            (Self::Word(_), Self::Long(long)) if long.sign() == Sign::Minus => Ordering::Greater,
            (Self::Word(_), Self::Long(_)) => Ordering::Less,
            (Self::Long(_), Self::Word(_)) => other.cmp(self).reverse(),
        }
    }
}

//! The numbers of a window, for its quantiles.

use rust_decimal::Decimal;

use super::bytes::{allocated, put_number, put_signed, take_byte, take_i64, take_length, take_u32};
use super::own::{Number, put_decimal, take_decimal};
use crate::aggregate::exact::{Exact, Whole, power, quotient};
use crate::aggregate::measure::Rounded;

/// There were more values than the measure keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// The numbers of a window, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// All with the same number of places.
    Short {
        places: u32,
        digits: Vec<i64>,
    },
    Long(Vec<Decimal>),
    /// More than are kept, so none is.
    TooMany,
}

impl Default for Values {
    fn default() -> Self {
        Self::Short {
            places: 0,
            digits: Vec::new(),
        }
    }
}

impl Values {
    fn count(&self) -> usize {
        match self {
            Self::Short { digits, .. } => digits.len(),
            Self::Long(numbers) => numbers.len(),
            Self::TooMany => 0,
        }
    }

    pub(super) fn add(&mut self, number: &Number, exact: usize) {
        if matches!(self, Self::TooMany) || self.count() >= exact {
            *self = Self::TooMany;
            return;
        }
        let short = number
            .short
            .and_then(|short| aligned(short, number.places(), self.reach(number.places())?));
        match (&mut *self, short) {
            (Self::Short { digits, .. }, Some(short)) => digits.push(short),
            _ => self.lengthened().push(number.decimal),
        }
    }

    /// Gives short numbers at least so many places, if they stay short, and returns how many they have.
    fn reach(&mut self, more: u32) -> Option<u32> {
        let Self::Short { places, digits } = self else {
            return None;
        };
        if more > *places {
            let power = power(more - *places).and_then(|power| i64::try_from(power).ok());
            if digits.is_empty() {
                *places = more;
                return Some(more);
            }
            let power = power?;
            let greatest = digits
                .iter()
                .map(|digits| digits.unsigned_abs())
                .max()
                .unwrap_or(0);
            i64::try_from(greatest).ok()?.checked_mul(power)?;
            for digits in digits.iter_mut() {
                *digits *= power;
            }
            *places = more;
        }
        Some(*places)
    }

    /// Returns the numbers with their own places each.
    fn lengthened(&mut self) -> &mut Vec<Decimal> {
        if let Self::Short { places, digits } = self {
            *self = Self::Long(
                digits
                    .iter()
                    .map(|digits| Decimal::new(*digits, *places))
                    .collect(),
            );
        }
        match self {
            Self::Long(numbers) => numbers,
            _ => unreachable!("short numbers have become long ones, and too many are kept nowhere"),
        }
    }

    pub(super) fn merge(&mut self, mut other: Self, exact: usize) {
        let too_many = matches!(self, Self::TooMany) || matches!(other, Self::TooMany);
        if too_many || self.count() + other.count() > exact {
            *self = Self::TooMany;
            return;
        }
        if let Self::Short { places, .. } = &other
            && let Some(places) = self.reach(*places)
            && other.reach(places).is_some()
            && let (Self::Short { digits, .. }, Self::Short { digits: more, .. }) = (&mut *self, &mut other)
        {
            digits.append(more);
            return;
        }
        self.lengthened().append(other.lengthened());
    }

    /// Returns a quantile, interpolated between the two nearest ranks; `None` without a number.
    pub(super) fn quantile(&self, thousandths: u16, rounded: Rounded) -> Result<Option<String>, TooMany> {
        let Some(last) = self.count().checked_sub(1) else {
            return if matches!(self, Self::TooMany) {
                Err(TooMany)
            } else {
                Ok(None)
            };
        };
        // The rank, in thousandths.
        let rank = last * usize::from(thousandths);
        let (rank, above) = (rank / 1000, u64::try_from(rank % 1000).unwrap_or(0));
        let [low, high] = match self {
            Self::Short { places, digits } => {
                pair(digits.clone(), rank).map(|digits| Exact::new(Whole::Word(digits.into()), *places))
            }
            Self::Long(numbers) => pair(numbers.clone(), rank).map(Exact::from),
            Self::TooMany => return Err(TooMany),
        };
        let places = low.places().max(high.places());
        let low = low.digits_with(places).times(&(1000 - above).into());
        let sum = low.plus(&high.digits_with(places).times(&above.into()));
        Ok(Some(quotient(&sum, &Whole::Word(1000), places, rounded)))
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Short { digits, .. } => allocated(digits.capacity() * size_of::<i64>()),
            Self::Long(numbers) => allocated(numbers.capacity() * size_of::<Decimal>()),
            Self::TooMany => 0,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Short { places, digits } => {
                out.push(0);
                put_number(out, (*places).into());
                put_number(out, digits.len() as u128);
                for digits in digits {
                    put_signed(out, (*digits).into());
                }
            }
            Self::Long(numbers) => {
                out.push(1);
                put_number(out, numbers.len() as u128);
                for number in numbers {
                    put_decimal(out, *number);
                }
            }
            Self::TooMany => out.push(2),
        }
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(match take_byte(bytes)? {
            0 => {
                let places = take_u32(bytes).filter(|places| *places <= 28)?;
                let length = take_length(bytes)?;
                let digits = (0..length).map(|_| take_i64(bytes)).collect::<Option<_>>()?;
                Self::Short { places, digits }
            }
            1 => {
                let length = take_length(bytes)?;
                Self::Long((0..length).map(|_| take_decimal(bytes)).collect::<Option<_>>()?)
            }
            2 => Self::TooMany,
            _ => return None,
        })
    }
}

/// Returns digits with more places, if they fit.
#[inline]
fn aligned(digits: i64, places: u32, wanted: u32) -> Option<i64> {
    if places == wanted {
        return Some(digits);
    }
    let power = power(wanted - places).and_then(|power| i64::try_from(power).ok())?;
    digits.checked_mul(power)
}

/// Returns the number with a rank, and the one after it, or the last one twice.
fn pair<T: Copy + Ord>(mut numbers: Vec<T>, rank: usize) -> [T; 2] {
    let (_, low, above) = numbers.select_nth_unstable(rank);
    let low = *low;
    [low, above.iter().min().copied().unwrap_or(low)]
}

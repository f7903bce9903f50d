//! Exact arithmetic: every result is exact or a fault. `rust_decimal` silently rounds a result that does not fit, so
//! sums and products are computed on the integers behind the decimals, where nothing can be rounded.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::datum::Number;
use super::fault::Fault;
use crate::record::Rounding;

/// Maximum number of places after the point.
const MAX_SCALE: u32 = 28;

type Result<T> = std::result::Result<T, Fault>;

fn not_exact() -> Fault {
    Fault::new("expression.overflow", "a result that fits 28 digits exactly")
}

fn by_zero() -> Fault {
    Fault::new("expression.division_by_zero", "a divisor other than zero")
}

fn power_of_ten(places: u32) -> Option<i128> {
    10i128.checked_pow(places)
}

/// Returns `mantissa / 10^scale`, without rounding; drops trailing zeros if that makes it fit.
fn decimal(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    loop {
        if scale <= MAX_SCALE
            && let Ok(mut decimal) = Decimal::try_from_i128_with_scale(mantissa, scale)
        {
            if mantissa == 0 {
                decimal.set_sign_positive(true);
            }
            return Some(decimal);
        }
        if scale == 0 || mantissa % 10 != 0 {
            return None;
        }
        mantissa /= 10;
        scale -= 1;
    }
}

/// Returns both mantissas at the larger of the two scales.
fn aligned(left: Decimal, right: Decimal) -> Option<(i128, i128, u32)> {
    let scale = left.scale().max(right.scale());
    let at_scale = |number: Decimal| {
        number
            .mantissa()
            .checked_mul(power_of_ten(scale - number.scale())?)
    };
    Some((at_scale(left)?, at_scale(right)?, scale))
}

/// Tries with the decimals as they are, so that the scale is kept, and then without their trailing zeros.
fn exactly(
    left: Decimal,
    right: Decimal,
    compute: impl Fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Decimal> {
    compute(left, right)
        .or_else(|| compute(left.normalize(), right.normalize()))
        .ok_or_else(not_exact)
}

pub(super) fn add(left: Number, right: Number) -> Result<Number> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(sum) = left.checked_add(right)
    {
        return Ok(Number::Integer(sum));
    }
    let sum = exactly(left.decimal(), right.decimal(), |left, right| {
        let (left, right, scale) = aligned(left, right)?;
        decimal(left.checked_add(right)?, scale)
    });
    sum.map(Number::Decimal)
}

pub(super) fn subtract(left: Number, right: Number) -> Result<Number> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(difference) = left.checked_sub(right)
    {
        return Ok(Number::Integer(difference));
    }
    add(
        Number::Decimal(left.decimal()),
        negate(Number::Decimal(right.decimal())),
    )
}

pub(super) fn multiply(left: Number, right: Number) -> Result<Number> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(product) = left.checked_mul(right)
    {
        return Ok(Number::Integer(product));
    }
    let product = exactly(left.decimal(), right.decimal(), |left, right| {
        let mantissa = left.mantissa().checked_mul(right.mantissa())?;
        decimal(mantissa, left.scale() + right.scale())
    });
    product.map(Number::Decimal)
}

pub(super) fn negate(number: Number) -> Number {
    match number {
        Number::Integer(integer) => integer
            .checked_neg()
            .map_or_else(|| Number::Decimal(-Decimal::from(integer)), Number::Integer),
        Number::Decimal(decimal) if decimal.is_zero() => Number::Decimal(decimal),
        Number::Decimal(decimal) => Number::Decimal(-decimal),
    }
}

pub(super) fn remainder(left: Number, right: Number) -> Result<Number> {
    if right.decimal().is_zero() {
        return Err(by_zero());
    }
    if let (Number::Integer(left), Number::Integer(right)) = (left, right) {
        // Only the smallest integer by -1 has no remainder in 64 bits, and that one is 0.
        return Ok(Number::Integer(left.checked_rem(right).unwrap_or(0)));
    }
    let remainder = exactly(left.decimal(), right.decimal(), |left, right| {
        let (left, right, scale) = aligned(left, right)?;
        decimal(left.checked_rem(right)?, scale)
    });
    remainder.map(Number::Decimal)
}

/// Returns the exact quotient, or a fault that suggests `divide`.
pub(super) fn quotient(left: Number, right: Number) -> Result<Number> {
    let (dividend, divisor) = (left.decimal(), right.decimal());
    if divisor.is_zero() {
        return Err(by_zero());
    }
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && left.checked_rem(right) == Some(0)
    {
        return Ok(Number::Integer(left / right));
    }
    let inexact = || {
        Fault::new(
            "expression.inexact",
            "a division with an exact result; divide(a, b, places) rounds as the stage declares",
        )
    };
    let divisor = divisor.normalize();
    let fewest = dividend.scale().saturating_sub(divisor.scale());
    for places in fewest..=MAX_SCALE {
        match long_division(dividend, divisor, places) {
            Some((quotient, Remainder::Zero)) => {
                return decimal(quotient, places)
                    .map(Number::Decimal)
                    .ok_or_else(not_exact);
            }
            Some(_) => {}
            None => break,
        }
    }
    Err(inexact())
}

/// Returns the quotient rounded to exactly `places`.
pub(super) fn divide(left: Decimal, right: Decimal, places: u32, rounding: Rounding) -> Result<Decimal> {
    if right.is_zero() {
        return Err(by_zero());
    }
    let (truncated, rest) = long_division(left, right, places).ok_or_else(not_exact)?;
    let away = match (rest, rounding) {
        (Remainder::Zero | Remainder::BelowHalf, _) => false,
        (Remainder::AboveHalf, _) | (Remainder::Half, Rounding::HalfUp) => true,
        (Remainder::Half, Rounding::HalfEven) => truncated % 2 != 0,
    };
    let negative = left.is_sign_negative() != right.is_sign_negative();
    let step = i128::from(away) * if negative { -1 } else { 1 };
    let quotient = truncated + step;
    let exact = Decimal::try_from_i128_with_scale(quotient, places).map_err(|_| not_exact())?;
    Ok(if exact.is_zero() { exact.abs() } else { exact })
}

/// Remainder of a division, compared with half of the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remainder {
    Zero,
    BelowHalf,
    Half,
    AboveHalf,
}

impl Remainder {
    fn new(rest: u128, divisor: u128, more: bool) -> Self {
        // `rest` is below `divisor`, which is below 2^97: doubling cannot overflow.
        match (rest * 2).cmp(&divisor) {
            Ordering::Less if rest == 0 && !more => Self::Zero,
            Ordering::Less => Self::BelowHalf,
            Ordering::Equal if !more => Self::Half,
            _ => Self::AboveHalf,
        }
    }
}

/// Returns the quotient's integer at `places`, truncated towards zero, and the remainder; `None` when it needs more
/// than 28 digits.
fn long_division(left: Decimal, right: Decimal, places: u32) -> Option<(i128, Remainder)> {
    let (dividend, divisor) = (left.mantissa().unsigned_abs(), right.mantissa().unsigned_abs());
    let shift = i64::from(right.scale()) + i64::from(places) - i64::from(left.scale());
    let (mut quotient, mut rest) = (dividend / divisor, dividend % divisor);
    let found = if let Ok(digits) = u32::try_from(shift) {
        for _ in 0..digits {
            rest *= 10;
            quotient = quotient.checked_mul(10)?.checked_add(rest / divisor)?;
            rest %= divisor;
            if quotient >> 96 != 0 {
                return None;
            }
        }
        (quotient, Remainder::new(rest, divisor, false))
    } else {
        let unit = 10u128.checked_pow(u32::try_from(-shift).ok()?)?;
        let dropped = Remainder::new(quotient % unit, unit, rest != 0);
        (quotient / unit, dropped)
    };
    let magnitude = i128::try_from(found.0).ok()?;
    let negative = left.is_sign_negative() != right.is_sign_negative();
    Some((if negative { -magnitude } else { magnitude }, found.1))
}

/// Compares by value: 6 and 6.00 are equal.
pub(super) fn compare(left: Number, right: Number) -> Ordering {
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => left.cmp(&right),
        _ => left.decimal().cmp(&right.decimal()),
    }
}

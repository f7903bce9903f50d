//! Exact decimals, as the operations on numbers read and round them.

use rust_decimal::Decimal;

use super::frame::Frame;
use super::trail::Trail;
use crate::context::Context;
use crate::record::{NotRead, NumberText, Rounding, Value};
use crate::refusal::Refusal;

impl NotRead {
    /// Returns the refusal `<op>.invalid` or `<op>.too_long`.
    pub(crate) fn refusal(self, frame: &Frame, place: &Trail<'_>) -> Refusal {
        match self {
            Self::Invalid => frame.refuse("invalid", place).expected("a decimal number"),
            Self::TooLong => frame.refuse("too_long", place).expected("at most 28 digits"),
        }
    }
}

/// Returns the exact decimal of a JSON number, or of the text of a number.
pub(crate) fn exact(value: &Value, text: &str) -> Result<Decimal, NotRead> {
    match value.as_number() {
        Some(number) => NumberText::JSON.read(number),
        None => NumberText::PLAIN.read(text),
    }
}

/// Rounds and pads within 28 digits.
pub(crate) fn round_exactly(
    rounding: Rounding,
    exact: Decimal,
    places: u32,
    context: &Context<'_>,
) -> Result<Decimal, NotRead> {
    let rounded = rounding.round(exact, places).map_err(|_| NotRead::TooLong)?;
    context.rounded(exact, rounded);
    within_28_digits(rounded)
}

/// Refuses more than 28 digits: the representation can hold some numbers of 29 digits, but only 28 are promised.
fn within_28_digits(exact: Decimal) -> Result<Decimal, NotRead> {
    if exact.mantissa().unsigned_abs() < 10u128.pow(28) {
        Ok(exact)
    } else {
        Err(NotRead::TooLong)
    }
}

//! Numbers without floats: the text of a JSON number as an exact decimal.

use rust_decimal::{Decimal, RoundingStrategy};

use super::number_text::NumberText;

/// The rounding mode of a stage; a stage that rounds must declare one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; a half to the even neighbour: 0.165 is 0.16.
    HalfEven,
    /// To the nearest; a half away from zero: 0.165 is 0.17.
    HalfUp,
}

impl Rounding {
    /// Returns the name in stage files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HalfEven => "half-even",
            Self::HalfUp => "half-up",
        }
    }

    /// Rounds to `places` and pads with zeros to exactly that many: 29.9 to two places is 29.90. Never -0.00.
    ///
    /// # Errors
    /// [`NotExact`] when the padded number needs more than 28 digits.
    pub fn round(self, value: Decimal, places: u32) -> Result<Decimal, NotExact> {
        let strategy = match self {
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        };
        let mut rounded = value.round_dp_with_strategy(places, strategy);
        rounded.rescale(places);
        if rounded.is_zero() {
            rounded.set_sign_positive(true);
        }
        if rounded.scale() == places {
            Ok(rounded)
        } else {
            Err(NotExact)
        }
    }
}

/// The error for a number that 28 digits cannot represent exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not fit 28 digits exactly")]
pub struct NotExact;

/// Parses a number as written in stage files into an exact decimal, and keeps its scale: `6.00` has two places, `1E2`
/// is 100. The table in `docs/numbers.md` lists what else it accepts, and what each reader of numbers accepts.
///
/// # Errors
/// [`NotExact`] when the text is not a number or needs more than 28 digits; it is never silently rounded.
pub fn exact_decimal(text: &str) -> Result<Decimal, NotExact> {
    NumberText::SETTING.read(text).map_err(|_| NotExact)
}

/// Returns the text of a decimal, equal to that of its `Display`, but faster, because most of what stages compute is
/// amounts.
pub(super) fn text(value: Decimal) -> String {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.mantissa().unsigned_abs());
    let places = value.scale() as usize;
    let mut text = String::with_capacity(digits.len().max(places + 1) + 2);
    if value.is_sign_negative() {
        text.push('-');
    }
    for _ in digits.len()..=places {
        text.push('0');
    }
    text.push_str(digits);
    if places > 0 {
        text.insert(text.len() - places, '.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_decimal_is_written_as_its_display_writes_it(
            mantissa in -0xffff_ffff_ffff_ffff_i128..0xffff_ffff_ffff_ffff,
            drop in 0u32..64,
            scale in 0u32..=28,
        ) {
            let mut value = Decimal::from_i128_with_scale(mantissa >> drop, scale);
            proptest::prop_assert_eq!(text(value), value.to_string());
            value.set_sign_negative(true);
            proptest::prop_assert_eq!(text(value), value.to_string());
        }
    }

    #[test]
    fn number_text_becomes_the_exact_decimal_or_is_refused() {
        for (text, expected) in [
            ("6.00", "6.00"),
            ("-0.5", "-0.5"),
            ("1E2", "100"),
            ("1.5e1", "15"),
            ("1.50e-2", "0.0150"),
            ("0e400", "0"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(exact_decimal(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "1e400",
            "NaN",
            "",
            "-",
            "0.00000000000000000000000000001",
            "792281625142643375935439503350",
        ] {
            assert_eq!(exact_decimal(text), Err(NotExact), "{text}");
        }
    }
}

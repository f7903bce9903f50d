//! The numbers of readings, and those of them that keep their own text.

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::bytes::{
    allocated, put_bytes, put_number, put_signed, take_byte, take_i64, take_signed, take_text, take_u32,
};
use crate::aggregate::exact::{Exact, power};
use crate::record::{NotRead, NumberText};

/// Why a value cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is not a number (or, where texts are measured, not a decimal in a string).
    NotNumber,
    /// It needs more than 28 digits.
    TooLong,
}

/// A number of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) decimal: Decimal,
    /// Its digits, if they fit.
    pub(super) short: Option<i64>,
}

impl From<Decimal> for Number {
    #[inline]
    fn from(decimal: Decimal) -> Self {
        Self {
            decimal,
            short: i64::try_from(decimal.mantissa()).ok(),
        }
    }
}

impl Number {
    /// Reads JSON text: a number, or where `texts` are measured, a decimal in a string.
    #[inline]
    pub(super) fn read(texts: bool, json: &str) -> Result<Self, Rejected> {
        let read = if texts {
            NumberText::PLAIN.read(&string(json).ok_or(Rejected::NotNumber)?)
        } else {
            NumberText::JSON.read(json)
        };
        match read {
            Ok(decimal) => Ok(decimal.into()),
            Err(NotRead::Invalid) => Err(Rejected::NotNumber),
            Err(NotRead::TooLong) => Err(Rejected::TooLong),
        }
    }

    #[inline]
    pub(super) fn places(&self) -> u32 {
        self.decimal.scale()
    }
}

/// Returns the text of a JSON string; `None` if it is not one, or half of a pair of surrogates is missing.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// A number with the text it has in its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// Written as these digits, so many of them after the point: nearly all are.
    Short {
        digits: i64,
        places: u8,
    },
    Long(Box<Long>),
}

/// A number with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Long {
    number: Decimal,
    json: Box<str>,
}

impl Own {
    pub(super) fn new(number: &Number, json: &str) -> Self {
        match (number.short, u8::try_from(number.places())) {
            (Some(digits), Ok(places)) if is_plain(json, digits) => Self::Short { digits, places },
            _ => Self::Long(Box::new(Long {
                number: number.decimal,
                json: json.into(),
            })),
        }
    }

    pub(super) fn decimal(&self) -> Decimal {
        match self {
            Self::Short { digits, places } => Decimal::new(*digits, (*places).into()),
            Self::Long(long) => long.number,
        }
    }

    pub(super) fn number(&self) -> Number {
        self.decimal().into()
    }

    /// Compares it with a number, by value.
    #[inline]
    pub(super) fn compare(&self, other: &Number) -> Ordering {
        if let (Self::Short { digits, places }, Some(other_digits)) = (self, other.short) {
            let (places, other_places) = (u32::from(*places), other.places());
            if places == other_places {
                return digits.cmp(&other_digits);
            }
            // 64 bits times 10^18 fit in 128.
            if let Some(power) = power(places.abs_diff(other_places)).filter(|power| *power <= 10i128.pow(18))
            {
                let (a, b) = (i128::from(*digits), i128::from(other_digits));
                return if places < other_places {
                    (a * power).cmp(&b)
                } else {
                    a.cmp(&(b * power))
                };
            }
        }
        self.decimal().cmp(&other.decimal)
    }

    /// Returns its JSON text.
    pub(super) fn json(&self, texts: bool) -> String {
        match self {
            Self::Short { .. } => {
                let text = Exact::from(self.decimal()).text();
                if texts { format!("\"{text}\"") } else { text }
            }
            Self::Long(long) => (*long.json).to_owned(),
        }
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Short { .. } => 0,
            Self::Long(long) => allocated(size_of::<Long>()) + allocated(long.json.len()),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Short { digits, places } => {
                out.push(*places);
                put_signed(out, (*digits).into());
            }
            Self::Long(long) => {
                out.push(u8::MAX);
                put_decimal(out, long.number);
                put_bytes(out, long.json.as_bytes());
            }
        }
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(match take_byte(bytes)? {
            u8::MAX => Self::Long(Box::new(Long {
                number: take_decimal(bytes)?,
                json: take_text(bytes)?.into(),
            })),
            places => Self::Short {
                digits: take_i64(bytes)?,
                places: Some(places).filter(|places| *places <= 28)?,
            },
        })
    }
}

pub(super) fn put_decimal(out: &mut Vec<u8>, number: Decimal) {
    put_number(out, number.scale().into());
    put_signed(out, number.mantissa());
}

pub(super) fn take_decimal(bytes: &mut &[u8]) -> Option<Decimal> {
    let places = take_u32(bytes)?;
    Decimal::try_from_i128_with_scale(take_signed(bytes)?, places).ok()
}

/// Whether the text of a number (or of a string with one) is the one that its digits give, without an exponent, a plus, zeros
/// or blanks before it, or a minus before 0.
fn is_plain(json: &str, digits: i64) -> bool {
    let text = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(json);
    let size = match text.strip_prefix('-') {
        Some(size) if digits != 0 => size.as_bytes(),
        Some(_) => return false,
        None => text.as_bytes(),
    };
    matches!(size, [b'1'..=b'9', ..] | [b'0'] | [b'0', b'.', ..])
        && size.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

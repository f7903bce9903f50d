//! JSON values as they are compared: numbers by their size, of any length; strings by their text.

use std::cmp::Ordering;

use super::bytes::{allocated, put_bytes, put_signed, take_byte, take_i64, take_text};
use super::own::string;

/// A JSON value as it is compared: null first, then numbers by size, then strings by text, then all others by their JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Null,
    Number(Size),
    Text(Box<str>),
    Other(Box<str>),
}

/// A number of any length, in the only way to write it: 0.`digits` times 10^`point`, without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// -1, 0 or 1.
    sign: i8,
    point: i64,
    digits: Box<str>,
}

impl Ord for Size {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign.cmp(&other.sign).then_with(|| {
            let size = self
                .point
                .cmp(&other.point)
                .then_with(|| self.digits.cmp(&other.digits));
            if self.sign < 0 { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Size {
    /// Reads a JSON number; `None` if it is not one, or its exponent is beyond all measure.
    fn read(json: &str) -> Option<Self> {
        let size = json.strip_prefix('-').unwrap_or(json);
        let (size, exponent) = match size.split_once(['e', 'E']) {
            Some((size, exponent)) => (size, exponent.parse::<i32>().ok()?),
            None => (size, 0),
        };
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        if whole.is_empty()
            || !whole
                .bytes()
                .chain(fraction.bytes())
                .all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self {
                sign: 0,
                point: 0,
                digits: "".into(),
            });
        }
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        Some(Self {
            sign: if json.starts_with('-') { -1 } else { 1 },
            point: i64::try_from(whole.len()).ok()? - zeros + i64::from(exponent),
            digits: digits.trim_end_matches('0').into(),
        })
    }
}

impl Key {
    /// Reads JSON text.
    pub(super) fn read(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b'"') => match string(json) {
                Some(text) => Self::Text(text.into()),
                None => Self::Other(json.into()),
            },
            _ => Size::read(json).map_or_else(|| Self::Other(json.into()), Self::Number),
        }
    }

    /// Returns about how many bytes it occupies outside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Number(size) => allocated(size.digits.len()),
            Self::Text(text) | Self::Other(text) => allocated(text.len()),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (kind, text) = match self {
            Self::Null => return out.push(0),
            Self::Text(text) => (1, text),
            Self::Other(text) => (2, text),
            Self::Number(size) => {
                out.push(3);
                out.push(size.sign.cast_unsigned());
                put_signed(out, size.point.into());
                return put_bytes(out, size.digits.as_bytes());
            }
        };
        out.push(kind);
        put_bytes(out, text.as_bytes());
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(match take_byte(bytes)? {
            0 => Self::Null,
            1 => Self::Text(take_text(bytes)?.into()),
            2 => Self::Other(take_text(bytes)?.into()),
            3 => Self::Number(Size {
                sign: take_byte(bytes)?.cast_signed(),
                point: take_i64(bytes)?,
                digits: take_text(bytes)?.into(),
            }),
            _ => return None,
        })
    }
}

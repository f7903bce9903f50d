//! What the takes of a measure need to be known.

use crate::aggregate::measure::Take;

/// What the takes of a measure need to be known, as bits: looked up for every value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs(u16);

impl Needs {
    pub(super) const NUMBERS: Self = Self(1);
    pub(super) const SUM: Self = Self(2);
    pub(super) const SQUARES: Self = Self(4);
    pub(super) const MIN: Self = Self(8);
    pub(super) const MAX: Self = Self(16);
    pub(super) const FIRST: Self = Self(32);
    pub(super) const LAST: Self = Self(64);
    pub(super) const VALUES: Self = Self(128);
    pub(super) const DISTINCT: Self = Self(256);
    pub(super) const LIST: Self = Self(512);
    /// Anything that grows with the values.
    pub(super) const KEPT: Self = Self(32 | 64 | 128 | 256 | 512);
    /// Always set, unlike in nothing.
    const COUNT: Self = Self(1024);

    pub(super) fn of(takes: &[Take]) -> Self {
        let mut bits = Self::COUNT.0;
        for take in takes {
            if take.needs_numbers() {
                bits |= Self::NUMBERS.0;
            }
            bits |= match take {
                Take::Count => 0,
                Take::Sum | Take::Mean => Self::SUM.0,
                Take::Std | Take::Var => Self::SUM.0 | Self::SQUARES.0,
                Take::Min => Self::MIN.0,
                Take::Max => Self::MAX.0,
                Take::Range => Self::MIN.0 | Self::MAX.0,
                Take::First => Self::FIRST.0,
                Take::Last => Self::LAST.0,
                Take::Delta => Self::FIRST.0 | Self::LAST.0,
                Take::Median | Take::Quantile(_) => Self::VALUES.0,
                Take::Distinct => Self::DISTINCT.0,
                Take::List(_) => Self::LIST.0,
            };
        }
        Self(bits)
    }

    /// Whether any of these is needed.
    #[inline]
    pub(super) fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.extend(self.0.to_le_bytes());
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Self(u16::from_le_bytes(*first)))
    }
}

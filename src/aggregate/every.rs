//! The length of windows: elapsed time, or a number of calendar units.

use crate::problem::Problem;

/// The length of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Every {
    /// Elapsed time, in microseconds.
    Fixed(i64),
    /// Calendar units in a zone.
    Calendar { unit: Unit, count: u32 },
}

/// A calendar unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Every {
    /// Reads the length of windows as stage files write it: `5m`, `30 s`, `24h`, `day`, `2 weeks`.
    pub(crate) fn read(_text: &str) -> Result<Self, Problem> {
        todo!()
    }

    /// Reads elapsed time, in microseconds: `90s`, `10m`, `2h`.
    pub(crate) fn duration(_text: &str) -> Result<i64, Problem> {
        todo!()
    }
}

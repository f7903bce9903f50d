//! What is known of the values of one window so far: exact, and the same whatever parts it was put together from.

use super::measure::{Measure, Take};
use crate::record::RecordNumber;

/// What is known of the values of one measure in one window so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partial {}

/// Why a value cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is not a number (or, where texts are measured, not a decimal in a string).
    NotNumber,
    /// It needs more than 28 digits.
    TooLong,
}

impl Partial {
    /// Returns whether a value can be added.
    pub(crate) fn check(_measure: &Measure, _json: &str) -> Result<(), Rejected> {
        todo!()
    }

    /// Adds a value that is not null, as JSON text. Values come in ascending order of their numbers. `order`: the value
    /// that a list is ordered by.
    pub(crate) fn add(
        &mut self,
        _measure: &Measure,
        _number: RecordNumber,
        _time: i64,
        _json: &str,
        _order: Option<&str>,
    ) -> Result<(), Rejected> {
        todo!()
    }

    /// Adds what is known of readings with higher numbers.
    pub(crate) fn merge(&mut self, _measure: &Measure, _later: Self) {
        todo!()
    }

    /// Returns about how many bytes it occupies.
    pub(crate) fn bytes(&self) -> usize {
        todo!()
    }

    /// Appends its bytes, for a temporary file.
    pub(crate) fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }

    /// Reads what [`encode`](Self::encode) has written, and takes it off the bytes.
    pub(crate) fn decode(_bytes: &mut &[u8]) -> Option<Self> {
        todo!()
    }

    /// Returns a result as JSON text; `None` for null. `Err` if there were more values than the measure keeps.
    pub(crate) fn result(&self, _measure: &Measure, _take: &Take) -> Result<Option<String>, TooMany> {
        todo!()
    }
}

/// There were more values than the measure keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

//! How an evaluation leaves its ordinary flow.

use super::datum::Datum;
use super::fault::Fault;

/// What leaves the ordinary flow of an evaluation.
#[derive(Debug)]
pub(super) enum Stop {
    /// The record is refused.
    Fault(Fault),
    /// `break`
    Break(Datum),
    /// `continue`
    Continue,
    /// `return`
    Return(Datum),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

//! What of a reading is aggregated.

use std::borrow::Cow;

use super::compiled::Aggregate;
use crate::expression::Scope;
use crate::record::RecordNumber;
use crate::refusal::Refusal;
use crate::stage::Stage;

/// What of a reading is aggregated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading<'r> {
    /// The values that it is grouped by, as a JSON list without blanks: `[7,null,"a"]`. Equal numbers are written alike.
    pub(crate) group: String,
    /// Its time, in microseconds since 1970 UTC; 0 without `time`.
    pub(crate) time: i64,
    /// The beginning of its window; 0 without `time`.
    pub(crate) window: i64,
    /// JSON texts of what is measured, in the order of the measures; `None` for null.
    pub(crate) values: Vec<Option<Cow<'r, str>>>,
    /// What lists are ordered by, in the order of the measures; empty if no list is ordered by a path.
    pub(crate) orders: Vec<Option<Cow<'r, str>>>,
}

impl Stage {
    /// Returns what of a reading is aggregated; `None` if `where` leaves it out.
    ///
    /// # Errors
    /// The [`Refusal`] of a reading that violates the source contract, or whose group, time or values cannot be read:
    /// `aggregate.group`, `aggregate.time`, `aggregate.number`.
    pub(crate) fn reading_in<'r>(
        &self,
        _aggregate: &Aggregate,
        _number: RecordNumber,
        _data: &'r str,
        _scope: &mut Scope<'_>,
    ) -> Result<Option<Reading<'r>>, Refusal> {
        todo!()
    }
}

//! Values of an expression as what orders records: which is the newest, which the largest.

use std::cmp::Ordering;

use super::datum::{Datum, View};
use super::operator;
use super::{Expression, Scope};
use crate::record::Document;
use crate::refusal::Refusal;

/// A value that has an order among values of its type.
#[derive(Clone, Debug)]
pub(crate) struct Rank(Datum);

impl Rank {
    /// Compares as `<` does, and `false` before `true`; `None` for values that have no order: of unlike types, lists,
    /// objects.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self.0.view(), other.0.view()) {
            (View::Boolean(left), View::Boolean(right)) => Some(left.cmp(&right)),
            _ => operator::compare(&self.0, &other.0).ok(),
        }
    }
}

impl Expression {
    /// Returns the value as a rank; `None` for null and `omit`.
    ///
    /// # Errors
    /// A [`Refusal`], as for [`Expression::value`].
    pub(crate) fn rank(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Option<Rank>, Refusal> {
        let datum = self.program.datum(document, scope)?;
        Ok(match datum.view() {
            View::Null | View::Omit => None,
            _ => Some(Rank(datum)),
        })
    }
}

//! Selecting records from a stream: sort and limit, with memory bounded by the limit.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::compare;
use super::sort_key::rank;
use super::{Order, Query};
use crate::path::Path;
use crate::record::{Document, Malformed, Record, Value};

/// The records of a query, collected from a stream of records in ascending order of their numbers. With a limit it
/// never holds more records than the limit.
///
/// ```
/// use counterfoil::query::{Order, Query, Selection};
/// use counterfoil::record::{Record, RecordNumber};
///
/// let query = Query::new().sort("total", Order::Descending)?.limit(2);
/// let mut selection = Selection::new(&query);
/// for (number, total) in (1..).zip(["9.50", "100", "20.0"]) {
///     let data = format!(r#"{{"total":{total}}}"#);
///     if selection.offer(Record { number: RecordNumber::new(number), id: total.to_owned(), data })?.is_break() {
///         break;
///     }
/// }
/// let ids: Vec<String> = selection.into_records().into_iter().map(|record| record.id).collect();
/// assert_eq!(ids, ["100", "20.0"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Selection<'q> {
    query: &'q Query,
    orders: Arc<[Order]>,
    /// A heap with the last record of the wanted order on top.
    chosen: BinaryHeap<Candidate>,
}

impl<'q> Selection<'q> {
    /// Creates an empty selection.
    #[must_use]
    pub fn new(query: &'q Query) -> Self {
        Self {
            query,
            orders: query.sorts().iter().map(|sort| sort.order).collect(),
            chosen: BinaryHeap::new(),
        }
    }

    /// Offers the next record; returns `Break` once no later record can be chosen.
    ///
    /// # Errors
    /// [`Malformed`] when the record's data is not a JSON object, which happens only after damage.
    pub fn offer(&mut self, record: Record) -> Result<ControlFlow<()>, Malformed> {
        if self.is_complete() {
            return Ok(ControlFlow::Break(()));
        }
        if self
            .query
            .after_record()
            .is_some_and(|after| record.number <= after)
        {
            return Ok(ControlFlow::Continue(()));
        }
        let document = record.document()?;
        if self.query.matches(&document) {
            let keys = self.query.sorts().iter().map(|sort| key(&document, &sort.path));
            self.chosen.push(Candidate {
                keys: keys.collect(),
                orders: Arc::clone(&self.orders),
                record,
            });
            if self.query.most().is_some_and(|most| self.chosen.len() > most) {
                self.chosen.pop();
            }
        }
        Ok(if self.is_complete() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// Returns the chosen records in the wanted order.
    #[must_use]
    pub fn into_records(self) -> Vec<Record> {
        let chosen = self.chosen.into_sorted_vec();
        chosen.into_iter().map(|candidate| candidate.record).collect()
    }

    fn is_complete(&self) -> bool {
        let full = self.query.most().is_some_and(|most| self.chosen.len() >= most);
        full && (self.orders.is_empty() || self.query.most() == Some(0))
    }
}

fn key(document: &Document, path: &Path) -> Option<Value> {
    document.at(path).map(std::borrow::Cow::into_owned)
}

/// A matching record, with its sort key.
#[derive(Debug)]
struct Candidate {
    keys: Vec<Option<Value>>,
    orders: Arc<[Order]>,
    record: Record,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.keys.iter().zip(&other.keys).zip(self.orders.iter());
        let by_keys = pairs.map(|((left, right), order)| {
            let ascending = compare_keys(left.as_ref(), right.as_ref());
            match order {
                Order::Ascending => ascending,
                Order::Descending => ascending.reverse(),
            }
        });
        by_keys
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| self.record.number.cmp(&other.record.number))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

pub(super) fn compare_keys(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    let by_kind = rank(left).cmp(&rank(right));
    by_kind.then_with(|| match (left, right) {
        (Some(left), Some(right)) => compare::order(left, right).unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    })
}

//! Queries: which records of a database, in which order, how many.
//!
//! A query is evaluated on documents, without access to the store: the store streams its records through the query.
//!
//! ```
//! use counterfoil::query::{Condition, Is, Order, Query};
//! use counterfoil::record::Document;
//!
//! let query = Query::new()
//!     .filter("status", Is::In, ["pending", "shipped"])?
//!     .filter("pricing.total", Is::Between, (10, 200))?
//!     .matching(Condition::new("items[*].product_id", Is::Like, "PROD-1%")?.or(Condition::new("gift", Is::Equal, true)?))
//!     .sort("timestamps.created", Order::Descending)?
//!     .limit(20);
//!
//! let order = Document::parse(
//!     r#"{"status":"pending","pricing":{"total":189.940},"items":[{"product_id":"PROD-101"}]}"#,
//! )?;
//! assert!(query.matches(&order));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the operators mean
//!
//! | operator | true where the value |
//! |---|---|
//! | `=` `!=` | is, or is not, the operand |
//! | `>` `>=` `<` `<=` | is a number compared with a number, or a text with a text, in that order |
//! | `between` | is not below the first operand and not above the second |
//! | `in` `not_in` | equals one, or none, of the operands |
//! | `like` | is a text of that pattern: `%` any characters, `_` one; case-sensitive; there is no escape |
//! | `regex` | is a text that contains a match of the regular expression; matching takes linear time |
//! | `starts_with` | is a text that begins with the operand |
//! | `exists` | exists, `null` included (operand `true`), or does not (`false`) |
//!
//! - Numbers compare exactly, whatever their length: `6.0` equals `6.00`, and `0.1` is not a float. Texts compare by
//!   code points.
//! - A [`Time`] compares as an instant with texts that are times with their offset: `2024-01-31T12:00:00+02:00` is
//!   `2024-01-31T10:00:00Z`. Texts compare with texts by code points, even if they are times.
//! - Values of different kinds are never equal and never ordered: `1` is not `"1"`, and neither is less. Booleans,
//!   lists, objects and `null` can be equal, but have no order. Objects are equal regardless of the order of their
//!   fields.
//! - A missing value is not `null`: every operator but `exists` is false for it, including `!=` and `not_in`. The
//!   negation of a condition (`!condition`) is true for every record for which the condition is false, including
//!   records without the value.
//! - A path with `[*]` selects several values: the condition is true if it is true for one of them; `exists` tests
//!   whether there is one. For "no element equals" negate `=`.

mod compare;
mod condition;
mod operand;
mod operator;
mod select;
mod sort_key;
#[cfg(test)]
mod tests;
mod time;

pub use compare::compare_numbers;
pub use condition::Condition;
pub use operand::{Operand, Plain};
pub use operator::{Is, QueryError};
pub use select::Selection;
pub use sort_key::sort_key;
pub use time::Time;

use crate::path::Path;
use crate::record::{Document, RecordNumber};

/// The direction of a sort.
///
/// In ascending order, values of different kinds follow one another: missing, `null`, `false`, `true`, numbers, texts,
/// lists, objects. Lists and objects are not ordered among themselves. Records that are equal in every sort stay in the
/// order of their numbers, in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// One sort of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The path of the value to sort by.
    pub path: Path,
    /// The direction.
    pub order: Order,
}

/// A query: which records, in which order, and how many. Without a sort, records come in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Query {
    conditions: Vec<Condition>,
    sorts: Vec<Sort>,
    limit: Option<usize>,
    after: Option<RecordNumber>,
}

impl Query {
    /// Creates a query for every record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only records whose value at the path meets this condition, in addition to every other filter.
    pub fn filter(self, path: &str, operator: Is, operand: impl Into<Operand>) -> Result<Self, QueryError> {
        Ok(self.matching(Condition::new(path, operator, operand)?))
    }

    /// Selects only records for which the condition is true, in addition to every other filter.
    #[must_use]
    pub fn matching(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Sorts by the value at a path; a further sort decides between records that are equal in the sorts before it.
    pub fn sort(mut self, path: &str, order: Order) -> Result<Self, QueryError> {
        let parsed: Path = path.parse()?;
        if parsed.is_many() {
            return Err(QueryError::SortByMany {
                path: path.to_owned(),
            });
        }
        self.sorts.push(Sort { path: parsed, order });
        Ok(self)
    }

    /// Limits the number of records.
    #[must_use]
    pub fn limit(mut self, records: usize) -> Self {
        self.limit = Some(records);
        self
    }

    /// Selects only records with a number above this one: the next page, where nothing is sorted.
    #[must_use]
    pub fn after(mut self, record: RecordNumber) -> Self {
        self.after = Some(record);
        self
    }

    /// Returns whether the filters are true for a document; this ignores sort, limit and `after`.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.matches(document))
    }

    /// Returns the sorts, in order of precedence.
    pub fn sorts(&self) -> &[Sort] {
        &self.sorts
    }

    /// Returns the maximum number of records.
    pub fn most(&self) -> Option<usize> {
        self.limit
    }

    /// Returns the record number after which the query begins.
    pub fn after_record(&self) -> Option<RecordNumber> {
        self.after
    }
}

//! Queries: which records of a database, in which order, how many.
//!
//! A query is evaluated over documents, purely: the store streams records through it.
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
//! | `>` `>=` `<` `<=` | is a number beside a number, or a text beside a text, in that order |
//! | `between` | is not below the first operand and not above the second |
//! | `in` `not_in` | equals one, or none, of the operands |
//! | `like` | is a text of that pattern: `%` any characters, `_` one; upper and lower case differ; nothing is escaped |
//! | `regex` | is a text in which the regular expression is found anywhere; it runs in linear time |
//! | `starts_with` | is a text that begins with the operand |
//! | `exists` | is there, `null` included (operand `true`), or is not (`false`) |
//!
//! - Numbers compare exactly, however long: `6.0` equals `6.00`, and `0.1` is no float. Texts compare by code points.
//! - A [`Time`] compares as an instant with texts that are times with their offset: `2024-01-31T12:00:00+02:00` is
//!   `2024-01-31T10:00:00Z`. Texts compare with texts by code points, times or not.
//! - Values of unlike kinds are never equal and never ordered: `1` is not `"1"`, and neither is less. Booleans, lists,
//!   objects and `null` are equal or not, but not ordered. Two objects are equal whatever the order of their fields.
//! - A missing value is not `null`: every operator but `exists` is false of it, `!=` and `not_in` too. The negation of
//!   a condition (`!condition`) is true of every record of which the condition is false, missing values included.
//! - A path with `[*]` stands for several values: the condition is true if it is true of one of them; `exists` asks
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
/// Ascending, values of unlike kinds follow one another: missing, `null`, `false`, `true`, numbers, texts, lists,
/// objects. Lists and objects are not ordered among themselves. Records that are equal in every sort stay in the
/// order of their numbers, in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The smallest first.
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}

/// One sort of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What is sorted by.
    pub path: Path,
    /// In which direction.
    pub order: Order,
}

/// Which records, in which order, how many. Without a sort: in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Query {
    conditions: Vec<Condition>,
    sorts: Vec<Sort>,
    limit: Option<usize>,
    after: Option<RecordNumber>,
}

impl Query {
    /// Every record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only records of which this is true; all filters must be.
    pub fn filter(self, path: &str, operator: Is, operand: impl Into<Operand>) -> Result<Self, QueryError> {
        Ok(self.matching(Condition::new(path, operator, operand)?))
    }

    /// Only records of which the condition is true, with every other filter.
    #[must_use]
    pub fn matching(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Sorts by the value at a path; a further sort decides where the ones before are equal.
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

    /// At most this many records.
    #[must_use]
    pub fn limit(mut self, records: usize) -> Self {
        self.limit = Some(records);
        self
    }

    /// Only records with a number above this one: the page that follows it, where nothing is sorted.
    #[must_use]
    pub fn after(mut self, record: RecordNumber) -> Self {
        self.after = Some(record);
        self
    }

    /// Whether the filters are true of a document; sort, limit and `after` are not theirs to say.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.matches(document))
    }

    /// The sorts, the first one first.
    pub fn sorts(&self) -> &[Sort] {
        &self.sorts
    }

    /// The most records wanted.
    pub fn most(&self) -> Option<usize> {
        self.limit
    }

    /// The record number after which to begin.
    pub fn after_record(&self) -> Option<RecordNumber> {
        self.after
    }
}

//! References to other databases: what operations and expressions ask of them while a stage transforms a record, and
//! what they are answered. Who answers decides where the answer comes from; operations and expressions contain no SQL.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;

use crate::path::Path;
use crate::record::{NumberText, RecordNumber, Value, id_of_number};

/// What a stage asks of another database: which of its rows, and what of the row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LookupQuery {
    /// The database.
    pub through: String,
    /// How a value identifies a row.
    pub by: LookupBy,
    /// The field that is taken from the row; `None` for its id.
    pub take: Option<Path>,
}

/// How a value identifies a row of another database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LookupBy {
    /// By the row's id.
    Id,
    /// By the value of a field of the row.
    Field(Path),
    /// As the id of a source record that was merged into the row.
    Member,
}

/// Answers what a stage asks of other databases. Threads may share it.
pub trait Lookups: fmt::Debug + Sync {
    /// Returns what a value finds. The same question always has the same answer, except that
    /// [`Unread`](Found::Unread) may become another one.
    fn find(&self, query: &LookupQuery, value: &Value) -> Found;
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Found {
    /// The id of the row, or the value of the field that was asked for.
    Value(Value),
    /// There is a row, but it has no such field.
    NoField,
    /// There is no row.
    Nothing,
    /// Several rows have that value in the field.
    Several,
    /// The answer is not known yet: the result is discarded, and the record is transformed again once it is.
    Unread,
}

impl LookupQuery {
    /// Asks for the id of the row of a database that has a value as its id.
    #[must_use]
    pub fn row(through: &str) -> Self {
        Self {
            through: through.to_owned(),
            by: LookupBy::Id,
            take: None,
        }
    }

    /// Asks for the id of the record into which a source record was merged.
    #[must_use]
    pub fn golden(through: &str) -> Self {
        Self {
            by: LookupBy::Member,
            ..Self::row(through)
        }
    }

    /// Returns the text under which a value is looked up; `None` for a value that identifies nothing: only texts and
    /// numbers do. An id is a text or the digits of a whole number; in a field, `1` is `1.0`, but not `"1"`.
    pub(crate) fn key(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_text() {
            return Some(match self.by {
                LookupBy::Field(_) => format!("\"{text}"),
                LookupBy::Id | LookupBy::Member => text.into_owned(),
            });
        }
        let number = value.as_number()?;
        Some(match self.by {
            LookupBy::Field(_) => {
                let exact = NumberText::JSON
                    .read(number)
                    .map(|number: Decimal| number.normalize());
                exact.map_or_else(|_| number.to_owned(), |number| number.to_string())
            }
            LookupBy::Id | LookupBy::Member => id_of_number(number)?.to_owned(),
        })
    }
}

/// What a record has used of another database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Used {
    /// The id of a row.
    Id(RecordNumber),
    /// The contents of a row.
    Row(RecordNumber),
    /// The row into which a source record was merged: the source record and the row.
    Golden(RecordNumber, RecordNumber),
    /// That no row has this key.
    Absent(String),
}

/// Answers from a table that is given: for examples and for programs that have no store.
#[derive(Clone, Debug, Default)]
pub struct KnownRows {
    rows: BTreeMap<String, BTreeMap<String, Value>>,
}

impl KnownRows {
    /// Makes a table in which no value finds anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a value finds in a database: the text of the value, and the answer. If the answer is an object, a
    /// question for a field takes it from there.
    #[must_use]
    pub fn row(mut self, through: &str, value: &str, found: Value) -> Self {
        let rows = self.rows.entry(through.to_owned()).or_default();
        rows.insert(value.to_owned(), found);
        self
    }

    /// Returns the databases of which it knows rows.
    pub(crate) fn databases(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }
}

impl Lookups for KnownRows {
    fn find(&self, query: &LookupQuery, value: &Value) -> Found {
        let text = value.as_text().or_else(|| value.as_number().map(Into::into));
        let rows = self.rows.get(&query.through);
        let Some(found) = text.and_then(|text| rows?.get(text.as_ref())) else {
            return Found::Nothing;
        };
        match (&query.take, found.as_object()) {
            (Some(take), Some(row)) => {
                let field = row.at(take).map(std::borrow::Cow::into_owned);
                field.map_or(Found::NoField, Found::Value)
            }
            _ => Found::Value(found.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_whole_numbers_are_ids_and_a_field_distinguishes_them() {
        let key = |query: &LookupQuery, json: &str| query.key(&Value::parse(json).unwrap());
        let by_id = LookupQuery::row("people");
        assert_eq!(key(&by_id, "7"), Some("7".to_owned()));
        assert_eq!(key(&by_id, "\"7\""), Some("7".to_owned()));
        let by_field = LookupQuery {
            by: LookupBy::Field("number".parse().unwrap()),
            ..by_id.clone()
        };
        assert_eq!(key(&by_field, "1.0"), key(&by_field, "1"));
        assert_ne!(key(&by_field, "1"), key(&by_field, "\"1\""));
        for nothing in ["true", "null", "[1]", "{}"] {
            assert_eq!(key(&by_id, nothing), None, "{nothing}");
            assert_eq!(key(&by_field, nothing), None, "{nothing}");
        }
        assert_eq!(key(&by_id, "1.5"), None);
    }
}

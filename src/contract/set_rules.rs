//! Rules over more than one record: values that are unique, values that refer to other records.

use super::mode::Mode;
use super::rule::first;
use super::tree::Tree;
use crate::expression::{Evaluated, Expression, Scope};
use crate::path::Path;
use crate::record::{Document, RecordNumber, Value, id_of_number};
use crate::refusal::{Part, Violation};

/// `[[contract.unique]]`, and `x-unique` in a schema: no two records of the database may have the same key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unique {
    /// The name, which states what must be true: "one order per number".
    pub name: String,
    /// The key. A null or missing field gives no key; a list is a key of several parts, none of which is null. Keys are
    /// equal as JSON Schema defines it: `1` and `1.0`, objects regardless of the order of their fields.
    pub key: Reads,
    /// What happens to the second record with the key.
    pub mode: Mode,
}

/// `[[contract.references]]`, and `x-references` in a schema: the record that a record refers to must exist.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct References {
    /// The name, which states what must be true: "the customer is known".
    pub name: String,
    /// The reference. A null or missing field refers to nothing; in a list, every element is a reference.
    pub value: Reads,
    /// The database of the referenced records.
    pub to: String,
    /// The key of the referenced records; `None`: their id.
    pub key: Option<Reads>,
    /// What happens to a record whose reference does not exist.
    pub mode: Mode,
}

/// How a value is read from a record.
#[derive(Clone, Debug)]
pub enum Reads {
    /// A field.
    Field(Path),
    /// An expression.
    Expression(Expression),
}

impl Reads {
    /// Returns the value; `None` where there is nothing to compare.
    ///
    /// # Errors
    /// The expression's violation, with its own code and place.
    pub fn value(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Option<Value>, Violation> {
        let value = match self {
            Self::Field(path) => document.at(path).map(std::borrow::Cow::into_owned),
            Self::Expression(expression) => match expression.value(document, scope).map_err(first)? {
                Evaluated::Value(value) => Some(value),
                Evaluated::Omit => None,
            },
        };
        Ok(value.filter(|value| !value.is_null()))
    }

    /// Returns the place of the value, as a JSON Pointer; empty for an expression.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::Field(path) => path.pointer(),
            Self::Expression(_) => String::new(),
        }
    }

    /// Returns its part of a stage's meaning.
    pub(crate) fn meaning(&self) -> String {
        match self {
            Self::Field(path) => path.pointer(),
            Self::Expression(expression) => expression.source().to_owned(),
        }
    }
}

/// Returns a text that two values share exactly when they are equal.
pub(crate) fn key_text(value: &Value) -> String {
    let json = value.to_json();
    let mut text = String::new();
    match Tree::parse(&json) {
        Ok(tree) => tree.write_canonical(&mut text),
        Err(_) => text = json,
    }
    text
}

/// Returns the text of a key; `None` where a part of it is null.
pub(super) fn whole_key(value: &Value) -> Option<String> {
    let is_whole = value
        .as_list()
        .is_none_or(|parts| !parts.iter().any(Value::is_null));
    is_whole.then(|| key_text(value))
}

/// Returns the id that a value represents: a text, or the digits of a number.
fn id_text(value: &Value) -> Option<String> {
    let text = value.as_text().map(std::borrow::Cow::into_owned);
    text.or_else(|| {
        let number = value.as_number()?;
        Some(id_of_number(number).unwrap_or(number).to_owned())
    })
}

impl Unique {
    /// Returns the violation of the second record. It names the first by its number, because an id in the violation
    /// would survive the erasure of the record.
    pub(crate) fn violation(&self, holder: RecordNumber) -> Violation {
        Violation::new("contract.unique", self.key.pointer())
            .expected(format!(
                "a value that no other record has; record {holder} has it"
            ))
            .rule(&*self.name)
            .held_by(holder)
    }

    /// Returns the violation of a record of which two parts have the same key.
    pub(crate) fn violation_of_part(&self, number: i64, other: i64) -> Violation {
        let part = Part {
            other: Some(other),
            ..Part::numbered(number)
        };
        Violation::new("contract.unique", self.key.pointer())
            .expected(format!(
                "a value that no other record has; part {other} of the same record has it"
            ))
            .rule(&*self.name)
            .of_part(&part)
    }
}

impl References {
    /// Returns the violation of a record whose reference does not exist.
    pub(crate) fn violation(&self) -> Violation {
        let what = if self.key.is_some() { "key" } else { "id" };
        Violation::new("contract.references", self.value.pointer())
            .expected(format!("the {what} of a record in {}", self.to))
            .rule(&*self.name)
    }
}

impl References {
    /// Returns the keys to look up for a value: those of every element for a list.
    pub(super) fn looked_up(&self, value: Option<&Value>) -> Vec<String> {
        let text = |value: &Value| match self.key {
            Some(_) => key_text(value),
            // A value that cannot be an id is looked up unchanged, and not found.
            None => id_text(value).unwrap_or_else(|| key_text(value)),
        };
        let Some(value) = value else { return Vec::new() };
        match value.as_list() {
            Some(list) => list.iter().filter(|part| !part.is_null()).map(text).collect(),
            None => vec![text(value)],
        }
    }
}

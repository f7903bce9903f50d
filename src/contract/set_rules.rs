//! Rules over more than one record: values that are unique, values that refer to other records.

use super::mode::Mode;
use super::rule::first;
use super::tree::Tree;
use crate::expression::{Evaluated, Expression, Scope};
use crate::path::Path;
use crate::record::{Document, RecordNumber, Value, id_of_number};
use crate::refusal::{Part, Violation};

/// `[[contract.unique]]`, and `x-unique` in a schema: no two records of the database have the same key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unique {
    /// The name, which says what holds: "one order per number".
    pub name: String,
    /// The key. Null and a missing field are no key; a list is a key of several parts, none of which is null. Equal is what JSON Schema calls
    /// equal: `1` and `1.0`, objects whatever the order of their fields.
    pub key: Reads,
    /// What happens to the record that comes second.
    pub mode: Mode,
}

/// `[[contract.references]]`, and `x-references` in a schema: what a record refers to is there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct References {
    /// The name, which says what holds: "the customer is known".
    pub name: String,
    /// What is referred to. Null and a missing field refer to nothing; of a list every element refers.
    pub value: Reads,
    /// The database that is referred to.
    pub to: String,
    /// The key of its records; `None`: their id.
    pub key: Option<Reads>,
    /// What happens to a record whose reference leads nowhere.
    pub mode: Mode,
}

/// How a value is taken from a record.
#[derive(Clone, Debug)]
pub enum Reads {
    /// A field.
    Field(Path),
    /// An expression.
    Expression(Expression),
}

impl Reads {
    /// The value; `None` where there is nothing to compare.
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

    /// Where the value stands, as a JSON Pointer; empty for an expression.
    #[must_use]
    pub fn pointer(&self) -> String {
        match self {
            Self::Field(path) => path.pointer(),
            Self::Expression(_) => String::new(),
        }
    }

    /// The part of a stage's meaning.
    pub(crate) fn meaning(&self) -> String {
        match self {
            Self::Field(path) => path.pointer(),
            Self::Expression(expression) => expression.source().to_owned(),
        }
    }
}

/// A text that two values share exactly when they are equal.
pub(crate) fn key_text(value: &Value) -> String {
    let json = value.to_json();
    let mut text = String::new();
    match Tree::parse(&json) {
        Ok(tree) => tree.write_canonical(&mut text),
        Err(_) => text = json,
    }
    text
}

/// The text of a key; `None` where a part of it is null.
pub(super) fn whole_key(value: &Value) -> Option<String> {
    let is_whole = value
        .as_list()
        .is_none_or(|parts| !parts.iter().any(Value::is_null));
    is_whole.then(|| key_text(value))
}

/// What a value is as an id: a text, or the digits of a number.
fn id_text(value: &Value) -> Option<String> {
    let text = value.as_text().map(std::borrow::Cow::into_owned);
    text.or_else(|| {
        let number = value.as_number()?;
        Some(id_of_number(number).unwrap_or(number).to_owned())
    })
}

impl Unique {
    /// The violation of the record that comes second. The first is named by its number: an id would outlive its erasure.
    pub(crate) fn violation(&self, holder: RecordNumber) -> Violation {
        Violation::new("contract.unique", self.key.pointer())
            .expected(format!(
                "a value that no other record has; record {holder} has it"
            ))
            .rule(&*self.name)
            .held_by(holder)
    }

    /// The violation of a record of which two parts have one key.
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
    /// The violation of a record whose reference leads nowhere.
    pub(crate) fn violation(&self) -> Violation {
        let what = if self.key.is_some() { "key" } else { "id" };
        Violation::new("contract.references", self.value.pointer())
            .expected(format!("the {what} of a record in {}", self.to))
            .rule(&*self.name)
    }
}

impl References {
    /// What is looked up for a value: of a list every element.
    pub(super) fn looked_up(&self, value: Option<&Value>) -> Vec<String> {
        let text = |value: &Value| match self.key {
            Some(_) => key_text(value),
            // A value that is no id at all is looked up as it is, and not found.
            None => id_text(value).unwrap_or_else(|| key_text(value)),
        };
        let Some(value) = value else { return Vec::new() };
        match value.as_list() {
            Some(list) => list.iter().filter(|part| !part.is_null()).map(text).collect(),
            None => vec![text(value)],
        }
    }
}

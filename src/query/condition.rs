//! Conditions on a document.

use std::cmp::Ordering;
use std::ops::Not;

use regex::Regex;

use super::operand::{Operand, Plain};
use super::operator::{Is, QueryError};
use crate::path::Path;
use crate::record::{Document, Value};

/// A condition on a document, either true or false. Combine conditions with [`and`](Self::and), [`or`](Self::or) and
/// `!`.
///
/// ```
/// use counterfoil::query::{Condition, Is};
/// use counterfoil::record::Document;
///
/// let unpaid = Condition::new("paid", Is::Equal, true)?;
/// let urgent = (!unpaid).and(Condition::new("total", Is::Greater, 1000)?);
/// assert!(urgent.matches(&Document::parse(r#"{"total":1000.01}"#)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Condition(ConditionNode);

#[derive(Clone, Debug)]
enum ConditionNode {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Exists(Path, bool),
    Test(Path, ValueTest),
}

/// A test of one value.
#[derive(Clone, Debug)]
enum ValueTest {
    Equal(Plain),
    NotEqual(Plain),
    Ordered(fn(Ordering) -> bool, Plain),
    OneOf(Vec<Plain>),
    NoneOf(Vec<Plain>),
    Between(Plain, Plain),
    Pattern(Regex),
    StartsWith(String),
}

impl Condition {
    /// Creates a condition on the value at a path.
    ///
    /// # Errors
    /// [`QueryError`] when the path is not valid, when the operand does not have the operator's shape, or when a
    /// pattern is not a regular expression.
    pub fn new(path: &str, operator: Is, operand: impl Into<Operand>) -> Result<Self, QueryError> {
        let path: Path = path.parse()?;
        let operand = operand.into();
        if operator == Is::Exists {
            let Operand::One(value) = &operand else {
                return Err(wrong(operator, "true or false"));
            };
            let there = value
                .value()
                .and_then(Value::as_boolean)
                .ok_or_else(|| wrong(operator, "true or false"))?;
            return Ok(Self(ConditionNode::Exists(path, there)));
        }
        Ok(Self(ConditionNode::Test(
            path,
            ValueTest::new(operator, operand)?,
        )))
    }

    /// Returns a condition that is true where all of these are; with none, it is always true.
    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self(ConditionNode::All(conditions.into_iter().collect()))
    }

    /// Returns a condition that is true where at least one of these is; with none, it is never true.
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self(ConditionNode::Any(conditions.into_iter().collect()))
    }

    /// Returns a condition that is true where both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    /// Returns a condition that is true where at least one is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::any([self, other])
    }

    /// Returns whether the condition is true for a document.
    #[must_use]
    pub fn matches(&self, document: &Document) -> bool {
        match &self.0 {
            ConditionNode::All(conditions) => conditions.iter().all(|condition| condition.matches(document)),
            ConditionNode::Any(conditions) => conditions.iter().any(|condition| condition.matches(document)),
            ConditionNode::Not(condition) => !condition.matches(document),
            ConditionNode::Exists(path, there) => some_value(document, path, |_| true) == *there,
            ConditionNode::Test(path, test) => some_value(document, path, |value| test.holds(value)),
        }
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(ConditionNode::Not(Box::new(self)))
    }
}

/// Whether the predicate is true for one of the values at the path.
fn some_value(document: &Document, path: &Path, predicate: impl Fn(&Value) -> bool) -> bool {
    if !path.is_many() {
        return document.at(path).is_some_and(|value| predicate(&value));
    }
    let places = document.places(path);
    places
        .iter()
        .any(|place| document.at(place).is_some_and(|value| predicate(&value)))
}

fn wrong(operator: Is, expected: &'static str) -> QueryError {
    QueryError::Operand { operator, expected }
}

impl ValueTest {
    fn new(operator: Is, operand: Operand) -> Result<Self, QueryError> {
        let text = |operand: Operand| {
            match operand {
                Operand::One(value) => {
                    let text = value.value().and_then(Value::as_text);
                    text.map(std::borrow::Cow::into_owned)
                }
                Operand::Many(_) | Operand::Range(..) => None,
            }
            .ok_or_else(|| wrong(operator, "a string"))
        };
        let one = |operand: Operand| match operand {
            Operand::One(value) => Ok(value),
            Operand::Many(_) | Operand::Range(..) => Err(wrong(operator, "one value")),
        };
        let many = |operand: Operand| match operand {
            Operand::Many(values) => Ok(values),
            Operand::One(_) | Operand::Range(..) => Err(wrong(operator, "a list of values")),
        };
        Ok(match operator {
            Is::Equal => Self::Equal(one(operand)?),
            Is::NotEqual => Self::NotEqual(one(operand)?),
            Is::Greater => Self::Ordered(Ordering::is_gt, one(operand)?),
            Is::AtLeast => Self::Ordered(Ordering::is_ge, one(operand)?),
            Is::Less => Self::Ordered(Ordering::is_lt, one(operand)?),
            Is::AtMost => Self::Ordered(Ordering::is_le, one(operand)?),
            Is::In => Self::OneOf(many(operand)?),
            Is::NotIn => Self::NoneOf(many(operand)?),
            Is::Between => match operand {
                Operand::Range(lowest, highest) => Self::Between(lowest, highest),
                Operand::One(_) | Operand::Many(_) => {
                    return Err(wrong(operator, "a lowest and a highest value"));
                }
            },
            Is::Like => Self::Pattern(compile(&like(&text(operand)?))?),
            Is::Regex => Self::Pattern(compile(&text(operand)?)?),
            Is::StartsWith => Self::StartsWith(text(operand)?),
            Is::Exists => return Err(wrong(operator, "true or false")),
        })
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equal(operand) => operand.equals(value),
            Self::NotEqual(operand) => !operand.equals(value),
            Self::Ordered(accepted, operand) => operand.order(value).is_some_and(accepted),
            Self::OneOf(operands) => operands.iter().any(|operand| operand.equals(value)),
            Self::NoneOf(operands) => !operands.iter().any(|operand| operand.equals(value)),
            Self::Between(lowest, highest) => {
                lowest.order(value).is_some_and(Ordering::is_ge)
                    && highest.order(value).is_some_and(Ordering::is_le)
            }
            Self::Pattern(pattern) => value.as_text().is_some_and(|text| pattern.is_match(&text)),
            Self::StartsWith(start) => value.as_text().is_some_and(|text| text.starts_with(start)),
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, QueryError> {
    Regex::new(pattern).map_err(|error| QueryError::Pattern {
        problem: error.to_string(),
    })
}

/// Returns the regular expression of a LIKE pattern.
fn like(pattern: &str) -> String {
    let mut regex = String::from(r"(?s)\A");
    for character in pattern.chars() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            literal => regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(r"\z");
    regex
}

//! What a value is compared with.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use super::compare::{equal, order};
use super::operator::QueryError;
use super::time::Time;
use crate::record::Value;

/// The operand of a condition: one value, several (`in`), or a range (`between`). Converted from Rust values:
/// `"pending"`, `7`, `true`, a [`Decimal`], a [`Value`], a [`Time`]; `["a", "b"]` or a `Vec`; `(1, 10)` or `1..=10`.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// One value.
    One(Plain),
    /// Several values, for `in` and `not_in`.
    Many(Vec<Plain>),
    /// The lowest and the highest value, for `between`, both included.
    Range(Plain, Plain),
}

impl<V: Into<Plain>> From<V> for Operand {
    fn from(value: V) -> Self {
        Self::One(value.into())
    }
}

impl<V: Into<Plain>, const N: usize> From<[V; N]> for Operand {
    fn from(values: [V; N]) -> Self {
        Self::Many(values.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Plain>> From<Vec<V>> for Operand {
    fn from(values: Vec<V>) -> Self {
        Self::Many(values.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Plain>> From<(V, V)> for Operand {
    fn from((lowest, highest): (V, V)) -> Self {
        Self::Range(lowest.into(), highest.into())
    }
}

impl<V: Into<Plain>> From<RangeInclusive<V>> for Operand {
    fn from(range: RangeInclusive<V>) -> Self {
        Self::from(range.into_inner())
    }
}

/// One value, converted from a Rust value. A separate type, so that a list of values does not itself become one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain(ComparedAs);

/// How the value is compared.
#[derive(Clone, Debug, PartialEq)]
enum ComparedAs {
    Value(Value),
    /// As an instant, with texts that are times.
    Time(Time),
}

impl Plain {
    /// Returns it as a value; `None` for a time.
    pub(super) fn value(&self) -> Option<&Value> {
        match &self.0 {
            ComparedAs::Value(value) => Some(value),
            ComparedAs::Time(_) => None,
        }
    }

    /// Whether a value equals it.
    pub(super) fn equals(&self, value: &Value) -> bool {
        match &self.0 {
            ComparedAs::Value(own) => equal(value, own),
            ComparedAs::Time(_) => self.order(value) == Some(Ordering::Equal),
        }
    }

    /// Compares a value with it; `None` where they have no order.
    pub(super) fn order(&self, value: &Value) -> Option<Ordering> {
        match &self.0 {
            ComparedAs::Value(own) => order(value, own),
            ComparedAs::Time(own) => {
                let time: Result<Time, QueryError> = value.as_text()?.parse();
                time.ok().map(|time| time.cmp(own))
            }
        }
    }
}

impl From<Value> for Plain {
    fn from(value: Value) -> Self {
        Self(ComparedAs::Value(value))
    }
}

impl From<Time> for Plain {
    fn from(time: Time) -> Self {
        Self(ComparedAs::Time(time))
    }
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self::from(Value::text(text))
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self::from(Value::text(&text))
    }
}

impl From<bool> for Plain {
    fn from(value: bool) -> Self {
        Self::from(Value::boolean(value))
    }
}

impl From<i32> for Plain {
    fn from(number: i32) -> Self {
        Self::from(Value::integer(number.into()))
    }
}

impl From<i64> for Plain {
    fn from(number: i64) -> Self {
        Self::from(Value::integer(number))
    }
}

impl From<u32> for Plain {
    fn from(number: u32) -> Self {
        Self::from(Value::integer(number.into()))
    }
}

impl From<Decimal> for Plain {
    fn from(number: Decimal) -> Self {
        Self::from(Value::decimal(number))
    }
}

//! What a value is compared with.

use std::ops::RangeInclusive;

use rust_decimal::Decimal;

use crate::record::Value;

/// What a value is compared with: one value, several (`in`), or a range (`between`). Made from Rust values:
/// `"pending"`, `7`, `true`, a [`Decimal`], a [`Value`]; `["a", "b"]` or a `Vec`; `(1, 10)` or `1..=10`.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// One value.
    One(Value),
    /// Several values, for `in` and `not_in`.
    Many(Vec<Value>),
    /// The lowest and the highest value, for `between`; both belong to it.
    Range(Value, Value),
}

impl<V: Into<Plain>> From<V> for Operand {
    fn from(value: V) -> Self {
        Self::One(value.into().0)
    }
}

impl<V: Into<Plain>, const N: usize> From<[V; N]> for Operand {
    fn from(values: [V; N]) -> Self {
        Self::Many(values.into_iter().map(|value| value.into().0).collect())
    }
}

impl<V: Into<Plain>> From<Vec<V>> for Operand {
    fn from(values: Vec<V>) -> Self {
        Self::Many(values.into_iter().map(|value| value.into().0).collect())
    }
}

impl<V: Into<Plain>> From<(V, V)> for Operand {
    fn from((lowest, highest): (V, V)) -> Self {
        Self::Range(lowest.into().0, highest.into().0)
    }
}

impl<V: Into<Plain>> From<RangeInclusive<V>> for Operand {
    fn from(range: RangeInclusive<V>) -> Self {
        Self::from(range.into_inner())
    }
}

/// One value, made from a Rust value. It stands between the two so that a list of values is no value itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Plain(Value);

impl From<Value> for Plain {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self(Value::text(text))
    }
}

impl From<String> for Plain {
    fn from(text: String) -> Self {
        Self(Value::text(&text))
    }
}

impl From<bool> for Plain {
    fn from(value: bool) -> Self {
        Self(Value::boolean(value))
    }
}

impl From<i32> for Plain {
    fn from(number: i32) -> Self {
        Self(Value::integer(number.into()))
    }
}

impl From<i64> for Plain {
    fn from(number: i64) -> Self {
        Self(Value::integer(number))
    }
}

impl From<u32> for Plain {
    fn from(number: u32) -> Self {
        Self(Value::integer(number.into()))
    }
}

impl From<Decimal> for Plain {
    fn from(number: Decimal) -> Self {
        Self(Value::decimal(number))
    }
}

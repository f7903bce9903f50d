//! The operators. Only these have a meaning; unlike types are faults, for `==` and `!=` too.

use std::cmp::Ordering;
use std::sync::Arc;

use super::arithmetic;
use super::datum::{Datum, View};
use super::fault::Fault;
use super::limits;

type Result<T> = std::result::Result<T, Fault>;

/// An operator of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `a..b`, without `b`.
    Range,
    /// `a..=b`, with `b`.
    RangeInclusive,
}

impl Operator {
    pub(super) fn from_symbol(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            ".." => Self::Range,
            "..=" => Self::RangeInclusive,
            _ => return None,
        })
    }

    /// As it is written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Range => "..",
            Self::RangeInclusive => "..=",
        }
    }

    pub(super) fn apply(self, left: Datum, right: &Datum) -> Result<Datum> {
        let number =
            |compute: fn(_, _) -> Result<_>| compute(left.as_number()?, right.as_number()?).map(Datum::from);
        Ok(match self {
            Self::Add => return add(left, right),
            Self::Subtract => return number(arithmetic::subtract),
            Self::Multiply => return number(arithmetic::multiply),
            Self::Divide => return number(arithmetic::quotient),
            Self::Remainder => return number(arithmetic::remainder),
            Self::Range => return range(&left, right, 0),
            Self::RangeInclusive => return range(&left, right, 1),
            Self::Equal => Datum::Boolean(equal(&left, right)?),
            Self::Unequal => Datum::Boolean(!equal(&left, right)?),
            Self::Less => Datum::Boolean(compare(&left, right)?.is_lt()),
            Self::LessOrEqual => Datum::Boolean(compare(&left, right)?.is_le()),
            Self::Greater => Datum::Boolean(compare(&left, right)?.is_gt()),
            Self::GreaterOrEqual => Datum::Boolean(compare(&left, right)?.is_ge()),
        })
    }
}

fn add(left: Datum, right: &Datum) -> Result<Datum> {
    match (left.view(), right.view()) {
        (View::Number(left), View::Number(right)) => arithmetic::add(left, right).map(Datum::from),
        (View::Text(left), View::Text(right)) => {
            limits::text(left.len() + right.len())?;
            Ok(Datum::Text(Arc::from([&*left, &*right].concat())))
        }
        (View::List, View::List) => {
            let more = right.as_list()?.into_owned();
            left.extended(more)
        }
        (View::Text(_), View::Number(_)) | (View::Number(_), View::Text(_)) => Err(Fault::types(
            "two strings or two numbers to add; text(x) makes a string, decimal(x) a number",
        )),
        (View::LongNumber, _) => left.as_number().map(Datum::from),
        (_, View::LongNumber) => right.as_number().map(Datum::from),
        _ => Err(unlike(
            "two numbers, two strings or two lists to add",
            &left,
            right,
        )),
    }
}

fn unlike(expected: &str, left: &Datum, right: &Datum) -> Fault {
    Fault::types(format!("{expected}, not {} and {}", left.kind(), right.kind()))
}

/// Whether two values of the same type are equal; numbers by value.
pub(super) fn equal(left: &Datum, right: &Datum) -> Result<bool> {
    Ok(match (left.view(), right.view()) {
        (View::Boolean(left), View::Boolean(right)) => left == right,
        (View::Null, View::Null) => true,
        (View::List, View::List) => {
            let (left, right) = (left.as_list()?, right.as_list()?);
            left.len() == right.len() && all_equal(left.iter().zip(right.iter()))?
        }
        (View::Object, View::Object) => {
            let (left, right) = (
                left.fields().unwrap_or_default(),
                right.fields().unwrap_or_default(),
            );
            let mut pairs = Vec::with_capacity(left.len());
            for (name, value) in &left {
                match right.iter().find(|(other, _)| other == name) {
                    Some((_, other)) => pairs.push((value, other)),
                    None => return Ok(false),
                }
            }
            left.len() == right.len() && all_equal(pairs.into_iter())?
        }
        _ => compare(left, right)?.is_eq(),
    })
}

/// Returns whether all pairs are equal. Compares every pair, so that the order does not decide whether unlike ones are
/// found.
fn all_equal<'d>(pairs: impl Iterator<Item = (&'d Datum, &'d Datum)>) -> Result<bool> {
    let (mut all, mut fault) = (true, None::<Fault>);
    for (left, right) in pairs {
        match equal(left, right) {
            Ok(same) => all &= same,
            Err(new) => fault = Some(weightier(fault, new)),
        }
    }
    fault.map_or(Ok(all), Err)
}

fn weightier(fault: Option<Fault>, new: Fault) -> Fault {
    match fault {
        Some(fault) => fault.weightier(new),
        None => new,
    }
}

/// A search for a value among several: values of another type do not match. Only if none has its type is the comparison
/// a fault, as `==` would be with any of them. So the order of the values does not matter.
#[derive(Debug, Default)]
pub(super) struct Search {
    met_like: bool,
    fault: Option<Fault>,
}

impl Search {
    /// Adds a comparison; returns whether the value is found.
    pub(super) fn found(&mut self, same: Result<bool>) -> bool {
        match same {
            Ok(true) => return true,
            Ok(false) => self.met_like = true,
            Err(new) => self.fault = Some(weightier(self.fault.take(), new)),
        }
        false
    }

    /// After the last one, where it was not found.
    pub(super) fn end(self) -> Result<()> {
        match self.fault {
            Some(fault) if !(self.met_like && fault.is_of_types()) => Err(fault),
            _ => Ok(()),
        }
    }
}

/// Which of two numbers, texts or dates comes first; texts by their characters' codes.
pub(super) fn compare(left: &Datum, right: &Datum) -> Result<Ordering> {
    match (left.view(), right.view()) {
        (View::Number(left), View::Number(right)) => Ok(arithmetic::compare(left, right)),
        (View::Text(left), View::Text(right)) => Ok(left.cmp(&right)),
        (View::Moment(a), View::Moment(b)) => a
            .compared(b)
            .ok_or_else(|| Fault::types("two days or two instants to compare")),
        (View::LongNumber, View::Number(_) | View::LongNumber) => left.as_number().map(|_| Ordering::Equal),
        (View::Number(_), View::LongNumber) => right.as_number().map(|_| Ordering::Equal),
        _ => Err(unlike("two values of the same type to compare", left, right)),
    }
}

fn range(left: &Datum, right: &Datum, more: i64) -> Result<Datum> {
    let (Datum::Integer(from), Datum::Integer(to)) = (integer(left)?, integer(right)?) else {
        return Err(Fault::types("whole numbers as the ends of a range"));
    };
    let end = to.saturating_add(more);
    let length = end.checked_sub(from).unwrap_or(i64::MAX).max(0);
    limits::list(usize::try_from(length).unwrap_or(usize::MAX))?;
    Datum::list((from..end).map(Datum::Integer).collect())
}

fn integer(datum: &Datum) -> Result<Datum> {
    datum.as_number().map(Datum::from)
}

//! The operators of conditions, and the errors of queries.

use std::fmt;
use std::str::FromStr;

use crate::path::PathError;

/// The operators of a condition; [what each means](super#what-the-operators-mean).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Is {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `in`
    In,
    /// `not_in`
    NotIn,
    /// `between`
    Between,
    /// `like`
    Like,
    /// `regex`
    Regex,
    /// `starts_with`
    StartsWith,
    /// `exists`
    Exists,
}

const OPERATORS: [(Is, &str); 13] = [
    (Is::Equal, "="),
    (Is::NotEqual, "!="),
    (Is::Greater, ">"),
    (Is::AtLeast, ">="),
    (Is::Less, "<"),
    (Is::AtMost, "<="),
    (Is::In, "in"),
    (Is::NotIn, "not_in"),
    (Is::Between, "between"),
    (Is::Like, "like"),
    (Is::Regex, "regex"),
    (Is::StartsWith, "starts_with"),
    (Is::Exists, "exists"),
];

impl Is {
    /// Returns the names of all operators.
    #[must_use]
    pub fn names() -> [&'static str; OPERATORS.len()] {
        OPERATORS.map(|(_, name)| name)
    }
}

impl fmt::Display for Is {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = OPERATORS.iter().find(|(operator, _)| operator == self);
        f.write_str(known.map_or("", |(_, name)| name))
    }
}

impl FromStr for Is {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        let known = OPERATORS.iter().find(|(_, known)| *known == name);
        known
            .map(|(operator, _)| *operator)
            .ok_or_else(|| QueryError::Operator {
                name: name.to_owned(),
            })
    }
}

/// Why a query is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The path is not valid.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A path with `[*]` selects several values, and a sort needs one.
    #[error("cannot sort by `{path}`: it names several values")]
    SortByMany {
        /// The path.
        path: String,
    },
    /// The operator does not accept this operand.
    #[error("`{operator}` takes {expected}")]
    Operand {
        /// The operator.
        operator: Is,
        /// What the operator accepts.
        expected: &'static str,
    },
    /// No operator has this name.
    #[error("there is no operator `{name}`; the operators are {}", Is::names().join(" "))]
    Operator {
        /// The given name.
        name: String,
    },
    /// The text is not a time with an offset.
    #[error("not a time with its offset, such as 2024-01-31T12:00:00Z or 2024-01-31T12:00:00.5+02:00")]
    Time,
    /// The pattern is not a regular expression, or is too large.
    #[error("not a regular expression: {problem}")]
    Pattern {
        /// What is wrong with it.
        problem: String,
    },
}

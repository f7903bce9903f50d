//! Sets of types.

use crate::datetime::Moment;
use crate::expression::datum::{Datum, View};

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::expression) struct Types(u16);

impl Types {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const OMIT: Self = Self(1 << 1);
    pub(super) const BOOLEAN: Self = Self(1 << 2);
    pub(super) const NUMBER: Self = Self(1 << 3);
    pub(super) const TEXT: Self = Self(1 << 4);
    pub(super) const DAY: Self = Self(1 << 5);
    pub(super) const INSTANT: Self = Self(1 << 8);
    pub(super) const DATE: Self = Self::DAY.or(Self::INSTANT);
    pub(super) const LIST: Self = Self(1 << 6);
    pub(super) const OBJECT: Self = Self(1 << 7);
    pub(super) const ANY: Self = Self((1 << 9) - 1);
    /// What a record has: JSON knows no dates.
    pub(super) const JSON: Self = Self::ANY.without(Self::DATE.or(Self::OMIT));

    /// Each with its name, as refusals call it.
    const NAMES: [(Self, &'static str); 9] = [
        (Self::NULL, "null"),
        (Self::OMIT, "omit"),
        (Self::BOOLEAN, "a boolean"),
        (Self::NUMBER, "a number"),
        (Self::TEXT, "a string"),
        (Self::DAY, "a day"),
        (Self::INSTANT, "an instant"),
        (Self::LIST, "a list"),
        (Self::OBJECT, "an object"),
    ];

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether a value may be a condition, or there is none.
    pub(in crate::expression) fn may_be_condition(self) -> bool {
        self == Self::NOTHING || self.meets(Self::BOOLEAN)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn from_datum(datum: &Datum) -> Self {
        match datum.view() {
            View::Null => Self::NULL,
            View::Omit => Self::OMIT,
            View::Boolean(_) => Self::BOOLEAN,
            View::Number(_) | View::LongNumber => Self::NUMBER,
            View::Text(_) => Self::TEXT,
            View::Moment(Moment::Day(_)) => Self::DAY,
            View::Moment(_) => Self::INSTANT,
            View::List => Self::LIST,
            View::Object => Self::OBJECT,
        }
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        self != Self::NOTHING && self.without(other) == Self::NOTHING
    }

    /// The set in words. A value of the record is called so: its eight or so types would say less.
    pub(in crate::expression) fn words(self) -> String {
        if self == Self::JSON {
            return "a value of the record".to_owned();
        }
        let is_date = self.without(Self::DATE) != self && self.or(Self::DATE) == self;
        let names = Self::NAMES
            .iter()
            .filter(|(one, _)| self.meets(*one) && !(is_date && Self::DATE.meets(*one)));
        let names: Vec<&str> = names
            .map(|(_, name)| *name)
            .chain(is_date.then_some("a date"))
            .collect();
        names.join(" or ")
    }
}

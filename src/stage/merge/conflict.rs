//! Conditions on two members that speak against merging them.

use std::sync::Arc;

use super::draft::Name;
use super::names::SuppliedName;
use crate::expression::{Expression, Scope};
use crate::matching::Then;
use crate::record::Document;

/// A condition on two members, `a` and `b`.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) name: String,
    pub(super) when: Expression,
    pub(super) then: Then,
    /// The names of the two members' fields that it uses.
    pub(super) uses: Vec<PairName>,
}

/// A name of a conflict: `a.ssn`.
#[derive(Debug)]
pub(super) struct PairName {
    pub(super) name: Name,
    /// Whether it is one of `b`.
    pub(super) second: bool,
    /// Its position among the names of the merge.
    pub(super) of: usize,
}

impl PairName {
    /// Returns the names of both members.
    pub(super) fn all(names: &[SuppliedName]) -> Vec<Self> {
        let of = |letter: &'static str, second: bool| {
            names.iter().enumerate().map(move |(of, name)| Self {
                name: Arc::from(format!("{letter}.{}", name.name)),
                second,
                of,
            })
        };
        of("a", false).chain(of("b", true)).collect()
    }
}

impl Conflict {
    pub(super) fn condition(&self) -> &Expression {
        &self.when
    }

    /// Returns whether it holds. A field that one of the two lacks is neutral: a condition that cannot be evaluated
    /// because of it does not hold. One that cannot be evaluated for another reason holds, to be safe.
    pub(super) fn holds(
        &self,
        names: &[SuppliedName],
        a: &[Option<String>],
        b: &[Option<String>],
        scope: &mut Scope<'_>,
    ) -> bool {
        let mut lacks = false;
        for used in &self.uses {
            let value = names[used.of].value(if used.second { b } else { a });
            lacks |= value.is_none();
            scope.supply(&used.name, value);
        }
        self.when.truth(&Document::default(), scope).unwrap_or(!lacks)
    }
}

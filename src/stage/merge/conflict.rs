//! Conditions on two members that speak against merging them.

use std::sync::Arc;

use super::draft::Name;
use super::{Merge, SuppliedName};
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
    fn holds(
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

impl Merge {
    /// Returns whether there are conflicts.
    pub(crate) fn has_conflicts(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// Returns what the conflicts say about two members, by the texts of their fields: the strictest of those that hold.
    /// It does not matter which member is which.
    pub(crate) fn conflict(
        &self,
        a: &[Option<String>],
        b: &[Option<String>],
        scope: &mut Scope<'_>,
    ) -> Option<Then> {
        let holding = self.conflicts.iter().filter(|conflict| {
            conflict.holds(&self.names, a, b, scope) || conflict.holds(&self.names, b, a, scope)
        });
        holding
            .map(|conflict| conflict.then)
            .min_by_key(|then| *then != Then::Never)
    }

    /// Returns the names of the conflicts that hold for two members.
    pub(crate) fn conflicts_of(
        &self,
        a: &[Option<String>],
        b: &[Option<String>],
        scope: &mut Scope<'_>,
    ) -> Vec<&str> {
        let holding = self.conflicts.iter().filter(|conflict| {
            conflict.holds(&self.names, a, b, scope) || conflict.holds(&self.names, b, a, scope)
        });
        holding.map(|conflict| conflict.name.as_str()).collect()
    }
}

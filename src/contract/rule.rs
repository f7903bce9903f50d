//! A rule of a contract: an expression that must be true.

use super::mode::Mode;
use crate::expression::{Expression, Scope};
use crate::record::Document;
use crate::refusal::{Refusal, Violation};

/// `[[contract.rule]]`: a condition that JSON Schema cannot express, for example that parts add up to a total.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The name, which states what must be true: "the total is explained".
    pub name: String,
    /// The condition.
    pub expect: Expression,
    /// What happens to a record that violates it.
    pub mode: Mode,
}

impl Rule {
    /// Returns the violation, where the record violates the rule: `contract.rule` where the condition is false, the
    /// expression's own code and place where it cannot be evaluated or is not a condition.
    pub fn check(&self, document: &Document, scope: &mut Scope<'_>) -> Option<Violation> {
        let violation = match self.expect.truth(document, scope) {
            Ok(true) => return None,
            Ok(false) => Violation::new("contract.rule", "").expected(self.expect.source()),
            Err(refusal) => first(refusal),
        };
        Some(violation.rule(&*self.name))
    }
}

/// Returns the violation of a refused expression; an expression refuses with exactly one.
pub(super) fn first(refusal: Refusal) -> Violation {
    let code = refusal.code.clone();
    refusal
        .violations
        .into_iter()
        .next()
        .unwrap_or_else(|| Violation::new(code, ""))
}

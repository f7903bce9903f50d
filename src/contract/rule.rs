//! A rule of a contract: an expression that must be true.

use super::mode::Mode;
use crate::expression::{Expression, Scope};
use crate::record::Document;
use crate::refusal::{Refusal, Violation};

/// `[[contract.rule]]`: what JSON Schema cannot say, for example that parts add up to a total.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The name, which says what holds: "the total is explained".
    pub name: String,
    /// The condition.
    pub expect: Expression,
    /// What happens to a record that breaks it.
    pub mode: Mode,
}

impl Rule {
    /// The violation, where the rule does not hold: `contract.rule` where the condition is false, the expression's
    /// own code and place where it cannot be evaluated or is no condition.
    pub fn check(&self, document: &Document, scope: &mut Scope<'_>) -> Option<Violation> {
        let violation = match self.expect.truth(document, scope) {
            Ok(true) => return None,
            Ok(false) => Violation::new("contract.rule", "").expected(self.expect.source()),
            Err(refusal) => first(refusal),
        };
        Some(violation.rule(&*self.name))
    }
}

/// What an expression refused with; it refuses with one violation.
pub(super) fn first(refusal: Refusal) -> Violation {
    let code = refusal.code.clone();
    refusal
        .violations
        .into_iter()
        .next()
        .unwrap_or_else(|| Violation::new(code, ""))
}

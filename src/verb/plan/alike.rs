//! What refusals have in common.

use crate::record::{HasName as _, parts_of};
use crate::refusal::Refusal;

/// The single place at which records are refused, and the rule that refuses them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alike {
    /// Place in the record, as a JSON Pointer.
    pub pointer: String,
    /// The rule, or its place in the stage file.
    pub rule: String,
    /// Names that a refused record has there, as far as they may be shown.
    pub names: Vec<String>,
}

impl Alike {
    /// Returns the place and the rule of a refusal; `None` when it has several, concerns the record as a whole, has no
    /// rule, or when the record only waits for a row of another database.
    #[must_use]
    pub fn from_reason(reason: &Refusal) -> Option<Self> {
        let [only] = &reason.violations[..] else {
            return None;
        };
        let is_wrong = !only.pointer.is_empty() && !reason.waits();
        let rule = only.rule.clone().filter(|_| is_wrong)?;
        Some(Self {
            pointer: only.pointer.clone(),
            rule,
            names: Vec::new(),
        })
    }

    /// Returns whether both have the same place and the same rule.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        (&self.pointer, &self.rule) == (&other.pointer, &other.rule)
    }

    /// Returns the last name of the pointer.
    #[must_use]
    pub fn name(&self) -> String {
        let last = self.pointer.rsplit('/').next().unwrap_or_default();
        unescaped(last)
    }

    /// Returns the names that a record has in the object where the pointer's last name would be.
    #[must_use]
    pub fn names_in(&self, data: &str) -> Vec<String> {
        let steps = self.pointer.split('/').skip(1);
        let mut steps: Vec<String> = steps.map(unescaped).collect();
        steps.pop();
        let mut object = data;
        for step in steps {
            let field =
                parts_of(object).and_then(|fields| fields.into_iter().find(|field| field.name() == step));
            let Some(field) = field else {
                return Vec::new();
            };
            object = field.value;
        }
        let fields = parts_of(object).unwrap_or_default();
        fields.iter().map(|field| field.name().into_owned()).collect()
    }
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

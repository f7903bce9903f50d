//! What refusals have in common.

use crate::record::{HasName as _, parts_of};
use crate::refusal::Refusal;

/// The one place at which records are refused, and the rule that refuses them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alike {
    /// The place in the record, as a JSON Pointer.
    pub pointer: String,
    /// The rule, or the place in the stage file.
    pub rule: String,
    /// The names that a refused record has there, as far as they may be told.
    pub names: Vec<String>,
}

impl Alike {
    /// Of a refusal; `None` where it is of several things, of the record as a whole, or of no rule.
    #[must_use]
    pub fn from_reason(reason: &Refusal) -> Option<Self> {
        let [only] = &reason.violations[..] else {
            return None;
        };
        let rule = only.rule.clone().filter(|_| !only.pointer.is_empty())?;
        Some(Self {
            pointer: only.pointer.clone(),
            rule,
            names: Vec::new(),
        })
    }

    /// Whether both are of one place and one rule.
    #[must_use]
    pub fn is_at(&self, other: &Self) -> bool {
        (&self.pointer, &self.rule) == (&other.pointer, &other.rule)
    }

    /// The name that the pointer ends with.
    #[must_use]
    pub fn name(&self) -> String {
        let last = self.pointer.rsplit('/').next().unwrap_or_default();
        unescaped(last)
    }

    /// The names that a record has in the object in which the pointer's last name would be.
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

//! Contracts: what a record must satisfy before and after a stage, and a database at any time.
//!
//! A [`Contract`] is a [`Schema`] (JSON Schema 2020-12, from a file or from the [builder](Schema::record)), [`Rule`]s,
//! which are expressions for what a schema cannot say, and rules over more than one record: [`Unique`] and
//! [`References`]. They only look: they change nothing, and what they report
//! ([`Violation`]) names places and expectations, never a value of the record.

mod borrowed;
mod budget;
mod builder;
mod check;
mod keywords;
mod mode;
mod number;
mod patterns;
mod rule;
mod rule_keys;
mod schema;
mod set_rules;
mod tree;
mod vocabulary;
mod wording;

#[cfg(test)]
mod tests;

pub use builder::SchemaBuilder;
pub use check::{Check, Checks};
pub use mode::Mode;
pub(crate) use number::Exact;
pub use rule::Rule;
pub(crate) use rule_keys::RuleKeys;
pub use schema::Schema;
pub(crate) use set_rules::key_text;
pub use set_rules::{Reads, References, Unique};

use crate::expression::Scope;
use crate::record::Document;
use crate::refusal::Violation;

/// One thing that is wrong with a record by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// What is wrong.
    pub violation: Violation,
    /// What is to happen to the record.
    pub mode: Mode,
    /// Whether the schema says so, and not a rule.
    pub of_schema: bool,
}

/// What the records of a database must satisfy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Contract {
    /// What each record looks like.
    pub schema: Option<Schema>,
    /// What holds in each record.
    pub rules: Vec<Rule>,
    /// What is unique among them.
    pub unique: Vec<Unique>,
    /// What they refer to.
    pub references: Vec<References>,
    /// What happens to a record that the schema does not allow.
    pub mode: Mode,
}

impl Contract {
    /// Nothing that could be broken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schema.is_none() && self.rules.is_empty() && !self.is_cross_record()
    }

    /// Whether a record alone does not tell.
    #[must_use]
    pub fn is_cross_record(&self) -> bool {
        !self.unique.is_empty() || !self.references.is_empty()
    }

    /// Takes a schema in, with what it demands of whole databases.
    pub fn set_schema(&mut self, schema: Schema) {
        let mode = self.mode;
        self.unique
            .extend(schema.unique().into_iter().map(|rule| Unique { mode, ..rule }));
        let references = schema.references().into_iter();
        self.references
            .extend(references.map(|rule| References { mode, ..rule }));
        self.schema = Some(schema);
    }

    /// Everything that is wrong with one record by itself. Where the schema is violated, a rule that cannot be evaluated
    /// says nothing new and is left out.
    pub fn check(&self, document: &Document, scope: &mut Scope<'_>) -> Vec<Broken> {
        let found = self
            .schema
            .as_ref()
            .map(|schema| schema.check(document))
            .unwrap_or_default();
        let by_schema = !found.is_empty();
        let broken = |violation| Broken {
            violation,
            mode: self.mode,
            of_schema: true,
        };
        let mut broken: Vec<Broken> = found.into_iter().map(broken).collect();
        for rule in &self.rules {
            let violation = rule.check(document, scope);
            let violation = violation.filter(|violation| !by_schema || violation.code == "contract.rule");
            broken.extend(violation.map(|violation| Broken {
                violation,
                mode: rule.mode,
                of_schema: false,
            }));
        }
        broken
    }
}

impl From<Schema> for Contract {
    fn from(schema: Schema) -> Self {
        let mut contract = Self::default();
        contract.set_schema(schema);
        contract
    }
}

//! Contracts: what a record must satisfy before and after a stage, and a database at any time.
//!
//! A [`Contract`] is a [`Schema`] (JSON Schema 2020-12, from a file or from the [builder](Schema::record)), [`Rule`]s,
//! which are expressions for what a schema cannot express, and rules over more than one record: [`Unique`] and
//! [`References`]. Contracts change nothing, and what they report ([`Violation`]) names places and expectations, never
//! a value of the record.

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

/// One violation of a contract by a single record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The violation.
    pub violation: Violation,
    /// What happens to the record.
    pub mode: Mode,
    /// Whether the schema was violated, rather than a rule.
    pub of_schema: bool,
}

/// What the records of a database must satisfy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Contract {
    /// The schema of each record.
    pub schema: Option<Schema>,
    /// The rules for each record.
    pub rules: Vec<Rule>,
    /// The values that must be unique among the records.
    pub unique: Vec<Unique>,
    /// The references that must exist.
    pub references: Vec<References>,
    /// What happens to a record that violates the schema.
    pub mode: Mode,
}

impl Contract {
    /// Returns whether the contract demands nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schema.is_none() && self.rules.is_empty() && !self.is_cross_record()
    }

    /// Returns whether the contract has rules over more than one record.
    #[must_use]
    pub fn is_cross_record(&self) -> bool {
        !self.unique.is_empty() || !self.references.is_empty()
    }

    /// Sets the schema, and adds its demands on whole databases.
    pub fn set_schema(&mut self, schema: Schema) {
        let mode = self.mode;
        self.unique
            .extend(schema.unique().into_iter().map(|rule| Unique { mode, ..rule }));
        let references = schema.references().into_iter();
        self.references
            .extend(references.map(|rule| References { mode, ..rule }));
        self.schema = Some(schema);
    }

    /// Returns all violations by a single record. Where the schema is violated, a rule that cannot be evaluated adds
    /// nothing new and is omitted.
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

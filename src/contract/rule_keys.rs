//! The keys and references of one record under the rules of a contract over more than one record.

use super::Contract;
use super::set_rules::{key_text, whole_key};
use crate::expression::Scope;
use crate::record::Document;
use crate::refusal::Violation;

/// The keys and references of one record under the rules over more than one, in the order of the contract.
#[derive(Debug)]
pub(crate) struct RuleKeys {
    /// The keys of the record that must be unique.
    pub(crate) unique: Vec<Result<Option<String>, Violation>>,
    /// The keys that the record refers to.
    pub(crate) refers: Vec<Result<Vec<String>, Violation>>,
    /// The key by which other records refer to this one, where the rule refers to its own database.
    pub(crate) is: Vec<Option<String>>,
}

impl RuleKeys {
    /// Computes the keys and references of a record of a database. Pure.
    pub(crate) fn new(
        contract: &Contract,
        database: &str,
        id: &str,
        document: &Document,
        scope: &mut Scope<'_>,
    ) -> Self {
        let mut unique = Vec::with_capacity(contract.unique.len());
        for rule in &contract.unique {
            let value = rule.key.value(document, scope);
            unique.push(value.map(|value| value.as_ref().and_then(whole_key)));
        }
        let (mut refers, mut is) = (Vec::new(), Vec::new());
        for rule in &contract.references {
            let value = rule.value.value(document, scope);
            refers.push(value.map(|value| rule.looked_up(value.as_ref())));
            is.push(match &rule.key {
                _ if rule.to != database => None,
                None => Some(id.to_owned()),
                Some(key) => key.value(document, scope).ok().flatten().as_ref().map(key_text),
            });
        }
        Self { unique, refers, is }
    }
}

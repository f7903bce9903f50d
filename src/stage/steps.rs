//! The compiled steps that a record goes through.

use super::closure::Closure;
use crate::contract::{Contract, Mode, Reads, Schema};
use crate::expression::{Expression, Preparation, Template};
use crate::op::Operation;
use crate::path::Path;
use crate::problem::Place;

/// The compiled steps that a record goes through.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) filter: Option<Expression>,
    pub(super) source_contract: Option<Schema>,
    pub(super) prepare: Option<Preparation>,
    pub(super) ops: Vec<Box<dyn Operation>>,
    /// Place of each op; empty for a stage built in Rust.
    pub(super) op_places: Vec<Place>,
    pub(super) closure: Option<Closure>,
    pub(super) into: Option<Template>,
    pub(super) id: Option<Expression>,
    /// What a record must satisfy after the stage.
    pub(super) contract: Contract,
    /// What happens to a record that already broke a contract before the stage.
    pub(super) preexisting: Mode,
}

impl Steps {
    /// Returns its expressions except those of `prepare`.
    pub(super) fn expressions(&self) -> Vec<&Expression> {
        let contract = &self.contract;
        let rules = contract.rules.iter().map(|rule| &rule.expect);
        let unique = contract.unique.iter().map(|rule| &rule.key);
        let references = contract.references.iter();
        let references = references.flat_map(|rule| rule.key.iter().chain([&rule.value]));
        let reads = unique.chain(references).filter_map(|reads| match reads {
            Reads::Field(_) => None,
            Reads::Expression(expression) => Some(expression),
        });
        let ops = self.ops.iter().flat_map(|op| op.expressions());
        let into = self.into.iter().flat_map(Template::expressions);
        (self.filter.iter().chain(ops).chain(into).chain(&self.id))
            .chain(rules)
            .chain(reads)
            .collect()
    }
}

/// Returns whether an operation writes a value to the path. An operation that moves a value lists the place that it
/// left among the written paths, too.
pub(super) fn leaves_value(op: &dyn Operation, path: &Path) -> bool {
    let writes = op.writes();
    writes.contains(path) && (writes.len() == 1 || !op.reads().contains(path))
}

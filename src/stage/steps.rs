//! The compiled steps that a record goes through.

use super::aggregate::Aggregate;
use super::closure::Closure;
use super::merge::Merge;
use crate::contract::{Contract, Mode, Reads, Schema};
use crate::expression::{Expression, Preparation, Template};
use crate::lookup::LookupQuery;
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
    /// What makes one record of several.
    pub(super) merge: Option<Merge>,
    /// What makes windows of readings.
    pub(super) aggregate: Option<Aggregate>,
    /// What a record must satisfy after the stage.
    pub(super) contract: Contract,
    /// What happens to a record that already broke a contract before the stage.
    pub(super) preexisting: Mode,
}

impl Steps {
    /// Returns its expressions except those of `prepare`.
    pub(super) fn expressions(&self) -> Vec<&Expression> {
        let ops = self.ops.iter().flat_map(|op| op.expressions());
        let into = self.into.iter().flat_map(Template::expressions);
        (self.filter.iter().chain(ops).chain(into).chain(&self.id))
            .chain(self.of_contract())
            .chain(self.merge.iter().flat_map(Merge::expressions))
            .chain(self.aggregate.iter().flat_map(Aggregate::expressions))
            .collect()
    }

    /// Returns the expressions of the contract after the stage.
    pub(super) fn of_contract(&self) -> Vec<&Expression> {
        let contract = &self.contract;
        let rules = contract.rules.iter().map(|rule| &rule.expect);
        let unique = contract.unique.iter().map(|rule| &rule.key);
        let references = contract.references.iter();
        let references = references.flat_map(|rule| rule.key.iter().chain([&rule.value]));
        let reads = unique.chain(references).filter_map(|reads| match reads {
            Reads::Field(_) => None,
            Reads::Expression(expression) => Some(expression),
        });
        rules.chain(reads).collect()
    }

    /// Returns what it looks up in other databases, in order, each once; not what only a contract would look up.
    pub(super) fn lookups(&self) -> Vec<LookupQuery> {
        let into = self.into.iter().flat_map(Template::expressions);
        let own = self.filter.iter().chain(into).chain(&self.id);
        let own = own.flat_map(Expression::lookups).cloned();
        let prepared = self.prepare.iter().flat_map(Preparation::lookups).cloned();
        let ops = self.ops.iter().flat_map(|op| op.lookups());
        let mut lookups: Vec<LookupQuery> = own.chain(prepared).chain(ops).collect();
        lookups.sort_unstable();
        lookups.dedup();
        lookups
    }
}

/// Returns whether an operation writes a value to the path. An operation that moves a value lists the place that it
/// left among the written paths, too.
pub(super) fn leaves_value(op: &dyn Operation, path: &Path) -> bool {
    let writes = op.writes();
    writes.contains(path) && (writes.len() == 1 || !op.reads().contains(path))
}

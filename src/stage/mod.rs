//! Stages: one versioned step of change, from a file or built in Rust.

use std::sync::Arc;

use crate::contract::{Contract, Mode, Reads, Schema};
use crate::digest::{Hash, sha256};
use crate::expression::{Expression, Preparation, Template};
use crate::language::Language;
use crate::op::Operation;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::record::Rounding;

mod applied;
mod build;
mod check;
mod check_members;
mod check_redaction;
mod check_texts;
mod closure;
mod contract;
mod derived;
mod diff;
mod example;
mod fields;
mod file;
mod in_place;
mod lineage;
mod meaning;
mod outcome;
mod parse;
mod parts;
mod schema;
pub(crate) mod section;
mod settings;
mod stages;
mod toml_json;
mod transform;

pub use build::StageBuilder;
pub use diff::diff;
pub use example::{ExampleResult, Verdict};
pub use file::{LONGEST_FILE, Lookup, read_file};
pub use lineage::{Lineage, Place as LineagePlace};
pub use outcome::{Outcome, Output};
pub use parse::file_name_parts;
pub use parts::{By, Example, Expected, Reconcile};
pub use schema::json_schema;
pub use settings::{MaxErrors, OnConflict, OnError, Stale};
pub use stages::Stages;

use closure::Closure;
pub(crate) use meaning::is_same as is_same_meaning;
use settings::StageSettings;

/// One versioned step of change. Its identity is (project name, number).
#[derive(Debug)]
pub struct Stage {
    number: u32,
    slug: String,
    /// The file, for places.
    file: Arc<str>,
    settings: StageSettings,
    steps: Steps,
    reconciles: Vec<Reconcile>,
    examples: Vec<Example>,
    source_text: String,
    text_sha256: Hash,
    meaning: String,
    meaning_sha256: Hash,
}

/// What a record goes through, compiled.
#[derive(Debug, Default)]
struct Steps {
    filter: Option<Expression>,
    source_contract: Option<Schema>,
    prepare: Option<Preparation>,
    ops: Vec<Box<dyn Operation>>,
    /// Where each op stands; empty for a stage built in Rust.
    op_places: Vec<Place>,
    closure: Option<Closure>,
    into: Option<Template>,
    id: Option<Expression>,
    /// What a record must satisfy after the stage.
    contract: Contract,
    /// What happens to a record that broke a contract already before the stage.
    preexisting: Mode,
}

impl Steps {
    /// Its expressions, those of `prepare` left out.
    fn expressions(&self) -> Vec<&Expression> {
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

impl Stage {
    /// A stage built in Rust.
    #[expect(
        clippy::new_ret_no_self,
        reason = "`Stage::new(..)...build()` reads as the stage it makes"
    )]
    pub fn new(number: u32, slug: &str) -> StageBuilder {
        StageBuilder::new(number, slug)
    }

    /// A stage from the text of its file, `NNNN_slug.toml`.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(file_name: &str, text: &str, lookup: &Lookup) -> Result<Self, Vec<Problem>> {
        parse::parse(file_name, text, lookup, Language::default())
    }

    /// The number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The name behind the number.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// What it does, in words; may be empty.
    pub fn description(&self) -> &str {
        &self.settings.description
    }

    /// The database that it reads.
    pub fn source(&self) -> &str {
        &self.settings.source
    }

    /// The database that it writes: the source when it works in place.
    pub fn target(&self) -> &str {
        self.settings.target.as_deref().unwrap_or(&self.settings.source)
    }

    /// Whether it changes its source database instead of filling another one.
    pub fn in_place(&self) -> bool {
        self.settings.target.is_none()
    }

    /// Whether what it does depends on what a database holds: it reads, writes or refers to it.
    pub fn depends_on(&self, database: &str) -> bool {
        let refers = self.contract().references.iter().any(|rule| rule.to == database);
        self.source() == database || self.target() == database || refers
    }

    /// Whether every target id is its source's id, so that target ids are known to be unique.
    pub fn takes_over_ids(&self) -> bool {
        let changed_by_op = self.steps.ops.iter().any(|op| may_rekey(op.as_ref()));
        let closure_keeps = self
            .steps
            .closure
            .as_ref()
            .is_none_or(|closure| closure.keeps_ids);
        self.steps.id.is_none() && !changed_by_op && closure_keeps && !self.derives()
    }

    /// Whether a record may become several: whether [`Outcome::Derive`] may be given.
    pub fn derives(&self) -> bool {
        let derives = self.steps.ops.iter().any(|op| may_derive(op.as_ref()));
        let closure_may = self
            .steps
            .closure
            .as_ref()
            .is_some_and(|closure| !closure.keeps_ids);
        derives || closure_may
    }

    /// The file's text as read; for a stage built in Rust a rendering that is stable between builds.
    pub fn source_text(&self) -> &str {
        &self.source_text
    }

    /// The SHA-256 of [`Stage::source_text`].
    pub fn text_sha256(&self) -> Hash {
        self.text_sha256
    }

    /// Everything that decides what the stage does, defaults filled in and named files included, as JSON without
    /// whitespace, its names in a fixed order. Comments, the description and the examples are not part of it.
    pub fn meaning(&self) -> &str {
        &self.meaning
    }

    /// The SHA-256 of [`Stage::meaning`].
    pub fn meaning_sha256(&self) -> Hash {
        self.meaning_sha256
    }

    /// Whether it does the same as the stage of an applied meaning. The names of reconciliations may differ: they are for
    /// people.
    pub(crate) fn does_as(&self, meaning: &str) -> bool {
        meaning::is_same(&self.meaning, meaning)
    }

    /// The SHA-256 of the meaning without the names of reconciliations: the same for stages that do the same.
    pub(crate) fn deeds_sha256(&self) -> Hash {
        meaning::nameless(&self.meaning).map_or(self.meaning_sha256, |meaning| sha256(&[meaning.as_bytes()]))
    }

    /// Whether it needs a later language than the stage of an applied meaning was read in.
    pub(crate) fn needs_later_language(&self, meaning: &str) -> bool {
        let applied = meaning::language_of(meaning);
        applied.is_some_and(|applied| meaning::language_of(&self.meaning).is_some_and(|now| applied < now))
    }

    /// What happens when a record is refused.
    pub fn on_error(&self) -> OnError {
        self.settings.on_error
    }

    /// How many records may be refused before a pass stops.
    pub fn max_errors(&self) -> MaxErrors {
        self.settings.max_errors
    }

    /// What happens when a target id already exists.
    pub fn on_conflict(&self) -> OnConflict {
        self.settings.on_conflict
    }

    /// What becomes of the target's earlier version of a record when a correction of it is refused.
    pub fn stale(&self) -> Stale {
        self.settings.stale
    }

    /// The paths whose values appear in no output.
    pub fn redact(&self) -> &[Path] {
        &self.settings.redact
    }

    /// The declared rounding.
    pub fn rounding(&self) -> Option<Rounding> {
        self.settings.rounding
    }

    /// The operations, in order.
    pub fn ops(&self) -> &[Box<dyn Operation>] {
        &self.steps.ops
    }

    /// What a record must satisfy before the stage.
    pub fn source_contract(&self) -> Option<&Schema> {
        self.steps.source_contract.as_ref()
    }

    /// What a record, and the target with it, must satisfy after the stage.
    pub fn contract(&self) -> &Contract {
        &self.steps.contract
    }

    /// What both sides must agree on.
    pub fn reconciles(&self) -> &[Reconcile] {
        &self.reconciles
    }

    /// The examples of the file.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The file's name, `0001_orders.toml`; for a stage built in Rust its number and slug.
    pub fn file_name(&self) -> &str {
        &self.file
    }
}

/// Whether the operation may give a record another id. The transformation holds it to that.
fn may_rekey(op: &dyn Operation) -> bool {
    concerns_whole_record(op) && !matches!(op.name(), "filter" | "derive")
}

/// Whether the operation may make a record into several. The transformation holds it to that.
fn may_derive(op: &dyn Operation) -> bool {
    concerns_whole_record(op) && !matches!(op.name(), "filter" | "rekey")
}

/// What a function of the program does is not known: it may do anything.
fn concerns_whole_record(op: &dyn Operation) -> bool {
    op.concerns_whole_record() || op.name() == "rust"
}

#[cfg(test)]
mod tests;

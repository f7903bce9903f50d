//! Stages: one versioned step of change, from a file or built in Rust.

use std::sync::Arc;

use crate::contract::{Contract, Schema};
use crate::digest::{Hash, sha256};
use crate::op::Operation;
use crate::path::Path;
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
mod finish;
mod in_place;
mod kind;
mod lineage;
mod meaning;
mod outcome;
mod parse;
mod parts;
mod places;
mod redacted;
mod schema;
mod settings;
mod stages;
mod steps;
mod transform;

pub use build::StageBuilder;
pub use diff::diff;
pub use example::{ExampleResult, Verdict};
pub use file::{LONGEST_FILE, Lookup, read_file};
pub use kind::Cardinality;
pub use lineage::{Lineage, TargetField};
pub use outcome::{Outcome, Output};
pub use parse::file_name_parts;
pub use parts::{Example, Expected, GroupBy, Reconcile};
pub use schema::json_schema;
pub use settings::{MaxErrors, OnConflict, OnError, Stale};
pub use stages::Stages;

pub(crate) use meaning::is_same as is_same_meaning;
pub(crate) use redacted::redacted_by;
use settings::StageSettings;
use steps::Steps;

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

impl Stage {
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

    /// What to do when a record is refused.
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

    /// What to do with the earlier version of a record in the target when a correction of it is refused.
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

    /// What the source and the target must agree on.
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

#[cfg(test)]
mod tests;

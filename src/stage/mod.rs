//! Stages: versioned steps of change, from a file or built in Rust.

use std::sync::Arc;

use crate::contract::{Contract, Schema};
use crate::digest::{Hash, sha256};
use crate::lookup::LookupQuery;
use crate::op::Operation;
use crate::path::Path;
use crate::record::Rounding;

mod aggregate;
mod applied;
mod build;
mod check;
mod check_aggregate;
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
mod goldens;
mod in_place;
mod kind;
mod lineage;
mod lookups;
mod meaning;
mod member;
mod merge;
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
mod written;

pub use aggregate::{Aggregate, AggregateAnomaly, AggregateBuilder, AggregateMeasure, AggregateRolling};
pub use build::StageBuilder;
pub use diff::diff;
pub use example::{ExampleResult, Verdict};
pub use file::{LONGEST_FILE, Lookup, read_file};
pub use kind::Cardinality;
pub use lineage::{Lineage, TargetField};
pub use merge::{Merge, MergeBlock, MergeBuilder, MergeField, Survive};
pub use outcome::{Outcome, Output};
pub use parse::file_name_parts;
pub use parts::{Example, Expected, GroupBy, Reconcile};
pub use schema::json_schema;
pub use settings::{MaxErrors, OnConflict, OnError, Stale};
pub use stages::Stages;

pub(crate) use aggregate::{Charted, Late, Present, READINGS, Reading, SummedField, WindowRow};
pub(crate) use meaning::is_same as is_same_meaning;
pub(crate) use merge::{FieldOrigin, MemberFeatures, role_name};
pub(crate) use redacted::redacted_by;
use settings::StageSettings;
use steps::Steps;

/// A versioned step of change. Its identity is (project name, number).
#[derive(Debug)]
pub struct Stage {
    number: u32,
    slug: String,
    /// Name of the file, for places.
    file: Arc<str>,
    settings: StageSettings,
    steps: Steps,
    /// What the steps look up in other databases.
    lookups: Vec<LookupQuery>,
    reconciles: Vec<Reconcile>,
    examples: Vec<Example>,
    source_text: String,
    text_sha256: Hash,
    meaning: String,
    meaning_sha256: Hash,
}

impl Stage {
    /// Returns the number, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the slug, which is the name after the number.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Returns the description; may be empty.
    pub fn description(&self) -> &str {
        &self.settings.description
    }

    /// Returns the database that the stage reads.
    pub fn source(&self) -> &str {
        &self.settings.source
    }

    /// Returns the database that the stage writes, which is the source if it works in place.
    pub fn target(&self) -> &str {
        self.settings.target.as_deref().unwrap_or(&self.settings.source)
    }

    /// Returns whether the stage changes its source database instead of filling another one.
    pub fn in_place(&self) -> bool {
        self.settings.target.is_none()
    }

    /// Returns what the stage looks up in other databases, each question once.
    pub fn lookups(&self) -> &[LookupQuery] {
        &self.lookups
    }

    /// Returns whether the stage depends on a database: it reads, writes, refers to it or looks into it.
    pub fn depends_on(&self, database: &str) -> bool {
        let refers = self.contract().references.iter().any(|rule| rule.to == database);
        let looks = self.lookups.iter().any(|query| query.through == database);
        self.source() == database || self.target() == database || refers || looks
    }

    /// Returns the file's text as read; for a stage built in Rust, a rendering that is stable between builds.
    pub fn source_text(&self) -> &str {
        &self.source_text
    }

    /// Returns the SHA-256 of [`Stage::source_text`].
    pub fn text_sha256(&self) -> Hash {
        self.text_sha256
    }

    /// Returns everything that determines what the stage does, with defaults filled in and named files included, as
    /// JSON without whitespace, its names in a fixed order. Excludes comments, the description and the examples.
    pub fn meaning(&self) -> &str {
        &self.meaning
    }

    /// Returns the SHA-256 of [`Stage::meaning`].
    pub fn meaning_sha256(&self) -> Hash {
        self.meaning_sha256
    }

    /// Returns whether the stage does the same as the stage of an applied meaning. The names of reconciliations may
    /// differ: they are for people.
    pub(crate) fn does_as(&self, meaning: &str) -> bool {
        meaning::is_same(&self.meaning, meaning)
    }

    /// Returns the SHA-256 of the meaning without the names of reconciliations, which is equal for stages that do the
    /// same.
    pub(crate) fn deeds_sha256(&self) -> Hash {
        meaning::nameless(&self.meaning).map_or(self.meaning_sha256, |meaning| sha256(&[meaning.as_bytes()]))
    }

    /// Returns whether the stage needs a later language than the stage of an applied meaning was read in.
    pub(crate) fn needs_later_language(&self, meaning: &str) -> bool {
        let applied = meaning::language_of(meaning);
        applied.is_some_and(|applied| meaning::language_of(&self.meaning).is_some_and(|now| applied < now))
    }

    /// Returns what to do when a record is refused.
    pub fn on_error(&self) -> OnError {
        self.settings.on_error
    }

    /// Returns how many records may be refused before a pass stops.
    pub fn max_errors(&self) -> MaxErrors {
        self.settings.max_errors
    }

    /// Returns what happens when a target id already exists.
    pub fn on_conflict(&self) -> OnConflict {
        self.settings.on_conflict
    }

    /// Returns what to do with the earlier version of a record in the target when a correction of it is refused.
    pub fn stale(&self) -> Stale {
        self.settings.stale
    }

    /// Returns the paths whose values appear in no output.
    pub fn redact(&self) -> &[Path] {
        &self.settings.redact
    }

    /// Returns the declared rounding.
    pub fn rounding(&self) -> Option<Rounding> {
        self.settings.rounding
    }

    /// Returns the operations, in order.
    pub fn ops(&self) -> &[Box<dyn Operation>] {
        &self.steps.ops
    }

    /// Returns how the stage merges, if it does.
    pub fn merge(&self) -> Option<&Merge> {
        self.steps.merge.as_ref()
    }

    /// Returns how the stage aggregates, if it does.
    pub fn aggregate(&self) -> Option<&Aggregate> {
        self.steps.aggregate.as_ref()
    }

    /// Returns what a record must satisfy before the stage.
    pub fn source_contract(&self) -> Option<&Schema> {
        self.steps.source_contract.as_ref()
    }

    /// Returns what a record, and the target with it, must satisfy after the stage.
    pub fn contract(&self) -> &Contract {
        &self.steps.contract
    }

    /// Returns what the source and the target must agree on.
    pub fn reconciles(&self) -> &[Reconcile] {
        &self.reconciles
    }

    /// Returns the examples of the file.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Returns the file's name, `0001_orders.toml`; for a stage built in Rust, a name from its number and slug.
    pub fn file_name(&self) -> &str {
        &self.file
    }
}

#[cfg(test)]
mod tests;

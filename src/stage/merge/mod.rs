//! `[merge]`: several records that describe the same person, or the same thing, become one golden record.
//!
//! This part knows what a stage says about its merge: the fields that are compared, with every default, and what of a
//! record is compared. `matching/` decides which records are one.

use std::sync::Arc;

use crate::expression::Expression;
use crate::matching::Settings;
use crate::path::Path;

mod build;
mod compile;
mod compile_fields;
mod compile_keys;
mod conflict;
mod draft;
mod exclusions;
mod features;
mod kind;
mod meaning;
mod normal;
mod read;
mod read_tables;
mod survival;
mod words;

pub use build::{MergeBlock, MergeBuilder, MergeField};
pub use survival::Survive;

use conflict::Conflict;
use draft::Name;
pub(super) use exclusions::exclusions;
pub(crate) use features::MemberFeatures;
use kind::{Form, Row};
use normal::DatePart;
pub(super) use read::read;
pub(crate) use survival::{Survival, SurvivalRule};

/// How a stage merges: what it compares, and what a golden record has of its members.
#[derive(Debug)]
pub struct Merge {
    settings: Settings,
    /// In the order of the fields of the settings.
    fields: Vec<FieldValue>,
    /// The parts of blocking keys that the settings cannot compute themselves.
    computed: Vec<Expression>,
    conflicts: Vec<Conflict>,
    one_per: Option<Expression>,
    survival: Survival,
    /// The names that its expressions use, by field.
    names: Vec<SuppliedName>,
}

/// Where a field's value comes from, and how it is written.
#[derive(Debug)]
struct FieldValue {
    kind: Row,
    form: Form,
    from: From,
}

/// Where a field's value comes from.
#[derive(Debug)]
enum From {
    Path(Path),
    Expression(Expression),
    /// Every one of several fields, as one key.
    All(Vec<FieldValue>),
}

/// A name that expressions may use.
#[derive(Debug)]
struct SuppliedName {
    name: Name,
    field: usize,
    /// `None` for the whole value.
    part: Option<DatePart>,
}

impl Merge {
    /// Begins the merge of a stage that is built in Rust.
    #[expect(
        clippy::new_ret_no_self,
        reason = "`Merge::new()` begins the builder, as `Stage::new` does"
    )]
    pub fn new() -> MergeBuilder {
        MergeBuilder::default()
    }

    /// Returns what is compared, with every default filled in.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns how the fields of a golden record survive.
    pub(crate) fn survival(&self) -> &Survival {
        &self.survival
    }

    /// Returns the names of the compared fields, in the order of their scores.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.settings.fields.iter().map(|field| field.name.as_str())
    }

    /// Returns the paths of the source's records whose values decide which records are one, by field.
    pub(crate) fn reads_of(&self, field: usize) -> Vec<Path> {
        self.fields.get(field).map(FieldValue::reads).unwrap_or_default()
    }

    /// Returns the paths that decide which records are one, and which value survives.
    pub(crate) fn reads(&self) -> Vec<Path> {
        let fields = self.fields.iter().flat_map(FieldValue::reads);
        let mut reads: Vec<Path> = Vec::new();
        for path in fields.chain(self.expressions().into_iter().flat_map(Expression::reads)) {
            if !reads.contains(&path) {
                reads.push(path);
            }
        }
        reads
    }

    /// Returns every expression of it.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        let values = self.fields.iter().flat_map(FieldValue::expressions);
        let conflicts = self.conflicts.iter().map(Conflict::condition);
        let survival = self.survival.rules().filter_map(|rule| rule.of.as_ref());
        values
            .chain(&self.computed)
            .chain(conflicts)
            .chain(&self.one_per)
            .chain(survival)
            .collect()
    }
}

impl FieldValue {
    fn reads(&self) -> Vec<Path> {
        match &self.from {
            From::Path(path) => vec![path.clone()],
            From::Expression(expression) => expression.reads(),
            From::All(parts) => parts.iter().flat_map(Self::reads).collect(),
        }
    }

    fn expressions(&self) -> Vec<&Expression> {
        match &self.from {
            From::Path(_) => Vec::new(),
            From::Expression(expression) => vec![expression],
            From::All(parts) => parts.iter().flat_map(Self::expressions).collect(),
        }
    }
}

/// Returns the names of a list of fields, and of the parts of those that are dates.
fn supplied_names<'f>(fields: impl Iterator<Item = (&'f str, Form)>) -> Vec<SuppliedName> {
    let mut names = Vec::new();
    for (field, (name, form)) in fields.enumerate() {
        names.push(SuppliedName {
            name: Arc::from(name),
            field,
            part: None,
        });
        if form == Form::Date {
            names.extend(normal::DATE_PARTS.iter().map(|(word, part)| SuppliedName {
                name: Arc::from(format!("{name}.{word}")),
                field,
                part: Some(*part),
            }));
        }
    }
    names
}

impl SuppliedName {
    /// Returns the value of the name, from the values of the fields.
    fn value<'v>(&self, values: &'v [Option<String>]) -> Option<&'v str> {
        let value = values.get(self.field)?.as_deref()?;
        match self.part {
            None => Some(value),
            Some(part) => normal::part_of_date(value, part),
        }
    }
}

//! A compiled merge.

use super::conflict::Conflict;
use super::kind::{Form, Row};
use super::names::SuppliedName;
use super::survival::Survival;
use crate::expression::{Expression, Scope};
use crate::matching::{Learn, Settings, Then};
use crate::path::Path;
use crate::problem::Place;

/// How a stage merges: what it compares, and what a golden record has of its members.
#[derive(Debug)]
pub struct Merge {
    pub(super) settings: Settings,
    /// In the order of the fields of the settings.
    pub(super) fields: Vec<FieldValue>,
    /// The parts of blocking keys that the settings cannot compute themselves.
    pub(super) computed: Vec<Expression>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) one_per: Option<Expression>,
    pub(super) survival: Survival,
    /// The names that its expressions use, by field.
    pub(super) names: Vec<SuppliedName>,
}

/// Where a field's value comes from, and how it is written.
#[derive(Debug)]
pub(super) struct FieldValue {
    pub(super) kind: Row,
    pub(super) form: Form,
    pub(super) from: From,
    /// Where the file says it.
    pub(super) place: Option<Place>,
}

/// Where a field's value comes from.
#[derive(Debug)]
pub(super) enum From {
    Path(Path),
    Expression(Expression),
    /// Every one of several fields, as one key.
    All(Vec<FieldValue>),
}

impl Merge {
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

    /// Returns the fields by name, each with the path or the expression that it reads; `None` for `by`, which reads several.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.fields().zip(&self.fields).map(|(name, field)| {
            let from = match &field.from {
                From::Path(path) => Some(path.to_string()),
                From::Expression(expression) => Some(written(expression)),
                From::All(_) => None,
            };
            (name, from)
        })
    }

    /// Returns the parts of keys that are computed for each member.
    pub(crate) fn computed(&self) -> impl Iterator<Item = String> {
        self.computed.iter().map(written)
    }

    /// Returns the expression of `one_per`.
    pub(crate) fn one_per(&self) -> Option<String> {
        self.one_per.as_ref().map(written)
    }

    /// Returns the other paths that members should have, each with what reads it: a part of `by`, a rule in `survive`, or
    /// its expression `of`.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let parts = self.fields.iter().flat_map(|field| match &field.from {
            From::All(parts) => &parts[..],
            _ => &[],
        });
        let by = parts.filter_map(|part| match &part.from {
            From::Path(path) => Some(("by", path)),
            From::Expression(expression) => Some(("by", expression.as_path()?)),
            From::All(_) => None,
        });
        let survive = self.survival.fields.iter().map(|(path, _)| ("survive", path));
        let of = self.survival.rules().filter_map(|rule| rule.of.as_ref());
        by.chain(survive)
            .chain(of.filter_map(|of| Some(("of", of.as_path()?))))
    }

    /// Returns the only field, with its place in the file, if the stage learns a model and compares nothing else.
    pub(in crate::stage) fn lone_field(&self) -> Option<(&str, Option<Place>)> {
        match (&self.fields[..], &self.settings.learn) {
            ([field], Learn::Em) => Some((self.fields().next()?, field.place.clone())),
            _ => None,
        }
    }

    /// Returns the paths that each field reads, with its place in the file.
    pub(in crate::stage) fn reads_by_place(&self) -> impl Iterator<Item = (Vec<Path>, Option<Place>)> {
        let flat = self.fields.iter().flat_map(|field| match &field.from {
            From::All(parts) => parts.iter().collect(),
            _ => vec![field],
        });
        flat.map(|field| (field.reads(), field.place.clone()))
    }

    /// Returns the expressions that do not make the value of a field.
    pub(in crate::stage) fn deciding_expressions(&self) -> impl Iterator<Item = &Expression> {
        let survival = self.survival.rules().filter_map(|rule| rule.of.as_ref());
        self.computed.iter().chain(&self.one_per).chain(survival)
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

/// Returns an expression as a stage file writes it.
fn written(expression: &Expression) -> String {
    format!("= {}", expression.source())
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

impl Merge {
    /// Returns whether there are conflicts.
    pub(crate) fn has_conflicts(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// Returns what the conflicts say about two members, by the texts of their fields: the strictest of those that hold.
    /// It does not matter which member is which.
    pub(crate) fn conflict(
        &self,
        a: &[Option<String>],
        b: &[Option<String>],
        scope: &mut Scope<'_>,
    ) -> Option<Then> {
        let holding = self.holding_conflicts(a, b, scope).into_iter();
        holding
            .map(|(_, then)| then)
            .min_by_key(|then| *then != Then::Never)
    }
}

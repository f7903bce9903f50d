//! Where a value comes from, and how.

use std::collections::BTreeSet;
use std::collections::btree_set::{IntoIter, Iter};

use crate::path::Path;

/// A place in the source record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceField {
    /// The record as a whole: any of its fields.
    Record,
    /// The record's id, which is no field of it.
    Id,
    /// A field with everything below it; an element of a list stands for all of them.
    Field(Path),
}

impl SourceField {
    /// Whether it is the other one, or within it or around it.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Id, other) | (other, Self::Id) => *other == Self::Id,
            (Self::Record, _) | (_, Self::Record) => true,
            (Self::Field(one), Self::Field(other)) => one.covers(other) || other.covers(one),
        }
    }
}

/// How a value depends on its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// It is the same value.
    Identity,
    /// It is made of the source's value.
    Transformation,
    /// It is made of several values of the source, as a sum is.
    Aggregation,
    /// The source decides which value it is, or whether there is one.
    Conditional,
    /// The source decides whether the record, or the element, is there at all.
    Filter,
}

impl Dependence {
    /// Whether the source's value goes into the target's.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Identity | Self::Transformation | Self::Aggregation)
    }

    /// What becomes of it when something is made of the value.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Identity, _) | (Self::Transformation, Self::Aggregation) => next,
            _ => self,
        }
    }
}

/// One source of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Where in the source record.
    pub origin: SourceField,
    /// How the value depends on it.
    pub dependence: Dependence,
    /// Whether the value that was read can no longer be seen in what was made of it, as after `hash`.
    pub masked: bool,
}

/// Sources of a value, each once, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeSet<Source>);

impl Sources {
    /// None: a constant.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The value at one place, as it is.
    #[must_use]
    pub fn from_origin(origin: SourceField) -> Self {
        Self(BTreeSet::from([Source {
            origin,
            dependence: Dependence::Identity,
            masked: false,
        }]))
    }

    /// One.
    pub(crate) fn one(source: Source) -> Self {
        Self(BTreeSet::from([source]))
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// The sources of what is made of the value: by a transformation or an aggregation. What decided keeps deciding.
    #[must_use]
    pub fn made(self, how: Dependence) -> Self {
        self.each(|source| source.dependence = source.dependence.then(how))
    }

    /// The same, of which the value can no longer be seen.
    #[must_use]
    pub fn masked(self) -> Self {
        self.each(|source| source.masked |= source.dependence.is_direct())
    }

    /// The sources of what the value decides: [`Dependence::Conditional`] or [`Dependence::Filter`].
    #[must_use]
    pub fn deciding(self, how: Dependence) -> Self {
        self.each(|source| {
            source.dependence = how;
            source.masked = false;
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in order.
    pub fn iter(&self) -> Iter<'_, Source> {
        self.0.iter()
    }

    /// Whether one of these comes from the same place as one of those, or from within it or around it.
    pub(crate) fn meets(&self, others: &Self) -> bool {
        self.iter()
            .any(|source| others.iter().any(|other| other.origin.meets(&source.origin)))
    }

    fn each(self, change: impl Fn(&mut Source)) -> Self {
        let changed = self.0.into_iter().map(|mut source| {
            change(&mut source);
            source
        });
        Self(changed.collect())
    }
}

impl<'s> IntoIterator for &'s Sources {
    type Item = &'s Source;
    type IntoIter = Iter<'s, Source>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Sources {
    type Item = Source;
    type IntoIter = IntoIter<Source>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

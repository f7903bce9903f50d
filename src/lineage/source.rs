//! Where a value comes from, and how it depends on its source.

use std::collections::BTreeSet;
use std::collections::btree_set::{IntoIter, Iter};

use crate::path::Path;

/// A place in the source record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceField {
    /// The record as a whole: any of its fields.
    Record,
    /// The record's id, which is not a field of it.
    Id,
    /// A field with everything below it; one element of a list represents all of them.
    Field(Path),
}

impl SourceField {
    /// Whether it equals, contains or is contained in the other.
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
    /// The value is the source's value.
    Identity,
    /// The value is computed from the source's value.
    Transformation,
    /// The value is computed from several values of the source, as a sum is.
    Aggregation,
    /// The source decides which value it is, or whether there is a value.
    Conditional,
    /// The source decides whether the record or the element exists at all.
    Filter,
}

impl Dependence {
    /// Returns whether the source's value becomes part of the target's value.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Identity | Self::Transformation | Self::Aggregation)
    }

    /// Returns the dependence of a value that is computed from this value.
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
    /// The place in the source record.
    pub origin: SourceField,
    /// How the value depends on it.
    pub dependence: Dependence,
    /// Whether the source's value can no longer be recognised in the result, as after `hash`.
    pub masked: bool,
}

/// Sources of a value, each once, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeSet<Source>);

impl Sources {
    /// Returns no sources: a constant.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the value at one place, unchanged.
    #[must_use]
    pub fn from_origin(origin: SourceField) -> Self {
        Self(BTreeSet::from([Source {
            origin,
            dependence: Dependence::Identity,
            masked: false,
        }]))
    }

    /// Returns one source.
    pub(crate) fn one(source: Source) -> Self {
        Self(BTreeSet::from([source]))
    }

    /// Returns these sources and the others.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// Returns the sources of a value computed from this one, by a transformation or an aggregation. Deciding sources
    /// remain deciding.
    #[must_use]
    pub fn made(self, how: Dependence) -> Self {
        self.each(|source| source.dependence = source.dependence.then(how))
    }

    /// Returns the same sources, whose values can no longer be recognised.
    #[must_use]
    pub fn masked(self) -> Self {
        self.each(|source| source.masked |= source.dependence.is_direct())
    }

    /// Returns the sources of what the value decides: [`Dependence::Conditional`] or [`Dependence::Filter`].
    #[must_use]
    pub fn deciding(self, how: Dependence) -> Self {
        self.each(|source| {
            source.dependence = how;
            source.masked = false;
        })
    }

    /// Returns whether there is no source.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the sources in order.
    pub fn iter(&self) -> Iter<'_, Source> {
        self.0.iter()
    }

    /// Whether one of these sources equals, contains or is contained in one of the others.
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

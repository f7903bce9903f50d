//! Choosing among the values of records that become one, by a function of the program.

use std::fmt;

use crate::record::{Document, Value};

/// Chooses which value survives, provided by a program. Pure: the same values always give the same choice.
pub trait Survivor: fmt::Debug + Send + Sync {
    /// Returns the name, part of the stage's meaning.
    fn name(&self) -> &str;

    /// Returns the version, part of the stage's meaning: increase it whenever the choices change.
    fn version(&self) -> u32;

    /// Returns the position of the value that survives. There are at least two, in the order in which the members were
    /// loaded, none empty, not all the same. `None`, or a position beyond the last, refuses the cluster as
    /// `merge.differs`.
    fn choose(&self, values: &[MemberValue<'_>]) -> Option<usize>;
}

/// One member's value at a place of the golden record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MemberValue<'m> {
    /// The value.
    pub value: &'m Value,
    /// The whole member.
    pub member: &'m Document,
}

impl<'m> MemberValue<'m> {
    pub(crate) fn new(value: &'m Value, member: &'m Document) -> Self {
        Self { value, member }
    }
}

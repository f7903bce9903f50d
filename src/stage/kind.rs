//! The cardinality of stages: whether a record becomes one, or several, or several become one.

use super::Stage;
use super::steps::Steps;
use crate::op::Effects;

/// How many records of the target a stage may make of how many of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cardinality {
    /// One or none of each record.
    OneToOne,
    /// Any number of each record.
    OneToMany,
    /// One of several records.
    ManyToOne,
}

impl Cardinality {
    fn from_effects(effects: Effects) -> Self {
        if effects.derives {
            Self::OneToMany
        } else {
            Self::OneToOne
        }
    }
}

impl Steps {
    /// Returns what the steps may do to a record as a whole.
    fn effects(&self) -> Effects {
        let ops = self.ops.iter().map(|op| op.effects());
        let id = self.id.iter().map(|_| Effects::REKEYS);
        let closure = self.closure.iter().map(|closure| {
            if closure.keeps_ids {
                Effects::FILTERS
            } else {
                Effects::ANY
            }
        });
        ops.chain(id).chain(closure).fold(Effects::NONE, Effects::and)
    }
}

impl Stage {
    /// Returns how many records the stage may make of one.
    #[must_use]
    pub fn cardinality(&self) -> Cardinality {
        if self.steps.merge.is_some() || self.steps.aggregate.is_some() {
            return Cardinality::ManyToOne;
        }
        Cardinality::from_effects(self.steps.effects())
    }

    /// Returns whether a record may become several, that is, whether [`Outcome::Derive`](super::Outcome::Derive) may be
    /// returned.
    pub fn derives(&self) -> bool {
        self.cardinality() == Cardinality::OneToMany
    }

    /// Returns whether every target id is its source's id, so that target ids are known to be unique.
    pub fn takes_over_ids(&self) -> bool {
        !self.steps.effects().rekeys && self.cardinality() == Cardinality::OneToOne
    }

    /// Returns whether every row that the stage writes keeps the id with which its record began. That of a golden record
    /// stays whatever becomes of its members.
    pub(crate) fn keeps_first_ids(&self) -> bool {
        self.takes_over_ids() || self.cardinality() == Cardinality::ManyToOne
    }
}

//! What a stage makes of a record: one, or several.

use super::Stage;
use super::steps::Steps;
use crate::op::Effects;

/// How many records a stage may make of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cardinality {
    /// Of each record one, or none.
    OneToOne,
    /// Of each record any number of them.
    OneToMany,
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
    /// What they may do to a record as a whole.
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
    /// How many records it may make of one.
    #[must_use]
    pub fn cardinality(&self) -> Cardinality {
        Cardinality::from_effects(self.steps.effects())
    }

    /// Whether a record may become several: whether [`Outcome::Derive`](super::Outcome::Derive) may be given.
    pub fn derives(&self) -> bool {
        self.cardinality() == Cardinality::OneToMany
    }

    /// Whether every target id is its source's id, so that target ids are known to be unique.
    pub fn takes_over_ids(&self) -> bool {
        !self.steps.effects().rekeys && !self.derives()
    }
}

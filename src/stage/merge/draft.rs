//! A merge as it is written, in a stage file or by a program, before anything is compiled.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::kind::Row;
use super::survival::Survive;
use crate::matching::{Caution, Classes, Compare, Join, Role, Then};
use crate::problem::{Place, Problem};
pub(super) use crate::stage::written::Written;

/// A field.
#[derive(Clone, Debug)]
pub(super) struct DraftField {
    pub(super) name: Written,
    /// A path, or an expression with its sign.
    pub(super) value: Option<Written>,
    /// The role of the table that lists it.
    pub(super) listed: Option<Role>,
    pub(super) role: Option<Role>,
    pub(super) kind: Option<Row>,
    pub(super) compare: Option<Compare>,
    pub(super) levels: Option<Vec<Decimal>>,
    pub(super) swap: Option<Written>,
    pub(super) frequency: Option<bool>,
}

impl DraftField {
    pub(super) fn new(name: Written) -> Self {
        Self {
            name,
            value: None,
            listed: None,
            role: None,
            kind: None,
            compare: None,
            levels: None,
            swap: None,
            frequency: None,
        }
    }
}

/// A group of fields.
#[derive(Clone, Debug)]
pub(super) struct DraftGroup {
    pub(super) name: Written,
    /// The fields of each level, `~` before those for which similarity is enough.
    pub(super) levels: Vec<Vec<Written>>,
}

/// A blocking key.
#[derive(Clone, Debug)]
pub(super) struct DraftBlock {
    pub(super) key: Vec<Written>,
    pub(super) limit: Option<usize>,
    pub(super) refine: Vec<Written>,
    pub(super) place: Option<Place>,
}

/// A conflict.
#[derive(Clone, Debug)]
pub(super) struct DraftConflict {
    pub(super) name: Written,
    pub(super) when: Written,
    pub(super) then: Then,
}

/// The weights of a field or group, in bits.
#[derive(Clone, Debug)]
pub(super) struct DraftWeight {
    pub(super) of: Written,
    pub(super) bits: Vec<Decimal>,
}

/// How a field of the golden record survives.
#[derive(Clone, Debug)]
pub(super) struct DraftSurvival {
    /// `None` for the default.
    pub(super) path: Option<Written>,
    pub(super) rule: Survive,
    /// Place of the expression in the rule.
    pub(super) of: Option<Place>,
    pub(super) whole: bool,
}

/// Everything that a stage says about its merge.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// Place of the section.
    pub(super) place: Option<Place>,
    /// The fields that must all be equal, instead of a model.
    pub(super) by: Vec<DraftField>,
    pub(super) fields: Vec<DraftField>,
    /// `None`: by the kinds of the fields.
    pub(super) groups: Option<Vec<DraftGroup>>,
    pub(super) blocks: Vec<DraftBlock>,
    pub(super) conflicts: Vec<DraftConflict>,
    pub(super) weights: Vec<DraftWeight>,
    pub(super) survivals: Vec<DraftSurvival>,
    /// The field that says where each value comes from.
    pub(super) provenance: Option<Written>,
    /// Whether the weights are given; `None` if it is not said.
    pub(super) given: Option<bool>,
    pub(super) classes: Option<Classes>,
    pub(super) caution: Option<Caution>,
    pub(super) auto: Option<Decimal>,
    pub(super) review: Option<Decimal>,
    pub(super) prior: Option<Decimal>,
    pub(super) join: Option<Join>,
    pub(super) most: Option<usize>,
    pub(super) one_per: Option<Written>,
    pub(super) pairs: Option<u64>,
    pub(super) memory: Option<u64>,
    /// Places of keys, for problems that concern them.
    pub(super) places: Vec<(&'static str, Place)>,
    /// Problems of the builder's arguments.
    pub(super) problems: Vec<Problem>,
}

impl Draft {
    /// Returns the place of a key, or of the section.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        let known = self.places.iter().find(|(name, _)| *name == key);
        known
            .map(|(_, place)| place.clone())
            .or_else(|| self.place.clone())
    }

    /// Returns the field with this name, added if it is new.
    pub(super) fn field(&mut self, name: &str) -> Option<&mut DraftField> {
        self.fields.iter_mut().find(|field| field.name.text == name)
    }
}

/// A shared name of a compiled part.
pub(super) type Name = Arc<str>;

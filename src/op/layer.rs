//! What `wrap` and `unwrap` share: a list or an object of one, which the one puts around a value and the other takes
//! away.

use serde_json::json;

use super::given::{Given, PathText};
use super::walk::Walk;
use super::{Missing, Settings};
use crate::lineage::{Count, Flow, Shape};
use crate::path::{Path, Segment};
use crate::problem::Problem;

/// A list or an object of one around a value.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    op: &'static str,
    pub(super) path: Given<Path>,
    /// The name of the object's one field; `None` for a list.
    pub(super) key: Option<String>,
    pub(super) missing: Missing,
}

impl Layer {
    pub(super) fn new(op: &'static str, path: impl Into<PathText>, key: Option<&str>) -> Self {
        Self {
            op,
            path: Given::new(|| path.into().read()),
            key: key.map(str::to_owned),
            missing: Missing::Refuse,
        }
    }

    /// Reads the keys `path`, `key` and `missing`.
    pub(super) fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        let layer = Self::new(
            settings.manual().name,
            settings.path("path")?,
            settings.text("key"),
        );
        Ok(Self {
            missing: Missing::read(settings),
            ..layer
        })
    }

    /// The same layer for the operation that undoes this one.
    pub(super) fn back(&self, op: &'static str) -> Self {
        Self { op, ..self.clone() }
    }

    pub(super) fn walk(&self) -> Walk {
        Walk::shape(self.op, self.missing)
    }

    /// What is inside stays what it is.
    pub(super) fn lineage(&self, flow: &mut Flow, wraps: bool) {
        let Some(path) = self.path.known() else { return };
        let inside = flow.at(path);
        let value = match (wraps, &self.key) {
            (true, None) => Shape::list(inside, Count::default()),
            (true, Some(key)) => Shape::object(vec![(key.clone(), inside)]),
            (false, None) => inside.at(&[Segment::Each]),
            (false, Some(key)) => inside.at(&[Segment::Key(key.clone())]),
        };
        flow.put(path, value);
    }

    pub(super) fn meaning(&self) -> serde_json::Value {
        json!({
            "op": self.op,
            "path": self.path.text(|path| path),
            "key": self.key,
            "missing": self.missing.word(),
        })
    }
}

/// What an operation with a `layer` is besides its own work; another operation undoes it exactly.
macro_rules! layer_builders {
    ($operation:ident) => {
        fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
            let layer = Layer::read(settings)?;
            Ok(Box::new($operation { layer }))
        }

        impl $operation {
            /// The operation on a layer of the other one.
            pub(super) fn of(layer: &Layer) -> Self {
                let layer = layer.back(MANUAL.name);
                Self { layer }
            }

            /// Does nothing where there is nothing.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.layer.missing = Missing::Skip;
                self
            }
        }
    };
}
pub(super) use layer_builders;

/// The methods of an operation with a `layer`, which another operation undoes exactly.
macro_rules! layer_methods {
    ($back:ident) => {
        fn name(&self) -> &'static str {
            MANUAL.name
        }

        fn reads(&self) -> Vec<$crate::path::Path> {
            self.layer.path.paths(|path| [path])
        }

        fn writes(&self) -> Vec<$crate::path::Path> {
            self.layer.path.paths(|path| [path])
        }

        fn lineage(&self, flow: &mut $crate::lineage::Flow) {
            self.layer.lineage(flow, MANUAL.name == "wrap");
        }

        fn reversibility(&self) -> $crate::op::Reversibility {
            $crate::op::Reversibility::Exact
        }

        fn inverse(&self) -> Option<Box<dyn $crate::op::Operation>> {
            Some(Box::new($back::of(&self.layer)))
        }

        fn meaning(&self) -> serde_json::Value {
            self.layer.meaning()
        }

        fn problems(&self) -> Vec<$crate::problem::Problem> {
            self.layer.path.problems()
        }
    };
}
pub(super) use layer_methods;

//! A list or an object of one around a value, which one operation adds and another removes. Each undoes the other
//! exactly, so both are defined here.

use serde_json::json;

use super::checked::{Checked, PathText};
use super::missing::Missing;
use super::operation::{Effect, Operation, Reversibility};
use super::settings::Settings;
use super::trail::Trail;
use super::walk::Walk;
use crate::expression::Scope;
use crate::lineage::{Count, Flow, Shape};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::Refusal;

/// Whether a layer is added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    On,
    Off,
}

/// The names of the two operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OperationNames {
    /// Name of the operation that adds a layer.
    pub(crate) on: &'static str,
    /// Name of the operation that removes it.
    pub(crate) off: &'static str,
}

/// A list or an object of one around a value, to add or to remove.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    names: OperationNames,
    way: Way,
    path: Checked<Path>,
    /// Name of the object's single field; `None` for a list.
    key: Option<String>,
    missing: Missing,
}

impl Layer {
    /// Creates a layer to add.
    pub(crate) fn on(names: OperationNames, path: impl Into<PathText>, key: Option<&str>) -> Self {
        Self {
            names,
            way: Way::On,
            path: Checked::new(|| path.into().read()),
            key: key.map(str::to_owned),
            missing: Missing::Refuse,
        }
    }

    /// Creates a layer to remove.
    pub(crate) fn off(names: OperationNames, path: impl Into<PathText>, key: Option<&str>) -> Self {
        Self {
            way: Way::Off,
            ..Self::on(names, path, key)
        }
    }

    /// Reads the key `missing`.
    pub(crate) fn read(mut self, settings: &Settings<'_>) -> Self {
        self.missing = Missing::read(settings);
        self
    }

    pub(crate) fn skip_missing(&mut self) {
        self.missing = Missing::Skip;
    }

    fn put_on(&self, value: &mut Value) {
        let inner = std::mem::replace(value, Value::List(Vec::new()));
        *value = match &self.key {
            None => Value::List(vec![inner]),
            Some(key) => Value::Object(Object::from_iter([Field::new(key, inner)])),
        };
    }

    /// Returns the single value inside.
    fn inner(&self, walk: &Walk, value: &mut Value, trail: &Trail<'_>) -> Result<Value, Refusal> {
        let one = || walk.refusal("length", trail);
        if let Some(key) = &self.key {
            let Some(object) = value.as_object_mut() else {
                return Err(walk.refusal("not_object", trail).expected("an object"));
            };
            if object.len() != 1 {
                return Err(one().expected("exactly one field"));
            }
            return object
                .remove(key)
                .ok_or_else(|| walk.refusal("missing", &trail.field(key)));
        }
        let Some(list) = value.as_list_mut() else {
            return Err(walk.refusal("not_list", trail).expected("a list"));
        };
        match (list.pop(), list.is_empty()) {
            (Some(inner), true) => Ok(inner),
            _ => Err(one().expected("exactly one element")),
        }
    }
}

impl Operation for Layer {
    fn name(&self) -> &'static str {
        match self.way {
            Way::On => self.names.on,
            Way::Off => self.names.off,
        }
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let path = self.path.get()?;
        let walk = Walk::shape(self.name(), self.missing);
        walk.values(document, path.segments(), &mut |value, trail| {
            match self.way {
                Way::On => self.put_on(value),
                Way::Off => *value = self.inner(&walk, value, trail)?,
            }
            Ok(true)
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.path.paths(|path| [path])
    }

    fn writes(&self) -> Vec<Path> {
        self.path.paths(|path| [path])
    }

    /// Notes that the value inside does not change.
    fn lineage(&self, flow: &mut Flow) {
        let Some(path) = self.path.known() else { return };
        let inside = flow.at(path);
        let value = match (self.way, &self.key) {
            (Way::On, None) => Shape::list(inside, Count::default()),
            (Way::On, Some(key)) => Shape::object(vec![(key.clone(), inside)]),
            (Way::Off, None) => inside.at(&[Segment::Each]),
            (Way::Off, Some(key)) => inside.at(&[Segment::Key(key.clone())]),
        };
        flow.put(path, value);
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Exact
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let way = match self.way {
            Way::On => Way::Off,
            Way::Off => Way::On,
        };
        Some(Box::new(Self { way, ..self.clone() }))
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": self.name(),
            "path": self.path.text(|path| path),
            "key": self.key,
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.path.problems()
    }
}

/// An operation that is nothing but its `layer`.
macro_rules! layer_operation {
    ($operation:ident) => {
        impl $operation {
            /// Does nothing when the value is missing.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.layer.skip_missing();
                self
            }
        }

        impl Operation for $operation {
            fn name(&self) -> &'static str {
                MANUAL.name
            }

            fn apply(
                &self,
                document: &mut $crate::record::Document,
                scope: &mut $crate::expression::Scope<'_>,
            ) -> Result<$crate::op::Effect, $crate::refusal::Refusal> {
                self.layer.apply(document, scope)
            }

            fn reads(&self) -> Vec<$crate::path::Path> {
                self.layer.reads()
            }

            fn writes(&self) -> Vec<$crate::path::Path> {
                self.layer.writes()
            }

            fn lineage(&self, flow: &mut $crate::lineage::Flow) {
                self.layer.lineage(flow);
            }

            fn reversibility(&self) -> $crate::op::Reversibility {
                self.layer.reversibility()
            }

            fn inverse(&self) -> Option<Box<dyn Operation>> {
                self.layer.inverse()
            }

            fn meaning(&self) -> serde_json::Value {
                self.layer.meaning()
            }

            fn problems(&self) -> Vec<$crate::problem::Problem> {
                self.layer.problems()
            }
        }
    };
}
pub(crate) use layer_operation;

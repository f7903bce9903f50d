//! `unwrap`: a value out of its list or object of one.

use super::layer::{Layer, layer_builders, layer_methods};
use super::walk::{Trail, Walk};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Settings, Wrap};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "unwrap",
    group: "shape",
    summary: "takes a value out of a list of exactly one element, or out of an object of exactly one field",
    keys: &[
        Key::required("path", Form::Path, "the list or the object"),
        Key::optional("key", Form::Text, "a list", "the name of the object's one field"),
        Missing::KEY,
    ],
    refusals: &[
        "unwrap.missing",
        "unwrap.not_list",
        "unwrap.not_object",
        "unwrap.length",
        "unwrap.blocked",
    ],
    undo: "exact: `wrap`",
    example: (
        r#"op = "unwrap"
path = "phone"
key = "home""#,
        r#"{"phone":{"home":"555-0123"}}"#,
        r#"{"phone":"555-0123"}"#,
    ),
    build,
};

/// Takes a value out of its list or object of one.
///
/// ```toml
/// op = "unwrap"
/// path = "phone"
/// key = "home"
/// ```
/// Turns `{"phone":{"home":"555-0123"}}` into `{"phone":"555-0123"}`.
#[derive(Clone, Debug)]
pub struct Unwrap {
    layer: Layer,
}

layer_builders!(Unwrap);

impl Unwrap {
    /// Takes the value out of a list: `[x]` becomes `x`. Refuses records where the list is missing or has not exactly
    /// one element.
    #[must_use]
    pub fn from_list(path: impl Into<PathText>) -> Self {
        Self {
            layer: Layer::new(MANUAL.name, path, None),
        }
    }

    /// Takes the value out of an object: `{"key": x}` becomes `x`. Refuses records where the object is missing or has
    /// not exactly this one field.
    #[must_use]
    pub fn from_object(path: impl Into<PathText>, key: &str) -> Self {
        Self {
            layer: Layer::new(MANUAL.name, path, Some(key)),
        }
    }

    /// The one value inside.
    fn inner(&self, walk: &Walk, value: &mut Value, trail: &Trail<'_>) -> Result<Value, Refusal> {
        let one = || walk.refusal("length", trail);
        if let Some(key) = &self.layer.key {
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

impl Operation for Unwrap {
    layer_methods!(Wrap);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let (path, walk) = (self.layer.path.get()?, self.layer.walk());
        walk.values(document, path.segments(), &mut |value, trail| {
            *value = self.inner(&walk, value, trail)?;
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{applied, refused};

    #[test]
    fn only_a_list_or_object_of_exactly_one_is_unwrapped() {
        let list = "op = 'unwrap'\npath = 'tags'";
        assert_eq!(applied(list, r#"{"tags":[1.0]}"#).unwrap(), r#"{"tags":1.0}"#);
        assert_eq!(refused(list, r#"{"tags":[]}"#), "unwrap.length /tags");
        assert_eq!(refused(list, r#"{"tags":[1,2]}"#), "unwrap.length /tags");
        assert_eq!(refused(list, r#"{"tags":1}"#), "unwrap.not_list /tags");
        let object = "op = 'unwrap'\npath = 'a[*]'\nkey = 'x'";
        assert_eq!(applied(object, r#"{"a":[{"x":1}]}"#).unwrap(), r#"{"a":[1]}"#);
        assert_eq!(refused(object, r#"{"a":[{"x":1,"y":2}]}"#), "unwrap.length /a/0");
        assert_eq!(refused(object, r#"{"a":[{"y":2}]}"#), "unwrap.missing /a/0/x");
        assert_eq!(refused(object, r#"{"a":[7]}"#), "unwrap.not_object /a/0");
    }
}

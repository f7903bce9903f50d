//! `wrap`: a value into a list or an object of its own.

use super::layer::{Layer, layer_builders, layer_methods};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Settings, Unwrap};
use crate::expression::Scope;
use crate::problem::Problem;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "wrap",
    group: "shape",
    summary: "puts a value into a list of one element, or into an object of one field",
    keys: &[
        Key::required("path", Form::Path, "the value"),
        Key::optional(
            "key",
            Form::Text,
            "a list",
            "the name of the one field of an object",
        ),
        Missing::KEY,
    ],
    refusals: &["wrap.missing", "wrap.blocked"],
    undo: "exact: `unwrap`",
    example: (
        r#"op = "wrap"
path = "phone"
key = "home""#,
        r#"{"phone":"555-0123"}"#,
        r#"{"phone":{"home":"555-0123"}}"#,
    ),
    build,
};

/// Puts a value into a list or an object of its own.
///
/// ```toml
/// op = "wrap"
/// path = "phone"
/// key = "home"
/// ```
/// Turns `{"phone":"555-0123"}` into `{"phone":{"home":"555-0123"}}`.
#[derive(Clone, Debug)]
pub struct Wrap {
    layer: Layer,
}

layer_builders!(Wrap);

impl Wrap {
    /// Puts the value into a list: `x` becomes `[x]`. Refuses records where it is missing.
    #[must_use]
    pub fn in_list(path: impl Into<PathText>) -> Self {
        Self {
            layer: Layer::new(MANUAL.name, path, None),
        }
    }

    /// Puts the value into an object: `x` becomes `{"key": x}`. Refuses records where it is missing.
    #[must_use]
    pub fn in_object(path: impl Into<PathText>, key: &str) -> Self {
        Self {
            layer: Layer::new(MANUAL.name, path, Some(key)),
        }
    }
}

impl Operation for Wrap {
    layer_methods!(Unwrap);

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let path = self.layer.path.get()?;
        self.layer
            .walk()
            .values(document, path.segments(), &mut |value, _| {
                let inner = std::mem::replace(value, Value::List(Vec::new()));
                *value = match &self.layer.key {
                    None => Value::List(vec![inner]),
                    Some(key) => Value::Object(Object::from_iter([Field::new(key, inner)])),
                };
                Ok(true)
            })
    }
}

#[cfg(test)]
mod tests {
    use crate::op::testing::{applied, refused};

    #[test]
    fn a_value_goes_into_a_list_or_an_object_of_its_own() {
        let list = "op = 'wrap'\npath = 'tags'";
        assert_eq!(
            applied(list, r#"{"tags":1.0,"z":0}"#).unwrap(),
            r#"{"tags":[1.0],"z":0}"#
        );
        let object = "op = 'wrap'\npath = 'items[*]'\nkey = 'code'";
        assert_eq!(
            applied(object, r#"{"items":["a",[1]]}"#).unwrap(),
            r#"{"items":[{"code":"a"},{"code":[1]}]}"#
        );
        assert_eq!(refused(list, "{}"), "wrap.missing /tags");
    }
}

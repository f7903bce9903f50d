//! `unwrap`: takes a value out of its list or object of one.

use super::kit::layer::{Layer, OperationNames, layer_operation};
use super::{Form, Key, Manual, Missing, Operation, PathText, Settings};
use crate::problem::Problem;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "unwrap",
    group: "shape",
    summary: "replaces a list of exactly one element, or an object of exactly one field, with that value",
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

/// The two operations that undo each other.
fn names() -> OperationNames {
    OperationNames {
        on: "wrap",
        off: MANUAL.name,
    }
}

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let layer = Layer::off(names(), settings.path("path")?, settings.text("key"));
    let layer = layer.read(settings);
    Ok(Box::new(Unwrap { layer }))
}

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

impl Unwrap {
    /// Takes the value out of a list: `[x]` becomes `x`. Refuses records in which the list is missing or has not
    /// exactly one element.
    #[must_use]
    pub fn from_list(path: impl Into<PathText>) -> Self {
        Self {
            layer: Layer::off(names(), path, None),
        }
    }

    /// Takes the value out of an object: `{"key": x}` becomes `x`. Refuses records in which the object is missing or
    /// has not exactly this one field.
    #[must_use]
    pub fn from_object(path: impl Into<PathText>, key: &str) -> Self {
        Self {
            layer: Layer::off(names(), path, Some(key)),
        }
    }
}

layer_operation!(Unwrap);

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, refused};

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

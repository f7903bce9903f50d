//! `wrap`: puts a value into a list or an object of one.

use super::kit::layer::{Layer, OperationNames, layer_operation};
use super::{Form, Key, Manual, Missing, Operation, PathText, Settings};
use crate::problem::Problem;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "wrap",
    group: "shape",
    summary: "wraps a value in a list of one element, or in an object of one field",
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

/// The two operations that undo each other.
fn names() -> OperationNames {
    OperationNames {
        on: MANUAL.name,
        off: "unwrap",
    }
}

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let layer = Layer::on(names(), settings.path("path")?, settings.text("key"));
    let layer = layer.read(settings);
    Ok(Box::new(Wrap { layer }))
}

/// Puts a value into a list or an object of one.
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

impl Wrap {
    /// Puts the value into a list: `x` becomes `[x]`. Refuses records in which it is missing.
    #[must_use]
    pub fn in_list(path: impl Into<PathText>) -> Self {
        Self {
            layer: Layer::on(names(), path, None),
        }
    }

    /// Puts the value into an object: `x` becomes `{"key": x}`. Refuses records in which it is missing.
    #[must_use]
    pub fn in_object(path: impl Into<PathText>, key: &str) -> Self {
        Self {
            layer: Layer::on(names(), path, Some(key)),
        }
    }
}

layer_operation!(Wrap);

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, refused};

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

//! `wrap`: a value into a list or an object of its own.

use serde_json::json;

use super::given::Given;
use super::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings, Unwrap};
use crate::expression::Scope;
use crate::path::Path;
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
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let path = settings.path("path")?;
    Ok(Box::new(Wrap {
        path: Given::new(|| Ok(path)),
        key: settings.text("key").map(str::to_owned),
        missing: Missing::read(settings),
    }))
}

/// Puts a value into a list or an object of its own.
#[derive(Clone, Debug)]
pub struct Wrap {
    pub(super) path: Given<Path>,
    pub(super) key: Option<String>,
    pub(super) missing: Missing,
}

impl Wrap {
    /// Puts the value into a list: `x` becomes `[x]`. Refuses records where it is missing.
    #[must_use]
    pub fn in_list(path: impl Into<PathText>) -> Self {
        Self {
            path: Given::new(|| path.into().read()),
            key: None,
            missing: Missing::Refuse,
        }
    }

    /// Puts the value into an object: `x` becomes `{"key": x}`. Refuses records where it is missing.
    #[must_use]
    pub fn in_object(path: impl Into<PathText>, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..Self::in_list(path)
        }
    }

    /// Does nothing where the value is missing.
    #[must_use]
    pub fn skip_missing(mut self) -> Self {
        self.missing = Missing::Skip;
        self
    }
}

impl Operation for Wrap {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let path = self.path.get()?;
        let walk = Walk {
            op: MANUAL.name,
            missing: self.missing,
        };
        walk.values(document, path.segments(), &mut |value, _| {
            let inner = std::mem::replace(value, Value::List(Vec::new()));
            *value = match &self.key {
                None => Value::List(vec![inner]),
                Some(key) => Value::Object(Object::from_iter([Field::new(key, inner)])),
            };
            Ok(true)
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.path.paths(|path| [path])
    }

    fn writes(&self) -> Vec<Path> {
        self.path.paths(|path| [path])
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Exact
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        Some(Box::new(Unwrap {
            path: self.path.clone(),
            key: self.key.clone(),
            missing: self.missing,
        }))
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "path": self.path.text(|path| path),
            "key": self.key,
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.path.problems()
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

//! `remove`: removes fields.

use serde_json::json;

use super::kit::checked::{Checked, FieldPath, whole};
use super::kit::missing::skip_missing_builder;
use super::kit::walk::{Walk, effect};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "remove",
    group: "shape",
    summary: "removes fields",
    keys: &[
        Key::optional("path", Form::Path, "the fields of `paths`", "one field"),
        Key::optional("paths", Form::Paths, "the field of `path`", "several fields"),
        Missing::KEY,
    ],
    refusals: &["remove.missing", "remove.blocked"],
    undo: "lossy: the values remain only in the image or the unchanged source",
    example: (
        r#"op = "remove"
paths = ["ssn", "items[*].cost"]
missing = "skip""#,
        r#"{"ssn":"1","items":[{"sku":"a","cost":2},{"sku":"b"}]}"#,
        r#"{"items":[{"sku":"a"},{"sku":"b"}]}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut paths = settings.paths("paths")?;
    paths.extend(settings.path_or_none("path")?);
    let mut remove = Remove::all(paths);
    remove.missing = Missing::read(settings);
    Ok(Box::new(remove))
}

/// Removes fields.
///
/// ```toml
/// op = "remove"
/// paths = ["ssn", "items[*].cost"]
/// missing = "skip"
/// ```
/// Turns `{"ssn":"1","items":[{"sku":"a","cost":2},{"sku":"b"}]}` into `{"items":[{"sku":"a"},{"sku":"b"}]}`.
#[derive(Clone, Debug)]
pub struct Remove {
    fields: Checked<Vec<FieldPath>>,
    missing: Missing,
}

impl Remove {
    /// Removes a field. Refuses records in which it is missing.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self::all([path])
    }

    /// Removes fields, at least one. Refuses records in which one is missing.
    #[must_use]
    pub fn all<P: Into<PathText>>(paths: impl IntoIterator<Item = P>) -> Self {
        let fields = Checked::new(|| {
            let fields = FieldPath::all(paths)?;
            if fields.is_empty() {
                let message = "`remove` needs `path` or `paths`";
                return Err(Problem::error("stage.missing_key", None, message));
            }
            Ok(fields)
        });
        Self {
            fields,
            missing: Missing::Refuse,
        }
    }

    fn listed(&self) -> Vec<Path> {
        whole(self.fields.known().into_iter().flatten())
    }
}

skip_missing_builder!(Remove, "Does nothing if a field is missing.");

impl Operation for Remove {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let walk = Walk::shape(MANUAL.name, self.missing);
        let mut changed = false;
        for field in self.fields.get()? {
            let done = walk.objects(document, field.parents(), &mut |object, trail| match object
                .remove(&field.name)
            {
                Some(_) => Ok(true),
                None => walk.nothing(&trail.field(&field.name)),
            })?;
            changed |= matches!(done, Effect::Changed);
        }
        Ok(effect(changed))
    }

    fn reads(&self) -> Vec<Path> {
        Vec::new()
    }

    fn writes(&self) -> Vec<Path> {
        self.listed()
    }

    fn lineage(&self, flow: &mut Flow) {
        self.listed().iter().for_each(|path| flow.remove(path));
    }

    fn takes_away(&self) -> Vec<Path> {
        self.listed()
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "paths": self.listed().iter().map(Path::to_string).collect::<Vec<_>>(),
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.fields.problems()
    }
}

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, problem, refused};

    #[test]
    fn removed_fields_are_gone_and_their_siblings_stay() {
        let toml = "op = 'remove'\npaths = ['a', 'items[*].x']";
        assert_eq!(
            applied(toml, r#"{"a":1,"b":2.0,"items":[{"x":1,"y":1e2},{"x":2}]}"#).unwrap(),
            r#"{"b":2.0,"items":[{"y":1e2},{}]}"#
        );
        assert_eq!(
            refused(toml, r#"{"a":1,"items":[{"y":1}]}"#),
            "remove.missing /items/0/x"
        );
        let skip = format!("{toml}\nmissing = 'skip'");
        assert_eq!(applied(&skip, r#"{"items":null}"#).unwrap(), r#"{"items":null}"#);
        assert_eq!(
            refused(toml, r#"{"a":1,"items":"none"}"#),
            "remove.blocked /items"
        );
        assert_eq!(
            applied(&skip, r#"{"items":"none"}"#).unwrap(),
            r#"{"items":"none"}"#
        );
    }

    #[test]
    fn remove_must_say_what_it_removes() {
        assert!(problem("op = 'remove'").starts_with("stage.missing_key t.toml:1:1"));
        assert!(problem("op = 'remove'\npath = 'items[*]'").starts_with("stage.not_a_field"));
    }
}

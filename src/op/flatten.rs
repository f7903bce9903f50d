//! `flatten`: lifts the fields of an object into its parent.

use serde_json::json;

use super::kit::checked::{Checked, FieldPath};
use super::kit::missing::skip_missing_builder;
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Names};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "flatten",
    group: "shape",
    summary: "moves the fields of an object into its parent, in the object's position",
    keys: &[
        Key::required("path", Form::Path, "the object"),
        Key::optional("prefix", Form::Text, "\"\"", "text before each moved name"),
        Missing::KEY,
    ],
    refusals: &[
        "flatten.missing",
        "flatten.not_object",
        "flatten.exists",
        "flatten.blocked",
    ],
    undo: "from the image: which fields belonged to the object is lost",
    example: (
        r#"op = "flatten"
path = "name"
prefix = "name_""#,
        r#"{"name":{"first":"Ada"},"id":7}"#,
        r#"{"name_first":"Ada","id":7}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut flatten =
        Flatten::new(settings.path("path")?).prefix(settings.text("prefix").unwrap_or_default());
    flatten.missing = Missing::read(settings);
    Ok(Box::new(flatten))
}

/// Lifts the fields of an object into its parent.
///
/// ```toml
/// op = "flatten"
/// path = "name"
/// prefix = "name_"
/// ```
/// Turns `{"name":{"first":"Ada"},"id":7}` into `{"name_first":"Ada","id":7}`.
#[derive(Clone, Debug)]
pub struct Flatten {
    field: Checked<FieldPath>,
    prefix: String,
    missing: Missing,
}

impl Flatten {
    /// Lifts the fields of the object at `path`. Refuses records in which it is missing, is not an object, or has a
    /// field whose name is taken.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self {
            field: Checked::new(|| FieldPath::read(path)),
            prefix: String::new(),
            missing: Missing::Refuse,
        }
    }

    /// Puts this before every lifted name.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }
}

skip_missing_builder!(Flatten, "Does nothing if the object is missing.");

impl Operation for Flatten {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let field = self.field.get()?;
        let walk = Walk::shape(MANUAL.name, self.missing);
        walk.objects(document, field.parents(), &mut |object, trail| {
            let here = trail.field(&field.name);
            let Some(at) = object.position(&field.name) else {
                return walk.nothing(&here);
            };
            let mut taken = object.fields_mut().remove(at);
            let Some(inner) = taken.value.as_object_mut() else {
                return Err(walk.refusal("not_object", &here).expected("an object"));
            };
            let mut lifted = std::mem::take(inner.fields_mut());
            let mut names = Names::from_fields(object.fields());
            for field in &mut lifted {
                if !self.prefix.is_empty() {
                    let name = format!("{}{}", self.prefix, field.name());
                    field.rename(&name);
                }
                if names.position(&field.name()).is_some() {
                    return Err(walk.exists(&trail.field(&field.name())));
                }
            }
            object.fields_mut().splice(at..at, lifted);
            Ok(true)
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.field.paths(|field| [&field.path])
    }

    /// Only the object: which fields it lifts is not known before the record is.
    fn writes(&self) -> Vec<Path> {
        self.field.paths(|field| [&field.path])
    }

    fn lineage(&self, flow: &mut Flow) {
        if let Some(field) = self.field.known() {
            flow.lift(&field.path, &self.prefix);
        }
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Image
    }

    fn makes_unknown_fields(&self) -> bool {
        true
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "path": self.field.text(|field| &field.path),
            "prefix": self.prefix,
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.field.problems()
    }
}

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, refused};

    #[test]
    fn lifted_fields_stand_where_their_object_stood() {
        let toml = "op = 'flatten'\npath = 'a.name'\nprefix = 'name_'";
        assert_eq!(
            applied(toml, r#"{"a":{"id":1,"name":{"first":"Ada","last":2.0},"z":0}}"#).unwrap(),
            r#"{"a":{"id":1,"name_first":"Ada","name_last":2.0,"z":0}}"#
        );
        assert_eq!(
            refused(toml, r#"{"a":{"name_x":1,"name":{"x":2}}}"#),
            "flatten.exists /a/name_x"
        );
        assert_eq!(
            refused(toml, r#"{"a":{"name":null}}"#),
            "flatten.not_object /a/name"
        );
        assert_eq!(refused(toml, r#"{"a":{}}"#), "flatten.missing /a/name");
    }

    #[test]
    fn an_object_may_have_a_field_of_its_own_name() {
        assert_eq!(
            applied("op = 'flatten'\npath = 'x'", r#"{"x":{"x":1,"y":2},"z":3}"#).unwrap(),
            r#"{"x":1,"y":2,"z":3}"#
        );
    }
}

//! `nest`: puts several fields into one new object.

use serde_json::json;

use super::kit::checked::{Checked, FieldPath, whole};
use super::kit::missing::skip_missing_builder;
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Flow, Shape};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "nest",
    group: "shape",
    summary: "moves fields of one object into a new object, in the position of the first, in the order listed",
    keys: &[
        Key::required("fields", Form::Paths, "the fields, all of the same object"),
        Key::required("into", Form::Path, "the new object, a field of that same object"),
        Missing::KEY,
    ],
    refusals: &["nest.missing", "nest.exists", "nest.blocked"],
    undo: "from the image: the old positions among the siblings are lost",
    example: (
        r#"op = "nest"
fields = ["first", "last"]
into = "name""#,
        r#"{"first":"Ada","id":7,"last":"Lovelace"}"#,
        r#"{"name":{"first":"Ada","last":"Lovelace"},"id":7}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut nest = Nest::new(settings.paths("fields")?, settings.path("into")?);
    nest.missing = Missing::read(settings);
    Ok(Box::new(nest))
}

/// Puts several fields into one new object.
///
/// ```toml
/// op = "nest"
/// fields = ["first", "last"]
/// into = "name"
/// ```
/// Turns `{"first":"Ada","id":7,"last":"Lovelace"}` into `{"name":{"first":"Ada","last":"Lovelace"},"id":7}`.
#[derive(Clone, Debug)]
pub struct Nest {
    plan: Checked<NestPlan>,
    missing: Missing,
}

/// The fields and their target.
#[derive(Clone, Debug)]
struct NestPlan {
    fields: Vec<FieldPath>,
    into: FieldPath,
}

impl Nest {
    /// Puts `fields` into the new object `into`, at the position of the first of them; all must be fields of the same
    /// object. Refuses records in which one is missing or `into` exists.
    #[must_use]
    pub fn new<P: Into<PathText>>(fields: impl IntoIterator<Item = P>, into: impl Into<PathText>) -> Self {
        let plan = Checked::new(|| {
            let fields = FieldPath::all(fields)?;
            let into = FieldPath::read(into)?;
            if fields.is_empty() {
                let message = "`nest` needs at least one field";
                return Err(Problem::error("stage.no_fields", None, message));
            }
            for (at, field) in fields.iter().enumerate() {
                if field.parents() != into.parents() {
                    let message = format!("`{}` and `{}` are not in the same object", field.path, into.path);
                    return Err(Problem::error("stage.other_parent", None, message).help("`move` it first"));
                }
                if fields[..at].iter().any(|before| before.name == field.name) {
                    let message = format!("`{}` is listed twice", field.path);
                    return Err(Problem::error("stage.same_path", None, message));
                }
            }
            Ok(NestPlan { fields, into })
        });
        Self {
            plan,
            missing: Missing::Refuse,
        }
    }

    fn listed(&self) -> Vec<Path> {
        whole(self.plan.known().into_iter().flat_map(|plan| &plan.fields))
    }
}

skip_missing_builder!(
    Nest,
    "Leaves out the fields that are missing; creates no object if all are."
);

impl Operation for Nest {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let NestPlan { fields, into } = self.plan.get()?;
        let walk = Walk::shape(MANUAL.name, self.missing);
        walk.objects(document, into.parents(), &mut |object, trail| {
            let first = fields
                .iter()
                .filter_map(|field| object.position(&field.name))
                .min();
            let mut nested = Object::new();
            for field in fields {
                match object.position(&field.name) {
                    Some(at) => {
                        let taken = object.fields_mut().remove(at);
                        nested.fields_mut().push(taken);
                    }
                    None => {
                        walk.nothing(&trail.field(&field.name))?;
                    }
                }
            }
            if object.position(&into.name).is_some() {
                return Err(walk.exists(&trail.field(&into.name)));
            }
            let Some(first) = first else { return Ok(false) };
            let field = Field::new(&into.name, Value::Object(nested));
            object.fields_mut().insert(first, field);
            Ok(true)
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.listed()
    }

    fn writes(&self) -> Vec<Path> {
        let mut paths = self.listed();
        paths.extend(self.plan.paths(|plan| [&plan.into.path]));
        paths
    }

    fn lineage(&self, flow: &mut Flow) {
        let Some(NestPlan { fields, into }) = self.plan.known() else {
            return;
        };
        let taken = fields
            .iter()
            .map(|field| (field.name.clone(), flow.at(&field.path)));
        let nested = Shape::object(taken.collect());
        for field in fields {
            flow.remove(&field.path);
        }
        match self.missing {
            Missing::Refuse => flow.put(&into.path, nested),
            Missing::Skip => flow.put_or_keep(&into.path, nested),
        }
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Image
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "fields": self.listed().iter().map(Path::to_string).collect::<Vec<_>>(),
            "into": self.plan.text(|plan| &plan.into.path),
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.plan.problems()
    }
}

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, problem, refused};

    #[test]
    fn nested_fields_stand_where_the_first_of_them_stood() {
        let toml = "op = 'nest'\nfields = ['last', 'first']\ninto = 'name'";
        assert_eq!(
            applied(toml, r#"{"id":1,"first":"Ada","x":1.0,"last":"L","z":0}"#).unwrap(),
            r#"{"id":1,"name":{"last":"L","first":"Ada"},"x":1.0,"z":0}"#
        );
        assert_eq!(refused(toml, r#"{"last":1}"#), "nest.missing /first");
        assert_eq!(
            refused(toml, r#"{"last":1,"first":1,"name":1}"#),
            "nest.exists /name"
        );
        let skip = format!("{toml}\nmissing = 'skip'");
        assert_eq!(
            applied(&skip, r#"{"a":0,"last":1}"#).unwrap(),
            r#"{"a":0,"name":{"last":1}}"#
        );
        assert_eq!(applied(&skip, r#"{"a":0}"#).unwrap(), r#"{"a":0}"#);
    }

    #[test]
    fn a_field_may_be_nested_under_its_own_name_and_inside_elements() {
        let toml = "op = 'nest'\nfields = ['items[*].price', 'items[*].tax']\ninto = 'items[*].price'";
        assert_eq!(
            applied(toml, r#"{"items":[{"price":1.10,"tax":0}]}"#).unwrap(),
            r#"{"items":[{"price":{"price":1.10,"tax":0}}]}"#
        );
        assert!(problem("op = 'nest'\nfields = ['a.b']\ninto = 'c'").starts_with("stage.other_parent"));
        assert!(problem("op = 'nest'\nfields = ['a', 'a']\ninto = 'c'").starts_with("stage.same_path"));
        assert!(problem("op = 'nest'\nfields = []\ninto = 'c'").starts_with("stage.no_fields"));
    }
}

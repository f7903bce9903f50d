//! `add`: a new field.

use serde_json::json;

use super::kit::checked::{Checked, ElementPath};
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Remove, Reversibility, Settings};
use crate::expression::{Evaluated, Expression, Scope, Template};
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::Document;
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "add",
    group: "shape",
    summary: "adds a new field at the end of its object",
    keys: &[
        Key::required(
            "path",
            Form::Path,
            "the new field; `[*]` adds it to every element",
        ),
        Key::required(
            "value",
            Form::Template,
            "its value, evaluated once per record; `omit` adds nothing",
        ),
    ],
    refusals: &["add.exists", "add.missing", "add.blocked"],
    undo: "exact: removes the field; from the image where parent objects may be created",
    example: (
        r#"op = "add"
path = "total"
value = "= doc.net + doc.tax""#,
        r#"{"net":10.00,"tax":0.83}"#,
        r#"{"net":10.00,"tax":0.83,"total":10.83}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let path = settings.path("path")?;
    let value = settings.required_template("value")?;
    Ok(Box::new(Add::new(path, value)))
}

/// Adds a field that does not exist yet.
///
/// ```toml
/// op = "add"
/// path = "total"
/// value = "= doc.net + doc.tax"
/// ```
/// Turns `{"net":10.00,"tax":0.83}` into `{"net":10.00,"tax":0.83,"total":10.83}`.
#[derive(Clone, Debug)]
pub struct Add {
    field: Checked<ElementPath>,
    value: Template,
}

impl Add {
    /// Adds `path` with this value. Refuses records in which it exists.
    #[must_use]
    pub fn new(path: impl Into<PathText>, value: Template) -> Self {
        Self {
            field: Checked::new(|| ElementPath::field(path)),
            value,
        }
    }
}

impl Operation for Add {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let field = self.field.get()?;
        let walk = Walk::shape(MANUAL.name, Missing::Refuse);
        let value = match self.value.value(document, scope)? {
            Evaluated::Value(value) => Some(value),
            Evaluated::Omit => None,
        };
        walk.objects(document, &field.elements, &mut |object, trail| {
            walk.free_target(object, &field.below, false, trail)?;
            match &value {
                Some(value) => walk.put(object, &field.below, value.clone(), trail),
                None => Ok(false),
            }
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.value.reads()
    }

    fn writes(&self) -> Vec<Path> {
        self.field.paths(|field| [&field.path])
    }

    fn lineage(&self, flow: &mut Flow) {
        let value = self.value.lineage(flow);
        self.writes()
            .iter()
            .for_each(|path| flow.put(path, value.clone()));
    }

    fn reversibility(&self) -> Reversibility {
        match self.field.known() {
            Some(field) if field.is_direct() => Reversibility::Exact,
            _ => Reversibility::Image,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let field = self.field.known().filter(|field| field.is_direct())?;
        // An expression may have left the field out; before the operation it was missing in any case.
        Some(Box::new(Remove::new(&field.path).skip_missing()))
    }

    fn expressions(&self) -> Vec<&Expression> {
        self.value.expressions()
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "path": self.field.text(|field| &field.path),
            "value": self.value.meaning(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        self.field.problems()
    }
}

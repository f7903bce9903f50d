//! `set`: writes a value, replacing any that exists.

use serde_json::json;

use super::kit::frame::{Frame, PATH};
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::{Evaluated, Expression, Scope, Template};
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `set`: writes a value whether or not one is there; it is the only operation whose purpose is to overwrite. Missing
/// objects along the path are created; an existing value keeps its position. `omit` leaves the record as it is.
///
/// ```toml
/// op = "set"
/// path = "status"
/// value = "pending"
/// ```
/// Turns `{"status":9,"id":7}` into `{"status":"pending","id":7}`.
#[derive(Clone, Debug)]
pub struct Set {
    frame: Frame,
    value: Template,
}

impl Set {
    /// Writes a fixed value.
    #[must_use]
    pub fn new(path: impl Into<PathText>, value: Value) -> Self {
        Self::computed(path, Template::Fixed(value))
    }

    /// Writes a value that may be computed, once per record.
    #[must_use]
    pub fn computed(path: impl Into<PathText>, value: Template) -> Self {
        let frame = Frame::new(MANUAL.name, path);
        Self { frame, value }
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let frame = Frame::read(settings)?;
        let value = settings.required_template("value")?;
        Ok(Box::new(Self { frame, value }))
    }
}

impl Operation for Set {
    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let Evaluated::Value(value) = self.value.value(document, scope)? else {
            return Ok(Effect::Unchanged);
        };
        self.frame.rewrite(self.frame.walk(), document, |old, _| {
            Ok((old != Some(&value)).then(|| value.clone()))
        })
    }

    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn reads(&self) -> Vec<Path> {
        self.value.reads()
    }

    fn writes(&self) -> Vec<Path> {
        self.frame.writes()
    }

    fn problems(&self) -> Vec<Problem> {
        self.frame.problems()
    }

    fn lineage(&self, flow: &mut Flow) {
        let value = self.value.lineage(flow);
        for path in self.frame.writes() {
            if self.value.may_omit() {
                flow.put_or_keep(&path, value.clone());
            } else {
                flow.put(&path, value.clone());
            }
        }
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn expressions(&self) -> Vec<&Expression> {
        self.value.expressions()
    }

    fn meaning(&self) -> serde_json::Value {
        json!({ "op": MANUAL.name, "path": self.frame.writes().first().map(Path::pointer), "value": self.value.meaning() })
    }
}

/// The reference entry of `set`.
pub(super) static MANUAL: Manual = Manual {
    name: "set",
    group: "value",
    summary: "writes a value, replacing any that exists",
    keys: &[
        Key {
            summary: "where to write the value",
            ..PATH
        },
        Key::required(
            "value",
            Form::Template,
            "the value; `omit` leaves the record unchanged",
        ),
    ],
    refusals: &["set.missing", "set.null", "set.type", "set.blocked"],
    undo: "lossy: the old value is lost",
    example: (
        r#"op = "set"
path = "status"
value = "pending""#,
        r#"{"status":9,"id":7}"#,
        r#"{"status":"pending","id":7}"#,
    ),
    build: Set::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn it_overwrites_in_place_and_adds_at_the_end() {
        let op = Set::new("a.x", Value::integer(1));
        assert_eq!(
            run(&op, r#"{"a":{"x":9,"y":6.00},"b":2}"#).unwrap(),
            r#"{"a":{"x":1,"y":6.00},"b":2}"#
        );
        assert_eq!(run(&op, r#"{"b":2}"#).unwrap(), r#"{"b":2,"a":{"x":1}}"#);
        assert_eq!(run(&op, r#"{"a":7}"#).unwrap_err(), "set.blocked at /a/x");
        let op = built(&MANUAL, "path = \"items[*].x\"\nvalue = \"new\"", None).unwrap();
        assert_eq!(
            run(op.as_ref(), r#"{"items":[{},{"x":1}]}"#).unwrap(),
            r#"{"items":[{"x":"new"},{"x":"new"}]}"#
        );
        assert_eq!(run(op.as_ref(), "{}").unwrap_err(), "set.missing at /items");
    }
}

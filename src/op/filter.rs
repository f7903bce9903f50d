//! `filter`: selects records, or elements of a list.

use std::borrow::Cow;

use serde_json::json;

use super::kit::checked::{Checked, list_path};
use super::kit::code::{code, is_code, reserved};
use super::kit::missing::skip_missing_builder;
use super::kit::trail::Trail;
use super::kit::walk::Walk;
use super::{Effect, Effects, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::{Expression, Scope};
use crate::lineage::{Dependence, Flow, Shape, Sources};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::{Refusal, is_reserved};

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "filter",
    group: "collection",
    summary: "keeps the elements of a list for which a condition is true; without `path`, the records",
    keys: &[
        Key::optional("path", Form::Path, "the record itself", "the list"),
        Key::required(
            "where",
            Form::Expression,
            "the condition; for a list, `doc` is the element, and `doc.value` an element that is not an object",
        ),
        Key::optional(
            "reason",
            Form::Text,
            "\"filter\"",
            "the code for a filtered record",
        ),
        Missing::KEY,
    ],
    refusals: &["filter.missing", "filter.not_list", "filter.blocked"],
    undo: "lossy with `path`: the elements remain only in the image or the unchanged source; exact without: it changes \
        no record",
    example: (
        r#"op = "filter"
path = "items"
where = "= doc.quantity > 0""#,
        r#"{"items":[{"quantity":1},{"quantity":0}]}"#,
        r#"{"items":[{"quantity":1}]}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let condition = settings.required_condition("where")?;
    let reason = match settings.item("reason") {
        Some(item) => code(settings, "reason", item)?,
        None => MANUAL.name.to_owned(),
    };
    let path = settings.path_or_none("path")?;
    if path.is_some() && settings.has("reason") {
        let message = "`reason` is for records, not for the elements of a list";
        return Err(Problem::error(
            "stage.useless_key",
            settings.place_of("reason"),
            message,
        ));
    }
    let list = path.map(|path| Checked::new(|| list_path(path)));
    Ok(Box::new(Filter {
        list,
        condition,
        reason,
        missing: Missing::read(settings),
    }))
}

/// Keeps records, or elements of a list, for which a condition holds.
///
/// ```toml
/// op = "filter"
/// path = "items"
/// where = "= doc.quantity > 0"
/// ```
/// Turns `{"items":[{"quantity":1},{"quantity":0}]}` into `{"items":[{"quantity":1}]}`.
#[derive(Clone, Debug)]
pub struct Filter {
    list: Option<Checked<Path>>,
    condition: Expression,
    reason: String,
    missing: Missing,
}

impl Filter {
    /// Leaves out records for which the condition does not hold, with the reason `filter`.
    #[must_use]
    pub fn records(condition: Expression) -> Self {
        Self {
            list: None,
            condition,
            reason: MANUAL.name.to_owned(),
            missing: Missing::Refuse,
        }
    }

    /// Removes the elements of a list for which the condition does not hold. `doc` is the element; `doc.value` is an
    /// element that is not an object. Refuses records in which the list is missing.
    #[must_use]
    pub fn elements(list: impl Into<PathText>, condition: Expression) -> Self {
        Self {
            list: Some(Checked::new(|| list_path(list))),
            ..Self::records(condition)
        }
    }

    /// Sets the code with which records are left out: lower-case words joined by points.
    #[must_use]
    pub fn reason(mut self, code: &str) -> Self {
        code.clone_into(&mut self.reason);
        self
    }

    fn holds(&self, element: &Value, scope: &mut Scope<'_>) -> Result<bool, Refusal> {
        match element.as_object() {
            Some(Cow::Borrowed(object)) => self.condition.truth(object, scope),
            Some(Cow::Owned(object)) => self.condition.truth(&object, scope),
            None => {
                let alone = Object::from_iter([Field::new("value", element.clone())]);
                self.condition.truth(&alone, scope)
            }
        }
    }

    /// Keeps the elements that satisfy `holds`; returns whether one was removed.
    pub(super) fn retain(
        list: &mut Vec<Value>,
        trail: &Trail<'_>,
        mut holds: impl FnMut(&Value) -> Result<bool, Refusal>,
    ) -> Result<bool, Refusal> {
        let before = list.len();
        for (index, element) in std::mem::take(list).into_iter().enumerate() {
            let kept = holds(&element).map_err(|refusal| Trail::Element(trail, index).locate(refusal))?;
            if kept {
                list.push(element);
            }
        }
        Ok(list.len() < before)
    }
}

skip_missing_builder!(Filter, "Does nothing if the list is missing.");

impl Operation for Filter {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let Some(list) = &self.list else {
            return Ok(if self.condition.truth(document, scope)? {
                Effect::Unchanged
            } else {
                Effect::Filtered(self.reason.clone())
            });
        };
        let walk = Walk::shape(MANUAL.name, self.missing);
        walk.values(document, list.get()?.segments(), &mut |value, trail| {
            let elements = walk.list(value, trail)?;
            Self::retain(elements, trail, |element| self.holds(element, scope))
        })
    }

    fn reads(&self) -> Vec<Path> {
        match &self.list {
            Some(list) => list.paths(|list| [list]),
            None => self.condition.reads(),
        }
    }

    fn writes(&self) -> Vec<Path> {
        let list = self.list.as_ref();
        list.map(|list| list.paths(|list| [list])).unwrap_or_default()
    }

    fn lineage(&self, flow: &mut Flow) {
        let Some(list) = &self.list else {
            let condition = self.condition.lineage(flow).sources();
            return flow.filter(condition);
        };
        let Some(list) = list.known() else { return };
        let mut condition = Sources::none();
        flow.each(list, |element| {
            // An element that is not an object is at `value`.
            let alone = element.document().clone();
            let value = alone.clone().or(Shape::object(vec![("value".to_owned(), alone)]));
            let mut seen = element.clone();
            seen.replace(value);
            condition = self.condition.lineage(&seen).sources();
        });
        flow.decide(list, &condition.deciding(Dependence::Filter));
    }

    fn reversibility(&self) -> Reversibility {
        match self.list {
            Some(_) => Reversibility::Lossy,
            None => Reversibility::Exact,
        }
    }

    /// A filter without `path` is its own inverse: it changed nothing, so a record that passed it passes again.
    fn inverse(&self) -> Option<Box<dyn Operation>> {
        self.list
            .is_none()
            .then(|| Box::new(self.clone()) as Box<dyn Operation>)
    }

    fn expressions(&self) -> Vec<&Expression> {
        vec![&self.condition]
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "path": self.list.as_ref().and_then(|list| list.text(|list| list)),
            "where": self.condition.source(),
            "reason": self.reason,
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.list.iter().flat_map(Checked::problems).collect();
        if is_reserved(&self.reason) {
            problems.push(Problem::error(
                "stage.reserved_code",
                None,
                reserved(&self.reason),
            ));
        }
        if !is_code(&self.reason) {
            let message = "`reason` is not a valid code";
            problems.push(
                Problem::error("stage.bad_code", None, message)
                    .help("write lower-case words joined by dots, for example `order.cancelled`"),
            );
        }
        problems
    }

    fn concerns_whole_record(&self) -> bool {
        self.list.is_none()
    }

    fn effects(&self) -> Effects {
        if self.list.is_none() {
            Effects::FILTERS
        } else {
            Effects::NONE
        }
    }
}

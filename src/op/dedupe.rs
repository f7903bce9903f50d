//! `dedupe`: keeps one of equal elements.

use std::collections::HashMap;

use serde_json::json;

use super::kit::checked::{Checked, list_path, single_path};
use super::kit::missing::skip_missing_builder;
use super::kit::trail::Trail;
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "dedupe",
    group: "collection",
    summary: "keeps one of several equal elements of a list; elements are equal if their JSON is, so 6.0 and 6.00 \
        differ",
    keys: &[
        Key::required("path", Form::Path, "the list"),
        Key::optional(
            "by",
            Form::Path,
            "the whole element",
            "what to compare, a path inside the element",
        ),
        Key::optional(
            "keep",
            Form::Choice(&["first", "last"]),
            "first",
            "which one to keep, in its position",
        ),
        Missing::KEY,
    ],
    refusals: &["dedupe.missing", "dedupe.not_list", "dedupe.blocked"],
    undo: "lossy: the elements remain only in the image or the unchanged source",
    example: (
        r#"op = "dedupe"
path = "items"
by = "sku""#,
        r#"{"items":[{"sku":"a"},{"sku":"b"},{"sku":"a"}]}"#,
        r#"{"items":[{"sku":"a"},{"sku":"b"}]}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut dedupe = Dedupe::new(settings.path("path")?);
    if let Some(by) = settings.path_or_none("by")? {
        dedupe = dedupe.by(by);
    }
    if settings.text("keep") == Some("last") {
        dedupe.keep = Keep::Last;
    }
    dedupe.missing = Missing::read(settings);
    Ok(Box::new(dedupe))
}

/// Which of several equal elements stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
}

/// Keeps one of the equal elements of a list.
///
/// ```toml
/// op = "dedupe"
/// path = "items"
/// by = "sku"
/// ```
/// Turns `{"items":[{"sku":"a"},{"sku":"b"},{"sku":"a"}]}` into `{"items":[{"sku":"a"},{"sku":"b"}]}`.
#[derive(Clone, Debug)]
pub struct Dedupe {
    list: Checked<Path>,
    by: Option<Checked<Path>>,
    keep: Keep,
    missing: Missing,
}

impl Dedupe {
    /// Keeps the first of the equal elements of a list. Refuses records in which the list is missing.
    #[must_use]
    pub fn new(list: impl Into<PathText>) -> Self {
        Self {
            list: Checked::new(|| list_path(list)),
            by: None,
            keep: Keep::First,
            missing: Missing::Refuse,
        }
    }

    /// Compares only the values at this path of the elements. Refuses records in which an element does not have it.
    #[must_use]
    pub fn by(mut self, path: impl Into<PathText>) -> Self {
        self.by = Some(Checked::new(|| single_path(path)));
        self
    }

    /// Sets which of the equal elements stays.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Returns the part of an element that is compared; `None` when it has none and that is allowed.
    fn compared(&self, walk: &Walk, element: &Value, trail: &Trail<'_>) -> Result<Option<String>, Refusal> {
        let Some(by) = &self.by else {
            return Ok(Some(written(element)));
        };
        let by = by.get()?;
        let found = element
            .as_object()
            .and_then(|object| object.at(by).map(|value| written(&value)));
        if found.is_none() {
            walk.nothing(&trail.below(by))?;
        }
        Ok(found)
    }

    /// Returns which elements stay.
    fn stay(&self, compared: &[Option<String>]) -> Vec<bool> {
        let mut chosen: HashMap<&str, usize> = HashMap::new();
        for (index, text) in compared.iter().enumerate() {
            let Some(text) = text else { continue };
            match self.keep {
                Keep::First => {
                    chosen.entry(text).or_insert(index);
                }
                Keep::Last => {
                    chosen.insert(text, index);
                }
            }
        }
        let stays = |(index, text): (usize, &Option<String>)| match text {
            Some(text) => chosen.get(text.as_str()) == Some(&index),
            None => true,
        };
        compared.iter().enumerate().map(stays).collect()
    }
}

/// Returns the text of a value, without needless escapes.
fn written(value: &Value) -> String {
    match value.as_text() {
        Some(text) => Value::text(&text).to_json(),
        None => value.to_json(),
    }
}

skip_missing_builder!(
    Dedupe,
    "Does nothing if the list is missing; keeps every element that has nothing to compare."
);

impl Operation for Dedupe {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let walk = Walk::shape(MANUAL.name, self.missing);
        walk.values(document, self.list.get()?.segments(), &mut |value, trail| {
            let elements = walk.list(value, trail)?;
            let compared = elements
                .iter()
                .enumerate()
                .map(|(index, element)| self.compared(&walk, element, &Trail::Element(trail, index)))
                .collect::<Result<Vec<_>, _>>()?;
            let (before, mut stays) = (elements.len(), self.stay(&compared).into_iter());
            elements.retain(|_| stays.next().unwrap_or(true));
            Ok(elements.len() < before)
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.list.paths(|list| [list])
    }

    fn writes(&self) -> Vec<Path> {
        self.list.paths(|list| [list])
    }

    fn lineage(&self, flow: &mut Flow) {
        let Some(list) = self.list.known() else { return };
        let mut element = flow.at(list).at(&[Segment::Each]);
        if let Some(by) = self.by.as_ref().and_then(Checked::known) {
            element = element.at(by.segments());
        }
        flow.decide(list, &element.sources().deciding(Dependence::Filter));
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn meaning(&self) -> serde_json::Value {
        json!({
            "op": MANUAL.name,
            "path": self.list.text(|list| list),
            "by": self.by.as_ref().and_then(|by| by.text(|by| by)),
            "keep": if self.keep == Keep::First { "first" } else { "last" },
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        let by = self.by.iter().flat_map(Checked::problems);
        self.list.problems().into_iter().chain(by).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::op::tests::{applied, refused};

    #[test]
    fn of_equal_elements_one_stays_where_it_stands() {
        let whole = "op = 'dedupe'\npath = 'tags'";
        assert_eq!(
            applied(
                whole,
                r#"{"tags":["a","\u0061",6.0,6.00,6.0,{"x":1},{"x":1},null,null]}"#
            )
            .unwrap(),
            r#"{"tags":["a",6.0,6.00,{"x":1},null]}"#
        );
        let by = "op = 'dedupe'\npath = 'items'\nby = 'p.id'\nkeep = 'last'";
        let json = r#"{"items":[{"p":{"id":1},"n":1},{"p":{"id":2}},{"p":{"id":1},"n":2}]}"#;
        assert_eq!(
            applied(by, json).unwrap(),
            r#"{"items":[{"p":{"id":2}},{"p":{"id":1},"n":2}]}"#
        );
    }

    #[test]
    fn an_element_without_the_compared_field_is_refused_or_kept() {
        let by = "op = 'dedupe'\npath = 'items'\nby = 'id'";
        let json = r#"{"items":[{"id":1},{},{},7]}"#;
        assert_eq!(refused(by, json), "dedupe.missing /items/1/id");
        assert_eq!(applied(&format!("{by}\nmissing = 'skip'"), json).unwrap(), json);
        assert_eq!(refused(by, r#"{"items":{}}"#), "dedupe.not_list /items");
    }
}

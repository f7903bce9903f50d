//! `derive`: makes several records out of one.

use serde_json::json;

use super::kit::checked::{Checked, FieldPath, single_path};
use super::kit::trail::Trail;
use super::kit::walk::Walk;
use super::{Effect, Effects, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::{Evaluated, Expression, Scope};
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::{Document, Field, Value};
use crate::refusal::Refusal;

/// Code with which a record with an empty list is left out.
const EMPTY: &str = "derive.empty";
/// Maximum number of kept fields, over all records that one becomes.
const MOST_KEPT: usize = 1_000_000;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "derive",
    group: "record",
    summary: "creates one record from each object of a list; a record with an empty list is filtered as `derive.empty`",
    keys: &[
        Key::optional(
            "path",
            Form::Path,
            "the objects of `records`",
            "the list of objects",
        ),
        Key::optional(
            "records",
            Form::Expression,
            "the objects of `path`",
            "an expression whose value is the list of objects",
        ),
        Key::optional(
            "keep",
            Form::Paths,
            "none",
            "fields of the record to copy to the front of each derived record",
        ),
    ],
    refusals: &[
        "derive.missing",
        "derive.not_list",
        "derive.not_object",
        "derive.exists",
        "derive.same_id",
        "derive.too_many",
        "derive.too_large",
    ],
    undo: "lossy: the rest of the record remains only in the image or the unchanged source",
    example: (
        r#"op = "derive"
path = "items"
keep = ["order"]"#,
        r#"{"order":7,"items":[{"sku":"a"},{"sku":"b"}]}"#,
        r#"{"order":7,"sku":"a"} {"order":7,"sku":"b"}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let derive = match (settings.path_or_none("path")?, settings.expression("records")?) {
        (Some(path), None) => Derive::from_list(path),
        (None, Some(records)) => Derive::from_expression(records),
        _ => {
            let message = "`derive` takes either `path` or `records`";
            return Err(Problem::error(
                "stage.missing_key",
                settings.place().clone(),
                message,
            ));
        }
    };
    Ok(Box::new(derive.keep(settings.paths("keep")?)))
}

/// Makes several records out of one.
///
/// ```toml
/// op = "derive"
/// path = "items"
/// keep = ["order"]
/// ```
/// Turns `{"order":7,"items":[{"sku":"a"},{"sku":"b"}]}` into `{"order":7,"sku":"a"} {"order":7,"sku":"b"}`.
#[derive(Clone, Debug)]
pub struct Derive {
    source: PartSource,
    keep: Checked<Vec<FieldPath>>,
}

#[derive(Clone, Debug)]
enum PartSource {
    List(Checked<Path>),
    Expression(Box<Expression>),
}

impl Derive {
    /// Makes one record of every object of the list at `path`.
    #[must_use]
    pub fn from_list(path: impl Into<PathText>) -> Self {
        Self {
            source: PartSource::List(Checked::new(|| single_path(path))),
            keep: Checked::new(|| Ok(Vec::new())),
        }
    }

    /// Makes one record of every object of the list that an expression returns.
    #[must_use]
    pub fn from_expression(records: Expression) -> Self {
        Self {
            source: PartSource::Expression(Box::new(records)),
            keep: Checked::new(|| Ok(Vec::new())),
        }
    }

    /// Puts these fields of the record, under their last names, at the front of every derived record. Refuses records
    /// in which one is missing or its name is taken.
    #[must_use]
    pub fn keep<P: Into<PathText>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.keep = self.keep.and(|mut keep| {
            for path in paths {
                let field = FieldPath::read(single_path(path)?)?;
                if keep.iter().any(|before| before.name == field.name) {
                    let message = format!("`{}` is listed twice", field.name);
                    return Err(Problem::error("stage.same_name", None, message));
                }
                keep.push(field);
            }
            Ok(keep)
        });
        self
    }

    fn list(&self, walk: &Walk, document: &Document, scope: &mut Scope<'_>) -> Result<Value, Refusal> {
        match &self.source {
            PartSource::List(path) => {
                let path = path.get()?;
                let found = document.at(path).map(std::borrow::Cow::into_owned);
                found.ok_or_else(|| walk.refusal("missing", &Trail::Record.below(path)))
            }
            PartSource::Expression(records) => match records.value(document, scope)? {
                Evaluated::Value(value) => Ok(value),
                Evaluated::Omit => Ok(Value::null()),
            },
        }
    }

    fn kept(&self, walk: &Walk, document: &Document) -> Result<Vec<Field>, Refusal> {
        let fields = self.keep.get()?.iter().map(|field| {
            let value = document.at(&field.path).map(std::borrow::Cow::into_owned);
            let value = value.ok_or_else(|| walk.refusal("missing", &Trail::Record.below(&field.path)))?;
            Ok(Field::new(&field.name, value))
        });
        fields.collect()
    }

    /// Returns the place of the list, for refusals; the record if an expression makes the list.
    fn pointer(&self) -> String {
        match &self.source {
            PartSource::List(path) => path.known().map(Path::pointer).unwrap_or_default(),
            PartSource::Expression(_) => String::new(),
        }
    }
}

impl Operation for Derive {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let walk = Walk::shape(MANUAL.name, Missing::Refuse);
        let kept = self.kept(&walk, document)?;
        let value = self.list(&walk, document, scope)?;
        let Some(list) = value.as_list() else {
            return Err(Refusal::new("derive.not_list", self.pointer()).expected("a list of objects"));
        };
        if list.is_empty() {
            return Ok(Effect::Filtered(EMPTY.to_owned()));
        }
        if kept.len().saturating_mul(list.len()) > MOST_KEPT {
            let most = format!("at most {MOST_KEPT} kept fields in all");
            return Err(Refusal::new("derive.too_large", self.pointer()).expected(most));
        }
        let documents = list.iter().enumerate().map(|(index, element)| {
            let here = || format!("{}/{index}", self.pointer());
            let object = element
                .as_object()
                .ok_or_else(|| Refusal::new("derive.not_object", here()).expected("an object"))?;
            let taken = kept.iter().find(|field| object.position(&field.name()).is_some());
            if let Some(field) = taken {
                let pointer = here() + Path::field(&field.name()).pointer().as_str();
                return Err(Refusal::new("derive.exists", pointer));
            }
            Ok(kept.iter().chain(object.fields()).cloned().collect())
        });
        Ok(Effect::Derived(documents.collect::<Result<_, _>>()?))
    }

    fn reads(&self) -> Vec<Path> {
        let mut paths = match &self.source {
            PartSource::List(path) => path.paths(|path| [path]),
            PartSource::Expression(records) => records.reads(),
        };
        let keep = self.keep.known().into_iter().flatten();
        paths.extend(keep.map(|field| field.path.clone()));
        paths
    }

    fn writes(&self) -> Vec<Path> {
        Vec::new()
    }

    fn lineage(&self, flow: &mut Flow) {
        let list = match &self.source {
            PartSource::List(path) => path.known().map_or_else(Shape::nothing, |path| flow.at(path)),
            PartSource::Expression(records) => records.lineage(flow),
        };
        let keep = self.keep.known().into_iter().flatten();
        let kept: Vec<(Path, Shape)> = keep
            .map(|field| (Path::field(&field.name), flow.at(&field.path)))
            .collect();
        flow.filter(list.sources());
        flow.rekey(flow.id().clone().made(Dependence::Transformation));
        flow.replace(list.at(&[Segment::Each]));
        for (path, value) in kept {
            flow.put(&path, value);
        }
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Lossy
    }

    fn expressions(&self) -> Vec<&Expression> {
        match &self.source {
            PartSource::Expression(records) => vec![records],
            PartSource::List(_) => Vec::new(),
        }
    }

    fn makes_unknown_fields(&self) -> bool {
        true
    }

    fn meaning(&self) -> serde_json::Value {
        let (path, records) = match &self.source {
            PartSource::List(path) => (path.text(|path| path), None),
            PartSource::Expression(records) => (None, Some(records.source())),
        };
        let keep = self.keep.known().into_iter().flatten();
        json!({
            "op": MANUAL.name,
            "path": path,
            "records": records,
            "keep": keep.map(|field| field.path.to_string()).collect::<Vec<_>>(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = match &self.source {
            PartSource::List(path) => path.problems(),
            PartSource::Expression(_) => Vec::new(),
        };
        problems.extend(self.keep.problems());
        problems
    }

    fn concerns_whole_record(&self) -> bool {
        true
    }

    fn effects(&self) -> Effects {
        // A record whose list is empty is left out.
        Effects {
            derives: true,
            ..Effects::FILTERS
        }
    }

    fn derives_from(&self) -> Option<Path> {
        match &self.source {
            PartSource::List(path) => path.known().cloned(),
            PartSource::Expression(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{apply, operation, problem, refused};
    use crate::record::Object;

    fn derived(toml: &str, json: &str) -> Vec<String> {
        let mut document = Document::parse(json).unwrap();
        match apply(&*operation(toml), &mut document).unwrap() {
            Effect::Derived(documents) => documents.iter().map(Object::to_json).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_becomes_one_record_for_every_element() {
        let toml = "op = 'derive'\npath = 'order.items'\nkeep = ['order.id']";
        assert_eq!(
            derived(
                toml,
                r#"{"order":{"id":7.0,"items":[{"sku":"a"},{"sku":"b","n":1e2}]}}"#
            ),
            [r#"{"id":7.0,"sku":"a"}"#, r#"{"id":7.0,"sku":"b","n":1e2}"#]
        );
        assert_eq!(
            refused(toml, r#"{"order":{"id":1}}"#),
            "derive.missing /order/items"
        );
        assert_eq!(
            refused(toml, r#"{"order":{"items":[]}}"#),
            "derive.missing /order/id"
        );
        assert_eq!(
            refused(toml, r#"{"order":{"id":1,"items":[{"id":2}]}}"#),
            "derive.exists /order/items/0/id"
        );
        assert_eq!(
            refused(toml, r#"{"order":{"id":1,"items":[{},3]}}"#),
            "derive.not_object /order/items/1"
        );
        assert_eq!(
            refused(toml, r#"{"order":{"id":1,"items":{}}}"#),
            "derive.not_list /order/items"
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let keep: Vec<String> = (0..200).map(|at| format!("k{at}")).collect();
        let fields: Vec<String> = keep.iter().map(|name| format!("\"{name}\":1")).collect();
        let items = vec![r#"{"a":1}"#; 5_001].join(",");
        let toml = format!("op = 'derive'\npath = 'items'\nkeep = {keep:?}");
        assert_eq!(
            refused(&toml, &format!("{{{},\"items\":[{items}]}}", fields.join(","))),
            "derive.too_large /items"
        );
    }

    #[test]
    fn a_record_that_derives_nothing_is_accounted_for() {
        let mut document = Document::parse(r#"{"items":[]}"#).unwrap();
        let effect = apply(&Derive::from_list("items"), &mut document).unwrap();
        assert!(matches!(effect, Effect::Filtered(reason) if reason == "derive.empty"));
        assert!(problem("op = 'derive'").starts_with("stage.missing_key"));
        assert!(problem("op = 'derive'\npath = 'a[*].b'").starts_with("stage.many_places"));
    }
}

//! `zip`: combines parallel lists into one list of objects.

use serde_json::json;

use super::kit::checked::{Checked, FieldPath, different, single_path};
use super::kit::missing::OVERWRITE;
use super::kit::trail::Trail;
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Remove, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Count, Dependence, Flow, Shape, Sources};
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "zip",
    group: "collection",
    summary: "combines parallel lists into one list of objects; unequal lengths are refused, never truncated",
    keys: &[
        Key::required(
            "from",
            Form::PathTable,
            "the objects' fields in order, each with the list it comes from",
        ),
        Key::required("to", Form::Path, "where to write the list of objects"),
        Key::optional(
            "separator",
            Form::Text,
            "lists only",
            "split strings at this separator and trim whitespace; a blank string is an empty list",
        ),
        Key::optional("remove_sources", Form::Boolean, "false", "remove the lists"),
        OVERWRITE,
    ],
    refusals: &[
        "zip.missing",
        "zip.not_list",
        "zip.length",
        "zip.exists",
        "zip.blocked",
    ],
    undo: "exact: removes the list; from the image where parent objects may be created or the sources are removed; \
        lossy with `overwrite`, or where removed strings were split",
    example: (
        r#"op = "zip"
from = { sku = "skus", quantity = "quantities" }
to = "items""#,
        r#"{"skus":["a"],"quantities":[2]}"#,
        r#"{"skus":["a"],"quantities":[2],"items":[{"sku":"a","quantity":2}]}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut zip = Zip::new(settings.path("to")?);
    for (name, path) in settings.path_table("from")? {
        zip = zip.column(&name, path);
    }
    zip.separator = settings.text("separator").map(str::to_owned);
    zip.remove_sources = settings.boolean("remove_sources", false);
    zip.overwrite = settings.boolean("overwrite", false);
    Ok(Box::new(zip))
}

/// Makes one list of objects out of parallel lists.
///
/// ```toml
/// op = "zip"
/// from = { sku = "skus", quantity = "quantities" }
/// to = "items"
/// ```
/// Turns `{"skus":["a"],"quantities":[2]}` into `{"skus":["a"],"quantities":[2],"items":[{"sku":"a","quantity":2}]}`.
#[derive(Clone, Debug)]
pub struct Zip {
    plan: Checked<ZipPlan>,
    separator: Option<String>,
    remove_sources: bool,
    overwrite: bool,
}

#[derive(Clone, Debug)]
struct ZipPlan {
    to: Path,
    columns: Vec<(String, Path)>,
}

impl Zip {
    /// Combines lists into a list of objects at `to`; add the lists with [`column`](Self::column). Refuses records in
    /// which a list is missing, the lengths differ, or `to` exists.
    #[must_use]
    pub fn new(to: impl Into<PathText>) -> Self {
        let plan = Checked::new(|| {
            let to = single_path(to)?;
            let columns = Vec::new();
            Ok(ZipPlan { to, columns })
        });
        Self {
            plan,
            separator: None,
            remove_sources: false,
            overwrite: false,
        }
    }

    /// Adds a field of the objects, from this list.
    #[must_use]
    pub fn column(mut self, name: &str, list: impl Into<PathText>) -> Self {
        self.plan = self.plan.and(|mut plan| {
            let list = single_path(FieldPath::read(list)?.path)?;
            if plan.columns.iter().any(|(before, _)| before == name) {
                let message = format!("`{name}` is listed twice");
                return Err(Problem::error("stage.same_name", None, message));
            }
            for (_, before) in &plan.columns {
                different(before, &list)?;
            }
            plan.columns.push((name.to_owned(), list));
            Ok(plan)
        });
        self
    }

    /// Splits texts at this separator and trims the parts.
    #[must_use]
    pub fn separator(mut self, separator: &str) -> Self {
        self.separator = Some(separator.to_owned());
        self
    }

    /// Removes the source lists.
    #[must_use]
    pub fn remove_sources(mut self) -> Self {
        self.remove_sources = true;
        self
    }

    /// Replaces an existing target.
    #[must_use]
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Returns the elements of one source.
    fn elements(&self, walk: &Walk, document: &Document, path: &Path) -> Result<Vec<Value>, Refusal> {
        let refusal = |reason| walk.refusal(reason, &Trail::Record.below(path));
        let Some(value) = document.at(path) else {
            return Err(refusal("missing"));
        };
        if let Some(list) = value.as_list() {
            return Ok(list.into_owned());
        }
        match (&self.separator, value.as_text()) {
            (Some(_), Some(text)) if text.trim().is_empty() => Ok(Vec::new()),
            (Some(separator), Some(text)) => {
                let parts = text.split(separator.as_str());
                Ok(parts.map(|part| Value::text(part.trim())).collect())
            }
            (Some(_), None) => Err(refusal("not_list").expected("a list, or a string to split")),
            (None, _) => Err(refusal("not_list").expected("a list")),
        }
    }

    fn objects(&self, walk: &Walk, document: &Document, plan: &ZipPlan) -> Result<Vec<Object>, Refusal> {
        let mut objects: Option<Vec<Object>> = None;
        for (name, path) in &plan.columns {
            let elements = self.elements(walk, document, path)?;
            let rows = objects.get_or_insert_with(|| vec![Object::new(); elements.len()]);
            if rows.len() != elements.len() {
                let first = &plan.columns[0].1;
                let expected = format!("as many elements as {}", first.pointer());
                return Err(walk
                    .refusal("length", &Trail::Record.below(path))
                    .expected(expected));
            }
            for (row, element) in rows.iter_mut().zip(elements) {
                row.fields_mut().push(Field::new(name, element));
            }
        }
        Ok(objects.unwrap_or_default())
    }

    fn direct(&self) -> bool {
        self.plan
            .known()
            .is_some_and(|plan| plan.to.parents().is_empty() && matches!(plan.to.last(), Segment::Key(_)))
    }
}

impl Operation for Zip {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let plan = self.plan.get()?;
        let walk = Walk::shape(MANUAL.name, Missing::Refuse);
        let objects = self.objects(&walk, document, plan)?;
        if self.remove_sources {
            for (_, path) in &plan.columns {
                let Segment::Key(name) = path.last() else { continue };
                walk.objects(document, path.parents(), &mut |object, _| {
                    Ok(object.remove(name).is_some())
                })?;
            }
        }
        walk.free_target(document, &plan.to, self.overwrite, &Trail::Record)?;
        let list = Value::List(objects.into_iter().map(Value::Object).collect());
        walk.put(document, &plan.to, list, &Trail::Record)?;
        Ok(Effect::Changed)
    }

    fn reads(&self) -> Vec<Path> {
        let columns = self.plan.known().into_iter().flat_map(|plan| &plan.columns);
        columns.map(|(_, path)| path.clone()).collect()
    }

    fn writes(&self) -> Vec<Path> {
        let mut paths = self.plan.paths(|plan| [&plan.to]);
        if self.remove_sources {
            paths.extend(self.reads());
        }
        paths
    }

    fn lineage(&self, flow: &mut Flow) {
        let Some(plan) = self.plan.known() else { return };
        let cell = |path: &Path| {
            let list = flow.at(path);
            let element = list.at(&[Segment::Each]);
            match self.separator {
                None => element,
                // A list, or a text that is split.
                Some(_) => Shape::made(list.sources().made(Dependence::Transformation)),
            }
        };
        let cells = plan.columns.iter().map(|(name, path)| (name.clone(), cell(path)));
        let lists: Vec<Sources> = plan
            .columns
            .iter()
            .map(|(_, path)| flow.at(path).sources())
            .collect();
        let objects = Shape::list(Shape::object(cells.collect()), Count::from_columns(&lists));
        if self.remove_sources {
            plan.columns.iter().for_each(|(_, path)| flow.remove(path));
        }
        flow.put(&plan.to, objects);
    }

    fn reversibility(&self) -> Reversibility {
        match (self.remove_sources, &self.separator) {
            _ if self.overwrite => Reversibility::Lossy,
            (true, Some(_)) => Reversibility::Lossy,
            (false, _) if self.direct() => Reversibility::Exact,
            _ => Reversibility::Image,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let plan = self.plan.known()?;
        (self.reversibility() == Reversibility::Exact)
            .then(|| Box::new(Remove::new(&plan.to)) as Box<dyn Operation>)
    }

    fn meaning(&self) -> serde_json::Value {
        let columns = self.plan.known().into_iter().flat_map(|plan| &plan.columns);
        json!({
            "op": MANUAL.name,
            "from": columns.map(|(name, path)| json!([name, path.to_string()])).collect::<Vec<_>>(),
            "to": self.plan.text(|plan| &plan.to),
            "separator": self.separator,
            "remove_sources": self.remove_sources,
            "overwrite": self.overwrite,
        })
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.plan.problems();
        let none = self.plan.known().is_some_and(|plan| plan.columns.is_empty());
        if none {
            let message = "`zip` needs at least one list in `from`";
            problems.push(Problem::error("stage.no_fields", None, message));
        }
        if self.separator.as_ref().is_some_and(String::is_empty) {
            let message = "`separator` must not be empty";
            problems.push(Problem::error("stage.empty_separator", None, message));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{applied, problem, refused};

    const ITEMS: &str =
        "op = 'zip'\nfrom = { product_id = 'product_ids', quantity = 'quantities' }\nto = 'items'";

    #[test]
    fn parallel_lists_become_objects_in_the_order_written() {
        assert_eq!(
            applied(ITEMS, r#"{"quantities":[1.0,2],"product_ids":["P1",null]}"#).unwrap(),
            r#"{"quantities":[1.0,2],"product_ids":["P1",null],"items":[{"product_id":"P1","quantity":1.0},{"product_id":null,"quantity":2}]}"#
        );
        assert_eq!(refused(ITEMS, r#"{"product_ids":[]}"#), "zip.missing /quantities");
        assert_eq!(
            refused(ITEMS, r#"{"product_ids":"a","quantities":[]}"#),
            "zip.not_list /product_ids"
        );
        assert_eq!(
            refused(ITEMS, r#"{"product_ids":[],"quantities":[],"items":[]}"#),
            "zip.exists /items"
        );
    }

    #[test]
    fn unequal_lengths_are_refused_never_cut() {
        let toml = format!("{ITEMS}\nseparator = ','\nrefuse_as = 'items.length'");
        let refusal = applied(&toml, r#"{"product_ids":"P1, P2","quantities":"1"}"#).unwrap_err();
        assert_eq!(
            refusal,
            r#"{"code":"items.length","violations":[{"code":"zip.length","pointer":"/quantities","expected":"as many elements as /product_ids","rule":"t.toml:1:1"}]}"#
        );
    }

    #[test]
    fn texts_are_split_trimmed_and_an_empty_part_keeps_its_place() {
        let toml = format!("{ITEMS}\nseparator = ','\nremove_sources = true");
        assert_eq!(
            applied(&toml, r#"{"product_ids":"P1, ,P3","z":0,"quantities":" 1,2 ,3"}"#).unwrap(),
            r#"{"z":0,"items":[{"product_id":"P1","quantity":"1"},{"product_id":"","quantity":"2"},{"product_id":"P3","quantity":"3"}]}"#
        );
        assert_eq!(
            applied(&toml, r#"{"product_ids":" ","quantities":""}"#).unwrap(),
            r#"{"items":[]}"#
        );
    }

    #[test]
    fn zip_says_how_it_can_be_undone() {
        let zip = Zip::new("items").column("a", "as");
        assert_eq!(zip.reversibility(), Reversibility::Exact);
        assert_eq!(
            Zip::new("x.items").column("a", "as").reversibility(),
            Reversibility::Image
        );
        assert_eq!(zip.clone().remove_sources().reversibility(), Reversibility::Image);
        assert_eq!(
            zip.remove_sources().separator(",").reversibility(),
            Reversibility::Lossy
        );
        assert!(problem("op = 'zip'\nfrom = {}\nto = 'x'").starts_with("stage.no_fields"));
        assert!(problem("op = 'zip'\nfrom = { a = 1 }\nto = 'x'").starts_with("stage.wrong_type"));
    }
}

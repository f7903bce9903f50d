//! `each`: applies operations to every element of a list of objects.

use serde_json::json;

use super::kit::checked::{Checked, list_path};
use super::kit::missing::skip_missing_builder;
use super::kit::trail::Trail;
use super::kit::walk::{Visited, Walk};
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Reversibility, Settings};
use crate::expression::{Expression, Scope};
use crate::language::Language;
use crate::lineage::Flow;
use crate::lookup::LookupQuery;
use crate::path::{Path, Segment};
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// The reference entry.
pub(super) static MANUAL: Manual = Manual {
    name: "each",
    group: "collection",
    summary: "applies operations to each element of a list of objects; their paths, and `doc` in their expressions, \
        start at the element",
    keys: &[
        Key::required("path", Form::Path, "the list"),
        Key::required(
            "ops",
            Form::Operations,
            "the operations, `[[op.ops]]` or inline tables",
        ),
        Missing::KEY,
    ],
    refusals: &[
        "each.missing",
        "each.not_list",
        "each.not_object",
        "each.whole_record",
        "each.blocked",
    ],
    undo: "as its weakest operation; if all are exact: their inverses in reverse order",
    example: (
        r#"op = "each"
path = "items"
ops = [{ op = "rename", from = "qty", to = "quantity" }]"#,
        r#"{"items":[{"qty":1},{"qty":2}]}"#,
        r#"{"items":[{"quantity":1},{"quantity":2}]}"#,
    ),
    build,
};

fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
    let mut each = Each::new(settings.path("path")?);
    each.missing = Missing::read(settings);
    let reader = settings.reader();
    for section in settings.sections("ops", "an operation") {
        match reader.read(section) {
            Ok(operation) => each.operations.push(operation),
            Err(problems) => problems.into_iter().for_each(|problem| settings.report(problem)),
        }
    }
    Ok(Box::new(each))
}

/// Applies operations to every element of a list of objects.
///
/// ```toml
/// op = "each"
/// path = "items"
/// ops = [{ op = "rename", from = "qty", to = "quantity" }]
/// ```
/// Turns `{"items":[{"qty":1},{"qty":2}]}` into `{"items":[{"quantity":1},{"quantity":2}]}`.
#[derive(Debug)]
pub struct Each {
    list: Checked<Path>,
    operations: Vec<Box<dyn Operation>>,
    missing: Missing,
}

impl Each {
    /// Creates the operation without inner operations; add them with [`op`](Self::op). Refuses records in which the
    /// list is missing.
    #[must_use]
    pub fn new(list: impl Into<PathText>) -> Self {
        Self {
            list: Checked::new(|| list_path(list)),
            operations: Vec::new(),
            missing: Missing::Refuse,
        }
    }

    /// Adds an operation. Its paths begin at the element.
    #[must_use]
    pub fn op(mut self, operation: impl Operation + 'static) -> Self {
        self.operations.push(Box::new(operation));
        self
    }

    fn element(
        &self,
        walk: &Walk,
        element: &mut Value,
        trail: &Trail<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<bool, Refusal> {
        let Some(object) = element.as_object_mut() else {
            return Err(walk.refusal("not_object", trail).expected("an object"));
        };
        let mut changed = false;
        let here = trail.pointer();
        for operation in &self.operations {
            match scope
                .within(&here, |scope| operation.apply(object, scope))
                .map_err(|refusal| trail.locate(refusal))?
            {
                Effect::Changed => changed = true,
                Effect::Unchanged => {}
                Effect::Filtered(_) | Effect::Derived(_) | Effect::Rekeyed(_) => {
                    let expected = "operations that only change the element";
                    return Err(walk.refusal("whole_record", trail).expected(expected));
                }
            }
        }
        Ok(changed)
    }

    /// Returns the paths of the operations, from the record on.
    fn below(&self, of: impl Fn(&dyn Operation) -> Vec<Path>) -> Vec<Path> {
        let Some(list) = self.list.known() else {
            return Vec::new();
        };
        let paths = self.operations.iter().flat_map(|operation| of(&**operation));
        paths
            .map(|path| {
                let before = list.segments().iter().cloned();
                let element = std::iter::once(Segment::Each);
                Path::from_segments(
                    before
                        .chain(element)
                        .chain(path.segments().iter().cloned())
                        .collect(),
                )
            })
            .collect()
    }
}

skip_missing_builder!(Each, "Does nothing if the list is missing.");

impl Operation for Each {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let list = self.list.get()?;
        let walk = Walk::shape(MANUAL.name, self.missing);
        walk.values(document, list.segments(), &mut |value, trail| {
            let elements = walk.list(value, trail)?;
            let mut all = Visited::default();
            for (index, element) in elements.iter_mut().enumerate() {
                all.add(self.element(&walk, element, &Trail::Element(trail, index), scope));
            }
            all.end()
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.below(|operation| operation.reads())
    }

    fn writes(&self) -> Vec<Path> {
        self.below(|operation| operation.writes())
    }

    fn lineage(&self, flow: &mut Flow) {
        if let Some(list) = self.list.known() {
            flow.each(list, |element| {
                self.operations
                    .iter()
                    .for_each(|operation| operation.lineage(element));
            });
        }
    }

    fn reversibility(&self) -> Reversibility {
        let all = self.operations.iter().map(|operation| operation.reversibility());
        all.max().unwrap_or(Reversibility::Exact)
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let inverses = self.operations.iter().rev().map(|operation| operation.inverse());
        Some(Box::new(Self {
            list: self.list.clone(),
            operations: inverses.collect::<Option<_>>()?,
            missing: self.missing,
        }))
    }

    fn language(&self) -> Language {
        let all = self.operations.iter().map(|operation| operation.language());
        all.max().unwrap_or(Language::One)
    }

    fn expressions(&self) -> Vec<&Expression> {
        let all = self.operations.iter().map(|operation| operation.expressions());
        all.flatten().collect()
    }

    fn lookups(&self) -> Vec<LookupQuery> {
        let all = self.operations.iter().map(|operation| operation.lookups());
        all.flatten().collect()
    }

    fn meaning(&self) -> serde_json::Value {
        let operations = self
            .operations
            .iter()
            .map(|operation| json!([operation.name(), operation.meaning()]));
        json!({
            "op": MANUAL.name,
            "path": self.list.text(|list| list),
            "ops": operations.collect::<Vec<_>>(),
            "missing": self.missing.word(),
        })
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.list.problems();
        for operation in &self.operations {
            problems.extend(operation.problems());
            if operation.concerns_whole_record() {
                let message = format!(
                    "`{}` applies to the whole record and cannot be used inside `each`",
                    operation.name()
                );
                problems.push(Problem::error("stage.not_inside_each", None, message));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{applied, operation, problem, refused};
    use crate::op::{Remove, Rename};

    const RENAME: &str = "op = 'each'\npath = 'items'\n[[op.ops]]\nop = 'rename'\nfrom = 'a'\nto = 'b'";

    #[test]
    fn every_element_goes_through_the_operations() {
        assert_eq!(
            applied(RENAME, r#"{"items":[{"a":1.0,"c":2},{"a":3}],"a":4}"#).unwrap(),
            r#"{"items":[{"b":1.0,"c":2},{"b":3}],"a":4}"#
        );
        let nested = "op = 'each'\npath = 'orders[*].items'\nops = [{op='remove', path='x'}, {op='wrap', path='y', key='v'}]";
        assert_eq!(
            applied(nested, r#"{"orders":[{"items":[{"x":1,"y":2}]},{"items":[]}]}"#).unwrap(),
            r#"{"orders":[{"items":[{"y":{"v":2}}]},{"items":[]}]}"#
        );
    }

    #[test]
    fn refusals_inside_an_element_point_from_the_record() {
        assert_eq!(
            applied(RENAME, r#"{"items":[{"a":1},{}]}"#).unwrap_err(),
            r#"{"code":"rename.missing","violations":[{"code":"rename.missing","pointer":"/items/1/a","rule":"t.toml:4:1"}]}"#
        );
        assert_eq!(refused(RENAME, r#"{"items":[7]}"#), "each.not_object /items/0");
        assert_eq!(refused(RENAME, r#"{"items":{}}"#), "each.not_list /items");
        assert_eq!(refused(RENAME, "{}"), "each.missing /items");
    }

    #[test]
    fn all_problems_of_the_inner_operations_are_reported_with_their_places() {
        let bad = problem(
            "op = 'each'\npath = 'items'\nops = [{op='renam'}, {op='remove', path='a', missin='skip'}]",
        );
        assert_eq!(
            bad,
            "stage.unknown_op t.toml:4:12 there is no operation `renam` (did you mean `rename`?)\n\
             stage.unknown_key t.toml:4:46 `remove` has no key `missin` (did you mean `missing`?)"
        );
        let bad = problem("op = 'each'\npath = 'items[*]'\nops = [{op='rekey', id='= doc.x'}]");
        assert!(
            bad.contains("stage.not_inside_each") && bad.contains("stage.not_a_list"),
            "{bad}"
        );
        assert!(problem("op = 'each'\npath = 'items'\nops = ['rename']").starts_with("stage.wrong_type"));
    }

    #[test]
    fn each_is_as_reversible_as_its_weakest_operation() {
        assert_eq!(operation(RENAME).reversibility(), Reversibility::Exact);
        let each = Each::new("items").op(Rename::new("a", "b")).op(Remove::new("c"));
        assert_eq!(each.reversibility(), Reversibility::Lossy);
        assert!(each.inverse().is_none());
        let paths: Vec<String> = each.writes().iter().map(Path::to_string).collect();
        assert_eq!(paths, ["items[*].a", "items[*].b", "items[*].c"]);
    }
}

//! `uuid`: writes an identifier that is the same each time the record is processed: derived from names, or random.

use serde_json::json;

use super::kit::checked::{Checked, ElementPath};
use super::kit::frame::PATH;
use super::kit::trail::Trail;
use super::kit::walk::Walk;
use super::{Effect, Form, Key, Manual, Missing, Operation, PathText, Remove, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow, Shape, SourceField, Sources};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `uuid`: writes a UUID to a place that must not exist yet. By name it is the `UUIDv5` of project, stage number,
/// source id and a part: anyone who knows those can compute it, and it is the same in every store. Random, it is of
/// version 4, and derived from the salt that the ledger drew for the record: no one can guess it, it differs for every
/// record and every store, and a resumed or repeated run still gives the same one.
///
/// ```toml
/// op = "uuid"
/// path = "transaction_id"
/// part = "transaction"
/// ```
/// Turns `{"amount":"6.00"}` into `{"amount":"6.00","transaction_id":"6da08deb-afb8-5a89-9fac-04c8a8103066"}`.
#[derive(Clone, Debug)]
pub struct AddUuid {
    field: Checked<ElementPath>,
    part: Option<String>,
    is_random: bool,
}

/// The words of `form`.
const FORMS: [&str; 2] = ["name", "random"];

impl AddUuid {
    /// Writes a UUID to `path`; its part is the place's JSON Pointer, so that each place has a different UUID.
    #[must_use]
    pub fn new(path: impl Into<PathText>) -> Self {
        Self {
            field: Checked::new(|| ElementPath::field(path)),
            part: None,
            is_random: false,
        }
    }

    /// Writes a random UUID instead of one by name. Refuses records whose salt is unknown.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.is_random = true;
        self
    }

    /// Sets another part. With `[*]` in the path, the place's JSON Pointer is added to it.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        self.part = Some(part.to_owned());
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let mut op = Self::new(settings.path("path")?);
        op.part = settings.text("part").map(str::to_owned);
        op.is_random = settings.text("form") == Some(FORMS[1]);
        Ok(Box::new(op))
    }

    fn part_of(&self, field: &ElementPath, place: &Trail<'_>) -> String {
        match &self.part {
            None => place.pointer(),
            Some(part) if field.path.is_many() => format!("{part}{}", place.pointer()),
            Some(part) => part.clone(),
        }
    }

    fn uuid(&self, field: &ElementPath, place: &Trail<'_>, scope: &Scope<'_>) -> Result<String, Refusal> {
        let context = scope.context();
        if !self.is_random {
            return Ok(context.uuid(&self.part_of(field, place)));
        }
        let pointer = place.pointer();
        let uuid = context.random_uuid(&scope.place(&pointer), self.part.as_deref().unwrap_or_default());
        uuid.ok_or_else(|| {
            Refusal::new("uuid.salt_missing", pointer)
                .expected("a record from a store, or a salt in the context")
        })
    }
}

impl Operation for AddUuid {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let field = self.field.get()?;
        let walk = Walk::value(MANUAL.name, Missing::Refuse);
        walk.objects(document, &field.elements, &mut |object, trail| {
            let uuid = self.uuid(field, &trail.below(&field.below), scope)?;
            walk.add(object, &field.below, Value::text(&uuid), trail)
        })
    }

    fn reads(&self) -> Vec<Path> {
        Vec::new()
    }

    fn writes(&self) -> Vec<Path> {
        self.field.paths(|field| [&field.path])
    }

    fn lineage(&self, flow: &mut Flow) {
        let sources = if self.is_random {
            Sources::none()
        } else {
            Sources::from_origin(SourceField::Id)
                .made(Dependence::Transformation)
                .masked()
        };
        self.writes()
            .iter()
            .for_each(|path| flow.put(path, Shape::made(sources.clone())));
    }

    fn reversibility(&self) -> Reversibility {
        match self.field.known() {
            Some(field) if field.is_direct() => Reversibility::Exact,
            _ => Reversibility::Image,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        let field = self.field.known().filter(|field| field.is_direct())?;
        Some(Box::new(Remove::new(&field.path)))
    }

    fn meaning(&self) -> serde_json::Value {
        let path = self.field.known().map(|field| field.path.pointer());
        let mut meaning = json!({ "op": MANUAL.name, "path": path, "part": self.part });
        if self.is_random {
            // Absent for the form by name, so that stages from before the other form existed keep their meaning.
            meaning["form"] = json!(FORMS[1]);
        }
        meaning
    }

    fn problems(&self) -> Vec<Problem> {
        self.field.problems()
    }
}

/// The reference entry of `uuid`.
pub(super) static MANUAL: Manual = Manual {
    name: "uuid",
    group: "value",
    summary: "writes a UUID that is the same in every run: by name (UUIDv5 of project, stage, source id and part) or \
        random (version 4)",
    keys: &[
        Key {
            summary: "where to write it; must not exist yet",
            ..PATH
        },
        Key::optional(
            "part",
            Form::Text,
            "the JSON Pointer of the path",
            "distinguishes it from other UUIDs of the same record; with `[*]` the place is added",
        ),
        Key::optional(
            "form",
            Form::Choice(&FORMS),
            "`name`",
            "`name`: computed from the names, so anyone who knows them can compute it; the same in every store, for \
             all records of a `derive` and for all elements of an `each`. `random`: computed from a random salt that \
             the ledger keeps for the record, the place and the part, so nobody can guess it and each is different; in \
             an `[[example]]` it is computed from the example's id, and a program that gives no salt is refused",
        ),
    ],
    refusals: &[
        "uuid.missing",
        "uuid.null",
        "uuid.type",
        "uuid.exists",
        "uuid.blocked",
        "uuid.salt_missing",
    ],
    undo: "exact: removes the field; from the image where parent objects may be created",
    example: (
        r#"op = "uuid"
path = "transaction_id"
part = "transaction""#,
        r#"{"amount":"6.00"}"#,
        r#"{"amount":"6.00","transaction_id":"6da08deb-afb8-5a89-9fac-04c8a8103066"}"#,
    ),
    build: AddUuid::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::stage_uuid;
    use crate::op::tests::{built, run};

    #[test]
    fn each_place_has_its_own_and_always_the_same() {
        let op = built(&MANUAL, "path = \"t[*].id\"", None).unwrap();
        let uuid = |part: &str| stage_uuid("shop", 1, "r1", part);
        let expected = format!(
            r#"{{"t":[{{"id":"{}"}},{{"id":"{}"}}]}}"#,
            uuid("/t/0/id"),
            uuid("/t/1/id")
        );
        assert_eq!(run(op.as_ref(), r#"{"t":[{},{}]}"#).unwrap(), expected);
        let op = AddUuid::new("id").part("tx");
        assert_eq!(run(&op, "{}").unwrap(), format!(r#"{{"id":"{}"}}"#, uuid("tx")));
        assert_eq!(run(&op, r#"{"id":1}"#).unwrap_err(), "uuid.exists at /id");
    }
}

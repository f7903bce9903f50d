//! `uuid`: an identifier that is the same on every run and every machine.

use serde_json::json;

use super::frame::{Frame, PATH};
use super::{Effect, Form, Key, Manual, Operation, Reversibility, Settings};
use crate::expression::Scope;
use crate::path::{Path, PathError};
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `uuid`: writes the `UUIDv5` of project, stage number, source id and a part, where nothing may be yet. A random one is
/// not offered: a resumed or repeated run must give the same records.
#[derive(Clone, Debug)]
pub struct AddUuid {
    frame: Frame,
    part: Option<String>,
}

impl AddUuid {
    /// Writes a UUID there; its part is the place's JSON Pointer, so that each place has another one.
    ///
    /// # Errors
    /// [`PathError`] when the text is no path.
    pub fn new(path: &str) -> Result<Self, PathError> {
        Ok(Self {
            frame: Frame::new(MANUAL.name, path)?,
            part: None,
        })
    }

    /// Another part. With `[*]` in the path, the place's JSON Pointer is added to it.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        self.part = Some(part.to_owned());
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        Ok(Box::new(Self {
            frame: Frame::read(settings)?,
            part: settings.text("part").map(str::to_owned),
        }))
    }

    fn part_of(&self, place: &Path) -> String {
        match &self.part {
            None => place.pointer(),
            Some(part) if self.frame.path().is_many() => format!("{part}{}", place.pointer()),
            Some(part) => part.clone(),
        }
    }
}

impl Operation for AddUuid {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, scope: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let mut effect = Effect::Unchanged;
        for place in self.frame.places(document)?.iter() {
            let uuid = scope.context().uuid(&self.part_of(place));
            self.frame.add(document, place, Value::text(&uuid))?;
            effect = Effect::Changed;
        }
        Ok(effect)
    }

    fn reads(&self) -> Vec<Path> {
        Vec::new()
    }

    fn writes(&self) -> Vec<Path> {
        self.frame.writes()
    }

    fn reversibility(&self) -> Reversibility {
        Reversibility::Image
    }

    fn meaning(&self) -> serde_json::Value {
        json!({ "op": MANUAL.name, "path": self.frame.path().pointer(), "part": self.part })
    }
}

/// The reference entry of `uuid`.
pub(super) static MANUAL: Manual = Manual {
    name: "uuid",
    group: "value",
    summary: "writes the UUIDv5 of project, stage, source id and part: the same on every run",
    keys: &[
        Key {
            summary: "where it is written; nothing may be there yet",
            ..PATH
        },
        Key::optional(
            "part",
            Form::Text,
            "the JSON Pointer of the place",
            "what tells it from other UUIDs of the same record; with `[*]` the place is added",
        ),
    ],
    refusals: &[
        "uuid.missing",
        "uuid.null",
        "uuid.type",
        "uuid.exists",
        "uuid.blocked",
    ],
    undo: "from the image: only a field is added",
    build: AddUuid::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::stage_uuid;
    use crate::op::trial::{built, run};

    #[test]
    fn each_place_has_its_own_and_always_the_same() {
        let op = built(&MANUAL, "path = \"t[*].id\"", None).unwrap();
        let uuid = |part: &str| stage_uuid("shop", 1, "ORD-1", part);
        let expected = format!(
            r#"{{"t":[{{"id":"{}"}},{{"id":"{}"}}]}}"#,
            uuid("/t/0/id"),
            uuid("/t/1/id")
        );
        assert_eq!(run(op.as_ref(), r#"{"t":[{},{}]}"#).unwrap(), expected);
        let op = AddUuid::new("id").unwrap().part("tx");
        assert_eq!(run(&op, "{}").unwrap(), format!(r#"{{"id":"{}"}}"#, uuid("tx")));
        assert_eq!(run(&op, r#"{"id":1}"#).unwrap_err(), "uuid.exists at /id");
    }
}

//! `join`: the texts of a list, or of several fields, as one text.

use serde_json::json;

use super::frame::{Frame, MISSING, TO, alongside, frame_builders};
use super::{Effect, Form, Key, Manual, Operation, Reversibility, Settings};
use crate::expression::Scope;
use crate::path::{Path, PathError, Segment};
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `join`: puts the texts of a list, or of several fields, together with a separator between them. Numbers are
/// joined by their text as written. Fields stay where they are.
#[derive(Clone, Debug)]
pub struct Join {
    frame: Frame,
    /// Empty for a list, which is at the frame's path; else the fields, the first of which is the frame's path.
    fields: Vec<Path>,
    with: String,
    skip_null: bool,
}

frame_builders!(Join, to);

impl Join {
    /// Joins the list at a path.
    ///
    /// # Errors
    /// [`PathError`] when the text is no path.
    pub fn new(path: &str, with: &str) -> Result<Self, PathError> {
        let frame = Frame::new(MANUAL.name, path)?;
        Ok(Self::of(frame, Vec::new(), with))
    }

    /// Joins fields into another one, where nothing may be yet. Where none of the fields is there and missing ones
    /// are skipped, nothing is written.
    ///
    /// # Errors
    /// [`PathError`] when a text is no path, the paths lead into different lists, or there is no field.
    pub fn fields(from: &[&str], to: &str, with: &str) -> Result<Self, PathError> {
        let first = from.first().copied().unwrap_or_default();
        let mut frame = Frame::new(MANUAL.name, first)?;
        frame.set_to(to.parse()?)?;
        let fields: Vec<Path> = from.iter().map(|field| field.parse()).collect::<Result<_, _>>()?;
        fields
            .iter()
            .try_for_each(|field| alongside(frame.path(), field))?;
        Ok(Self::of(frame, fields, with))
    }

    fn of(frame: Frame, fields: Vec<Path>, with: &str) -> Self {
        let with = with.to_owned();
        let skip_null = false;
        Self {
            frame,
            fields,
            with,
            skip_null,
        }
    }

    /// The way back from a split in place.
    pub(super) fn back(split: &Frame, at: &str) -> Self {
        Self::of(split.reversed(MANUAL.name), Vec::new(), at)
    }

    /// Leaves out nulls; a list that is null itself stays null.
    #[must_use]
    pub fn skip_null(mut self) -> Self {
        self.frame.keep_null();
        self.skip_null = true;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let fields = settings.paths("from")?;
        let path = match (settings.path_or_none("path")?, fields.first()) {
            (Some(path), None) => path,
            (None, Some(first)) if settings.has("to") => first.clone(),
            (None, Some(_)) => {
                let message = "`join` of fields needs the key `to`: where the text goes";
                return Err(Problem::error(
                    "stage.missing_key",
                    settings.place().clone(),
                    message,
                ));
            }
            _ => {
                let message = "`join` takes either `path`, a list, or `from`, fields";
                return Err(Problem::error("join.source", settings.place().clone(), message));
            }
        };
        for field in &fields {
            alongside(&path, field).map_err(|error| {
                Problem::error("stage.bad_path", settings.place_of("from"), error.to_string())
            })?;
        }
        let frame = Frame::read_at(path, settings)?;
        let join = Self::of(frame, fields, settings.text("with").unwrap_or_default());
        if settings.text("null") == Some("skip") {
            return Ok(Box::new(join.skip_null()));
        }
        Ok(Box::new(join))
    }

    /// Appends one part; `None` in `joined` while there is none.
    fn append(&self, joined: &mut Option<String>, value: &Value, place: &Path) -> Result<(), Refusal> {
        if value.is_null() {
            return if self.skip_null {
                Ok(())
            } else {
                Err(self.frame.refuse("null", place))
            };
        }
        let text = self.frame.text_or_number(value, place)?;
        match joined {
            None => *joined = Some(text.into_owned()),
            Some(joined) => {
                joined.push_str(&self.with);
                joined.push_str(&text);
            }
        }
        Ok(())
    }

    fn join_list(&self, value: &Value, place: &Path) -> Result<Value, Refusal> {
        let list = value
            .as_list()
            .ok_or_else(|| self.frame.wrong_type(place, "a list"))?;
        let mut joined = None;
        for (index, part) in list.iter().enumerate() {
            self.append(
                &mut joined,
                part,
                &Path::of([place.segments(), &[Segment::Index(index)]].concat()),
            )?;
        }
        Ok(Value::text(&joined.unwrap_or_default()))
    }

    fn join_fields(&self, document: &mut Document) -> Result<Effect, Refusal> {
        let mut effect = Effect::Unchanged;
        for first in self.frame.places(document)?.iter() {
            let mut joined = None;
            for field in &self.fields {
                let place = self.frame.follow(field, first);
                match document.at(&place) {
                    Some(value) => self.append(&mut joined, &value, &place)?,
                    None if self.frame.skips_missing() => {}
                    None => return Err(self.frame.refuse("missing", &place)),
                }
            }
            if let Some(joined) = joined {
                self.frame
                    .add(document, &self.frame.target(first), Value::text(&joined))?;
                effect = Effect::Changed;
            }
        }
        Ok(effect)
    }
}

impl Operation for Join {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        if self.fields.is_empty() {
            self.frame
                .apply(document, |value, place| self.join_list(value, place))
        } else {
            self.join_fields(document)
        }
    }

    fn reads(&self) -> Vec<Path> {
        if self.fields.is_empty() {
            self.frame.reads()
        } else {
            self.fields.clone()
        }
    }

    fn writes(&self) -> Vec<Path> {
        self.frame.writes()
    }

    fn reversibility(&self) -> Reversibility {
        self.frame.reversibility()
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(json!({
            "from": self.fields.iter().map(Path::pointer).collect::<Vec<_>>(),
            "with": self.with,
            "null": if self.skip_null { "skip" } else { "refuse" },
        }))
    }
}

/// The reference entry of `join`.
pub(super) static MANUAL: Manual = Manual {
    name: "join",
    group: "value",
    summary: "puts the texts of a list, or of several fields, together",
    keys: &[
        Key::optional("path", Form::Path, "`from`", "where the list is"),
        Key::optional(
            "from",
            Form::Paths,
            "`path`",
            "the fields to put together; they stay",
        ),
        TO,
        Key::required("with", Form::Text, "what goes between the parts; may be empty"),
        MISSING,
        Key::optional(
            "null",
            Form::Choice(&["refuse", "skip"]),
            "refuse",
            "what null means; `skip` leaves it out",
        ),
    ],
    refusals: &[
        "join.missing",
        "join.null",
        "join.type",
        "join.exists",
        "join.blocked",
    ],
    undo: "lossy in place: where one part ended is not known; with `to` the parts stay",
    build: Join::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::trial::{built, run};

    #[test]
    fn a_list_becomes_a_text_in_its_place() {
        let op = Join::new("l", ", ").unwrap();
        assert_eq!(
            run(&op, r#"{"l":["a",6.00,""]}"#).unwrap(),
            r#"{"l":"a, 6.00, "}"#
        );
        assert_eq!(run(&op, r#"{"l":[]}"#).unwrap(), r#"{"l":""}"#);
        assert_eq!(run(&op, r#"{"l":["a",null]}"#).unwrap_err(), "join.null at /l/1");
        assert_eq!(run(&op, r#"{"l":["a",[]]}"#).unwrap_err(), "join.type at /l/1");
        assert_eq!(run(&op, r#"{"l":"a"}"#).unwrap_err(), "join.type at /l");
        assert_eq!(
            run(&op.skip_null(), r#"{"l":[null,"a",null,"b"]}"#).unwrap(),
            r#"{"l":"a, b"}"#
        );
    }

    #[test]
    fn fields_become_one_beside_them() {
        let settings = "from = [\"p[*].f\", \"p[*].l\"]\nto = \"p[*].n\"\nwith = \" \"\nmissing = \"skip\"";
        let op = built(&MANUAL, settings, None).unwrap();
        let after = run(op.as_ref(), r#"{"p":[{"f":"A","l":"B"},{"l":"C"},{}]}"#).unwrap();
        assert_eq!(
            after,
            r#"{"p":[{"f":"A","l":"B","n":"A B"},{"l":"C","n":"C"},{}]}"#
        );
        let op = Join::fields(&["f", "l"], "n", " ").unwrap();
        assert_eq!(run(&op, r#"{"f":"A"}"#).unwrap_err(), "join.missing at /l");
        assert!(Join::fields(&[], "n", "").is_err());
        for (settings, code) in [
            ("with = \"\"", "join.source"),
            ("with = \"\"\npath = \"a\"\nfrom = [\"b\"]", "join.source"),
            ("with = \"\"\nfrom = [\"b\"]", "stage.missing_key"),
        ] {
            assert_eq!(built(&MANUAL, settings, None).unwrap_err().code, code);
        }
    }
}

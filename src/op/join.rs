//! `join`: joins the texts of a list, or of several fields, into one text.

use serde_json::json;

use super::kit::checked::{Checked, ElementPath, whole};
use super::kit::frame::{Frame, MISSING, TO, frame_builders};
use super::kit::trail::Trail;
use super::{Effect, Form, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow, Shape};
use crate::path::Path;
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `join`: joins the strings of a list, or of several fields, into one with a separator between them. Numbers are
/// joined by their text as written. Fields stay where they are.
///
/// ```toml
/// op = "join"
/// path = "tags"
/// with = ", "
/// ```
/// Turns `{"tags":["new","sale"]}` into `{"tags":"new, sale"}`.
#[derive(Clone, Debug)]
pub struct Join {
    frame: Frame,
    /// Empty for a list, which is at the frame's path; otherwise the fields, the first of which is the frame's path.
    fields: Checked<Vec<ElementPath>>,
    with: String,
    skip_null: bool,
}

frame_builders!(Join, to);

impl Join {
    /// Joins the list at a path.
    #[must_use]
    pub fn new(path: impl Into<PathText>, with: &str) -> Self {
        Self::from_frame(
            Frame::new(MANUAL.name, path),
            Checked::new(|| Ok(Vec::new())),
            with,
        )
    }

    /// Joins fields into another one, which must not exist yet. When no field exists and missing ones are skipped,
    /// nothing is written.
    #[must_use]
    pub fn fields<P: Into<PathText>>(
        from: impl IntoIterator<Item = P>,
        to: impl Into<PathText>,
        with: &str,
    ) -> Self {
        let from: Vec<PathText> = from.into_iter().map(Into::into).collect();
        let first = from.first().cloned();
        let frame = Frame::new(MANUAL.name, first.unwrap_or_else(|| "".into())).to(to);
        let fields = if from.is_empty() {
            let message = "`join` of fields needs at least one field";
            Checked::new(|| Err(Problem::error("join.source", None, message)))
        } else {
            frame.alongside(from, ElementPath::read)
        };
        Self::from_frame(frame, fields, with)
    }

    fn from_frame(frame: Frame, fields: Checked<Vec<ElementPath>>, with: &str) -> Self {
        Self {
            frame,
            fields,
            with: with.to_owned(),
            skip_null: false,
        }
    }

    /// Returns the inverse of a split in place.
    pub(super) fn back(split: &Frame, at: &str) -> Self {
        Self::from_frame(split.reversed(MANUAL.name), Checked::new(|| Ok(Vec::new())), at)
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
                let message = "`join` of fields needs the key `to`: where the result goes";
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
        let frame = Frame::read_at(path, settings)?;
        let fields = frame
            .alongside(fields, ElementPath::read)
            .at(|| settings.place_of("from"));
        let join = Self::from_frame(frame, fields, settings.text("with").unwrap_or_default());
        if settings.text("null") == Some("skip") {
            return Ok(Box::new(join.skip_null()));
        }
        Ok(Box::new(join))
    }

    /// When all fields are null and left out, nothing is written, and what is at the target was there before.
    fn may_write_nothing(&self) -> bool {
        self.skip_null && self.fields.known().is_some_and(|fields| !fields.is_empty())
    }

    /// Appends one part; `joined` is `None` until the first one.
    fn append(&self, joined: &mut Option<String>, value: &Value, place: &Trail<'_>) -> Result<(), Refusal> {
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

    fn join_list(&self, value: &Value, place: &Trail<'_>) -> Result<Value, Refusal> {
        let list = value
            .as_list()
            .ok_or_else(|| self.frame.wrong_type(place, "a list"))?;
        let mut joined = None;
        for (index, part) in list.iter().enumerate() {
            self.append(&mut joined, part, &Trail::Element(place, index))?;
        }
        Ok(Value::text(&joined.unwrap_or_default()))
    }

    fn join_fields(
        &self,
        document: &mut Document,
        fields: &[ElementPath],
        to: &ElementPath,
    ) -> Result<Effect, Refusal> {
        let walk = self.frame.walk();
        walk.objects(document, &to.elements, &mut |object, trail| {
            let mut joined = None;
            for field in fields {
                let place = trail.below(&field.below);
                match object.at(&field.below) {
                    Some(value) => self.append(&mut joined, &value, &place)?,
                    None => drop(walk.nothing(&place)?),
                }
            }
            match joined {
                Some(joined) => walk.add(object, &to.below, Value::text(&joined), trail),
                None => Ok(false),
            }
        })
    }
}

impl Operation for Join {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let fields = self.fields.get()?;
        match self.frame.beside()? {
            Some((_, to)) if !fields.is_empty() => self.join_fields(document, fields, to),
            _ => self
                .frame
                .apply(document, |value, place| self.join_list(value, place)),
        }
    }

    fn reads(&self) -> Vec<Path> {
        match self.fields.known() {
            Some(fields) if !fields.is_empty() => whole(fields),
            _ => self.frame.reads(),
        }
    }

    fn writes(&self) -> Vec<Path> {
        self.frame.writes()
    }

    fn lineage(&self, flow: &mut Flow) {
        let joined = Shape::made(flow.sources(&self.reads()).made(Dependence::Transformation));
        match self.writes().first() {
            Some(path) if self.may_write_nothing() => flow.put_or_keep(path, joined),
            _ => self.frame.goes_to(flow, &joined),
        }
    }

    fn reversibility(&self) -> Reversibility {
        match self.frame.reversibility() {
            Reversibility::Exact if self.may_write_nothing() => Reversibility::Image,
            other => other,
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        self.frame.inverse().filter(|_| !self.may_write_nothing())
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.fields.problems();
        if problems.is_empty() {
            problems = self.frame.problems();
        }
        problems
    }

    fn meaning(&self) -> serde_json::Value {
        let fields = self.fields.known().into_iter().flatten();
        self.frame.meaning(json!({
            "from": fields.map(|field| field.path.pointer()).collect::<Vec<_>>(),
            "with": self.with,
            "null": if self.skip_null { "skip" } else { "refuse" },
        }))
    }
}

/// The reference entry of `join`.
pub(super) static MANUAL: Manual = Manual {
    name: "join",
    group: "value",
    summary: "joins the strings of a list, or of several fields, into one",
    keys: &[
        Key::optional("path", Form::Path, "`from`", "the list"),
        Key::optional("from", Form::Paths, "`path`", "the fields to join; they are kept"),
        TO,
        Key::required("with", Form::Text, "the separator; may be empty"),
        MISSING,
        Key::optional(
            "null",
            Form::Choice(&["refuse", "skip"]),
            "refuse",
            "what to do with null; `skip` leaves it out",
        ),
    ],
    refusals: &[
        "join.missing",
        "join.null",
        "join.type",
        "join.exists",
        "join.blocked",
    ],
    undo: "lossy in place: where one part ended is lost; with `to` the parts stay",
    example: (
        r#"op = "join"
path = "tags"
with = ", ""#,
        r#"{"tags":["new","sale"]}"#,
        r#"{"tags":"new, sale"}"#,
    ),
    build: Join::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::tests::{built, run};

    #[test]
    fn a_list_becomes_a_text_in_its_place() {
        let op = Join::new("l", ", ");
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
        let op = Join::fields(["f", "l"], "n", " ");
        assert_eq!(run(&op, r#"{"f":"A"}"#).unwrap_err(), "join.missing at /l");
        assert_eq!(Join::fields([""; 0], "n", "").problems()[0].code, "join.source");
        for (settings, code) in [
            ("with = \"\"", "join.source"),
            ("with = \"\"\npath = \"a\"\nfrom = [\"b\"]", "join.source"),
            ("with = \"\"\nfrom = [\"b\"]", "stage.missing_key"),
        ] {
            assert_eq!(built(&MANUAL, settings, None).unwrap_err().code, code);
        }
    }
}

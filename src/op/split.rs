//! `split`: a text into its parts, as a list or in fields of their own.

use serde_json::json;

use super::frame::{Frame, MISSING, NULL, PATH, TO, alongside, frame_builders};
use super::{Effect, Form, Join, Key, Manual, Operation, Reversibility, Settings};
use crate::expression::Scope;
use crate::path::{Path, PathError};
use crate::problem::Problem;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `split`: cuts a text at every separator, into a list in its place, or into fields of their own. With fields, the
/// last one takes what is left: "Mary Ann Smith" at the blank gives "Mary" and "Ann Smith".
#[derive(Clone, Debug)]
pub struct Split {
    frame: Frame,
    at: String,
    limit: Option<usize>,
    trim: bool,
    drop_empty: bool,
    into: Vec<Path>,
    fewer: Fewer,
}

/// What a field of [`Split::into_fields`] gets when there are fewer parts than fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fewer {
    /// The record is refused, `split.no_match`.
    Refuse,
    /// The empty text.
    Empty,
    /// Null.
    Null,
    /// Nothing: it is left out.
    Omit,
}

frame_builders!(Split, to);

impl Split {
    /// Cuts at every `at`. An empty separator cuts nowhere.
    ///
    /// # Errors
    /// [`PathError`] when the text is no path.
    pub fn new(path: &str, at: &str) -> Result<Self, PathError> {
        Ok(Self::of(Frame::new(MANUAL.name, path)?, at))
    }

    fn of(frame: Frame, at: &str) -> Self {
        Self {
            frame,
            at: at.to_owned(),
            limit: None,
            trim: false,
            drop_empty: false,
            into: Vec::new(),
            fewer: Fewer::Refuse,
        }
    }

    /// Makes at most so many parts, at least 1; the last one is what is left, uncut.
    #[must_use]
    pub fn limit(mut self, parts: usize) -> Self {
        self.limit = Some(parts.max(1));
        self
    }

    /// Trims the blanks around each part.
    #[must_use]
    pub fn trim(mut self) -> Self {
        self.trim = true;
        self
    }

    /// Leaves out empty parts.
    #[must_use]
    pub fn drop_empty(mut self) -> Self {
        self.drop_empty = true;
        self
    }

    /// Writes the parts into these fields, where nothing may be yet; the text stays where it is. Where no limit is
    /// given, the number of fields is the limit.
    ///
    /// # Errors
    /// [`PathError`] when a text is no path, or leads into other lists than the path that is read.
    pub fn into_fields(mut self, fields: &[&str]) -> Result<Self, PathError> {
        self.into = fields
            .iter()
            .map(|field| field.parse())
            .collect::<Result<_, _>>()?;
        self.into
            .iter()
            .try_for_each(|field| alongside(self.frame.path(), field))?;
        Ok(self)
    }

    /// What a field gets when there are fewer parts than fields.
    #[must_use]
    pub fn fewer(mut self, fewer: Fewer) -> Self {
        self.fewer = fewer;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let at = settings.text("at").unwrap_or_default();
        if at.is_empty() {
            let message = "`at` is empty, which cuts nowhere";
            return Err(Problem::error("split.at", settings.place_of("at"), message));
        }
        let mut split = Self::of(Frame::read(settings)?, at);
        split.into = settings.paths("into")?;
        if !split.into.is_empty() && settings.has("to") {
            let message = "the parts go either into one list (`to`) or into fields (`into`)";
            return Err(Problem::error("split.into", settings.place_of("into"), message));
        }
        for field in &split.into {
            alongside(split.frame.path(), field).map_err(|error| {
                Problem::error("stage.bad_path", settings.place_of("into"), error.to_string())
            })?;
        }
        let limit = settings.integer("limit", 1..=i64::from(u32::MAX))?;
        split.limit = limit.and_then(|limit| usize::try_from(limit).ok());
        split.trim = settings.boolean("trim", false);
        split.drop_empty = settings.boolean("drop_empty", false);
        split.fewer = match settings.text("fewer") {
            Some("empty") => Fewer::Empty,
            Some("null") => Fewer::Null,
            Some("omit") => Fewer::Omit,
            _ => Fewer::Refuse,
        };
        Ok(Box::new(split))
    }

    fn parts<'t>(&self, text: &'t str) -> Vec<&'t str> {
        if self.at.is_empty() {
            return vec![text];
        }
        let limit = match self.limit {
            Some(limit) => limit,
            None if self.into.is_empty() => usize::MAX,
            None => self.into.len(),
        };
        text.splitn(limit, self.at.as_str())
            .map(|part| if self.trim { part.trim() } else { part })
            .filter(|part| !self.drop_empty || !part.is_empty())
            .collect()
    }

    fn cut_into_fields(&self, document: &mut Document, place: &Path, value: &Value) -> Result<bool, Refusal> {
        let text = if value.is_null() {
            None
        } else {
            Some(self.frame.text(value, place)?)
        };
        let parts = text.as_deref().map(|text| self.parts(text)).unwrap_or_default();
        let fields = self.into.len();
        if parts.len() > fields {
            return Err(self
                .frame
                .refuse("too_many", place)
                .expected(format!("{fields} parts")));
        }
        if text.is_some() && parts.len() < fields && self.fewer == Fewer::Refuse {
            return Err(self
                .frame
                .refuse("no_match", place)
                .expected(format!("{fields} parts")));
        }
        for (at, field) in self.into.iter().enumerate() {
            let value = match (parts.get(at), self.fewer) {
                (Some(part), _) => Value::text(part),
                (None, _) if text.is_none() => Value::null(),
                (None, Fewer::Empty) => Value::text(""),
                (None, Fewer::Null) => Value::null(),
                (None, Fewer::Omit | Fewer::Refuse) => continue,
            };
            self.frame
                .add(document, &self.frame.follow(field, place), value)?;
        }
        Ok(true)
    }

    fn is_reversible(&self) -> bool {
        self.into.is_empty() && self.frame.is_in_place() && !self.trim && !self.drop_empty
    }
}

impl Operation for Split {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        if !self.into.is_empty() {
            return self.frame.visit(document, |document, place, value| {
                self.cut_into_fields(document, place, value)
            });
        }
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            Ok(Value::List(
                self.parts(&text).into_iter().map(Value::text).collect(),
            ))
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.frame.reads()
    }

    fn writes(&self) -> Vec<Path> {
        if self.into.is_empty() {
            self.frame.writes()
        } else {
            self.into.clone()
        }
    }

    fn reversibility(&self) -> Reversibility {
        if self.is_reversible() {
            Reversibility::Exact
        } else if self.into.is_empty() {
            self.frame.reversibility()
        } else {
            Reversibility::Image
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        self.is_reversible()
            .then(|| Box::new(Join::back(&self.frame, &self.at)) as Box<dyn Operation>)
    }

    fn meaning(&self) -> serde_json::Value {
        self.frame.meaning(json!({
            "at": self.at,
            "limit": self.limit,
            "trim": self.trim,
            "drop_empty": self.drop_empty,
            "into": self.into.iter().map(Path::pointer).collect::<Vec<_>>(),
            "fewer": match self.fewer {
                Fewer::Refuse => "refuse",
                Fewer::Empty => "empty",
                Fewer::Null => "null",
                Fewer::Omit => "omit",
            },
        }))
    }
}

/// The reference entry of `split`.
pub(super) static MANUAL: Manual = Manual {
    name: "split",
    group: "value",
    summary: "Cuts a text at every separator, into a list or into fields.",
    keys: &[
        PATH,
        TO,
        Key::required("at", Form::Text, "the separator"),
        Key::optional(
            "limit",
            Form::Integer,
            "as many as `into` has; else none",
            "at most so many parts; the last is what is left",
        ),
        Key::optional(
            "trim",
            Form::Boolean,
            "false",
            "trims the blanks around each part",
        ),
        Key::optional("drop_empty", Form::Boolean, "false", "leaves out empty parts"),
        Key::optional(
            "into",
            Form::Paths,
            "a list in place of the text",
            "fields for the parts; the text stays",
        ),
        Key::optional(
            "fewer",
            Form::Choice(&["refuse", "empty", "null", "omit"]),
            "refuse",
            "what a field of `into` gets when there are fewer parts",
        ),
        MISSING,
        NULL,
    ],
    refusals: &[
        "split.missing",
        "split.null",
        "split.type",
        "split.no_match",
        "split.too_many",
        "split.exists",
        "split.blocked",
    ],
    undo: "exactly by `join` for a list in place, neither trimmed nor with parts left out; else lossy in place; with `to` or `into` the text stays",
    build: Split::build,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::trial::{built, run};

    #[test]
    fn a_name_is_split_at_its_first_blank() {
        let settings = "path = \"n\"\nat = \" \"\ninto = [\"name.first\", \"name.last\"]\nfewer = \"empty\"";
        let op = built(&MANUAL, settings, None).unwrap();
        for (name, first, last) in [
            ("John", "John", ""),
            ("Mary Ann Smith", "Mary", "Ann Smith"),
            ("", "", ""),
        ] {
            let expected = format!(r#"{{"n":"{name}","name":{{"first":"{first}","last":"{last}"}}}}"#);
            assert_eq!(
                run(op.as_ref(), &format!(r#"{{"n":"{name}"}}"#)).unwrap(),
                expected
            );
        }
        let op = Split::new("n", " ").unwrap().into_fields(&["a", "b"]).unwrap();
        assert_eq!(run(&op, r#"{"n":"John"}"#).unwrap_err(), "split.no_match at /n");
        assert_eq!(
            run(&op, r#"{"n":"x y","b":1}"#).unwrap_err(),
            "split.exists at /b"
        );
        assert_eq!(
            run(&op.clone().limit(3), r#"{"n":"x y z"}"#).unwrap_err(),
            "split.too_many at /n"
        );
        assert_eq!(
            run(&op.fewer(Fewer::Omit), r#"{"n":"x"}"#).unwrap(),
            r#"{"n":"x","a":"x"}"#
        );
    }

    #[test]
    fn a_list_keeps_empty_parts_unless_it_drops_them() {
        let op = Split::new("l", ",").unwrap();
        assert_eq!(run(&op, r#"{"l":" a,,b "}"#).unwrap(), r#"{"l":[" a","","b "]}"#);
        assert_eq!(
            run(&op.clone().limit(2), r#"{"l":"a,b,c"}"#).unwrap(),
            r#"{"l":["a","b,c"]}"#
        );
        let clean = op.trim().drop_empty();
        assert_eq!(run(&clean, r#"{"l":" a, ,b "}"#).unwrap(), r#"{"l":["a","b"]}"#);
        assert_eq!(run(&clean, r#"{"l":7}"#).unwrap_err(), "split.type at /l");
    }

    #[test]
    fn joining_undoes_an_untrimmed_split() {
        let op = Split::new("p[*].l", ", ").unwrap();
        let json = r#"{"p":[{"l":"a, b,, , "},{"l":""}]}"#;
        let there = run(&op, json).unwrap();
        assert_eq!(run(op.inverse().unwrap().as_ref(), &there).unwrap(), json);
        assert!(op.trim().inverse().is_none());
    }
}

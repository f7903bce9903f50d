//! `split`: splits a text into its parts, as a list or in separate fields.

use std::borrow::Cow;

use serde_json::json;

use super::kit::checked::{Checked, ElementPath, whole};
use super::kit::cut::Cut;
use super::kit::frame::{Frame, MISSING, NULL, PATH, TO, frame_builders};
use super::kit::trail::Trail;
use super::{Effect, Form, Join, Key, Manual, Operation, PathText, Reversibility, Settings};
use crate::expression::Scope;
use crate::lineage::{Count, Dependence, Flow, Shape};
use crate::path::Path;
use crate::problem::{Problem, within};
use crate::record::{Document, Object, Value};
use crate::refusal::Refusal;

/// `split`: cuts a text at every separator, or into the groups of a pattern, into a list in its place, or into separate
/// fields. With a separator and fields, the last field takes the rest: "Mary Ann Smith" at the blank gives "Mary" and
/// "Ann Smith". A pattern must match: a text that it does not match is refused.
///
/// ```toml
/// op = "split"
/// path = "tags"
/// at = ","
/// ```
/// Turns `{"tags":"new,sale"}` into `{"tags":["new","sale"]}`.
#[derive(Clone, Debug)]
pub struct Split {
    frame: Frame,
    cut: Checked<Cut>,
    limit: Option<usize>,
    trim: bool,
    drop_empty: bool,
    into: Checked<Vec<ElementPath>>,
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
    /// Nothing: the field is left out.
    Omit,
}

frame_builders!(Split, to);

impl Split {
    /// Cuts at every `at`, which must not be empty.
    #[must_use]
    pub fn new(path: impl Into<PathText>, at: &str) -> Self {
        Self::from_frame(Frame::new(MANUAL.name, path), Checked::new(|| Cut::at(at)))
    }

    /// Takes the groups of a pattern as the parts; a text that it does not match is refused, `split.no_match`. Anchor
    /// it with `^` and `$` to match the whole text.
    #[must_use]
    pub fn by_pattern(path: impl Into<PathText>, pattern: &str) -> Self {
        Self::from_frame(
            Frame::new(MANUAL.name, path),
            Checked::new(|| Cut::groups(pattern)),
        )
    }

    fn from_frame(frame: Frame, cut: Checked<Cut>) -> Self {
        Self {
            frame,
            cut,
            limit: None,
            trim: false,
            drop_empty: false,
            into: Checked::new(|| Ok(Vec::new())),
            fewer: Fewer::Refuse,
        }
    }

    /// Limits the number of parts, at least 1; the last part is the uncut rest.
    #[must_use]
    pub fn limit(mut self, parts: usize) -> Self {
        self.limit = Some(parts);
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

    /// Writes the parts into these fields, which must not exist yet; the text stays where it is. The default limit is
    /// the number of fields.
    #[must_use]
    pub fn into_fields<P: Into<PathText>>(mut self, fields: impl IntoIterator<Item = P>) -> Self {
        self.into = self.frame.alongside(fields, ElementPath::field);
        self
    }

    /// Sets what a field gets when there are fewer parts than fields.
    #[must_use]
    pub fn fewer(mut self, fewer: Fewer) -> Self {
        self.fewer = fewer;
        self
    }

    fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Operation>, Problem> {
        let cut = match (settings.text("at"), settings.text("pattern")) {
            (Some(at), None) => Checked::new(|| Cut::at(at)).at(|| settings.place_of("at")),
            (None, Some(pattern)) => {
                Checked::new(|| Cut::groups(pattern)).at(|| settings.place_of("pattern"))
            }
            _ => {
                let message = "`split` takes either `at`, a separator, or `pattern`";
                return Err(Problem::error("split.at", settings.place_of("at"), message));
            }
        };
        let mut split = Self::from_frame(Frame::read(settings)?, cut).into_fields(settings.paths("into")?);
        split.into = split.into.at(|| settings.place_of("into"));
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
        for (key, problem) in split.misuse() {
            settings.report(Problem {
                place: Some(settings.place_of(key)),
                ..problem
            });
        }
        Ok(Box::new(split))
    }

    /// Returns the settings that cannot work, by key.
    fn misuse(&self) -> Vec<(&'static str, Problem)> {
        let mut problems = Vec::new();
        let fields = self.fields().len();
        if let Some(problem) = self.cut.known().and_then(|cut| cut.check_fields(fields)) {
            problems.push(("into", problem));
        }
        if fields > 0 && !self.frame.is_in_place() {
            let message = "`split` takes either `to`, a list for the parts, or `into`, fields";
            problems.push(("into", Problem::error("split.into", None, message)));
        }
        if let Some(problem) = self
            .limit
            .and_then(|limit| within("limit", limit, 1..=usize::MAX).err())
        {
            problems.push(("limit", problem));
        }
        problems
    }

    fn fields(&self) -> &[ElementPath] {
        self.into.known().map_or(&[], Vec::as_slice)
    }

    /// Returns the parts; `None` for a group of the pattern that took no part in the match.
    fn parts<'t>(&self, text: &'t str, place: &Trail<'_>) -> Result<Vec<Option<&'t str>>, Refusal> {
        let limit = match (self.limit, self.fields().len()) {
            (Some(limit), _) => limit,
            (None, 0) => usize::MAX,
            (None, fields) => fields,
        };
        let parts = self.cut.get()?.parts(text, limit).ok_or_else(|| {
            let refusal = self.frame.refuse("no_match", place);
            refusal.expected("a string that matches the pattern")
        })?;
        let trimmed = |part: &'t str| if self.trim { part.trim() } else { part };
        let kept = |part: Option<&str>| !self.drop_empty || part.is_some_and(|part| !part.is_empty());
        let parts = parts.into_iter().map(|part| part.map(trimmed));
        Ok(parts.filter(|part| kept(*part)).collect())
    }

    fn cut_into_fields(
        &self,
        object: &mut Object,
        value: &Value,
        fields: &[ElementPath],
        trail: &Trail<'_>,
        place: &Trail<'_>,
    ) -> Result<bool, Refusal> {
        let text = if value.is_null() {
            None
        } else {
            Some(self.frame.text(value, place)?)
        };
        let parts = text.as_deref().map(|text| self.parts(text, place));
        let parts = parts.transpose()?.unwrap_or_default();
        let found = parts.iter().flatten().count();
        let reason = if parts.len() > fields.len() {
            Some("too_many")
        } else if text.is_some() && found < fields.len() && self.fewer == Fewer::Refuse {
            Some("no_match")
        } else {
            None
        };
        if let Some(reason) = reason {
            let expected = format!("{} parts", fields.len());
            return Err(self.frame.refuse(reason, place).expected(expected));
        }
        for (at, field) in fields.iter().enumerate() {
            let value = match (parts.get(at).copied().flatten(), self.fewer) {
                (Some(part), _) => Value::text(part),
                (None, _) if text.is_none() => Value::null(),
                (None, Fewer::Empty) => Value::text(""),
                (None, Fewer::Null) => Value::null(),
                (None, Fewer::Omit | Fewer::Refuse) => continue,
            };
            self.frame.walk().add(object, &field.below, value, trail)?;
        }
        Ok(true)
    }

    fn apply_into_fields(&self, document: &mut Document, fields: &[ElementPath]) -> Result<Effect, Refusal> {
        let from = self.frame.below()?;
        self.frame
            .walk()
            .objects(document, &from.elements, &mut |object, trail| {
                let place = trail.below(&from.below);
                let value = object.at(&from.below).map(Cow::into_owned);
                match self.frame.present(value.as_ref(), &place)? {
                    Some(value) => self.cut_into_fields(object, value, fields, trail, &place),
                    None => Ok(false),
                }
            })
    }

    /// Returns the separator with which an inverse can join the parts again.
    fn joinable(&self) -> Option<&str> {
        let untouched = self.frame.is_in_place() && !self.trim && !self.drop_empty;
        match self.cut.known() {
            Some(Cut::At(at)) if untouched && self.fields().is_empty() => Some(at),
            _ => None,
        }
    }
}

impl Operation for Split {
    fn name(&self) -> &'static str {
        MANUAL.name
    }

    fn apply(&self, document: &mut Document, _: &mut Scope<'_>) -> Result<Effect, Refusal> {
        let fields = self.into.get()?;
        if !fields.is_empty() {
            return self.apply_into_fields(document, fields);
        }
        self.frame.apply(document, |value, place| {
            let text = self.frame.text(value, place)?;
            let parts = self.parts(&text, place)?.into_iter();
            let parts = parts.map(|part| part.map_or_else(Value::null, Value::text));
            Ok(Value::List(parts.collect()))
        })
    }

    fn reads(&self) -> Vec<Path> {
        self.frame.reads()
    }

    fn writes(&self) -> Vec<Path> {
        match self.fields() {
            [] => self.frame.writes(),
            fields => whole(fields),
        }
    }

    fn lineage(&self, flow: &mut Flow) {
        let text = flow.sources(&self.frame.reads()).made(Dependence::Transformation);
        match self.fields() {
            [] => self.frame.goes_to(
                flow,
                &Shape::list(Shape::made(text.clone()), Count::from_sources(text)),
            ),
            fields => {
                for field in fields {
                    if self.fewer == Fewer::Omit || self.frame.may_skip() {
                        flow.put_or_keep(&field.path, Shape::made(text.clone()));
                    } else {
                        flow.put(&field.path, Shape::made(text.clone()));
                    }
                }
            }
        }
    }

    fn reversibility(&self) -> Reversibility {
        match self.fields() {
            [] if self.joinable().is_some() => Reversibility::Exact,
            [] => self.frame.reversibility(),
            // A field that is left out may have been there before.
            _ if self.fewer == Fewer::Omit => Reversibility::Image,
            fields => self.frame.adding(fields),
        }
    }

    fn inverse(&self) -> Option<Box<dyn Operation>> {
        if let Some(at) = self.joinable() {
            return Some(Box::new(Join::back(&self.frame, at)));
        }
        match self.fields() {
            [] => self.frame.inverse(),
            _ if self.fewer == Fewer::Omit => None,
            fields => self.frame.removal(fields),
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let given = [self.frame.problems(), self.cut.problems(), self.into.problems()];
        let own = self.misuse().into_iter().map(|(_, problem)| problem);
        given.into_iter().flatten().chain(own).collect()
    }

    fn meaning(&self) -> serde_json::Value {
        let cut = self.cut.known().map(Cut::meaning).unwrap_or_default();
        self.frame.meaning(json!({
            "at": cut["at"],
            "pattern": cut["pattern"],
            "limit": self.limit,
            "trim": self.trim,
            "drop_empty": self.drop_empty,
            "into": self.fields().iter().map(|field| field.path.pointer()).collect::<Vec<_>>(),
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
    summary: "splits a string at each separator, or into the groups of a pattern, into a list or fields",
    keys: &[
        PATH,
        TO,
        Key::optional("at", Form::Text, "split by `pattern`", "the separator"),
        Key::optional(
            "pattern",
            Form::Text,
            "split by `at`",
            "its groups are the parts; a string that does not match is refused",
        ),
        Key::optional(
            "limit",
            Form::Integer,
            "as many as `into` has; otherwise no limit",
            "the maximum number of parts; the last one is the remainder",
        ),
        Key::optional("trim", Form::Boolean, "false", "trim whitespace around each part"),
        Key::optional("drop_empty", Form::Boolean, "false", "leave out empty parts"),
        Key::optional(
            "into",
            Form::Paths,
            "a list in place of the string",
            "fields for the parts; the string stays",
        ),
        Key::optional(
            "fewer",
            Form::Choice(&["refuse", "empty", "null", "omit"]),
            "refuse",
            "what to do with a field of `into` when there are fewer parts, or its group did not match",
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
    undo: "exact: `join`, for a list in place, neither trimmed nor with parts left out; otherwise lossy in place; with \
        `to` or `into` the original stays",
    example: (
        r#"op = "split"
path = "tags"
at = ",""#,
        r#"{"tags":"new,sale"}"#,
        r#"{"tags":["new","sale"]}"#,
    ),
    build: Split::build,
};

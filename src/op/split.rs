//! `split`: a text into its parts, as a list or in fields of their own.

use regex::Regex;
use serde_json::json;

use super::frame::{Frame, MISSING, NULL, PATH, TO, alongside, frame_builders};
use super::{Effect, Form, Join, Key, Manual, Operation, Reversibility, Settings, pattern};
use crate::expression::Scope;
use crate::path::{Path, PathError};
use crate::problem::{Place, Problem};
use crate::record::{Document, Value};
use crate::refusal::Refusal;

/// `split`: cuts a text at every separator, or into the groups of a pattern, into a list in its place, or into fields
/// of their own. With a separator and fields, the last one takes what is left: "Mary Ann Smith" at the blank gives
/// "Mary" and "Ann Smith". A pattern is taken whole or not at all: a text that it does not match is refused.
#[derive(Clone, Debug)]
pub struct Split {
    frame: Frame,
    cut: Cut,
    limit: Option<usize>,
    trim: bool,
    drop_empty: bool,
    into: Vec<Path>,
    fewer: Fewer,
}

/// Where a text is cut.
#[derive(Clone, Debug)]
enum Cut {
    /// At this separator.
    At(String),
    /// Into the groups of this pattern; its text as written.
    Groups(Regex, String),
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
        Ok(Self::of(Frame::new(MANUAL.name, path)?, Cut::At(at.to_owned())))
    }

    /// Takes the groups of a pattern as the parts; a text that it does not match is refused, `split.no_match`. Anchor
    /// it with `^` and `$` to take the whole text apart.
    ///
    /// # Errors
    /// A [`Problem`] without a place when the path or the pattern is wrong, or the pattern has no groups.
    pub fn by_pattern(path: &str, pattern: &str) -> Result<Self, Problem> {
        let cut = Cut::groups(pattern, None)?;
        Ok(Self::of(Frame::new(MANUAL.name, path)?, cut))
    }

    fn of(frame: Frame, cut: Cut) -> Self {
        Self {
            frame,
            cut,
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
        let cut = Cut::read(settings)?;
        let mut split = Self::of(Frame::read(settings)?, cut);
        split.into = settings.paths("into")?;
        split.check_groups(settings)?;
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

    /// A pattern says how many parts there are, so that a field too many or too few is a mistake in the stage.
    fn check_groups(&self, settings: &Settings<'_>) -> Result<(), Problem> {
        let Cut::Groups(pattern, _) = &self.cut else {
            return Ok(());
        };
        let (groups, fields) = (pattern.captures_len() - 1, self.into.len());
        if fields == 0 || fields == groups {
            return Ok(());
        }
        let message = format!("`pattern` has {groups} groups, and `into` has {fields} fields");
        Err(Problem::error("split.groups", settings.place_of("into"), message)
            .help("write `(?:...)` around what is no part"))
    }

    /// The parts; `None` for a group of the pattern that took no part in the match.
    fn parts<'t>(&self, text: &'t str, place: &Path) -> Result<Vec<Option<&'t str>>, Refusal> {
        let trimmed = |part: &'t str| if self.trim { part.trim() } else { part };
        let kept = |part: Option<&str>| !self.drop_empty || part.is_some_and(|part| !part.is_empty());
        let at = match &self.cut {
            Cut::At(at) => at,
            Cut::Groups(pattern, _) => {
                let groups = pattern.captures(text).ok_or_else(|| {
                    let refusal = self.frame.refuse("no_match", place);
                    refusal.expected("a text that the pattern matches")
                })?;
                let parts = groups.iter().skip(1);
                let parts = parts.map(|part| part.map(|part| trimmed(part.as_str())));
                return Ok(parts.filter(|part| kept(*part)).collect());
            }
        };
        if at.is_empty() {
            return Ok(vec![Some(text)]);
        }
        let limit = match self.limit {
            Some(limit) => limit,
            None if self.into.is_empty() => usize::MAX,
            None => self.into.len(),
        };
        let parts = text.splitn(limit, at.as_str());
        Ok(parts
            .map(|part| Some(trimmed(part)))
            .filter(|part| kept(*part))
            .collect())
    }

    fn cut_into_fields(&self, document: &mut Document, place: &Path, value: &Value) -> Result<bool, Refusal> {
        let text = if value.is_null() {
            None
        } else {
            Some(self.frame.text(value, place)?)
        };
        let parts = text.as_deref().map(|text| self.parts(text, place));
        let parts = parts.transpose()?.unwrap_or_default();
        let fields = self.into.len();
        if parts.len() > fields {
            return Err(self
                .frame
                .refuse("too_many", place)
                .expected(format!("{fields} parts")));
        }
        let found = parts.iter().flatten().count();
        if text.is_some() && found < fields && self.fewer == Fewer::Refuse {
            return Err(self
                .frame
                .refuse("no_match", place)
                .expected(format!("{fields} parts")));
        }
        for (at, field) in self.into.iter().enumerate() {
            let value = match (parts.get(at).copied().flatten(), self.fewer) {
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
        let joinable = self.into.is_empty() && !self.trim && !self.drop_empty;
        joinable && self.frame.is_in_place() && matches!(self.cut, Cut::At(_))
    }
}

impl Cut {
    fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        match (settings.text("at"), settings.text("pattern")) {
            (Some(""), None) => {
                let message = "`at` is empty, which cuts nowhere";
                Err(Problem::error("split.at", settings.place_of("at"), message))
            }
            (Some(at), None) => Ok(Self::At(at.to_owned())),
            (None, Some(pattern)) => Self::groups(pattern, Some(&settings.place_of("pattern"))),
            _ => {
                let message = "a text is cut either `at` a separator or by a `pattern`";
                Err(Problem::error("split.at", settings.place_of("at"), message))
            }
        }
    }

    fn groups(pattern: &str, place: Option<&Place>) -> Result<Self, Problem> {
        let compiled = pattern::compile(pattern).map_err(|error| {
            let message = format!("`pattern` is no pattern: {error}");
            Problem::error("split.pattern", place.cloned(), message)
        })?;
        if compiled.captures_len() < 2 {
            let message = "`pattern` has no groups, and the groups are the parts";
            return Err(Problem::error("split.groups", place.cloned(), message)
                .help("write parentheses around each part"));
        }
        Ok(Self::Groups(compiled, pattern.to_owned()))
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
            let parts = self.parts(&text, place)?.into_iter();
            Ok(Value::List(
                parts
                    .map(|part| part.map_or_else(Value::null, Value::text))
                    .collect(),
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
        match &self.cut {
            Cut::At(at) if self.is_reversible() => Some(Box::new(Join::back(&self.frame, at))),
            _ => None,
        }
    }

    fn meaning(&self) -> serde_json::Value {
        let (at, pattern) = match &self.cut {
            Cut::At(at) => (Some(at), None),
            Cut::Groups(_, pattern) => (None, Some(pattern)),
        };
        self.frame.meaning(json!({
            "at": at,
            "pattern": pattern,
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
    summary: "cuts a text at every separator, or into the groups of a pattern, into a list or into fields",
    keys: &[
        PATH,
        TO,
        Key::optional("at", Form::Text, "cut by `pattern`", "the separator"),
        Key::optional(
            "pattern",
            Form::Text,
            "cut by `at`",
            "its groups are the parts; a text that it does not match is refused",
        ),
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
            "what a field of `into` gets when there are fewer parts, or its group took no part",
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
    fn a_pattern_takes_an_address_apart_from_the_right_or_refuses_it() {
        let settings = "path = \"a\"\npattern = '^(.+), ([^,]+), ([A-Z]{2}) (\\d{5})(-\\d{4})?$'\n\
            into = [\"street\", \"city\", \"state\", \"zip\", \"more\"]\nfewer = \"omit\"";
        let op = built(&MANUAL, settings, None).unwrap();
        let json = r#"{"a":"12 Main St, Apt 4, Boston, MA 02101"}"#;
        let expected = r#"{"a":"12 Main St, Apt 4, Boston, MA 02101","street":"12 Main St, Apt 4","city":"Boston","state":"MA","zip":"02101"}"#;
        assert_eq!(run(op.as_ref(), json).unwrap(), expected);
        for address in [
            "12 Main St, Boston, MA 0210",
            "12 Main St\\n, Boston, MA 02101",
            "",
        ] {
            let refused = run(op.as_ref(), &format!(r#"{{"a":"{address}"}}"#)).unwrap_err();
            assert_eq!(refused, "split.no_match at /a", "{address}");
        }
        let list = Split::by_pattern("a", "^(x)(y)?$").unwrap();
        assert_eq!(run(&list, r#"{"a":"x"}"#).unwrap(), r#"{"a":["x",null]}"#);
        assert!(list.inverse().is_none());
        for (wrong, code) in [
            ("", "split.at"),
            ("at = ','\npattern = '(x)'", "split.at"),
            ("pattern = '('", "split.pattern"),
            ("pattern = 'x'", "split.groups"),
            ("pattern = '(x)'\ninto = ['b', 'c']", "split.groups"),
        ] {
            let settings = format!("path = 'a'\n{wrong}");
            assert_eq!(built(&MANUAL, &settings, None).unwrap_err().code, code, "{wrong}");
        }
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

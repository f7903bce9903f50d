//! The frame of operations that turn one value into one value: where the value is read, where the result goes, and
//! what holds where the path leads nowhere or to null.

use std::borrow::Cow;

use serde_json::json;
use toml_edit::Item;

use super::{Effect, Form, Key, Reversibility, Settings};
use crate::expression::Template;
use crate::path::{Path, PathError, Segment};
use crate::problem::Problem;
use crate::reading::Reading;
use crate::record::{Document, Field, Object, Value};
use crate::refusal::Refusal;

/// The key of the path that an operation reads.
pub(super) const PATH: Key = Key::required("path", Form::Path, "where the value is");
/// The key of the path that takes the result.
pub(super) const TO: Key = Key::optional(
    "to",
    Form::Path,
    "the same as `path`",
    "where the result goes; nothing may be there yet",
);
/// The key that says what a missing value means.
pub(super) const MISSING: Key = Key::optional(
    "missing",
    Form::Choice(&["refuse", "skip"]),
    "refuse",
    "what a path that leads nowhere means",
);
/// The key that says what null means.
pub(super) const NULL: Key = Key::optional(
    "null",
    Form::Choice(&["refuse", "keep"]),
    "refuse",
    "what null means; `keep` gives null as the result",
);

/// Where an operation reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    op: &'static str,
    path: Path,
    to: Option<Path>,
    skip_missing: bool,
    keep_null: bool,
}

/// The builder methods that every operation with a `frame` shares.
macro_rules! frame_builders {
    ($operation:ident) => {
        impl $operation {
            /// Leaves a record as it is where the path leads nowhere, instead of refusing it.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.frame.skip_missing();
                self
            }

            /// Gives null for null, instead of refusing the record.
            #[must_use]
            pub fn keep_null(mut self) -> Self {
                self.frame.keep_null();
                self
            }
        }
    };
    ($operation:ident, to) => {
        $crate::op::frame::frame_builders!($operation);

        impl $operation {
            /// Writes the result there and leaves the value where it is. A `[*]` stands for the same element as in
            /// the path that is read.
            ///
            /// # Errors
            /// [`PathError`](crate::path::PathError) when the text is no path, or leads into other lists than the
            /// path that is read.
            pub fn to(mut self, path: &str) -> Result<Self, crate::path::PathError> {
                self.frame.set_to(path.parse()?)?;
                Ok(self)
            }
        }
    };
}
pub(super) use frame_builders;

/// The methods of [`Operation`](super::Operation) that the frame answers.
macro_rules! frame_methods {
    () => {
        fn name(&self) -> &'static str {
            MANUAL.name
        }

        fn reads(&self) -> Vec<$crate::path::Path> {
            self.frame.reads()
        }

        fn writes(&self) -> Vec<$crate::path::Path> {
            self.frame.writes()
        }
    };
}
pub(super) use frame_methods;

impl Frame {
    pub(super) fn new(op: &'static str, path: &str) -> Result<Self, PathError> {
        Ok(Self::of(op, path.parse()?))
    }

    fn of(op: &'static str, path: Path) -> Self {
        Self {
            op,
            path,
            to: None,
            skip_missing: false,
            keep_null: false,
        }
    }

    /// Reads the keys `path`, `to`, `missing` and `null`, as far as the operation's manual has them. `to` is read
    /// as a path only where the manual says that it is one.
    pub(super) fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        let path = settings.path("path")?;
        Self::read_at(path, settings)
    }

    /// The same for an operation that takes its path from elsewhere.
    pub(super) fn read_at(path: Path, settings: &Settings<'_>) -> Result<Self, Problem> {
        let manual = settings.manual();
        let mut frame = Self::of(manual.name, path);
        let is_path = |key: &&Key| key.name == "to" && key.form == Form::Path;
        if manual.keys.iter().any(|key| is_path(&key))
            && let Some(to) = settings.path_or_none("to")?
        {
            frame.set_to(to).map_err(|error| {
                Problem::error("stage.bad_path", settings.place_of("to"), error.to_string())
            })?;
        }
        frame.skip_missing = settings.text("missing") == Some("skip");
        frame.keep_null = settings.text("null") == Some("keep");
        Ok(frame)
    }

    pub(super) fn set_to(&mut self, to: Path) -> Result<(), PathError> {
        alongside(&self.path, &to)?;
        self.to = (to != self.path).then_some(to);
        Ok(())
    }

    pub(super) fn skip_missing(&mut self) {
        self.skip_missing = true;
    }

    pub(super) fn keep_null(&mut self) {
        self.keep_null = true;
    }

    /// A frame for the way back: the same place, the same answers to missing and null.
    pub(super) fn reversed(&self, op: &'static str) -> Self {
        Self { op, ..self.clone() }
    }

    /// The place of the result for a place of the path.
    pub(super) fn target(&self, place: &Path) -> Path {
        match &self.to {
            Some(to) => self.follow(to, place),
            None => place.clone(),
        }
    }

    pub(super) fn skips_missing(&self) -> bool {
        self.skip_missing
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_in_place(&self) -> bool {
        self.to.is_none()
    }

    pub(super) fn reads(&self) -> Vec<Path> {
        vec![self.path.clone()]
    }

    pub(super) fn writes(&self) -> Vec<Path> {
        vec![self.to.as_ref().unwrap_or(&self.path).clone()]
    }

    /// For operations whose result does not say what the value was: in place that is lost; beside it, it is not.
    pub(super) fn reversibility(&self) -> Reversibility {
        if self.is_in_place() {
            Reversibility::Lossy
        } else {
            Reversibility::Image
        }
    }

    /// The frame's part of the meaning, with the operation's own settings added.
    pub(super) fn meaning(&self, own: serde_json::Value) -> serde_json::Value {
        let mut meaning = json!({
            "op": self.op,
            "path": self.path.pointer(),
            "to": self.to.as_ref().unwrap_or(&self.path).pointer(),
            "missing": if self.skip_missing { "skip" } else { "refuse" },
            "null": if self.keep_null { "keep" } else { "refuse" },
        });
        if let (Some(all), serde_json::Value::Object(own)) = (meaning.as_object_mut(), own) {
            all.extend(own);
        }
        meaning
    }

    /// A refusal `<op>.<reason>` at a place.
    pub(super) fn refuse(&self, reason: &str, place: &Path) -> Refusal {
        Refusal::new(format!("{}.{reason}", self.op), place.pointer())
    }

    /// The refusal of a value of the wrong kind.
    pub(super) fn wrong_type(&self, place: &Path, expected: &str) -> Refusal {
        self.refuse("type", place).expected(expected)
    }

    /// The value as text.
    pub(super) fn text<'v>(&self, value: &'v Value, place: &Path) -> Result<Cow<'v, str>, Refusal> {
        value.as_text().ok_or_else(|| self.wrong_type(place, "a text"))
    }

    /// The value as text, or the text of the number that it is.
    pub(super) fn text_or_number<'v>(&self, value: &'v Value, place: &Path) -> Result<Cow<'v, str>, Refusal> {
        let text = value.as_text().or_else(|| value.as_number().map(Cow::Borrowed));
        text.ok_or_else(|| self.wrong_type(place, "a text or a number"))
    }

    /// Puts the result of `turn` in the place of every value, or beside it. `turn` never sees null.
    pub(super) fn apply(
        &self,
        document: &mut Document,
        mut turn: impl FnMut(&Value, &Path) -> Result<Value, Refusal>,
    ) -> Result<Effect, Refusal> {
        self.visit(document, |document, place, value| {
            let result = if value.is_null() {
                Value::null()
            } else {
                turn(value, place)?
            };
            if !self.is_in_place() {
                self.add(document, &self.target(place), result)?;
            } else if result == *value {
                return Ok(false);
            } else {
                self.put(document, place, result)?;
            }
            Ok(true)
        })
    }

    /// Shows every value to `change`, which says whether it changed the document. Null is shown only where it is
    /// kept. The violations of all places are collected.
    pub(super) fn visit(
        &self,
        document: &mut Document,
        mut change: impl FnMut(&mut Document, &Path, &Value) -> Result<bool, Refusal>,
    ) -> Result<Effect, Refusal> {
        let mut refused: Option<Refusal> = None;
        let mut changed = false;
        for place in self.places(document)?.iter() {
            let value = document.at(place).map(Cow::into_owned);
            let done = match value {
                None if self.skip_missing => Ok(false),
                None => Err(self.refuse("missing", place)),
                Some(value) if value.is_null() && !self.keep_null => Err(self.refuse("null", place)),
                Some(value) => change(document, place, &value),
            };
            match (done, &mut refused) {
                (Ok(done), _) => changed |= done,
                (Err(refusal), Some(first)) => first.violations.extend(refusal.violations),
                (Err(refusal), none) => *none = Some(refusal),
            }
        }
        match refused {
            Some(refusal) => Err(refusal),
            None if changed => Ok(Effect::Changed),
            None => Ok(Effect::Unchanged),
        }
    }

    /// Every place that the path stands for, `[*]` resolved. Where a list itself is missing, null or no list, that
    /// is a refusal too: [`Object::places`] would silently find nothing to do.
    pub(super) fn places(&self, document: &mut Document) -> Result<Cow<'_, [Path]>, Refusal> {
        if !self.path.is_many() {
            return Ok(Cow::Borrowed(std::slice::from_ref(&self.path)));
        }
        let mut places = Vec::new();
        self.resolve(document, Vec::new(), self.path.segments(), &mut places)?;
        Ok(Cow::Owned(places))
    }

    fn resolve(
        &self,
        document: &mut Document,
        mut before: Vec<Segment>,
        rest: &[Segment],
        places: &mut Vec<Path>,
    ) -> Result<(), Refusal> {
        let each = rest.iter().position(|segment| *segment == Segment::Each);
        before.extend_from_slice(&rest[..each.unwrap_or(rest.len())]);
        let list = Path::of(before);
        let Some(each) = each else {
            places.push(list);
            return Ok(());
        };
        // Expanded once here, so that its elements are not split out of its text again and again.
        let count = match document.at_mut(&list) {
            None if self.skip_missing => 0,
            None => return Err(self.refuse("missing", &list)),
            Some(value) if value.is_null() && self.keep_null => 0,
            Some(value) if value.is_null() => return Err(self.refuse("null", &list)),
            Some(value) => value
                .as_list_mut()
                .map(|list| list.len())
                .ok_or_else(|| self.wrong_type(&list, "a list"))?,
        };
        for index in 0..count {
            let element = [list.segments(), &[Segment::Index(index)]].concat();
            self.resolve(document, element, &rest[each + 1..], places)?;
        }
        Ok(())
    }

    /// The place of `other` that belongs to a place of this frame's path: each `[*]` gets the same index.
    pub(super) fn follow(&self, other: &Path, place: &Path) -> Path {
        let mut indices = self
            .path
            .segments()
            .iter()
            .zip(place.segments())
            .filter_map(|(segment, found)| (*segment == Segment::Each).then_some(found));
        let followed = other.segments().iter().map(|segment| match segment {
            Segment::Each => indices.next().unwrap_or(segment).clone(),
            _ => segment.clone(),
        });
        Path::of(followed.collect())
    }

    /// Writes where nothing may be yet.
    pub(super) fn add(&self, document: &mut Document, place: &Path, value: Value) -> Result<(), Refusal> {
        if document.at(place).is_some() {
            return Err(self.refuse("exists", place).expected("nothing there yet"));
        }
        self.put(document, place, value)
    }

    /// Writes, whatever is there.
    pub(super) fn put(&self, document: &mut Document, place: &Path, value: Value) -> Result<(), Refusal> {
        let blocked = |_| self.refuse("blocked", place).expected("objects on the way");
        document.set_at(place, value).map_err(blocked).map(drop)
    }
}

/// Checks that a `[*]` of one path stands for the same lists as those of the other.
pub(super) fn alongside(path: &Path, to: &Path) -> Result<(), PathError> {
    let lists = |path: &Path| {
        let last = path
            .segments()
            .iter()
            .rposition(|segment| *segment == Segment::Each);
        path.segments()[..last.map_or(0, |at| at + 1)].to_vec()
    };
    if lists(path) == lists(to) {
        return Ok(());
    }
    Err(PathError {
        text: to.to_string(),
        problem: "it must lead through the same `[*]` as the path that is read",
    })
}

/// A value of a stage file that must not be computed.
pub(super) fn fixed(item: &Item, reading: &Reading<'_>) -> Result<Value, Problem> {
    folded(&Template::read(item, reading)?).ok_or_else(|| {
        let place = reading.place(item.span());
        Problem::error("stage.not_fixed", place, "this value must not be an expression")
    })
}

fn folded(template: &Template) -> Option<Value> {
    match template {
        Template::Fixed(value) => Some(value.clone()),
        Template::Expression(_) => None,
        Template::List(list) => list.iter().map(folded).collect::<Option<_>>().map(Value::List),
        Template::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| folded(value).map(|value| Field::new(name, value)));
            fields.collect::<Option<Object>>().map(Value::Object)
        }
    }
}

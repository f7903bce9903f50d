//! The way to every place that a path stands for, expanding only what lies on it.

use crate::path::{Path, Segment};
use crate::record::{Blocked, Document, Kind, Object, Value};
use crate::refusal::Refusal;

use super::{Effect, Form, Key, Settings};

/// What an operation does where its source is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It refuses the record: `<op>.missing`.
    #[default]
    Refuse,
    /// It does nothing there.
    Skip,
}

impl Missing {
    /// The key of stage files.
    pub(super) const KEY: Key = Key::optional(
        "missing",
        Form::Choice(&["refuse", "skip"]),
        "refuse",
        "what to do where the source is not there",
    );

    pub(super) fn read(settings: &Settings<'_>) -> Self {
        match settings.text("missing") {
            Some("skip") => Self::Skip,
            _ => Self::Refuse,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Skip => "skip",
        }
    }
}

/// The key that allows overwriting.
pub(super) const OVERWRITE: Key = Key::optional(
    "overwrite",
    Form::Boolean,
    "false",
    "replace what stands at the target, which is then lost",
);

/// Where a walk stands: a chain on the stack, so that a pointer is written only for a refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trail<'t> {
    /// The record.
    Record,
    /// A field of what the first part stands for.
    Field(&'t Trail<'t>, &'t str),
    /// An element of what the first part stands for.
    Element(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    /// The trail of a field.
    pub(super) fn field<'t>(&'t self, name: &'t str) -> Trail<'t> {
        Trail::Field(self, name)
    }

    /// The JSON Pointer.
    pub(super) fn pointer(&self) -> String {
        match self {
            Self::Record => String::new(),
            Self::Field(before, name) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                format!("{}/{name}", before.pointer())
            }
            Self::Element(before, index) => format!("{}/{index}", before.pointer()),
        }
    }

    /// A refusal from inside an element, with its pointers counted from the record.
    pub(super) fn locate(&self, mut refusal: Refusal) -> Refusal {
        let before = self.pointer();
        for violation in &mut refusal.violations {
            violation.pointer = format!("{before}{}", violation.pointer);
        }
        refusal
    }
}

/// How one operation walks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) op: &'static str,
    pub(super) missing: Missing,
}

/// What is done at a place; the answer is whether it changed something.
type Visit<'v, T> = dyn FnMut(&mut T, &Trail<'_>) -> Result<bool, Refusal> + 'v;

impl Walk {
    /// Visits every object that the segments stand for; no segments stand for the record.
    pub(super) fn objects(
        &self,
        document: &mut Document,
        segments: &[Segment],
        visit: &mut Visit<'_, Object>,
    ) -> Result<Effect, Refusal> {
        if segments.is_empty() {
            return visit(document, &Trail::Record).map(effect);
        }
        self.values(
            document,
            segments,
            &mut |value, trail| match value.as_object_mut() {
                Some(object) => visit(object, trail),
                None => self.blocked(value, trail, "an object"),
            },
        )
    }

    /// Visits every value that the segments, at least one, stand for.
    pub(super) fn values(
        &self,
        document: &mut Document,
        segments: &[Segment],
        visit: &mut Visit<'_, Value>,
    ) -> Result<Effect, Refusal> {
        self.enter_object(document, segments, &Trail::Record, visit)
            .map(effect)
    }

    fn enter_object(
        &self,
        object: &mut Object,
        segments: &[Segment],
        trail: &Trail<'_>,
        visit: &mut Visit<'_, Value>,
    ) -> Result<bool, Refusal> {
        let Some((Segment::Key(name), rest)) = segments.split_first() else {
            return Err(self
                .refusal("blocked", trail)
                .expected("a path that begins with a name"));
        };
        let trail = Trail::Field(trail, name);
        match object.get_mut(name) {
            Some(value) => self.enter_value(value, rest, &trail, visit),
            None => self.nothing(&trail),
        }
    }

    fn enter_value(
        &self,
        value: &mut Value,
        segments: &[Segment],
        trail: &Trail<'_>,
        visit: &mut Visit<'_, Value>,
    ) -> Result<bool, Refusal> {
        let Some((first, rest)) = segments.split_first() else {
            return visit(value, trail);
        };
        if let (Segment::Key(_), Some(object)) = (first, value.as_object_mut()) {
            return self.enter_object(object, segments, trail, visit);
        }
        let expected = if matches!(first, Segment::Key(_)) {
            "an object"
        } else {
            "a list"
        };
        let Some(list) = value.as_list_mut() else {
            return self.blocked(value, trail, expected);
        };
        let index = match first {
            Segment::Each => {
                let mut changed = false;
                for (index, element) in list.iter_mut().enumerate() {
                    changed |= self.enter_value(element, rest, &Trail::Element(trail, index), visit)?;
                }
                return Ok(changed);
            }
            Segment::Index(index) => *index,
            // A JSON Pointer does not tell an index from a name of digits.
            Segment::Key(name) => match name.parse() {
                Ok(index) => index,
                Err(_) => return Err(self.refusal("blocked", trail).expected(expected)),
            },
        };
        let trail = Trail::Element(trail, index);
        match list.get_mut(index) {
            Some(element) => self.enter_value(element, rest, &trail, visit),
            None => self.nothing(&trail),
        }
    }

    /// A null on the way is as good as nothing there; any other kind is an error even where missing is not.
    fn blocked(&self, value: &Value, trail: &Trail<'_>, expected: &str) -> Result<bool, Refusal> {
        if value.kind() == Kind::Null {
            return self.nothing(trail);
        }
        Err(self.refusal("blocked", trail).expected(expected))
    }

    /// The source is not there.
    pub(super) fn nothing(&self, trail: &Trail<'_>) -> Result<bool, Refusal> {
        match self.missing {
            Missing::Refuse => Err(self.refusal("missing", trail)),
            Missing::Skip => Ok(false),
        }
    }

    /// The source below an object is not there.
    pub(super) fn nothing_below(&self, trail: &Trail<'_>, below: &Path) -> Result<bool, Refusal> {
        match self.missing {
            Missing::Refuse => Err(self.refusal_below("missing", trail, below)),
            Missing::Skip => Ok(false),
        }
    }

    /// Refuses where something stands at the target already, unless it may be overwritten.
    pub(super) fn free_target(
        &self,
        object: &Object,
        below: &Path,
        overwrite: bool,
        trail: &Trail<'_>,
    ) -> Result<(), Refusal> {
        if !overwrite && object.at(below).is_some() {
            return Err(self.refusal_below("exists", trail, below));
        }
        Ok(())
    }

    /// Sets a value below an object, making objects on the way.
    pub(super) fn put(
        &self,
        object: &mut Object,
        below: &Path,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<bool, Refusal> {
        match object.set_at(below, value) {
            Ok(_) => Ok(true),
            Err(Blocked) => Err(self
                .refusal_below("blocked", trail, below)
                .expected("objects on the way")),
        }
    }

    pub(super) fn refusal_below(&self, reason: &str, trail: &Trail<'_>, below: &Path) -> Refusal {
        Refusal::new(
            format!("{}.{reason}", self.op),
            trail.pointer() + below.pointer().as_str(),
        )
    }

    /// A refusal of this operation at a place.
    pub(super) fn refusal(&self, reason: &str, trail: &Trail<'_>) -> Refusal {
        Refusal::new(format!("{}.{reason}", self.op), trail.pointer())
    }
}

/// The effect of having changed something or not.
pub(super) fn effect(changed: bool) -> Effect {
    if changed {
        Effect::Changed
    } else {
        Effect::Unchanged
    }
}

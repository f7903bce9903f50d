//! The frame of operations that turn one value into one value: the value to read, the place of the result, and what to
//! do when the path leads nowhere or to null.

use serde_json::json;

use super::checked::{Checked, ElementPath, PathText, ValuePath, same_elements, whole};
use super::form::{Form, Key};
use super::missing::Missing;
use super::operation::{Operation, Reversibility};
use super::settings::Settings;
use crate::lineage::{Dependence, Flow, Shape};
use crate::op::Remove;
use crate::path::Path;
use crate::problem::Problem;
use crate::refusal::Refusal;

mod apply;

/// Key of the path that an operation reads.
pub(crate) const PATH: Key = Key::required("path", Form::Path, "the value");
/// Key of the path that takes the result.
pub(crate) const TO: Key = Key::optional(
    "to",
    Form::Path,
    "the same as `path`",
    "where to write the result; must not exist yet",
);
/// Key that says what a missing value means.
pub(crate) const MISSING: Key = Key {
    summary: "what to do if the path does not exist",
    ..Missing::KEY
};
/// Key that says what null means.
pub(crate) const NULL: Key = Key::optional(
    "null",
    Form::Choice(&["refuse", "keep"]),
    "refuse",
    "what to do with null; `keep` makes the result null",
);

/// Where an operation reads and writes.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    op: &'static str,
    paths: Checked<Paths>,
    missing: Missing,
    /// The reason of the refusal of a path that does not exist.
    gone: &'static str,
    keep_null: bool,
}

#[derive(Clone, Debug)]
struct Paths {
    from: ValuePath,
    /// `None` for a result in place.
    to: Option<ElementPath>,
}

/// The builder methods that every operation with a `frame` shares.
macro_rules! frame_builders {
    ($operation:ident) => {
        impl $operation {
            /// Leaves a record as it is when the path leads nowhere, instead of refusing it.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.frame.skip_missing();
                self
            }

            /// Keeps null as null, instead of refusing the record.
            #[must_use]
            pub fn keep_null(mut self) -> Self {
                self.frame.keep_null();
                self
            }
        }
    };
    ($operation:ident, to) => {
        $crate::op::kit::frame::frame_builders!($operation);

        impl $operation {
            /// Writes the result to this path and leaves the value where it is. Both paths must be the same up to their
            /// last `[*]`.
            #[must_use]
            pub fn to(mut self, path: impl Into<$crate::op::PathText>) -> Self {
                self.frame = self.frame.to(path);
                self
            }
        }
    };
}
pub(crate) use frame_builders;

/// The methods of [`Operation`](super::operation::Operation) that the frame implements, and the problems of these other
/// settings; after `beside:` also how to undo an operation whose result does not show what the value was.
macro_rules! frame_methods {
    ($($given:ident),*) => {
        fn name(&self) -> &'static str {
            MANUAL.name
        }

        fn reads(&self) -> Vec<$crate::path::Path> {
            self.frame.reads()
        }

        fn writes(&self) -> Vec<$crate::path::Path> {
            self.frame.writes()
        }

        fn lineage(&self, flow: &mut $crate::lineage::Flow) {
            self.frame.lineage(flow, $crate::op::Operation::disguises(self));
        }

        fn problems(&self) -> Vec<$crate::problem::Problem> {
            let own: Vec<Vec<$crate::problem::Problem>> = vec![$(self.$given.problems()),*];
            self.frame.problems().into_iter().chain(own.into_iter().flatten()).collect()
        }
    };
    (beside: $($given:ident),*) => {
        $crate::op::kit::frame::frame_methods!($($given),*);

        fn reversibility(&self) -> $crate::op::Reversibility {
            self.frame.reversibility()
        }

        fn inverse(&self) -> Option<Box<dyn $crate::op::Operation>> {
            self.frame.inverse()
        }
    };
}
pub(crate) use frame_methods;

impl Frame {
    pub(crate) fn new(op: &'static str, path: impl Into<PathText>) -> Self {
        let paths = Checked::new(|| {
            let from = ValuePath::read(path)?;
            Ok(Paths { from, to: None })
        });
        Self {
            op,
            paths,
            missing: Missing::Refuse,
            gone: "missing",
            keep_null: false,
        }
    }

    /// Reads the keys `path`, `to`, `missing` and `null`, as far as the operation's manual has them. `to` is read as a
    /// path only if the manual says that it is one.
    pub(crate) fn read(settings: &Settings<'_>) -> Result<Self, Problem> {
        let path = settings.path("path")?;
        Self::read_at(path, settings)
    }

    /// As [`read`](Self::read), for an operation that takes its path from elsewhere.
    pub(crate) fn read_at(path: Path, settings: &Settings<'_>) -> Result<Self, Problem> {
        let manual = settings.manual();
        let mut frame = Self::new(manual.name, path);
        let is_path = |key: &Key| key.name == "to" && key.form == Form::Path;
        if manual.keys.iter().any(is_path)
            && let Some(to) = settings.path_or_none("to")?
        {
            frame = frame.to(to);
            frame.paths = frame.paths.at(|| settings.place_of("to"));
        }
        frame.missing = Missing::read(settings);
        frame.keep_null = settings.text("null") == Some("keep");
        Ok(frame)
    }

    /// Sets the place of the result.
    pub(crate) fn to(mut self, path: impl Into<PathText>) -> Self {
        self.paths = self.paths.and(|paths| {
            let to = ElementPath::field(path)?;
            if to.path == paths.from.path {
                return Ok(Paths { to: None, ..paths });
            }
            same_elements(paths.from.below()?, &to)?;
            let to = Some(to);
            Ok(Paths { to, ..paths })
        });
        self
    }

    /// Adds other places that belong to those of the path. Invalid ones are a problem; if the path itself is invalid,
    /// its problem is reported instead.
    pub(crate) fn alongside<P: Into<PathText>>(
        &self,
        paths: impl IntoIterator<Item = P>,
        read: impl Fn(P) -> Result<ElementPath, Problem>,
    ) -> Checked<Vec<ElementPath>> {
        let from = self.paths.known().map(|paths| &paths.from);
        Checked::new(|| {
            let mut read_paths = Vec::new();
            for path in paths {
                let path = read(path)?;
                if let Some(from) = from {
                    same_elements(from.below()?, &path)?;
                }
                read_paths.push(path);
            }
            Ok(read_paths)
        })
    }

    /// Refuses a path that does not exist as `<op>.<reason>`, for an operation in which something else may be missing.
    pub(crate) fn absent_as(mut self, reason: &'static str) -> Self {
        self.gone = reason;
        self
    }

    pub(crate) fn skip_missing(&mut self) {
        self.missing = Missing::Skip;
    }

    pub(crate) fn keep_null(&mut self) {
        self.keep_null = true;
    }

    /// Returns a frame for the inverse: the same place, the same treatment of missing and null.
    pub(crate) fn reversed(&self, op: &'static str) -> Self {
        Self { op, ..self.clone() }
    }

    /// Returns the path that is read.
    pub(crate) fn source(&self) -> Result<&Path, Refusal> {
        self.paths.get().map(|paths| &paths.from.path)
    }

    /// Returns the place that is read and the place of the result, below the same elements; `None` in place.
    pub(crate) fn beside(&self) -> Result<Option<(&ElementPath, &ElementPath)>, Refusal> {
        let paths = self.paths.get()?;
        Ok(paths.from.below.as_ref().zip(paths.to.as_ref()))
    }

    /// Returns the place that is read, as a path below elements or the record.
    pub(crate) fn below(&self) -> Result<&ElementPath, Refusal> {
        let from = self.paths.get()?.from.below.as_ref();
        from.ok_or_else(|| {
            Refusal::new("stage.unusable", "").expected("a path that ends with a field's name")
        })
    }

    /// Returns whether it skips a missing value.
    pub(crate) fn may_skip(&self) -> bool {
        self.missing == Missing::Skip
    }

    pub(crate) fn is_in_place(&self) -> bool {
        self.paths.known().is_none_or(|paths| paths.to.is_none())
    }

    pub(crate) fn reads(&self) -> Vec<Path> {
        self.paths.paths(|paths| [&paths.from.path])
    }

    pub(crate) fn writes(&self) -> Vec<Path> {
        self.paths.paths(|paths| [target(paths)])
    }

    /// Notes that the result comes from the value. If a missing value is skipped, a field beside it may keep its
    /// earlier value.
    pub(crate) fn lineage(&self, flow: &mut Flow, disguises: bool) {
        let value = flow.sources(&self.reads()).made(Dependence::Transformation);
        self.goes_to(flow, &Shape::made(if disguises { value.masked() } else { value }));
    }

    /// Notes that a value goes to the place of the result.
    pub(crate) fn goes_to(&self, flow: &mut Flow, value: &Shape) {
        for path in self.writes() {
            if self.is_in_place() || self.missing == Missing::Refuse {
                flow.put(&path, value.clone());
            } else {
                flow.put_or_keep(&path, value.clone());
            }
        }
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.paths.problems()
    }

    /// Returns the reversibility of operations whose result does not show what the value was: it is lost in place, but
    /// not beside the value.
    pub(crate) fn reversibility(&self) -> Reversibility {
        let to = self.paths.known().and_then(|paths| paths.to.as_ref());
        match to {
            None => Reversibility::Lossy,
            Some(to) => self.adding(std::slice::from_ref(to)),
        }
    }

    /// Returns the operation that removes the result again, if that is exact.
    pub(crate) fn inverse(&self) -> Option<Box<dyn Operation>> {
        let to = self.paths.known()?.to.as_ref()?;
        self.removal(std::slice::from_ref(to))
    }

    /// Returns the reversibility of fields that are added beside the value. If a missing value is skipped, a field may
    /// have existed before.
    pub(crate) fn adding(&self, fields: &[ElementPath]) -> Reversibility {
        let from = self.paths.known().and_then(|paths| paths.from.below.as_ref());
        let from = from.filter(|_| self.missing == Missing::Refuse);
        match from {
            Some(from) if fields.iter().all(|field| from.leads_to_parent_of(field)) => Reversibility::Exact,
            _ => Reversibility::Image,
        }
    }

    /// Returns the operation that removes fields added beside the value, if that is exact.
    pub(crate) fn removal(&self, fields: &[ElementPath]) -> Option<Box<dyn Operation>> {
        if self.adding(fields) != Reversibility::Exact {
            return None;
        }
        let remove = Remove::all(whole(fields));
        // A list along the path may have been null, and nothing was added there.
        Some(Box::new(if self.keep_null {
            remove.skip_missing()
        } else {
            remove
        }))
    }

    /// Returns the frame's part of the meaning, with the operation's own settings added.
    pub(crate) fn meaning(&self, own: serde_json::Value) -> serde_json::Value {
        let paths = self.paths.known();
        let mut meaning = json!({
            "op": self.op,
            "path": paths.map(|paths| paths.from.path.pointer()),
            "to": paths.map(|paths| target(paths).pointer()),
            "missing": self.missing.word(),
            "null": if self.keep_null { "keep" } else { "refuse" },
        });
        if let (Some(all), serde_json::Value::Object(own)) = (meaning.as_object_mut(), own) {
            all.extend(own);
        }
        meaning
    }
}

fn target(paths: &Paths) -> &Path {
    paths.to.as_ref().map_or(&paths.from.path, |to| &to.path)
}

//! Walks to every place that a path denotes, and expands only values along the path.

use super::missing::Missing;
use super::operation::Effect;
use super::trail::Trail;
use crate::path::{Path, Segment};
use crate::record::{Blocked, Document, Kind, Object, Value};
use crate::refusal::Refusal;

/// How one operation walks. A path that leads nowhere, because a value along it is missing, null or a scalar, means the
/// same everywhere: a refusal, unless missing values are skipped. Only the code of the refusal differs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    op: &'static str,
    missing: Missing,
    /// The reason of the refusal of a path that does not exist.
    gone: &'static str,
    null: Absence,
    misfit: Absence,
}

/// What to do when a value along the path has nothing inside, and the code of the refusal.
#[derive(Clone, Copy, Debug)]
struct Absence {
    does: Missing,
    reason: &'static str,
}

impl Absence {
    fn new(does: Missing, reason: &'static str) -> Self {
        Self { does, reason }
    }
}

/// The action at a place; returns whether it changed something.
type Visit<'v, T> = dyn FnMut(&mut T, &Trail<'_>) -> Result<bool, Refusal> + 'v;

impl Walk {
    /// Returns the walk of an operation on the shape of records: null counts as missing.
    pub(crate) fn shape(op: &'static str, missing: Missing) -> Self {
        Self {
            op,
            missing,
            gone: "missing",
            null: Absence::new(missing, "missing"),
            misfit: Absence::new(missing, "blocked"),
        }
    }

    /// Returns the walk of an operation on values, which distinguishes null from wrong types.
    pub(crate) fn value(op: &'static str, missing: Missing) -> Self {
        Self {
            null: Absence::new(missing, "null"),
            misfit: Absence::new(missing, "type"),
            ..Self::shape(op, missing)
        }
    }

    /// Refuses a path that does not exist as `<op>.<reason>`.
    pub(crate) fn gone_as(mut self, reason: &'static str) -> Self {
        self.gone = reason;
        self
    }

    /// Does nothing when a list or object along the path is null.
    pub(crate) fn skip_null(mut self) -> Self {
        self.null.does = Missing::Skip;
        self
    }

    /// Refuses when a value along the path has nothing inside, even if missing values are skipped.
    pub(crate) fn refuse_misfit(mut self) -> Self {
        self.misfit.does = Missing::Refuse;
        self
    }

    /// Visits every object that the segments denote; no segments denote the record.
    pub(crate) fn objects(
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
                None => self.misfit(value, trail, "an object"),
            },
        )
    }

    /// Visits every value that the segments, at least one, denote.
    pub(crate) fn values(
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
                .refusal(self.misfit.reason, trail)
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
        if value.kind() != Kind::List {
            return self.misfit(value, trail, expected);
        }
        let index = match first {
            Segment::Each => {
                let mut all = Visited::default();
                for (index, element) in value.as_list_mut().into_iter().flatten().enumerate() {
                    all.add(self.enter_value(element, rest, &Trail::Element(trail, index), visit));
                }
                return all.end();
            }
            Segment::Index(index) => *index,
            // A JSON Pointer does not distinguish an index from a name of digits.
            Segment::Key(name) => match name.parse() {
                Ok(index) => index,
                Err(_) => return self.misfit(value, trail, expected),
            },
        };
        let trail = Trail::Element(trail, index);
        match value.as_list_mut().and_then(|list| list.get_mut(index)) {
            Some(element) => self.enter_value(element, rest, &trail, visit),
            None => self.nothing(&trail),
        }
    }

    /// Handles a value along the path that has nothing inside.
    fn misfit(&self, value: &Value, trail: &Trail<'_>, expected: &str) -> Result<bool, Refusal> {
        let is_null = value.kind() == Kind::Null;
        let answer = if is_null { self.null } else { self.misfit };
        match answer.does {
            Missing::Skip => Ok(false),
            Missing::Refuse if is_null => Err(self.refusal(answer.reason, trail)),
            Missing::Refuse => Err(self.refusal(answer.reason, trail).expected(expected)),
        }
    }

    /// Handles a missing source.
    pub(crate) fn nothing(&self, trail: &Trail<'_>) -> Result<bool, Refusal> {
        match self.missing {
            Missing::Refuse => Err(self.refusal(self.gone, trail)),
            Missing::Skip => Ok(false),
        }
    }

    /// Refuses when the target exists already, unless it may be overwritten.
    pub(crate) fn free_target(
        &self,
        object: &Object,
        below: &Path,
        overwrite: bool,
        trail: &Trail<'_>,
    ) -> Result<(), Refusal> {
        if !overwrite && object.at(below).is_some() {
            return Err(self.exists(&trail.below(below)));
        }
        Ok(())
    }

    /// Sets a value below an object where there is none yet, creating objects along the path.
    pub(crate) fn add(
        &self,
        object: &mut Object,
        below: &Path,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<bool, Refusal> {
        self.free_target(object, below, false, trail)?;
        self.put(object, below, value, trail)
    }

    /// Sets a value below an object, creating objects along the path.
    pub(crate) fn put(
        &self,
        object: &mut Object,
        below: &Path,
        value: Value,
        trail: &Trail<'_>,
    ) -> Result<bool, Refusal> {
        match object.set_at(below, value) {
            Ok(_) => Ok(true),
            Err(Blocked) => Err(self
                .refusal("blocked", &trail.below(below))
                .expected("objects along the path")),
        }
    }

    /// Returns the refusal of a target that exists already.
    pub(crate) fn exists(&self, trail: &Trail<'_>) -> Refusal {
        self.refusal("exists", trail).expected("nothing there yet")
    }

    /// Returns the elements of a value that must be a list.
    pub(crate) fn list<'v>(
        &self,
        value: &'v mut Value,
        trail: &Trail<'_>,
    ) -> Result<&'v mut Vec<Value>, Refusal> {
        value
            .as_list_mut()
            .ok_or_else(|| self.refusal("not_list", trail).expected("a list"))
    }

    /// Returns a refusal of this operation at a place.
    pub(crate) fn refusal(&self, reason: &str, trail: &Trail<'_>) -> Refusal {
        Refusal::new(format!("{}.{reason}", self.op), trail.pointer())
    }
}

/// The result of several places: whether one was changed, and the violations of all of them.
#[derive(Debug, Default)]
pub(crate) struct Visited {
    changed: bool,
    refused: Option<Refusal>,
}

impl Visited {
    /// Adds the result of one place.
    pub(crate) fn add(&mut self, place: Result<bool, Refusal>) {
        match (place, &mut self.refused) {
            (Ok(changed), _) => self.changed |= changed,
            (Err(refusal), Some(first)) => first.violations.extend(refusal.violations),
            (Err(refusal), none) => *none = Some(refusal),
        }
    }

    /// Returns whether a place was changed; or, if one refused, a refusal with the violations of all places.
    pub(crate) fn end(self) -> Result<bool, Refusal> {
        self.refused.map_or(Ok(self.changed), Err)
    }
}

/// Returns the effect for a change or for none.
pub(crate) fn effect(changed: bool) -> Effect {
    if changed {
        Effect::Changed
    } else {
        Effect::Unchanged
    }
}

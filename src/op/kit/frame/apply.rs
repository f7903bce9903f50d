//! How an operation with a frame works on a document.

use std::borrow::Cow;

use super::Frame;
use crate::op::kit::operation::Effect;
use crate::op::kit::trail::Trail;
use crate::op::kit::walk::Walk;
use crate::record::{Document, Value};
use crate::refusal::Refusal;

impl Frame {
    /// Returns how the operation walks a document.
    pub(crate) fn walk(&self) -> Walk {
        let walk = Walk::value(self.op, self.missing).gone_as(self.gone);
        if self.keep_null { walk.skip_null() } else { walk }
    }

    /// Returns a refusal `<op>.<reason>` at a place.
    pub(crate) fn refuse(&self, reason: &str, place: &Trail<'_>) -> Refusal {
        self.walk().refusal(reason, place)
    }

    /// Returns the refusal of a value of the wrong kind.
    pub(crate) fn wrong_type(&self, place: &Trail<'_>, expected: &str) -> Refusal {
        self.refuse("type", place).expected(expected)
    }

    /// Returns the value as text.
    pub(crate) fn text<'v>(&self, value: &'v Value, place: &Trail<'_>) -> Result<Cow<'v, str>, Refusal> {
        value.as_text().ok_or_else(|| self.wrong_type(place, "a string"))
    }

    /// Returns the value as text, or the text of a number.
    pub(crate) fn text_or_number<'v>(
        &self,
        value: &'v Value,
        place: &Trail<'_>,
    ) -> Result<Cow<'v, str>, Refusal> {
        let text = value.as_text().or_else(|| value.as_number().map(Cow::Borrowed));
        text.ok_or_else(|| self.wrong_type(place, "a string or a number"))
    }

    /// Returns the value, if it exists and there is something to do with it: null only if it is kept.
    pub(crate) fn present<'v>(
        &self,
        value: Option<&'v Value>,
        place: &Trail<'_>,
    ) -> Result<Option<&'v Value>, Refusal> {
        match value {
            None => self.walk().nothing(place).map(|_| None),
            Some(value) if value.is_null() && !self.keep_null => Err(self.refuse("null", place)),
            Some(value) => Ok(Some(value)),
        }
    }

    /// Replaces every value with the result of `turn`, or writes the result beside it. `turn` never sees null.
    pub(crate) fn apply(
        &self,
        document: &mut Document,
        mut turn: impl FnMut(&Value, &Trail<'_>) -> Result<Value, Refusal>,
    ) -> Result<Effect, Refusal> {
        let mut turned = |value: Option<&Value>, place: &Trail<'_>| {
            self.present(value, place)?
                .map(|value| {
                    if value.is_null() {
                        Ok(Value::null())
                    } else {
                        turn(value, place)
                    }
                })
                .transpose()
        };
        let Some((from, to)) = self.beside()? else {
            return self.rewrite(self.walk(), document, |value, place| {
                let result = turned(value, place)?;
                Ok(result.filter(|result| value != Some(result)))
            });
        };
        let walk = self.walk();
        walk.objects(document, &from.elements, &mut |object, trail| {
            let value = object.at(&from.below);
            match turned(value.as_deref(), &trail.below(&from.below))? {
                Some(result) => walk.add(object, &to.below, result, trail),
                None => Ok(false),
            }
        })
    }

    /// Passes the value at every place of the path to `visit` (`None` if there is none), and writes what `visit`
    /// returns, whatever is there.
    pub(crate) fn rewrite(
        &self,
        walk: Walk,
        document: &mut Document,
        mut visit: impl FnMut(Option<&Value>, &Trail<'_>) -> Result<Option<Value>, Refusal>,
    ) -> Result<Effect, Refusal> {
        let from = &self.paths.get()?.from;
        let Some(below) = &from.below else {
            return walk.values(document, from.path.segments(), &mut |value, place| {
                let new = visit(Some(value), place)?;
                Ok(new.map(|new| *value = new).is_some())
            });
        };
        walk.objects(document, &below.elements, &mut |object, trail| {
            let value = object.at(&below.below);
            match visit(value.as_deref(), &trail.below(&below.below))? {
                Some(new) => walk.put(object, &below.below, new, trail),
                None => Ok(false),
            }
        })
    }
}

//! What of a reading is aggregated.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::compiled::{Aggregate, From, Measured, Windowing, paths};
use super::group;
use super::plan::Found;
use super::present::Present;
use super::refused::{NoTime, not_measured, not_timed};
use crate::aggregate::Measurement;
use crate::context::Context;
use crate::datetime::Unread;
use crate::expression::{Evaluated, Scope};
use crate::path::{Path, Segment};
use crate::record::{Document, Value};
use crate::refusal::{Refusal, Violation};
use crate::stage::Stage;
use crate::stage::finish::parse;

/// What of a reading is aggregated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading<'r> {
    /// The values that it is grouped by, as a JSON list without blanks: `[7,null,"a"]`. Equal numbers are written alike.
    pub(crate) group: String,
    /// Its time, in microseconds since 1970 UTC; 0 without `time`.
    pub(crate) time: i64,
    /// The beginning of its window; 0 without `time`.
    pub(crate) window: i64,
    /// What is measured, in the order of the measures; `None` for null.
    pub(crate) values: SmallVec<[Option<Measurement<'r>>; 4]>,
    /// What lists are ordered by, in the order of the measures; empty if no list is ordered by a path.
    pub(crate) orders: Vec<Option<Cow<'r, str>>>,
    /// The paths at which it has a value.
    pub(crate) present: Present,
}

impl Stage {
    /// Returns what of a reading is aggregated; `None` if `where` leaves it out. Most readings need no `context`.
    ///
    /// # Errors
    /// The [`Refusal`] of a reading that violates the source contract, or whose group, time or values cannot be read:
    /// `aggregate.group`, `aggregate.time`, `aggregate.number`.
    pub(crate) fn reading_in<'r, 'c>(
        &self,
        aggregate: &Aggregate,
        data: &'r str,
        context: impl FnOnce() -> Context<'c>,
    ) -> Result<Option<Reading<'r>>, Refusal> {
        let steps = &self.steps;
        let plan = aggregate.plan.as_ref().filter(|_| !self.needs_document());
        if let Some(values) = plan.and_then(|plan| plan.values(data)) {
            let reading = aggregate.reading(data, values);
            return reading.map(Some).map_err(|refusal| refusal.cut_at(self.redact()));
        }
        let mut scope = Scope::new(context());
        let read = |scope: &mut Scope<'_>| {
            let document = parse(data)?;
            if !self.takes(&document, scope)? {
                return Ok(None);
            }
            if let Some(prepare) = &steps.prepare {
                let prepared = prepare.run(&document, scope);
                prepared.map_err(|refusal| refusal.rule("prepare"))?;
            }
            let found = aggregate.found(&document, scope)?;
            aggregate.reading(data, found).map(Some)
        };
        read(&mut scope).map_err(|refusal: Refusal| refusal.cut_at(self.redact()))
    }

    /// Returns the group and the window that a reading would be counted in, without a look at its values, which is much
    /// cheaper; `None` where more has to be read to know.
    pub(crate) fn key_in(&self, aggregate: &Aggregate, data: &str) -> Option<(String, i64)> {
        let plan = aggregate.key_plan.as_ref().filter(|_| !self.needs_document())?;
        let (mut found, mut broken) = (plan.values(data)?.into_iter(), Vec::new());
        let group = aggregate.group(&mut found, &mut broken);
        let window = match &aggregate.windowing {
            Some(windowing) => windowing.place(found.next().flatten().as_deref()).ok()?.1,
            None => 0,
        };
        broken.is_empty().then_some((group, window))
    }

    /// Returns whether a filter, a contract or `prepare` has to see the whole record first.
    fn needs_document(&self) -> bool {
        let steps = &self.steps;
        steps.filter.is_some() || steps.source_contract.is_some() || steps.prepare.is_some()
    }
}

impl Aggregate {
    /// Finds the values in a document.
    fn found<'r>(&self, document: &Document, scope: &mut Scope<'_>) -> Result<Found<'r>, Refusal> {
        let text = |value: &Value| (!value.is_null()).then(|| Cow::Owned(value.to_json()));
        let mut found = Found::new();
        for field in &self.by {
            found.push(match &field.from {
                From::Path(path) => scope.place_in(document, path).and_then(|value| text(&value)),
                From::Expression(expression) => {
                    let value = expression.value(document, scope);
                    match value.map_err(|refusal| refusal.rule(&field.name))? {
                        Evaluated::Value(value) => text(&value),
                        Evaluated::Omit => None,
                    }
                }
            });
        }
        let rest = paths(&[], self.windowing.as_ref(), &self.measures);
        let rest = rest.map(|path| scope.place_in(document, path).and_then(|value| text(&value)));
        found.extend(rest);
        Ok(found)
    }

    /// Puts a reading together from its values.
    ///
    /// # Errors
    /// The [`Refusal`], with every violation.
    fn reading<'r>(&self, data: &'r str, found: Found<'r>) -> Result<Reading<'r>, Refusal> {
        let mut broken = Vec::new();
        let present = Present::of(&found);
        let mut found = found.into_iter();
        let group = self.group(&mut found, &mut broken);
        let mut reading = Reading {
            group,
            time: 0,
            window: 0,
            values: SmallVec::new(),
            orders: Vec::new(),
            present,
        };
        if let Some(windowing) = &self.windowing {
            let time = found.next().flatten();
            match windowing.place(time.as_deref()) {
                Ok((time, window)) => (reading.time, reading.window) = (time, window),
                Err(why) => broken.push(not_timed(windowing, data, time.as_deref(), why)),
            }
        }
        for (at, field) in self.measures.iter().enumerate() {
            let value = match &field.of {
                Measured::Path(path) => {
                    let value = found.next().flatten();
                    value.and_then(|json| match Measurement::read(&field.measure, json.clone()) {
                        Ok(value) => Some(value),
                        Err(why) => {
                            broken.push(not_measured(path, &json, why, field.measure.texts));
                            None
                        }
                    })
                }
                Measured::List { parts, values, order } => {
                    let element = element(data, parts, *values, &mut found);
                    if order.is_some() {
                        reading.orders.resize(at, None);
                        reading.orders.push(found.next().flatten());
                    }
                    element.map(Measurement::element)
                }
            };
            reading.values.push(value);
        }
        if !reading.orders.is_empty() {
            reading.orders.resize(self.measures.len(), None);
        }
        let mut broken = broken.into_iter();
        let Some(first) = broken.next() else {
            return Ok(reading);
        };
        let mut refusal = Refusal::from(first);
        refusal.violations.extend(broken);
        Err(refusal)
    }

    /// Returns the text of the group.
    fn group<'r>(
        &self,
        found: &mut impl Iterator<Item = Option<Cow<'r, str>>>,
        broken: &mut Vec<Violation>,
    ) -> String {
        let mut group = String::with_capacity(16);
        group.push('[');
        for field in &self.by {
            let value = found.next().flatten();
            if group.len() > 1 {
                group.push(',');
            }
            if !group::push_value(value.as_deref(), &mut group) {
                let expected = "a string without NUL, a number of at most 28 digits, a boolean or null";
                broken.push(match &field.from {
                    From::Path(path) => Violation::new("aggregate.group", path.pointer()).expected(expected),
                    From::Expression(_) => Violation::new("aggregate.group", "")
                        .expected(expected)
                        .rule(field.name.as_str()),
                });
            }
        }
        group.push(']');
        group
    }
}

impl Windowing {
    /// Returns the time of a reading and the beginning of its window, from the JSON text of its time.
    fn place(&self, json: Option<&str>) -> Result<(i64, i64), NoTime> {
        let json = json.ok_or(NoTime::Unreadable)?;
        let text = match json.as_bytes() {
            [b'"', .., b'"'] if !json.contains('\\') => Cow::Borrowed(&json[1..json.len() - 1]),
            [b'"', ..] => match Value::Raw(json.into()).as_text() {
                Some(text) => Cow::Owned(text.into_owned()),
                None => return Err(NoTime::Unreadable),
            },
            // A format may be one of numbers, such as `%Y%m%d` or seconds since 1970.
            [b'-' | b'0'..=b'9', ..] if !self.formats.is_empty() => Cow::Borrowed(json),
            _ => return Err(NoTime::Unreadable),
        };
        let time = self.reader.read(&text).map_err(|why| match why {
            Unread::Unparsed => NoTime::Unreadable,
            why => NoTime::Unread(why),
        })?;
        match self.windows.start_of(time) {
            Some(window) => Ok((time, window)),
            None => Err(NoTime::Far),
        }
    }
}

/// Makes an element of a list: a whole record, a value, or an object of those parts that are there.
fn element<'r>(
    data: &'r str,
    parts: &[Path],
    values: bool,
    found: &mut impl Iterator<Item = Option<Cow<'r, str>>>,
) -> Option<Cow<'r, str>> {
    if parts.is_empty() {
        return Some(Cow::Borrowed(data));
    }
    if values {
        return found.next().flatten();
    }
    let mut object = String::from("{");
    for path in parts {
        let Some(json) = found.next().flatten() else {
            continue;
        };
        if let Segment::Key(name) = path.last() {
            if object.len() > 1 {
                object.push(',');
            }
            Value::text(name).write(&mut object);
            object.push(':');
            object.push_str(&json);
        }
    }
    object.push('}');
    Some(Cow::Owned(object))
}

//! How a window is written, and read again.

use std::borrow::Cow;
use std::sync::Arc;

use super::compile::{FILLED, WINDOW};
use super::compiled::{Aggregate, Windowing};
use super::group;
use crate::aggregate::{Measured, Partial, Shown, Take, TooMany, Windows};
use crate::expression::{Evaluated, Scope};
use crate::record::{Document, HasName as _, Record, RecordNumber, Value, elements, parts_of, within};
use crate::refusal::{Refusal, Violation};
use crate::stage::finish::{parse, too_much};
use crate::stage::{Output, Stage};

/// The id of the only window of a stage without groups and without time.
const ALL: &str = "all";

/// A window's row, read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowRow {
    /// As in a reading.
    pub(crate) group: String,
    /// As measured: what was filled is null.
    pub(crate) measured: Measured,
}

/// A window that breaks the contract, or of which something cannot be measured.
#[derive(Clone, Debug)]
pub(crate) struct RefusedWindow {
    pub(crate) output: Output,
    pub(crate) refusal: Refusal,
}

impl Aggregate {
    /// Measures a window: the results of all takes, in the order of its fields. What was too many is null, and why a
    /// window is refused: `aggregate.too_many`.
    pub(crate) fn measured(
        &self,
        start: i64,
        rows: u64,
        partials: &[Partial],
    ) -> (Measured, Option<TooMany>) {
        let mut values = Vec::with_capacity(self.series.measures.len());
        let mut too_many = None;
        for (field, partial) in self.measures.iter().zip(partials) {
            for take in &field.measure.takes {
                let result = partial.result(&field.measure, take);
                values.push(result.unwrap_or_else(|why| {
                    too_many = Some(why);
                    None
                }));
            }
        }
        let values = values.into_iter().map(|value| value.map(String::into_boxed_str));
        let measured = Measured {
            start,
            rows,
            values: values.collect(),
        };
        (measured, too_many)
    }

    /// Returns why a window is refused of which there are too many values: each result that cannot be measured.
    pub(crate) fn too_many(&self, partials: &[Partial]) -> Refusal {
        let mut broken = Vec::new();
        for (field, partial) in self.measures.iter().zip(partials) {
            for (take, name) in field.measure.takes.iter().zip(&field.names) {
                if partial.result(&field.measure, take).is_err() {
                    let key = match take {
                        Take::List(_) => "limit",
                        _ => "exact",
                    };
                    let expected = format!(
                        "at most {} values in a window, as `{key}` says",
                        field.measure.exact
                    );
                    let pointer = crate::path::Path::field(name).pointer();
                    broken.push(Violation::new("aggregate.too_many", pointer).expected(expected));
                }
            }
        }
        let mut refusal = Refusal::new("aggregate.too_many", "");
        if !broken.is_empty() {
            refusal.violations = broken;
        }
        refusal
    }

    /// Returns the id of a window: the values of its group and its beginning, joined by `/`.
    pub(crate) fn window_id(&self, group: &str, start: i64) -> String {
        let mut id = self.group_prefix(group);
        if self.windowing.is_some() {
            id.push_str(&Windows::utc(start));
        }
        id
    }

    /// Returns what the ids of a group's windows begin with.
    pub(crate) fn group_prefix(&self, group: &str) -> String {
        let mut prefix = String::with_capacity(group.len() + 24);
        for (at, value) in group::values(group).enumerate() {
            if at > 0 {
                prefix.push('/');
            }
            group::push_part(value, &mut prefix);
        }
        match (self.by.is_empty(), &self.windowing) {
            (true, None) => ALL.to_owned(),
            (false, Some(_)) => prefix + "/",
            _ => prefix,
        }
    }

    /// Returns a window with readings of which no result is known.
    pub(crate) fn unmeasured(&self, start: i64, rows: u64) -> Measured {
        Measured {
            start,
            rows,
            values: vec![None; self.series.measures.len()],
        }
    }

    /// Reads the row of a window; `None` if it is none.
    pub(crate) fn window_in(&self, data: &str) -> Option<WindowRow> {
        let fields = parts_of(data)?;
        let field = |name: &str| {
            let found = fields.iter().find(|field| field.is(name));
            found.map(|field| field.value)
        };
        let mut group = String::from("[");
        for by in &self.by {
            if group.len() > 1 {
                group.push(',');
            }
            group::push_value(Some(field(&by.name)?), &mut group).then_some(())?;
        }
        group.push(']');
        let start = match &self.windowing {
            Some(windowing) => windowing.start_in(field(&windowing.name)?)?,
            None => 0,
        };
        let rows = field(&self.rows)?.parse().ok()?;
        let filled = match field(FILLED) {
            Some(list) if !self.series.fills.is_empty() => texts(list)?,
            _ => Vec::new(),
        };
        let value = |name: &str| match field(name) {
            Some("null") | None => None,
            Some(_) if filled.iter().any(|filled| filled == name) => None,
            Some(json) => Some(json.into()),
        };
        let values = self.results().map(|(name, _)| value(name)).collect();
        Some(WindowRow {
            group,
            measured: Measured { start, rows, values },
        })
    }
}

/// Returns the strings of a list.
fn texts(list: &str) -> Option<Vec<String>> {
    let is_list = list.starts_with('[');
    let text = |json: &str| Value::Raw(json.into()).as_text().map(Cow::into_owned);
    is_list.then(|| elements(list).map(text).collect())?
}

impl Windowing {
    /// Returns the beginning of a window from its label.
    fn start_in(&self, label: &str) -> Option<i64> {
        let label = Windows::from_utc(label.strip_prefix('"')?.strip_suffix('"')?)?;
        if self.labels_end {
            self.windows.start_of(label.checked_sub(1)?)
        } else {
            Some(label)
        }
    }
}

/// The fields of a window, as JSON texts.
struct Row<'w> {
    fields: Vec<(&'w str, Cow<'w, str>)>,
}

impl<'w> Row<'w> {
    fn push(&mut self, name: &'w str, json: impl Into<Cow<'w, str>>) {
        self.fields.push((name, json.into()));
    }

    /// Adds a string that needs no escapes.
    fn push_plain(&mut self, name: &'w str, text: &str) {
        self.push(name, format!("\"{text}\""));
    }

    fn push_value(&mut self, name: &'w str, value: Option<&'w str>) {
        self.push(name, value.unwrap_or("null"));
    }

    /// Returns the value of a name that an expression uses.
    fn value(&self, name: &str) -> Value {
        let name = name.strip_prefix(WINDOW).unwrap_or(name);
        let found = self.fields.iter().find(|(field, _)| *field == name);
        match found {
            Some((_, json)) => Value::Raw(json.as_ref().into()),
            // Nothing is filled.
            None if name == FILLED => Value::Raw("[]".into()),
            None => Value::null(),
        }
    }

    fn to_json(&self) -> String {
        let length: usize = self
            .fields
            .iter()
            .map(|(name, json)| name.len() + json.len() + 4)
            .sum();
        let mut out = String::with_capacity(length + 1);
        out.push('{');
        for (at, (name, json)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            Value::text(name).write(&mut out);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
        out
    }
}

impl Aggregate {
    /// Returns the fields of a window but those that are computed from the others.
    fn row<'w>(&'w self, group: &'w str, shown: &'w Shown) -> Row<'w> {
        let mut row = Row {
            fields: Vec::with_capacity(8 + self.series.measures.len() + self.rolling.len()),
        };
        for (by, value) in self.by.iter().zip(group::values(group)) {
            row.push(&by.name, value);
        }
        if let Some(windowing) = &self.windowing {
            let end = || windowing.windows.end_of(shown.start).unwrap_or(shown.start);
            let label = if windowing.labels_end { end() } else { shown.start };
            row.push_plain(&windowing.name, &Windows::utc(label));
            if let Some(name) = &windowing.end {
                row.push_plain(name, &Windows::utc(end()));
            }
            if let Some((name, zone)) = &windowing.local {
                row.push_plain(name, &Windows::local(shown.start, *zone));
            }
        }
        row.push(&self.rows, shown.rows.to_string());
        for ((name, _), value) in self.results().zip(&shown.values) {
            row.push_value(name, value.as_deref());
        }
        if !shown.filled.is_empty() {
            let names: Vec<&str> = self.results().map(|(name, _)| name).collect();
            let names = shown.filled.iter().filter_map(|at| names.get(*at));
            let names: Vec<String> = names.map(|name| Value::text(name).to_json()).collect();
            row.push(FILLED, format!("[{}]", names.join(",")));
        }
        for (name, value) in self.rolling.iter().zip(&shown.rolling) {
            row.push_value(name, value.as_deref());
        }
        for ((name, score), (is_one, distance)) in self.anomalies.iter().zip(&shown.anomalies) {
            row.push(name, if *is_one { "true" } else { "false" });
            if let Some(score) = score {
                row.push_value(score, distance.as_deref());
            }
        }
        row
    }

    /// Adds the fields that are computed from the others. Returns the refusal of one that cannot be; it is null.
    fn compute<'w>(&'w self, row: &mut Row<'w>, scope: &mut Scope<'_>) -> Option<Refusal> {
        let nothing = Document::default();
        let mut refused = None;
        for field in &self.fields {
            for name in &field.uses {
                scope.supply_value(&Arc::clone(name), row.value(name));
            }
            match field.expression.value(&nothing, scope) {
                Ok(Evaluated::Value(value)) => row.push(&field.name, value.to_json()),
                Ok(Evaluated::Omit) => {}
                Err(refusal) => {
                    refused.get_or_insert(refusal.rule(&field.name));
                    row.push(&field.name, "null");
                }
            }
        }
        refused
    }
}

impl Stage {
    /// Writes a window, with its fields and under its contract.
    ///
    /// # Errors
    /// What would be written, and why it is refused.
    pub(crate) fn window_of(
        &self,
        aggregate: &Aggregate,
        group: &str,
        shown: &Shown,
        scope: &mut Scope<'_>,
    ) -> Result<Output, Box<RefusedWindow>> {
        let mut row = aggregate.row(group, shown);
        let refused = aggregate.compute(&mut row, scope);
        let output = Output {
            id: aggregate.window_id(group, shown.start),
            data: row.to_json(),
        };
        let checked = match refused {
            Some(refusal) => Err(refusal),
            None => self.check_window(&output, scope),
        };
        match checked {
            Ok(()) => Ok(output),
            Err(refusal) => Err(Box::new(RefusedWindow {
                output,
                refusal: refusal.cut_at(self.redact()),
            })),
        }
    }

    fn check_window(&self, output: &Output, scope: &mut Scope<'_>) -> Result<(), Refusal> {
        within(&output.data, &scope.context().limits).map_err(|error| too_much(&error))?;
        if self.contract().is_empty() {
            return Ok(());
        }
        // A window comes from many records, none of which is its earlier form.
        let none = Record {
            number: RecordNumber::BEFORE_FIRST,
            id: String::new(),
            data: String::new(),
        };
        self.check_target(&parse(&output.data)?, &none, scope)
    }
}

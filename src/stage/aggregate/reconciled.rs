//! What both sides of a stage that aggregates must agree on, without being asked.

use super::compiled::{Aggregate, From, Measured};
use crate::aggregate::Take;
use crate::expression::Expression;
use crate::path::{Path, Segment};
use crate::problem::{Place, Problem};
use crate::stage::Stage;

/// A sum that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SummedField {
    /// Name of the field in the windows.
    pub(crate) name: String,
    /// Position among what is measured.
    pub(crate) measure: usize,
    /// Position among the results of the measures.
    pub(crate) result: usize,
}

/// Name of what compares the numbers of readings.
pub(crate) const READINGS: &str = "readings";

impl Aggregate {
    /// Returns whether both sides are compared under this name without being asked.
    pub(in crate::stage) fn compares(&self, name: &str) -> bool {
        let sum = |(result, take): (&str, &Take)| *take == Take::Sum && result == name;
        name == READINGS || self.results().any(sum)
    }

    /// Returns whether windows have groups.
    pub(crate) fn has_groups(&self) -> bool {
        !self.by.is_empty()
    }

    /// Returns the names of the fields that a window may have.
    fn field_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by.iter().map(|field| field.name.as_str()).collect();
        if let Some(windowing) = &self.windowing {
            names.push(&windowing.name);
            names.extend(windowing.end.as_deref());
            names.extend(windowing.local.as_ref().map(|(name, _)| name.as_str()));
        }
        names.push(&self.rows);
        names.extend(
            self.measures
                .iter()
                .flat_map(|field| &field.names)
                .map(String::as_str),
        );
        if !self.series.fills.is_empty() {
            names.push(super::compile::FILLED);
        }
        names.extend(self.rolling.iter().map(String::as_str));
        for (name, score) in &self.anomalies {
            names.push(name);
            names.extend(score.as_deref());
        }
        names.extend(self.fields.iter().map(|field| field.name.as_str()));
        names
    }

    /// Returns the problem if an expression over a window reads a field that windows do not have.
    pub(in crate::stage) fn unknown_field(&self, expression: &Expression, place: &Place) -> Option<Problem> {
        let known = self.field_names();
        let first = |path: &Path| match path.segments().first() {
            Some(Segment::Key(name)) => Some(name.clone()),
            _ => None,
        };
        let reads = expression.reads();
        let name = reads
            .iter()
            .filter_map(first)
            .find(|name| !known.contains(&name.as_str()))?;
        let message = format!("`[aggregate]` makes windows without a field `{name}`");
        let problem = Problem::error("stage.unknown_field", place.clone(), message);
        Some(
            problem
                .help(format!("their fields are: {}", known.join(", ")))
                .did_you_mean(&name, known),
        )
    }

    /// Returns the paths that the groups are made of.
    pub fn group_reads(&self) -> Vec<Path> {
        let reads = self.by.iter().map(|field| match &field.from {
            From::Path(path) => vec![path.clone()],
            From::Expression(expression) => expression.reads(),
        });
        reads.flatten().collect()
    }

    /// Returns the part of a window's id that its group is; `None` if nothing is grouped by.
    pub(crate) fn group_in_id<'i>(&self, id: &'i str) -> Option<&'i str> {
        if self.by.is_empty() {
            return None;
        }
        match &self.windowing {
            Some(_) => Some(id.rsplit_once('/').map_or(id, |(group, _)| group)),
            None => Some(id),
        }
    }
}

impl Stage {
    /// Returns whether its two sides are compared: a stage that aggregates is, without being asked.
    #[must_use]
    pub fn is_reconciled(&self) -> bool {
        !self.reconciles().is_empty() || self.aggregate().is_some()
    }

    /// Returns the sums that both sides have, but those of redacted values.
    pub(crate) fn summed_fields(&self) -> Vec<SummedField> {
        let Some(aggregate) = self.aggregate() else {
            return Vec::new();
        };
        let is_redacted = |path: &Path| {
            self.redact()
                .iter()
                .any(|redact| redact.covers(path) || path.covers(redact))
        };
        let (mut fields, mut result) = (Vec::new(), 0);
        for (measure, field) in aggregate.measures.iter().enumerate() {
            for (take, name) in field.measure.takes.iter().zip(&field.names) {
                if let (Take::Sum, Measured::Path(path)) = (take, &field.of)
                    && !is_redacted(path)
                    && !is_redacted(&Path::field(name))
                {
                    let name = name.clone();
                    fields.push(SummedField {
                        name,
                        measure,
                        result,
                    });
                }
                result += 1;
            }
        }
        fields
    }
}

//! What both sides of a stage that aggregates must agree on, without being asked.

use super::compiled::{Aggregate, From, Measured};
use crate::aggregate::Take;
use crate::path::Path;
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
    /// Returns whether windows have groups.
    pub(crate) fn has_groups(&self) -> bool {
        !self.by.is_empty()
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

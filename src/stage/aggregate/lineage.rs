//! Where the fields of a window come from.

use std::sync::Arc;

use super::compile::{FILLED, WINDOW};
use super::compiled::{Aggregate, From, Measured};
use crate::lineage::{Dependence, Flow, Shape, SourceField, Sources};
use crate::path::Path;

impl Aggregate {
    /// Follows the aggregate. The groups and the time decide which readings a window has; a rolling measure and an anomaly
    /// come from the same fields of earlier readings.
    pub(in crate::stage) fn follow(&self, flow: &mut Flow) {
        let mut fields: Vec<(String, Shape)> = Vec::new();
        let mut placing = Sources::none();
        for group in &self.by {
            let shape = match &group.from {
                From::Path(path) => flow.at(path),
                From::Expression(expression) => expression.lineage(flow),
            };
            placing = placing.and(&shape.sources());
            fields.push((group.name.clone(), shape));
        }
        if let Some(windowing) = &self.windowing {
            let time = flow.sources(std::slice::from_ref(&windowing.time));
            placing = placing.and(&time);
            let time = Shape::made(time.made(Dependence::Transformation));
            let local = windowing.local.as_ref().map(|(name, _)| name);
            for name in [Some(&windowing.name), windowing.end.as_ref(), local]
                .into_iter()
                .flatten()
            {
                fields.push((name.clone(), time.clone()));
            }
        }
        let rows = placing.clone().made(Dependence::Aggregation);
        fields.push((self.rows.clone(), Shape::made(rows)));
        let results = self.measured_sources(flow, &placing);
        let names = self.results().map(|(name, _)| name.to_owned());
        fields.extend(names.zip(results.iter().cloned().map(Shape::made)));
        let of = |at: usize| results.get(at).cloned().unwrap_or_default();
        if !self.series.fills.is_empty() {
            let filled = self.series.fills.iter().map(|fill| of(fill.of));
            let filled = filled.fold(Sources::none(), |all, more| all.and(&more));
            fields.push((
                FILLED.to_owned(),
                Shape::made(filled.deciding(Dependence::Conditional)),
            ));
        }
        let rolling = self.series.rolling.iter();
        let rolling = rolling.flat_map(|rule| rule.takes.iter().map(|_| of(rule.of)));
        fields.extend(self.rolling.iter().cloned().zip(rolling.map(Shape::made)));
        for (rule, (name, score)) in self.series.anomalies.iter().zip(&self.anomalies) {
            for name in [Some(name), score.as_ref()].into_iter().flatten() {
                fields.push((name.clone(), Shape::made(of(rule.of))));
            }
        }
        for (name, shape) in &fields {
            flow.prepare(&Arc::from(format!("{WINDOW}{name}")), shape.clone());
        }
        for field in &self.fields {
            let shape = field.expression.lineage(flow);
            flow.prepare(&Arc::from(format!("{WINDOW}{}", field.name)), shape.clone());
            fields.push((field.name.clone(), shape));
        }
        flow.filter(placing.clone());
        flow.rekey(placing.made(Dependence::Transformation));
        flow.replace(Shape::object(fields));
    }

    /// Returns the sources of each result.
    fn measured_sources(&self, flow: &Flow, placing: &Sources) -> Vec<Sources> {
        let deciding = placing.clone().deciding(Dependence::Conditional);
        let mut results = Vec::new();
        for field in &self.measures {
            let sources = match &field.of {
                Measured::List { parts, .. } if parts.is_empty() => Sources::from_origin(SourceField::Record),
                of => of.paths().fold(Sources::none(), |all, path: &Path| {
                    all.and(&flow.sources(std::slice::from_ref(path)))
                }),
            };
            let sources = sources.made(Dependence::Aggregation).and(&deciding);
            results.extend(field.names.iter().map(|_| sources.clone()));
        }
        results
    }
}

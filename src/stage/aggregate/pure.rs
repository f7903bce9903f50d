//! Windows of a few records in memory, as a first pass over them would write them.

use std::collections::BTreeMap;

use super::compiled::Aggregate;
use super::window::RefusedWindow;
use crate::aggregate::{Measured, Partial, Series, Shown};
use crate::context::Context;
use crate::expression::Scope;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::stage::{Output, Stage};

/// What is known of a window.
#[derive(Default)]
struct Gathered {
    rows: u64,
    partials: Vec<Partial>,
}

/// The windows of each group, by their beginnings.
type Groups = BTreeMap<String, BTreeMap<i64, Gathered>>;

impl Stage {
    /// Returns the windows of these records as a first pass over them would write them, in the order of their beginnings and
    /// then of their groups: for tests and other hosts. Records that `where` leaves out have no part in it. Needs no store;
    /// all of it is in memory. A stage that does not aggregate makes none.
    ///
    /// ```
    /// use counterfoil::context::Context;
    /// use counterfoil::environment::Secrets;
    /// use counterfoil::record::{Record, RecordNumber};
    /// use counterfoil::stage::{Lookup, Stage};
    ///
    /// let text = "[stage]\nsource = 'readings'\ntarget = 'windows'\n[aggregate]\nby = 'sensor'\ntime = 'at'\n\
    ///             every = '5m'\nmeasures = { celsius = 'max' }\n";
    /// let stage = Stage::parse("0001_windows.toml", text, &Lookup::nothing())?;
    /// let record = |number, data: &str| Record {
    ///     number: RecordNumber::new(number),
    ///     id: number.to_string(),
    ///     data: data.to_owned(),
    /// };
    /// let records = [
    ///     record(1, r#"{"sensor":7,"at":"2026-03-01T00:06:00Z","celsius":21.5}"#),
    ///     record(2, r#"{"sensor":7,"at":"2026-03-01T00:09:59Z","celsius":22.0}"#),
    /// ];
    /// let secrets = Secrets::default();
    /// let windows = stage.windows(&records, &Context::new("doc", 1, &secrets))?;
    /// assert_eq!(windows[0].id, "7/2026-03-01T00:05:00Z");
    /// assert_eq!(
    ///     windows[0].data,
    ///     r#"{"sensor":7,"window":"2026-03-01T00:05:00Z","sample_count":2,"celsius_max":22.0}"#
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The [`Refusal`] of the first reading, or of the first window, that is refused.
    pub fn windows(&self, records: &[Record], context: &Context<'_>) -> Result<Vec<Output>, Refusal> {
        let Some(aggregate) = self.aggregate() else {
            return Ok(Vec::new());
        };
        let (groups, newest) = self.gathered(aggregate, records, context)?;
        // Windows that end later are held back.
        let until = aggregate
            .hold()
            .zip(newest)
            .map(|(hold, newest)| newest.saturating_sub(hold));
        let mut outputs = Vec::new();
        for (group, windows) in &groups {
            let mut shown = Vec::new();
            let mut series = aggregate
                .windows()
                .map(|windows| Series::new(aggregate.series(), windows));
            for (start, gathered) in windows {
                let end = aggregate.windows().and_then(|windows| windows.end_of(*start));
                if until.zip(end).is_some_and(|(until, end)| end > until) {
                    continue;
                }
                let (measured, too_many) = aggregate.measured(*start, gathered.rows, &gathered.partials);
                if too_many.is_some() {
                    return Err(aggregate.too_many(&gathered.partials));
                }
                match &mut series {
                    Some(series) => {
                        series.push(measured, &mut |window| shown.push(window));
                    }
                    None => shown.push(total(measured)),
                }
            }
            for window in shown {
                let mut scope = Scope::new(*context);
                let output = self.window_of(aggregate, group, &window, &mut scope);
                let output = output.map_err(|refused: Box<RefusedWindow>| refused.refusal)?;
                outputs.push((window.start, output));
            }
        }
        outputs.sort_by_key(|(start, _)| *start);
        Ok(outputs.into_iter().map(|(_, output)| output).collect())
    }

    /// Returns what is known of each window, and the newest time.
    fn gathered(
        &self,
        aggregate: &Aggregate,
        records: &[Record],
        context: &Context<'_>,
    ) -> Result<(Groups, Option<i64>), Refusal> {
        let mut groups = Groups::new();
        let mut newest = None;
        for record in records {
            let reading = self.reading_in(aggregate, &record.data, || context.id(&record.id))?;
            let Some(reading) = reading else { continue };
            newest = newest.max(Some(reading.time));
            let windows = groups.entry(reading.group).or_default();
            let window = windows.entry(reading.window).or_default();
            window.rows += 1;
            window
                .partials
                .resize_with(aggregate.measures().len(), Partial::default);
            let values = reading.values.iter().zip(aggregate.measures());
            for (at, ((value, measure), partial)) in values.zip(&mut window.partials).enumerate() {
                let order = reading.orders.get(at).and_then(Option::as_deref);
                if let Some(value) = value {
                    partial.add(measure, record.number, reading.time, value, order);
                }
            }
        }
        Ok((groups, newest))
    }
}

/// Shows what is not a window of time.
fn total(measured: Measured) -> Shown {
    Shown {
        start: measured.start,
        rows: measured.rows,
        values: measured.values,
        filled: Vec::new(),
        rolling: Vec::new(),
        anomalies: Vec::new(),
    }
}

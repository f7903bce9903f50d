//! The windows of the stages that a run has aggregated with, as the store is now: group by group, and drawn for those with
//! most anomalies.

mod columns;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

pub use columns::{Column, SeriesChart};

use columns::Scale;

use crate::aggregate::Windows;
use crate::error::Result;
use crate::history::HiddenIds;
use crate::ledger::revisions;
use crate::ledger::run_outcome::PassOutcome;
use crate::path::Path;
use crate::record::{MaskRelation, PassId, REDACTED};
use crate::stage::{Aggregate, Charted, Stage};
use crate::store::{Store, Table};

/// Number of groups that are drawn.
const DRAWN: usize = 24;
/// Maximum number of groups that are listed.
const LISTED: usize = 1_000;

/// The windows of a stage that aggregates.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct StageSeries {
    /// Newest of its passes in the run.
    pub pass: PassId,
    /// Number of the stage.
    pub stage: u32,
    /// Name of the stage.
    pub slug: String,
    /// Database that it read.
    pub source: Option<String>,
    /// Database that it wrote.
    pub target: Option<String>,
    /// Measure that is drawn; `None` if there is none, or if its values are redacted.
    pub measure: Option<String>,
    /// Measures of the band around it: least and greatest.
    pub band: Option<[String; 2]>,
    /// Whether the values of the measure are redacted.
    pub redacted: bool,
    /// Number of groups.
    pub group_count: u64,
    /// Number of windows, empty ones included.
    pub windows: u64,
    /// Number of windows without readings.
    pub empty: u64,
    /// Number of windows that an anomaly marks.
    pub anomalies: u64,
    /// The groups, those with most anomalies first; at most 1,000.
    pub groups: Vec<GroupSeries>,
}

/// The windows of one group.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct GroupSeries {
    /// Values that it is grouped by.
    pub group: String,
    /// Number of its windows, empty ones included.
    pub windows: u64,
    /// Number of its windows without readings.
    pub empty: u64,
    /// Number of its readings.
    pub readings: u64,
    /// Number of its windows that an anomaly marks.
    pub anomalies: u64,
    /// Beginning of its first window, ISO 8601 in UTC.
    pub first: String,
    /// Beginning of its last window, ISO 8601 in UTC.
    pub last: String,
    /// What is drawn of it.
    #[serde(skip)]
    pub chart: Option<SeriesChart>,
}

/// What is counted of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    windows: u64,
    empty: u64,
    readings: u64,
    anomalies: u64,
    first: i64,
    last: i64,
}

/// Collects the windows of the stages that aggregate.
pub(super) fn series(store: &Store, passes: &[PassOutcome], redact: &[Path]) -> Result<Vec<StageSeries>> {
    let applied = passes.iter().filter(|pass| pass.kind == "apply");
    let newest: BTreeMap<u32, &PassOutcome> = applied.filter_map(|pass| Some((pass.stage?, pass))).collect();
    if newest.is_empty() {
        return Ok(Vec::new());
    }
    let mut all_redacted = store.redacted_paths()?;
    all_redacted.extend(redact.iter().cloned());
    let revisions = revisions::all(store.connection())?;
    let mut series = Vec::new();
    for (number, pass) in newest {
        let of_stage = revisions.iter().rev();
        let revision = of_stage
            .filter(|revision| revision.number == number && Some(&revision.slug) == pass.slug.as_ref())
            .find(|revision| revision.meaning.contains("\"aggregate\""));
        let stage = revision.and_then(|of| Stage::as_applied(number, &of.slug, &of.source_text, &of.meaning));
        let Some(stage) = stage else { continue };
        if let Some(aggregate) = stage
            .aggregate()
            .filter(|aggregate| aggregate.windows().is_some())
        {
            let reader = Reader {
                store,
                stage: &stage,
                aggregate,
                redact: &all_redacted,
            };
            series.push(reader.read(pass)?);
        }
    }
    Ok(series)
}

/// Reads the windows of a stage.
struct Reader<'r> {
    store: &'r Store,
    stage: &'r Stage,
    aggregate: &'r Aggregate,
    redact: &'r [Path],
}

impl Reader<'_> {
    fn read(&self, pass: &PassOutcome) -> Result<StageSeries> {
        let charted = self.aggregate.charted();
        let redacted = charted.as_ref().is_some_and(|charted| self.hides(charted));
        let charted = charted.filter(|_| !redacted);
        let mut counted: Vec<(String, Counted)> = self.counted()?.into_iter().collect();
        counted.sort_unstable_by(|(left, a), (right, b)| {
            (Reverse(a.anomalies), left.len(), left).cmp(&(Reverse(b.anomalies), right.len(), right))
        });
        let sum = |of: fn(&Counted) -> u64| counted.iter().map(|(_, counted)| of(counted)).sum();
        let (windows, empty, anomalies) = (sum(|of| of.windows), sum(|of| of.empty), sum(|of| of.anomalies));
        let group_count = counted.len() as u64;
        counted.truncate(LISTED);
        let mut charts = match &charted {
            Some(charted) => self.charts(charted, &counted[..counted.len().min(DRAWN)])?,
            None => HashMap::new(),
        };
        let hidden = HiddenIds::new(self.store, [], self.redact)?.hides(self.stage.target());
        let groups = counted.into_iter().map(|(group, of)| GroupSeries {
            chart: charts.remove(&group),
            group: if hidden {
                REDACTED.to_owned()
            } else {
                words(&group)
            },
            windows: of.windows,
            empty: of.empty,
            readings: of.readings,
            anomalies: of.anomalies,
            first: Windows::utc(of.first),
            last: Windows::utc(of.last),
        });
        Ok(StageSeries {
            pass: pass.pass,
            stage: self.stage.number(),
            slug: self.stage.slug().to_owned(),
            source: pass.source.clone(),
            target: pass.target.clone(),
            measure: charted.as_ref().map(|charted| charted.line.0.to_owned()),
            band: charted
                .as_ref()
                .and_then(|charted| Some(charted.band?.map(|(name, _)| name.to_owned()))),
            redacted,
            group_count,
            windows,
            empty,
            anomalies,
            groups: groups.collect(),
        })
    }

    /// Returns whether something that would be drawn is redacted.
    fn hides(&self, charted: &Charted<'_>) -> bool {
        let band = charted.band.iter().flatten().map(|(name, _)| *name);
        let names = band.chain([charted.line.0]).map(Path::field);
        let mut places = names.chain([charted.path.clone()]);
        places.any(|place| {
            let mut redact = self.redact.iter();
            redact.any(|redact| MaskRelation::new(redact, place.segments()).may_hide())
        })
    }

    fn counted(&self) -> Result<HashMap<String, Counted>> {
        let mut groups: HashMap<String, Counted> = HashMap::new();
        let target = Table::from_name(self.stage.target())?;
        target.each(self.store.connection(), |record| {
            let Some(window) = self.aggregate.window_in(&record.data) else {
                return Ok(());
            };
            let (start, rows) = (window.measured.start, window.measured.rows);
            let of = groups.entry(window.group).or_insert(Counted {
                first: start,
                last: start,
                ..Counted::default()
            });
            of.windows += 1;
            of.empty += u64::from(rows == 0);
            of.readings += rows;
            of.anomalies += u64::from(self.aggregate.marks(&record.data));
            (of.first, of.last) = (of.first.min(start), of.last.max(start));
            Ok(())
        })?;
        Ok(groups)
    }

    /// Returns what is drawn of some groups.
    fn charts(
        &self,
        charted: &Charted<'_>,
        of: &[(String, Counted)],
    ) -> Result<HashMap<String, SeriesChart>> {
        let (Some(windows), Some(first), Some(last)) = (
            self.aggregate.windows(),
            of.iter().map(|(_, of)| of.first).min(),
            of.iter().map(|(_, of)| of.last).max(),
        ) else {
            return Ok(HashMap::new());
        };
        // Charts of the same time stand one below the other; what would be a sliver of it has its own.
        let charts = of.iter().map(|(group, of)| {
            let is_long = of.last.abs_diff(of.first) >= last.abs_diff(first) / 2;
            let (first, last) = if is_long {
                (first, last)
            } else {
                (of.first, of.last)
            };
            let scale = Scale::new(windows, first, last);
            (group.clone(), (SeriesChart::new(&scale), scale))
        });
        let mut charts: HashMap<String, (SeriesChart, Scale<'_>)> = charts.collect();
        let target = Table::from_name(self.stage.target())?;
        target.each(self.store.connection(), |record| {
            if let Some(window) = self.aggregate.window_in(&record.data)
                && let Some((chart, scale)) = charts.get_mut(&window.group)
            {
                let at = |position: usize| window.measured.values[position].as_deref();
                let band = charted.band.map(|band| band.map(|(_, position)| at(position)));
                chart.add(
                    scale,
                    window.measured.start,
                    at(charted.line.1),
                    band,
                    self.aggregate.marks(&record.data),
                );
            }
            Ok(())
        })?;
        Ok(charts
            .into_iter()
            .map(|(group, (chart, _))| (group, chart))
            .collect())
    }
}

/// Renders the values of a group: `7, north` for `[7,"north"]`.
fn words(group: &str) -> String {
    let Ok(serde_json::Value::Array(values)) = serde_json::from_str(group) else {
        return group.to_owned();
    };
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match &values[..] {
        [] => "all".to_owned(),
        values => values.iter().map(value).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
pub(super) mod tests;

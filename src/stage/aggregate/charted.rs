//! What a chart shows of the windows of a stage.

use super::compiled::{Aggregate, Measured};
use crate::aggregate::Take;
use crate::path::Path;
use crate::record::{HasName as _, parts_of};

/// What a chart shows of the windows of a stage: one measure, and the least and greatest values around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charted<'a> {
    /// Its name, and its position among the values of a window.
    pub(crate) line: (&'a str, usize),
    /// The same of least and greatest.
    pub(crate) band: Option<[(&'a str, usize); 2]>,
    /// What is measured.
    pub(crate) path: &'a Path,
}

impl Aggregate {
    /// Returns what a chart shows: the first measure with an anomaly, else the first mean; `None` without either, and
    /// without windows of time.
    pub(crate) fn charted(&self) -> Option<Charted<'_>> {
        self.windows()?;
        let anomalies = self.series.anomalies.iter().map(|anomaly| anomaly.of);
        let mut means = self.results().enumerate();
        let mean = means.find_map(|(at, (_, take))| (*take == Take::Mean).then_some(at));
        anomalies.chain(mean).find_map(|at| self.charted_at(at))
    }

    fn charted_at(&self, of: usize) -> Option<Charted<'_>> {
        let mut first = 0;
        for field in &self.measures {
            let after = first + field.names.len();
            if (first..after).contains(&of) {
                let Measured::Path(path) = &field.of else {
                    return None;
                };
                let taken = |take: &Take| {
                    let at = field.measure.takes.iter().position(|taken| taken == take)?;
                    Some((field.names[at].as_str(), first + at))
                };
                return Some(Charted {
                    line: (&field.names[of - first], of),
                    band: taken(&Take::Min).zip(taken(&Take::Max)).map(Into::into),
                    path,
                });
            }
            first = after;
        }
        None
    }

    /// Returns whether any anomaly marks a window, given its row.
    pub(crate) fn marks(&self, data: &str) -> bool {
        let fields = parts_of(data).unwrap_or_default();
        let is_true = |name: &String| fields.iter().any(|field| field.is(name) && field.value == "true");
        self.anomalies.iter().any(|(name, _)| is_true(name))
    }
}

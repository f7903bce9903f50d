//! What of an aggregate is legal but probably not intended.

use rust_decimal::Decimal;

use super::compiled::{Aggregate, From, Measured};
use crate::aggregate::{Over, Rule, Take, Windows};
use crate::path::{Path, Segment};
use crate::problem::Place;

/// A rule that never marks a window.
pub(in crate::stage) struct SilentRule<'a> {
    pub(in crate::stage) name: &'a str,
    pub(in crate::stage) k: Decimal,
    /// Maximum number of windows that it is over.
    pub(in crate::stage) windows: u64,
    /// The greatest number of three places that could mark one.
    pub(in crate::stage) greatest: Decimal,
    pub(in crate::stage) place: Option<Place>,
}

/// A value of the readings that windows show.
pub(in crate::stage) struct ShownValue {
    /// `None`: any.
    pub(in crate::stage) path: Option<Path>,
    /// The field of the window that shows it.
    pub(in crate::stage) field: String,
    /// Whether it is a part of the ids.
    pub(in crate::stage) in_id: bool,
    pub(in crate::stage) place: Option<Place>,
}

impl Aggregate {
    /// Returns the place of the section.
    pub(in crate::stage) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Returns whether its windows, or one of their fields, follow the clocks of a zone.
    pub(in crate::stage) fn has_zone(&self) -> bool {
        self.windowing.as_ref().is_some_and(|windowing| {
            windowing.local.is_some() || !matches!(windowing.windows, Windows::Fixed { .. })
        })
    }

    /// Returns the zone of the readings' times, if windows follow the clocks of a zone.
    pub(in crate::stage) fn zone_of_times(&self) -> Option<&'static str> {
        let windowing = self.windowing.as_ref().filter(|_| self.has_zone())?;
        windowing
            .time_zone
            .filter(|zone| *zone != chrono_tz::UTC)
            .map(chrono_tz::Tz::name)
    }

    /// Returns whether all readings of a time are in one window.
    pub(in crate::stage) fn is_mixed(&self) -> bool {
        self.by.is_empty() && self.windowing.is_some()
    }

    /// Returns the rules that never mark a window: the greatest distance of one of n values from their mean is (n - 1) /
    /// sqrt(n) of their standard deviations.
    pub(in crate::stage) fn silent_rules(&self) -> Vec<SilentRule<'_>> {
        let mut silent = Vec::new();
        let rules = self.series.anomalies.iter().zip(&self.anomalies);
        for ((rule, (name, _)), place) in rules.zip(&self.anomaly_places) {
            let Rule::Z { over, k, .. } = &rule.rule else {
                continue;
            };
            let Some(windows) = self.most_windows(*over) else {
                continue;
            };
            let can_mark = |k: &Decimal| {
                let n = Decimal::from(windows);
                let square = k.checked_mul(*k).and_then(|square| square.checked_mul(n));
                square.is_some_and(|square| square < (n - Decimal::ONE) * (n - Decimal::ONE))
            };
            if can_mark(k) {
                continue;
            }
            let k_of = |thousandths: i64| Decimal::new(thousandths, 3);
            let (mut most, mut too_many) = (0, 1_000_000_000);
            while too_many - most > 1 {
                let middle = i64::midpoint(most, too_many);
                if can_mark(&k_of(middle)) {
                    most = middle;
                } else {
                    too_many = middle;
                }
            }
            silent.push(SilentRule {
                name,
                k: k.normalize(),
                windows,
                greatest: k_of(most).normalize(),
                place: place.clone(),
            });
        }
        silent
    }

    /// Returns how many windows a rule is over at most, as far as it is known.
    fn most_windows(&self, over: Over) -> Option<u64> {
        match (over, self.windows()) {
            (Over::Windows(windows), _) => Some(windows),
            (Over::Time(time), Some(Windows::Fixed { length, .. })) => u64::try_from(time)
                .ok()?
                .div_ceil(u64::try_from(*length).ok()?)
                .into(),
            (Over::Time(_), _) => None,
        }
    }

    /// Returns the measures that do not count readings of earlier windows but the windows: the path, the measure, its place.
    pub(in crate::stage) fn measures_of_measures(&self) -> Vec<(&Path, String, Option<Place>)> {
        let is_mean = |path: &Path| match path.last() {
            Segment::Key(name) => ["_mean", "_std", "_var", "_median"]
                .iter()
                .any(|end| name.len() > end.len() && name.ends_with(end)),
            _ => false,
        };
        let mut found = Vec::new();
        for field in &self.measures {
            let Measured::Path(path) = &field.of else { continue };
            let takes = field.measure.takes.iter();
            let mean = takes.filter(|take| matches!(take, Take::Mean | Take::Std | Take::Var | Take::Median));
            if is_mean(path) {
                found.extend(mean.map(|take| (path, take.name().into_owned(), field.place.clone())));
            }
        }
        found
    }

    /// Returns what to take the sum of, if there are means and no sum: the path, and its place in the file.
    pub(in crate::stage) fn without_sum(&self) -> Option<(&Path, Option<Place>)> {
        let mut takes = self.measures.iter().flat_map(|field| &field.measure.takes);
        if takes.any(|take| matches!(take, Take::Sum)) {
            return None;
        }
        self.measures.iter().find_map(|field| match &field.of {
            Measured::Path(path) if field.measure.takes.contains(&Take::Mean) => {
                Some((path, field.place.clone()))
            }
            _ => None,
        })
    }

    /// Returns the paths that are read of a reading, each with its place in the file.
    pub(in crate::stage) fn reads_by_place(&self) -> Vec<(Path, Option<Place>)> {
        let mut reads = Vec::new();
        for field in &self.by {
            match &field.from {
                From::Path(path) => reads.push((path.clone(), field.place.clone())),
                From::Expression(expression) => {
                    let place = Some(expression.start());
                    reads.extend(expression.reads().into_iter().map(|path| (path, place.clone())));
                }
            }
        }
        let time = self.windowing.iter();
        reads.extend(time.map(|windowing| (windowing.time.clone(), windowing.time_place.clone())));
        for field in &self.measures {
            let paths = field.of.paths();
            reads.extend(paths.map(|path| (path.clone(), field.place.clone())));
        }
        reads
    }

    /// Returns the values of readings that windows show: those of groups, and the results that are a value, or that are one
    /// where a window has one reading.
    pub(in crate::stage) fn shown_values(&self) -> Vec<ShownValue> {
        let mut shown = Vec::new();
        for field in &self.by {
            let (paths, place) = match &field.from {
                From::Path(path) => (vec![path.clone()], field.place.clone()),
                From::Expression(expression) => (expression.reads(), Some(expression.start())),
            };
            shown.extend(paths.into_iter().map(|path| ShownValue {
                path: Some(path),
                field: field.name.clone(),
                in_id: true,
                place: place.clone(),
            }));
        }
        for field in &self.measures {
            for (take, name) in field.measure.takes.iter().zip(&field.names) {
                if shows_no_value(take) {
                    continue;
                }
                let paths: Vec<Option<&Path>> = match &field.of {
                    Measured::Path(path) => vec![Some(path)],
                    Measured::List { parts, .. } if parts.is_empty() => vec![None],
                    Measured::List { parts, .. } => parts.iter().map(Some).collect(),
                };
                shown.extend(paths.into_iter().map(|path| ShownValue {
                    path: path.cloned(),
                    field: name.clone(),
                    in_id: false,
                    place: field.place.clone(),
                }));
            }
        }
        self.add_derived(&mut shown);
        shown
    }

    /// Adds the fields of windows that show the value of another one: rolling measures, scores, and what is computed.
    fn add_derived(&self, shown: &mut Vec<ShownValue>) {
        let results: Vec<&str> = self.results().map(|(name, _)| name).collect();
        let mut add = |of: &str, field: &str, place: Option<Place>| {
            shown.push(ShownValue {
                path: Some(Path::field(of)),
                field: field.to_owned(),
                in_id: false,
                place,
            });
        };
        let rolling = self.series.rolling.iter();
        let rolling = rolling.flat_map(|rule| rule.takes.iter().map(|take| (rule.of, take)));
        for ((of, take), name) in rolling.zip(&self.rolling) {
            if !shows_no_value(take) {
                add(results[of], name, self.place.clone());
            }
        }
        for (rule, (_, score)) in self.series.anomalies.iter().zip(&self.anomalies) {
            if let Some(score) = score {
                add(results[rule.of], score, self.place.clone());
            }
        }
        for field in &self.fields {
            for name in field.uses.iter().filter_map(|name| name.strip_prefix("win.")) {
                add(name, &field.name, Some(field.expression.start()));
            }
        }
    }
}

/// Whether a measure says nothing of the size of the values.
fn shows_no_value(take: &Take) -> bool {
    matches!(
        take,
        Take::Count | Take::Distinct | Take::Std | Take::Var | Take::Range | Take::Delta
    )
}

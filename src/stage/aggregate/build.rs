//! Aggregates built in Rust.

use rust_decimal::Decimal;

use super::compiled::{Aggregate, Late};
use super::draft::{
    Draft, DraftAnomaly, DraftElements, DraftFill, DraftFillWith, DraftGroup, DraftList, DraftMeasure,
    DraftOver, DraftRolling, DraftTime, EmptyWord, RuleWord, Written,
};
use crate::problem::Problem;
use crate::reading::Reading;
use crate::toml::Collected;

impl Aggregate {
    /// Begins the aggregate of a stage that is built in Rust, with windows of this length: `5m`, `24h`, `day`, `2 weeks`.
    pub fn every(length: &str) -> AggregateBuilder {
        AggregateBuilder {
            draft: Draft {
                every: Some(Written::by_program(length)),
                ..Draft::default()
            },
        }
    }

    /// Begins an aggregate without windows of time: each group has one total.
    pub fn totals() -> AggregateBuilder {
        AggregateBuilder {
            draft: Draft::default(),
        }
    }
}

/// A builder of aggregates in Rust, for [`StageBuilder::aggregate`](crate::stage::StageBuilder::aggregate). Its words are
/// those of stage files.
///
/// ```
/// use counterfoil::stage::{Aggregate, AggregateAnomaly, Stage};
///
/// let aggregate = Aggregate::every("5m")
///     .by("sensor_id")
///     .time("timestamp")
///     .measure("temperature", ["mean", "std"])
///     .anomaly(AggregateAnomaly::z("odd", "temperature_mean", 12, 2));
/// let stage = Stage::new(1, "windows").source("readings").target("windows").aggregate(aggregate).build()?;
/// assert!(stage.aggregate().is_some());
/// # Ok::<(), counterfoil::Problems>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AggregateBuilder {
    draft: Draft,
}

/// More about what is measured of a path, for [`AggregateBuilder::measures`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AggregateMeasure {
    draft: DraftMeasure,
}

/// A measure over several windows, for [`AggregateBuilder::rolling`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AggregateRolling {
    draft: DraftRolling,
}

/// A rule that marks windows, for [`AggregateBuilder::anomaly`].
#[derive(Clone, Debug)]
#[must_use]
pub struct AggregateAnomaly {
    draft: DraftAnomaly,
}

fn all<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<Written> {
    words.into_iter().map(Written::by_program).collect()
}

impl AggregateMeasure {
    /// Begins with these measures of a path: `mean`, `p95`.
    pub fn of<'w>(path: &str, takes: impl IntoIterator<Item = &'w str>) -> Self {
        let mut draft = DraftMeasure::new(Written::by_program(path));
        draft.takes = all(takes);
        Self { draft }
    }

    /// Begins a list of objects with these parts of the readings; of whole records if there are none.
    pub fn list<'p>(name: &str, parts: impl IntoIterator<Item = &'p str>) -> Self {
        let parts = all(parts);
        let of = if parts.is_empty() {
            DraftElements::Records
        } else {
            DraftElements::Parts(parts)
        };
        Self::of_elements(name, of)
    }

    /// Begins a list of the values of a path.
    pub fn values(name: &str, path: &str) -> Self {
        Self::of_elements(name, DraftElements::Values(Written::by_program(path)))
    }

    fn of_elements(name: &str, of: DraftElements) -> Self {
        let mut draft = DraftMeasure::new(Written::by_program(name));
        draft.list = Some(DraftList { of, order: None });
        Self { draft }
    }

    /// Sets what the names of its results begin with. Default: the last name of the path.
    pub fn named(mut self, name: &str) -> Self {
        self.draft.name = Some(Written::by_program(name));
        self
    }

    /// Rounds results that are not exact to significant digits. Default: 17.
    pub fn digits(mut self, digits: u8) -> Self {
        self.draft.rounding.digits = Some(digits);
        self
    }

    /// Rounds results that are not exact to decimal places.
    pub fn places(mut self, places: u8) -> Self {
        self.draft.rounding.places = Some(places);
        self
    }

    /// Sets how many values of a window are kept at most. Default: 10,000.
    pub fn exact(mut self, values: usize) -> Self {
        self.draft.exact = Some(values);
        self
    }

    /// Measures decimals in strings.
    pub fn texts(mut self) -> Self {
        self.draft.texts = true;
        self
    }

    /// Orders a list by a path. Default: by time, then by number.
    pub fn order(mut self, path: &str) -> Self {
        if let Some(list) = &mut self.draft.list {
            list.order = Some(Written::by_program(path));
        }
        self
    }
}

impl AggregateRolling {
    /// Begins with these measures of a field over so many windows, the own one included.
    pub fn windows<'w>(of: &str, windows: u64, takes: impl IntoIterator<Item = &'w str>) -> Self {
        Self::over(of, DraftOver::Windows(windows), takes)
    }

    /// Begins with these measures of a field over the windows of a time: `1h`.
    pub fn time<'w>(of: &str, time: &str, takes: impl IntoIterator<Item = &'w str>) -> Self {
        Self::over(of, DraftOver::Time(Written::by_program(time)), takes)
    }

    fn over<'w>(of: &str, over: DraftOver, takes: impl IntoIterator<Item = &'w str>) -> Self {
        let mut draft = DraftRolling::new(Written::by_program(of), None);
        (draft.over, draft.takes) = (Some(over), all(takes));
        Self { draft }
    }

    /// Sets the names of the results. Default: the field, `_rolling_` and the measure.
    pub fn named<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.draft.names = all(names);
        self
    }

    /// Sets how many values it needs. Default: all windows; 1 over a time.
    pub fn min_periods(mut self, values: u64) -> Self {
        self.draft.min_periods = Some(values);
        self
    }

    /// Rounds results that are not exact to decimal places. Default: 17 significant digits.
    pub fn places(mut self, places: u8) -> Self {
        self.draft.rounding.places = Some(places);
        self
    }
}

impl AggregateAnomaly {
    /// Begins a rule: a window is one if it is more than `k` standard deviations from the mean of so many windows, the own
    /// one included.
    pub fn z(name: &str, of: &str, windows: u64, k: impl Into<Decimal>) -> Self {
        let mut draft = Self::rule(name, of, RuleWord::Z);
        (draft.over, draft.k) = (Some(DraftOver::Windows(windows)), Some(k.into()));
        Self { draft }
    }

    /// Begins a rule: a window is one if it is less than one bound or greater than the other.
    pub fn outside(name: &str, of: &str, min: Option<Decimal>, max: Option<Decimal>) -> Self {
        let mut draft = Self::rule(name, of, RuleWord::Outside);
        (draft.min, draft.max) = (min, max);
        Self { draft }
    }

    fn rule(name: &str, of: &str, rule: RuleWord) -> DraftAnomaly {
        DraftAnomaly::new(Written::by_program(name), Written::by_program(of), rule, None)
    }

    /// Sets how many values it needs. Default: all windows.
    pub fn min_periods(mut self, values: u64) -> Self {
        self.draft.min_periods = Some(values);
        self
    }

    /// Sets the distance from the mean up to which a window is none. Default: 0.
    pub fn min_deviation(mut self, deviation: impl Into<Decimal>) -> Self {
        self.draft.min_deviation = Some(deviation.into());
        self
    }

    /// Adds a field with the distance.
    pub fn score(mut self, name: &str) -> Self {
        self.draft.score = Some(Written::by_program(name));
        self
    }
}

impl AggregateBuilder {
    /// Adds a path that readings are grouped by.
    pub fn by(mut self, path: &str) -> Self {
        let value = Written::by_program(path);
        self.draft.by.push(DraftGroup { name: None, value });
        self
    }

    /// Adds a field that readings are grouped by: a path, or an expression that begins with `= `.
    pub fn by_value(mut self, name: &str, value: &str) -> Self {
        self.draft.by.push(DraftGroup {
            name: Some(Written::by_program(name)),
            value: Written::by_program(value),
        });
        self
    }

    /// Sets the path of the time of a reading, in RFC 3339.
    pub fn time(mut self, path: &str) -> Self {
        self.draft.time = Some(DraftTime {
            path: Written::by_program(path),
            formats: None,
            zone: None,
        });
        self
    }

    /// Sets the path of the time of a reading, its formats, and the zone of times without an offset.
    pub fn time_in<'f>(
        mut self,
        path: &str,
        formats: impl IntoIterator<Item = &'f str>,
        zone: Option<&str>,
    ) -> Self {
        self.draft.time = Some(DraftTime {
            path: Written::by_program(path),
            formats: Some(all(formats)),
            zone: zone.map(Written::by_program),
        });
        self
    }

    /// Sets the zone of calendar windows and of local times. Default: UTC.
    pub fn zone(mut self, zone: &str) -> Self {
        self.draft.zone = Some(Written::by_program(zone));
        self
    }

    /// Sets where windows begin: an instant, or the day of calendar windows. Default: 1970.
    pub fn origin(mut self, origin: &str) -> Self {
        self.draft.origin = Some(Written::by_program(origin));
        self
    }

    /// Begins windows of elapsed time anew with every day of the zone.
    pub fn align_to_days(mut self) -> Self {
        self.draft.aligns_to_days = true;
        self
    }

    /// Shows the end of a window in its label.
    pub fn label_end(mut self) -> Self {
        self.draft.labels_end = true;
        self
    }

    /// Names the field of the label. Default: `window`.
    pub fn name(mut self, name: &str) -> Self {
        self.draft.name = Some(Written::by_program(name));
        self
    }

    /// Adds a field with the end of the window.
    pub fn end(mut self, name: &str) -> Self {
        self.draft.end = Some(Written::by_program(name));
        self
    }

    /// Adds a field with the beginning in local time.
    pub fn local(mut self, name: &str) -> Self {
        self.draft.local = Some(Written::by_program(name));
        self
    }

    /// Names the number of readings. Default: `sample_count`.
    pub fn rows(mut self, name: &str) -> Self {
        self.draft.rows = Some(Written::by_program(name));
        self
    }

    /// Writes no windows without readings.
    pub fn skip_empty(mut self) -> Self {
        self.draft.empty = Some(EmptyWord::Skip);
        self
    }

    /// Sets how many empty windows are written in one gap; a longer gap stays open. Default: 100,000.
    pub fn gap(mut self, windows: u64) -> Self {
        self.draft.gap = Some(windows);
        self
    }

    /// Refuses readings that come when their window is closed: this long after its end, by the newest reading of its group that an
    /// earlier pass has counted. Default: late readings reopen their windows.
    pub fn refuse_late(mut self, closed_after: &str) -> Self {
        (self.draft.late, self.draft.closed_after) =
            (Some(Late::Refuse), Some(Written::by_program(closed_after)));
        self
    }

    /// Leaves out readings that come when their window is closed, as [`refuse_late`](Self::refuse_late) refuses them.
    pub fn leave_late(mut self, closed_after: &str) -> Self {
        (self.draft.late, self.draft.closed_after) =
            (Some(Late::Leave), Some(Written::by_program(closed_after)));
        self
    }

    /// Holds back windows that end later than the newest reading less this.
    pub fn hold(mut self, time: &str) -> Self {
        self.draft.hold = Some(Written::by_program(time));
        self
    }

    /// Sets the most memory, in bytes. Default: 128 MiB.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.draft.memory = Some(bytes);
        self
    }

    /// Adds measures of a path: `mean`, `p95`.
    pub fn measure<'w>(self, path: &str, takes: impl IntoIterator<Item = &'w str>) -> Self {
        self.measures(AggregateMeasure::of(path, takes))
    }

    /// Adds measures of a path, or a list.
    pub fn measures(mut self, measure: AggregateMeasure) -> Self {
        self.draft.measures.push(measure.draft);
        self
    }

    /// Shows the last value of an earlier window where a field is null, for at most so many windows in a row.
    pub fn carry(mut self, field: &str, limit: Option<u64>) -> Self {
        self.draft.fills.push(DraftFill {
            of: Written::by_program(field),
            with: DraftFillWith::Carry { limit },
        });
        self
    }

    /// Shows a value where a field is null.
    pub fn fill(mut self, field: &str, value: &crate::record::Value) -> Self {
        self.draft.fills.push(DraftFill {
            of: Written::by_program(field),
            with: DraftFillWith::Value(value.to_json()),
        });
        self
    }

    /// Adds measures over several windows.
    pub fn rolling(mut self, rolling: AggregateRolling) -> Self {
        self.draft.rolling.push(rolling.draft);
        self
    }

    /// Adds a rule that marks windows.
    pub fn anomaly(mut self, anomaly: AggregateAnomaly) -> Self {
        self.draft.anomalies.push(anomaly.draft);
        self
    }

    /// Adds a field that is computed from the window's own: `win.sample_count >= 50`.
    pub fn field(mut self, name: &str, expression: &str) -> Self {
        let field = (Written::by_program(name), Written::by_program(expression));
        self.draft.fields.push(field);
        self
    }

    /// Compiles the aggregate; expressions count lines and columns within themselves.
    pub(in crate::stage) fn compile(&self, reading: &Reading<'_>) -> Result<Aggregate, Vec<Problem>> {
        let mut problems = Collected::default();
        let aggregate = self.draft.compile(reading, &mut problems);
        let problems = problems.sorted();
        match aggregate {
            Some(aggregate) if problems.is_empty() => Ok(aggregate),
            _ => Err(problems),
        }
    }
}

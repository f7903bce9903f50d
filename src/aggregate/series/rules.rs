//! The rules of a series, and its windows as they go in and come out.

use rust_decimal::Decimal;

use crate::aggregate::measure::{Rounded, Take};

/// The rules.
#[derive(Clone, Debug)]
pub(crate) struct SeriesRules {
    pub(crate) empty: Empty,
    /// What each measure is in a window without readings, as JSON text: `0` of counts, `[]` of lists, `None` (null) of
    /// all others.
    pub(crate) measures: Vec<Option<Box<str>>>,
    pub(crate) fills: Vec<Fill>,
    pub(crate) rolling: Vec<Rolling>,
    pub(crate) anomalies: Vec<Anomaly>,
}

/// What happens to windows without a reading, between two with readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// They are written, where they are at most so many: a longer gap stays open, and the series begins anew after it.
    Emit {
        limit: u64,
    },
    Skip,
}

/// What a measure shows where it is null.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    /// Position among the measures.
    pub(crate) of: usize,
    pub(crate) with: FillWith,
}

/// The value of a filled field.
#[derive(Clone, Debug)]
pub(crate) enum FillWith {
    /// The last value of an earlier window, for at most so many windows in a row.
    Carry { limit: Option<u64> },
    /// This JSON text.
    Value(Box<str>),
}

/// A measure over several windows, up to and with this one.
#[derive(Clone, Debug)]
pub(crate) struct Rolling {
    /// Position among the measures.
    pub(crate) of: usize,
    pub(crate) over: Over,
    /// Count, Sum, Mean, Min, Max, Std, Var, Range.
    pub(crate) takes: Vec<Take>,
    /// Fewer values than these give null.
    pub(crate) min_periods: u64,
    pub(crate) rounded: Rounded,
}

/// Which windows a rolling measure is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// So many windows as they are written, this one included.
    Windows(u64),
    /// Those that begin later than this one less so many microseconds.
    Time(i64),
}

/// A rule that marks a window.
#[derive(Clone, Debug)]
pub(crate) struct Anomaly {
    /// Position among the measures.
    pub(crate) of: usize,
    pub(crate) rule: Rule,
    /// Whether it has a score.
    pub(crate) scored: bool,
}

/// When a window is marked.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// Further from the mean of the windows (this one included) than `k` of their standard deviations, and than
    /// `min_deviation`.
    Z {
        over: Over,
        min_periods: u64,
        k: Decimal,
        min_deviation: Decimal,
    },
    /// Less than one bound or greater than the other.
    Outside {
        min: Option<Decimal>,
        max: Option<Decimal>,
    },
}

/// A window with readings, measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) start: i64,
    /// Number of readings.
    pub(crate) rows: u64,
    /// JSON texts of the measures; `None` for null.
    pub(crate) values: Vec<Option<Box<str>>>,
}

/// A window as it is shown, with readings or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) start: i64,
    pub(crate) rows: u64,
    /// As measured, or as filled.
    pub(crate) values: Vec<Option<Box<str>>>,
    /// Positions of the measures that are filled, ascending.
    pub(crate) filled: Vec<usize>,
    /// Results of the rolling measures: of each, of its takes in order.
    pub(crate) rolling: Vec<Option<Box<str>>>,
    /// Whether each rule marks it, and its score: the distance in standard deviations (`Z`) or from the bound.
    pub(crate) anomalies: Vec<(bool, Option<Box<str>>)>,
}

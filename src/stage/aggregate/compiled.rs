//! A compiled aggregate.

use chrono_tz::Tz;

use crate::aggregate::{Measure, SeriesRules, TimeReader, Windows};
use crate::expression::Expression;
use crate::path::Path;

/// How a stage aggregates: by what, in which windows, and what is measured.
#[derive(Debug)]
pub struct Aggregate {
    pub(super) by: Vec<GroupField>,
    /// `None`: by the groups alone.
    pub(super) windowing: Option<Windowing>,
    pub(super) measures: Vec<MeasureField>,
    /// Name of the number of readings.
    pub(super) rows: String,
    pub(super) series: SeriesRules,
    /// Names of the results of the rolling measures, as they come out of the series.
    pub(super) rolling: Vec<String>,
    /// Names of the anomalies, and of their scores.
    pub(super) anomalies: Vec<(String, Option<String>)>,
    /// Fields computed from the window's own, in order.
    pub(super) fields: Vec<(String, Expression)>,
    pub(super) late: Late,
    /// In microseconds.
    pub(super) closed_after: Option<i64>,
    /// In microseconds.
    pub(super) hold: Option<i64>,
    /// In bytes.
    pub(super) memory: u64,
}

/// A field by which readings are grouped.
#[derive(Debug)]
pub(super) struct GroupField {
    pub(super) name: String,
    pub(super) from: From,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum From {
    Path(Path),
    Expression(Expression),
}

/// The windows, and the names of the fields that say which one a window is.
#[derive(Debug)]
pub(super) struct Windowing {
    pub(super) time: Path,
    pub(super) reader: TimeReader,
    pub(super) windows: Windows,
    /// Name of the label, and whether it is the end of the window.
    pub(super) name: String,
    pub(super) labels_end: bool,
    pub(super) end: Option<String>,
    /// Name of the beginning in local time.
    pub(super) local: Option<(String, Tz)>,
}

/// What is measured of one path.
#[derive(Debug)]
pub(super) struct MeasureField {
    pub(super) of: Measured,
    pub(super) measure: Measure,
    /// Names of the results, one for each take.
    pub(super) names: Vec<String>,
}

/// What is measured.
#[derive(Debug)]
pub(super) enum Measured {
    /// The value at a path.
    Path(Path),
    /// A list of parts of the readings, or of whole ones (no paths), ordered by a path or by time.
    List { parts: Vec<Path>, order: Option<Path> },
}

/// What becomes of readings that come when their window is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    Reopen,
    Refuse,
    Leave,
}

impl Aggregate {
    /// Returns the windows; `None` if it groups alone.
    pub(crate) fn windows(&self) -> Option<&Windows> {
        self.windowing.as_ref().map(|windowing| &windowing.windows)
    }

    /// Returns whether it makes windows of time, and does not only group.
    pub fn has_windows(&self) -> bool {
        self.windowing.is_some()
    }

    /// Returns what is measured, in the order of the values of a reading.
    pub(crate) fn measures(&self) -> impl ExactSizeIterator<Item = &Measure> {
        self.measures.iter().map(|field| &field.measure)
    }

    /// Returns what follows from one window to the next.
    pub(crate) fn series(&self) -> &SeriesRules {
        &self.series
    }

    /// Returns what becomes of late readings.
    pub(crate) fn late(&self) -> Late {
        self.late
    }

    /// Returns how long after the newest reading of its group a reading may be, in microseconds.
    pub(crate) fn closed_after(&self) -> Option<i64> {
        self.closed_after
    }

    /// Returns how long windows are held back after the newest reading, in microseconds.
    pub(crate) fn hold(&self) -> Option<i64> {
        self.hold
    }

    /// Returns how many bytes the aggregation may occupy.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }
}

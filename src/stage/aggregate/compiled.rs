//! A compiled aggregate.

use std::sync::Arc;

use chrono_tz::Tz;

use super::plan::ReadPlan;
use crate::aggregate::{Measure, SeriesRules, Take, TimeReader, Windows};
use crate::expression::Expression;
use crate::path::Path;
use crate::problem::Place;

/// How a stage aggregates: by what, in which windows, and what is measured.
#[derive(Debug)]
pub struct Aggregate {
    pub(super) by: Vec<GroupField>,
    /// How readings are read without a document.
    pub(super) plan: Option<ReadPlan>,
    /// How their groups and times are read alone.
    pub(super) key_plan: Option<ReadPlan>,
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
    /// Where the file says how many deviations are too many, of each anomaly.
    pub(super) anomaly_places: Vec<Option<Place>>,
    /// Fields computed from the window's own, in order.
    pub(super) fields: Vec<WindowField>,
    pub(super) late: Late,
    /// In microseconds.
    pub(super) closed_after: Option<i64>,
    /// In microseconds.
    pub(super) hold: Option<i64>,
    /// In bytes.
    pub(super) memory: u64,
    /// Place of the section.
    pub(super) place: Option<Place>,
}

/// A field by which readings are grouped.
#[derive(Debug)]
pub(super) struct GroupField {
    pub(super) name: String,
    pub(super) from: From,
    /// Where the file says it.
    pub(super) place: Option<Place>,
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
    /// Where the file says it.
    pub(super) time_place: Option<Place>,
    pub(super) reader: TimeReader,
    /// The formats of the reader as written; empty for RFC 3339.
    pub(super) formats: Vec<String>,
    /// The zone of times without an offset.
    pub(super) time_zone: Option<Tz>,
    /// What a time is, in words.
    pub(super) form: String,
    pub(super) windows: Windows,
    /// Name of the label, and whether it is the end of the window.
    pub(super) name: String,
    pub(super) labels_end: bool,
    pub(super) end: Option<String>,
    /// Name of the beginning in local time.
    pub(super) local: Option<(String, Tz)>,
}

/// A field that is computed from the window's own.
#[derive(Debug)]
pub(super) struct WindowField {
    pub(super) name: String,
    pub(super) expression: Expression,
    /// The names that it uses, `win.` and a field.
    pub(super) uses: Vec<Arc<str>>,
}

/// What is measured of one path.
#[derive(Debug)]
pub(super) struct MeasureField {
    pub(super) of: Measured,
    pub(super) measure: Measure,
    /// Names of the results, one for each take.
    pub(super) names: Vec<String>,
    /// Where the file says it.
    pub(super) place: Option<Place>,
}

/// What is measured.
#[derive(Debug)]
pub(super) enum Measured {
    /// The value at a path.
    Path(Path),
    /// A list of parts of the readings, or of whole ones (no paths), ordered by a path or by time. `values`: of the values
    /// of the only path, instead of objects.
    List {
        parts: Vec<Path>,
        values: bool,
        order: Option<Path>,
    },
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

    /// Returns every expression of it.
    pub(in crate::stage) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let by = self.by.iter().filter_map(|field| match &field.from {
            From::Expression(expression) => Some(expression),
            From::Path(_) => None,
        });
        by.chain(self.fields.iter().map(|field| &field.expression))
    }

    /// Returns the results of the measures, in the order of the fields of a window.
    pub(super) fn results(&self) -> impl Iterator<Item = (&str, &Take)> {
        let fields = self.measures.iter();
        let results = fields.flat_map(|field| field.names.iter().zip(&field.measure.takes));
        results.map(|(name, take)| (name.as_str(), take))
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

    /// Returns how long after its end a window is closed, by the newest reading of its group, in microseconds.
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

/// Returns the paths that are read: of the groups that are not computed, the time, then of each measure its own and the
/// one that it is ordered by.
pub(super) fn paths<'a>(
    by: &'a [GroupField],
    windowing: Option<&'a Windowing>,
    measures: &'a [MeasureField],
) -> impl Iterator<Item = &'a Path> {
    let by = by.iter().filter_map(|field| match &field.from {
        From::Path(path) => Some(path),
        From::Expression(_) => None,
    });
    let of_measures = measures.iter().flat_map(|field| field.of.paths());
    by.chain(windowing.map(|windowing| &windowing.time))
        .chain(of_measures)
}

impl Measured {
    /// Returns the paths that are read, the one that orders the last.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let (paths, order) = match self {
            Self::Path(path) => (std::slice::from_ref(path), None),
            Self::List { parts, order, .. } => (&parts[..], order.as_ref()),
        };
        paths.iter().chain(order)
    }
}

//! A group's windows in the columns of a chart: one for each window, or of many windows one for every few.

use rust_decimal::Decimal;

use crate::aggregate::Windows;
use crate::record::NumberText;

/// Maximum number of columns.
const COLUMNS: u64 = 600;

/// The time that charts show, in columns.
#[derive(Clone, Debug)]
pub(super) struct Scale<'w> {
    windows: &'w Windows,
    first: i64,
    /// The end of the last window.
    end: i64,
    columns: u64,
    /// Whether each window has a column.
    is_whole: bool,
}

impl<'w> Scale<'w> {
    /// Spans the windows that begin at these instants, and those between.
    pub(super) fn new(windows: &'w Windows, first: i64, last: i64) -> Self {
        let count = if last > first {
            windows.between(first, last).saturating_add(2)
        } else {
            1
        };
        Self {
            windows,
            first,
            end: windows.end_of(last).unwrap_or(last).max(first + 1),
            columns: count.min(COLUMNS),
            is_whole: count <= COLUMNS,
        }
    }

    /// Returns the column of the window that begins at an instant.
    fn column(&self, start: i64) -> usize {
        let column = if start <= self.first {
            0
        } else if self.is_whole {
            self.windows.between(self.first, start).saturating_add(1)
        } else {
            let passed = u128::from(start.abs_diff(self.first)) * u128::from(self.columns);
            let length = u128::from(self.end.abs_diff(self.first));
            u64::try_from(passed / length).unwrap_or(u64::MAX)
        };
        usize::try_from(column.min(self.columns - 1)).unwrap_or(0)
    }
}

/// What is drawn of a group: values in columns of time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SeriesChart {
    /// Beginning of the first column, in microseconds since 1970 UTC.
    pub first: i64,
    /// End of the last column.
    pub end: i64,
    /// Whether each column is one window; otherwise each is several.
    pub one_each: bool,
    /// The columns; `None` where no window has a value.
    pub columns: Vec<Option<Column>>,
}

/// One column of a chart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Column {
    /// Least value.
    pub least: Decimal,
    /// Greatest value.
    pub greatest: Decimal,
    /// Sum of the measure over its windows.
    pub sum: Decimal,
    /// Number of its windows.
    pub windows: u32,
    /// The values that anomalies mark.
    pub marked: Vec<Decimal>,
}

impl SeriesChart {
    pub(super) fn new(scale: &Scale<'_>) -> Self {
        Self {
            first: scale.first,
            end: scale.end,
            one_each: scale.is_whole,
            columns: vec![None; usize::try_from(scale.columns).unwrap_or(0)],
        }
    }

    /// Adds a window: the JSON texts of its measure, and of the least and the greatest value.
    pub(super) fn add(
        &mut self,
        scale: &Scale<'_>,
        start: i64,
        value: Option<&str>,
        band: Option<[Option<&str>; 2]>,
        is_marked: bool,
    ) {
        let Some(value) = value.and_then(number) else {
            return;
        };
        let band = band
            .unwrap_or_default()
            .map(|bound| bound.and_then(number).unwrap_or(value));
        let (least, greatest) = (band[0].min(value), band[1].max(value));
        let column = self.columns[scale.column(start)].get_or_insert(Column {
            least,
            greatest,
            sum: Decimal::ZERO,
            windows: 0,
            marked: Vec::new(),
        });
        if let Some(sum) = column.sum.checked_add(value) {
            (column.sum, column.windows) = (sum, column.windows + 1);
        }
        column.least = column.least.min(least);
        column.greatest = column.greatest.max(greatest);
        if is_marked {
            column.marked.push(value);
        }
    }
}

impl Column {
    /// Returns the mean of its windows.
    pub(in crate::report) fn mean(&self) -> Decimal {
        let mean = self.sum.checked_div(Decimal::from(self.windows.max(1)));
        mean.unwrap_or(self.least)
    }
}

/// Reads a number, or a decimal in a string; one that is longer than a decimal is not drawn.
fn number(json: &str) -> Option<Decimal> {
    let text = json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match text {
        Some(text) => NumberText::PLAIN.read(text).ok(),
        None => NumberText::CALCULATED.read(json).ok(),
    }
}

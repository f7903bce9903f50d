//! The geometry of the small charts of groups, in whole numbers: as elsewhere, no floats.

use std::fmt::Write as _;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::super::series::{Column, GroupSeries, SeriesChart, StageSeries};
use super::chart::Mark;
use crate::aggregate::Windows;

/// Width and height of the field in its own units; the page scales it.
const WIDTH: u64 = 10_000;
const HEIGHT: u64 = 1_000;

/// The charts of a stage, and the groups that have none.
pub(super) struct SeriesRows<'r> {
    pub(super) stage: &'r StageSeries,
    pub(super) rows: Vec<SeriesRow<'r>>,
    pub(super) further: Vec<&'r GroupSeries>,
    /// Number of groups that are not listed either.
    pub(super) unlisted: u64,
    /// Whether each column is one window.
    pub(super) one_each: bool,
}

/// The chart of one group.
pub(super) struct SeriesRow<'r> {
    pub(super) group: &'r GroupSeries,
    /// As SVG paths.
    pub(super) line: String,
    pub(super) band: String,
    /// Where no window has a value.
    pub(super) gaps: String,
    /// Marked values, and the ticks in the margin above them.
    pub(super) rings: String,
    pub(super) ticks: String,
    /// Beginning, middle and end of its time.
    pub(super) times: [Mark; 3],
    /// The values at the bottom and at the top.
    pub(super) values: [Mark; 2],
}

impl<'r> SeriesRows<'r> {
    pub(super) fn new(stage: &'r StageSeries) -> Self {
        let drawn = |group: &&GroupSeries| group.chart.is_some();
        let (with, further): (Vec<_>, Vec<_>) = stage.groups.iter().partition(drawn);
        let mut charts = with.iter().filter_map(|group| group.chart.as_ref());
        let one_each = charts.all(|chart| chart.one_each);
        Self {
            stage,
            rows: with.into_iter().filter_map(SeriesRow::new).collect(),
            unlisted: stage.group_count.saturating_sub(stage.groups.len() as u64),
            further,
            one_each,
        }
    }
}

/// Renders an instant to the minute: the windows of a chart are seldom shorter.
fn time_of(at: i64) -> String {
    let text = Windows::utc(at);
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

impl<'r> SeriesRow<'r> {
    fn new(group: &'r GroupSeries) -> Option<Self> {
        let chart = group.chart.as_ref()?;
        let axis = Axis::new(chart).unwrap_or(Axis {
            bottom: Decimal::ZERO,
            top: Decimal::ONE,
        });
        let middle = chart.first + (chart.end - chart.first) / 2;
        let times = [(0, chart.first), (WIDTH / 2, middle), (WIDTH, chart.end)];
        let mut row = Self {
            group,
            line: String::new(),
            band: String::new(),
            gaps: String::new(),
            rings: String::new(),
            ticks: String::new(),
            times: times.map(|(at, time)| Mark::across(at, time_of(time))),
            values: [
                Mark::down(HEIGHT, axis.bottom.normalize().to_string()),
                Mark::down(0, axis.top.normalize().to_string()),
            ],
        };
        let count = chart.columns.len().max(1) as u64;
        let edge = |column: usize| column as u64 * WIDTH / count;
        let mut at = 0;
        for run in chart
            .columns
            .chunk_by(|left, right| left.is_some() == right.is_some())
        {
            let (from, to) = (edge(at), edge(at + run.len()));
            let values: Vec<(u64, &Column)> = run
                .iter()
                .enumerate()
                .filter_map(|(inside, column)| {
                    Some((
                        u64::midpoint(edge(at + inside), edge(at + inside + 1)),
                        column.as_ref()?,
                    ))
                })
                .collect();
            if values.is_empty() {
                let _ = write!(row.gaps, "M{from} 0H{to}V{HEIGHT}H{from}Z");
            } else {
                row.run(&axis, &values, from, to);
            }
            at += run.len();
        }
        Some(row)
    }

    /// Draws columns that follow each other, from edge to edge.
    fn run(&mut self, axis: &Axis, values: &[(u64, &Column)], from: u64, to: u64) {
        let path = |of: fn(&Column) -> Decimal| {
            let mut points: Vec<(u64, u64)> = values
                .iter()
                .map(|(x, column)| (*x, axis.y(of(column))))
                .collect();
            if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
                points.insert(0, (from, first.1));
                points.push((to, last.1));
            }
            points
        };
        let joined = |path: &mut String, points: &mut dyn Iterator<Item = (u64, u64)>| {
            for (x, y) in points {
                let _ = write!(
                    path,
                    "{}{x} {y}",
                    if path.is_empty() || path.ends_with('Z') {
                        "M"
                    } else {
                        "L"
                    }
                );
            }
        };
        let mut line = String::new();
        joined(&mut line, &mut path(Column::mean).into_iter());
        self.line += &line;
        let (upper, lower) = (path(|column| column.greatest), path(|column| column.least));
        joined(
            &mut self.band,
            &mut upper.into_iter().chain(lower.into_iter().rev()),
        );
        self.band.push('Z');
        for (x, column) in values.iter().filter(|(_, column)| !column.marked.is_empty()) {
            let mut marks: Vec<u64> = column.marked.iter().map(|value| axis.y(*value)).collect();
            marks.sort_unstable();
            marks.dedup();
            for y in marks {
                let _ = write!(self.rings, "M{x} {y}h.1");
            }
            let _ = write!(self.ticks, "M{x} -130V-40");
        }
    }
}

/// The values at the bottom and at the top of a chart: round numbers around all that it shows.
struct Axis {
    bottom: Decimal,
    top: Decimal,
}

impl Axis {
    fn new(chart: &SeriesChart) -> Option<Self> {
        let columns = chart.columns.iter().flatten();
        let least = columns.clone().map(|column| column.least).min()?;
        let greatest = columns.map(|column| column.greatest).max()?;
        let step = step(greatest.checked_sub(least)?)?;
        let below = least.checked_div(step)?.floor().checked_mul(step)?;
        let above = greatest.checked_div(step)?.ceil().checked_mul(step)?;
        Some(if below < above {
            Self {
                bottom: below,
                top: above,
            }
        } else {
            Self {
                bottom: below.checked_sub(step)?,
                top: above.checked_add(step)?,
            }
        })
    }

    fn y(&self, value: Decimal) -> u64 {
        let height = Decimal::from(HEIGHT);
        let share = || {
            let whole = self.top.checked_sub(self.bottom)?;
            let part = value.checked_sub(self.bottom)?.checked_div(whole)?;
            part.checked_mul(height)?.round().to_u64()
        };
        HEIGHT - share().unwrap_or(0).min(HEIGHT)
    }
}

/// Returns a number of the form 1, 2 or 5 with zeros, of which a few make this length.
fn step(length: Decimal) -> Option<Decimal> {
    let (mut power, ten) = (Decimal::ONE, Decimal::TEN);
    if length.is_zero() {
        return Some(power);
    }
    while power > length {
        power = power.checked_div(ten).filter(|power| !power.is_zero())?;
    }
    while power.checked_mul(ten)? <= length {
        power = power.checked_mul(ten)?;
    }
    let tenths = [2, 5, 10, 20, 50].map(|tenths| Decimal::new(tenths, 1));
    let mut steps = tenths.into_iter().filter_map(|tenths| power.checked_mul(tenths));
    steps.find(|step| {
        !step.is_zero()
            && length
                .checked_div(*step)
                .is_some_and(|steps| steps <= Decimal::from(4))
    })
}

#[cfg(test)]
mod tests;

//! The geometry of the bars and of the curve, in whole numbers: as elsewhere, no floats.

use std::fmt::Write as _;

use super::super::speed::{Speed, SpeedPoint};
use super::words::{count, duration};
use crate::ledger::Counts;
use crate::ledger::run_outcome::PassOutcome;

/// Width of the curve's field in its own units; the page scales it.
const WIDTH: u64 = 10_000;
const HEIGHT: u64 = 1_000;
/// Minimum width of a nonempty part of a bar, in hundredths of a percent.
const LEAST: u64 = 60;
/// Maximum number of passes named above the curve: more names would overlap.
const NAMED: usize = 6;

/// A bar of outcomes, its parts side by side.
pub(super) struct Bar {
    pub(super) parts: Vec<OutcomeSlice>,
    /// The whole bar in words, for people who cannot see it.
    pub(super) told: String,
}

/// One outcome.
pub(super) struct OutcomeSlice {
    pub(super) name: &'static str,
    pub(super) number: u64,
    /// Its start and width, in percent.
    pub(super) from: String,
    pub(super) width: String,
}

impl Bar {
    /// Draws the outcomes of a pass.
    pub(super) fn of_pass(pass: &PassOutcome) -> Self {
        let mut bar = Self::from_counts(&pass.counts);
        if let Some(outcome) = &pass.aggregate {
            let readings = count(outcome.readings.read);
            bar.told = format!("{readings} readings: {}", outcome.told(&pass.counts));
        }
        bar
    }

    fn from_counts(counts: &Counts) -> Self {
        let numbers = [
            ("written", counts.written),
            ("unchanged", counts.unchanged),
            ("filtered", counts.filtered),
            ("refused", counts.refused),
            ("merged", counts.merged),
        ];
        let whole: u128 = numbers.iter().map(|(_, number)| u128::from(*number)).sum();
        let hundredths = |number: u64| match whole {
            0 => 0,
            _ if number == 0 => 0,
            whole => u64::try_from(u128::from(number) * 10_000 / whole).map_or(0, |width| width.max(LEAST)),
        };
        let mut widths = numbers.map(|(_, number)| hundredths(number));
        // The smallest parts are widened at the expense of the largest, so that the bar keeps its length.
        let sum: u64 = widths.iter().sum();
        if let (Some(largest), true) = (widths.iter_mut().max(), whole > 0) {
            *largest = (*largest + 10_000).saturating_sub(sum);
        }
        let (mut from, mut parts) = (0, Vec::new());
        for ((name, number), width) in numbers.into_iter().zip(widths) {
            parts.push(OutcomeSlice {
                name,
                number,
                from: in_percent(from),
                width: in_percent(width),
            });
            from += width;
        }
        let told = parts
            .iter()
            .map(|part| format!("{} {}", count(part.number), part.name));
        Self {
            told: format!(
                "{} read: {}",
                count(counts.read),
                told.collect::<Vec<_>>().join(", ")
            ),
            parts,
        }
    }
}

fn in_percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The speed of a run: records per second over time, as steps.
pub(super) struct SpeedCurve<'r> {
    pub(super) points: &'r [SpeedPoint],
    /// The line, and the area below it, as SVG paths.
    pub(super) line: String,
    pub(super) field: String,
    /// Positions and labels of the scale's lines, from top to bottom.
    pub(super) rates: Vec<Mark>,
    pub(super) times: Vec<Mark>,
    pub(super) median: Option<Mark>,
    /// The starts of passes.
    pub(super) passes: Vec<Mark>,
}

/// A position on a scale.
pub(super) struct Mark {
    /// Position in the field's units.
    pub(super) at: u64,
    /// Position in percent of the field.
    pub(super) place: String,
    pub(super) told: String,
}

impl Mark {
    pub(super) fn across(at: u64, told: String) -> Self {
        let place = in_percent(at * 10_000 / WIDTH);
        Self { at, place, told }
    }

    pub(super) fn down(at: u64, told: String) -> Self {
        let place = in_percent(at * 10_000 / HEIGHT);
        Self { at, place, told }
    }
}

impl<'r> SpeedCurve<'r> {
    /// Computes the curve; returns `None` if there is nothing to draw.
    pub(super) fn from_speed(speed: &'r Speed) -> Option<Self> {
        let last = speed.points.last()?;
        let fastest = speed.points.iter().map(|point| point.per_second).max()?;
        let (top, long) = (round_above(fastest), last.to_us.max(1));
        let x = |micros: u64| scaled(micros, long, WIDTH);
        let y = |rate: u64| HEIGHT - scaled(rate, top, HEIGHT);
        let mut line = String::new();
        for (at, point) in speed.points.iter().enumerate() {
            let begin = if at == 0 {
                format!("M{} {}", x(point.from_us), y(point.per_second))
            } else {
                format!("V{}", y(point.per_second))
            };
            line.push_str(&begin);
            let _ = write!(line, "H{}", x(point.to_us));
        }
        let field = format!("{line}V{HEIGHT}H0Z");
        let rates = [top, top / 2, 0].map(|rate| Mark::down(y(rate), count(rate)));
        let times = [0, long / 2, long].map(|time| Mark::across(x(time), duration(time)));
        Some(Self {
            points: &speed.points,
            line,
            field,
            rates: rates.into(),
            times: times.into(),
            median: speed.median.map(|rate| Mark::down(y(rate), count(rate))),
            passes: passes(&speed.points, x),
        })
    }
}

/// Returns the starts of passes, if the run had several and few enough to tell apart.
fn passes(points: &[SpeedPoint], x: impl Fn(u64) -> u64) -> Vec<Mark> {
    let changes = points
        .chunk_by(|left, right| left.pass == right.pass)
        .filter_map(|chunk| chunk.first());
    let marks: Vec<Mark> = changes
        .map(|first| Mark::across(x(first.from_us), format!("pass {}", first.pass)))
        .collect();
    if (2..=NAMED).contains(&marks.len()) {
        marks
    } else {
        Vec::new()
    }
}

fn scaled(part: u64, whole: u64, length: u64) -> u64 {
    let at = u128::from(part) * u128::from(length) / u128::from(whole.max(1));
    u64::try_from(at).unwrap_or(length).min(length)
}

/// Returns the next number of the form 1, 2 or 5 followed by zeros, so that the scale is easy to read.
fn round_above(number: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for first in [1, 2, 5] {
            match power.checked_mul(first) {
                Some(round) if round >= number.max(2) => return round,
                Some(_) => {}
                None => return number,
            }
        }
        power = match power.checked_mul(10) {
            Some(power) => power,
            None => return number,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchId, PassId};

    #[test]
    fn every_outcome_that_is_there_is_seen_and_a_bar_is_whole() {
        let counts = Counts {
            read: 1_000_003,
            written: 1_000_000,
            refused: 1,
            merged: 2,
            ..Counts::default()
        };
        let bar = Bar::from_counts(&counts);
        let widths: Vec<&str> = bar.parts.iter().map(|part| part.width.as_str()).collect();
        assert_eq!(widths, ["98.80%", "0.00%", "0.00%", "0.60%", "0.60%"]);
        assert_eq!(bar.parts[4].from, "99.40%");
        let nothing = Bar::from_counts(&Counts::default());
        assert!(nothing.parts.iter().all(|part| part.width == "0.00%"));
    }

    #[test]
    fn a_scale_ends_at_a_round_number() {
        for (number, round) in [
            (0, 2),
            (2, 2),
            (3, 5),
            (51, 100),
            (148_000, 200_000),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(round_above(number), round);
        }
    }

    #[test]
    fn the_curve_stays_within_its_field_whatever_the_numbers() {
        let point = |from_us, to_us, per_second| SpeedPoint {
            first_batch: BatchId::new(1),
            last_batch: BatchId::new(1),
            pass: PassId::new(1),
            from_us,
            to_us,
            read: 1,
            per_second,
        };
        let speed = Speed {
            batches: 2,
            read: 2,
            duration_us: u64::MAX,
            per_second: None,
            median: Some(u64::MAX),
            points: vec![point(0, 1, u64::MAX), point(1, u64::MAX, 0)],
            remark: None,
        };
        let course = SpeedCurve::from_speed(&speed).unwrap();
        assert_eq!(course.line, "M0 0H0V1000H10000");
        assert_eq!(course.median.unwrap().place, "0.00%");
    }
}

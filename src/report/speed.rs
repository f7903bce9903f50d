//! The speed of a run: records read per second, from commit to commit, in whole numbers.

use crate::ledger::run_outcome::TimedBatch;
use crate::record::{BatchId, PassId};

/// Maximum number of points that are kept; with more batches, neighbours are joined.
const POINTS: usize = 200;

/// Records per second over a run.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Speed {
    /// Number of batches that read anything.
    pub batches: u64,
    /// Number of records that were read.
    pub read: u64,
    /// Duration from the run's start to the commit of the last batch that read anything, in microseconds.
    pub duration_us: u64,
    /// Records per second over the whole run.
    pub per_second: Option<u64>,
    /// Median: half of the batches that read anything were slower.
    pub median: Option<u64>,
    /// Points to draw; empty if `remark` says why not.
    pub points: Vec<SpeedPoint>,
    /// Reason why nothing can be drawn.
    pub remark: Option<String>,
}

/// The interval between two commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SpeedPoint {
    /// First batch.
    pub first_batch: BatchId,
    /// Last batch; the same as the first unless neighbours are joined.
    pub last_batch: BatchId,
    /// Pass of the batches.
    pub pass: PassId,
    /// Start of the interval, in microseconds since the run's start.
    pub from_us: u64,
    /// End of the interval, in microseconds since the run's start.
    pub to_us: u64,
    /// Number of records read in the interval.
    pub read: u64,
    /// Records per second.
    pub per_second: u64,
}

impl SpeedPoint {
    /// Joins the next interval of the same pass to this one.
    fn joined(&mut self, next: &Self) {
        self.last_batch = next.last_batch;
        self.to_us = next.to_us;
        self.read += next.read;
        self.per_second = rate(self.read, self.to_us - self.from_us).unwrap_or(0);
    }
}

fn rate(read: u64, micros: u64) -> Option<u64> {
    let per_second = (u128::from(read) * 1_000_000).checked_div(u128::from(micros))?;
    Some(u64::try_from(per_second).unwrap_or(u64::MAX))
}

/// Measures the speed of a run's batches.
pub(super) fn measured(started_us: i64, batches: &[TimedBatch]) -> Speed {
    let end = batches.iter().rposition(|batch| batch.read > 0);
    let batches = end.map_or(&[][..], |end| &batches[..=end]);
    let points = points(started_us, batches);
    let mut rates: Vec<u64> = points
        .iter()
        .filter(|point| point.read > 0)
        .map(|point| point.per_second)
        .collect();
    rates.sort_unstable();
    let duration_us = points.last().map_or(0, |last| last.to_us);
    let read = batches.iter().map(|batch| batch.read).sum();
    let reading = batches.iter().filter(|batch| batch.read > 0).count();
    let remark = match (reading, rates.len()) {
        (0, _) => Some("The run read no records."),
        (1, _) => Some("The run read its records in one batch, so there is no curve to draw."),
        (_, 0) => Some("All batches have the same commit time."),
        _ => None,
    };
    Speed {
        batches: reading as u64,
        read,
        duration_us,
        per_second: rate(read, duration_us).filter(|_| read > 0),
        median: rates.get(rates.len() / 2).copied(),
        points: match remark {
            Some(_) => Vec::new(),
            None => thinned(points),
        },
        remark: remark.map(str::to_owned),
    }
}

/// Returns the intervals between commits. A batch during which the clock did not move is joined with the next.
fn points(started_us: i64, batches: &[TimedBatch]) -> Vec<SpeedPoint> {
    let mut points: Vec<SpeedPoint> = Vec::new();
    let (mut from_us, mut waiting) = (0, None::<SpeedPoint>);
    for batch in batches {
        let to_us = u64::try_from(batch.committed_us.saturating_sub(started_us)).unwrap_or(0);
        let to_us = to_us.max(from_us);
        let mut point = SpeedPoint {
            first_batch: batch.batch,
            last_batch: batch.batch,
            pass: batch.pass,
            from_us,
            to_us,
            read: batch.read,
            per_second: 0,
        };
        if let Some(before) = waiting.take() {
            point.first_batch = before.first_batch;
            point.read += before.read;
        }
        match rate(point.read, to_us - from_us) {
            Some(per_second) => points.push(SpeedPoint { per_second, ..point }),
            None => waiting = Some(point),
        }
        from_us = to_us;
    }
    if let (Some(last), Some(rest)) = (points.last_mut(), waiting) {
        last.joined(&rest);
    }
    points
}

/// Reduces the points to the maximum number, each of a single pass where that is possible.
fn thinned(points: Vec<SpeedPoint>) -> Vec<SpeedPoint> {
    let together = points.len().div_ceil(POINTS);
    if together <= 1 {
        return points;
    }
    let mut thin: Vec<SpeedPoint> = Vec::new();
    for slice in points.chunks(together) {
        let Some((first, rest)) = slice.split_first() else {
            continue;
        };
        let mut point = *first;
        for next in rest {
            point.joined(next);
        }
        thin.push(point);
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(batch: i64, read: u64, committed_us: i64) -> TimedBatch {
        TimedBatch {
            batch: BatchId::new(batch),
            pass: PassId::new(1),
            read,
            committed_us,
        }
    }

    #[test]
    fn records_per_second_are_counted_from_commit_to_commit() {
        let batches = [
            batch(7, 100, 1_000_000),
            batch(8, 100, 1_500_000),
            batch(9, 50, 3_500_000),
            batch(10, 0, 9_000_000),
        ];
        let speed = measured(0, &batches);
        let rates: Vec<u64> = speed.points.iter().map(|point| point.per_second).collect();
        assert_eq!((rates, speed.median), (vec![100, 200, 25], Some(100)));
        assert_eq!(
            (speed.batches, speed.read, speed.duration_us),
            (3, 250, 3_500_000)
        );
        assert_eq!(speed.per_second, Some(71));
    }

    #[test]
    fn a_clock_that_stands_still_divides_nothing() {
        let still = [batch(1, 10, 5), batch(2, 10, 5)];
        let speed = measured(5, &still);
        assert!(speed.points.is_empty() && speed.remark.is_some() && speed.per_second.is_none());
        let moved = [batch(1, 10, 5), batch(2, 10, 15), batch(3, 10, 15)];
        let speed = measured(5, &moved);
        assert_eq!(
            (speed.points[0].first_batch, speed.points[0].last_batch),
            (BatchId::new(1), BatchId::new(3))
        );
        assert_eq!(speed.points[0].per_second, 3_000_000);
        assert!(
            measured(9, &moved).remark.is_none(),
            "a start after a commit is no time"
        );
        for few in [&[][..], &still[..1]] {
            assert!(measured(0, few).remark.is_some());
        }
    }

    #[test]
    fn thousands_of_batches_become_at_most_two_hundred_points_and_no_record_is_lost() {
        let batches: Vec<TimedBatch> = (1..=4_321).map(|at| batch(at, 3, at * 1_000)).collect();
        let speed = measured(0, &batches);
        assert!(
            (150..=200).contains(&speed.points.len()),
            "{}",
            speed.points.len()
        );
        assert_eq!(
            speed.points.iter().map(|point| point.read).sum::<u64>(),
            3 * 4_321
        );
        assert_eq!(speed.median, Some(3_000));
    }
}

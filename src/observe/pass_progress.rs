//! The observed state of one running pass, and the figures derived from it.

use std::collections::VecDeque;
use std::time::Duration;

use super::snapshot::{ProgressPhase, ProgressSnapshot};
use crate::ledger::{Counts, PassKind};
use crate::name::StageName;
use crate::record::PassId;

/// The window of the recent rate, in microseconds.
const RECENT_US: i64 = 10_000_000;
/// The shortest duration that gives a rate, in microseconds.
const MEASURABLE_US: i64 = 1_000;

/// One pass. All times are in microseconds of one clock.
#[derive(Clone, Debug)]
pub(super) struct PassProgress {
    pub(super) pass: PassId,
    pub(super) kind: PassKind,
    pub(super) stage: Option<StageName>,
    pub(super) source: Option<String>,
    pub(super) target: Option<String>,
    pub(super) phase: ProgressPhase,
    pub(super) total: Option<u64>,
    pub(super) total_is_estimated: bool,
    /// Number of records that earlier runs have processed.
    pub(super) before: u64,
    pub(super) processed: u64,
    pub(super) failed: u64,
    /// The time spent before it was suspended for another pass.
    pub(super) spent_us: i64,
    pub(super) began_us: i64,
    /// When it ended, or its last batch before it was suspended.
    pub(super) paused_us: Option<i64>,
    /// Counts of processed records with their times, oldest first: as far back as the recent rate needs. Never empty.
    pub(super) samples: VecDeque<(i64, u64)>,
}

impl PassProgress {
    /// Records that a batch has ended.
    pub(super) fn add(&mut self, counts: &Counts, now_us: i64) {
        self.processed += counts.read;
        self.failed += counts.refused;
        self.samples.push_back((now_us, self.processed));
        let since_us = now_us - RECENT_US;
        while self.samples.len() > 2 && self.samples[1].0 <= since_us {
            self.samples.pop_front();
        }
    }

    /// Records that the pass has ended, with these outcomes over all its runs.
    pub(super) fn end(&mut self, counts: &Counts, now_us: i64) {
        self.phase = ProgressPhase::Ended;
        (self.processed, self.failed) = (counts.read, counts.refused);
        (self.total, self.total_is_estimated) = (Some(counts.read), false);
        self.paused_us = Some(now_us);
    }

    /// Suspends it while another pass runs: its clock stops at its last batch.
    pub(super) fn pause(&mut self) {
        let (newest_us, _) = self.samples[self.samples.len() - 1];
        self.paused_us.get_or_insert(newest_us);
    }

    /// Resumes it after it was suspended.
    pub(super) fn go_on(&mut self, now_us: i64) {
        self.spent_us = self.elapsed_us(now_us);
        (self.began_us, self.paused_us) = (now_us, None);
        self.phase = ProgressPhase::Records;
        self.samples = VecDeque::from([(now_us, self.processed)]);
    }

    /// Returns its figures at a time.
    pub(super) fn snapshot(&self, now_us: i64, passes_ended: u64) -> ProgressSnapshot {
        let now_us = self.paused_us.unwrap_or(now_us);
        let (newest_us, newest) = self.samples[self.samples.len() - 1];
        let (oldest_us, oldest) = self.samples[0];
        let is_working = self.phase == ProgressPhase::Records;
        let until_us = if is_working { now_us } else { newest_us };
        let (recent, recent_us) = (newest - oldest, until_us - oldest_us);
        ProgressSnapshot {
            phase: self.phase,
            pass: Some(self.pass),
            kind: Some(self.kind),
            stage: self.stage.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            processed: self.processed,
            total: self.total,
            total_is_estimated: self.total_is_estimated,
            percent: self.total.map(|total| percent(self.processed, total)),
            failed: self.failed,
            recent_records_per_second: per_second(recent, recent_us),
            overall_records_per_second: per_second(self.processed - self.before, self.elapsed_us(until_us)),
            elapsed: duration(self.elapsed_us(now_us)),
            time_left: self
                .total
                .filter(|_| is_working)
                .and_then(|total| time_left(total.saturating_sub(self.processed), recent, recent_us)),
            passes_ended,
        }
    }

    fn elapsed_us(&self, now_us: i64) -> i64 {
        let until_us = self.paused_us.unwrap_or(now_us).min(now_us);
        self.spent_us + (until_us - self.began_us).max(0)
    }
}

fn percent(processed: u64, total: u64) -> u8 {
    if total == 0 {
        return 100;
    }
    let percent = u128::from(processed) * 100 / u128::from(total);
    u8::try_from(percent.min(100)).unwrap_or(100)
}

fn per_second(records: u64, took_us: i64) -> Option<u64> {
    if records == 0 || took_us < MEASURABLE_US {
        return None;
    }
    let rate = u128::from(records) * 1_000_000 / u128::from(took_us.unsigned_abs());
    u64::try_from(rate).ok()
}

/// Estimates the time for this number of records, given the time that `recent` records took.
fn time_left(left: u64, recent: u64, recent_us: i64) -> Option<Duration> {
    if left == 0 {
        return Some(Duration::ZERO);
    }
    per_second(recent, recent_us)?;
    let left_us = u128::from(left) * u128::from(recent_us.unsigned_abs()) / u128::from(recent);
    u64::try_from(left_us).ok().map(Duration::from_micros)
}

fn duration(microseconds: i64) -> Duration {
    Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())
}

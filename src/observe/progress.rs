//! The progress of a verb, computed from its events: records done, rates, and time left.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counted_input::{BytesRead, CountedInput, counted};
use super::pass_progress::PassProgress;
use super::snapshot::{ProgressPhase, ProgressSnapshot};
use super::{Event, Observer};
use crate::environment::Clock;
use crate::ledger::PassKind;
use crate::record::PassId;

/// An observer that computes the progress of a verb from its events. Call [`snapshot`](Self::snapshot) at any time, or
/// register a callback [for updates](Self::on_update).
///
/// ```
/// # use counterfoil::environment::Environment;
/// # use counterfoil::load::{LoadOptions, load};
/// # use counterfoil::observe::Progress;
/// # use counterfoil::store::{Store, StoreOptions};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("bank.db");
/// # let mut store = Store::open_or_create(path, StoreOptions::default(), Environment::default())?;
/// # let input = "{\"id\":\"1\"}\n".as_bytes();
/// let mut progress = Progress::new().on_update(Duration::from_secs(1), |now| {
///     println!("{} records, {} refused, {:?} left", now.processed, now.failed, now.time_left);
/// });
/// load(&mut store, "accounts", "accounts.ndjson", input, &LoadOptions::default(), &mut progress)?;
/// assert_eq!(progress.snapshot().percent, Some(100));
/// # Ok(())
/// # }
/// ```
pub struct Progress<'c> {
    clock: Arc<dyn Clock>,
    /// The passes of this run, by number.
    passes: BTreeMap<PassId, PassProgress>,
    current: Option<PassId>,
    passes_ended: u64,
    /// The byte count, where a load reads an input of a known length.
    bytes: Option<BytesRead>,
    updates: Option<Updates<'c>>,
}

/// The callback, and when to call it.
struct Updates<'c> {
    callback: Box<dyn FnMut(&ProgressSnapshot) + Send + 'c>,
    interval_us: i64,
    /// When the callback was called last, or when the first pass began.
    last_us: Option<i64>,
}

/// A monotonic clock: only the difference between two of its times is meaningful.
struct SteadyClock(Instant);

impl Clock for SteadyClock {
    fn now_us(&self) -> i64 {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

impl Default for Progress<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'c> Progress<'c> {
    /// Creates an observer that uses the machine's monotonic clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SteadyClock(Instant::now())))
    }

    /// Creates an observer that uses another clock, for tests.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            passes: BTreeMap::new(),
            current: None,
            passes_ended: 0,
            bytes: None,
            updates: None,
        }
    }

    /// Calls `callback` with the figures when they have changed, at most once in each `interval`, starting with the
    /// first pass. For the final figures, call [`snapshot`](Self::snapshot) after the verb has returned.
    ///
    /// The callback runs in the thread of the verb, between transactions: the verb waits for it.
    #[must_use]
    pub fn on_update(
        mut self,
        interval: Duration,
        callback: impl FnMut(&ProgressSnapshot) + Send + 'c,
    ) -> Self {
        self.updates = Some(Updates {
            callback: Box::new(callback),
            interval_us: i64::try_from(interval.as_micros()).unwrap_or(i64::MAX),
            last_us: None,
        });
        self
    }

    /// Counts the bytes of an input of a known length, in bytes, so that the number of its records can be estimated
    /// during the load. Pass the returned input to the load instead of the original.
    pub fn counting<R>(&mut self, input: R, length: u64) -> CountedInput<R> {
        let (input, bytes) = counted(input, length);
        self.bytes = Some(bytes);
        input
    }

    /// Returns the current figures of the newest pass.
    #[must_use]
    pub fn snapshot(&self) -> ProgressSnapshot {
        self.snapshot_at(self.clock.now_us())
    }

    /// Returns the figures of a pass by its number, where this run has worked on it.
    #[must_use]
    pub fn pass(&self, number: PassId) -> Option<ProgressSnapshot> {
        let course = self.passes.get(&number)?;
        Some(course.snapshot(self.clock.now_us(), self.passes_ended))
    }

    fn snapshot_at(&self, now_us: i64) -> ProgressSnapshot {
        let course = self.current.and_then(|pass| self.passes.get(&pass));
        course.map_or_else(ProgressSnapshot::default, |course| {
            course.snapshot(now_us, self.passes_ended)
        })
    }

    fn current(&mut self) -> Option<&mut PassProgress> {
        self.passes.get_mut(&self.current?)
    }

    fn begin(&mut self, course: PassProgress) {
        if let Some(earlier) = self.current() {
            earlier.pause();
        }
        self.current = Some(course.pass);
        // A rollback rolls back the batches of several passes alternately, and returns to each pass.
        let is_the_same =
            |earlier: &&mut PassProgress| course.before > 0 && earlier.processed == course.before;
        match self.passes.get_mut(&course.pass).filter(is_the_same) {
            Some(earlier) => earlier.go_on(course.began_us),
            None => drop(self.passes.insert(course.pass, course)),
        }
    }

    fn estimate(&mut self) {
        let bytes = self.bytes.as_ref();
        let course = self.current.and_then(|pass| self.passes.get_mut(&pass));
        if let (Some(bytes), Some(course)) = (bytes, course)
            && course.kind == PassKind::Load
        {
            course.total = bytes.estimate(course.processed);
            course.total_is_estimated = course.total.is_some();
        }
    }

    fn update(&mut self, now_us: i64) {
        let Some(mut updates) = self.updates.take() else {
            return;
        };
        let last_us = *updates.last_us.get_or_insert(now_us);
        if now_us.saturating_sub(last_us) >= updates.interval_us {
            updates.last_us = Some(now_us);
            (updates.callback)(&self.snapshot_at(now_us));
        }
        self.updates = Some(updates);
    }
}

impl Observer for Progress<'_> {
    fn observe(&mut self, event: &Event) {
        let now_us = self.clock.now_us();
        match event {
            Event::PassBegins {
                pass,
                kind,
                stage,
                source,
                target,
                total,
                done,
                refused,
            } => self.begin(PassProgress {
                pass: *pass,
                kind: *kind,
                stage: stage.clone(),
                source: source.clone(),
                target: target.clone(),
                phase: ProgressPhase::Records,
                total: *total,
                total_is_estimated: false,
                before: *done,
                processed: *done,
                failed: *refused,
                spent_us: 0,
                began_us: now_us,
                paused_us: None,
                samples: VecDeque::from([(now_us, *done)]),
            }),
            Event::BatchCommitted { counts, .. } | Event::BatchPlanned { counts, .. } => {
                if let Some(course) = self.current() {
                    course.add(counts, now_us);
                }
                self.estimate();
            }
            Event::IndexBegins { .. } => {
                if let Some(course) = self.current() {
                    course.phase = ProgressPhase::Index;
                }
            }
            Event::PassEnded { counts, .. } => {
                self.passes_ended += 1;
                if let Some(course) = self.current() {
                    course.end(counts, now_us);
                }
            }
            Event::Warning { .. } => return,
        }
        self.update(now_us);
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}

//! The two-thread pipeline of every verb that moves records: one thread reads, transforms and hashes the next batch
//! while this one commits the last. The writer is `SQLite`, and there is one.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::ledger::feed;
use crate::ledger::{Batch, Counts, Sealed, Shape, Step};
use crate::observe::{Event, Observer, StopSignal};
use crate::run::{Pass, Run};
use crate::store::Store;

/// Deep documents and expressions are bounded, but not by the 2 MiB that a thread has by default.
const STACK_BYTES: usize = 32 << 20;

/// The most bytes of records in one batch.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// So many bytes of batches may wait for their commit when the next one is begun: beyond them, the two threads take turns.
pub(crate) const AHEAD_BYTES: usize = BATCH_BYTES * 3 / 2;

/// Makes the batches of a pass, one after the other, in a thread of its own.
pub(crate) trait Producer: Send {
    /// The next batch, or `None` when there is nothing left to read.
    fn next(&mut self, reader: &Reader) -> Result<Option<Batch>>;
}

/// The reading thread's connection.
pub(crate) struct Reader {
    connection: Connection,
    gate: Arc<Mutex<()>>,
}

impl Reader {
    /// A connection of its own beside the run's.
    pub(crate) fn beside(run: &Run<'_>) -> Result<Self> {
        Ok(Self {
            connection: run.store().reader()?,
            gate: run.gate(),
        })
    }

    /// A connection of its own, where nobody commits.
    pub(crate) fn alone(store: &Store) -> Result<Self> {
        Ok(Self {
            connection: store.reader()?,
            gate: Arc::default(),
        })
    }

    /// Reads, in one transaction: each statement by itself would take the file's lock and look for a journal again. Must
    /// end with everything in memory: no statement may stay open, because a reader holds up the commit.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _closed = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = self.connection.unchecked_transaction()?;
        let found = work(&transaction)?;
        transaction.commit()?;
        Ok(found)
    }
}

/// Why a verb stopped before its end. The same command again goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stopped {
    /// Somebody asked.
    Asked,
    /// The time was up.
    Time,
    /// A record broke a contract in the mode `refuse`.
    Contract {
        /// How many records of the pass stand refused by it.
        refused: u64,
    },
    /// More records were refused than allowed.
    ErrorLimit {
        /// How many were refused.
        refused: u64,
        /// How many are allowed.
        limit: u64,
    },
}

/// When to stop early.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) stop: StopSignal,
    pub(crate) deadline: Option<Instant>,
    /// The most refusals of the whole pass.
    pub(crate) refusals: Option<u64>,
    /// Those of its refusals that count no longer.
    pub(crate) settled: u64,
}

impl Bounds {
    pub(crate) fn new(stop: &StopSignal, max_time: Option<Duration>) -> Self {
        Self {
            stop: stop.clone(),
            // A time beyond what the clock can tell is no bound.
            deadline: max_time.and_then(|time| Instant::now().checked_add(time)),
            refusals: None,
            settled: 0,
        }
    }

    /// The same bounds, and at most so many refusals beside those that are settled.
    pub(crate) fn allowing(&self, refusals: u64, settled: u64) -> Self {
        Self {
            refusals: Some(refusals),
            settled,
            ..self.clone()
        }
    }

    pub(crate) fn reached(&self, counts: &Counts) -> Option<Stopped> {
        let refused = counts.refused.saturating_sub(self.settled);
        if let Some(limit) = self.refusals.filter(|limit| refused > *limit) {
            return Some(Stopped::ErrorLimit { refused, limit });
        }
        if self.stop.is_asked() {
            return Some(Stopped::Asked);
        }
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
            .then_some(Stopped::Time)
    }
}

/// Runs a pass from where it stands to its end: data batches, then the index where the target still lacks it, then
/// the end. `counts` holds the outcomes so far and is brought up to date.
pub(crate) fn drive(
    run: &mut Run<'_>,
    pass: &mut Pass,
    producer: impl Producer,
    counts: &mut Counts,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<Option<Stopped>> {
    drive_to(run, pass, producer, counts, bounds, observer, || {
        Batch::new(Step::End)
    })
}

/// As [`drive`], with the batch that ends the pass.
pub(crate) fn drive_to(
    run: &mut Run<'_>,
    pass: &mut Pass,
    producer: impl Producer,
    counts: &mut Counts,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    end: impl FnOnce() -> Batch,
) -> Result<Option<Stopped>> {
    if let Some(stopped) = drive_on(run, pass, producer, counts, bounds, observer)? {
        return Ok(Some(stopped));
    }
    if needs_index(run, pass)? {
        observer.observe(&Event::IndexBegins { pass: pass.row.pass });
        let mut batch = Batch::new(Step::Index);
        batch.shape.push(Shape::CreateIndex);
        bounds.stop.set_indexing(true);
        let built = run.commit_now(pass, batch);
        bounds.stop.set_indexing(false);
        match built {
            Err(error) if error.code() == "interrupted" => return Ok(Some(Stopped::Asked)),
            other => other?,
        }
    }
    run.commit_now(pass, end())?;
    observer.observe(&Event::PassEnded {
        pass: pass.row.pass,
        counts: *counts,
    });
    Ok(None)
}

/// The data batches of a pass alone: more of it is to come.
pub(crate) fn drive_on(
    run: &mut Run<'_>,
    pass: &mut Pass,
    mut producer: impl Producer,
    counts: &mut Counts,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<Option<Stopped>> {
    bounds.stop.watch(run.connection());
    let reader = Reader::beside(run)?;
    let first = run.next_batch();
    let (sender, receiver) = mpsc::sync_channel::<Result<Sealed>>(1);
    let (committed, done) = mpsc::channel::<usize>();
    std::thread::scope(|scope| {
        let work = move || {
            let mut waiting = 0;
            for number in first.. {
                while waiting >= AHEAD_BYTES {
                    let Ok(bytes) = done.recv() else { return };
                    waiting -= bytes;
                }
                let made = producer
                    .next(&reader)
                    .map(|batch| batch.map(|batch| batch.seal(number)));
                let Some(sealed) = made.transpose() else { return };
                let failed = sealed.is_err();
                waiting += sealed.as_ref().map_or(0, Sealed::bytes);
                waiting -= done.try_iter().sum::<usize>();
                // A receiver that is gone means that the run has stopped: what was made ahead is thrown away.
                if sender.send(sealed).is_err() || failed {
                    return;
                }
            }
        };
        spawn_deep(scope, "counterfoil-reader", work)?;
        for sealed in receiver {
            let mut sealed = sealed?;
            run.commit(pass, &mut sealed)?;
            counts.add(&sealed.batch.counts);
            let (pass, batch) = (pass.row.pass, sealed.number);
            observer.observe(&Event::BatchCommitted {
                pass,
                batch,
                counts: sealed.batch.counts,
            });
            let halts = sealed.batch.halts;
            let bytes = sealed.bytes();
            drop(sealed);
            // A producer that is gone has made the last one.
            let _ = committed.send(bytes);
            if halts {
                return Ok(Some(Stopped::Contract {
                    refused: feed::halting(run.connection(), pass)?.len() as u64,
                }));
            }
            if let Some(stopped) = bounds.reached(counts) {
                return Ok(Some(stopped));
            }
        }
        Ok(None)
    })
}

/// Starts a thread with a stack for deep documents.
pub(crate) fn spawn_deep<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 's,
) -> Result<ScopedJoinHandle<'s, T>> {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES);
    thread.spawn_scoped(scope, work).map_err(|source| Error::Io {
        path: "thread".into(),
        source,
    })
}

/// Works on many things on every core, a portion at a time; the results stand in the order of the things.
pub(crate) fn in_portions<I: Sync, O: Send>(
    items: &[I],
    size: usize,
    work: impl Fn(&[I]) -> O + Sync,
) -> Result<Vec<O>> {
    let portions: Vec<&[I]> = items.chunks(size).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(portion) = portions.get(at) else {
                return done;
            };
            done.push((at, work(portion)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done = std::thread::scope(|scope| {
        let mut helpers = Vec::new();
        for _ in 1..cores.min(portions.len()) {
            helpers.push(spawn_deep(scope, "counterfoil-worker", work)?);
        }
        let mut done = work();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        Ok::<_, Error>(done)
    })?;
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Whether the pass filled a target whose index was left for the end.
pub(crate) fn needs_index(run: &Run<'_>, pass: &Pass) -> Result<bool> {
    use crate::ledger::PassKind;
    let Some(target) = &pass.row.target else {
        return Ok(false);
    };
    let table = crate::store::Table::of(target)?;
    let fills = matches!(
        pass.row.kind,
        PassKind::Apply | PassKind::Retry | PassKind::Load | PassKind::Edit
    );
    Ok(fills && table.exists(run.connection())? && !table.has_index(run.connection())?)
}

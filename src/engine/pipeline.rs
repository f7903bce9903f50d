//! The two-thread pipeline of every verb that moves records: one thread reads, transforms and places the next batch
//! while this one commits the last. `SQLite` allows one writer, and this thread is it.

use std::sync::mpsc;

use super::bounds::{Bounds, Stopped};
use super::cores::spawn_deep;
use super::pass::Pass;
use super::reader::ReadConnection;
use super::run::Run;
use super::sink::Sink;
use crate::error::Result;
use crate::ledger::{Batch, BatchKind, Counts, TableChange};
use crate::observe::{Event, Observer};

/// Maximum number of bytes of records in one batch.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// Number of bytes of batches that may wait for their commit when the next one is begun: beyond it, the two threads
/// take turns.
pub(crate) const AHEAD_BYTES: usize = BATCH_BYTES * 3 / 2;

/// Makes the batches of a pass, one after the other, in a separate thread.
pub(crate) trait Producer: Send {
    /// Learns what stops the pass early. A producer that works long before it has a batch looks at it.
    fn bound(&mut self, _: &Bounds) {}

    /// Returns the next batch, or `None` if there is nothing left to read, or if the producer had to stop.
    fn next(&mut self, reader: &ReadConnection) -> Result<Option<Batch>>;

    /// Returns whether the producer had to stop before it had read everything.
    fn was_stopped(&self) -> bool {
        false
    }
}

/// Sends the data batches of a pass from its producer to a sink. `counts` holds the outcomes so far and is updated.
/// Returns the reason if it has to stop before the last batch.
pub(crate) fn drive(
    sink: &mut impl Sink,
    pass: &mut Pass,
    producer: &mut impl Producer,
    counts: &mut Counts,
    bounds: &Bounds,
    observer: &mut dyn Observer,
) -> Result<Option<Stopped>> {
    let reader = sink.open(&bounds.stop)?;
    producer.bound(bounds);
    let made = &mut *producer;
    let (sender, receiver) = mpsc::sync_channel::<Result<Batch>>(1);
    let (taken, done) = mpsc::channel::<usize>();
    let stopped = std::thread::scope(|scope| -> Result<Option<Stopped>> {
        let work = move || {
            let mut waiting = 0;
            loop {
                while waiting >= AHEAD_BYTES {
                    let Ok(bytes) = done.recv() else { return };
                    waiting -= bytes;
                }
                let Some(batch) = made.next(&reader).transpose() else {
                    return;
                };
                let failed = batch.is_err();
                waiting += batch.as_ref().map_or(0, Batch::bytes);
                waiting -= done.try_iter().sum::<usize>();
                // A closed receiver means that the run has stopped: the batches made ahead are discarded.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        spawn_deep(scope, "counterfoil-reader", work)?;
        let mut waiting = 0;
        for batch in receiver {
            let batch = batch?;
            waiting += batch.waiting;
            let (bytes, halts) = (batch.bytes(), batch.halts);
            counts.add(&batch.counts);
            observer.observe(&sink.take(pass, batch)?);
            // A finished producer has made its last batch.
            let _ = taken.send(bytes);
            let stopped = if halts { sink.halted(pass)? } else { None };
            let stopped = stopped.or_else(|| bounds.reached(counts, waiting));
            if stopped.is_some() {
                return Ok(stopped);
            }
        }
        Ok(None)
    })?;
    Ok(stopped.or_else(|| {
        let early = producer.was_stopped();
        early.then(|| bounds.interrupts()).flatten()
    }))
}

/// Runs a pass from its current state to its end: data batches, then the index if the target still lacks it, then
/// `end`.
pub(crate) fn drive_to_end(
    run: &mut Run<'_>,
    pass: &mut Pass,
    producer: &mut impl Producer,
    counts: &mut Counts,
    bounds: &Bounds,
    observer: &mut dyn Observer,
    end: impl FnOnce() -> Batch,
) -> Result<Option<Stopped>> {
    if let Some(stopped) = drive(run, pass, producer, counts, bounds, observer)? {
        return Ok(Some(stopped));
    }
    if pass.owes_index(run.connection())? {
        observer.observe(&Event::IndexBegins { pass: pass.row.pass });
        let mut batch = Batch::new(BatchKind::Index);
        batch.shape.push(TableChange::CreateIndex);
        bounds.stop.set_indexing(true);
        let built = run.commit(pass, batch);
        bounds.stop.set_indexing(false);
        match built {
            Err(error) if error.code() == "interrupted" => return Ok(Some(Stopped::Asked)),
            other => other?,
        };
    }
    run.commit(pass, end())?;
    observer.observe(&Event::PassEnded {
        pass: pass.row.pass,
        counts: *counts,
    });
    Ok(None)
}

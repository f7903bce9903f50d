//! Threads: with a sufficiently deep stack, and one for each core.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use crate::error::{Error, Result};

/// Deep documents and expressions are bounded, but need more than the 2 MiB that a thread has by default.
const STACK_BYTES: usize = 32 << 20;

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

/// Processes many items on every core, a portion at a time; the results are in the order of the items.
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

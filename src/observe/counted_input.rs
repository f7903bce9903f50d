//! An input that counts its bytes while it is read.

use std::io::{Read, Result, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An input that counts its bytes; [`Progress::counting`](super::Progress::counting) creates it.
#[derive(Debug)]
pub struct CountedInput<R> {
    input: R,
    read: Arc<AtomicU64>,
}

/// Number of bytes of an input that were read, and its length.
#[derive(Debug)]
pub(super) struct BytesRead {
    read: Arc<AtomicU64>,
    all: u64,
}

/// Wraps an input of this length in bytes; returns it with its count.
pub(super) fn counted<R>(input: R, all: u64) -> (CountedInput<R>, BytesRead) {
    let read = Arc::default();
    let counted = CountedInput {
        input,
        read: Arc::clone(&read),
    };
    (counted, BytesRead { read, all })
}

impl BytesRead {
    /// Estimates how many records the input holds, from the length of those that were processed.
    pub(super) fn estimate(&self, processed: u64) -> Option<u64> {
        let read = self.read.load(Ordering::Relaxed).max(1);
        let records = u128::from(processed) * u128::from(self.all) / u128::from(read);
        u64::try_from(records).ok().map(|records| records.max(processed))
    }
}

impl<R: Read> Read for CountedInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.input.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

impl<R: Seek> Seek for CountedInput<R> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = self.input.seek(to)?;
        self.read.store(at, Ordering::Relaxed);
        Ok(at)
    }
}

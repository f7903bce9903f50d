//! Sorted runs of pairs in a temporary file, put together when they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bytes::lost;
use crate::error::Result;
use crate::store::SpilledPages;

/// The least and the most bytes of a page. There is one of each run in memory when they are read.
const PAGE: (usize, usize) = (4 << 10, 256 << 10);

/// A key, and what belongs to it.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Runs of pairs, each sorted by its keys.
#[derive(Debug)]
pub(super) struct Runs {
    pages: SpilledPages,
    /// Bytes of a page.
    size: usize,
    /// The first page of each run; the last one of it is before the first of the next.
    starts: Vec<i64>,
    /// The last page that was written.
    last: i64,
}

impl Runs {
    /// Begins, for runs of about so many bytes.
    pub(super) fn of(bytes: usize) -> Result<Self> {
        Ok(Self {
            pages: SpilledPages::new()?,
            size: (bytes / 64).clamp(PAGE.0, PAGE.1),
            starts: Vec::new(),
            last: 0,
        })
    }

    /// Begins a run, which comes after those before it.
    pub(super) fn begin(&mut self) -> Run<'_> {
        self.starts.push(self.last + 1);
        Run {
            runs: self,
            page: Vec::new(),
        }
    }

    /// Ends: the pairs come in order, those of equal keys in the order of their runs.
    pub(super) fn merged(self) -> Result<Merged> {
        let ends = self.starts.iter().skip(1).copied().chain([self.last + 1]);
        let cursors = self.starts.iter().zip(ends).map(|(first, end)| Cursor {
            next: *first,
            end,
            page: Vec::new(),
            at: 0,
        });
        let mut merged = Merged {
            cursors: cursors.collect(),
            pages: self.pages,
            heap: BinaryHeap::new(),
        };
        for run in 0..merged.cursors.len() {
            merged.advance(run)?;
        }
        Ok(merged)
    }
}

/// A run that is being written.
pub(super) struct Run<'r> {
    runs: &'r mut Runs,
    page: Vec<u8>,
}

impl Run<'_> {
    /// Adds a pair, whose key is not less than those before it in the run.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        for bytes in [key, value] {
            // A page is far shorter than 4 GiB, unless it is one pair.
            let length = u32::try_from(bytes.len()).map_err(|_| lost())?;
            self.page.extend_from_slice(&length.to_le_bytes());
        }
        self.page.extend_from_slice(key);
        self.page.extend_from_slice(value);
        if self.page.len() >= self.runs.size {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.runs.last = self.runs.pages.add(&self.page)?;
        self.page.clear();
        Ok(())
    }

    /// Ends the run.
    pub(super) fn end(mut self) -> Result<()> {
        if !self.page.is_empty() {
            self.write()?;
        }
        Ok(())
    }
}

/// Where a run is read.
#[derive(Debug)]
struct Cursor {
    /// The next page to be read, and the first one that is of another run.
    next: i64,
    end: i64,
    page: Vec<u8>,
    at: usize,
}

impl Cursor {
    fn next(&mut self, pages: &SpilledPages) -> Result<Option<Pair>> {
        if self.at == self.page.len() {
            if self.next == self.end {
                self.page = Vec::new();
                self.at = 0;
                return Ok(None);
            }
            self.page = pages.page(self.next)?;
            self.at = 0;
            self.next += 1;
        }
        let mut rest = self.page.get(self.at..).ok_or_else(lost)?;
        let mut length = || -> Option<usize> {
            let (length, more) = rest.split_first_chunk()?;
            rest = more;
            usize::try_from(u32::from_le_bytes(*length)).ok()
        };
        let (key, value) = (length().ok_or_else(lost)?, length().ok_or_else(lost)?);
        let (key, rest) = rest.split_at_checked(key).ok_or_else(lost)?;
        let value = rest.get(..value).ok_or_else(lost)?;
        self.at += 8 + key.len() + value.len();
        Ok(Some((key.to_vec(), value.to_vec())))
    }
}

/// The key of the next pair of a run, the run, and what belongs to the key.
type Next = (Vec<u8>, usize, Vec<u8>);

/// The pairs of all runs in order.
#[derive(Debug)]
pub(super) struct Merged {
    pages: SpilledPages,
    cursors: Vec<Cursor>,
    /// The next pair of each run that has one: by key, then by run.
    heap: BinaryHeap<Reverse<Next>>,
}

impl Merged {
    fn advance(&mut self, run: usize) -> Result<()> {
        if let Some((key, value)) = self.cursors[run].next(&self.pages)? {
            self.heap.push(Reverse((key, run, value)));
        }
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<&[u8]> {
        self.heap.peek().map(|Reverse((key, ..))| key.as_slice())
    }

    pub(super) fn next(&mut self) -> Result<Option<Pair>> {
        let Some(Reverse((key, run, value))) = self.heap.pop() else {
            return Ok(None);
        };
        self.advance(run)?;
        Ok(Some((key, value)))
    }
}

//! Sorting in memory as long as it fits, then in a temporary file.

use std::collections::VecDeque;

use crate::error::Result;
use crate::store::{Pair, Spilled};

/// Bytes of memory for a pair, in addition to its own.
const PAIR_BYTES: usize = 64;
/// Bytes that are read from the temporary file at a time.
const PAGE_BYTES: usize = 1 << 20;

/// Pairs that are to be sorted by their keys.
#[derive(Debug)]
pub(crate) struct Sorting {
    /// Maximum number of bytes in memory.
    limit: usize,
    held: Vec<Pair>,
    bytes: usize,
    spilled: Option<Spilled>,
}

impl Sorting {
    /// Begins with at most so many bytes in memory.
    pub(crate) fn within(limit: usize) -> Self {
        Self {
            limit,
            held: Vec::new(),
            bytes: 0,
            spilled: None,
        }
    }

    /// Adds a pair.
    pub(crate) fn add(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        self.bytes += key.len() + value.len() + PAIR_BYTES;
        self.held.push((key, value));
        if self.bytes > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves what is in memory to the temporary file.
    fn spill(&mut self) -> Result<()> {
        if self.spilled.is_none() {
            self.spilled = Some(Spilled::new()?);
        }
        if let Some(spilled) = &mut self.spilled {
            for (key, value) in self.held.drain(..) {
                spilled.add(&key, &value)?;
            }
        }
        self.bytes = 0;
        Ok(())
    }

    /// Sorts: equal keys stay in the order in which they came.
    pub(crate) fn sorted(mut self) -> Result<Sorted> {
        if self.spilled.is_some() {
            self.spill()?;
        }
        match self.spilled {
            None => {
                self.held.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(Sorted {
                    page: self.held.into(),
                    spilled: None,
                })
            }
            Some(mut spilled) => {
                spilled.sort()?;
                Ok(Sorted {
                    page: VecDeque::new(),
                    spilled: Some(spilled),
                })
            }
        }
    }
}

/// Sorted pairs.
#[derive(Debug)]
pub(crate) struct Sorted {
    page: VecDeque<Pair>,
    spilled: Option<Spilled>,
}

impl Sorted {
    fn fill(&mut self) -> Result<()> {
        if self.page.is_empty()
            && let Some(spilled) = &mut self.spilled
        {
            self.page = spilled.next_page(PAGE_BYTES)?.into();
        }
        Ok(())
    }

    /// Returns the next key without taking it.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>> {
        self.fill()?;
        Ok(self.page.front().map(|(key, _)| key.as_slice()))
    }

    /// Returns the next pair.
    pub(crate) fn next(&mut self) -> Result<Option<Pair>> {
        self.fill()?;
        Ok(self.page.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_in_order_whether_they_fit_or_not() {
        for limit in [1, 300, 1 << 20] {
            let mut sorting = Sorting::within(limit);
            for at in 0..100_u8 {
                sorting.add(vec![at * 7 % 10], vec![at]).unwrap();
            }
            let mut sorted = sorting.sorted().unwrap();
            let mut last = (0, None);
            let mut count = 0;
            while let Some((key, value)) = sorted.next().unwrap() {
                let here = (key[0], Some(value[0]));
                assert!(last < here, "{last:?} {here:?}");
                (last, count) = (here, count + 1);
            }
            assert_eq!(count, 100);
        }
    }
}

//! Sorting in memory as long as it fits, then as sorted runs in a temporary file.

use std::ops::Range;

use super::runs::{Merged, Pair, Runs};
use crate::error::Result;

/// Bytes of memory for a pair, in addition to its own.
const PAIR_BYTES: usize = 32;

/// Pairs that are to be sorted by their keys.
#[derive(Debug)]
pub(crate) struct Sorting {
    /// Maximum number of bytes in memory.
    limit: usize,
    held: Held,
    runs: Option<Runs>,
}

/// Pairs in one buffer, each its key and then its value.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    pairs: Vec<Place>,
}

/// Where a pair begins, where its key ends, and where it ends.
#[derive(Clone, Copy, Debug)]
struct Place {
    begin: usize,
    key: usize,
    end: usize,
}

impl Held {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let key = self.bytes.len();
        self.bytes.extend_from_slice(value);
        let end = self.bytes.len();
        self.pairs.push(Place { begin, key, end });
    }

    fn key(&self, place: Place) -> &[u8] {
        &self.bytes[place.begin..place.key]
    }

    fn value(&self, place: Place) -> &[u8] {
        &self.bytes[place.key..place.end]
    }

    /// Sorts: equal keys stay in the order in which they came.
    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.pairs
            .sort_by(|a, b| bytes[a.begin..a.key].cmp(&bytes[b.begin..b.key]));
    }
}

impl Sorting {
    /// Begins with at most so many bytes in memory.
    pub(crate) fn within(limit: usize) -> Self {
        Self {
            limit,
            held: Held::default(),
            runs: None,
        }
    }

    /// Adds a pair.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.held.add(key, value);
        if self.held.bytes.len() + self.held.pairs.len() * PAIR_BYTES > self.limit {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves what is in memory to the temporary file.
    fn spill(&mut self) -> Result<()> {
        if self.runs.is_none() {
            self.runs = Some(Runs::of(self.limit)?);
        }
        let Some(runs) = &mut self.runs else { return Ok(()) };
        self.held.sort();
        let mut run = runs.begin();
        for place in &self.held.pairs {
            run.add(self.held.key(*place), self.held.value(*place))?;
        }
        run.end()?;
        self.held.bytes.clear();
        self.held.pairs.clear();
        Ok(())
    }

    /// Sorts: equal keys stay in the order in which they came.
    pub(crate) fn sorted(mut self) -> Result<Sorted> {
        if self.runs.is_some() {
            self.spill()?;
        }
        if let Some(runs) = self.runs {
            return Ok(Sorted(Pairs::Merged(runs.merged()?)));
        }
        self.held.sort();
        let rest = 0..self.held.pairs.len();
        Ok(Sorted(Pairs::Held(self.held, rest)))
    }
}

/// Sorted pairs.
#[derive(Debug)]
pub(crate) struct Sorted(Pairs);

#[derive(Debug)]
enum Pairs {
    /// With the places of those that are left.
    Held(Held, Range<usize>),
    Merged(Merged),
}

impl Sorted {
    /// Returns the next key without taking it.
    pub(crate) fn peek(&self) -> Option<&[u8]> {
        match &self.0 {
            Pairs::Held(held, rest) => held.pairs.get(rest.start).map(|place| held.key(*place)),
            Pairs::Merged(merged) => merged.peek(),
        }
    }

    /// Returns the next pair.
    pub(crate) fn next(&mut self) -> Result<Option<Pair>> {
        match &mut self.0 {
            Pairs::Held(held, rest) => {
                let place = rest.next().map(|at| held.pairs[at]);
                Ok(place.map(|place| (held.key(place).to_vec(), held.value(place).to_vec())))
            }
            Pairs::Merged(merged) => merged.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs with few keys, short and longer than a page, in no order.
    fn pairs() -> Vec<Pair> {
        let key = |at: usize| vec![b'k'; at * 7 % 10];
        let value = |at: usize| [&at.to_be_bytes()[..], &vec![0; at * 53 % 9_000]].concat();
        (0..300).map(|at| (key(at), value(at))).collect()
    }

    #[test]
    fn pairs_come_in_order_whether_they_fit_or_not() {
        let mut expected = pairs();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        for limit in [0, 1, 20_000, 500_000, 64 << 20] {
            let mut sorting = Sorting::within(limit);
            for (key, value) in pairs() {
                sorting.add(&key, &value).unwrap();
            }
            assert_eq!(sorting.runs.is_some(), limit < 1 << 20, "{limit}");
            let mut sorted = sorting.sorted().unwrap();
            for pair in &expected {
                assert_eq!(sorted.peek(), Some(pair.0.as_slice()));
                assert_eq!(sorted.next().unwrap().as_ref(), Some(pair));
            }
            assert_eq!(sorted.next().unwrap(), None);
        }
    }
}
